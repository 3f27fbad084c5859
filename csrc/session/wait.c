/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting: one leader, followers, pollers, and edges that stay.
 *
 * S is the poller of the established sessions, E the poller of S and of the inbox's
 * eventfd. Of the callers that wait in one socket one is the leader: it reads the
 * sessions itself and sleeps on E (on the inbox's futex word while there is nothing but
 * inproc). The others sleep on a futex word a direction. Pollers and other people's
 * event loops wait on E from outside. Where there are no S and E (set.c) the leader
 * always sleeps on its word, and those outside wait on the inbox's descriptor itself.
 *
 *   register first (under L), look second, decide to sleep under L, sleep third.
 *
 * Whoever publishes under L sees whether the leader has decided to sleep, and rings:
 * the edge stays in E (the word stays changed) until the sleeper looks, so it does not
 * matter if the sleep begins only later. Notes from inproc peers, which do not hold our
 * L, meet the sleeper in the notes' head word instead (base/mpsc.h).
 *
 * What a leaving caller must do for those who stay is all in fmq__hub_hand_on: wake a
 * follower of each direction that can go on; else, if there is no leader, any follower,
 * which becomes the leader; and ring for the pollers that can go on. A leader that
 * stays does the same before it sleeps, and before it begins to look for messages as
 * well; a follower hears of room that comes while it looks from whoever has made it.
 *
 * An edge is gone once somebody has taken it out of E, although it was meant for all
 * who sleep there. So a poller that took one rings again if the leader was rung and is
 * not back yet, and else for the other pollers; and what a leader took it rings again
 * for in hand_on. (Without E the leader has its word, and only the pollers have to be
 * rung for again.) Pollers are rung for by direction: one that waits for the other
 * direction would not go away, and they would ring each other for ever.
 * tests/model explores this protocol with every one of these rules left out in turn.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/thread.h"
#include "session/hub.h"
#include "session/session.h"

/* Looks at the futex word between two looks at the clock. */
enum { GLANCES = 8 };

/* Wakes the leader, wherever it sleeps, and those outside. */
static void
ring(fmq__hub *h)
{
    h->is_leader_rung = h->is_leader_asleep;
    fmq__inbox_ring(h->inbox);
}

void
fmq__hub_ring_leader(fmq__hub *h)
{
    if (h->is_leader_asleep && !h->is_leader_rung) {
        ring(h);
    }
}

static void
wake_followers(fmq__hub *h, int dir, int n)
{
    /* Relaxed: the sequence is read and changed under L, and the sleeper compares it in
     * the kernel. */
    atomic_fetch_add_explicit(&h->follow_seq[dir], 1, memory_order_relaxed);
    fmq__futex_wake(&h->follow_seq[dir], n);
}

void
fmq__hub_notify(fmq__hub *h, int dir)
{
    if (dir == FMQ__DIR_OUT && h->is_leader_looking && h->n_followers[dir] != 0) {
        wake_followers(h, dir, 1); /* the leader may not come to hand on for long */
    }
    if ((h->is_leader_asleep && !h->is_leader_rung) || fmq__hub_has_pollers(h)) {
        ring(h);
    } else if (h->is_fd_exported && dir == FMQ__DIR_IN && h->n_holding != 0) {
        h->is_ring_held = true;
    } else if (h->is_fd_exported) {
        ring(h);
    } else if (!fmq__hub_has_leader(h) && h->n_followers[dir] != 0) {
        wake_followers(h, dir, 1);
    }
}

static bool
can_go_on(fmq__hub *h, int dir)
{
    const fmq__pattern_ops *ops = h->pattern->ops;

    if (fmq__hub_state(h) != 0) {
        return true; /* to leave with that */
    }
    return dir == FMQ__DIR_IN ? ops->can_recv(h->pattern) : ops->can_send(h->pattern);
}

/* Rings for the pollers that can go on, or must: the ring at the end of the socket is
 * one for all, and the leader may have taken it. */
static void
ring_pollers(fmq__hub *h)
{
    for (int dir = 0; dir < 2; dir++) {
        if (h->n_pollers[dir] != 0 && (fmq__hub_state(h) != 0 || can_go_on(h, dir))) {
            ring(h);
            return;
        }
    }
}

void
fmq__hub_hand_on(fmq__hub *h)
{
    bool is_handed = false;

    for (int dir = 0; dir < 2; dir++) {
        if (h->n_followers[dir] != 0 && can_go_on(h, dir)) {
            wake_followers(h, dir, 1);
            is_handed = true;
        }
    }
    if (!fmq__hub_has_leader(h) && !is_handed) {
        for (int dir = 0; dir < 2; dir++) {
            if (h->n_followers[dir] != 0) {
                wake_followers(h, dir, 1);
                break;
            }
        }
    }
    ring_pollers(h);
}

