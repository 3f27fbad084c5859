/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a context: what it wakes, what it waits for, and that it comes once. */
#include <errno.h>
#include <signal.h>

#include "base/alloc.h"
#include "gate.h"
#include "sockets.h"

#if defined(__SANITIZE_THREAD__)
enum { N_CONTEXTS = 200 };
#else
enum { N_CONTEXTS = 2000 };
#endif

/* --- what it wakes --- */

typedef struct blocked {
    fmq__thread thread;
    fmq_socket s;
    int (*call)(fmq_socket s);
    int err;
} blocked;

static int
call_recv(fmq_socket s)
{
    char text[TEXT_ROOM];

    return recv_text(s, text, 0);
}

static int
call_recv_msg(fmq_socket s)
{
    fmq_msg m = {0};

    return fmq_msg_recv(s, &m, 0);
}

static int
call_recvv(fmq_socket s)
{
    fmq_msg *parts;
    size_t n;

    return fmq_recvv_until(s, &parts, &n, FMQ__NEVER);
}

static int
call_send(fmq_socket s)
{
    return send_text(s, "x", 0);
}

static int
call_send_first_part(fmq_socket s)
{
    return send_text(s, "x", FMQ_SNDMORE);
}

static int
call_send_long(fmq_socket s)
{
    static const char big[100000];

    return fmq_send(s, big, sizeof(big), 0);
}

static int
call_poll_in(fmq_socket s)
{
    fmq_pollitem items[2] = {{.socket = s, .events = FMQ_POLLIN},
                             {.socket = s, .events = FMQ_POLLIN}};
    size_t n;

    return fmq_poll(items, 2, FMQ__NEVER, &n);
}

static int
call_poll_out(fmq_socket s)
{
    fmq_pollitem item = {.socket = s, .events = FMQ_POLLOUT};
    size_t n;

    return fmq_poll(&item, 1, FMQ__NEVER, &n);
}

static int
call_poll_nothing(fmq_socket s)
{
    fmq_pollitem items[2] = {{.socket = s, .events = FMQ_POLLIN}, {.fd = -1}};
    size_t n;

    return fmq_poll(items, 2, FMQ__NEVER, &n);
}

static void
run_blocked(void *arg)
{
    blocked *b = arg;

    b->err = b->call(b->s);
}

static const struct {
    int type;
    int (*call)(fmq_socket s);
} calls[] = {
    {PULL, call_recv},         {PULL, call_recv_msg},  {PULL, call_recvv},
    {PUSH, call_send},         {PUSH, call_send_long}, {PUSH, call_send_first_part},
    {REQ, call_send},          {REP, call_recv},       {PAIR, call_recv},
    {PAIR, call_send},         {PULL, call_poll_in},   {PUSH, call_poll_out},
    {PULL, call_poll_nothing},
};
enum { N_CALLS = sizeof(calls) / sizeof(calls[0]), N_KINDS = 3 };

/* Each kind of call, alone in a socket without peers, in one with a listener, and in
 * one that exported its descriptor. */
static void
block_all(fmq_ctx ctx, int kind, blocked b[N_CALLS])
{
    for (size_t i = 0; i < N_CALLS; i++) {
        b[i] = (blocked){.s = new_socket(ctx, calls[i].type), .call = calls[i].call};
        set_int(b[i].s, LINGER, 0);
        if (kind == 1) {
            CHECK_EQ(fmq_bind(b[i].s, "tcp://127.0.0.1:*"), 0);
        } else if (kind == 2) {
            CHECK(get_int(b[i].s, 14) >= 0);
        }
        start_thread(&b[i].thread, run_blocked, &b[i]);
        await_callers(b[i].s, 1);
    }
}

TEST(shutdown_wakes_all)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        fmq_ctx ctx = new_ctx();
        blocked b[N_CALLS];

        block_all(ctx, kind, b);
        CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
        for (size_t i = 0; i < N_CALLS; i++) {
            fmq__thread_join(b[i].thread);
            CHECK_EQ(b[i].err, FMQ_ETERM);
            CHECK_EQ(b[i].call(b[i].s), FMQ_ETERM); /* a later one, too */
            CHECK_EQ(fmq_socket_close(b[i].s), 0);
        }
        end_ctx(ctx);
    }
}

TEST(close_wakes_all)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        fmq_ctx ctx = new_ctx();
        blocked b[N_CALLS];

        block_all(ctx, kind, b);
        for (size_t i = 0; i < N_CALLS; i++) {
            CHECK_EQ(fmq_socket_close(b[i].s), 0);
            fmq__thread_join(b[i].thread);
            CHECK_EQ(b[i].err, ENOTSOCK);
        }
        end_ctx(ctx);
    }
}

