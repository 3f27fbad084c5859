/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "check.h"
#include "deny.h"
#include "gate.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum { MAX = 8 };

static fmq__ready ready[MAX];

static int
look(fmq__poller *p)
{
    int n = -1;

    CHECK_EQ(fmq__poller_wait(p, ready, MAX, 0, &n), 0);
    return n;
}

static fmq__poller *
open_poller(void)
{
    fmq__poller *p = NULL;

    REQUIRE(fmq__poller_open(&p) == 0);
    return p;
}

TEST(back_ends_have_names)
{
    const fmq__poller_ops *best = fmq__poller_find(NULL);

    REQUIRE(best != NULL);
    CHECK(fmq__poller_find("no such poller") == best);
    CHECK(fmq__poller_find(best->name) == best);
#if FMQ_POLLER_EPOLL
    CHECK(fmq__poller_find("epoll") == &fmq__poller_epoll);
#endif
#if FMQ_POLLER_POLL
    CHECK(fmq__poller_find("poll") == &fmq__poller_poll);
#endif
    if (getenv("FASTMQ_POLLER") != NULL) {
        CHECK_STR(fmq__poller_default()->name, getenv("FASTMQ_POLLER"));
    }
    CHECK(fmq__poller_default() != NULL);
    CHECK(fmq__poller_default() == fmq__poller_default());
}

TEST(level_reports_until_it_is_read)
{
    fmq__poller *p = open_poller();
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN, UINT64_C(0x123456789abcdef0)),
             0);
    CHECK_EQ(look(p), 0);
    fmq__wake_signal(&w);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(look(p), 1);
        CHECK(ready[0].token == UINT64_C(0x123456789abcdef0));
        CHECK_EQ(ready[0].events, FMQ__EV_IN);
    }
    fmq__wake_drain(&w);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_remove(p, w.read_fd), 0);
    fmq__wake_signal(&w);
    CHECK_EQ(look(p), 0);
    fmq__wake_close(&w);
    fmq__poller_close(p);
}

/* Without edges of its own a back end wants the watch modified after each report. */
static void
rearm(fmq__poller *p, const fmq__wake *w, unsigned events, uint64_t token)
{
    if (!p->ops->nests) {
        fmq__wake_drain(w);
        CHECK_EQ(fmq__poller_modify(p, w->read_fd, events, token), 0);
    }
}

TEST(edge_reports_each_signal_once)
{
    const unsigned events = FMQ__EV_IN | FMQ__EV_EDGE;
    fmq__poller *p = open_poller();
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, events, 1), 0);
    for (int i = 0; i < 3; i++) {
        fmq__wake_signal(&w);
        CHECK_EQ(look(p), 1);
        CHECK_EQ(look(p), 0);
        rearm(p, &w, events, 1);
        CHECK_EQ(look(p), 0);
    }
    fmq__wake_close(&w);
    fmq__poller_close(p);
}

/* Also if the cause has stayed. */
TEST(modified_edge_reports_again)
{
    const unsigned events = FMQ__EV_IN | FMQ__EV_EDGE;
    fmq__poller *p = open_poller();
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, events, 1), 0);
    fmq__wake_signal(&w);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_modify(p, w.read_fd, events, 2), 0);
    CHECK_EQ(look(p), 1);
    CHECK(ready[0].token == 2);
    CHECK_EQ(look(p), 0);
    fmq__wake_close(&w);
    fmq__poller_close(p);
}

/* The other events of an edge-triggered watch are not silenced with the first. */
TEST(edges_are_told_one_by_one)
{
    fmq__poller *p = open_poller();
    int fd[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    CHECK_EQ(fmq__poller_add(p, fd[0], FMQ__EV_IN | FMQ__EV_OUT | FMQ__EV_EDGE, 1), 0);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_OUT);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(send(fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(p), 1);
    CHECK(ready[0].events & FMQ__EV_IN);
    CHECK_EQ(look(p), 0);
    close(fd[1]);
    CHECK_EQ(look(p), 1);
    CHECK(ready[0].events & FMQ__EV_HUP);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_remove(p, fd[0]), 0);
    close(fd[0]);
    fmq__poller_close(p);
}

/* A watch for the peer's end alone hears nothing of data. */
TEST(only_the_end)
{
    fmq__poller *p = open_poller();
    int fd[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    CHECK_EQ(fmq__poller_add(p, fd[0], FMQ__EV_RDHUP | FMQ__EV_EDGE, 1), 0);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(send(fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(p), 0);
    shutdown(fd[1], SHUT_WR);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_RDHUP);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_remove(p, fd[0]), 0);
    close(fd[0]);
    close(fd[1]);
    fmq__poller_close(p);
}

