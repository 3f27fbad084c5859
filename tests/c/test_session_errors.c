/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection does with each error of the kernel: where the condition passes it
 * goes on, and where it does not it ends and is dialled again; nothing comes torn. */
#include "raw_couple.h"

enum { RECONNECT_IVL = 18, N_STARVED = 50, SPIN_NS = 20 * 1000 * 1000 };

static _Atomic int error_of[3]; /* of writing, reading and connect; 0: none */
static _Atomic int n_errors;    /* so many times yet */

enum { OF_SEND, OF_RECV, OF_CONNECT };

/* Relaxed: a call that sees it late fails late. */
static bool
must_fail(int call)
{
    int error = atomic_load_explicit(&error_of[call], memory_order_relaxed);

    if (error == 0 || atomic_load_explicit(&n_errors, memory_order_relaxed) <= 0) {
        return false;
    }
    atomic_fetch_sub_explicit(&n_errors, 1, memory_order_relaxed);
    errno = error;
    return true;
}

static void
fail_with(int call, int error, int times)
{
    atomic_store_explicit(&n_errors, times, memory_order_relaxed);
    atomic_store_explicit(&error_of[call], error, memory_order_relaxed);
}

static void
fail_no_more(int call)
{
    CHECK(atomic_load_explicit(&n_errors, memory_order_relaxed) <= 0);
    fail_with(call, 0, 0);
}

static ssize_t
hook(int fd, const struct msghdr *msg, int flags)
{
    return must_fail(OF_SEND) ? -1 : real_sendmsg(fd, msg, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *msg, int flags)
{
    return must_fail(OF_RECV) ? -1 : syscall(SYS_recvmsg, fd, msg, flags);
}

ssize_t
recvfrom(int fd, void *data, size_t len, int flags, __SOCKADDR_ARG from,
         socklen_t *from_len)
{
    return must_fail(OF_RECV) ? -1
                              : syscall(SYS_recvfrom, fd, data, len, flags,
                                        from.__sockaddr__, from_len);
}

int
connect(int fd, __CONST_SOCKADDR_ARG at, socklen_t len)
{
    return must_fail(OF_CONNECT) ? -1
                                 : (int)syscall(SYS_connect, fd, at.__sockaddr__, len);
}

static void
open_failing(couple *c, int type, const char *peer_type)
{
    open_couple(c, type, peer_type, 0, 0);
    set_hook(hook);
}

static void
accept_again(couple *c, const char *peer_type)
{
    raw_expect_end(c->fd);
    close(c->fd);
    c->fd = raw_accept(c->listen_fd);
    raw_greet(c->fd, peer_type);
}

TEST(a_write_that_may_work_later_is_repeated)
{
    static const int errors[] = {ENOBUFS, ENOMEM, EAGAIN, EINTR};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        couple c;

        open_failing(&c, PUSH, "PULL");
        fail_with(OF_SEND, errors[i], 3);
        CHECK_EQ(send_text(c.s, "part", FMQ_SNDMORE), 0);
        CHECK_EQ(send_text(c.s, "whole", 0), 0);
        raw_expect_text(c.fd, FMQ__MORE, "part");
        raw_expect_text(c.fd, 0, "whole");
        fail_no_more(OF_SEND);
        close_couple(&c);
    }
}

/* epoll says all the while that there is room. */
TEST(a_kernel_without_memory_is_not_asked_all_the_time)
{
    uint64_t begun;
    couple c;

    open_failing(&c, PUSH, "PULL");
    begun = fmq__clock_ns();
    fail_with(OF_SEND, ENOBUFS, N_STARVED);
    CHECK_EQ(send_text(c.s, "late", 0), 0);
    raw_expect_text(c.fd, 0, "late");
    CHECK(fmq__clock_ns() - begun > SPIN_NS);
    fail_no_more(OF_SEND);
    close_couple(&c);
}