/* Many threads in one socket, in every kind of call that fits it. */
TEST(shutdown_wakes_a_crowd)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_socket(ctx, PAIR);
    blocked b[10];
    int (*const all[])(fmq_socket) = {call_recv, call_send, call_poll_in, call_recvv,
                                      call_poll_out};

    for (size_t i = 0; i < 10; i++) {
        b[i] = (blocked){.s = s, .call = all[i % 5]};
        start_thread(&b[i].thread, run_blocked, &b[i]);
    }
    await_callers(s, 10);
    CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
    for (size_t i = 0; i < 10; i++) {
        fmq__thread_join(b[i].thread);
        CHECK_EQ(b[i].err, FMQ_ETERM);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

TEST(after_shutdown)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PAIR);
    fmq_socket more = 0;
    int value = 0;
    size_t len = sizeof(value);

    CHECK_EQ(fmq_bind(s, "inproc://x"), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
        CHECK_EQ(fmq_socket_new(ctx, PULL, &more), FMQ_ETERM);
        CHECK_EQ(fmq_bind(s, "tcp://127.0.0.1:*"), FMQ_ETERM);
        CHECK_EQ(fmq_connect(s, "inproc://y"), FMQ_ETERM);
        CHECK_EQ(fmq_unbind(s, "inproc://x"), FMQ_ETERM);
        CHECK_EQ(fmq_disconnect(s, "inproc://y"), FMQ_ETERM);
        CHECK_EQ(fmq_setsockopt(s, SNDHWM, &value, len), FMQ_ETERM);
        CHECK_EQ(fmq_setsockopt(s, LINGER, &value, len), 0); /* it lets it end */
        CHECK_EQ(fmq_getsockopt(s, LINGER, &value, &len), FMQ_ETERM);
        CHECK_EQ(send_text(s, "x", FMQ_DONTWAIT), FMQ_ETERM);
        CHECK_EQ(send_text(s, "x", FMQ_TRY), FMQ_ETERM);
        CHECK_EQ(fmq_socket_is_open(s), 1);
        CHECK_EQ(fmq_ctx_get(ctx, 1, &value), 0);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_socket_close(s), ENOTSOCK);
    end_ctx(ctx);
}

/* A socket that ends between the call and the term does not hold it up. */
TEST(other_contexts_go_on)
{
    fmq_ctx ctx[2] = {new_ctx(), new_ctx()};
    fmq_socket s[2] = {new_brisk(ctx[0], PULL), new_brisk(ctx[1], PUSH)};
    fmq_socket other = new_brisk(ctx[1], PULL);

    join(other, s[1], "inproc://there");
    CHECK_EQ(fmq_ctx_shutdown(ctx[0]), 0);
    CHECK_EQ(send_text(s[1], "on", 0), 0);
    expect_text(other, "on");
    CHECK_EQ(fmq_socket_close(s[0]), 0);
    end_ctx(ctx[0]);
    CHECK_EQ(send_text(s[1], "and on", 0), 0);
    expect_text(other, "and on");
    CHECK_EQ(fmq_socket_close(s[1]), 0);
    CHECK_EQ(fmq_socket_close(other), 0);
    end_ctx(ctx[1]);
}

/* A context does not remember sockets that have ended, whose memory another one's may
 * have now. */
TEST(ended_sockets_are_forgotten)
{
    fmq_ctx ctx[2] = {new_ctx(), new_ctx()};
    fmq_socket s[20];

    CHECK_EQ(fmq_ctx_set(ctx[0], 2, 1), 0); /* MAX_SOCKETS */
    for (int i = 0; i < 2; i++) {
        int err;

        while ((err = fmq_socket_new(ctx[0], PULL, &s[0])) == EMFILE) {
            sched_yield(); /* until the one before has ended */
        }
        CHECK_EQ(err, 0);
        CHECK_EQ(fmq_socket_close(s[0]), 0);
    }
    for (size_t i = 0; i < 20; i++) {
        s[i] = new_brisk(ctx[1], PAIR);
    }
    CHECK_EQ(fmq_ctx_shutdown(ctx[0]), 0);
    for (size_t i = 0; i < 20; i++) {
        CHECK_EQ(get_int(s[i], 16), PAIR);
    }
    end_ctx(ctx[0]);
    close_all(s, 20);
    end_ctx(ctx[1]);
}

/* --- what it waits for --- */

TEST(term_gives_up_in_time)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);

    CHECK_EQ(fmq_ctx_term(ctx, 0), ETIMEDOUT);
    CHECK_EQ(fmq_ctx_term(ctx, 1), ETIMEDOUT);
    CHECK_EQ(fmq_ctx_term(ctx, 20), ETIMEDOUT);
    CHECK_EQ(call_recv(s), FMQ_ETERM); /* it shut down, though */
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_ctx_term(ctx, -1), 0);
    CHECK_EQ(fmq_ctx_term(ctx, -1), EFAULT);
}

