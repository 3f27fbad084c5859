/* SPDX-License-Identifier: Apache-2.0 */
/* resolver: host names looked up on a thread of its own, so that a slow name server
 * delays nobody else.
 *
 * The thread starts with the first request. Answers are handed to a call-back on that
 * thread, which must only pass them on.
 *
 * Owner:   the context. fmq__resolver_close waits for a look-up in progress, and
 *          answers what is left with ECANCELED.
 * Threads: any.
 */
#ifndef FMQ_TRANSPORT_RESOLVER_H
#define FMQ_TRANSPORT_RESOLVER_H

#include "base/errands.h"
#include "transport/transport.h"

enum { FMQ__RESOLVE_MAX = 16 };

typedef fmq__errands fmq__resolver;

/* Belongs to the caller until `on_done`, which is called exactly once. */
typedef struct fmq__lookup {
    fmq__errand errand;
    const fmq__addr *addr; /* borrowed until on_done */
    const fmq__stream_opts *opts;
    void (*on_done)(struct fmq__lookup *);
    int result; /* 0, or an errno value */
    int n;
    fmq__sockaddr found[FMQ__RESOLVE_MAX];
} fmq__lookup;

/* Its thread is to run as `sched` says (borrowed; NULL: in no special way). */
int fmq__resolver_new(fmq__resolver **r, const fmq__sched *sched);
void fmq__resolver_close(fmq__resolver *r);

/* Looks up l->addr for connecting. ENOMEM, EAGAIN: no thread could be had; ECANCELED:
 * being closed; on_done is not called then. */
int fmq__resolver_post(fmq__resolver *r, fmq__lookup *l);

#endif
