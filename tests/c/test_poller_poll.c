/* SPDX-License-Identifier: Apache-2.0 */
/* What is the poller's own over poll. What it has in common with others is in
 * test_poller.c, which runs over each. The system call is replaced, so that a test can
 * do what other threads may do just before and just after it. */
#include "loop/poll_until.h"

static int intercepted_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns,
                            int *n_ready);

#define fmq__poll_until intercepted_poll
#include "loop/poller_poll.c"
#undef fmq__poll_until

#include <unistd.h>

#include "check.h"

enum { MAX = 8, HIGH_FD = 500, FIRST_ROOM = 16 };

static fmq__ready ready[MAX];

static void (*just_before)(void); /* the next call, */
static void (*just_after)(void);  /* and it */
static int n_polls;

static void
take_turn(void (**hook)(void))
{
    void (*run)(void) = *hook;

    *hook = NULL;
    if (run != NULL) {
        run();
    }
}

static int
intercepted_poll(struct pollfd *fds, size_t n, uint64_t deadline_ns, int *n_ready)
{
    int error;

    n_polls++;
    take_turn(&just_before);
    error = fmq__poll_until(fds, n, deadline_ns, n_ready);
    take_turn(&just_after);
    return error;
}

static int
look_at(fmq__poller *p)
{
    int n = -1;

    CHECK_EQ(fmq__poller_wait(p, ready, MAX, 0, &n), 0);
    return n;
}

static fmq__poller *
open_poller(void)
{
    fmq__poller *p = NULL;

    REQUIRE(fmq__poller_find("poll")->open(&p) == 0);
    return p;
}

TEST(does_not_nest)
{
    fmq__poller *p = open_poller();

    CHECK_STR(p->ops->name, "poll");
    CHECK(!p->ops->nests);
    CHECK_EQ(fmq__poller_fd(p), -1);
    CHECK_EQ(fmq__poller_add(p, fmq__poller_fd(p), FMQ__EV_IN, 1), EBADF);
    fmq__poller_close(p);
}

/* The rule is to remove first; who breaks it must not make a wait spin. */
TEST(closed_descriptor_is_silent)
{
    fmq__poller *p = open_poller();
    uint64_t deadline = fmq__clock_ns() + 1000000;
    fmq__wake w;
    int n = -1;

    REQUIRE(fmq__wake_open(&w) == 0);
    CHECK_EQ(fmq__poller_add(p, w.read_fd, FMQ__EV_IN, 1), 0);
    close(w.read_fd);
    n_polls = 0;
    CHECK_EQ(fmq__poller_wait(p, ready, MAX, deadline, &n), 0);
    CHECK_EQ(n, 0);
    CHECK(n_polls <= 3);
    CHECK(fmq__clock_ns() >= deadline);
    fmq__poller_close(p);
}

/* The last watch takes the place of the one that is removed. */
TEST(removal_keeps_the_others)
{
    fmq__poller *p = open_poller();
    fmq__wake w[3];

    for (int i = 0; i < 3; i++) {
        REQUIRE(fmq__wake_open(&w[i]) == 0);
        CHECK_EQ(fmq__poller_add(p, w[i].read_fd, FMQ__EV_IN, (uint64_t)i), 0);
        fmq__wake_signal(&w[i]);
    }
    CHECK_EQ(fmq__poller_remove(p, w[0].read_fd), 0);
    CHECK_EQ(look_at(p), 2);
    CHECK_EQ(ready[0].token + ready[1].token, 3);
    CHECK_EQ(fmq__poller_remove(p, w[2].read_fd), 0);
    CHECK_EQ(look_at(p), 1);
    CHECK(ready[0].token == 1);
    CHECK_EQ(fmq__poller_modify(p, w[1].read_fd, FMQ__EV_IN, 9), 0);
    CHECK_EQ(look_at(p), 1);
    CHECK(ready[0].token == 9);
    CHECK_EQ(fmq__poller_add(p, w[0].read_fd, FMQ__EV_IN, 4), 0);
    CHECK_EQ(look_at(p), 2);
    fmq__poller_close(p);
    for (int i = 0; i < 3; i++) {
        fmq__wake_close(&w[i]);
    }
}

/* What others do during the call */

static struct {
    fmq__poller *poller;
    fmq__wake wake[2];
} shared;

