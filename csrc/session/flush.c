/* SPDX-License-Identifier: Apache-2.0 */
/* When to write: one clock a socket.
 *
 * A lone message leaves inside send(); a stream gathers by itself. After each send the
 * sender writes all dirty sessions ("a pass") if it has turned round (its last receive
 * found nothing: a request, or a reply), or sends too rarely to gain by waiting, or has
 * spent little on writing since it last rested, or if the last pass is long enough ago
 * in proportion to what passes cost. Else the message stays, and the I/O thread is told
 * once a burst: it writes at once and then ticks slower and slower, until a tick finds
 * that no send left anything since the one before.
 *
 * A thread remembers the sockets it left something unwritten on, and writes it before
 * it waits, on whichever socket that is. If it sends on several by turns, each of them
 * looks sparse, but the thread is not: what it gathers is shared out among them.
 */
#include <errno.h>

#include "base/clock.h"
#include "session/hub.h"
#include "session/session.h"

enum {
    REST_NS = 100 * 1000,     /* so long without a send is a rest */
    GAP_START_NS = 6 * 1000,  /* what the average begins with after a rest */
    GAP_SPARSE_NS = 3 * 1000, /* sends so far apart may be written at once */
    GAP_RARE_NS = 10 * 1000,  /* and from here on are, whatever writing costs */
    SPENT_MAX_NS = 20 * 1000, /* writing at once may cost so much after a rest */
    PASS_WAIT_MAX_NS = 200 * 1000,
    PASS_COST_FACTOR = 4,
    PASS_GUESS_NS = 700,       /* what a pass costs, before it is known */
    SESSION_BYTES = 64 * 1024, /* so much in one session is written at once */
    TICK_FIRST_NS = 100 * 1000,
    TICK_LAST_NS = 400 * 1000,
    THREAD_MAX = 256
};

/* The sockets that this thread has left something unwritten on. Hubs are type-stable: a
 * stale pointer costs a look at somebody else's dirty list. And the clock of the
 * thread: of its sends on sockets that look sparse. */
static _Thread_local struct {
    fmq__hub *hub[THREAD_MAX];
    unsigned n;
    uint64_t last_ns;
    uint64_t gap_ns;
} unwritten;

/* An average in which the newest value has a weight of 1/8. */
static uint64_t
ewma(uint64_t old, uint64_t value)
{
    return old - old / 8 + value / 8;
}

static uint64_t
n_deferred_of(const fmq__flush *f)
{
    return atomic_load_explicit(&f->n_deferred, memory_order_relaxed);
}

static uint64_t
last_of(const fmq__flush *f)
{
    return atomic_load_explicit(&f->last_ns, memory_order_relaxed);
}

static void
set_last(fmq__flush *f, uint64_t ns)
{
    atomic_store_explicit(&f->last_ns, ns, memory_order_relaxed);
}

static uint64_t
next_tick(uint64_t tick_ns)
{
    return 2 * tick_ns < TICK_LAST_NS ? 2 * tick_ns : TICK_LAST_NS;
}

/* Whether a send has left something since the last look, and there was no rest since.
 * Without L. */
static bool
is_streaming(fmq__flush *f)
{
    uint64_t n_deferred = n_deferred_of(f);
    bool has_deferred = n_deferred != f->n_deferred_seen;

    f->n_deferred_seen = n_deferred;
    return has_deferred && fmq__clock_fast_ns() < last_of(f) + REST_NS;
}

static void
on_tick(fmq__timer *t)
{
    fmq__hub *h = FMQ__ITEM(t, fmq__hub, flush.tick);
    fmq__flush *f = &h->flush;

    if (is_streaming(f)) {
        /* It goes on gathering, and so writes for itself: only a pause needs us. */
        f->tick_ns = next_tick(f->tick_ns);
        fmq__io_set_timer(h->io, t, fmq__io_now(h->io) + f->tick_ns);
        return;
    }
    fmq__hub_io_do(h, FMQ__WORK_TICK);
}

