# SPDX-License-Identifier: Apache-2.0
# Language, warnings and optimisation; nothing here names a source file.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

if(FASTMQ_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT fastmq_has_ipo LANGUAGES C OUTPUT fastmq_ipo_output)
    if(fastmq_has_ipo)
        set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    endif()
endif()

if(FASTMQ_SANITIZE)
    add_compile_options(
        "-fsanitize=${FASTMQ_SANITIZE}"
        -fno-sanitize-recover=all
        -fno-omit-frame-pointer
        -g
    )
    add_link_options("-fsanitize=${FASTMQ_SANITIZE}")
endif()

# Our own code links this; generated code does not.
add_library(fastmq_warnings INTERFACE)
target_compile_options(
    fastmq_warnings
    INTERFACE
        -Wall
        -Wextra
        -Wpedantic
        -Wconversion
        -Wshadow
        -Wstrict-prototypes
        -Wmissing-prototypes
        -Wvla
        $<$<BOOL:${FASTMQ_WERROR}>:-Werror>
)
