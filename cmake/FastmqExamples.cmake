# SPDX-License-Identifier: Apache-2.0
# The programs of examples/c, built without a warning and run as tests. Those who install
# fastmq build them with examples/c/CMakeLists.txt.

set(examples "${PROJECT_SOURCE_DIR}/examples/c")
set(example_warnings
    -Wall
    -Wextra
    -Wpedantic
    -Wconversion
    -Wshadow
    $<$<BOOL:${FASTMQ_WERROR}>:-Werror>
)

function(fastmq_add_example source)
    cmake_path(GET source STEM name)
    add_executable(example_${name} "${source}")
    target_compile_options(example_${name} PRIVATE ${example_warnings})
    target_link_libraries(example_${name} PRIVATE fastmq Threads::Threads)
    add_test(
        NAME example_${name}
        COMMAND
            "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:example_${name}>"
            "-DSOURCE=${source}" -P "${PROJECT_SOURCE_DIR}/cmake/run_example.cmake"
    )
    set_tests_properties(
        example_${name}
        PROPERTIES TIMEOUT 60 ENVIRONMENT "${fastmq_test_environment}"
    )
endfunction()

file(GLOB example_sources CONFIGURE_DEPENDS "${examples}/*.c")
include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
    set(CMAKE_CXX_STANDARD 17)
    list(APPEND example_sources "${examples}/requests_cpp.cc")
    find_path(FASTMQ_CPPZMQ_INCLUDE zmq_addon.hpp)
    mark_as_advanced(FASTMQ_CPPZMQ_INCLUDE)
    if(FASTMQ_CPPZMQ_INCLUDE)
        list(APPEND example_sources "${examples}/poll_cppzmq.cc")
    endif()
endif()
foreach(source IN LISTS example_sources)
    fastmq_add_example("${source}")
endforeach()
