/* SPDX-License-Identifier: Apache-2.0 */
/* ctx: a context: its sockets, I/O threads, inproc names, and their common end.
 *
 * Owner:   the application, by handle; freed by term.
 * Threads: any. One mutex guards the table of sockets, the inproc names and
 * termination; it is never held on send or recv. Order: ctx mutex, then a socket's L.
 * Errors:  errno values.
 */
#ifndef FMQ_SOCKET_CTX_H
#define FMQ_SOCKET_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errands.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/sched.h"
#include "base/thread.h"
#include "fastmq.h"
#include "loop/io.h"
#include "transport/resolver.h"

/* ERRANDS: handshakes that may wait for others (a KDC) at a time. */
enum { FMQ__CTX_IO_THREADS_MAX = 64, FMQ__CTX_ERRANDS = 4 };

/* Context options, as numbered in zmq.h. */
enum {
    FMQ__CTX_IO_THREADS = 1,
    FMQ__CTX_MAX_SOCKETS = 2,
    FMQ__CTX_SOCKET_LIMIT = 3,    /* to read */
    FMQ__CTX_THREAD_PRIORITY = 3, /* to set */
    FMQ__CTX_THREAD_SCHED_POLICY = 4,
    FMQ__CTX_MAX_MSGSZ = 5,
    FMQ__CTX_MSG_T_SIZE = 6,
    FMQ__CTX_THREAD_AFFINITY_CPU_ADD = 7,
    FMQ__CTX_THREAD_AFFINITY_CPU_REMOVE = 8,
    FMQ__CTX_THREAD_NAME_PREFIX = 9,
    FMQ__CTX_ZERO_COPY_RECV = 10,
    FMQ__CTX_IPV6 = 42,
    FMQ__CTX_BLOCKY = 70
};

/* What keeps a context from its end; the list is the caller's. */
typedef struct fmq__unsent_list {
    fmq_unsent *data; /* to be freed */
    size_t n;
    size_t cap;
} fmq__unsent_list;

/* What a context knows of a socket; under the mutex. */
typedef struct fmq__member {
    fmq__node node;
    void (*stop)(struct fmq__member *m); /* tells it that the context terminates */
    /* Adds what it waits for to a list: ENOMEM. */
    int (*report)(struct fmq__member *m, fmq__unsent_list *list);
} fmq__member;

/* An inproc connect that waits for a bind; under the mutex. */
typedef struct fmq__pending {
    fmq__node node;
    void (*free)(struct fmq__pending *p); /* nobody will bind: gives it back */
} fmq__pending;

typedef struct fmq__ctx {
    fmq_ctx handle;
    uint32_t fork_generation; /* of the process that made it */
    fmq__mutex mutex;
    _Atomic uint32_t
        n_sockets;     /* not finished; changed under the mutex; a futex word */
    fmq__node sockets; /* fmq__member by node */
    bool is_terminating;
    bool is_started; /* the I/O threads run */
    bool has_io;     /* IO_THREADS was not 0 then; does not change any more */
    bool is_dead;    /* terminated: the last drop frees it; under the table's mutex */
    fmq__io *io[FMQ__CTX_IO_THREADS_MAX];
    _Atomic uint32_t io_load[FMQ__CTX_IO_THREADS_MAX]; /* sockets of each */
    int n_io;
    fmq__resolver *resolver;
    fmq__errands *errands; /* of handshakes */
    fmq__hash names;       /* inproc names, see names.c */
    fmq__node pending;     /* fmq__pending by node */

    int io_threads;
    int max_sockets;
    int max_msgsz;
    int ipv6;
    int blocky;
    int zero_copy_recv;
    fmq__sched sched; /* of its threads */
} fmq__ctx;

int fmq__ctx_new(fmq_ctx *ctx);

/* The context of a handle, kept from being freed until drop; NULL: there is none. A
 * foreign one was made by the process that this one was forked from: only whose it is
 * may be asked. */
fmq__ctx *fmq__ctx_hold(fmq_ctx handle, bool may_be_foreign);
void fmq__ctx_drop(fmq__ctx *c);

int fmq__ctx_set(fmq__ctx *c, int option, int value);
int fmq__ctx_get(fmq__ctx *c, int option, int *value);
/* THREAD_NAME_PREFIX: 1 to 16 bytes, none of them NUL. */
int fmq__ctx_set_text(fmq__ctx *c, int option, const char *text, size_t len);
/* `*len`: the room before, the length without a NUL after; EINVAL: too little. */
int fmq__ctx_get_text(fmq__ctx *c, int option, char *text, size_t *len);

/* Starts the I/O threads, once; under the mutex. */
int fmq__ctx_start(fmq__ctx *c);
/* The number of the I/O thread with the fewest sockets, out of those that `affinity`
 * has a bit for (0: all); -1: there is none. One socket more, or less, is its now. */
int fmq__ctx_pick_io(const fmq__ctx *c, uint64_t affinity);
void fmq__ctx_load_io(fmq__ctx *c, int io, int n_sockets);

void fmq__ctx_shutdown(fmq__ctx *c);
/* Afterwards the handle is nobody's. EINTR, ETIMEDOUT: call it again. */
int fmq__ctx_term(fmq__ctx *c, uint64_t deadline_ns);

/* What keeps it from its end now; under the mutex, which it takes. ENOMEM. */
int fmq__ctx_report(fmq__ctx *c, fmq__unsent_list *list);

/* The table of handles is whole when a child gets it. */
void fmq__ctx_before_fork(void);
void fmq__ctx_after_fork(void);

/* --- process.c --- */

/* Once in the process, before the first context: what forks and clocks need. */
void fmq__process_prepare(void);

/* How many forks this process is away from the first one. */
uint32_t fmq__fork_generation(void);

#endif
