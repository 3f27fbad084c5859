# SPDX-License-Identifier: Apache-2.0
# Run as a test: the shared library shows what its headers declare, and nothing else,
# under a name of its own.

set(declared)
foreach(header IN ITEMS zmq.h fastmq.h)
    file(READ "${INCLUDE}/${header}" text)
    string(
        REGEX MATCHALL "(ZMQ_EXPORT|FMQ_API)[ \n][^;(]*[ \n*](zmq|fmq)_[a-z0-9_]+\\("
        found
        "${text}"
    )
    foreach(declaration IN LISTS found)
        string(REGEX MATCH "[a-z0-9_]+\\($" name "${declaration}")
        string(REPLACE "(" "" name "${name}")
        list(APPEND declared "${name}")
    endforeach()
endforeach()

execute_process(
    COMMAND "${NM}" --dynamic --defined-only --format=posix "${LIBRARY}"
    OUTPUT_VARIABLE listing
    COMMAND_ERROR_IS_FATAL ANY
)
string(REPLACE "\n" ";" lines "${listing}")
set(shown)
foreach(line IN LISTS lines)
    # Names beginning with two underscores are the sanitizers' own.
    if(line MATCHES "^([A-Za-z][^ ]*) [A-Za-z] ")
        list(APPEND shown "${CMAKE_MATCH_1}")
    endif()
endforeach()

list(LENGTH declared n_declared)
list(LENGTH shown n_shown)
message(STATUS "${n_declared} declared, ${n_shown} shown")
set(missing ${declared})
list(REMOVE_ITEM missing ${shown})
set(strangers ${shown})
list(REMOVE_ITEM strangers ${declared})
if(missing OR strangers OR n_shown LESS 100)
    message(
        FATAL_ERROR
        "declared and not shown: ${missing}; not declared: ${strangers}"
    )
endif()
