/* SPDX-License-Identifier: Apache-2.0 */
/* The set of a socket's established sessions, and what callers sleep on: two kinds.
 *
 * Where pollers nest (epoll, kqueue) the sessions are in a poller of their own, S, and
 * S lies with the inbox's edge in another one, E. Callers read S and sleep on E; the
 * I/O thread watches S as a whole (watch.c) and each session for its end.
 *
 * Where they do not (poll) the set is flat: each session is watched on the I/O
 * thread's poller, once at a time, and the I/O thread reads and writes it as soon as it
 * has something. Callers read for themselves before they wait, all the same, but sleep
 * on the inbox alone: the leader on its futex word, those outside on its descriptor,
 * which stays readable until somebody takes the edge. Whoever takes it rings again for
 * the others outside, as with E; the leader has a word of its own.
 *
 * The two differ in nothing else, and nowhere but here, in the leader's sleep and in
 * whom an edge is given on to (wait.c), and in what the I/O thread serves (watch.c).
 */
#include <errno.h>
#include <sys/socket.h>

#include "loop/poll_until.h"
#include "session/hub.h"
#include "session/session.h"

enum { TOKEN_EDGE = 0, TOKEN_SESSIONS = 1, LOOK_MAX = 64, PART_READS_MAX = 256 };

static uint64_t
token_of(const fmq__session *s)
{
    return (uint64_t)s->slot_generation << 32 | s->slot;
}

int
fmq__hub_need_sessions(fmq__hub *h)
{
    int err;

    if (h->sessions != NULL || h->is_flat) {
        return 0;
    }
    err = fmq__poller_open(&h->sessions);
    if (err != 0) {
        return err;
    }
    if (h->waiting != NULL) {
        err = fmq__poller_add(h->waiting, fmq__poller_fd(h->sessions), FMQ__EV_IN,
                              TOKEN_SESSIONS);
        if (err != 0) {
            fmq__poller_close(h->sessions);
            h->sessions = NULL;
            return err;
        }
    }
    fmq__hub_ring_leader(h); /* it may sleep on the futex: sessions need E */
    return 0;
}

/* E, with all that belongs into it. */
static int
open_waiting(fmq__hub *h)
{
    fmq__poller *e;
    int err = fmq__poller_open(&e);

    if (err != 0) {
        return err;
    }
    err = fmq__poller_add(e, h->inbox->edge.read_fd, FMQ__EV_IN | FMQ__EV_EDGE,
                          TOKEN_EDGE);
    if (err == 0 && h->sessions != NULL) {
        err =
            fmq__poller_add(e, fmq__poller_fd(h->sessions), FMQ__EV_IN, TOKEN_SESSIONS);
    }
    if (err != 0) {
        fmq__poller_close(e);
        return err;
    }
    h->waiting = e;
    return 0;
}

int
fmq__hub_need_waiting(fmq__hub *h)
{
    int err;

    if (h->waiting != NULL) {
        return 0;
    }
    err = fmq__inbox_need_edge(h->inbox);
    if (err != 0 || h->is_flat) {
        return err;
    }
    return open_waiting(h);
}

int
fmq__hub_waiting_fd(const fmq__hub *h)
{
    return h->waiting != NULL ? fmq__poller_fd(h->waiting) : h->inbox->edge.read_fd;
}

int
fmq__hub_sleep(fmq__hub *h, uint64_t deadline_ns, bool *has_sessions)
{
    fmq__ready ready[2];
    int n = 0;
    int err = fmq__poller_wait(h->waiting, ready, 2, deadline_ns, &n);

    if (err == 0 && n == 0) {
        return ETIMEDOUT;
    }
    for (int i = 0; i < n; i++) {
        *has_sessions |= ready[i].token == TOKEN_SESSIONS;
    }
    return err;
}

bool
fmq__hub_take_edge(fmq__hub *h)
{
    fmq__ready ready[2];
    bool was_there = false;
    int n = 0;

    if (h->waiting == NULL) {
        return fmq__inbox_take_edge(h->inbox);
    }
    if (fmq__poller_wait(h->waiting, ready, 2, 0, &n) != 0) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        was_there |= ready[i].token == TOKEN_EDGE;
    }
    return was_there;
}

