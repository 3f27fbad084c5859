/* SPDX-License-Identifier: Apache-2.0 */
/* What the I/O thread does that nobody is waiting for: a one-shot watch on S. (A set
 * without S is served at once, always; see set.c.)
 *
 * When S has something, errors and hang-ups are served at once. Input is left for a
 * grace time as long as the application reads (it has called for input since the last
 * event, or somebody waits), and room to write as long as it calls at all: most likely
 * it is about to take them itself, which is cheaper, and an I/O thread that comes for
 * the lock of a busy socket costs its sender more than it gives. An application that
 * only sends has its input (PINGs, subscriptions) taken at once. When the grace time is
 * over the I/O thread writes; and reads, up to the high-water marks, if no call has
 * looked at the sessions meanwhile; else the next grace is longer (up to 16 ms). An
 * application that looks again and again is not watched at all, but looked after once
 * in that time: where it takes each message before the I/O thread comes to see it, the
 * kernel would still wake this one for every message. Once the application is silent
 * everything is served at once, until it calls again; so it is after close. An idle
 * socket costs nothing, and an application that computes for long still has its
 * messages taken from the wire and its peers' PINGs answered.
 *
 * While a session waits for room (a wish) the graces are brief, since whoever has left
 * something unwritten may be content for long: 1 ms if none had a wish before, up to 4
 * ms if there was one in the last grace as well. Who asks for the 1 ms wakes the I/O
 * thread, but not again before a grace time without a wish is over. A watch would cost
 * more, a wake-up each time that there is room beside a sender who waits for it.
 *
 * Nothing depends on this for correctness: any thread may take a turn at any time.
 */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "session/hub.h"
#include "session/session.h"

enum {
    GRACE_FIRST_NS = 1000 * 1000,
    GRACE_LAST_NS = 16 * 1000 * 1000,
    GRACE_BRIEF_NS = 4 * 1000 * 1000, /* the same while somebody waits for room */
    TURN_NS = 200 * 1000, /* while somebody else has a turn, which may be a long one */
    BUSY_CALLS = 4,       /* so many in a grace time, and it is not watched meanwhile */
    ARMED_CALLS = 64,     /* so many while it is watched, and that may be in vain */
    READY_MAX = 64
};

/* What the sessions have that S names; without L, which events do not need. */
static unsigned
collect_events(fmq__hub *h)
{
    fmq__ready ready[READY_MAX];
    unsigned events = 0;
    int n = 0;

    if (fmq__poller_wait(h->sessions, ready, READY_MAX, 0, &n) != 0) {
        return FMQ__EV_ERR; /* whatever it is: look closely */
    }
    for (int i = 0; i < n; i++) {
        events |= ready[i].events;
    }
    return events;
}

static uint64_t
n_sends_of(const fmq__hub *h)
{
    return atomic_load_explicit(&h->flush.n_sends, memory_order_relaxed);
}

/* Whether the next event wakes the I/O thread. Who sees it late asks the I/O thread for
 * nothing, or not at once; of wishes none is missed:
 *
 *   A1 on_ready: is_armed = false, then looks at n_wishing   <->
 *   A2 a wish:   n_wishing = 1, then looks at is_armed
 *      In the one order of both (seq_cst) one of the two sees the other. */
static bool
is_armed(const fmq__hub *h)
{
    return atomic_load_explicit(&h->watch.is_armed, memory_order_seq_cst); /* A2 */
}

static void
set_armed(fmq__hub *h, bool value)
{
    atomic_store_explicit(&h->watch.is_armed, value, memory_order_seq_cst); /* A1 */
}

/* Whether a session waits for room; exact under L. */
static bool
has_wish(const fmq__hub *h)
{
    uint32_t n = atomic_load_explicit(&h->watch.n_wishing, memory_order_seq_cst);

    return n != 0; /* A1 */
}

