# SPDX-License-Identifier: Apache-2.0
# What C programs link: libfastmq, shared and static, with its headers and pkg-config
# files. Not part of the wheel, whose extension has the core inside and shows nothing.

include(GNUInstallDirs)

# The core's own objects stay hidden; the interface is compiled once more, to be seen.
file(GLOB capi_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/csrc/capi/*.c")
add_library(fastmq SHARED ${capi_sources})
target_compile_definitions(
    fastmq
    PRIVATE FMQ_BUILDING_SHARED FMQ_VERSION_STRING="${PROJECT_VERSION}"
)
target_include_directories(
    fastmq
    INTERFACE
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/csrc/include>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
)
target_link_libraries(fastmq PRIVATE fastmq_core fastmq_warnings)
set_target_properties(
    fastmq
    PROPERTIES VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}"
)
if(NOT APPLE)
    # Calls inside the library do not go through the program's table; and a dlclose lets it
    # stay, because threads that have used it call it once more when they end.
    target_link_options(
        fastmq
        PRIVATE "LINKER:-Bsymbolic-functions" "LINKER:-z,nodelete"
    )
    if(NOT FASTMQ_SANITIZE)
        target_link_options(fastmq PRIVATE "LINKER:-z,defs")
    endif()
endif()

set(public_headers fastmq.h zmq.h zmq_utils.h)
list(TRANSFORM public_headers PREPEND "${PROJECT_SOURCE_DIR}/csrc/include/")
install(FILES ${public_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS fastmq EXPORT fastmq LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(TARGETS fastmq_core ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")

# --- CMake: find_package(fastmq), fastmq::fastmq ---

include(CMakePackageConfigHelpers)
set(fastmq_package "${CMAKE_INSTALL_LIBDIR}/cmake/fastmq")
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/fastmqConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion
)
install(
    EXPORT fastmq
    FILE fastmqConfig.cmake
    NAMESPACE fastmq::
    DESTINATION "${fastmq_package}"
)
install(
    FILES "${PROJECT_BINARY_DIR}/fastmqConfigVersion.cmake"
    DESTINATION "${fastmq_package}"
)

# --- pkg-config ---

set(fastmq_private_libs "-pthread")
if(FASTMQ_SODIUM_LIBRARY)
    string(APPEND fastmq_private_libs " -lsodium")
endif()
if(FASTMQ_GSSAPI_LIBRARY)
    string(APPEND fastmq_private_libs " -lgssapi_krb5")
endif()
set(fastmq_as_version "4.3.5")

# They say where they are by where they lie, so the prefix may be moved; a folder for
# libraries that was given by its whole path may not.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(fastmq_pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(fastmq_pc_libdir "${CMAKE_INSTALL_LIBDIR}")
    set(fastmq_link_folder "${CMAKE_INSTALL_LIBDIR}")
else()
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(fastmq_pc_prefix "\${pcfiledir}/${up}")
    set(fastmq_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(fastmq_link_folder "\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(fastmq_pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
    set(fastmq_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

function(fastmq_install_pc name version)
    configure_file(
        "${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in"
        "${PROJECT_BINARY_DIR}/${name}.pc"
        @ONLY
    )
    install(
        FILES "${PROJECT_BINARY_DIR}/${name}.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
    )
endfunction()
fastmq_install_pc(fastmq "${PROJECT_VERSION}")

# --- in libzmq's place ---

# Programs that were linked with libzmq ask for libzmq.so.5. That is a library of its own
# with nothing in it but the need of libfastmq, and no link: ldconfig knows libraries by
# the name inside them, and a process that has both names still has one core.
if(FASTMQ_AS_LIBZMQ)
    file(
        WRITE "${PROJECT_BINARY_DIR}/libzmq.c"
        "/* SPDX-License-Identifier: Apache-2.0 */\nextern int fmq_libzmq;\n"
    )
    add_library(fastmq_libzmq SHARED "${PROJECT_BINARY_DIR}/libzmq.c")
    set_target_properties(
        fastmq_libzmq
        PROPERTIES OUTPUT_NAME zmq VERSION 5.2.5 SOVERSION 5 INSTALL_RPATH "$ORIGIN"
    )
    target_link_options(fastmq_libzmq PRIVATE "LINKER:--no-as-needed")
    target_link_libraries(fastmq_libzmq PRIVATE fastmq)
    install(
        TARGETS fastmq_libzmq
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" NAMELINK_SKIP
    )
    # What is linked anew has the symbols from where they are.
    install(
        CODE
            "file(CREATE_LINK libfastmq.so
            \"\$ENV{DESTDIR}${fastmq_link_folder}/libzmq.so\" SYMBOLIC)"
    )
    fastmq_install_pc(libzmq "${fastmq_as_version}")
endif()