void
fmq__hub_pass_on(fmq__hub *h)
{
    fmq__hub_hand_on(h);
    /* What was looked at and thrown away has made room for what lies behind, and who
     * reads that tells of it. */
    (void)fmq__hub_resume_all(h);
}

static void
wake_all_followers(fmq__hub *h)
{
    for (int dir = 0; dir < 2; dir++) {
        wake_followers(h, dir, INT32_MAX);
    }
}

void
fmq__hub_wake_all(fmq__hub *h)
{
    ring(h);
    wake_all_followers(h);
}

void
fmq__hub_wake_sleepers(fmq__hub *h)
{
    fmq__hub_ring_leader(h);
    wake_all_followers(h);
}

void
fmq__hub_look(fmq__hub *h)
{
    (void)fmq__hub_resume_all(h);
    if (h->n_established == 0) {
        return;
    }
    h->watch.n_looks++;
    if (h->n_established == 1) {
        fmq__session *s = FMQ__ITEM(h->established.next, fmq__session, hub_node);

        if (s->wants_out) {
            fmq__session_write(s);
        }
        fmq__session_read(s);
        return;
    }
    if (h->help.n_heavy > 1) {
        fmq__help_read(h);
    }
    fmq__hub_look_at_all(h);
}

/* Where the leader sleeps, and how it looks before. */
typedef struct bed {
    bool is_on_fd; /* on E; else on the inbox's futex word, whose value is `bell` */
    uint32_t bell;
} bed;

/* One look at E or the futex word: 0 if there is a reason to wake, ETIMEDOUT if not. */
static int
glance(fmq__hub *h, const bed *b, bool *has_sessions)
{
    if (b->is_on_fd) {
        return fmq__hub_sleep(h, 0, has_sessions);
    }
    for (int i = 0; i < GLANCES; i++) {
        /* Relaxed: what it stands for is looked at under L. */
        if (atomic_load_explicit(&h->inbox->bell, memory_order_relaxed) != b->bell) {
            return 0;
        }
        fmq__cpu_relax();
    }
    return ETIMEDOUT;
}

/* Looks again and again, for at most `limit_ns` and until the deadline. Nothing of the
 * protocol is different from a sleep. */
static int
spin(fmq__hub *h, const bed *b, uint64_t limit_ns, uint64_t deadline_ns,
     uint64_t *looked_ns, bool *has_sessions)
{
    uint64_t left_ns = fmq__deadline_left_ns(deadline_ns);
    fmq__look look = fmq__look_begin(fmq__clock_fast_ns(), limit_ns, left_ns);
    uint64_t now;
    int err;

    do {
        err = glance(h, b, has_sessions);
        now = fmq__clock_fast_ns();
    } while (err == ETIMEDOUT && fmq__look_goes_on(&look, now, false));
    *looked_ns = now - look.began_ns;
    return err;
}

/* Whether to look for messages themselves, and not for a reason to wake: one session is
 * read as soon as it is looked at, and a peer that only had to run has written. */
static bool
looks_inside(const fmq__hub *h)
{
    return h->n_established == 1 || h->spin.is_yielding;
}

/* Reads again and again, for at most `limit_ns` and until the deadline; pieces of a
 * long message make it longer, but not than whoever asks for signals may be kept. L is
 * held before and after, and the leader is awake all the while. False: there is nothing
 * for it; others may have something to go on with. */
static bool
look_as_leader(fmq__hub *h, uint64_t limit_ns, uint64_t deadline_ns)
{
    uint64_t left_ns = fmq__deadline_left_ns(deadline_ns);
    fmq__look look = fmq__look_begin(fmq__clock_fast_ns(), limit_ns, left_ns);
    uint32_t n_pieces = h->n_pieces;
    uint64_t now = look.began_ns;
    bool is_first = true;
    bool has_piece;
    bool has_found;

    h->is_leader_looking = true;
    do {
        bool is_yielding = h->spin.is_yielding;

        fmq__hub_unlock(h);
        if (is_first) {
            fmq__flush_thread();
            is_first = false;
        }
        if (is_yielding) {
            fmq__thread_yield();
        } else {
            fmq__cpu_relax();
        }
        fmq__hub_lock(h);
        fmq__hub_take_notes(h);
        fmq__hub_look(h);
        has_found = can_go_on(h, FMQ__DIR_IN);
        has_piece = h->n_pieces != n_pieces; /* the rest is on its way */
        n_pieces = h->n_pieces;
        now = fmq__clock_fast_ns();
    } while (!has_found && fmq__look_goes_on(&look, now, has_piece));
    h->is_leader_looking = false;
    fmq__spin_end(&h->spin, has_found, now - look.since_ns, limit_ns);
    return has_found;
}

