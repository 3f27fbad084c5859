# SPDX-License-Identifier: Apache-2.0
# fastmq_core: the C core as one static library, layers in their order.

find_package(Threads REQUIRED)
include(FastmqPollers)

set(fastmq_layers
    base
    msg
    wire
    pipe
    loop
    security
    transport
    pattern
    session
    socket
    capi
)

set(fastmq_core_sources)
foreach(layer IN LISTS fastmq_layers)
    file(GLOB layer_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/csrc/${layer}/*.c")
    list(APPEND fastmq_core_sources ${layer_sources})
endforeach()
if(NOT fastmq_core_sources)
    file(WRITE "${PROJECT_BINARY_DIR}/empty.c" "typedef int fmq__empty;\n")
    set(fastmq_core_sources "${PROJECT_BINARY_DIR}/empty.c")
endif()

add_library(fastmq_core STATIC ${fastmq_core_sources})
target_include_directories(
    fastmq_core
    PUBLIC "${PROJECT_SOURCE_DIR}/csrc" "${PROJECT_SOURCE_DIR}/csrc/include"
)
target_compile_definitions(
    fastmq_core
    PUBLIC _GNU_SOURCE ${fastmq_poller_definitions}
    PRIVATE
        FMQ_VERSION_MAJOR=${PROJECT_VERSION_MAJOR}
        FMQ_VERSION_MINOR=${PROJECT_VERSION_MINOR}
        FMQ_VERSION_PATCH=${PROJECT_VERSION_PATCH}
        FMQ_VERSION_STRING="${PROJECT_VERSION}"
)
target_link_libraries(fastmq_core PUBLIC Threads::Threads PRIVATE fastmq_warnings)
set_target_properties(fastmq_core PROPERTIES OUTPUT_NAME fastmq)
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # So that a linker without our compiler's plug-in can use the archive, too.
    target_compile_options(fastmq_core PRIVATE -ffat-lto-objects)
endif()

# An optional library: auto takes what is there, on insists, off never looks. The header
# and the library are looked for directly, so pkg-config is not needed.
function(fastmq_use name header library without)
    if(FASTMQ_${name} MATCHES "^(off|OFF|0|FALSE|false)$")
        return()
    endif()
    find_path(FASTMQ_${name}_INCLUDE ${header})
    find_library(FASTMQ_${name}_LIBRARY ${library})
    mark_as_advanced(FASTMQ_${name}_INCLUDE FASTMQ_${name}_LIBRARY)
    if(FASTMQ_${name}_INCLUDE AND FASTMQ_${name}_LIBRARY)
        message(STATUS "fastmq: lib${library} ${FASTMQ_${name}_LIBRARY}")
        target_include_directories(
            fastmq_core
            SYSTEM
            PRIVATE "${FASTMQ_${name}_INCLUDE}"
        )
        target_compile_definitions(fastmq_core PRIVATE FMQ_HAVE_${name}=1)
        target_link_libraries(fastmq_core PRIVATE "${FASTMQ_${name}_LIBRARY}")
    elseif(FASTMQ_${name} STREQUAL "auto")
        message(STATUS "fastmq: lib${library} not found, building without ${without}")
    else()
        message(
            FATAL_ERROR
            "FASTMQ_${name}=${FASTMQ_${name}}, but lib${library} was not found"
        )
    endif()
endfunction()

fastmq_use(SODIUM sodium.h sodium CURVE)
# MIT's: others have no such header. libkrb5-dev of Debian keeps the libraries' links
# where a compiler looks.
fastmq_use(GSSAPI gssapi/gssapi_ext.h gssapi_krb5 GSSAPI)
