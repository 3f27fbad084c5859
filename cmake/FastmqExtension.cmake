# SPDX-License-Identifier: Apache-2.0
# fastmq._core: the Cython binding with the C core linked in; built for the wheel only.

find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)

set(pyx "${PROJECT_SOURCE_DIR}/fastmq/_core.pyx")
if(NOT EXISTS "${pyx}")
    message(WARNING "fastmq: no fastmq/_core.pyx, the wheel will hold no extension")
    return()
endif()
file(
    GLOB pyx_parts
    CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/fastmq/*.pxi"
    "${PROJECT_SOURCE_DIR}/fastmq/*.pxd"
)
set(generated "${PROJECT_BINARY_DIR}/_core.c")
add_custom_command(
    OUTPUT "${generated}"
    COMMAND
        Python::Interpreter -m cython -3 --module-name fastmq._core -I fastmq
        fastmq/_core.pyx -o "${generated}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" # tracebacks say fastmq/_socket.pxi
    DEPENDS "${pyx}" ${pyx_parts}
    COMMENT "Translating fastmq/_core.pyx"
    VERBATIM
)

python_add_library(_core MODULE WITH_SOABI "${generated}")
target_link_libraries(_core PRIVATE fastmq_core)
# Cython keeps the code objects of tracebacks by line, of whatever file; with the line in
# C there is one for each place, and no function bears another one's name.
target_compile_definitions(_core PRIVATE CYTHON_CLINE_IN_TRACEBACK=1)
target_compile_options(_core PRIVATE "-fmacro-prefix-map=${PROJECT_BINARY_DIR}/=")

# Python needs one symbol of us; everything else stays inside, so two copies of the
# core in a process (or a program's own names) never meet.
set(export_map "${PROJECT_SOURCE_DIR}/cmake/extension.map")
target_link_options(_core PRIVATE "LINKER:--version-script=${export_map}")
set_target_properties(_core PROPERTIES LINK_DEPENDS "${export_map}")
install(TARGETS _core LIBRARY DESTINATION fastmq COMPONENT python)
