/* SPDX-License-Identifier: Apache-2.0 */
/* Naps: who asks for signals by itself (FMQ__WAIT_ASKS) does not sleep through one.
 *
 * A signal that comes just before the sleep, or to another thread, wakes nobody. So
 * those who ask are woken from time to time, and say EINTR. A time-out of each sleep
 * would cost a timer of the kernel each time; instead the I/O thread looks after the
 * socket while there are such sleeps. As long as others begin it only counts; one that
 * lasts it ends after 0.1 s, the next one after twice as long, and so on. Who begins a
 * sleep while a longer nap is under way asks for a short one. It looks no more once
 * nobody sleeps.
 *
 * Who was woken and goes on has not begun anew. Its call tells: it is among the next
 * ones, as many as were woken. Who has found something then has made that call before
 * it sleeps again; and whom a handler stopped begins with a try, as Python's calls do,
 * which is a call as well.
 */
#include "base/clock.h"
#include "session/hub.h"

/* Relaxed: who sees an old one asks for nothing, or once more. */
static uint64_t
length_of(const fmq__nap *nap)
{
    return atomic_load_explicit(&nap->length_ns, memory_order_relaxed);
}

static void
set_length(fmq__nap *nap, uint64_t length_ns)
{
    atomic_store_explicit(&nap->length_ns, length_ns, memory_order_relaxed);
}

static void
set_timer(fmq__hub *h)
{
    fmq__io_set_timer(h->io, &h->nap.due, fmq__clock_ns() + length_of(&h->nap));
}

/* Whether sleeps have begun since the last look. On the I/O thread. */
static bool
has_new_sleeps(fmq__hub *h)
{
    uint64_t n = atomic_load_explicit(&h->nap.n_sleeps, memory_order_relaxed);
    bool is_new = n != h->nap.n_sleeps_seen;

    h->nap.n_sleeps_seen = n;
    if (is_new) {
        set_length(&h->nap, FMQ__NAP_NS);
    }
    return is_new;
}

static void
on_due(fmq__timer *t)
{
    fmq__hub *h = FMQ__ITEM(t, fmq__hub, nap.due);

    if (has_new_sleeps(h)) {
        set_timer(h);
    } else {
        h->nap.is_over = true;
        fmq__hub_io_do(h, FMQ__WORK_NAP);
    }
}

void
fmq__nap_init(fmq__hub *h)
{
    h->nap = (fmq__nap){.n_calls_back = 0};
    atomic_init(&h->nap.n_sleeps, 0);
    atomic_init(&h->nap.length_ns, FMQ__NAP_NS);
    fmq__timer_init(&h->nap.due, on_due);
}

void
fmq__nap_begin(fmq__hub *h)
{
    fmq__nap *nap = &h->nap;
    bool is_new = fmq__hub_n_calls(h) > nap->n_calls_back;

    nap->n_asleep++;
    if (is_new) {
        uint64_t n = atomic_load_explicit(&nap->n_sleeps, memory_order_relaxed);

        atomic_store_explicit(&nap->n_sleeps, n + 1, memory_order_relaxed);
    }
    if (!nap->is_armed || (is_new && length_of(nap) > FMQ__NAP_NS)) {
        nap->is_armed = true;
        fmq__hub_ask(h, FMQ__WORK_NAP);
    }
}

void
fmq__nap_end(fmq__hub *h)
{
    h->nap.n_asleep--;
}

void
fmq__hub_io_nap(fmq__hub *h)
{
    fmq__nap *nap = &h->nap;
    bool is_over = !has_new_sleeps(h) && nap->is_over;

    nap->is_over = false;
    if (is_over && nap->n_asleep == 0) {
        nap->is_armed = false;
        return;
    }
    if (is_over) {
        nap->n_calls_back = fmq__hub_n_calls(h) + nap->n_asleep;
        nap->seq++;
        set_length(nap, fmq__nap_after(length_of(nap)));
        fmq__hub_wake_sleepers(h);
    }
    set_timer(h);
}
