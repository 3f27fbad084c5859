# SPDX-License-Identifier: Apache-2.0
# Every bench/c/bench_*.c is one program; they are run by hand.

file(GLOB bench_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/c/bench_*.c")
foreach(source IN LISTS bench_sources)
    cmake_path(GET source STEM name)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE fastmq_core fastmq_warnings)
endforeach()