/* Sleeps on E or the futex word; L is held before and after. EAGAIN: woken, or for no
 * reason; ETIMEDOUT, EINTR, or an error that makes waiting impossible. `limit_ns`: so
 * long it looks before it sleeps; and if `is_to_ask`, and there was nothing, it then
 * says EINTR instead of sleeping: a handler may have run meanwhile. */
static int
sleep_as_leader(fmq__hub *h, uint64_t deadline_ns, uint64_t limit_ns, bool is_to_ask)
{
    const bed b = {
        .is_on_fd = !h->is_flat && (h->sessions != NULL || h->waiting != NULL),
        .bell = atomic_load_explicit(&h->inbox->bell, memory_order_relaxed),
    };
    bool has_sessions = false;
    uint64_t looked_ns = 0;
    bool has_found;
    int err = b.is_on_fd ? fmq__hub_need_waiting(h) : 0;

    if (err != 0) {
        return err;
    }
    atomic_store_explicit(&h->inbox->has_sleeper, !b.is_on_fd, memory_order_relaxed);
    if (!fmq__mpsc_sleep(&h->inbox->notes, 1)) {
        return EAGAIN; /* a note is there */
    }
    if (is_to_ask) {
        fmq__nap_begin(h);
    }
    h->is_leader_asleep = true;
    h->is_leader_rung = false;
    fmq__hub_unlock(h);
    fmq__flush_thread();
    err = ETIMEDOUT;
    if (limit_ns != 0) {
        err = spin(h, &b, limit_ns, deadline_ns, &looked_ns, &has_sessions);
    }
    has_found = err != ETIMEDOUT;
    if (has_found) {
        /* no need to sleep */
    } else if (limit_ns != 0 && is_to_ask && fmq__clock_ns() < deadline_ns) {
        err = EINTR;
    } else if (b.is_on_fd) {
        err = fmq__hub_sleep(h, deadline_ns, &has_sessions);
    } else {
        err = fmq__futex_wait(&h->inbox->bell, b.bell, deadline_ns);
    }
    fmq__hub_lock(h);
    if (is_to_ask) {
        fmq__nap_end(h);
    }
    if (limit_ns != 0) {
        fmq__spin_end(&h->spin, has_found, looked_ns, limit_ns);
        if (err == EINTR) {
            fmq__spin_ask(&h->spin);
        }
    }
    h->is_leader_asleep = false;
    h->is_leader_rung = false;
    atomic_store_explicit(&h->inbox->has_sleeper, false, memory_order_relaxed);
    if (!fmq__hub_has_pollers(h) && !h->is_fd_exported) {
        fmq__mpsc_wake(&h->inbox->notes);
    }
    if (has_sessions) {
        fmq__hub_look(h);
    }
    return err == 0 ? EAGAIN : err;
}

/* Sleeps behind the leader, as above. */
static int
sleep_as_follower(fmq__hub *h, int dir, uint64_t deadline_ns, bool is_to_ask)
{
    uint32_t seq = atomic_load_explicit(&h->follow_seq[dir], memory_order_relaxed);
    int err;

    if (is_to_ask) {
        fmq__nap_begin(h);
    }
    h->n_followers[dir]++;
    fmq__hub_unlock(h);
    fmq__flush_thread();
    err = fmq__futex_wait(&h->follow_seq[dir], seq, deadline_ns);
    fmq__hub_lock(h);
    h->n_followers[dir]--;
    if (is_to_ask) {
        fmq__nap_end(h);
    }
    return err == 0 ? EAGAIN : err;
}

static void
set_leader(fmq__hub *h, bool has)
{
    atomic_store_explicit(&h->has_leader, has, memory_order_relaxed);
}

