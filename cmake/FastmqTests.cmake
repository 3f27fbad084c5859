# SPDX-License-Identifier: Apache-2.0
# Every tests/c/test_*.c is one CTest unit; every tests/fuzz/fuzz_*.c one fuzz target.

set(fastmq_test_environment
    "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=halt_on_error=1"
)

function(fastmq_add_test_program name)
    add_executable(${name} ${ARGN})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/c")
    target_link_libraries(${name} PRIVATE fastmq_core fastmq_warnings)
    if(FASTMQ_SANITIZE)
        target_compile_definitions(${name} PRIVATE CHECK_SLOWNESS=10)
    endif()
    # AddressSanitizer makes optimising cost more than anything else of a build; what the
    # optimiser warns of in tests, it says under ThreadSanitizer.
    if(FASTMQ_SANITIZE MATCHES "address")
        target_compile_options(${name} PRIVATE -O0)
    endif()
endfunction()

file(GLOB unit_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/c/test_*.c")
foreach(source IN LISTS unit_sources)
    cmake_path(GET source STEM name)
    fastmq_add_test_program(${name} "${source}")
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(
        ${name}
        PROPERTIES TIMEOUT 180 ENVIRONMENT "${fastmq_test_environment}"
    )
endforeach()

# What stands on the loop runs on the other pollers as well: the loop itself on each, and
# on one that does not nest (csrc/session/set.c) all that has sockets.
set(loop_tests test_poller test_io test_io_events)
set(socket_tests
    test_churn
    test_ctx
    test_batch
    test_data
    test_endpoints
    test_gather
    test_inproc_sockets
    test_links
    test_monitor
    test_names
    test_nap
    test_nomem
    test_offer
    test_options
    test_poll
    test_session_errors
    test_session_read
    test_session_write
    test_shell
    test_socket
    test_spin
    test_stress
    test_tcp
    test_term
    test_wait
)
if("poll" IN_LIST fastmq_pollers AND NOT fastmq_pollers STREQUAL "poll")
    foreach(name IN LISTS loop_tests socket_tests)
        add_test(NAME ${name}-poll COMMAND ${name})
        set_tests_properties(
            ${name}-poll
            PROPERTIES
                TIMEOUT 180
                ENVIRONMENT "${fastmq_test_environment};FASTMQ_POLLER=poll"
        )
    endforeach()
endif()

# Where there is no kqueue its poller runs over a stand-in: with these objects in it a
# program has one back end more than the library.
if(FASTMQ_HAS_EPOLL AND NOT FASTMQ_HAS_KQUEUE)
    set(with_kqueue ${fastmq_poller_definitions})
    list(TRANSFORM with_kqueue REPLACE "KQUEUE=0" "KQUEUE=1")
    add_library(
        fastmq_fake_kqueue
        OBJECT
        "${PROJECT_SOURCE_DIR}/csrc/loop/poller.c"
        "${PROJECT_SOURCE_DIR}/csrc/loop/poller_kqueue.c"
        "${PROJECT_SOURCE_DIR}/tests/c/fake/fake_kqueue.c"
    )
    target_include_directories(
        fastmq_fake_kqueue
        PUBLIC "${PROJECT_SOURCE_DIR}/tests/c/fake"
        PRIVATE "${PROJECT_SOURCE_DIR}/csrc"
    )
    target_compile_definitions(fastmq_fake_kqueue PRIVATE _GNU_SOURCE ${with_kqueue})
    target_link_libraries(fastmq_fake_kqueue PRIVATE fastmq_warnings)

    set(kqueue_sources fake/test_kqueue.c)
    foreach(name IN LISTS loop_tests)
        list(APPEND kqueue_sources ${name}.c)
    endforeach()
    foreach(source IN LISTS kqueue_sources)
        cmake_path(GET source STEM name)
        fastmq_add_test_program(
            ${name}-kqueue
            "${PROJECT_SOURCE_DIR}/tests/c/${source}"
        )
        target_link_libraries(${name}-kqueue PRIVATE fastmq_fake_kqueue)
        add_test(NAME ${name}-kqueue COMMAND ${name}-kqueue)
        set_tests_properties(
            ${name}-kqueue
            PROPERTIES
                TIMEOUT 180
                ENVIRONMENT "${fastmq_test_environment};FASTMQ_POLLER=kqueue"
        )
    endforeach()
endif()

# With FASTMQ_FUZZ a target is a libFuzzer program; otherwise a small main feeds it
# its committed corpus once, as an ordinary test.
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
foreach(source IN LISTS fuzz_sources)
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "^fuzz_" "" corpus "${name}")
    set(corpus_dir "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus}")
    if(FASTMQ_FUZZ)
        fastmq_add_test_program(${name} "${source}")
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        add_test(NAME ${name} COMMAND ${name} -runs=0 "${corpus_dir}")
    else()
        fastmq_add_test_program(
            ${name}
            "${source}"
            "${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c"
        )
        add_test(NAME ${name} COMMAND ${name} "${corpus_dir}")
    endif()
    set_tests_properties(
        ${name}
        PROPERTIES TIMEOUT 180 ENVIRONMENT "${fastmq_test_environment}"
    )
endforeach()

# With LTO an archive holds no ordinary symbols to list.
if(CMAKE_NM AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    add_test(
        NAME exports
        COMMAND
            "${CMAKE_COMMAND}" "-DNM=${CMAKE_NM}" "-DARCHIVE=$<TARGET_FILE:fastmq_core>"
            -P "${PROJECT_SOURCE_DIR}/cmake/check_exports.cmake"
    )
    set_tests_properties(exports PROPERTIES TIMEOUT 180)
endif()

if(CMAKE_NM AND TARGET fastmq AND NOT APPLE)
    add_test(
        NAME exports_library
        COMMAND
            "${CMAKE_COMMAND}" "-DNM=${CMAKE_NM}" "-DLIBRARY=$<TARGET_FILE:fastmq>"
            "-DINCLUDE=${PROJECT_SOURCE_DIR}/csrc/include" -P
            "${PROJECT_SOURCE_DIR}/cmake/check_library.cmake"
    )
    set_tests_properties(exports_library PROPERTIES TIMEOUT 180)
endif()