static void
arm(fmq__hub *h)
{
    set_armed(h, true);
    h->watch.n_calls_limit = fmq__hub_n_calls(h) + ARMED_CALLS;
}

static void
on_ready(fmq__watch *w, unsigned events)
{
    fmq__hub *h = FMQ__ITEM(w, fmq__hub, watch.watch);
    uint64_t n_calls = fmq__hub_n_calls(h);
    uint64_t n_sends = n_sends_of(h);
    bool reads = n_calls != h->watch.n_calls_seen || fmq__hub_has_leader(h);
    bool is_alive = reads || n_sends != h->watch.n_sends_seen;
    uint64_t grace_ns = h->watch.grace_ns;

    set_armed(h, false);
    events = is_alive && !h->is_closing ? collect_events(h) : FMQ__EV_ERR;
    if ((events & (FMQ__EV_ERR | FMQ__EV_HUP | FMQ__EV_RDHUP)) ||
        ((events & FMQ__EV_IN) && !reads)) {
        fmq__hub_io_do(h, FMQ__WORK_WATCH);
        return;
    }
    h->watch.n_calls_seen = n_calls;
    h->watch.n_sends_seen = n_sends;
    if (events & FMQ__EV_OUT) {
        grace_ns = GRACE_FIRST_NS;
    } else if (grace_ns > GRACE_BRIEF_NS && has_wish(h)) {
        grace_ns = GRACE_BRIEF_NS;
    }
    fmq__io_set_timer(h->io, &h->watch.grace, fmq__io_now(h->io) + grace_ns);
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
    w->n_calls_limit = 0;
    w->n_calls_seen = 0;
    w->n_sends_seen = 0;
    w->grace_ns = GRACE_FIRST_NS;
    w->n_looks = 0;
    w->n_looks_seen = 0;
    w->is_brief = false;
    w->has_wished = false;
    atomic_init(&w->n_wishing, 0);
    atomic_init(&w->is_armed, false);
}

void
fmq__hub_wish(fmq__hub *h, bool wishes)
{
    fmq__hubwatch *w = &h->watch;
    uint32_t n = atomic_load_explicit(&w->n_wishing, memory_order_relaxed);

    n = wishes ? n + 1 : n - 1;
    atomic_store_explicit(&w->n_wishing, n, memory_order_seq_cst); /* A2 */
    if (!wishes || n != 1) {
        return;
    }
    w->has_wished = true;
    if (!w->is_brief && !is_armed(h)) {
        w->is_brief = true;
        fmq__hub_ask(h, FMQ__WORK_WISH);
    }
}

void
fmq__hub_io_wish(fmq__hub *h)
{
    fmq__hubwatch *w = &h->watch;
    uint64_t due = fmq__clock_ns() + GRACE_FIRST_NS;

    if (w->grace.is_set && w->grace.node.key > due) {
        /* What was done before the wish does not tell who will see to it. */
        w->n_calls_seen = fmq__hub_n_calls(h);
        w->n_sends_seen = n_sends_of(h);
        w->n_looks_seen = w->n_looks;
        fmq__io_set_timer(h->io, &w->grace, due);
    }
}

void
fmq__hub_watch_less(fmq__hub *h)
{
    fmq__hubwatch *w = &h->watch;

    if (is_armed(h) && w->n_looks != w->n_looks_seen) {
        fmq__hub_ask(h, FMQ__WORK_GRACE);
    } else {
        w->n_calls_limit += ARMED_CALLS;
    }
}

int
fmq__hub_io_watch(fmq__hub *h)
{
    if (h->watch.watch.fd >= 0) {
        return 0;
    }
    arm(h);
    return fmq__io_watch(h->io, &h->watch.watch, fmq__poller_fd(h->sessions),
                         FMQ__EV_IN | FMQ__EV_ONESHOT);
}

void
fmq__hub_io_unwatch(fmq__hub *h)
{
    assert(!has_wish(h));
    if (h->watch.watch.fd >= 0) {
        fmq__io_unwatch(h->io, &h->watch.watch);
    }
    fmq__io_clear_timer(h->io, &h->watch.grace);
}

