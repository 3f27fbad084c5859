/* SPDX-License-Identifier: Apache-2.0 */
/* event: what a socket's monitor is told: the life of its connections.
 *
 * Threads: told by whoever sees it, not under L; the texts are borrowed for the call.
 */
#ifndef FMQ_SESSION_EVENT_H
#define FMQ_SESSION_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* As numbered in zmq.h; what `value` is. */
enum {
    FMQ__EVENT_CONNECTED = 0x1,          /* the descriptor */
    FMQ__EVENT_CONNECT_DELAYED = 0x2,    /* errno */
    FMQ__EVENT_CONNECT_RETRIED = 0x4,    /* ms until the next attempt */
    FMQ__EVENT_LISTENING = 0x8,          /* the descriptor */
    FMQ__EVENT_BIND_FAILED = 0x10,       /* errno */
    FMQ__EVENT_ACCEPTED = 0x20,          /* the descriptor */
    FMQ__EVENT_ACCEPT_FAILED = 0x40,     /* errno */
    FMQ__EVENT_CLOSED = 0x80,            /* the descriptor there was */
    FMQ__EVENT_DISCONNECTED = 0x200,     /* the same */
    FMQ__EVENT_MONITOR_STOPPED = 0x400,  /* 0 */
    FMQ__EVENT_SHAKE_FAILED = 0x800,     /* errno */
    FMQ__EVENT_SHAKE_SUCCEEDED = 0x1000, /* 0 */
    FMQ__EVENT_SHAKE_PROTOCOL = 0x2000,  /* ZMQ_PROTOCOL_ERROR_* */
    FMQ__EVENT_SHAKE_AUTH = 0x4000,      /* 300, 400 or 500 */
    FMQ__EVENT_PIPES_STATS = 0x10000     /* messages to be written; and see n_in */
};

typedef struct fmq__event {
    uint64_t type;
    uint64_t value;
    const char *local; /* endpoint texts; "" if there is none */
    const char *remote;
    bool is_bound; /* `local` is the one that names it, else `remote` */
    uint64_t n_in; /* PIPES_STATS: messages to be received; else nothing */
} fmq__event;

#endif
