/* SPDX-License-Identifier: Apache-2.0 */
/* A socket's life as a whole: every pair of types over every transport, close at any
 * moment, and EVENTS and RCVMORE as they change. */
#include <errno.h>

#include "gate.h"
#include "sockets.h"

enum { RCVMORE = 13, EVENTS = 15, IN = FMQ_POLLIN, OUT = FMQ_POLLOUT };

static fmq_ctx ctx;
static const char *const endpoints[] = {"inproc://socket", "tcp://127.0.0.1:*",
                                        "ipc://*"};

/* Types that talk, the first of which begins. */
static const struct {
    int first, second;
    bool answers;
} couples[] = {
    {PUSH, PULL, false},
    {PAIR, PAIR, true},
    {REQ, REP, true},
};

static void
talk(fmq_socket a, fmq_socket b, bool answers)
{
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(send_text(a, "one", FMQ_SNDMORE), 0);
        CHECK_EQ(send_text(a, "two", 0), 0);
        expect_text(b, "one");
        CHECK_EQ(get_int(b, RCVMORE), 1);
        expect_text(b, "two");
        CHECK_EQ(get_int(b, RCVMORE), 0);
        if (answers) {
            CHECK_EQ(send_text(b, "three", 0), 0);
            expect_text(a, "three");
        }
    }
}

TEST(couples_talk)
{
    for (size_t e = 0; e < 3; e++) {
        for (size_t i = 0; i < 6; i++) {
            fmq_socket a = new_brisk(ctx, couples[i / 2].first);
            fmq_socket b = new_brisk(ctx, couples[i / 2].second);

            join(i % 2 == 0 ? a : b, i % 2 == 0 ? b : a, endpoints[e]);
            talk(a, b, couples[i / 2].answers);
            CHECK_EQ(fmq_socket_close(a), 0);
            CHECK_EQ(fmq_socket_close(b), 0);
        }
    }
}

TEST(events_follow)
{
    for (size_t e = 0; e < 3; e++) {
        fmq_socket req = new_brisk(ctx, REQ);
        fmq_socket rep = new_brisk(ctx, REP);

        CHECK_EQ(get_int(req, EVENTS), 0);
        CHECK_EQ(get_int(rep, EVENTS), 0);
        join(rep, req, endpoints[e]);
        CHECK_EQ(get_int(req, EVENTS), OUT);
        CHECK_EQ(send_text(req, "?", 0), 0);
        CHECK_EQ(get_int(req, EVENTS), 0);
        CHECK_EQ(await(rep, IN), 0);
        CHECK_EQ(get_int(rep, EVENTS), IN);
        expect_text(rep, "?");
        CHECK_EQ(get_int(rep, EVENTS), OUT);
        CHECK_EQ(send_text(rep, "!", 0), 0);
        CHECK_EQ(get_int(rep, EVENTS), 0);
        CHECK_EQ(await(req, IN), 0);
        CHECK_EQ(get_int(req, EVENTS), IN);
        expect_text(req, "!");
        CHECK_EQ(get_int(req, EVENTS), OUT);
        CHECK_EQ(fmq_socket_close(req), 0);
        CHECK_EQ(fmq_socket_close(rep), 0);
    }
}

/* Close drops no message that the other side has been sent over inproc, nor, with
 * LINGER, over the network. */
TEST(what_was_sent_outlives_the_sender)
{
    for (size_t e = 0; e < 3; e++) {
        fmq_socket push = new_brisk(ctx, PUSH);
        fmq_socket pull = new_brisk(ctx, PULL);

        set_int(push, LINGER, e == 0 ? 0 : -1);
        join(pull, push, endpoints[e]);
        for (int i = 0; i < 500; i++) {
            CHECK_EQ(send_text(push, "kept", 0), 0);
        }
        CHECK_EQ(send_text(push, "half", FMQ_SNDMORE), 0);
        CHECK_EQ(fmq_socket_close(push), 0);
        for (int i = 0; i < 500; i++) {
            expect_text(pull, "kept");
        }
        CHECK_EQ(send_text(pull, "", FMQ_DONTWAIT), ENOTSUP);
        CHECK_EQ(fmq_socket_close(pull), 0);
    }
}

/* --- close in the middle of everything --- */

typedef struct user {
    fmq__thread thread;
    fmq_socket s;
    gate busy;
    int (*use)(fmq_socket s, uint32_t i);
} user;

static int
use_send(fmq_socket s, uint32_t i)
{
    static const char big[6000];

    return fmq_send(s, big, i % 5 == 0 ? sizeof(big) : 10,
                    i % 3 == 0 ? FMQ_SNDMORE : 0);
}

static int
use_recv(fmq_socket s, uint32_t i)
{
    fmq_msg *parts;
    fmq_msg m = {0};
    size_t n;
    int err;

    if (i % 2 == 0) {
        err = fmq_msg_recv(s, &m, 0);
        fmq_msg_close(&m);
        return err;
    }
    err = fmq_recvv(s, &parts, &n, 0);
    if (err == 0) {
        fmq_parts_free(parts, n);
    }
    return err;
}

static int
use_poll(fmq_socket s, uint32_t i)
{
    fmq_pollitem item = {.socket = s, .events = (short)(i % 2 == 0 ? IN : OUT)};
    size_t n;

    return fmq_poll(&item, 1, fmq_now_ns() + 100000, &n);
}

static int
use_options(fmq_socket s, uint32_t i)
{
    int value = (int)(i % 7);
    size_t len = sizeof(value);
    int err = fmq_setsockopt(s, i % 2 == 0 ? SNDHWM : RCVHWM, &value, len);

    return err != 0 ? err : fmq_getsockopt(s, EVENTS, &value, &len);
}

static void
run_user(void *arg)
{
    user *u = arg;
    int err = 0;

    for (uint32_t i = 0; err == 0 || err == EAGAIN; i++) {
        err = u->use(u->s, i);
        gate_pass(&u->busy);
    }
    CHECK_EQ(err, ENOTSOCK);
}

TEST(close_in_the_middle)
{
    for (int round = 0; round < 30; round++) {
        fmq_socket push = new_brisk(ctx, PUSH);
        fmq_socket pull = new_brisk(ctx, PULL);
        user u[] = {{.s = push, .use = use_send},    {.s = push, .use = use_send},
                    {.s = push, .use = use_poll},    {.s = push, .use = use_options},
                    {.s = pull, .use = use_recv},    {.s = pull, .use = use_recv},
                    {.s = pull, .use = use_options}, {.s = pull, .use = use_poll}};
        size_t n = sizeof(u) / sizeof(u[0]);

        join(round % 2 == 0 ? pull : push, round % 2 == 0 ? push : pull,
             endpoints[round % 3]);
        for (size_t i = 0; i < n; i++) {
            gate_init(&u[i].busy);
            start_thread(&u[i].thread, run_user, &u[i]);
        }
        gate_wait(&u[3].busy, 20);
        CHECK_EQ(fmq_socket_close(round % 4 < 2 ? push : pull), 0);
        CHECK_EQ(fmq_socket_close(round % 4 < 2 ? pull : push), 0);
        for (size_t i = 0; i < n; i++) {
            fmq__thread_join(u[i].thread);
        }
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(couples_talk),
        CASE(events_follow),
        CASE(what_was_sent_outlives_the_sender),
        CASE(close_in_the_middle),
    };
    int failed;

    ctx = new_ctx();
    failed = CHECK_MAIN(cases);
    end_ctx(ctx);
    return failed | CHECK_RESULT();
}