int
fmq__hub_wait(fmq__hub *h, int dir, int (*attempt)(fmq__hub *h, void *arg), void *arg,
              uint64_t deadline_ns, unsigned how)
{
    bool is_leader = false;
    bool is_to_ask = (how & FMQ__WAIT_ASKS) != 0;
    uint32_t asked = h->nap.seq;
    bool has_looked = false; /* as the leader, for as long as it may, in vain */
    uint64_t limit_ns;
    int slept = EAGAIN;
    int err;

    h->n_inside++;
    for (;;) {
        err = fmq__hub_state(h);
        if (err != 0) {
            break;
        }
        fmq__hub_take_notes(h);
        err = attempt(h, arg);
        if (err != EAGAIN) {
            break;
        }
        if (slept != EAGAIN) {
            err = slept == ETIMEDOUT ? EAGAIN : slept;
            break;
        }
        if (is_to_ask && h->nap.seq != asked) {
            err = EINTR;
            break;
        }
        if (fmq__hub_resume_all(h)) {
            continue; /* the attempt has skipped what nobody wants */
        }
        if (!is_leader && fmq__hub_has_leader(h)) {
            slept = sleep_as_follower(h, dir, deadline_ns, is_to_ask);
            continue;
        }
        if (!is_leader) {
            is_leader = true;
            set_leader(h, true);
            if (!(how & FMQ__WAIT_LOOKED)) {
                fmq__hub_look(h);
                continue;
            }
        }
        if (fmq__hub_has_waiters(h)) {
            fmq__hub_hand_on(h); /* what was read may be for one of the others */
        }
        if (fmq__hub_resume_all(h)) {
            continue;
        }
        limit_ns = dir == FMQ__DIR_IN && !has_looked ? fmq__spin_begin(&h->spin) : 0;
        if (limit_ns != 0 && looks_inside(h)) {
            /* Nor has it made room for what lies behind, which it would look for. */
            has_looked =
                !look_as_leader(h, limit_ns, deadline_ns) && !fmq__hub_resume_all(h);
            if (has_looked && is_to_ask && fmq__clock_ns() < deadline_ns) {
                fmq__spin_ask(&h->spin);
                slept = EINTR;
            }
            continue; /* in vain, it has to hand on once more */
        }
        has_looked = false;
        slept = sleep_as_leader(h, deadline_ns, limit_ns, is_to_ask);
    }
    if (is_leader) {
        set_leader(h, false);
    }
    if (fmq__hub_has_waiters(h)) {
        fmq__hub_pass_on(h);
    }
    fmq__hub_exit(h);
    return err;
}

/* Counts a poller in (1) or out (-1). */
static void
count_poller(fmq__hub *h, unsigned events, int by)
{
    h->n_pollers[FMQ__DIR_IN] += events & FMQ_POLLIN ? (uint32_t)by : 0;
    h->n_pollers[FMQ__DIR_OUT] += events & FMQ_POLLOUT ? (uint32_t)by : 0;
}

int
fmq__hub_enter_poll(fmq__hub *h, unsigned events, int *fd)
{
    int err = fmq__hub_need_waiting(h);

    if (err != 0) {
        return err;
    }
    h->n_inside++;
    count_poller(h, events, 1);
    fmq__hub_take_notes(h);
    *fd = fmq__hub_waiting_fd(h);
    return 0;
}

void
fmq__hub_leave_poll(fmq__hub *h, unsigned events)
{
    count_poller(h, events, -1);
    if (fmq__hub_has_waiters(h)) {
        fmq__hub_pass_on(h);
    }
    fmq__hub_exit(h);
}

int
fmq__hub_export_fd(fmq__hub *h, int *fd)
{
    int err = fmq__hub_need_waiting(h);

    if (err != 0) {
        return err;
    }
    if (!h->is_fd_exported) {
        h->is_fd_exported = true;
        if (fmq__hub_peek(h) != 0) {
            ring(h); /* nobody was told of what is there already */
        }
    }
    *fd = fmq__hub_waiting_fd(h);
    return 0;
}

unsigned
fmq__hub_peek(fmq__hub *h)
{
    unsigned events;

    do {
        events = 0;
        fmq__hub_take_notes(h);
        if (can_go_on(h, FMQ__DIR_IN)) {
            events |= FMQ_POLLIN;
        }
        if (can_go_on(h, FMQ__DIR_OUT)) {
            events |= FMQ_POLLOUT;
        }
    } while (fmq__hub_resume_all(h)); /* a pattern has skipped what it did not want */
    return events;
}

void
fmq__hub_answer_ring(fmq__hub *h)
{
    uint32_t n_edges;

    /* N1 in pipe/inbox.c -> N2: the signal of each that is counted is there. */
    n_edges = atomic_load_explicit(&h->inbox->n_edges, memory_order_acquire);
    if (n_edges == h->n_edges_taken) {
        return; /* no edge, or one whose ringer is not through: the next look's */
    }
    h->n_edges_taken = n_edges;
    if (fmq__hub_take_edge(h)) {
        if (h->is_leader_rung && !h->is_flat) {
            ring(h); /* and is not back: the edge was meant for it, too */
        } else {
            ring_pollers(h);
        }
    }
}

void
fmq__hub_hold_rings(fmq__hub *h)
{
    h->n_holding++;
}

void
fmq__hub_give_rings(fmq__hub *h)
{
    h->n_holding--;
    if (h->is_ring_held) {
        h->is_ring_held = false;
        if (can_go_on(h, FMQ__DIR_IN)) {
            ring(h);
        }
    }
}

unsigned
fmq__hub_harvest(fmq__hub *h)
{
    fmq__hub_count_call(h);
    fmq__hub_answer_ring(h);
    fmq__hub_hold_rings(h);
    fmq__hub_look(h);
    fmq__hub_give_rings(h);
    return fmq__hub_peek(h);
}
