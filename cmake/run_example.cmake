# SPDX-License-Identifier: Apache-2.0
# Run as a test: the example PROGRAM prints what the head of its SOURCE says, and no more.

file(READ "${SOURCE}" text)
string(REGEX REPLACE "^/[^\n]*\n" "" text "${text}") # the licence
string(REGEX REPLACE "\\*/.*" "" head "${text}")
string(REGEX REPLACE "^.*\n \\* Prints:\n" "" head "${head}")
string(REGEX MATCHALL "\n \\*     [^\n]*" lines "${head}")
set(expected)
foreach(line IN LISTS lines)
    string(REGEX REPLACE "^\n \\*     " "" line "${line}")
    string(APPEND expected "${line}\n")
endforeach()

execute_process(
    COMMAND "${PROGRAM}"
    TIMEOUT 40
    OUTPUT_VARIABLE printed
    ERROR_VARIABLE complaints
    RESULT_VARIABLE result
)
if(NOT result EQUAL 0 OR NOT complaints STREQUAL "" OR expected STREQUAL "")
    message(FATAL_ERROR "${result}: ${printed}${complaints}")
endif()
if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "printed:\n${printed}and not:\n${expected}")
endif()
