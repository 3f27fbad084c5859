/* SPDX-License-Identifier: Apache-2.0 */
/* netpipe: the pipe of a network peer: two frame queues with their high-water marks.
 *
 * Out: messages count from commit until their last byte has gone to the kernel. A full
 * queue (SNDHWM) has room again when so many have gone as its low-water mark says,
 * (SNDHWM + 1) / 2, counted from the first message on: a peer that reads no more than
 * that much now and then makes room each time. In: messages count from publish until
 * popped; at RCVHWM the connection is to pause, and to resume at the low-water mark.
 * Does not know the connection: it is told and asked through calls.
 *
 * The writing half of `in` and the reading half of `out` belong to whoever has the read
 * and the write turn of the connection; everything else is under the socket's lock.
 *
 * Owner:   a dialer (it outlives connections) or an accepted connection.
 * Threads: under the socket's lock, but for the halves above.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_PIPE_NETPIPE_H
#define FMQ_PIPE_NETPIPE_H

#include "pipe/pipe.h"

typedef struct fmq__netpipe fmq__netpipe;

/* What the connection's side wants to hear; called under the socket's lock. */
typedef struct fmq__netpipe_events {
    void (*committed)(fmq__netpipe *n); /* there is something to write */
    void (*emptied)(fmq__netpipe *n);  /* in: at the low-water mark, or the last message
                                          was popped from a pipe that is closed */
    void (*writable)(fmq__netpipe *n); /* out: room again after being full */
    void (*ended)(fmq__netpipe *n);    /* the pattern wants no more of the connection */
} fmq__netpipe_events;

struct fmq__netpipe {
    fmq__pipe pipe;
    const fmq__netpipe_events *events;
    fmq__fq_writer out_w;
    fmq__fq_reader out_r;
    fmq__fq_writer in_w;
    fmq__fq_reader in_r;
    uint32_t n_out;     /* committed, not wholly written */
    uint32_t out_limit; /* 0: none */
    uint32_t n_gone;    /* written since the last multiple of the low-water mark */
    uint32_t in_limit;  /* 0: none */
    size_t out_bytes;   /* about: committed, not written */
    bool is_full;       /* out was at its limit and has not come down */
    bool is_paused;     /* in was at its limit and has not come down */
    bool is_closed_in;  /* no more will be published */

    /* conflating */
    bool is_writing;       /* the write turn is out, or has more to do with what lies at
                              `out_r`: that is not ours */
    fmq__fq_pos last_mark; /* where the last message begins */
    size_t last_bytes;
};

int fmq__netpipe_init(fmq__netpipe *n, const fmq__netpipe_events *events,
                      uint32_t out_limit, uint32_t in_limit);
/* Has it keep only the last message, by direction (FMQ__CONFLATE_*), whatever the
 * limits; before it is used. */
void fmq__netpipe_conflate(fmq__netpipe *n, unsigned directions);

void fmq__netpipe_fold_out_slow(fmq__netpipe *n);

/* Conflating: drops what has been superseded and is not being written; at the end of
 * the write turn. */
static inline void
fmq__netpipe_fold_out(fmq__netpipe *n)
{
    if (n->pipe.conflates_out && n->n_out > 1) {
        fmq__netpipe_fold_out_slow(n);
    }
}

/* With no turn out. Drops what is queued: not under a lock. */
void fmq__netpipe_fini(fmq__netpipe *n);

/* Changes the marks of a live pipe. */
void fmq__netpipe_set_limits(fmq__netpipe *n, uint32_t out_limit, uint32_t in_limit);

/* Says that `n_messages` whole messages and (about) `bytes` bytes have gone to the
 * kernel, or were given up. */
void fmq__netpipe_written(fmq__netpipe *n, uint32_t n_messages, size_t bytes);

/* Shows `n_messages` to the pattern's side; true: nothing was there before. */
bool fmq__netpipe_publish(fmq__netpipe *n, uint64_t n_messages);

/* How many messages may still be published; UINT64_MAX: any number. */
static inline uint64_t
fmq__netpipe_in_room(const fmq__netpipe *n)
{
    if (n->in_limit == 0) {
        return UINT64_MAX;
    }
    return n->pipe.n_in >= n->in_limit ? 0 : n->in_limit - n->pipe.n_in;
}

#endif
