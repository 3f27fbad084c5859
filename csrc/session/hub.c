/* SPDX-License-Identifier: Apache-2.0 */
#include "session/hub.h"

#include <errno.h>

#include "base/alloc.h"

void
fmq__hub_init_shell(fmq__hub *h)
{
    fmq__lock_init(&h->lock);
    h->generation = 0;
    h->is_closed = true;
    h->is_finished = true;
}

int
fmq__hub_open(fmq__hub *h, fmq__io *io, fmq__pattern *pattern,
              const fmq__hub_events *events)
{
    int err = fmq__inbox_new(&h->inbox);

    if (err != 0) {
        return err;
    }
    h->io = io;
    h->pattern = pattern;
    pattern->dropped = &h->dropped;
    h->events = events;
    atomic_init(&h->monitored, 0);
    h->is_terminated = false;
    h->dropped = NULL;
    h->n_inside = 0;
    h->is_flat = !fmq__poller_default()->nests;
    h->sessions = NULL;
    h->waiting = NULL;
    atomic_init(&h->has_leader, false);
    h->is_leader_asleep = false;
    h->is_leader_rung = false;
    h->is_leader_looking = false;
    h->n_pieces = 0;
    h->is_fd_exported = false;
    h->is_ring_held = false;
    h->n_holding = 0;
    h->n_edges_taken = 0;
    for (int dir = 0; dir < 2; dir++) {
        h->n_pollers[dir] = 0;
        h->n_followers[dir] = 0;
    }
    h->slot = NULL;
    h->n_slots = 0;
    h->slot_hint = 0;
    h->look_slot = 0;
    h->n_established = 0;
    fmq__list_init(&h->established);
    fmq__list_init(&h->dialled);
    fmq__list_init(&h->resuming);
    h->n_gone = 0;
    fmq__spin_init(&h->spin);
    fmq__nap_init(h);
    fmq__flush_init(h);
    fmq__hubwatch_init(h);
    fmq__help_init(h);
    fmq__list_init(&h->opening);
    fmq__list_init(&h->leaving);
    fmq__list_init(&h->heard);
    fmq__list_init(&h->failed);
    fmq__list_init(&h->orphans);
    fmq__list_init(&h->ready);
    fmq__list_init(&h->seen);
    fmq__list_init(&h->endpoints);
    fmq__list_init(&h->all_sessions);
    fmq__hub_work_init(h);
    h->zap = NULL;
    fmq__crowd_init(&h->crowd);
    h->linger_ms = -1;
    h->is_closing = false;
    h->is_finished = false;
    h->is_closed = false;
    return 0;
}

void
fmq__hub_fini(fmq__hub *h)
{
    if (h->waiting != NULL) {
        fmq__poller_close(h->waiting);
        h->waiting = NULL;
    }
    if (h->sessions != NULL) {
        fmq__poller_close(h->sessions);
        h->sessions = NULL;
    }
    fmq__crowd_fini(&h->crowd);
    fmq__free(h->slot);
    h->slot = NULL;
    fmq__inbox_drop(h->inbox);
    h->inbox = NULL;
    h->pattern->dropped = NULL;
    fmq__pattern_free(h->pattern);
    h->pattern = NULL;
}

static void
release(fmq__hub *h)
{
    uint32_t word = atomic_load_explicit(&h->lock.word, memory_order_relaxed);

    for (;;) {
        if (word & FMQ__LOCK_WANT) {
            uint32_t rest = word & ~(uint32_t)FMQ__LOCK_WANT;

            if (atomic_compare_exchange_weak_explicit(&h->lock.word, &word, rest,
                                                      memory_order_relaxed,
                                                      memory_order_relaxed)) {
                fmq__io_wake(h->io); /* under L: the I/O thread cannot be gone */
                word = rest;
            }
            continue;
        }
        /* R1 -> A1 in base/lock.h */
        if (atomic_compare_exchange_weak_explicit(
                &h->lock.word, &word, 0, memory_order_release, memory_order_relaxed)) {
            break;
        }
    }
    if (word & FMQ__LOCK_SLEEPERS) {
        fmq__lock_wake_one(&h->lock);
    }
}

void
fmq__hub_unlock_slow(fmq__hub *h)
{
    fmq__body *dropped = h->dropped;

    h->dropped = NULL;
    release(h);
    fmq__body_flush(&dropped);
}

void
fmq__hub_take_notes(fmq__hub *h)
{
    fmq__mpsc *notes = &h->inbox->notes;

    for (;;) {
        fmq__mpsc_node *n = fmq__mpsc_take(notes);

        while (n != NULL) {
            fmq__inproc *side = fmq__inproc_from_note(n);

            n = n->next; /* before the note may be sent again */
            fmq__inproc_take_note(side);
            h->events->on_note(h, side);
            fmq__inproc_end_note(side);
        }
        /* Whoever sleeps meanwhile must be rung for the next one: those outside, on the
         * descriptor, and a leader whose sleep in the head word the take has ended. */
        if ((!fmq__hub_has_pollers(h) && !h->is_fd_exported && !h->is_leader_asleep) ||
            h->is_closed || fmq__mpsc_sleep(notes, 1)) {
            return;
        }
    }
}

void
fmq__hub_exit(fmq__hub *h)
{
    h->n_inside--;
    if (h->is_closed && h->n_inside == 0) {
        fmq__hub_ask(h, FMQ__WORK_CLOSE);
    }
}

int
fmq__hub_up(fmq__hub *h, fmq__pipe *pipe, const uint8_t *id, size_t id_len)
{
    int err = fmq__pattern_up(h->pattern, pipe, id, id_len);

    fmq__hub_notify(h, FMQ__DIR_IN);
    fmq__hub_notify(h, FMQ__DIR_OUT);
    return err;
}

void
fmq__hub_down(fmq__hub *h, fmq__pipe *pipe)
{
    fmq__pattern_down(h->pattern, pipe);
    fmq__hub_notify(h, FMQ__DIR_IN);
    fmq__hub_notify(h, FMQ__DIR_OUT); /* another one may have its place */
}

void
fmq__hub_detach(fmq__hub *h, fmq__pipe *pipe)
{
    fmq__pattern_detach(h->pattern, pipe);
    fmq__hub_notify(h, FMQ__DIR_IN);
    fmq__hub_notify(h, FMQ__DIR_OUT);
}
