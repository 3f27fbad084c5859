/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "zmq_sockets.h"

TEST(registered_and_taken_out)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    void *poller = zmq_poller_new();

    REQUIRE(poller != NULL);
    CHECK_EQ(zmq_poller_size(poller), 0);
    CHECK_EQ(zmq_poller_add(poller, p.a, NULL, ZMQ_POLLIN), 0);
    REFUSES(zmq_poller_add(poller, p.a, NULL, ZMQ_POLLIN), EINVAL);
    REFUSES(zmq_poller_add(poller, p.b, NULL, 0x10), EINVAL);
    REFUSES(zmq_poller_add(poller, NULL, NULL, ZMQ_POLLIN), ENOTSOCK);
    REFUSES(zmq_poller_add(poller, p.ctx, NULL, ZMQ_POLLIN), ENOTSOCK);
    CHECK_EQ(zmq_poller_add_fd(poller, 0, NULL, ZMQ_POLLIN), 0);
    REFUSES(zmq_poller_add_fd(poller, 0, NULL, ZMQ_POLLIN), EINVAL);
    REFUSES(zmq_poller_add_fd(poller, -1, NULL, ZMQ_POLLIN), EBADF);
    REFUSES(zmq_poller_add_fd(poller, 1, NULL, 0x10), EINVAL);
    CHECK_EQ(zmq_poller_size(poller), 2);

    CHECK_EQ(zmq_poller_modify(poller, p.a, ZMQ_POLLOUT), 0);
    REFUSES(zmq_poller_modify(poller, p.a, 0x10), EINVAL);
    REFUSES(zmq_poller_modify(poller, p.b, ZMQ_POLLIN), EINVAL);
    REFUSES(zmq_poller_modify(poller, NULL, ZMQ_POLLIN), ENOTSOCK);
    CHECK_EQ(zmq_poller_modify_fd(poller, 0, 0), 0);
    REFUSES(zmq_poller_modify_fd(poller, 1, ZMQ_POLLIN), EINVAL);
    REFUSES(zmq_poller_modify_fd(poller, -1, ZMQ_POLLIN), EBADF);

    REFUSES(zmq_poller_remove(poller, p.b), EINVAL);
    REFUSES(zmq_poller_remove(poller, NULL), ENOTSOCK);
    REFUSES(zmq_poller_remove(poller, p.ctx), ENOTSOCK);
    CHECK_EQ(zmq_poller_remove(poller, p.a), 0);
    REFUSES(zmq_poller_remove(poller, p.a), EINVAL);
    REFUSES(zmq_poller_remove_fd(poller, 1), EINVAL);
    REFUSES(zmq_poller_remove_fd(poller, -1), EBADF);
    CHECK_EQ(zmq_poller_remove_fd(poller, 0), 0);
    CHECK_EQ(zmq_poller_size(poller), 0);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    CHECK(poller == NULL);
    zpair_close(&p);
}

/* A handle that is none. */
static void
refuse_all(void *poller, void *socket)
{
    zmq_poller_event_t event;
    int fd;

    REFUSES(zmq_poller_size(poller), EFAULT);
    REFUSES(zmq_poller_add(poller, socket, NULL, ZMQ_POLLIN), EFAULT);
    REFUSES(zmq_poller_add(poller, NULL, NULL, ZMQ_POLLIN), EFAULT);
    REFUSES(zmq_poller_modify(poller, socket, ZMQ_POLLIN), EFAULT);
    REFUSES(zmq_poller_remove(poller, socket), EFAULT);
    REFUSES(zmq_poller_add_fd(poller, 0, NULL, ZMQ_POLLIN), EFAULT);
    REFUSES(zmq_poller_modify_fd(poller, 0, ZMQ_POLLIN), EFAULT);
    REFUSES(zmq_poller_remove_fd(poller, 0), EFAULT);
    REFUSES(zmq_poller_wait(poller, &event, 0), EFAULT);
    REFUSES(zmq_poller_wait_all(poller, &event, 1, 0), EFAULT);
    REFUSES(zmq_poller_fd(poller, &fd), EFAULT);
    REFUSES(zmq_poller_destroy(&poller), EFAULT);
}

