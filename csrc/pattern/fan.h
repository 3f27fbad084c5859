/* SPDX-License-Identifier: Apache-2.0 */
/* fan: one message on its way to many pipes.
 *
 * What their queues share has a counted body. All references that could be wanted are
 * taken at once, so that the sender's thread and the receivers' do not meet at the
 * count for each pipe. Pipes whose frames go to the kernel share shorter bodies, too,
 * if there are many of them: a hundred copies of 1 KiB do not fit a cache.
 *
 * Owner:   the caller's stack; what it was begun with must last until fmq__fan_end.
 * Threads: under the socket's lock.
 * Errors:  without memory a queue makes its own copy, or its pipe misses the message.
 */
#ifndef FMQ_PATTERN_FAN_H
#define FMQ_PATTERN_FAN_H

#include "pipe/pipe.h"

enum {
    FMQ__FAN_WIDE = 32, /* from so many pipes on there are many */
    FMQ__FAN_PARTS = 8  /* of a message with more, each pipe counts for itself */
};

typedef struct fmq__fan {
    const fmq__outpart *parts; /* the caller's, or `own` */
    size_t n;
    uint32_t n_pipes;
    bool is_begun;
    fmq__outpart own[FMQ__FAN_PARTS];
    /* References for queues to take, and one that is left; 0: the body is not shared.
     */
    uint32_t paid[FMQ__FAN_PARTS];
} fmq__fan;

/* A pipe is one of many, or not any more. */
static inline void
fmq__fan_join(fmq__pipe *pipe, bool is_wide)
{
    fmq__fq_share(pipe->out, is_wide && pipe->is_remote);
}

/* A message of `n` parts for at most `n_pipes` pipes. */
static inline void
fmq__fan_init(fmq__fan *f, const fmq__outpart *parts, size_t n, size_t n_pipes)
{
    f->parts = parts;
    f->n = n;
    f->n_pipes = (uint32_t)n_pipes;
    f->is_begun = n_pipes < 2 || n > FMQ__FAN_PARTS;
}

/* Sends it to one pipe, which has room. */
void fmq__fan_send(fmq__fan *f, fmq__pipe *pipe);

/* After the last one. */
void fmq__fan_end(fmq__fan *f);

#endif