TEST(term_says_what_it_waits_for)
{
    char nobody[TEXT_ROOM];
    fmq_ctx ctx = new_ctx();
    fmq_ctx there = new_ctx();
    fmq_socket open = new_brisk(ctx, PULL);
    fmq_socket s = new_socket(ctx, PUSH);
    fmq_unsent *list;
    size_t n;

    CHECK_EQ(fmq_ctx_unsent(ctx, NULL, &n), EFAULT);
    (void)snprintf(nobody, sizeof(nobody), "ipc://@fmq-test-unsent-%d", (int)getpid());
    CHECK_EQ(fmq_connect(s, nobody), 0);
    CHECK_EQ(send_text(s, "one", FMQ_SNDMORE), 0);
    CHECK_EQ(send_text(s, "message", 0), 0);
    CHECK_EQ(send_text(s, "another", 0), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_ctx_term(ctx, 0), ETIMEDOUT);
    CHECK_EQ(fmq_ctx_unsent(ctx, &list, &n), 0);
    REQUIRE(n == 2);
    CHECK_EQ(list[0].type, PULL);
    CHECK_EQ(list[0].is_open, 1);
    CHECK_EQ(list[1].type, PUSH);
    CHECK_EQ(list[1].is_open, 0);
    CHECK_EQ(list[1].n_messages, 2);
    CHECK_STR(list[1].peer, nobody);
    fmq_unsent_free(list);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq_ctx_unsent(ctx, &list, &n), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(fmq_socket_close(open), 0);
    s = new_brisk(there, PULL);
    CHECK_EQ(fmq_bind(s, nobody), 0);
    CHECK_EQ(fmq_ctx_term(ctx, -1), 0);
    CHECK_EQ(fmq_ctx_unsent(ctx, &list, &n), EFAULT);
    expect_text(s, "one");
    expect_text(s, "message");
    expect_text(s, "another");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(there);
}

TEST(an_unused_context)
{
    fmq_ctx ctx = new_ctx();

    CHECK_EQ(fmq_ctx_term(ctx, 0), 0);
    ctx = new_ctx();
    CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
    CHECK_EQ(fmq_ctx_term(ctx, -1), 0);
}

/* LINGER is what it was at close; term waits for it. */
TEST(linger)
{
    char endpoint[TEXT_ROOM];
    static const int times[] = {0, 1, 30};

    (void)snprintf(endpoint, sizeof(endpoint), "ipc://@fmq-test-term-%d",
                   (int)getpid());
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket s = new_brisk(ctx, PUSH);

        set_int(s, LINGER, times[i]);
        CHECK_EQ(fmq_connect(s, endpoint), 0);
        CHECK_EQ(send_text(s, "never", 0), 0);
        CHECK_EQ(fmq_socket_close(s), 0);
        end_ctx(ctx);
    }
}

TEST(linger_until_somebody_comes)
{
    char endpoint[TEXT_ROOM];
    fmq_ctx ctx = new_ctx();
    fmq_ctx other = new_ctx();
    fmq_socket push = new_brisk(ctx, PUSH);
    fmq_socket pull = new_brisk(other, PULL);

    (void)snprintf(endpoint, sizeof(endpoint), "ipc://@fmq-test-term-%d",
                   (int)getpid());
    set_int(push, 18, 1); /* RECONNECT_IVL */
    set_int(push, LINGER, -1);
    CHECK_EQ(fmq_connect(push, endpoint), 0);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(send_text(push, "late", 0), 0);
    }
    CHECK_EQ(fmq_socket_close(push), 0);
    CHECK_EQ(fmq_ctx_term(ctx, 20), ETIMEDOUT);
    CHECK_EQ(fmq_bind(pull, endpoint), 0);
    end_ctx(ctx);
    for (int i = 0; i < 10; i++) {
        expect_text(pull, "late");
    }
    CHECK_EQ(fmq_socket_close(pull), 0);
    end_ctx(other);
}

/* What was never sent, or goes to a socket of the process, needs no linger. */
TEST(nothing_to_linger_for)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s[3] = {new_socket(ctx, PUSH), new_socket(ctx, PULL),
                       new_socket(ctx, PUSH)};

    CHECK_EQ(fmq_connect(s[0], "ipc://@nobody-at-all"), 0);
    CHECK_EQ(send_text(s[0], "half", FMQ_SNDMORE), 0);
    join(s[1], s[2], "inproc://here");
    CHECK_EQ(send_text(s[2], "unread", 0), 0);
    CHECK_EQ(fmq_connect(s[2], "inproc://nowhere"), 0);
    CHECK_EQ(send_text(s[2], "unread", 0), 0);
    close_all(s, 3);
    end_ctx(ctx);
}

/* --- signals --- */

static void
on_signal(int number)
{
    (void)number;
}

