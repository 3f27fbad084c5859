/* SPDX-License-Identifier: Apache-2.0 */
/* errands: what may take long (a name server, a KDC), done on threads of their own, so
 * that it delays nobody else.
 *
 * A thread starts when there is something to do and none is idle, up to a number; it
 * stays until close. Errands begin in the order they were posted in.
 *
 * Owner:   whoever made it. close waits for the errands that have begun, and runs the
 *          others as cancelled.
 * Threads: any.
 */
#ifndef FMQ_BASE_ERRANDS_H
#define FMQ_BASE_ERRANDS_H

#include <stdbool.h>

#include "base/list.h"
#include "base/sched.h"

enum { FMQ__ERRANDS_MAX = 8 };

typedef struct fmq__errands fmq__errands;

/* Belongs to the caller until `run`, which is called exactly once and may free it.
 * Cancelled: it is too late to do anything; only who waits is to be told. */
typedef struct fmq__errand {
    fmq__node node;
    void (*run)(struct fmq__errand *e, bool is_cancelled);
} fmq__errand;

/* At most `max` threads (up to FMQ__ERRANDS_MAX), named after `role` and run as `sched`
 * says (both borrowed; sched NULL: in no special way). ENOMEM. */
int fmq__errands_new(fmq__errands **e, int max, const char *role,
                     const fmq__sched *sched);
void fmq__errands_close(fmq__errands *e);

/* ENOMEM, EAGAIN: no thread could be had; ECANCELED: being closed; `run` is not called
 * then. */
int fmq__errands_post(fmq__errands *e, fmq__errand *errand);

#endif
