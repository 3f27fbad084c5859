/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/uio.h>

#include "base/alloc.h"
#include "zmq_sockets.h"

enum { LONG_LEN = 100000 };

TEST(bytes_come_and_go)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://data");
    char got[16];

    CHECK_EQ(zmq_send(p.a, "hello", 5, 0), 5);
    CHECK_EQ(zmq_recv(p.b, got, sizeof(got), 0), 5);
    CHECK_MEM(got, "hello", 5);
    CHECK_EQ(zmq_send(p.a, NULL, 0, 0), 0);
    CHECK_EQ(zmq_recv(p.b, NULL, 0, 0), 0);
    REFUSES(zmq_send(p.a, NULL, 1, 0), EFAULT);
    REFUSES(zmq_recv(p.b, NULL, 1, ZMQ_DONTWAIT), EFAULT);
    REFUSES(zmq_recv(p.b, got, sizeof(got), ZMQ_DONTWAIT), EAGAIN);
    zset(p.b, ZMQ_RCVTIMEO, 0);
    REFUSES(zmq_recv(p.b, got, sizeof(got), 0), EAGAIN);
    zpair_close(&p);
}

static void
cut_to(const zpair *p, char *data, size_t len, size_t room)
{
    char *got = malloc(room + 1);

    REQUIRE(got != NULL);
    got[room] = '!';
    CHECK_EQ(zmq_send(p->a, data, len, 0), (int)len);
    CHECK_EQ(zmq_recv(p->b, got, room, 0), (int)len);
    CHECK_MEM(got, data, room < len ? room : len);
    CHECK_EQ(got[room], '!');
    free(got);
}

TEST(what_does_not_fit_is_cut)
{
    static const size_t lens[] = {1, 32, 33, 512, 513, 4096, 4097, LONG_LEN};
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*");
    char *data = malloc(LONG_LEN);

    REQUIRE(data != NULL);
    for (size_t i = 0; i < LONG_LEN; i++) {
        data[i] = (char)('a' + i % 23);
    }
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        cut_to(&p, data, lens[i], 0);
        cut_to(&p, data, lens[i], lens[i] - 1);
        cut_to(&p, data, lens[i], lens[i]);
        cut_to(&p, data, lens[i], LONG_LEN);
    }
    free(data);
    zpair_close(&p);
}

TEST(constant_bytes_are_not_copied)
{
    static char data[LONG_LEN];
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://const");
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init(&m), 0);
    CHECK_EQ(zmq_send_const(p.a, "short", 5, 0), 5);
    zexpect(p.b, "short");
    CHECK_EQ(zmq_send_const(p.a, data, LONG_LEN, 0), LONG_LEN);
    CHECK_EQ(zmq_msg_recv(&m, p.b, 0), LONG_LEN);
    CHECK(zmq_msg_data(&m) == data);
    CHECK_EQ(zmq_msg_close(&m), 0);
    REFUSES(zmq_send_const(p.a, NULL, 5, 0), EFAULT);
    REFUSES(zmq_send_const(p.a, NULL, LONG_LEN, 0), EFAULT);
    REFUSES(zmq_send_const(NULL, data, LONG_LEN, 0), ENOTSOCK);
    fmq__alloc_fail_at(1, 0);
    REFUSES(zmq_send_const(p.a, data, LONG_LEN, 0), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    zpair_close(&p);
}

