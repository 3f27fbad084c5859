/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "base/thread.h"
#include "check.h"
#include "deny.h"
#include "errand.h"
#include "gate.h"

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
    CHECK_STR(p.name, "fastmq/test-io");
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
enum { N_CALLERS = 3, N_ENTRIES = 500, N_VISITS = 250 };

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
        error = fmq__io_open(&io, "test-io", NULL);
        fmq__alloc_fail_at(0, 0);
        if (error != 0) {
            CHECK_EQ(error, ENOMEM);
            CHECK(io == NULL);
            CHECK_EQ(lowest_free_descriptor(), fd);
            CHECK(n <= 6);
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
        int error = fmq__io_open(&io, "test-io", NULL);

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
        CHECK_EQ(fmq__io_open(&io, "test-io", NULL), EAGAIN);
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
        CASE(tasks_run_on_the_thread),   CASE(tasks_run_in_order_and_once),
        CASE(close_empties_the_mailbox), CASE(no_post_is_lost),
        CASE(chores_run_at_their_time),  CASE(wishes_are_answered),
        CASE(open_without_memory),       CASE(open_without_descriptors),
        CASE(open_without_threads),
    };

    return CHECK_MAIN(cases);
}
