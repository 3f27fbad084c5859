/* SPDX-License-Identifier: Apache-2.0 */
/* fairq: receives one message a pipe in turn, from the pipes that have some.
 *
 * Owner:   embedded in a pattern.
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_FAIRQ_H
#define FMQ_PATTERN_FAIRQ_H

#include "pipe/pipe.h"

typedef struct fmq__fairq {
    fmq__node ready; /* pipes that may have a message, next one first */
} fmq__fairq;

static inline void
fmq__fairq_init(fmq__fairq *q)
{
    fmq__list_init(&q->ready);
}

/* The pipe has, or may have, something (again). */
static inline void
fmq__fairq_add(fmq__fairq *q, fmq__pipe *p)
{
    if (!fmq__list_is_linked(&p->in_node)) {
        fmq__list_push_back(&q->ready, &p->in_node);
    }
}

static inline void
fmq__fairq_remove(fmq__pipe *p)
{
    fmq__list_remove(&p->in_node);
}

/* The pipe whose turn it is, which stays first; pipes with nothing leave. NULL: none.
 */
static inline fmq__pipe *
fmq__fairq_front(fmq__fairq *q)
{
    while (!fmq__list_is_empty(&q->ready)) {
        fmq__pipe *p = FMQ__ITEM(q->ready.next, fmq__pipe, in_node);

        if (fmq__pipe_can_read(p)) {
            return p;
        }
        fmq__list_remove(&p->in_node);
    }
    return NULL;
}

/* The same for types whose messages have one part: longer ones are dropped. */
static inline fmq__pipe *
fmq__fairq_front_single(fmq__fairq *q)
{
    fmq__pipe *p;

    while ((p = fmq__fairq_front(q)) != NULL && !fmq__pipe_can_read_single(p)) {
    }
    return p;
}

/* Ends the turn of `p`. */
static inline void
fmq__fairq_rotate(fmq__fairq *q, fmq__pipe *p)
{
    if (fmq__list_is_linked(&p->in_node) && q->ready.prev != &p->in_node) {
        fmq__list_remove(&p->in_node);
        fmq__list_push_back(&q->ready, &p->in_node);
    }
}

#endif