TEST(what_is_no_poller_is_refused)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    uint64_t not_a_poller = 4711;
    void *poller = zmq_poller_new();
    void *gone = poller;
    void *timers = zmq_timers_new();

    refuse_all(NULL, p.a);
    refuse_all(&not_a_poller, p.a);
    refuse_all(p.a, p.a);
    refuse_all(timers, p.a);
    REFUSES(zmq_poller_destroy(NULL), EFAULT);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    refuse_all(gone, p.a);
    CHECK_EQ(zmq_timers_destroy(&timers), 0);
    zpair_close(&p);
}

TEST(what_happens_is_told_with_the_users_data)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    void *poller = zmq_poller_new();
    zmq_poller_event_t event[3];
    int marks[2];
    int fd[2];

    REQUIRE(pipe(fd) == 0);
    CHECK_EQ(zmq_poller_add(poller, p.a, &marks[0], ZMQ_POLLIN), 0);
    CHECK_EQ(zmq_poller_add_fd(poller, fd[0], &marks[1], ZMQ_POLLIN), 0);
    REFUSES(zmq_poller_wait(poller, &event[0], 0), EAGAIN);
    CHECK(event[0].socket == NULL && event[0].fd == -1 && event[0].user_data == NULL);
    CHECK_EQ(event[0].events, 0);
    REFUSES(zmq_poller_wait(poller, &event[0], 1), EAGAIN);
    CHECK_EQ(zsend_text(p.b, "x", 0), 1);
    CHECK_EQ(zmq_poller_wait(poller, &event[0], -1), 0);
    CHECK(event[0].socket == p.a);
    CHECK_EQ(event[0].fd, -1);
    CHECK(event[0].user_data == &marks[0]);
    CHECK_EQ(event[0].events, ZMQ_POLLIN);

    REQUIRE(write(fd[1], "x", 1) == 1);
    CHECK_EQ(zmq_poller_wait_all(poller, event, 3, -1), 2);
    CHECK(event[1].socket == NULL);
    CHECK_EQ(event[1].fd, fd[0]);
    CHECK(event[1].user_data == &marks[1]);
    CHECK_EQ(event[2].fd, -1);
    CHECK_EQ(event[2].events, 0);
    CHECK_EQ(zmq_poller_wait_all(poller, event, 1, -1), 1);

    REFUSES(zmq_poller_wait_all(poller, event, -1, 0), EINVAL);
    REFUSES(zmq_poller_wait_all(poller, NULL, 1, 0), EFAULT);
    REFUSES(zmq_poller_wait(poller, NULL, 0), EFAULT);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
    zpair_close(&p);
}

TEST(what_is_registered_for_nothing_is_left_alone)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    void *poller = zmq_poller_new();
    zmq_poller_event_t event;

    REFUSES(zmq_poller_wait(poller, &event, -1), EFAULT);
    REFUSES(zmq_poller_wait(poller, &event, 0), EAGAIN);
    CHECK_EQ(zmq_poller_add(poller, p.a, NULL, 0), 0);
    REFUSES(zmq_poller_wait(poller, &event, -1), EFAULT);
    REFUSES(zmq_poller_wait(poller, &event, 1), EAGAIN);
    CHECK_EQ(zmq_poller_modify(poller, p.a, ZMQ_POLLOUT), 0);
    CHECK_EQ(zmq_poller_wait(poller, &event, -1), 0);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    zpair_close(&p);
}

TEST(a_socket_that_was_closed_can_be_taken_out)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    void *poller = zmq_poller_new();
    zmq_poller_event_t event;

    CHECK_EQ(zmq_poller_add(poller, p.a, NULL, ZMQ_POLLIN), 0);
    CHECK_EQ(zmq_close(p.a), 0);
    REFUSES(zmq_poller_wait(poller, &event, 0), ENOTSOCK);
    CHECK_EQ(zmq_poller_remove(poller, p.a), 0);
    REFUSES(zmq_poller_remove(poller, p.a), ENOTSOCK);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    CHECK_EQ(zmq_close(p.b), 0);
    CHECK_EQ(zmq_ctx_term(p.ctx), 0);
}

