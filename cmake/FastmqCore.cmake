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

# Optional libraries: auto takes what is there, on insists, off never looks.
# Headers and library are looked for directly, so pkg-config is not needed.
if(NOT FASTMQ_SODIUM MATCHES "^(off|OFF|0|FALSE|false)$")
    find_path(FASTMQ_SODIUM_INCLUDE sodium.h)
    find_library(FASTMQ_SODIUM_LIBRARY sodium)
    mark_as_advanced(FASTMQ_SODIUM_INCLUDE FASTMQ_SODIUM_LIBRARY)
    if(FASTMQ_SODIUM_INCLUDE AND FASTMQ_SODIUM_LIBRARY)
        message(STATUS "fastmq: libsodium ${FASTMQ_SODIUM_LIBRARY}")
        target_include_directories(
            fastmq_core
            SYSTEM
            PRIVATE "${FASTMQ_SODIUM_INCLUDE}"
        )
        target_compile_definitions(fastmq_core PRIVATE FMQ_HAVE_SODIUM=1)
        target_link_libraries(fastmq_core PRIVATE "${FASTMQ_SODIUM_LIBRARY}")
    elseif(FASTMQ_SODIUM STREQUAL "auto")
        message(STATUS "fastmq: libsodium not found, building without CURVE")
    else()
        message(
            FATAL_ERROR
            "FASTMQ_SODIUM=${FASTMQ_SODIUM}, but libsodium was not found"
        )
    endif()
endif()

# MIT's: others have no such header. libkrb5-dev of Debian keeps the libraries' links
# where a compiler looks.
if(NOT FASTMQ_GSSAPI MATCHES "^(off|OFF|0|FALSE|false)$")
    find_path(FASTMQ_GSSAPI_INCLUDE gssapi/gssapi_ext.h)
    find_library(FASTMQ_GSSAPI_LIBRARY gssapi_krb5)
    mark_as_advanced(FASTMQ_GSSAPI_INCLUDE FASTMQ_GSSAPI_LIBRARY)
    if(FASTMQ_GSSAPI_INCLUDE AND FASTMQ_GSSAPI_LIBRARY)
        message(STATUS "fastmq: Kerberos ${FASTMQ_GSSAPI_LIBRARY}")
        target_include_directories(
            fastmq_core
            SYSTEM
            PRIVATE "${FASTMQ_GSSAPI_INCLUDE}"
        )
        target_compile_definitions(fastmq_core PRIVATE FMQ_HAVE_GSSAPI=1)
        target_link_libraries(fastmq_core PRIVATE "${FASTMQ_GSSAPI_LIBRARY}")
    elseif(FASTMQ_GSSAPI STREQUAL "auto")
        message(STATUS "fastmq: Kerberos not found, building without GSSAPI")
    else()
        message(
            FATAL_ERROR
            "FASTMQ_GSSAPI=${FASTMQ_GSSAPI}, but libgssapi_krb5 was not found"
        )
    endif()
endif()