TEST(messages_come_and_go)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://msg");
    zmq_msg_t m;
    zmq_msg_t big;

    CHECK_EQ(zmq_msg_init_buffer(&m, "head", 4), 0);
    CHECK_EQ(zmq_msg_init_size(&big, LONG_LEN), 0);
    memset(zmq_msg_data(&big), 'x', LONG_LEN);
    CHECK_EQ(zmq_msg_send(&m, p.a, ZMQ_SNDMORE), 4);
    CHECK_EQ(zmq_msg_size(&m), 0);
    CHECK_EQ(zmq_sendmsg(p.a, &big, 0), LONG_LEN);
    CHECK_EQ(zmq_msg_size(&big), 0);
    CHECK_EQ(zmq_msg_recv(&m, p.b, 0), 4);
    CHECK_MEM(zmq_msg_data(&m), "head", 4);
    CHECK_EQ(zmq_msg_more(&m), 1);
    CHECK_EQ(zmq_recvmsg(p.b, &big, 0), LONG_LEN);
    CHECK_EQ(zmq_msg_more(&big), 0);
    CHECK_EQ(((char *)zmq_msg_data(&big))[LONG_LEN - 1], 'x');
    /* A failed call changes nothing. */
    REFUSES(zmq_recvmsg(p.b, &m, ZMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(zmq_msg_size(&m), 4);
    CHECK_EQ(zmq_close(p.b), 0);
    REFUSES(zmq_sendmsg(p.b, &m, 0), ENOTSOCK);
    CHECK_EQ(zmq_msg_size(&m), 4);
    /* What was received as the first of several can go out alone. */
    p.b = znew(p.ctx, ZMQ_PAIR);
    CHECK_EQ(zmq_unbind(p.a, "inproc://msg"), 0);
    CHECK_EQ(zmq_close(p.a), 0);
    p.a = znew(p.ctx, ZMQ_PAIR);
    zjoin(p.a, p.b, "inproc://again");
    CHECK_EQ(zmq_msg_send(&m, p.a, 0), 4);
    CHECK_EQ(zmq_msg_recv(&m, p.b, 0), 4);
    CHECK_EQ(zmq_msg_more(&m), 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
    CHECK_EQ(zmq_msg_close(&big), 0);
    zpair_close(&p);
}

TEST(the_last_part_may_be_short)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://parts");
    zmq_msg_t m;

    CHECK_EQ(zsend_text(p.a, "one", ZMQ_SNDMORE), 3);
    CHECK_EQ(zmq_msg_init_buffer(&m, "two", 3), 0);
    CHECK_EQ(zmq_msg_send(&m, p.a, 0), 3);
    zexpect(p.b, "one");
    CHECK_EQ(zget(p.b, ZMQ_RCVMORE), 1);
    zexpect(p.b, "two");
    CHECK_EQ(zget(p.b, ZMQ_RCVMORE), 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
    zpair_close(&p);
}

/* Flags that zmq.h does not know, those of fastmq.h among them, mean nothing. */
TEST(unknown_flags_are_not_passed_on)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://flags");
    char got[2];

    CHECK_EQ(zmq_send(p.a, "x", 1, FMQ_TRY | 0x40), 1);
    CHECK_EQ(zmq_recv(p.b, got, 2, FMQ_TRY), 1);
    zset(p.b, ZMQ_RCVTIMEO, 1);
    REFUSES(zmq_recv(p.b, got, 2, FMQ_TRY), EAGAIN);
    zpair_close(&p);
}

TEST(what_a_type_cannot_do)
{
    void *ctx = znew_ctx();
    void *push = znew(ctx, ZMQ_PUSH);
    void *pull = znew(ctx, ZMQ_PULL);
    void *req = znew(ctx, ZMQ_REQ);
    char byte;

    REFUSES(zmq_recv(push, &byte, 1, 0), ENOTSUP);
    REFUSES(zmq_send(pull, "x", 1, 0), ENOTSUP);
    REFUSES(zmq_recv(req, &byte, 1, 0), EFSM);
    REFUSES(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(zmq_close(push), 0);
    CHECK_EQ(zmq_close(pull), 0);
    CHECK_EQ(zmq_close(req), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(vectors_of_parts)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://iov");
    struct iovec out[3] = {
        {(void *)(uintptr_t)"one", 3}, {NULL, 0}, {(void *)(uintptr_t)"three", 5}};
    struct iovec in[4];
    struct iovec bad = {NULL, 1};
    size_t n = 4;

    /* One message. */
    CHECK_EQ(zmq_sendiov(p.a, out, 3, ZMQ_SNDMORE), 5);
    CHECK_EQ(zmq_recviov(p.b, in, &n, 0), 3);
    CHECK_EQ(n, 3);
    CHECK_MEM(in[0].iov_base, "one", 3);
    CHECK_EQ(in[1].iov_len, 0);
    CHECK_MEM(in[2].iov_base, "three", 5);
    for (size_t i = 0; i < n; i++) {
        free(in[i].iov_base);
    }
    /* Three, and a message in two steps. */
    CHECK_EQ(zmq_sendiov(p.a, out, 3, 0), 5);
    for (int i = 0; i < 3; i++) {
        n = 4;
        CHECK_EQ(zmq_recviov(p.b, in, &n, 0), 1);
        free(in[0].iov_base);
    }
    CHECK_EQ(zmq_sendiov(p.a, out, 3, ZMQ_SNDMORE), 5);
    n = 2;
    CHECK_EQ(zmq_recviov(p.b, in, &n, 0), 2);
    free(in[0].iov_base);
    free(in[1].iov_base);
    zexpect(p.b, "three");

    REFUSES(zmq_sendiov(p.a, NULL, 1, 0), EINVAL);
    REFUSES(zmq_sendiov(p.a, out, 0, 0), EINVAL);
    REFUSES(zmq_sendiov(p.a, &bad, 1, 0), EFAULT);
    REFUSES(zmq_sendiov(NULL, out, 3, 0), ENOTSOCK);
    REFUSES(zmq_sendiov(NULL, out, 3, ZMQ_SNDMORE), ENOTSOCK);
    fmq__alloc_fail_at(1, 0);
    REFUSES(zmq_sendiov(p.a, out, 3, ZMQ_SNDMORE), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    n = 4;
    REFUSES(zmq_recviov(p.b, NULL, &n, 0), EINVAL);
    REFUSES(zmq_recviov(p.b, in, NULL, 0), EINVAL);
    REFUSES(zmq_recviov(NULL, in, &n, 0), ENOTSOCK);
    CHECK_EQ(n, 4);
    REFUSES(zmq_recviov(p.b, in, &n, ZMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(n, 0);
    REFUSES(zmq_recviov(p.b, in, &n, 0), EINVAL);
    zpair_close(&p);
}

/* Also where the system would have gone on waiting after the handler. */
static void
interrupted_on(const char *endpoint)
{
    zpair p = zpair_open(ZMQ_PULL, ZMQ_PUSH, endpoint);
    void *full = znew(p.ctx, ZMQ_PUSH);
    zmq_msg_t m;
    char byte;
    nagger n;

    CHECK_EQ(zmq_msg_init(&m), 0);
    zset(p.a, ZMQ_RCVTIMEO, -1);
    zset(full, ZMQ_SNDTIMEO, -1);
    nag_me(&n);
    REFUSES(zmq_recv(p.a, &byte, 1, 0), EINTR);
    REFUSES(zmq_msg_recv(&m, p.a, 0), EINTR);
    REFUSES(zmq_send(full, "x", 1, 0), EINTR);
    REFUSES(zmq_msg_send(&m, full, 0), EINTR);
    stop_nagging(&n);
    /* It may be used on. */
    CHECK_EQ(zsend_text(p.b, "x", 0), 1);
    zexpect(p.a, "x");
    CHECK_EQ(zmq_msg_close(&m), 0);
    CHECK_EQ(zmq_close(full), 0);
    zpair_close(&p);
}

TEST(signals_end_a_wait)
{
    interrupted_on("inproc://signals");
    interrupted_on("tcp://127.0.0.1:*");
}

/* Two threads in one socket: legal here. */
enum { N_SENT = 2000 };

typedef struct taker {
    void *socket;
    _Atomic int *n_left;
    fmq__thread thread;
} taker;

static void
take(void *arg)
{
    const taker *t = arg;
    char byte;

    while (atomic_fetch_sub(t->n_left, 1) > 0) {
        CHECK_EQ(zmq_recv(t->socket, &byte, 1, 0), 1);
    }
}

TEST(two_threads_may_use_one_socket)
{
    zpair p = zpair_open(ZMQ_PULL, ZMQ_PUSH, "tcp://127.0.0.1:*");
    _Atomic int n_left = N_SENT;
    taker t[2];

    for (int i = 0; i < 2; i++) {
        t[i].socket = p.a;
        t[i].n_left = &n_left;
        start_thread(&t[i].thread, take, &t[i]);
    }
    for (int i = 0; i < N_SENT; i++) {
        CHECK_EQ(zmq_send(p.b, "x", 1, 0), 1);
    }
    for (int i = 0; i < 2; i++) {
        fmq__thread_join(t[i].thread);
    }
    zpair_close(&p);
}

static void
close_when_waited_in(void *arg)
{
    const zpair *p = arg;

    await_callers(fmq_socket_of_zmq(p->a), 1);
    CHECK_EQ(zmq_close(p->a), 0);
}

TEST(closing_ends_the_wait_of_another_thread)
{
    zpair p = zpair_open(ZMQ_PULL, ZMQ_PUSH, "inproc://close");
    fmq__thread t;
    char byte;

    start_thread(&t, close_when_waited_in, &p);
    REFUSES(zmq_recv(p.a, &byte, 1, 0), ENOTSOCK);
    fmq__thread_join(t);
    CHECK_EQ(zmq_close(p.b), 0);
    CHECK_EQ(zmq_ctx_term(p.ctx), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(bytes_come_and_go),
        CASE(what_does_not_fit_is_cut),
        CASE(constant_bytes_are_not_copied),
        CASE(messages_come_and_go),
        CASE(the_last_part_may_be_short),
        CASE(unknown_flags_are_not_passed_on),
        CASE(what_a_type_cannot_do),
        CASE(vectors_of_parts),
        CASE(signals_end_a_wait),
        CASE(two_threads_may_use_one_socket),
        CASE(closing_ends_the_wait_of_another_thread),
    };

    return CHECK_MAIN(cases);
}