static void
rearm(fmq__hub *h)
{
    if (h->watch.watch.fd >= 0) {
        arm(h);
        (void)fmq__io_rewatch(h->io, &h->watch.watch, FMQ__EV_IN | FMQ__EV_ONESHOT);
    }
}

static void
disarm(fmq__hub *h)
{
    if (is_armed(h)) {
        set_armed(h, false);
        (void)fmq__io_rewatch(h->io, &h->watch.watch, FMQ__EV_ONESHOT);
    }
}

/* Whether somebody else has the turn that these events ask for. */
static bool
is_taken(const fmq__session *s, unsigned events)
{
    return (s->is_writing && (events & FMQ__EV_OUT) != 0) ||
           (s->is_reading && (events & ~(unsigned)FMQ__EV_OUT) != 0);
}

/* What is left of what was to be served. */
enum {
    TAKEN = 1, /* S names it until somebody else has finished */
    ENDING = 2 /* there may be more of a peer that has hung up */
};

/* Serves what S names; input only if `with_input`. */
static unsigned
serve_ready(fmq__hub *h, bool with_input)
{
    const unsigned end = FMQ__EV_HUP | FMQ__EV_ERR | FMQ__EV_RDHUP;
    fmq__ready ready[READY_MAX];
    unsigned left = 0;
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

        if (!with_input && (events & end) == 0) {
            events &= ~(unsigned)FMQ__EV_IN;
        }
        if (s != NULL) {
            left |= is_taken(s, events) ? TAKEN : 0;
            fmq__session_serve(s, events);
            left |= (events & end) != 0 && s->phase == FMQ__ESTABLISHED ? ENDING : 0;
        }
    }
    fmq__hub_exit(h);
    return left;
}

/* The grace time for what comes next, after the last one is over. */
static uint64_t
next_grace(const fmq__hubwatch *w, bool has_looked)
{
    uint64_t last_ns = w->is_brief ? GRACE_BRIEF_NS : GRACE_LAST_NS;

    if (!has_looked) {
        return GRACE_FIRST_NS;
    }
    /* It reads for itself: leave it alone for longer. */
    return 2 * w->grace_ns < last_ns ? 2 * w->grace_ns : last_ns;
}

void
fmq__hub_io_serve(fmq__hub *h, bool is_grace_over)
{
    fmq__hubwatch *w = &h->watch;
    uint64_t n_calls = fmq__hub_n_calls(h) - w->n_calls_seen;
    bool has_looked = w->n_looks != w->n_looks_seen;
    bool with_input = is_grace_over ? !has_looked : n_calls == 0;
    bool is_busy = is_grace_over && has_looked && n_calls >= BUSY_CALLS;
    unsigned left;

    if (h->is_flat) {
        fmq__hub_io_serve_flat(h);
        return;
    }
    if (w->watch.fd < 0) {
        return;
    }
    if (is_grace_over) {
        w->is_brief = w->has_wished || has_wish(h);
        w->has_wished = false;
        w->grace_ns = next_grace(w, has_looked);
    }
    w->n_looks_seen = w->n_looks;
    w->n_sends_seen = n_sends_of(h);
    if (with_input && h->help.n_heavy > 1) {
        fmq__help_read(h);
    }
    left = serve_ready(h, with_input);
    if (left & TAKEN) {
        fmq__io_set_timer(h->io, &w->grace, fmq__clock_ns() + TURN_NS);
    } else if (is_busy && left == 0 && !h->is_closing) {
        w->n_calls_seen += n_calls;
        disarm(h);
        fmq__io_set_timer(h->io, &w->grace, fmq__clock_ns() + w->grace_ns);
    } else {
        /* `n_calls_seen` stays as it is: what comes in the next moments, before it can
         * have called again, is not to look as if it had fallen silent. */
        rearm(h);
    }
}