TEST(oneshot_is_silent_until_modified)
{
    fmq__poller *p = open_poller();
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN | FMQ__EV_ONESHOT, 1), 0);
    fmq__wake_signal(&w);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_modify(p, w.read_fd, FMQ__EV_IN | FMQ__EV_ONESHOT, 2), 0);
    CHECK_EQ(look(p), 1);
    CHECK(ready[0].token == 2);
    fmq__wake_close(&w);
    fmq__poller_close(p);
}

/* Both directions are one shot. */
TEST(oneshot_is_for_the_whole_watch)
{
    const unsigned events = FMQ__EV_IN | FMQ__EV_OUT | FMQ__EV_ONESHOT;
    fmq__poller *p = open_poller();
    int fd[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    CHECK_EQ(fmq__poller_add(p, fd[0], events, 1), 0);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_OUT);
    CHECK_EQ(send(fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_modify(p, fd[0], events, 1), 0);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_IN | FMQ__EV_OUT);
    close(fd[1]);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(fmq__poller_modify(p, fd[0], events, 1), 0);
    CHECK_EQ(look(p), 1);
    CHECK(ready[0].events & FMQ__EV_HUP);
    CHECK_EQ(fmq__poller_remove(p, fd[0]), 0);
    close(fd[0]);
    fmq__poller_close(p);
}

TEST(stream_events)
{
    fmq__poller *p = open_poller();
    int fd[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    CHECK_EQ(fmq__poller_add(p, fd[0], FMQ__EV_OUT, 1), 0);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_OUT);

    CHECK_EQ(fmq__poller_modify(p, fd[0], FMQ__EV_IN | FMQ__EV_RDHUP, 1), 0);
    CHECK_EQ(look(p), 0);
    CHECK_EQ(send(fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_IN);

    shutdown(fd[1], SHUT_WR);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_IN | FMQ__EV_RDHUP);

    /* Unasked. */
    CHECK_EQ(fmq__poller_modify(p, fd[0], 0, 1), 0);
    CHECK_EQ(look(p), 0);
    close(fd[1]);
    CHECK_EQ(look(p), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_HUP);
    close(fd[0]);
    fmq__poller_close(p);
}

/* Some back ends call it a hang-up. */
TEST(broken_pipe_is_an_error_event)
{
    fmq__poller *p = open_poller();
    int fd[2];

    REQUIRE(pipe2(fd, O_CLOEXEC) == 0);
    CHECK_EQ(fmq__poller_add(p, fd[1], 0, 1), 0);
    CHECK_EQ(look(p), 0);
    close(fd[0]);
    CHECK_EQ(look(p), 1);
    CHECK(ready[0].events == FMQ__EV_ERR || ready[0].events == FMQ__EV_HUP);
    close(fd[1]);
    fmq__poller_close(p);
}

TEST(nests)
{
    fmq__poller *inner = open_poller();
    fmq__poller *outer = open_poller();
    fmq__wake w;

    if (!inner->ops->nests) {
        CHECK_EQ(fmq__poller_fd(inner), -1);
        fmq__poller_close(outer);
        fmq__poller_close(inner);
        return;
    }
    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(inner, w.read_fd, FMQ__EV_IN, 1), 0);
    CHECK_EQ(fmq__poller_add(outer, fmq__poller_fd(inner), FMQ__EV_IN, 2), 0);
    CHECK_EQ(look(outer), 0);
    fmq__wake_signal(&w);
    CHECK_EQ(look(outer), 1);
    CHECK(ready[0].token == 2);
    fmq__wake_drain(&w);
    CHECK_EQ(look(outer), 0);
    fmq__poller_close(outer);
    fmq__poller_close(inner);
    fmq__wake_close(&w);
}

TEST(fills_no_more_than_asked)
{
    fmq__poller *p = open_poller();
    fmq__wake w[3];
    unsigned seen = 0;
    int n = 0;

    for (int i = 0; i < 3; i++) {
        REQUIRE(fmq__wake_open(&w[i]) == 0);
        CHECK_EQ(fmq__poller_add(p, w[i].read_fd, FMQ__EV_IN, (uint64_t)i), 0);
        fmq__wake_signal(&w[i]);
    }
    CHECK_EQ(fmq__poller_wait(p, ready, 2, 0, &n), 0);
    CHECK_EQ(n, 2);
    CHECK_EQ(look(p), 3);
    /* All have their turn. */
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fmq__poller_wait(p, ready, 1, 0, &n), 0);
        CHECK_EQ(n, 1);
        seen |= 1U << ready[0].token;
    }
    CHECK_EQ(seen, 7);
    for (int i = 0; i < 3; i++) {
        fmq__wake_close(&w[i]);
    }
    fmq__poller_close(p);
}

