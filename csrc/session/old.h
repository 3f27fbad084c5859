/* SPDX-License-Identifier: Apache-2.0 */
/* old: what goes to a peer of ZMTP 1.0: the pipe's queue in the frames of that version,
 * by way of a buffer.
 *
 * What is in the buffer has left the queue: it goes with the connection.
 *
 * Owner:   a session; made when the peer turns out to be one.
 * Threads: the write turn's.
 * Errors:  ENOMEM from new.
 */
#ifndef FMQ_SESSION_OLD_H
#define FMQ_SESSION_OLD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { FMQ__OLD_RUNS = 64, FMQ__OLD_BYTES = 32 * 1024 };

typedef struct fmq__old {
    uint64_t body_left; /* of the frame that was cut */
    size_t at;          /* what is not written yet: from here to `len` */
    size_t len;
    uint8_t bytes[2 * FMQ__OLD_BYTES];
} fmq__old;

int fmq__old_new(fmq__old **old);

/* Fills the buffer, which is empty, from runs of a queue's bytes (fmq__fq_gather, of
 * FMQ__OLD_BYTES at most): how many of them it took. */
size_t fmq__old_fill(fmq__old *o, const struct iovec *run, int n_runs);

#endif
