/* SPDX-License-Identifier: Apache-2.0 */
/* The wake-up of systems without eventfd, on this one: a pipe. */
#define FMQ_PORTABLE_WAKE 1
#include "base/wake.c"

#include <poll.h>

#include "check.h"
#include "loop/poller.h"

enum { MORE_THAN_A_PIPE_HOLDS = 200000 };

static int
is_readable(const fmq__wake *w)
{
    struct pollfd p = {.fd = w->read_fd, .events = POLLIN};

    return poll(&p, 1, 0);
}

TEST(is_a_pipe_of_the_right_kind)
{
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK(w.read_fd != w.write_fd);
    CHECK(fcntl(w.read_fd, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(w.write_fd, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(w.read_fd, F_GETFL) & O_NONBLOCK);
    CHECK(fcntl(w.write_fd, F_GETFL) & O_NONBLOCK);
    fmq__wake_close(&w);
    CHECK_EQ(w.read_fd, -1);
    CHECK_EQ(w.write_fd, -1);
}

TEST(signals_and_drains)
{
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(is_readable(&w), 0);
    fmq__wake_drain(&w);
    for (int i = 0; i < 1000; i++) {
        fmq__wake_signal(&w);
    }
    CHECK_EQ(is_readable(&w), 1);
    fmq__wake_drain(&w);
    CHECK_EQ(is_readable(&w), 0);
    fmq__wake_close(&w);
}

/* Nobody drains it: every signal is an edge all the same, also of a full pipe. */
TEST(every_signal_is_an_edge)
{
    const fmq__poller_ops *ops = fmq__poller_find(NULL);
    fmq__poller *p = NULL;
    fmq__ready ready[1];
    fmq__wake w;
    int n_edges = 0;

    if (!ops->nests) {
        return;
    }
    REQUIRE(fmq__wake_open(&w) == 0);
    REQUIRE(ops->open(&p) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN | FMQ__EV_EDGE, 1), 0);
    for (int i = 0; i < MORE_THAN_A_PIPE_HOLDS; i++) {
        int n = 0;

        errno = EXDEV;
        fmq__wake_signal(&w);
        n_edges += fmq__poller_wait(p, ready, 1, 0, &n) == 0 && n == 1;
    }
    CHECK_EQ(errno, EXDEV);
    CHECK_EQ(n_edges, MORE_THAN_A_PIPE_HOLDS);
    fmq__poller_close(p);
    fmq__wake_close(&w);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(is_a_pipe_of_the_right_kind),
        CASE(signals_and_drains),
        CASE(every_signal_is_an_edge),
    };

    return CHECK_MAIN(cases);
}