static void
open_shared(unsigned events)
{
    shared.poller = open_poller();
    for (int i = 0; i < 2; i++) {
        REQUIRE(fmq__wake_open(&shared.wake[i]) == 0);
        CHECK_EQ(
            fmq__poller_add(shared.poller, shared.wake[i].read_fd, events, (uint64_t)i),
            0);
        fmq__wake_signal(&shared.wake[i]);
    }
}

static void
close_shared(void)
{
    fmq__poller_close(shared.poller);
    for (int i = 0; i < 2; i++) {
        fmq__wake_close(&shared.wake[i]);
    }
}

static void
remove_first(void)
{
    CHECK_EQ(fmq__poller_remove(shared.poller, shared.wake[0].read_fd), 0);
}

static void
modify_first(void)
{
    CHECK_EQ(fmq__poller_modify(shared.poller, shared.wake[0].read_fd, FMQ__EV_IN, 7),
             0);
}

static void
silence_first(void)
{
    CHECK_EQ(fmq__poller_modify(shared.poller, shared.wake[0].read_fd, 0, 7), 0);
}

/* The second takes the first one's place, and must not be taken for it. */
TEST(removed_after_the_call)
{
    open_shared(FMQ__EV_IN);
    fmq__wake_drain(&shared.wake[1]);
    just_after = remove_first;
    CHECK_EQ(look_at(shared.poller), 0);
    fmq__wake_signal(&shared.wake[1]);
    CHECK_EQ(look_at(shared.poller), 1);
    CHECK(ready[0].token == 1);
    close_shared();
}

TEST(modified_after_the_call)
{
    open_shared(FMQ__EV_IN);
    just_after = silence_first;
    CHECK_EQ(look_at(shared.poller), 1);
    CHECK(ready[0].token == 1);
    close_shared();
}

/* Each way of changing the set ends a call that would not end by itself, and once. */
TEST(changed_before_the_call)
{
    int n = -1;

    open_shared(0);
    just_before = modify_first;
    n_polls = 0;
    CHECK_EQ(fmq__poller_wait(shared.poller, ready, MAX, FMQ__NEVER, &n), 0);
    CHECK_EQ(n, 1);
    CHECK(ready[0].token == 7);
    CHECK_EQ(n_polls, 2);

    just_before = remove_first;
    n_polls = 0;
    CHECK_EQ(fmq__poller_wait(shared.poller, ready, MAX, fmq__clock_ns() + 1000000, &n),
             0);
    CHECK_EQ(n, 0);
    CHECK(n_polls <= 3);
    close_shared();
}

TEST(add_without_memory)
{
    fmq__poller *p = open_poller();
    int low[FIRST_ROOM];
    int error = ENOMEM;
    fmq__wake w;
    int fd;

    REQUIRE(fmq__wake_open(&w) == 0);
    fmq__wake_signal(&w);
    for (int i = 0; i < FIRST_ROOM; i++) {
        low[i] = fcntl(w.read_fd, F_DUPFD_CLOEXEC, 3);
        CHECK_EQ(fmq__poller_add(p, low[i], 0, 1), 0);
    }
    fd = fcntl(w.read_fd, F_DUPFD_CLOEXEC, HIGH_FD);
    REQUIRE(fd >= HIGH_FD);
    for (uint64_t n = 1; error != 0; n++) {
        REQUIRE(n < 10);
        fmq__alloc_fail_at(n, 0);
        error = fmq__poller_add(p, fd, FMQ__EV_IN, 7);
        fmq__alloc_fail_at(0, 0);
        CHECK(error == 0 || error == ENOMEM);
        CHECK_EQ(look_at(p), error == 0 ? 1 : 0);
        CHECK(error == 0 || n <= 3);
    }
    CHECK(ready[0].token == 7);
    fmq__poller_close(p);
    fmq__wake_close(&w);
    close(fd);
    for (int i = 0; i < FIRST_ROOM; i++) {
        close(low[i]);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(does_not_nest),
        CASE(closed_descriptor_is_silent),
        CASE(removal_keeps_the_others),
        CASE(removed_after_the_call),
        CASE(modified_after_the_call),
        CASE(changed_before_the_call),
        CASE(add_without_memory),
    };

    return CHECK_MAIN(cases);
}
