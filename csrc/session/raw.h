/* SPDX-License-Identifier: Apache-2.0 */
/* raw: what a raw connection (STREAM, ROUTER_RAW) writes: the bodies in the pipe's
 * queue without the frames around them.
 *
 * Threads: the write turn's.
 */
#ifndef FMQ_SESSION_RAW_H
#define FMQ_SESSION_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "pipe/fq.h"

enum { FMQ__RAW_IOV = 64 };

/* What was gathered, and what of it is not written. */
typedef struct fmq__rawspan {
    struct iovec iov[FMQ__RAW_IOV];
    size_t skip[FMQ__RAW_IOV]; /* bytes of frame headers before the entry */
    size_t tail;               /* the same behind the last one */
    size_t bytes;
    int n;
} fmq__rawspan;

/* Gathers what lies between the reader and `end`, about `max_bytes`. */
void fmq__raw_gather(fmq__rawspan *g, const fmq__fq_reader *r, fmq__fq_pos end,
                     size_t max_bytes);

/* How many bytes of the queue (fmq__fq_consume) the first `sent` of it are. */
size_t fmq__raw_consumed(const fmq__rawspan *g, size_t sent);

#endif
