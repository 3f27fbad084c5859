/* SPDX-License-Identifier: Apache-2.0 */
/* What is the poller's own over kqueue, and what real kernels do and the stand-in does
 * not by itself (injected). What it has in common with others is in test_poller.c.
 */
#include <sys/event.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wake.h"
#include "check.h"
#include "loop/poller.h"

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

    REQUIRE(fmq__poller_find("kqueue")->open(&p) == 0);
    return p;
}

typedef struct pair {
    fmq__poller *poller;
    int fd[2];
} pair;

static pair
open_pair(unsigned events)
{
    pair t = {.poller = open_poller()};

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fd) == 0);
    CHECK_EQ(fmq__poller_add(t.poller, t.fd[0], events, 1), 0);
    return t;
}

static void
close_pair(pair *t)
{
    fmq__poller_close(t->poller);
    close(t->fd[0]);
    close(t->fd[1]);
}

/* The first watch of a poller has serial number 1. */
static void
inject(const pair *t, short filter, unsigned flags, unsigned fflags, uintptr_t serial)
{
    struct kevent e;

    EV_SET(&e, (uintptr_t)t->fd[0], filter, (unsigned short)flags, fflags, 0, NULL);
    e.udata = (void *)serial;
    fake_kqueue_inject(fmq__poller_fd(t->poller), &e);
}

TEST(is_there)
{
    const fmq__poller_ops *ops = fmq__poller_find("kqueue");

    CHECK(ops == &fmq__poller_kqueue);
    CHECK_STR(ops->name, "kqueue");
    CHECK(ops->nests);
}

