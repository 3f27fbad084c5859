/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "check.h"
#include "deny.h"
#include "gate.h"

static fmq__io *
open_io(void)
{
    fmq__io *io = NULL;

    REQUIRE(fmq__io_open(&io, "test-io") == 0);
    return io;
}

/* Runs `run(arg)` on the I/O thread and waits for it. */
typedef struct errand {
    fmq__task task;
    void (*run)(void *);
    void *arg;
    gate done;
} errand;

static void
run_errand(fmq__task *t)
{
    errand *e = FMQ__ITEM(t, errand, task);

    e->run(e->arg);
    gate_pass(&e->done);
}

static void
run_there(fmq__io *io, void (*run)(void *), void *arg)
{
    errand e = {.run = run, .arg = arg};

    fmq__task_init(&e.task, run_errand);
    gate_init(&e.done);
    fmq__io_post(io, &e.task);
    gate_wait(&e.done, 1);
}

static int
lowest_free_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(fd);
    return fd;
}

/* Tasks */

typedef struct place {
    fmq__io *io;
    bool is_here;
    char name[16];
    int slack_ns;
} place;

static void
look_round(void *arg)
{
    place *p = arg;

    p->is_here = fmq__io_is_here(p->io);
    pthread_getname_np(pthread_self(), p->name, sizeof(p->name));
    p->slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
}

TEST(tasks_run_on_the_thread)
{
    place p = {.io = open_io()};

    run_there(p.io, look_round, &p);
    CHECK(p.is_here);
    CHECK(!fmq__io_is_here(p.io));
    CHECK_STR(p.name, "test-io");
    CHECK_EQ(p.slack_ns, 1000);
    fmq__io_close(p.io);
}

enum { N_NOTES = 5 };

/* A task that writes its number down. */
typedef struct note {
    fmq__task task;
    struct notes *all;
    int number;
} note;

typedef struct notes {
    fmq__io *io;
    note note[N_NOTES];
    int order[4 * N_NOTES];
    int n;
    gate may_go;
    gate is_in;
} notes;

static void
write_down(fmq__task *t)
{
    note *n = FMQ__ITEM(t, note, task);

    CHECK(fmq__io_is_here(n->all->io));
    n->all->order[n->all->n++] = n->number;
}

static void
init_notes(notes *a)
{
    a->io = open_io();
    a->n = 0;
    gate_init(&a->may_go);
    gate_init(&a->is_in);
    for (int i = 0; i < N_NOTES; i++) {
        fmq__task_init(&a->note[i].task, write_down);
        a->note[i].all = a;
        a->note[i].number = i;
    }
}

static void
block(fmq__task *t)
{
    notes *a = FMQ__ITEM(t, note, task)->all;

    gate_pass(&a->is_in);
    gate_wait(&a->may_go, 1);
}

/* Note 0 holds the thread until may_go. */
static void
block_thread(notes *a)
{
    a->note[0].task.run = block;
    fmq__io_post(a->io, &a->note[0].task);
    gate_wait(&a->is_in, 1);
}

TEST(tasks_run_in_order_and_once)
{
    static const int expected[] = {3, 1, 2};
    notes a;

    init_notes(&a);
    block_thread(&a);
    fmq__io_post(a.io, &a.note[3].task);
    fmq__io_post(a.io, &a.note[1].task);
    fmq__io_post(a.io, &a.note[3].task);
    fmq__io_post(a.io, &a.note[2].task);
    fmq__io_post(a.io, &a.note[1].task);
    gate_pass(&a.may_go);
    fmq__io_close(a.io);
    REQUIRE(a.n == 3);
    CHECK_MEM(a.order, expected, sizeof(expected));
}

static void
post_next(fmq__task *t)
{
    note *n = FMQ__ITEM(t, note, task);

    write_down(t);
    if (n->number + 1 < N_NOTES) {
        fmq__io_post(n->all->io, &n->all->note[n->number + 1].task);
    } else if (n->all->n < 2 * N_NOTES - 1) {
        fmq__io_post(n->all->io, &n->all->note[1].task);
    }
}

/* Also what tasks post while the thread is being closed. */
TEST(close_empties_the_mailbox)
{
    notes a;

    init_notes(&a);
    for (int i = 1; i < N_NOTES; i++) {
        a.note[i].task.run = post_next;
    }
    block_thread(&a);
    fmq__io_post(a.io, &a.note[1].task);
    gate_pass(&a.may_go);
    fmq__io_close(a.io);
    CHECK(a.n >= 2 * N_NOTES - 1);
    for (int i = 0; i < a.n; i++) {
        CHECK_EQ(a.order[i], 1 + i % (N_NOTES - 1));
    }
}

/* Several threads post the same task and their own; each post made after a run began
 * causes another run. */
enum { N_POSTERS = 3, N_POSTS = 5000 };

typedef struct poster poster;

