# SPDX-License-Identifier: Apache-2.0
# Run as a test: every global symbol the archive defines begins with fmq_, or is one of
# zmq.h's functions, so the core can be linked into any program without taking its names.

execute_process(
    COMMAND "${NM}" --defined-only --extern-only --format=posix "${ARCHIVE}"
    OUTPUT_VARIABLE listing
    COMMAND_ERROR_IS_FATAL ANY
)
string(REPLACE "\n" ";" lines "${listing}")
set(n_symbols 0)
set(strangers)
foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([A-Za-z_][^ ]*) ([A-Za-z]) ")
        continue()
    endif()
    set(symbol "${CMAKE_MATCH_1}")
    # Names beginning with two underscores are the sanitizers' own.
    if(symbol MATCHES "^__")
        continue()
    endif()
    math(EXPR n_symbols "${n_symbols} + 1")
    if(NOT symbol MATCHES "^(fmq_|zmq_[a-z])")
        list(APPEND strangers "${symbol}")
    endif()
endforeach()
message(STATUS "${n_symbols} global symbols")
if(strangers)
    list(JOIN strangers ", " text)
    message(FATAL_ERROR "global symbols without the fmq_ prefix: ${text}")
endif()