TEST(two_filters_are_one_entry)
{
    pair t = open_pair(FMQ__EV_IN | FMQ__EV_OUT | FMQ__EV_RDHUP);

    CHECK_EQ(send(t.fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_IN | FMQ__EV_OUT);
    close_pair(&t);
}

TEST(ends_of_streams)
{
    static const struct {
        unsigned asked;
        short filter;
        unsigned fflags; /* the socket's error */
        unsigned seen;
    } rows[] = {
        {FMQ__EV_IN, EVFILT_READ, 0, FMQ__EV_IN},
        {FMQ__EV_IN | FMQ__EV_RDHUP, EVFILT_READ, 0, FMQ__EV_IN | FMQ__EV_RDHUP},
        {FMQ__EV_RDHUP, EVFILT_READ, 0, FMQ__EV_RDHUP},
        {FMQ__EV_IN, EVFILT_READ, ECONNRESET, FMQ__EV_IN | FMQ__EV_HUP | FMQ__EV_ERR},
        {FMQ__EV_OUT, EVFILT_WRITE, 0, FMQ__EV_OUT | FMQ__EV_HUP},
        {FMQ__EV_OUT, EVFILT_WRITE, ECONNREFUSED,
         FMQ__EV_OUT | FMQ__EV_HUP | FMQ__EV_ERR},
        {0, EVFILT_WRITE, 0, FMQ__EV_HUP},
        {0, EVFILT_WRITE, ECONNRESET, FMQ__EV_HUP | FMQ__EV_ERR},
        /* The fall-back for what has no write filter. */
        {0, EVFILT_READ, 0, FMQ__EV_HUP},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* Edge-triggered, so that what is there anyway is over. */
        pair t = open_pair(rows[i].asked | FMQ__EV_EDGE);

        (void)look(t.poller);
        inject(&t, rows[i].filter, EV_EOF, rows[i].fflags, 1);
        CHECK_EQ(look(t.poller), 1);
        CHECK_EQ(ready[0].events, rows[i].seen);
        close_pair(&t);
    }
}

/* A buffer that counts as full enough is no hang-up. */
TEST(quiet_filters_are_quiet)
{
    pair t = open_pair(FMQ__EV_RDHUP);

    inject(&t, EVFILT_READ, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    CHECK_EQ(fmq__poller_modify(t.poller, t.fd[0], 0, 1), 0);
    inject(&t, EVFILT_WRITE, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    close_pair(&t);
}

/* What is dropped does not use up the one shot. */
TEST(dropped_event_is_no_shot)
{
    pair t = open_pair(FMQ__EV_RDHUP | FMQ__EV_ONESHOT);

    inject(&t, EVFILT_READ, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    shutdown(t.fd[1], SHUT_WR);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_RDHUP);
    CHECK_EQ(look(t.poller), 0);
    close_pair(&t);
}

/* Another thread's look had fetched it before the one that fired. */
TEST(late_event_of_a_spent_shot)
{
    pair t = open_pair(FMQ__EV_IN | FMQ__EV_OUT | FMQ__EV_ONESHOT);

    CHECK_EQ(look(t.poller), 1);
    inject(&t, EVFILT_READ, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    close_pair(&t);
}

TEST(late_event_of_a_former_watch)
{
    pair t = open_pair(FMQ__EV_IN);

    CHECK_EQ(fmq__poller_remove(t.poller, t.fd[0]), 0);
    inject(&t, EVFILT_READ, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    CHECK_EQ(fmq__poller_add(t.poller, t.fd[0], FMQ__EV_IN, 2), 0);
    inject(&t, EVFILT_READ, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    inject(&t, EVFILT_READ, 0, 0, 2);
    CHECK_EQ(look(t.poller), 1);
    CHECK(ready[0].token == 2);
    close_pair(&t);
}

TEST(late_event_that_is_not_asked_for_any_more)
{
    pair t = open_pair(FMQ__EV_OUT);

    CHECK_EQ(fmq__poller_modify(t.poller, t.fd[0], FMQ__EV_IN, 1), 0);
    inject(&t, EVFILT_WRITE, 0, 0, 1);
    CHECK_EQ(look(t.poller), 0);
    close_pair(&t);
}

/* A nested queue counts what is queued in it, although the cause is gone. */
TEST(nested_queue_that_only_looks_ready)
{
    pair t = {.poller = open_poller()};
    fmq__poller *inner = open_poller();
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    t.fd[0] = fmq__poller_fd(inner);
    CHECK_EQ(fmq__poller_add(inner, w.read_fd, FMQ__EV_IN, 3), 0);
    for (unsigned shot = 0; shot <= FMQ__EV_ONESHOT; shot += FMQ__EV_ONESHOT) {
        CHECK_EQ(fmq__poller_add(t.poller, t.fd[0], FMQ__EV_IN | shot, 1), 0);
        inject(&t, EVFILT_READ, 0, 0, shot ? 2 : 1);
        CHECK_EQ(look(t.poller), 0);
        /* A look into it takes nothing away. */
        fmq__wake_signal(&w);
        CHECK_EQ(look(t.poller), 1);
        CHECK_EQ(ready[0].events, FMQ__EV_IN);
        CHECK_EQ(look(inner), 1);
        CHECK(ready[0].token == 3);
        fmq__wake_drain(&w);
        CHECK_EQ(fmq__poller_remove(t.poller, t.fd[0]), 0);
    }
    fmq__poller_close(t.poller);
    fmq__poller_close(inner);
    fmq__wake_close(&w);
}

TEST(hang_up_of_what_cannot_be_written)
{
    pair t = {.poller = open_poller()};

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fd) == 0);
    fake_kqueue_refuse(EVFILT_WRITE, EINVAL);
    CHECK_EQ(fmq__poller_add(t.poller, t.fd[0], 0, 1), 0);
    CHECK_EQ(send(t.fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(t.poller), 0);
    shutdown(t.fd[1], SHUT_RDWR);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(ready[0].events, FMQ__EV_HUP);
    close_pair(&t);
}

TEST(refused_changes_change_nothing)
{
    pair t = {.poller = open_poller()};

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fd) == 0);
    fake_kqueue_refuse(EVFILT_WRITE, ENOMEM);
    CHECK_EQ(fmq__poller_add(t.poller, t.fd[0], FMQ__EV_IN | FMQ__EV_OUT, 1), ENOMEM);
    CHECK_EQ(send(t.fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(t.poller), 0);
    CHECK_EQ(fmq__poller_remove(t.poller, t.fd[0]), ENOENT);

    CHECK_EQ(fmq__poller_add(t.poller, t.fd[0], FMQ__EV_IN, 2), 0);
    fake_kqueue_refuse(EVFILT_WRITE, ENOMEM);
    CHECK_EQ(fmq__poller_modify(t.poller, t.fd[0], FMQ__EV_OUT, 3), ENOMEM);
    CHECK_EQ(look(t.poller), 1);
    CHECK(ready[0].token == 2);
    CHECK_EQ(ready[0].events, FMQ__EV_IN);
    close_pair(&t);
}

/* The mode of a filter that is there can only be changed by making it anew. */
TEST(modes_change)
{
    pair t = open_pair(FMQ__EV_IN | FMQ__EV_EDGE);

    CHECK_EQ(send(t.fd[1], "x", 1, 0), 1);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(look(t.poller), 0);
    CHECK_EQ(fmq__poller_modify(t.poller, t.fd[0], FMQ__EV_IN, 1), 0);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(fmq__poller_modify(t.poller, t.fd[0], FMQ__EV_IN | FMQ__EV_ONESHOT, 1), 0);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(look(t.poller), 0);
    CHECK_EQ(fmq__poller_modify(t.poller, t.fd[0], FMQ__EV_IN, 1), 0);
    CHECK_EQ(look(t.poller), 1);
    CHECK_EQ(look(t.poller), 1);
    close_pair(&t);
}

/* Some kernels refuse what they think too long. */
TEST(long_waits_are_cut)
{
    pair t = open_pair(FMQ__EV_IN);
    int n = 0;

    CHECK_EQ(send(t.fd[1], "x", 1, 0), 1);
    CHECK_EQ(fmq__poller_wait(t.poller, ready, MAX, FMQ__NEVER, &n), 0);
    CHECK_EQ(n, 1);
    CHECK(fake_kqueue_longest() > 0);
    CHECK(fake_kqueue_longest() <= 1000000);
    close_pair(&t);
}

/* There the queue is not inherited, and its number soon another file's. */
TEST(a_forked_child_does_not_close_it)
{
    pair t = open_pair(FMQ__EV_IN);
    int fd = fmq__poller_fd(t.poller);
    int status = -1;
    pid_t child = fork();

    REQUIRE(child != -1);
    if (child == 0) {
        fmq__poller_close(t.poller);
        _exit(fcntl(fd, F_GETFD) == -1);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    close_pair(&t);
    CHECK_EQ(fcntl(fd, F_GETFD), -1);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(is_there),
        CASE(two_filters_are_one_entry),
        CASE(ends_of_streams),
        CASE(quiet_filters_are_quiet),
        CASE(dropped_event_is_no_shot),
        CASE(late_event_of_a_spent_shot),
        CASE(late_event_of_a_former_watch),
        CASE(late_event_that_is_not_asked_for_any_more),
        CASE(nested_queue_that_only_looks_ready),
        CASE(hang_up_of_what_cannot_be_written),
        CASE(refused_changes_change_nothing),
        CASE(modes_change),
        CASE(long_waits_are_cut),
        CASE(a_forked_child_does_not_close_it),
    };

    return CHECK_MAIN(cases);
}
