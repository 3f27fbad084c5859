/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks for signals is woken to ask, and nobody else is. */
#include "line.h"
#include "sockets.h"

enum { SPIN_US = FMQ_SPIN_US, N_THREADS = 3 };

#define NAP_NS UINT64_C(100000000)

static fmq_socket
new_sleeper(fmq_ctx ctx, int type)
{
    fmq_socket s = new_brisk(ctx, type);

    set_int(s, SPIN_US, 0);
    return s;
}

static int
recv_or_send(fmq_socket s, bool sends, uint64_t deadline_ns)
{
    fmq_msg m = {0};

    return sends ? fmq_send_until(s, &m, 1, 0, deadline_ns)
                 : fmq_msg_recv_until(s, &m, deadline_ns);
}

/* It says EINTR after a nap, and then after one that is twice as long. */
static void
nap_twice(fmq_socket s, bool sends)
{
    uint64_t start = fmq_now_ns();
    uint64_t deadline;
    int err;

    CHECK_EQ(recv_or_send(s, sends, FMQ__NEVER), EINTR);
    CHECK(fmq_now_ns() - start >= NAP_NS);
    CHECK_EQ(recv_or_send(s, sends, FMQ__NEVER), EINTR);
    CHECK(fmq_now_ns() - start >= 3 * NAP_NS);
    deadline = fmq_now_ns() + NAP_NS / 50;
    do {
        err = recv_or_send(s, sends, deadline); /* a late thread may miss a nap's end */
    } while (err == EINTR);
    CHECK_EQ(err, EAGAIN);
}

static void
nap(int type, const char *endpoint)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_sleeper(ctx, type);

    if (endpoint != NULL) {
        REQUIRE(fmq_bind(s, endpoint) == 0);
    }
    nap_twice(s, type == PUSH);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

TEST(a_long_sleep_ends_to_ask)
{
    fmq_ask_for_signals(1);
    nap(PULL, NULL);
    nap(PULL, "inproc://nap");
    nap(PULL, "tcp://127.0.0.1:*");
    nap(PUSH, "tcp://127.0.0.1:*");
    fmq_ask_for_signals(0);
}

TEST(what_came_meanwhile_is_received)
{
    line l = new_line("inproc://nap", -1);
    fmq_msg m = {0};

    set_int(l.pull, SPIN_US, 0);
    fmq_ask_for_signals(1);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(fmq_msg_recv_until(l.pull, &m, FMQ__NEVER), EINTR);
        CHECK_EQ(fmq_send(l.push, "x", 1, 0), 0);
        CHECK_EQ(fmq_msg_recv_until(l.pull, &m, FMQ__NEVER), 0);
    }
    fmq_msg_close(&m);
    fmq_ask_for_signals(0);
    end_line(&l);
}

static void
recv_to_ask(void *arg)
{
    fmq_socket *s = arg;

    CHECK_EQ(recv_or_send(*s, false, FMQ__NEVER), EINTR);
}

/* The leader, and those behind it. */
TEST(all_who_sleep_are_asked)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_sleeper(ctx, PULL);
    fmq__thread thread[N_THREADS];

    fmq_ask_for_signals(1);
    for (int i = 0; i < N_THREADS; i++) {
        start_thread(&thread[i], recv_to_ask, &s);
    }
    for (int i = 0; i < N_THREADS; i++) {
        fmq__thread_join(thread[i]);
    }
    fmq_ask_for_signals(0);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

TEST(nobody_else_is)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_sleeper(ctx, PULL);
    fmq_msg m = {0};

    CHECK_EQ(fmq_msg_recv_until(s, &m, fmq_now_ns() + 2 * NAP_NS), EAGAIN);
    fmq_ask_for_signals(1);
    set_int(s, RCVTIMEO, 200);
    CHECK_EQ(fmq_msg_recv(s, &m, 0), EAGAIN);
    fmq_ask_for_signals(0);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* What a socket's naps look like. */
typedef struct naps {
    uint32_t n; /* that have ended */
    uint32_t n_asleep;
    bool is_settled; /* the I/O thread has done what it was asked for them */
} naps;

static naps
look_at_naps(fmq_socket handle)
{
    naps now;
    fmq__socket *s;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    now.n = s->hub.nap.seq;
    now.n_asleep = s->hub.nap.n_asleep;
    now.is_settled = (s->hub.work & FMQ__WORK_NAP) == 0;
    fmq__socket_leave(s);
    return now;
}

static void
await_sleeper(fmq_socket s)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    naps now = look_at_naps(s);

    while (now.n_asleep == 0 || !now.is_settled) {
        REQUIRE(fmq__clock_ns() < deadline);
        sched_yield();
        now = look_at_naps(s);
    }
}

static void
recv_one(void *arg)
{
    fmq_socket *s = arg;
    int err;

    do {
        err = recv_or_send(*s, false, FMQ__NEVER);
    } while (err == EINTR);
    CHECK_EQ(err, 0);
}

/* However long the sleep before it was, the first nap of a call is a short one: it ends
 * before that of a socket which was fresh when its own began. `is_woken`: the message
 * between the two finds its receiver asleep; else between two sleeps. */
static void
sleep_anew(bool is_woken)
{
    line l = new_line("inproc://anew", -1);
    fmq_socket fresh = new_sleeper(l.ctx, PULL);
    fmq__thread thread;
    uint32_t n_naps;

    set_int(l.pull, SPIN_US, 0);
    fmq_ask_for_signals(1);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(recv_or_send(l.pull, false, FMQ__NEVER), EINTR);
    }
    if (is_woken) {
        start_thread(&thread, recv_one, &l.pull);
        await_sleeper(l.pull);
    }
    CHECK_EQ(send_text(l.push, "x", 0), 0);
    if (is_woken) {
        fmq__thread_join(thread);
    } else {
        CHECK_EQ(recv_or_send(l.pull, false, FMQ__NEVER), 0);
    }
    n_naps = look_at_naps(l.pull).n;
    start_thread(&thread, recv_to_ask, &l.pull);
    await_sleeper(l.pull);
    CHECK_EQ(recv_or_send(fresh, false, FMQ__NEVER), EINTR);
    CHECK(look_at_naps(l.pull).n != n_naps);
    fmq__thread_join(thread);
    fmq_ask_for_signals(0);
    CHECK_EQ(fmq_socket_close(fresh), 0);
    end_line(&l);
}

TEST(every_call_begins_with_a_short_nap)
{
    sleep_anew(true);
    sleep_anew(false);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_long_sleep_ends_to_ask),
        CASE(what_came_meanwhile_is_received),
        CASE(all_who_sleep_are_asked),
        CASE(nobody_else_is),
        CASE(every_call_begins_with_a_short_nap),
    };

    return CHECK_MAIN(cases);
}