typedef struct post_office {
    fmq__io *io;
    fmq__task shared;
    _Atomic int n_asked;
    int n_served; /* the I/O thread's: n_asked as the last run saw it */
} post_office;

struct poster {
    fmq__task own;
    post_office *office;
    int n_sent; /* handed to and fro by post and gate */
    int n_got;
    gate got;
};

static void
serve_shared(fmq__task *t)
{
    post_office *o = FMQ__ITEM(t, post_office, shared);

    o->n_served = atomic_load_explicit(&o->n_asked, memory_order_relaxed);
}

static void
serve_own(fmq__task *t)
{
    poster *p = FMQ__ITEM(t, poster, own);

    CHECK_EQ(p->n_sent, p->n_got + 1);
    p->n_got++;
    gate_pass(&p->got);
}

static void
post_many_times(void *arg)
{
    poster *p = arg;

    for (int i = 1; i <= N_POSTS; i++) {
        atomic_fetch_add_explicit(&p->office->n_asked, 1, memory_order_relaxed);
        fmq__io_post(p->office->io, &p->office->shared);
        if (i % 10 == 0) {
            p->n_sent++;
            fmq__io_post(p->office->io, &p->own);
            gate_wait(&p->got, (uint32_t)p->n_sent);
        }
    }
}

TEST(no_post_is_lost)
{
    post_office o = {.io = open_io()};
    poster posters[N_POSTERS];
    fmq__thread threads[N_POSTERS];

    fmq__task_init(&o.shared, serve_shared);
    for (int i = 0; i < N_POSTERS; i++) {
        posters[i] = (poster){.office = &o};
        fmq__task_init(&posters[i].own, serve_own);
        gate_init(&posters[i].got);
        REQUIRE(fmq__thread_open(&threads[i], post_many_times, &posters[i], "poster") ==
                0);
    }
    for (int i = 0; i < N_POSTERS; i++) {
        fmq__thread_join(threads[i]);
        CHECK_EQ(posters[i].n_got, N_POSTS / 10);
    }
    fmq__io_close(o.io);
    CHECK_EQ(o.n_served, N_POSTERS * N_POSTS);
}

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
    CHECK_EQ(w->slot, d->slot_of_loser);
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
    d->slot_of_loser = loser->slot;
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

/* Chores */

typedef struct chores {
    fmq__io *io;
    fmq__chore retry;
    fmq__chore cancelled;
    fmq__chore grave[2];
    char log[16];
    int n;
} chores;

static chores the_chores;

static void
log_step(char c)
{
    the_chores.log[the_chores.n++] = c;
}

static void
run_retry(fmq__chore *c)
{
    log_step('r');
    if (the_chores.n == 2) {
        fmq__io_retry(the_chores.io, c);
    }
}

static void
run_cancelled(fmq__chore *c)
{
    (void)c;
    log_step('!');
}

static void
run_grave(fmq__chore *c)
{
    chores *k = &the_chores;

    log_step(c == &k->grave[0] ? 'g' : 'h');
    if (c == &k->grave[0]) {
        fmq__io_bury(k->io, &k->grave[1]);
    }
}

static void
begin_chores(void *arg)
{
    chores *k = arg;

    fmq__io_bury(k->io, &k->grave[0]);
    fmq__io_retry(k->io, &k->cancelled);
    fmq__io_retry(k->io, &k->retry);
    fmq__io_retry(k->io, &k->retry);
    fmq__chore_cancel(&k->cancelled);
    fmq__chore_cancel(&k->cancelled);
    log_step('t');
}

static void
log_turn(void *arg)
{
    (void)arg;
    log_step('t');
}

/* A retry put on the list in a turn runs in it, one put on it by a retry in the next
 * turn only, and the dead are buried last, all of them. */
TEST(chores_run_at_their_time)
{
    chores *k = &the_chores;

    k->io = open_io();
    k->n = 0;
    fmq__chore_init(&k->retry, run_retry);
    fmq__chore_init(&k->cancelled, run_cancelled);
    fmq__chore_init(&k->grave[0], run_grave);
    fmq__chore_init(&k->grave[1], run_grave);
    run_there(k->io, begin_chores, k);
    run_there(k->io, log_turn, k);
    fmq__io_close(k->io);
    k->log[k->n] = '\0';
    CHECK_STR(k->log, "trghtr");
}

/* The lock's wishes with a real I/O thread: callers hold the lock longer than it
 * spins, its chore leaves a wish and waits for the wake-up. A lost one hangs the test.
 */
enum { N_CALLERS = 3, N_ENTRIES = 2000, N_VISITS = 1000 };

typedef struct wishes {
    fmq__io *io;
    fmq__lock lock;
    fmq__task begin;
    fmq__chore visit;
    long n_entries; /* guarded by the lock */
    int n_visits;   /* the I/O thread's */
    long n_wishes;
    gate is_over;
    _Atomic bool is_enough;
} wishes;

