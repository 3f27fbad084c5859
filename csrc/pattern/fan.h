/* SPDX-License-Identifier: Apache-2.0 */
/* fan: one message on its way to many pipes.
 *
 * What their queues share has a counted body. All references that could be wanted are
 * taken at once, so that the sender's thread and the receivers' do not meet at the
 * count for each pipe. Where there are many pipes they share shorter bodies, too: a
 * hundred copies of 1 KiB do not fit a cache. To the kernel a shared body is one more
 * piece of memory to write, so that pays later there than within the process.
 *
 * Owner:   the caller's stack; what it was begun with must last until fmq__fan_end.
 * Threads: under the socket's lock.
 * Errors:  without memory a queue makes its own copy, or its pipe misses the message.
 */
#ifndef FMQ_PATTERN_FAN_H
#define FMQ_PATTERN_FAN_H

#include "pipe/pipe.h"

enum {
    FMQ__FAN_NEAR = 4,  /* from so many pipes on inproc has many */
    FMQ__FAN_WIDE = 32, /* the same of connections */
    FMQ__FAN_PARTS = 8  /* of a message with more, each pipe counts for itself */
};

/* How many pipes there are. */
typedef struct fmq__fan_width {
    size_t n;
    size_t n_near; /* of them inproc */
} fmq__fan_width;

typedef struct fmq__fan {
    const fmq__outpart *parts; /* the caller's, or `own` */
    size_t n;
    uint32_t n_pipes;
    bool is_begun;
    bool is_wide; /* some pipes share short bodies */
    fmq__outpart own[FMQ__FAN_PARTS];
    /* References for queues to take, and one that is left; 0: the body is not shared.
     */
    uint32_t paid[FMQ__FAN_PARTS];
} fmq__fan;

/* Counts a pipe that comes or goes. True: each one that is there now is to be told
 * (fmq__fan_widen); else that one alone. */
static inline bool
fmq__fan_count(fmq__fan_width *w, const fmq__pipe *pipe, bool comes)
{
    size_t more = comes ? w->n : w->n - 1;

    w->n += comes ? 1 : (size_t)-1;
    if (!pipe->is_remote) {
        w->n_near += comes ? 1 : (size_t)-1;
    }
    return more == FMQ__FAN_NEAR - 1 || more == FMQ__FAN_WIDE - 1;
}

/* Tells a pipe whether it is one of many. */
static inline void
fmq__fan_widen(const fmq__fan_width *w, fmq__pipe *pipe)
{
    size_t many = pipe->is_remote ? FMQ__FAN_WIDE : FMQ__FAN_NEAR;

    fmq__fq_share(pipe->out, w->n >= many);
}

/* A message of `n` parts for these pipes, or some of them. */
static inline void
fmq__fan_init(fmq__fan *f, const fmq__outpart *parts, size_t n, const fmq__fan_width *w)
{
    f->parts = parts;
    f->n = n;
    f->n_pipes = (uint32_t)w->n;
    f->is_begun = w->n < 2 || n > FMQ__FAN_PARTS;
    f->is_wide = w->n >= (w->n_near != 0 ? FMQ__FAN_NEAR : FMQ__FAN_WIDE);
}

/* Sends it to one pipe, which has room. */
void fmq__fan_send(fmq__fan *f, fmq__pipe *pipe);

/* After the last one. */
void fmq__fan_end(fmq__fan *f);

#endif
