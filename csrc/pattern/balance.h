/* SPDX-License-Identifier: Apache-2.0 */
/* balance: sends one message a pipe in turn, to the pipes that have room.
 *
 * Owner:   embedded in a pattern.
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_BALANCE_H
#define FMQ_PATTERN_BALANCE_H

#include <errno.h>

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

/* Sends a message to the pipe whose turn it is. EAGAIN: there is none; ENOMEM: it is
 * still its turn. */
static inline int
fmq__balance_send(fmq__balance *b, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *to = fmq__balance_front(b);
    int err;

    if (to == NULL) {
        return EAGAIN;
    }
    err = fmq__pipe_send(to, to->out->end, parts, n);
    if (err == 0) {
        fmq__balance_rotate(b, to);
    }
    return err;
}

#endif
