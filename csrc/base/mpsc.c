/* SPDX-License-Identifier: Apache-2.0 */
/* One word holds a mark or the newest node, from which `next` leads to the oldest.
 * Nothing is ever taken from the middle, only all at once, so a node that comes back to
 * the top (ABA) does no harm.
 *
 *   P1 push:  CAS -> node (release)       ->  T1 take, close: exchange (acquire)
 *      The owner sees what the pushers wrote before they pushed.
 *   S1 sleep: CAS -> sleep mark (release) ->  P1, which is acquire too
 *      The pusher that has to wake the owner sees how.
 *
 * A push swaps nodes in front of what it saw, marks included: the first one after a
 * sleep mark takes the mark's place and is told so.
 */
#include "base/mpsc.h"

#include <stddef.h>

enum { EMPTY = 0, SLEEP_1 = 1, SLEEP_2 = 2, CLOSED = 3 };

/* Nodes hold a pointer and are aligned for it, so no node's address is a mark. */
static inline bool
is_mark(uintptr_t head)
{
    return head <= CLOSED;
}

static inline bool
is_asleep(uintptr_t head)
{
    return head == SLEEP_1 || head == SLEEP_2;
}

/* Newest first into oldest first. */
static fmq__mpsc_node *
reverse(uintptr_t head)
{
    fmq__mpsc_node *n = is_mark(head) ? NULL : (fmq__mpsc_node *)head;
    fmq__mpsc_node *done = NULL;

    while (n != NULL) {
        fmq__mpsc_node *older = n->next;

        n->next = done;
        done = n;
        n = older;
    }
    return done;
}

void
fmq__mpsc_init(fmq__mpsc *q)
{
    atomic_init(&q->head, EMPTY);
}

enum fmq__mpsc_result
fmq__mpsc_push(fmq__mpsc *q, fmq__mpsc_node *n)
{
    uintptr_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    do {
        if (head == CLOSED) {
            return FMQ__MPSC_CLOSED;
        }
        n->next = is_mark(head) ? NULL : (fmq__mpsc_node *)head;
    } while (!atomic_compare_exchange_weak_explicit(&q->head, &head, (uintptr_t)n,
                                                    memory_order_acq_rel, /* P1 */
                                                    memory_order_relaxed));
    if (head == SLEEP_1) {
        return FMQ__MPSC_WAKE_1;
    }
    return head == SLEEP_2 ? FMQ__MPSC_WAKE_2 : FMQ__MPSC_QUEUED;
}

fmq__mpsc_node *
fmq__mpsc_take(fmq__mpsc *q)
{
    uintptr_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    /* Only the owner closes, so a mark of that kind cannot appear meanwhile. */
    if (head == EMPTY || head == CLOSED) {
        return NULL;
    }
    return reverse(
        atomic_exchange_explicit(&q->head, EMPTY, memory_order_acquire)); /* T1 */
}

bool
fmq__mpsc_has_nodes(const fmq__mpsc *q)
{
    return !is_mark(atomic_load_explicit(&q->head, memory_order_relaxed));
}

bool
fmq__mpsc_sleep(fmq__mpsc *q, int mode)
{
    uintptr_t mark = mode == 1 ? SLEEP_1 : SLEEP_2;
    uintptr_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    do {
        if (head != EMPTY && !is_asleep(head)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&q->head, &head, mark,
                                                    memory_order_release, /* S1 */
                                                    memory_order_relaxed));
    return true;
}

void
fmq__mpsc_wake(fmq__mpsc *q)
{
    uintptr_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    while (is_asleep(head) &&
           !atomic_compare_exchange_weak_explicit(
               &q->head, &head, EMPTY, memory_order_relaxed, memory_order_relaxed)) {
    }
}

fmq__mpsc_node *
fmq__mpsc_close(fmq__mpsc *q)
{
    return reverse(
        atomic_exchange_explicit(&q->head, CLOSED, memory_order_acquire)); /* T1 */
}
