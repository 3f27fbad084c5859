/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O thread's watches and timers; the rest of it is in test_io.c. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/wake.h"
#include "check.h"
#include "errand.h"
#include "gate.h"
#include "loop/io.h"

/* Watches */

typedef struct stream {
    fmq__io *io;
    fmq__watch watch;
    int fd[2];
    unsigned events; /* to watch for */
    unsigned seen;
    int result;
    gate is_ready;
} stream;

static void
note_ready(fmq__watch *w, unsigned events)
{
    stream *s = FMQ__ITEM(w, stream, watch);

    s->seen = events;
    fmq__io_unwatch(s->io, w);
    gate_pass(&s->is_ready);
}

static void
watch_stream(void *arg)
{
    stream *s = arg;

    s->result = fmq__io_watch(s->io, &s->watch, s->fd[0], s->events);
}

static void
rewatch_stream(void *arg)
{
    stream *s = arg;

    s->result = fmq__io_rewatch(s->io, &s->watch, s->events);
}

static void
unwatch_stream(void *arg)
{
    stream *s = arg;

    fmq__io_unwatch(s->io, &s->watch);
}

static void
open_stream(stream *s, fmq__io *io)
{
    *s = (stream){.io = io, .events = FMQ__EV_IN};
    s->watch = (fmq__watch){.on_ready = note_ready, .fd = -1};
    gate_init(&s->is_ready);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s->fd) == 0);
}

static void
close_stream(stream *s)
{
    close(s->fd[0]);
    close(s->fd[1]);
}

TEST(watch_reports)
{
    fmq__io *io = open_io();
    stream s;

    open_stream(&s, io);
    run_there(io, watch_stream, &s);
    CHECK_EQ(s.result, 0);
    CHECK_EQ(s.watch.fd, s.fd[0]);
    CHECK_EQ(gate_count(&s.is_ready), 0);

    s.events = FMQ__EV_IN | FMQ__EV_OUT;
    run_there(io, rewatch_stream, &s);
    gate_wait(&s.is_ready, 1);
    CHECK_EQ(s.seen, FMQ__EV_OUT);
    CHECK_EQ(s.watch.fd, -1);

    s.events = FMQ__EV_IN;
    run_there(io, watch_stream, &s);
    CHECK_EQ(send(s.fd[1], "x", 1, 0), 1);
    gate_wait(&s.is_ready, 2);
    CHECK_EQ(s.seen, FMQ__EV_IN);

    /* Taking it out twice is harmless. */
    run_there(io, unwatch_stream, &s);
    fmq__io_close(io);
    close_stream(&s);
}

TEST(watch_fails)
{
    fmq__io *io = open_io();
    stream s;

    open_stream(&s, io);
    fmq__alloc_fail_at(1, 0);
    run_there(io, watch_stream, &s);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(s.result, ENOMEM);
    CHECK_EQ(s.watch.fd, -1);
    close(s.fd[0]);
    run_there(io, watch_stream, &s);
    CHECK_EQ(s.result, EBADF);
    CHECK_EQ(s.watch.fd, -1);
    s.fd[0] = dup(s.fd[1]);
    run_there(io, watch_stream, &s);
    CHECK_EQ(s.result, 0);
    run_there(io, unwatch_stream, &s);
    fmq__io_close(io);
    close_stream(&s);
}

enum { N_STREAMS = 40 };

TEST(many_watches)
{
    static stream s[N_STREAMS];
    fmq__io *io = open_io();

    for (int i = 0; i < N_STREAMS; i++) {
        open_stream(&s[i], io);
        run_there(io, watch_stream, &s[i]);
        CHECK_EQ(s[i].result, 0);
    }
    for (int i = N_STREAMS; i-- > 0;) {
        CHECK_EQ(send(s[i].fd[1], "x", 1, 0), 1);
        gate_wait(&s[i].is_ready, 1);
    }
    fmq__io_close(io);
    for (int i = 0; i < N_STREAMS; i++) {
        CHECK_EQ(gate_count(&s[i].is_ready), 1);
        close_stream(&s[i]);
    }
}

/* Two watches are ready in one turn. Whichever is called first takes the other out and
 * puts a newcomer on its slot and its descriptor; neither may be called in this turn.
 */
typedef struct duel {
    fmq__io *io;
    fmq__watch rival[2];
    fmq__watch newcomer;
    fmq__wake wake[2];
    fmq__chore turn_ends;
    int n_calls;
    uint32_t slot_of_loser;
    bool is_turn_over;
    gate is_over;
} duel;

static duel the_duel;

static void
end_turn(fmq__chore *c)
{
    (void)c;
    the_duel.is_turn_over = true;
}

static void
newcomer_ready(fmq__watch *w, unsigned events)
{
    duel *d = &the_duel;

    CHECK(d->is_turn_over);
    CHECK_EQ(events, FMQ__EV_IN);
    CHECK_EQ((uint32_t)w->token, d->slot_of_loser);
    fmq__io_unwatch(d->io, w);
    gate_pass(&d->is_over);
}

