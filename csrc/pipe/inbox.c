/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/inbox.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/thread.h"

int
fmq__inbox_new(fmq__inbox **inbox)
{
    fmq__inbox *i = fmq__alloc(sizeof(*i));

    if (i == NULL) {
        return ENOMEM;
    }
    atomic_init(&i->refs, 1);
    atomic_init(&i->bell, 0);
    atomic_init(&i->has_sleeper, false);
    atomic_init(&i->has_edge, false);
    atomic_init(&i->n_edges, 0);
    fmq__mpsc_init(&i->notes);
    i->edge = (fmq__wake){-1, -1};
    *inbox = i;
    return 0;
}

void
fmq__inbox_hold(fmq__inbox *i)
{
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
}

void
fmq__inbox_drop(fmq__inbox *i)
{
    /* D1 -> D1: the last one sees what all others did. */
    if (atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (atomic_load_explicit(&i->has_edge, memory_order_relaxed)) {
        fmq__wake_close(&i->edge);
    }
    fmq__free(i);
}

int
fmq__inbox_need_edge(fmq__inbox *i)
{
    int err;

    if (atomic_load_explicit(&i->has_edge, memory_order_relaxed)) {
        return 0;
    }
    err = fmq__wake_open(&i->edge);
    if (err == 0) {
        /* E1 -> E2: whoever rings and sees the flag sees the descriptor. A poster that
         * must wake a sleeper sees the flag, too: the sleeper went to sleep in the
         * notes' head word after this store, and the poster found it there. */
        atomic_store_explicit(&i->has_edge, true, memory_order_release);
    }
    return err;
}

bool
fmq__inbox_take_edge(fmq__inbox *i)
{
    bool has_edge = atomic_load_explicit(&i->has_edge, memory_order_relaxed);

    if (has_edge) {
        fmq__wake_drain(&i->edge);
    }
    return has_edge;
}

void
fmq__inbox_ring(fmq__inbox *i)
{
    atomic_fetch_add_explicit(&i->bell, 1, memory_order_relaxed);
    /* Relaxed will do: whoever rings holds the lock under which this was set, or comes
     * from a push that found the owner asleep, which was set later still. */
    if (atomic_load_explicit(&i->has_sleeper, memory_order_relaxed)) {
        fmq__futex_wake(&i->bell, 1);
    }
    if (atomic_load_explicit(&i->has_edge, memory_order_acquire)) { /* E2 */
        fmq__wake_signal(&i->edge);
        /* N1 -> N2 in wait.c: who sees the number finds the signal. */
        atomic_fetch_add_explicit(&i->n_edges, 1, memory_order_release);
    }
}

bool
fmq__inbox_post(fmq__inbox *i, fmq__mpsc_node *note)
{
    switch (fmq__mpsc_push(&i->notes, note)) {
    case FMQ__MPSC_QUEUED:
        return true;
    case FMQ__MPSC_CLOSED:
        return false;
    case FMQ__MPSC_WAKE_1:
    case FMQ__MPSC_WAKE_2:
    default:
        fmq__inbox_ring(i);
        return true;
    }
}