void
fmq__flush_init(fmq__hub *h)
{
    fmq__flush *f = &h->flush;

    fmq__list_init(&f->dirty);
    f->n_dirty = 0;
    atomic_init(&f->last_ns, 0);
    f->pass_end_ns = 0;
    f->gap_ns = GAP_START_NS;
    f->pass_cost_ns = PASS_GUESS_NS;
    f->spent_ns = 0;
    f->tick_ns = 0;
    f->thread_at = 0;
    f->has_turned = false;
    f->has_answered = false;
    f->is_armed = false;
    f->by_turns = h->pattern->ops->has_next != NULL;
    atomic_init(&f->n_deferred, 0);
    f->n_deferred_seen = 0;
    atomic_init(&f->n_sends, 0);
    fmq__timer_init(&f->tick, on_tick);
}

void
fmq__hub_write_dirty(fmq__hub *h)
{
    /* As many as there are now: a session that stays dirty is marked anew. */
    for (size_t n = h->flush.n_dirty; n != 0; n--) {
        if (fmq__list_is_empty(&h->flush.dirty)) {
            break;
        }
        fmq__session_write(FMQ__ITEM(h->flush.dirty.next, fmq__session, dirty_node));
    }
}

/* One pass, timed from `now_ns`. */
static void
pass(fmq__hub *h, uint64_t now_ns)
{
    fmq__flush *f = &h->flush;
    uint64_t end;
    uint64_t cost;

    fmq__hub_write_dirty(h);
    end = fmq__clock_fast_ns();
    cost = end - now_ns;
    f->pass_cost_ns = ewma(f->pass_cost_ns, cost);
    f->spent_ns += cost;
    f->pass_end_ns = end;
    set_last(f, end);
    unwritten.last_ns = end; /* what writing took is no pause of the thread's, either */
}

void
fmq__hub_write_later(fmq__hub *h)
{
    fmq__flush *f = &h->flush;

    atomic_store_explicit(&f->n_deferred, n_deferred_of(f) + 1, memory_order_relaxed);
    if (!f->is_armed) {
        f->is_armed = true;
        fmq__hub_ask(h, FMQ__WORK_FLUSH);
    }
}

/* Leaves what is dirty to the I/O thread, and to this thread's next wait. */
static void
defer(fmq__hub *h)
{
    fmq__flush *f = &h->flush;

    fmq__hub_write_later(h);
    if (f->thread_at < unwritten.n && unwritten.hub[f->thread_at] == h) {
        return;
    }
    if (unwritten.n == THREAD_MAX) {
        fmq__hub_write_dirty(h); /* one socket more does not wait */
        return;
    }
    f->thread_at = unwritten.n;
    unwritten.hub[unwritten.n++] = h;
}

/* Whether sends are so far apart that there is little to gather: at 3 us, or as far as
 * a pass takes, since more often than that most of the sender's time would go there. */
static bool
is_sparse(const fmq__flush *f)
{
    return f->gap_ns >= GAP_SPARSE_NS &&
           (f->gap_ns >= f->pass_cost_ns || f->gap_ns >= GAP_RARE_NS);
}

/* Whether this thread, which sends at `now_ns` on a socket that looks sparse, does so
 * seldom on any. */
static bool
is_thread_sparse(uint64_t now_ns)
{
    uint64_t gap = now_ns > unwritten.last_ns ? now_ns - unwritten.last_ns : 0;

    unwritten.gap_ns = gap > REST_NS ? GAP_START_NS : ewma(unwritten.gap_ns, gap);
    unwritten.last_ns = now_ns;
    return unwritten.gap_ns >= GAP_SPARSE_NS;
}

/* Whether a pass is due `wait_ns` after the last one, or, where this thread gathers for
 * several sockets, so much later for each of them. */