static void
visit(fmq__chore *c)
{
    wishes *w = FMQ__ITEM(c, wishes, visit);

    if (!fmq__lock_try_or_want(&w->lock)) {
        w->n_wishes++;
        fmq__io_retry(w->io, c);
        return;
    }
    w->n_entries++;
    w->n_visits++;
    CHECK(!fmq__lock_release(&w->lock));
    if (w->n_visits < N_VISITS) {
        fmq__io_post(w->io, &w->begin);
    } else {
        gate_pass(&w->is_over);
    }
}

static void
begin_visit(fmq__task *t)
{
    visit(&FMQ__ITEM(t, wishes, begin)->visit);
}

static void
enter_many_times(void *arg)
{
    wishes *w = arg;
    long n = 0;

    while (n++ < N_ENTRIES ||
           !atomic_load_explicit(&w->is_enough, memory_order_relaxed)) {
        fmq__lock_take(&w->lock);
        w->n_entries++;
        if (n % 2 == 0) {
            sched_yield();
        }
        if (fmq__lock_release(&w->lock)) {
            fmq__io_wake(w->io);
        }
        if (n > N_ENTRIES) {
            sched_yield();
        }
    }
}

TEST(wishes_are_answered)
{
    wishes w = {.io = open_io()};
    fmq__thread threads[N_CALLERS];

    fmq__lock_init(&w.lock);
    fmq__task_init(&w.begin, begin_visit);
    fmq__chore_init(&w.visit, visit);
    gate_init(&w.is_over);
    for (int i = 0; i < N_CALLERS; i++) {
        REQUIRE(fmq__thread_open(&threads[i], enter_many_times, &w, "caller") == 0);
    }
    fmq__io_post(w.io, &w.begin);
    gate_wait(&w.is_over, 1);
    atomic_store_explicit(&w.is_enough, true, memory_order_relaxed);
    for (int i = 0; i < N_CALLERS; i++) {
        fmq__thread_join(threads[i]);
    }
    fmq__io_close(w.io);
    CHECK_EQ(w.n_visits, N_VISITS);
    CHECK(w.n_entries >= N_CALLERS * (long)N_ENTRIES + N_VISITS);
    if (getenv("FMQ_TEST_VERBOSE") != NULL) {
        printf("%ld wishes in %d visits\n", w.n_wishes, w.n_visits);
    }
}

/* Failures of open */

TEST(open_without_memory)
{
    int fd = lowest_free_descriptor();
    fmq__io *io = NULL;
    int error = ENOMEM;

    for (uint64_t n = 1; error != 0; n++) {
        REQUIRE(n < 100);
        fmq__alloc_fail_at(n, 0);
        error = fmq__io_open(&io, "test-io");
        fmq__alloc_fail_at(0, 0);
        if (error != 0) {
            CHECK_EQ(error, ENOMEM);
            CHECK(io == NULL);
            CHECK_EQ(lowest_free_descriptor(), fd);
            CHECK(n <= 3);
        }
    }
    fmq__io_close(io);
    CHECK_EQ(lowest_free_descriptor(), fd);
}

TEST(open_without_descriptors)
{
    int fd = lowest_free_descriptor();
    fmq__io *io = NULL;

    for (int n_free = 0; io == NULL; n_free++) {
        rlim_t before = deny_descriptors((rlim_t)(fd + n_free));
        int error = fmq__io_open(&io, "test-io");

        deny_descriptors(before);
        REQUIRE(n_free < 10);
        if (error != 0) {
            CHECK_EQ(error, EMFILE);
            CHECK_EQ(lowest_free_descriptor(), fd);
        }
    }
    fmq__io_close(io);
    CHECK_EQ(lowest_free_descriptor(), fd);
}

static void
open_threadless(void)
{
    int fd = lowest_free_descriptor();
    fmq__io *io = NULL;

    if (deny_syscall(SYS_clone3, ENOSYS) && deny_syscall(SYS_clone, EAGAIN)) {
        CHECK_EQ(fmq__io_open(&io, "test-io"), EAGAIN);
        CHECK(io == NULL);
        CHECK_EQ(lowest_free_descriptor(), fd);
    }
}

/* In a process of its own: a leak checker needs threads at the end of this one. */
TEST(open_without_threads)
{
    int status = -1;
    pid_t child = fork();

    REQUIRE(child != -1);
    if (child == 0) {
        open_threadless();
        _exit(check_result());
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(tasks_run_on_the_thread),
        CASE(tasks_run_in_order_and_once),
        CASE(close_empties_the_mailbox),
        CASE(no_post_is_lost),
        CASE(watch_reports),
        CASE(watch_fails),
        CASE(many_watches),
        CASE(removed_watch_is_not_called),
        CASE(timers_come_in_order),
        CASE(restless_timer),
        CASE(chores_run_at_their_time),
        CASE(wishes_are_answered),
        CASE(open_without_memory),
        CASE(open_without_descriptors),
        CASE(open_without_threads),
    };

    return CHECK_MAIN(cases);
}
