/* SPDX-License-Identifier: Apache-2.0 */
/* balance: sends one message a pipe in turn, to the pipes that have room.
 *
 * Owner:   embedded in a pattern.
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_BALANCE_H
#define FMQ_PATTERN_BALANCE_H

#include "pipe/pipe.h"

typedef struct fmq__balance {
    fmq__node ready; /* pipes that may have room, next one first */
} fmq__balance;

static inline void
fmq__balance_init(fmq__balance *b)
{
    fmq__list_init(&b->ready);
}

/* The pipe has, or may have, room (again). */
static inline void
fmq__balance_add(fmq__balance *b, fmq__pipe *p)
{
    if (!fmq__list_is_linked(&p->out_node)) {
        fmq__list_push_back(&b->ready, &p->out_node);
    }
}

static inline void
fmq__balance_remove(fmq__pipe *p)
{
    fmq__list_remove(&p->out_node);
}

/* The pipe whose turn it is, which stays first; pipes without room leave. NULL: none.
 */
static inline fmq__pipe *
fmq__balance_front(fmq__balance *b)
{
    while (!fmq__list_is_empty(&b->ready)) {
        fmq__pipe *p = FMQ__ITEM(b->ready.next, fmq__pipe, out_node);

        if (fmq__pipe_can_write(p)) {
            return p;
        }
        fmq__list_remove(&p->out_node);
    }
    return NULL;
}

/* Ends the turn of `p`. */
static inline void
fmq__balance_rotate(fmq__balance *b, fmq__pipe *p)
{
    if (fmq__list_is_linked(&p->out_node) && b->ready.prev != &p->out_node) {
        fmq__list_remove(&p->out_node);
        fmq__list_push_back(&b->ready, &p->out_node);
    }
}

#endif
