/* SPDX-License-Identifier: Apache-2.0 */
/* Naps: who asks for signals by itself (FMQ__WAIT_ASKS) does not sleep through one.
 *
 * A signal that comes just before the sleep, or to another thread, wakes nobody. So
 * those who ask are woken from time to time, and say EINTR. A time-out of each sleep
 * would cost a timer of the kernel each time; instead the I/O thread looks after the
 * socket while there are such sleeps. As long as others begin it only counts; one that
 * lasts it ends after 0.1 s, the next one after twice as long, and so on. It looks no
 * more once nobody sleeps.
 */
#include "base/clock.h"
#include "session/hub.h"

static void
set_timer(fmq__hub *h)
{
    fmq__io_set_timer(h->io, &h->nap.due, fmq__clock_ns() + h->nap.length_ns);
}

/* Whether sleeps have begun since the last look. On the I/O thread. */
static bool
has_new_sleeps(fmq__hub *h)
{
    uint64_t n = atomic_load_explicit(&h->nap.n_sleeps, memory_order_relaxed);
    bool is_new = n != h->nap.n_sleeps_seen;

    h->nap.n_sleeps_seen = n;
    if (is_new) {
        h->nap.length_ns = FMQ__NAP_NS;
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
        fmq__hub_io_do(h, FMQ__WORK_NAP);
    }
}

void
fmq__nap_init(fmq__hub *h)
{
    h->nap = (fmq__nap){.length_ns = FMQ__NAP_NS};
    atomic_init(&h->nap.n_sleeps, 0);
    fmq__timer_init(&h->nap.due, on_due);
}

void
fmq__nap_begin(fmq__hub *h)
{
    fmq__nap *nap = &h->nap;

    nap->n_asleep++;
    if (nap->n_woken != 0) {
        nap->n_woken--; /* it has asked, and goes on */
    } else {
        uint64_t n = atomic_load_explicit(&nap->n_sleeps, memory_order_relaxed);

        atomic_store_explicit(&nap->n_sleeps, n + 1, memory_order_relaxed);
    }
    if (!nap->is_armed) {
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

    if (!has_new_sleeps(h)) {
        nap->n_woken = nap->n_asleep;
        if (nap->n_asleep == 0) {
            nap->is_armed = false;
            return;
        }
        nap->seq++;
        nap->length_ns = fmq__nap_after(nap->length_ns);
        fmq__hub_wake_sleepers(h);
    }
    set_timer(h);
}