TEST(failures)
{
    fmq__poller *p = open_poller();
    fmq__poller *untouched = p;
    fmq__wake w;
    rlim_t before;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, -1, FMQ__EV_IN, 1), EBADF);
    CHECK_EQ(fmq__poller_modify(p, w.read_fd, FMQ__EV_IN, 1), ENOENT);
    CHECK_EQ(fmq__poller_remove(p, w.read_fd), ENOENT);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN, 1), 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN, 1), EEXIST);

    CHECK_EQ(fmq__poller_remove(p, w.read_fd), 0);
    CHECK_EQ(fmq__poller_remove(p, w.read_fd), ENOENT);

    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__poller_open(&untouched), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    before = deny_descriptors(0);
    CHECK_EQ(fmq__poller_open(&untouched), EMFILE);
    deny_descriptors(before);
    CHECK(untouched == p);
    fmq__wake_close(&w);
    fmq__poller_close(p);
}

/* Ends by the deadline, and not before. */
static void
check_deadlines(fmq__poller *p)
{
    static const uint64_t lengths_ns[] = {1, 1000, 200000, 1500000};

    for (size_t i = 0; i < sizeof(lengths_ns) / sizeof(lengths_ns[0]); i++) {
        uint64_t deadline = fmq__clock_ns() + lengths_ns[i];
        int n = -1;

        CHECK_EQ(fmq__poller_wait(p, ready, MAX, deadline, &n), 0);
        CHECK_EQ(n, 0);
        CHECK(fmq__clock_ns() >= deadline);
    }
}

TEST(waits_for_deadlines)
{
    fmq__poller *p = open_poller();
    int n = -1;

    check_deadlines(p);
    CHECK_EQ(fmq__poller_wait(p, ready, MAX, fmq__clock_ns() - 1, &n), 0);
    CHECK_EQ(n, 0);
    fmq__poller_close(p);
}

typedef struct signaller {
    fmq__wake *wake;
    gate *go;
    uint32_t n;
} signaller;

static void
signal_many_times(void *arg)
{
    signaller *s = arg;

    for (uint32_t i = 1; i <= s->n; i++) {
        gate_wait(s->go, i);
        fmq__wake_signal(s->wake);
    }
}

/* With every kind of deadline that is far away. */
static void
check_wakes(fmq__poller *p)
{
    const uint64_t deadlines[] = {FMQ__NEVER, FMQ__NEVER - 1,
                                  fmq__deadline_ns(3600000)};
    gate go;
    fmq__wake w;
    signaller s = {&w, &go, 3};
    fmq__thread t;

    gate_init(&go);
    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN | FMQ__EV_EDGE, 7), 0);
    REQUIRE(fmq__thread_open(&t, signal_many_times, &s, "signaller") == 0);
    for (int i = 0; i < 3; i++) {
        int n = -1;

        gate_pass(&go);
        CHECK_EQ(fmq__poller_wait(p, ready, MAX, deadlines[i], &n), 0);
        CHECK_EQ(n, 1);
        CHECK(ready[0].token == 7);
        rearm(p, &w, FMQ__EV_IN | FMQ__EV_EDGE, 7);
    }
    fmq__thread_join(t);
    CHECK_EQ(fmq__poller_remove(p, w.read_fd), 0);
    fmq__wake_close(&w);
}

TEST(another_thread_ends_a_wait)
{
    fmq__poller *p = open_poller();

    check_wakes(p);
    fmq__poller_close(p);
}

/* Others change the set during a wait: it notices. */
typedef struct meddler {
    fmq__poller *poller;
    const fmq__wake *ready; /* is readable */
    const fmq__wake *never; /* is not */
    gate *go;
} meddler;

static void
add_during_wait(void *arg)
{
    meddler *m = arg;

    gate_wait(m->go, 1);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(fmq__poller_add(m->poller, m->never->read_fd, FMQ__EV_IN, 1), 0);
        CHECK_EQ(fmq__poller_modify(m->poller, m->never->read_fd, FMQ__EV_IN, 2), 0);
        CHECK_EQ(fmq__poller_remove(m->poller, m->never->read_fd), 0);
    }
    CHECK_EQ(fmq__poller_add(m->poller, m->ready->read_fd, 0, 3), 0);
    CHECK_EQ(fmq__poller_modify(m->poller, m->ready->read_fd,
                                FMQ__EV_IN | FMQ__EV_ONESHOT, 4),
             0);
}

