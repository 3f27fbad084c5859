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
#include <sys/uio.h>

enum { FMQ__RAW_IOV = 64 };

/* The bodies of what was gathered, and what lies between them. */
typedef struct fmq__rawspan {
    struct iovec iov[FMQ__RAW_IOV];
    size_t skip[FMQ__RAW_IOV]; /* bytes of frame headers before the entry */
    size_t tail;               /* the same behind the last one */
    size_t bytes;
    int n;
} fmq__rawspan;

/* Takes what was gathered from a queue (fmq__fq_gather; the reader's frame_left),
 * FMQ__RAW_IOV runs at most. */
void fmq__raw_strip(fmq__rawspan *g, uint64_t frame_left, const struct iovec *run,
                    int n_runs);

/* How many bytes of the queue (fmq__fq_consume) the first `sent` of it are. */
size_t fmq__raw_consumed(const fmq__rawspan *g, size_t sent);

#endif
