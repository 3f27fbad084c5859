/* SPDX-License-Identifier: Apache-2.0 */
#include "zmq_sockets.h"

TEST(a_socket_and_a_descriptor)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://poll");
    int fd[2];

    REQUIRE(pipe(fd) == 0);
    {
        zmq_pollitem_t item[] = {
            {p.a, -1, ZMQ_POLLIN, 0},
            {NULL, fd[0], ZMQ_POLLIN, 0},
            {p.b, fd[0], ZMQ_POLLOUT, 0}, /* the socket counts */
        };

        CHECK_EQ(zmq_poll(item, 2, 0), 0);
        CHECK_EQ(zmq_poll(item, 2, 1), 0);
        CHECK_EQ(zmq_poll(item, 3, -1), 1);
        CHECK_EQ(item[2].revents, ZMQ_POLLOUT);
        CHECK_EQ(zsend_text(p.b, "x", 0), 1);
        REQUIRE(write(fd[1], "x", 1) == 1);
        CHECK_EQ(zmq_poll(item, 3, -1), 3);
        CHECK_EQ(item[0].revents, ZMQ_POLLIN);
        CHECK_EQ(item[1].revents, ZMQ_POLLIN);
        (void)close(fd[1]);
        zexpect(p.a, "x");
        item[1].events = 0; /* a hang-up is told in any case */
        CHECK_EQ(zmq_poll(item, 2, -1), 1);
        CHECK_EQ(item[0].revents, 0);
        CHECK_EQ(item[1].revents, ZMQ_POLLERR);
    }
    (void)close(fd[0]);
    zpair_close(&p);
}

TEST(what_is_wrong_with_the_items)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://wrong");
    zmq_pollitem_t item = {p.a, 0, ZMQ_POLLIN, 0};

    CHECK_EQ(zmq_poll(NULL, 0, 0), 0);
    CHECK_EQ(zmq_poll(NULL, 0, 1), 0);
    REFUSES(zmq_poll(NULL, 1, 0), EFAULT);
    REFUSES(zmq_poll(&item, -1, 0), EINVAL);
    REFUSES(zmq_ppoll(NULL, 1, 0, NULL), EFAULT);
    REFUSES(zmq_ppoll(&item, -1, 0, NULL), EINVAL);
    CHECK_EQ(zmq_ctx_shutdown(p.ctx), 0);
    REFUSES(zmq_poll(&item, 1, -1), ETERM);
    CHECK_EQ(zmq_close(p.a), 0);
    REFUSES(zmq_poll(&item, 1, 0), ENOTSOCK);
    CHECK_EQ(zmq_close(p.b), 0);
    CHECK_EQ(zmq_ctx_term(p.ctx), 0);
}

TEST(signals_end_a_poll)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://signals");
    zmq_pollitem_t item = {p.a, 0, ZMQ_POLLIN, 0};
    nagger n;

    nag_me(&n);
    REFUSES(zmq_poll(&item, 1, -1), EINTR);
    REFUSES(zmq_poll(NULL, 0, -1), EINTR);
    stop_nagging(&n);
    zpair_close(&p);
}

/* The signal waits until the poll lets it in. */
TEST(a_mask_for_the_time_of_the_wait)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://mask");
    zmq_pollitem_t item = {p.a, 0, ZMQ_POLLIN, 0};
    sigset_t blocked;
    sigset_t before;

    handle_signals();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    CHECK_EQ(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
    CHECK_EQ(pthread_kill(pthread_self(), SIGUSR1), 0);
    CHECK_EQ(zmq_ppoll(&item, 1, 1, NULL), 0);
    CHECK_EQ(zmq_ppoll(&item, 1, 1, &blocked), 0);
    CHECK_EQ(n_signals, 0);
    REFUSES(zmq_ppoll(&item, 1, -1, &before), EINTR);
    CHECK_EQ(n_signals, 1);
    CHECK_EQ(zsend_text(p.b, "x", 0), 1);
    CHECK_EQ(zmq_ppoll(&item, 1, -1, &before), 1);
    CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    zpair_close(&p);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_socket_and_a_descriptor),
        CASE(what_is_wrong_with_the_items),
        CASE(signals_end_a_poll),
        CASE(a_mask_for_the_time_of_the_wait),
    };

    return CHECK_MAIN(cases);
}