TEST(many_sockets)
{
    enum { N = 40 };
    void *ctx = znew_ctx();
    void *poller = zmq_poller_new();
    zmq_poller_event_t event[N];
    void *s[N];

    for (int i = 0; i < N; i++) {
        s[i] = znew(ctx, ZMQ_PUB); /* can always send */
        CHECK_EQ(zmq_poller_add(poller, s[i], s[i], ZMQ_POLLOUT), 0);
    }
    CHECK_EQ(zmq_poller_wait_all(poller, event, N, -1), N);
    for (int i = 0; i < N; i++) {
        CHECK(event[i].socket == s[i] && event[i].user_data == s[i]);
        CHECK_EQ(zmq_close(s[i]), 0);
    }
    fmq__alloc_fail_at(1, 0);
    REFUSES(zmq_poller_wait_all(poller, event, N, 0), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(memory_runs_out)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    void *poller;

    fmq__alloc_fail_at(1, 0);
    GIVES_NULL(zmq_poller_new(), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    poller = zmq_poller_new();
    fmq__alloc_fail_at(1, 0);
    REFUSES(zmq_poller_add(poller, p.a, NULL, ZMQ_POLLIN), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(zmq_poller_size(poller), 0);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    zpair_close(&p);
}

TEST(it_has_the_descriptor_of_one_thread_safe_socket)
{
    zpair p = zpair_open(ZMQ_GATHER, ZMQ_SCATTER, "inproc://poller");
    void *pull = znew(p.ctx, ZMQ_PULL);
    void *poller = zmq_poller_new();
    struct pollfd ready = {.events = POLLIN};

    REFUSES(zmq_poller_fd(poller, &ready.fd), EINVAL);
    REFUSES(zmq_poller_fd(poller, NULL), EFAULT);
    CHECK_EQ(zmq_poller_add(poller, pull, NULL, ZMQ_POLLIN), 0);
    CHECK_EQ(zmq_poller_add_fd(poller, 0, NULL, ZMQ_POLLIN), 0);
    REFUSES(zmq_poller_fd(poller, &ready.fd), EINVAL);
    CHECK_EQ(zmq_poller_add(poller, p.a, NULL, ZMQ_POLLIN), 0);
    CHECK_EQ(zmq_poller_fd(poller, &ready.fd), 0);
    zget(p.a, ZMQ_EVENTS);
    CHECK_EQ(poll(&ready, 1, 0), 0);
    CHECK_EQ(zsend_text(p.b, "x", 0), 1);
    CHECK_EQ(poll(&ready, 1, PATIENCE_MS), 1);
    zexpect(p.a, "x");
    CHECK_EQ(zmq_poller_add(poller, p.b, NULL, ZMQ_POLLIN), 0);
    REFUSES(zmq_poller_fd(poller, &ready.fd), EINVAL);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    CHECK_EQ(zmq_close(pull), 0);
    zpair_close(&p);
}

TEST(signals_and_the_end_of_the_context)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poller");
    void *poller = zmq_poller_new();
    zmq_poller_event_t event;
    nagger n;

    CHECK_EQ(zmq_poller_add(poller, p.a, NULL, ZMQ_POLLIN), 0);
    nag_me(&n);
    REFUSES(zmq_poller_wait(poller, &event, -1), EINTR);
    stop_nagging(&n);
    CHECK_EQ(zmq_ctx_shutdown(p.ctx), 0);
    REFUSES(zmq_poller_wait(poller, &event, -1), ETERM);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    zpair_close(&p);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(registered_and_taken_out),
        CASE(what_is_no_poller_is_refused),
        CASE(what_happens_is_told_with_the_users_data),
        CASE(what_is_registered_for_nothing_is_left_alone),
        CASE(a_socket_that_was_closed_can_be_taken_out),
        CASE(many_sockets),
        CASE(memory_runs_out),
        CASE(it_has_the_descriptor_of_one_thread_safe_socket),
        CASE(signals_and_the_end_of_the_context),
    };

    return CHECK_MAIN(cases);
}