typedef struct waiter {
    fmq__thread thread;
    fmq_ctx ctx;
    gate done;
    int err;
} waiter;

static void
run_term(void *arg)
{
    waiter *w = arg;
    sigset_t none;

    sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL); /* our threads block them all */
    w->err = fmq_ctx_term(w->ctx, PATIENCE_MS);
    gate_pass(&w->done);
}

TEST(signals_interrupt_it)
{
    struct sigaction action = {.sa_handler = on_signal};
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    waiter w = {.ctx = ctx};

    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    gate_init(&w.done);
    start_thread(&w.thread, run_term, &w);
    while (call_recv(s) != FMQ_ETERM) {
    }
    while (gate_count(&w.done) == 0) {
        (void)pthread_kill(w.thread, SIGUSR1); /* until one meets it waiting */
        sched_yield();
    }
    fmq__thread_join(w.thread);
    CHECK_EQ(w.err, EINTR);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* --- once --- */

TEST(several_terms)
{
    for (int round = 0; round < 50; round++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket s[3];
        waiter w[4];
        int n_done = 0;

        for (size_t i = 0; i < 3; i++) {
            s[i] = new_brisk(ctx, PAIR);
        }
        join(s[0], s[1], "tcp://127.0.0.1:*");
        for (size_t i = 0; i < 4; i++) {
            w[i] = (waiter){.ctx = ctx};
            gate_init(&w[i].done);
            start_thread(&w[i].thread, run_term, &w[i]);
        }
        close_all(s, 3);
        for (size_t i = 0; i < 4; i++) {
            fmq__thread_join(w[i].thread);
            CHECK(w[i].err == 0 || w[i].err == EFAULT); /* EFAULT: it came too late */
            n_done += w[i].err == 0;
        }
        CHECK(n_done > 0);
        CHECK_EQ(fmq_ctx_shutdown(ctx), EFAULT);
    }
}

/* Threads that open, use and close sockets until they are told to stop. */
static void
use_until_term(void *arg)
{
    waiter *w = arg;
    int err = 0;

    while (err == 0) {
        fmq_socket s = 0;
        int used = 0;

        err = fmq_socket_new(w->ctx, PAIR, &s);
        if (err == EMFILE) {
            err = 0; /* too many have not ended yet */
            continue;
        }
        if (err != 0) {
            break;
        }
        used = fmq_setsockopt(s, LINGER, &(int){0}, sizeof(int));
        used = used != 0 ? used : fmq_bind(s, "tcp://127.0.0.1:*");
        used = used != 0 ? used : fmq_connect(s, "inproc://common");
        used = used != 0 ? used : send_text(s, "x", FMQ_DONTWAIT);
        CHECK(used == 0 || used == FMQ_ETERM);
        CHECK_EQ(fmq_socket_close(s), 0);
        gate_pass(&w->done);
    }
    CHECK(err == FMQ_ETERM || err == EFAULT);
}

TEST(term_in_full_swing)
{
    int before = next_descriptor();

    for (int round = 0; round < 10; round++) {
        fmq_ctx ctx = new_ctx();
        waiter w[3];

        for (size_t i = 0; i < 3; i++) {
            w[i] = (waiter){.ctx = ctx};
            gate_init(&w[i].done);
            start_thread(&w[i].thread, use_until_term, &w[i]);
        }
        for (size_t i = 0; i < 3; i++) {
            gate_wait(&w[i].done, 3);
        }
        end_ctx(ctx);
        for (size_t i = 0; i < 3; i++) {
            fmq__thread_join(w[i].thread);
        }
    }
    CHECK_EQ(next_descriptor(), before);
}

TEST(thousands_in_turn)
{
    int before = next_descriptor();

    for (int i = 0; i < N_CONTEXTS; i++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket s[2] = {new_brisk(ctx, PULL), new_brisk(ctx, PUSH)};

        join(s[0], s[1], i % 50 == 0 ? "tcp://127.0.0.1:*" : "inproc://again");
        CHECK_EQ(send_text(s[1], "x", 0), 0);
        expect_text(s[0], "x");
        close_all(s, 2);
        end_ctx(ctx);
    }
    CHECK_EQ(next_descriptor(), before);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(shutdown_wakes_all),          CASE(close_wakes_all),
        CASE(shutdown_wakes_a_crowd),      CASE(after_shutdown),
        CASE(other_contexts_go_on),        CASE(ended_sockets_are_forgotten),
        CASE(term_gives_up_in_time),       CASE(term_says_what_it_waits_for),
        CASE(an_unused_context),           CASE(linger),
        CASE(linger_until_somebody_comes), CASE(nothing_to_linger_for),
        CASE(signals_interrupt_it),        CASE(several_terms),
        CASE(term_in_full_swing),          CASE(thousands_in_turn),
    };

    return CHECK_MAIN(cases);
}