static bool
is_due(const fmq__flush *f, uint64_t now_ns, uint64_t wait_ns)
{
    if (now_ns <= f->pass_end_ns + wait_ns) {
        return false;
    }
    if (unwritten.n > 1) {
        wait_ns *= unwritten.n;
        wait_ns = wait_ns < PASS_WAIT_MAX_NS ? wait_ns : PASS_WAIT_MAX_NS;
    }
    return now_ns > f->pass_end_ns + wait_ns;
}

/* Whether no other message is about to follow the one just sent: the last receive found
 * nothing, or it is a type that takes turns, and would find nothing now. */
static bool
is_last_for_now(const fmq__hub *h)
{
    return h->flush.has_turned ||
           (h->flush.by_turns && !h->pattern->ops->has_next(h->pattern));
}

/* What the rule says of a send at `now_ns`. */
static bool
is_time(fmq__hub *h, uint64_t now_ns)
{
    fmq__flush *f = &h->flush;
    uint64_t last_ns = last_of(f);
    uint64_t gap = now_ns > last_ns ? now_ns - last_ns : 0;
    uint64_t wait;

    if (is_last_for_now(h)) {
        f->has_turned = false;
        f->has_answered = true;
        return true;
    }
    if (gap > REST_NS) {
        f->gap_ns = GAP_START_NS;
        f->spent_ns = 0;
    } else {
        f->gap_ns = ewma(f->gap_ns, gap);
    }
    set_last(f, now_ns);
    if ((is_sparse(f) && is_thread_sparse(now_ns)) ||
        (f->spent_ns < SPENT_MAX_NS && !f->is_armed)) {
        return true;
    }
    wait = PASS_COST_FACTOR * f->pass_cost_ns;
    return is_due(f, now_ns, wait < PASS_WAIT_MAX_NS ? wait : PASS_WAIT_MAX_NS);
}

void
fmq__hub_sent(fmq__hub *h, uint64_t now_ns)
{
    fmq__flush *f = &h->flush;
    uint64_t n_sends = atomic_load_explicit(&f->n_sends, memory_order_relaxed);

    if (fmq__list_is_empty(&f->dirty)) {
        return;
    }
    atomic_store_explicit(&f->n_sends, n_sends + 1, memory_order_relaxed);
    if (is_time(h, now_ns)) {
        if (fmq__help_is_long(h)) {
            fmq__hub_ask(h, FMQ__WORK_FLUSH);
        } else {
            pass(h, now_ns);
        }
    } else {
        fmq__session *last = FMQ__ITEM(f->dirty.prev, fmq__session, dirty_node);

        if (last->peer->net.out_bytes >= SESSION_BYTES) {
            if (last->form == FMQ__FORM_SEALED) {
                fmq__hub_ask(h, FMQ__WORK_FLUSH); /* sealing it takes too long */
            } else {
                fmq__session_write(last);
            }
        }
    }
    if (!fmq__list_is_empty(&f->dirty)) {
        defer(h);
    }
}

void
fmq__flush_thread(void)
{
    while (unwritten.n != 0) {
        fmq__hub *h = unwritten.hub[--unwritten.n];

        fmq__hub_lock(h);
        if (!h->is_finished) {
            fmq__hub_write_dirty(h);
        }
        fmq__hub_unlock(h);
    }
}

void
fmq__flush_forget(void)
{
    unwritten.n = 0;
}

void
fmq__hub_io_flush(fmq__hub *h, bool is_tick)
{
    fmq__flush *f = &h->flush;

    if (is_tick && n_deferred_of(f) == f->n_deferred_seen &&
        fmq__list_is_empty(&f->dirty)) {
        f->is_armed = false;
        f->tick_ns = 0;
        return;
    }
    f->n_deferred_seen = n_deferred_of(f);
    fmq__help_write(h);
    fmq__hub_write_dirty(h);
    f->pass_end_ns = fmq__clock_fast_ns();
    f->tick_ns = is_tick && f->tick_ns != 0 ? next_tick(f->tick_ns) : TICK_FIRST_NS;
    fmq__io_set_timer(h->io, &f->tick, fmq__clock_ns() + f->tick_ns);
}