TEST(changes_are_seen_during_a_wait)
{
    fmq__poller *p = open_poller();
    fmq__wake w[2];
    gate go;
    meddler m = {p, &w[0], &w[1], &go};
    fmq__thread t;
    int n = -1;

    gate_init(&go);
    REQUIRE(fmq__wake_open(&w[0]) == 0 && fmq__wake_open(&w[1]) == 0);
    fmq__wake_signal(&w[0]);
    REQUIRE(fmq__thread_open(&t, add_during_wait, &m, "meddler") == 0);
    gate_pass(&go);
    CHECK_EQ(fmq__poller_wait(p, ready, MAX, FMQ__NEVER, &n), 0);
    CHECK_EQ(n, 1);
    CHECK(ready[0].token == 4);
    fmq__thread_join(t);
    fmq__poller_close(p);
    fmq__wake_close(&w[0]);
    fmq__wake_close(&w[1]);
}

/* The set grows while the waiter has its copy of it. */
enum { N_MANY = 100 };

typedef struct crowd {
    fmq__poller *poller;
    fmq__wake wake[N_MANY];
    gate *go;
} crowd;

static void
add_many(void *arg)
{
    crowd *c = arg;

    gate_wait(c->go, 1);
    for (int i = 0; i < N_MANY; i++) {
        CHECK_EQ(
            fmq__poller_add(c->poller, c->wake[i].read_fd, FMQ__EV_IN, (uint64_t)i), 0);
    }
    for (int i = 0; i < N_MANY - 1; i++) {
        CHECK_EQ(fmq__poller_remove(c->poller, c->wake[i].read_fd), 0);
    }
    fmq__wake_signal(&c->wake[N_MANY - 1]);
}

TEST(grows_during_a_wait)
{
    static crowd c;
    fmq__thread t;
    gate go;
    int n = -1;

    gate_init(&go);
    c.poller = open_poller();
    c.go = &go;
    for (int i = 0; i < N_MANY; i++) {
        REQUIRE(fmq__wake_open(&c.wake[i]) == 0);
    }
    REQUIRE(fmq__thread_open(&t, add_many, &c, "crowd") == 0);
    gate_pass(&go);
    CHECK_EQ(fmq__poller_wait(c.poller, ready, MAX, FMQ__NEVER, &n), 0);
    CHECK_EQ(n, 1);
    CHECK(ready[0].token == N_MANY - 1);
    fmq__thread_join(t);
    fmq__poller_close(c.poller);
    for (int i = 0; i < N_MANY; i++) {
        fmq__wake_close(&c.wake[i]);
    }
}

static void
on_signal(int number)
{
    (void)number;
}

typedef struct waiter {
    fmq__poller *poller;
    uint64_t deadline_ns;
    _Atomic int result;
} waiter;

static void
wait_till_signalled(void *arg)
{
    waiter *w = arg;
    sigset_t none;
    int error = 0;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    while (error == 0) {
        fmq__ready mine[1];
        int n;

        error = fmq__poller_wait(w->poller, mine, 1, w->deadline_ns, &n);
    }
    atomic_store_explicit(&w->result, error, memory_order_relaxed);
}

TEST(signal_ends_a_wait)
{
    const uint64_t deadlines[] = {FMQ__NEVER, fmq__deadline_ns(3600000)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction before;
    fmq__poller *p = open_poller();

    sigaction(SIGUSR1, &action, &before);
    for (int i = 0; i < 2; i++) {
        waiter w = {.poller = p, .deadline_ns = deadlines[i], .result = 0};
        fmq__thread t;

        REQUIRE(fmq__thread_open(&t, wait_till_signalled, &w, "waiter") == 0);
        while (atomic_load_explicit(&w.result, memory_order_relaxed) == 0) {
            pthread_kill(t, SIGUSR1);
            sched_yield();
        }
        fmq__thread_join(t);
        CHECK_EQ(w.result, EINTR);
    }
    sigaction(SIGUSR1, &before, NULL);
    fmq__poller_close(p);
}

/* The last test: there is no way back. */
TEST(works_on_an_old_kernel)
{
    fmq__poller *p = open_poller();

    /* Only epoll asks for this call. */
    if (deny_syscall(SYS_epoll_pwait2, ENOSYS)) {
        check_deadlines(p);
        check_wakes(p);
    }
    fmq__poller_close(p);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(back_ends_have_names),
        CASE(level_reports_until_it_is_read),
        CASE(edge_reports_each_signal_once),
        CASE(modified_edge_reports_again),
        CASE(edges_are_told_one_by_one),
        CASE(only_the_end),
        CASE(oneshot_is_silent_until_modified),
        CASE(oneshot_is_for_the_whole_watch),
        CASE(stream_events),
        CASE(broken_pipe_is_an_error_event),
        CASE(nests),
        CASE(fills_no_more_than_asked),
        CASE(failures),
        CASE(waits_for_deadlines),
        CASE(another_thread_ends_a_wait),
        CASE(changes_are_seen_during_a_wait),
        CASE(grows_during_a_wait),
        CASE(signal_ends_a_wait),
        CASE(works_on_an_old_kernel),
    };

    return CHECK_MAIN(cases);
}