/* What the next LOOK_MAX sessions of a flat set have. */
static int
look_flat(fmq__hub *h, fmq__ready *ready)
{
    struct pollfd fd[LOOK_MAX];
    int n = 0;
    int n_found = 0;
    int n_ready = 0;

    for (uint32_t i = 0; i < h->n_slots && n < LOOK_MAX; i++) {
        const fmq__session *s = h->slot[h->look_slot++ % h->n_slots];

        if (s != NULL) {
            int events = (s->set_events & FMQ__EV_IN ? POLLIN : 0) |
                         (s->set_events & FMQ__EV_OUT ? POLLOUT : 0);

            fd[n] = (struct pollfd){s->fd, (short)events, 0};
            ready[n++].token = token_of(s);
        }
    }
    fmq__hub_unlock(h);
    if (fmq__poll_until(fd, (size_t)n, 0, &n_found) == 0) {
        for (int i = 0; i < n && n_found != 0; i++) {
            unsigned events = (fd[i].revents & POLLIN ? FMQ__EV_IN : 0) |
                              (fd[i].revents & POLLOUT ? FMQ__EV_OUT : 0);

            if (events != 0) { /* an end is the I/O thread's */
                ready[n_ready++] = (fmq__ready){ready[i].token, events};
            }
        }
    }
    fmq__hub_lock(h);
    return n_ready;
}

static int
look_nested(fmq__hub *h, fmq__ready *ready)
{
    int n = 0;

    fmq__hub_unlock(h);
    if (fmq__poller_wait(h->sessions, ready, LOOK_MAX, 0, &n) != 0) {
        n = 0;
    }
    fmq__hub_lock(h);
    return n;
}

void
fmq__hub_look_at_all(fmq__hub *h)
{
    fmq__ready ready[LOOK_MAX];
    int n;

    h->n_inside++;
    n = h->is_flat ? look_flat(h, ready) : look_nested(h, ready);
    for (int i = 0; i < n; i++) {
        fmq__session *s = fmq__hub_find_session(h, ready[i].token);

        if (s != NULL) {
            fmq__session_serve(s, ready[i].events);
        }
    }
    fmq__hub_exit(h);
}

/* --- one session --- */

int
fmq__session_enter_set(fmq__session *s)
{
    fmq__hub *h = s->hub;
    int err;

    s->set_events = FMQ__EV_IN | FMQ__EV_RDHUP;
    if (h->is_flat) {
        return 0; /* fmq__session_io_watch */
    }
    err = h->sessions == NULL ? ECANCELED : fmq__hub_io_watch(h);
    if (err == 0) {
        err = fmq__poller_add(h->sessions, s->fd, s->set_events, token_of(s));
    }
    s->is_in_set = err == 0;
    return err;
}

/* What S is to watch for; true: it was something else. */
static bool
set_events(fmq__session *s, unsigned events)
{
    unsigned changed = s->set_events ^ events;

    s->set_events = events;
    if (changed & FMQ__EV_OUT) {
        fmq__hub_wish(s->hub, (events & FMQ__EV_OUT) != 0);
    }
    return changed != 0;
}

void
fmq__session_leave_set(fmq__session *s)
{
    if (s->hub->is_flat) {
        return;
    }
    (void)set_events(s, 0);
    if (s->is_in_set) {
        (void)fmq__poller_remove(s->hub->sessions, s->fd);
        s->is_in_set = false;
    }
}

/* Whether a session that has hung up is to be read, and by whoever comes now. */
static bool
can_read(const fmq__session *s)
{
    return s->phase == FMQ__ESTABLISHED && !s->peer->net.is_paused && !s->is_reading;
}

/* The peer has closed, or the connection is broken. Nothing more is written to it -
 * what is queued may have another connection to go to - and what it sent is read to the
 * end. */
