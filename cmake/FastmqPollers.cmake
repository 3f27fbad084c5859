# SPDX-License-Identifier: Apache-2.0
# Which pollers (csrc/loop) are built in. auto takes what the system has, on insists, off
# leaves it out. Where several are there the best is used, unless FASTMQ_POLLER in the
# environment names another.

include(CheckIncludeFile)

check_include_file(sys/epoll.h FASTMQ_HAS_EPOLL)
# These headers lean on others.
include(CheckSymbolExists)
check_symbol_exists(kqueue "sys/types.h;sys/event.h;sys/time.h" FASTMQ_HAS_KQUEUE)
check_symbol_exists(poll "poll.h" FASTMQ_HAS_POLL)

set(fastmq_pollers)
set(fastmq_poller_definitions)
foreach(poller IN ITEMS EPOLL KQUEUE POLL)
    set(FASTMQ_POLLER_${poller} auto CACHE STRING "Poller ${poller}: auto, on or off")
    set_property(CACHE FASTMQ_POLLER_${poller} PROPERTY STRINGS auto on off)
    string(TOLOWER "${FASTMQ_POLLER_${poller}}" wish)
    set(is_there 0)
    if(wish STREQUAL "auto" OR wish)
        if(FASTMQ_HAS_${poller})
            set(is_there 1)
            string(TOLOWER "${poller}" name)
            list(APPEND fastmq_pollers ${name})
        elseif(NOT wish STREQUAL "auto")
            message(
                FATAL_ERROR
                "FASTMQ_POLLER_${poller}=${FASTMQ_POLLER_${poller}}, but this system has none"
            )
        endif()
    endif()
    list(APPEND fastmq_poller_definitions FMQ_POLLER_${poller}=${is_there})
endforeach()
if(NOT fastmq_pollers)
    message(FATAL_ERROR "fastmq: no poller is left")
endif()
list(JOIN fastmq_pollers ", " fastmq_poller_names)
message(STATUS "fastmq: pollers ${fastmq_poller_names}")