static void
rival_ready(fmq__watch *w, unsigned events)
{
    duel *d = &the_duel;
    fmq__watch *loser = w == &d->rival[0] ? &d->rival[1] : &d->rival[0];
    int fd = loser->fd;

    CHECK_EQ(events, FMQ__EV_IN);
    d->n_calls++;
    d->slot_of_loser = (uint32_t)loser->token;
    fmq__io_bury(d->io, &d->turn_ends);
    fmq__io_unwatch(d->io, w);
    fmq__io_unwatch(d->io, loser);
    CHECK_EQ(fmq__io_watch(d->io, &d->newcomer, fd, FMQ__EV_IN), 0);
}

static void
begin_duel(void *arg)
{
    duel *d = arg;

    for (int i = 0; i < 2; i++) {
        CHECK_EQ(fmq__io_watch(d->io, &d->rival[i], d->wake[i].read_fd, FMQ__EV_IN), 0);
    }
}

TEST(removed_watch_is_not_called)
{
    duel *d = &the_duel;

    d->io = open_io();
    gate_init(&d->is_over);
    fmq__chore_init(&d->turn_ends, end_turn);
    d->newcomer = (fmq__watch){.on_ready = newcomer_ready, .fd = -1};
    for (int i = 0; i < 2; i++) {
        d->rival[i] = (fmq__watch){.on_ready = rival_ready, .fd = -1};
        REQUIRE(fmq__wake_open(&d->wake[i]) == 0);
        fmq__wake_signal(&d->wake[i]);
    }
    run_there(d->io, begin_duel, d);
    gate_wait(&d->is_over, 1);
    fmq__io_close(d->io);
    CHECK_EQ(d->n_calls, 1);
    for (int i = 0; i < 2; i++) {
        fmq__wake_close(&d->wake[i]);
    }
}

/* Timers */

enum { N_TIMERS = 5 };

typedef struct alarms {
    fmq__io *io;
    fmq__timer timer[N_TIMERS];
    int order[N_TIMERS];
    int n;
    uint64_t last_ns; /* the deadline of the last to come */
    gate is_over;
} alarms;

static alarms the_alarms;

static void
note_due(fmq__timer *t)
{
    alarms *a = &the_alarms;

    CHECK(!t->is_set);
    a->order[a->n++] = (int)(t - a->timer);
    if (t == &a->timer[2]) {
        CHECK(fmq__io_now(a->io) >= a->last_ns);
        CHECK(fmq__io_now(a->io) <= fmq__clock_ns());
        gate_pass(&a->is_over);
    }
}

/* 4 and 1 come, then 2; 0 is cleared, 3 moved to never. */
static void
set_alarms(void *arg)
{
    alarms *a = arg;
    uint64_t now = fmq__clock_ns();

    for (int i = 0; i < N_TIMERS; i++) {
        fmq__timer_init(&a->timer[i], note_due);
    }
    fmq__io_clear_timer(a->io, &a->timer[0]); /* harmless */
    a->last_ns = now + 900000;
    fmq__io_set_timer(a->io, &a->timer[0], now + 100000);
    fmq__io_set_timer(a->io, &a->timer[1], now + 600000);
    fmq__io_set_timer(a->io, &a->timer[2], now + 50000);
    fmq__io_set_timer(a->io, &a->timer[3], now + 400000);
    fmq__io_set_timer(a->io, &a->timer[4], 0);
    fmq__io_set_timer(a->io, &a->timer[2], a->last_ns);
    fmq__io_clear_timer(a->io, &a->timer[0]);
    fmq__io_set_timer(a->io, &a->timer[3], FMQ__NEVER);
    CHECK(!a->timer[0].is_set);
    CHECK(!a->timer[3].is_set);
    CHECK(a->timer[4].is_set);
}

TEST(timers_come_in_order)
{
    static const int expected[] = {4, 1, 2};
    alarms *a = &the_alarms;

    a->io = open_io();
    a->n = 0;
    gate_init(&a->is_over);
    run_there(a->io, set_alarms, a);
    gate_wait(&a->is_over, 1);
    fmq__io_close(a->io);
    REQUIRE(a->n == 3);
    CHECK_MEM(a->order, expected, sizeof(expected));
}

/* A timer that always sets itself again into the past lets others live. */
typedef struct pest {
    fmq__io *io;
    fmq__timer timer;
    long n_due;
    bool is_over;
} pest;

static void
pest_due(fmq__timer *t)
{
    pest *p = FMQ__ITEM(t, pest, timer);

    p->n_due++;
    if (!p->is_over) {
        fmq__io_set_timer(p->io, t, 0);
    }
}

static void
begin_pest(void *arg)
{
    pest *p = arg;

    fmq__io_set_timer(p->io, &p->timer, 0);
}

static void
end_pest(void *arg)
{
    pest *p = arg;

    p->is_over = true;
    fmq__io_clear_timer(p->io, &p->timer);
}

TEST(restless_timer)
{
    pest p = {.io = open_io()};

    fmq__timer_init(&p.timer, pest_due);
    run_there(p.io, begin_pest, &p);
    run_there(p.io, end_pest, &p);
    fmq__io_close(p.io);
    CHECK(p.is_over);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(watch_reports),        CASE(watch_fails),
        CASE(many_watches),         CASE(removed_watch_is_not_called),
        CASE(timers_come_in_order), CASE(restless_timer),
    };

    return CHECK_MAIN(cases);
}
