/* SPDX-License-Identifier: Apache-2.0 */
/* egress: what a protected connection writes: the pipe's queue, sealed frame by frame.
 *
 * Frames are sealed, in their order, into the buffer of the thread that writes. What
 * the kernel does not take of it is kept here, and written before anything else. A
 * frame leaves the queue when its last sealed byte has gone, or with the connection:
 * so a connection that is lost loses what any other would, and no more.
 *
 * Owner:   a session; it owns the guard.
 * Threads: the write turn's; the guard's opening half is the read turn's.
 * Errors:  those of writing; EPROTO: the guard has no more numbers.
 */
#ifndef FMQ_SESSION_EGRESS_H
#define FMQ_SESSION_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipe/fq.h"
#include "wire/guard.h"

typedef struct fmq__egress {
    fmq__guard *guard;
    fmq__body *kept; /* holds `data`; NULL: nothing is kept */
    uint8_t *data;
    size_t len;
    size_t at;      /* what is written */
    size_t border;  /* where the frame begins in which that is */
    size_t own_end; /* frames up to here are not the queue's */
    size_t
        n_queued; /* bytes of the queue that the others are, as far as not consumed */
} fmq__egress;

/* What there is to write. */
typedef struct fmq__egress_job {
    const uint8_t *hello; /* a body that goes first; NULL: none */
    size_t hello_len;
    const uint8_t *own; /* else: short frames that go before the queue */
    size_t own_len;
    fmq__fq_pos end;
    size_t max_bytes; /* of the queue; a border of frames, or far away */
    bool is_single;   /* one message at a time */
} fmq__egress_job;

/* What came of it. */
typedef struct fmq__egress_done {
    bool has_taken_own; /* hello or own: all of it is written or kept */
    bool is_short;      /* the kernel took less than was offered */
    uint32_t n_messages;
    size_t n_bytes; /* of the queue */
} fmq__egress_done;

/* Takes the guard. */
int fmq__egress_new(fmq__guard *guard, fmq__egress **egress);
void fmq__egress_free(fmq__egress *e); /* NULL: nothing */

static inline bool
fmq__egress_has_kept(const fmq__egress *e)
{
    return e->kept != NULL;
}

/* One system call: writes what is kept, or seals what is in order and writes that. */
int fmq__egress_write(fmq__egress *e, int fd, fmq__fq_reader *from,
                      const fmq__egress_job *job, fmq__egress_done *done);

#endif