/* A full queue and a sender that waits: it goes on when the kernel does. */
TEST(a_sender_waits_for_a_kernel_without_memory)
{
    couple c;

    open_failing(&c, PUSH, "PULL");
    set_int(c.s, SNDHWM, 1);
    fail_with(OF_SEND, ENOMEM, N_STARVED);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(send_text(c.s, "one", 0), 0);
    }
    for (int i = 0; i < 5; i++) {
        raw_expect_text(c.fd, 0, "one");
    }
    fail_no_more(OF_SEND);
    close_couple(&c);
}

TEST(what_is_left_is_written_before_the_end)
{
    couple c;

    open_failing(&c, PUSH, "PULL");
    set_int(c.s, LINGER, -1);
    fail_with(OF_SEND, ENOBUFS, N_STARVED);
    CHECK_EQ(send_text(c.s, "last", 0), 0);
    CHECK_EQ(fmq_socket_close(c.s), 0);
    raw_expect_text(c.fd, 0, "last");
    raw_expect_end(c.fd);
    set_hook(NULL);
    end_ctx(c.ctx);
    close(c.fd);
    close(c.listen_fd);
}

TEST(a_write_that_is_refused_ends_the_connection)
{
    static const int errors[] = {EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, EIO};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        couple c;

        open_failing(&c, PUSH, "PULL");
        fail_with(OF_SEND, errors[i], 1);
        CHECK_EQ(send_text(c.s, "part", FMQ_SNDMORE), 0);
        CHECK_EQ(send_text(c.s, "whole", 0), 0);
        accept_again(&c, "PULL");
        raw_expect_text(c.fd, FMQ__MORE, "part");
        raw_expect_text(c.fd, 0, "whole");
        fail_no_more(OF_SEND);
        close_couple(&c);
    }
}

TEST(a_read_that_may_work_later_is_repeated)
{
    static const int errors[] = {EAGAIN, EINTR};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        couple c;

        open_failing(&c, PULL, "PUSH");
        fail_with(OF_RECV, errors[i], 3);
        raw_send_text(c.fd, 0, "there");
        expect_text(c.s, "there");
        fail_no_more(OF_RECV);
        close_couple(&c);
    }
}

TEST(a_read_that_fails_ends_the_connection)
{
    static const int errors[] = {ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM, EIO};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        couple c;

        open_failing(&c, PULL, "PUSH");
        fail_with(OF_RECV, errors[i], 1);
        raw_send(c.fd, "\1\1x", 3); /* a part, without a last one */
        accept_again(&c, "PUSH");
        raw_send_text(c.fd, 0, "anew");
        expect_text(c.s, "anew");
        fail_no_more(OF_RECV);
        close_couple(&c);
    }
}

TEST(a_connect_that_fails_is_tried_again)
{
    static const int errors[] = {ENOBUFS,   ENOMEM,       EADDRNOTAVAIL, EINTR,
                                 ETIMEDOUT, ECONNREFUSED, ENETUNREACH,   EAGAIN};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket s = new_brisk(ctx, PUSH);
        char endpoint[TEXT_ROOM];
        int listen_fd = raw_listen(endpoint);
        int fd;

        set_int(s, RECONNECT_IVL, 1);
        set_int(s, 79, 20); /* CONNECT_TIMEOUT: an interrupted one may not go on */
        fail_with(OF_CONNECT, errors[i], 3);
        CHECK_EQ(fmq_connect(s, endpoint), 0);
        CHECK_EQ(send_text(s, "patience", 0), 0);
        fd = raw_accept(listen_fd);
        fail_no_more(OF_CONNECT);
        raw_greet(fd, "PULL");
        raw_expect_text(fd, 0, "patience");
        CHECK_EQ(fmq_socket_close(s), 0);
        end_ctx(ctx);
        close(fd);
        close(listen_fd);
    }
}

int
main(void)
{
    RUN(a_write_that_may_work_later_is_repeated);
    RUN(a_kernel_without_memory_is_not_asked_all_the_time);
    RUN(a_sender_waits_for_a_kernel_without_memory);
    RUN(what_is_left_is_written_before_the_end);
    RUN(a_write_that_is_refused_ends_the_connection);
    RUN(a_read_that_may_work_later_is_repeated);
    RUN(a_read_that_fails_ends_the_connection);
    RUN(a_connect_that_fails_is_tried_again);
    return CHECK_RESULT();
}
