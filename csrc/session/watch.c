/* SPDX-License-Identifier: Apache-2.0 */
/* What the I/O thread does that nobody is waiting for: a one-shot watch on S.
 *
 * When S has something, room to write, errors and hang-ups are served at once. Pure
 * input is left for a grace time: most likely the application is about to read it
 * itself, which is cheaper. If the grace time passes and the application has called
 * meanwhile, it is alive: it gets a longer one the next time (up to 32 ms). If not, the
 * I/O thread reads, up to the high-water marks, and goes on without grace until the
 * application calls again. An idle socket costs nothing, and an application that
 * computes for long still has its messages taken from the wire and its peers' PINGs
 * answered.
 *
 * Nothing depends on this for correctness: any thread may take a turn at any time.
 */
#include <errno.h>

#include "base/clock.h"
#include "session/hub.h"
#include "session/session.h"

enum { GRACE_FIRST_NS = 1000 * 1000, GRACE_LAST_NS = 32 * 1000 * 1000, READY_MAX = 64 };

static void
on_ready(fmq__watch *w, unsigned events)
{
    fmq__hub *h = FMQ__ITEM(w, fmq__hub, watch.watch);

    (void)events;
    if (fmq__hub_has_leader(h)) {
        /* Whoever waits is woken by the same event, and serves it. */
        fmq__io_set_timer(h->io, &h->watch.grace, fmq__io_now(h->io) + GRACE_FIRST_NS);
        return;
    }
    fmq__hub_io_do(h, FMQ__WORK_WATCH);
}

static void
on_grace_over(fmq__timer *t)
{
    fmq__hub_io_do(FMQ__ITEM(t, fmq__hub, watch.grace), FMQ__WORK_GRACE);
}

void
fmq__hubwatch_init(fmq__hub *h)
{
    fmq__hubwatch *w = &h->watch;

    w->watch.on_ready = on_ready;
    w->watch.fd = -1;
    fmq__timer_init(&w->grace, on_grace_over);
    atomic_init(&w->n_calls, 0);
    w->n_calls_seen = 0;
    w->grace_ns = GRACE_FIRST_NS;
    w->is_app_silent = false;
}

int
fmq__hub_io_watch(fmq__hub *h)
{
    if (h->watch.watch.fd >= 0) {
        return 0;
    }
    return fmq__io_watch(h->io, &h->watch.watch, fmq__poller_fd(h->sessions),
                         FMQ__EV_IN | FMQ__EV_ONESHOT);
}

void
fmq__hub_io_unwatch(fmq__hub *h)
{
    if (h->watch.watch.fd >= 0) {
        fmq__io_unwatch(h->io, &h->watch.watch);
    }
    fmq__io_clear_timer(h->io, &h->watch.grace);
}

static void
rearm(fmq__hub *h)
{
    if (h->watch.watch.fd >= 0) {
        (void)fmq__io_rewatch(h->io, &h->watch.watch, FMQ__EV_IN | FMQ__EV_ONESHOT);
    }
}

/* Serves what S names; input only if `with_input`. Returns whether input was left. */
static bool
serve_ready(fmq__hub *h, bool with_input)
{
    fmq__ready ready[READY_MAX];
    bool is_input_left = false;
    int n = 0;

    h->n_inside++;
    fmq__hub_unlock(h);
    if (fmq__poller_wait(h->sessions, ready, READY_MAX, 0, &n) != 0) {
        n = 0;
    }
    fmq__hub_lock(h);
    for (int i = 0; i < n; i++) {
        fmq__session *s = fmq__hub_find_session(h, ready[i].token);
        unsigned events = ready[i].events;

        if (s == NULL) {
            continue;
        }
        if (events & FMQ__EV_OUT) {
            fmq__session_write(s);
        }
        if (events & (FMQ__EV_ERR | FMQ__EV_HUP | FMQ__EV_RDHUP)) {
            fmq__session_read(s);
        } else if (events & FMQ__EV_IN) {
            if (with_input) {
                fmq__session_read(s);
            } else {
                is_input_left = true;
            }
        }
    }
    fmq__hub_exit(h);
    return is_input_left;
}

void
fmq__hub_io_serve(fmq__hub *h, bool is_grace_over)
{
    fmq__hubwatch *w = &h->watch;
    uint64_t n_calls = fmq__hub_n_calls(h);
    bool is_app_alive = n_calls != w->n_calls_seen;

    if (h->sessions == NULL || w->watch.fd < 0) {
        return;
    }
    if (is_app_alive) {
        w->is_app_silent = false;
    }
    if (is_grace_over && is_app_alive) {
        /* It reads for itself: leave it alone for longer. */
        w->grace_ns = 2 * w->grace_ns < GRACE_LAST_NS ? 2 * w->grace_ns : GRACE_LAST_NS;
        w->n_calls_seen = n_calls;
        rearm(h);
        return;
    }
    if (is_grace_over || w->is_app_silent) {
        w->is_app_silent = true;
        w->grace_ns = GRACE_FIRST_NS;
        (void)serve_ready(h, true);
        rearm(h);
        return;
    }
    w->n_calls_seen = n_calls;
    if (serve_ready(h, false)) {
        fmq__io_set_timer(h->io, &w->grace, fmq__clock_ns() + w->grace_ns);
    } else {
        rearm(h);
    }
}
