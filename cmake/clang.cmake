# SPDX-License-Identifier: Apache-2.0
# Toolchain of the fuzz preset: libFuzzer comes with clang, which distributions
# install under a versioned name.
find_program(
    FASTMQ_CLANG
    NAMES clang clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14
    REQUIRED
)
set(CMAKE_C_COMPILER "${FASTMQ_CLANG}")