static void
hang_up(fmq__session *s)
{
    if (s->phase == FMQ__ESTABLISHED && s->is_lasting) {
        fmq__session_fail(s, ECONNRESET); /* it only waited to write */
    } else if (s->phase == FMQ__ESTABLISHED) {
        fmq__session_break_out(s);
        for (int i = 0; i < PART_READS_MAX && can_read(s); i++) {
            fmq__session_read(s);
        }
    }
}

/* S is the callers', and may have to wait for them; a hang-up does not. It is told
 * once: what is left of the session is S's, and that may not be watched. */
static void
on_hang_up(fmq__watch *w, unsigned events)
{
    fmq__session *s = FMQ__ITEM(w, fmq__session, watch);
    fmq__hub *h = s->hub;

    (void)events;
    fmq__hub_lock(h);
    hang_up(s);
    if (s->phase == FMQ__ESTABLISHED) {
        fmq__hub_ask(h, FMQ__WORK_WATCH);
    }
    fmq__hub_unlock(h);
}

static void
on_flat_ready(fmq__watch *w, unsigned events)
{
    fmq__session *s = FMQ__ITEM(w, fmq__session, watch);

    s->seen |= events;
    if (!fmq__list_is_linked(&s->seen_node)) {
        fmq__list_push_back(&s->hub->seen, &s->seen_node);
    }
    fmq__hub_io_do(s->hub, FMQ__WORK_WATCH);
}

int
fmq__session_io_watch(fmq__session *s)
{
    bool is_flat = s->hub->is_flat;
    unsigned events =
        is_flat ? s->set_events | FMQ__EV_ONESHOT : FMQ__EV_RDHUP | FMQ__EV_EDGE;

    s->watch.on_ready = is_flat ? on_flat_ready : on_hang_up;
    return fmq__io_watch(s->hub->io, &s->watch, s->fd, events);
}

void
fmq__hub_io_serve_flat(fmq__hub *h)
{
    fmq__node *n;

    while ((n = fmq__list_pop_front(&h->seen)) != NULL) {
        fmq__session *s = FMQ__ITEM(n, fmq__session, seen_node);
        unsigned events = s->seen;

        s->seen = 0;
        if (events & (FMQ__EV_ERR | FMQ__EV_HUP | FMQ__EV_RDHUP)) {
            hang_up(s);
        } else {
            fmq__session_serve(s, events);
        }
        s->set_events = 0; /* it has fallen silent */
        fmq__session_update(s);
    }
}

/* With no interest a hang-up is still reported, so then it is taken out - for ever once
 * from S, and once at most from a flat set, which asks again when it has one. */
static void
update_flat(fmq__session *s, unsigned events)
{
    if (!s->is_out_broken) {
        events |= FMQ__EV_RDHUP;
    }
    if (s->watch.fd >= 0 && events != s->set_events && events != 0 &&
        fmq__io_rewatch(s->hub->io, &s->watch, events | FMQ__EV_ONESHOT) != 0) {
        fmq__session_fail(s, ENOMEM);
    }
    s->set_events = events;
}

static void
update_nested(fmq__session *s, unsigned events)
{
    fmq__poller *set = s->hub->sessions;
    bool has_changed = set_events(s, events);

    if (events == 0 && !s->is_lasting) {
        fmq__session_leave_set(s);
    } else if (s->is_in_set) {
        if (has_changed) {
            (void)fmq__poller_modify(set, s->fd, events, token_of(s));
        }
    } else if (fmq__poller_add(set, s->fd, events, token_of(s)) == 0) {
        s->is_in_set = true;
    } else {
        fmq__session_fail(s, ENOMEM);
    }
}

void
fmq__session_update(fmq__session *s)
{
    unsigned events = s->wants_out ? FMQ__EV_OUT : 0;

    if (s->phase != FMQ__ESTABLISHED || !fmq__list_is_linked(&s->hub_node)) {
        return;
    }
    if (!s->is_lasting && !s->peer->net.is_paused && !(s->is_reading && s->is_heavy)) {
        events |= FMQ__EV_IN | FMQ__EV_RDHUP;
    }
    if (s->hub->is_flat) {
        update_flat(s, events);
    } else {
        update_nested(s, events);
    }
}
