/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that come and go in many threads, at the worst moments for each other: what
 * lingers for ever arrives, everything ends, nothing is left. */
#include "frames.h"
#include "gate.h"
#include "sockets.h"

enum { N_SENDERS = 3, N_ROUNDS = 40, N_EACH = 20 };

typedef struct world {
    fmq_ctx ctx;
    char endpoint[TEXT_ROOM];
    char by_name[TEXT_ROOM]; /* the same, for the resolver */
    fmq_socket sink;
    _Atomic uint32_t n_kept; /* messages of sockets that linger for ever */
    _Atomic uint32_t n_got;  /* of these */
    gate is_over;
    uint32_t seed;
} world;

/* Opens a socket, connects, sends, disconnects maybe, closes; again and again. */
static void
send_and_go(void *arg)
{
    world *w = arg;
    rng r = {w->seed};

    for (int round = 0; round < N_ROUNDS; round++) {
        fmq_socket s = new_socket(w->ctx, PUSH);
        bool lasts = rng_below(&r, 2) == 0;
        const char *endpoint = rng_below(&r, 4) == 0 ? w->by_name : w->endpoint;
        const char *text = lasts ? "keep" : "drop";

        set_int(s, 18, 1); /* RECONNECT_IVL */
        set_int(s, LINGER, lasts ? -1 : (int)rng_below(&r, 2));
        set_int(s, SNDHWM, 1 + (int)rng_below(&r, 5));
        set_int(s, SNDTIMEO, lasts ? PATIENCE_MS : 1);
        REQUIRE(fmq_connect(s, endpoint) == 0);
        for (int i = 0; i < N_EACH; i++) {
            int err = send_text(s, text, 0);

            CHECK(err == 0 || (!lasts && err == EAGAIN));
            if (lasts && err == 0) {
                atomic_fetch_add_explicit(&w->n_kept, 1, memory_order_relaxed);
            }
        }
        if (rng_below(&r, 3) == 0) {
            CHECK_EQ(fmq_disconnect(s, endpoint), 0);
        }
        CHECK_EQ(fmq_socket_close(s), 0);
    }
    gate_pass(&w->is_over);
}

/* Takes what comes; two of these share the socket. */
static void
drain(void *arg)
{
    world *w = arg;
    char text[TEXT_ROOM];

    for (;;) {
        int err = recv_text(w->sink, text, 0);

        if (err != 0) {
            CHECK_EQ(err, ENOTSOCK);
            return;
        }
        if (strcmp(text, "keep") == 0) {
            atomic_fetch_add_explicit(&w->n_got, 1, memory_order_relaxed);
        }
    }
}

/* Binds and unbinds beside it, and looks at the options that look inside. */
static void
bind_and_unbind(void *arg)
{
    world *w = arg;
    char endpoint[TEXT_ROOM];

    while (gate_count(&w->is_over) < N_SENDERS) {
        fmq_socket s = new_brisk(w->ctx, PUSH);

        REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
        (void)last_endpoint(s, endpoint);
        REQUIRE(fmq_connect(w->sink, endpoint) == 0);
        (void)send_text(s, "aside", FMQ_DONTWAIT);
        (void)get_int(w->sink, 15); /* EVENTS */
        set_int(w->sink, RCVHWM, 1 + (int)(gate_count(&w->is_over)));
        CHECK_EQ(fmq_unbind(s, endpoint), 0);
        CHECK_EQ(fmq_disconnect(w->sink, endpoint), 0);
        CHECK_EQ(fmq_socket_close(s), 0);
    }
}

TEST(what_lingers_arrives_and_everything_ends)
{
    fmq__thread sender[N_SENDERS];
    fmq__thread other[3];
    static world w;
    uint64_t deadline;
    int before = next_descriptor();

    memset(&w, 0, sizeof(w));
    gate_init(&w.is_over);
    w.ctx = new_ctx();
    w.sink = new_brisk(w.ctx, PULL);
    w.seed = 4711;
    set_int(w.sink, RCVHWM, 2);
    set_int(w.sink, 18, 1); /* RECONNECT_IVL */
    REQUIRE(fmq_bind(w.sink, "tcp://127.0.0.1:*") == 0);
    (void)last_endpoint(w.sink, w.endpoint);
    snprintf(w.by_name, sizeof(w.by_name), "tcp://localhost:%s",
             strrchr(w.endpoint, ':') + 1);
    start_thread(&other[0], drain, &w);
    start_thread(&other[1], drain, &w);
    for (int i = 0; i < N_SENDERS; i++) {
        start_thread(&sender[i], send_and_go, &w);
    }
    start_thread(&other[2], bind_and_unbind, &w);
    for (int i = 0; i < N_SENDERS; i++) {
        fmq__thread_join(sender[i]);
    }
    fmq__thread_join(other[2]);
    deadline = fmq__deadline_ns(PATIENCE_MS);
    while (w.n_got < w.n_kept) {
        REQUIRE(fmq__clock_ns() < deadline);
        sched_yield();
    }
    CHECK_EQ(fmq_socket_close(w.sink), 0);
    fmq__thread_join(other[0]);
    fmq__thread_join(other[1]);
    end_ctx(w.ctx);
    CHECK_EQ(w.n_got, w.n_kept);
    CHECK_EQ(next_descriptor(), before);
}

/* The context goes while sockets are in the middle of everything. */
static void
use_until_the_end(void *arg)
{
    const world *w = arg;
    char text[TEXT_ROOM];
    fmq_socket s;

    while (fmq_socket_new(w->ctx, PAIR, &s) == 0) {
        int none = 0;

        (void)fmq_setsockopt(s, LINGER, &none, sizeof(none));
        (void)fmq_connect(s, w->endpoint);
        (void)fmq_connect(s, w->by_name);
        (void)send_text(s, "x", FMQ_DONTWAIT);
        (void)recv_text(s, text, FMQ_DONTWAIT);
        (void)fmq_bind(s, "tcp://127.0.0.1:*");
        (void)fmq_disconnect(s, w->endpoint);
        CHECK_EQ(fmq_socket_close(s), 0);
        gate_pass((gate *)(uintptr_t)&w->is_over);
    }
}

TEST(a_context_may_go_at_any_moment)
{
    for (uint32_t round = 1; round <= 15; round++) {
        fmq__thread t[N_SENDERS];
        static world w;

        memset(&w, 0, sizeof(w));
        gate_init(&w.is_over);
        w.ctx = new_ctx();
        w.sink = new_brisk(w.ctx, PAIR);
        REQUIRE(fmq_bind(w.sink, "tcp://127.0.0.1:*") == 0);
        (void)last_endpoint(w.sink, w.endpoint);
        snprintf(w.by_name, sizeof(w.by_name), "tcp://localhost:%s",
                 strrchr(w.endpoint, ':') + 1);
        for (int i = 0; i < N_SENDERS; i++) {
            start_thread(&t[i], use_until_the_end, &w);
        }
        gate_wait(&w.is_over, round);
        CHECK_EQ(fmq_ctx_shutdown(w.ctx), 0);
        for (int i = 0; i < N_SENDERS; i++) {
            fmq__thread_join(t[i]);
        }
        CHECK_EQ(fmq_socket_close(w.sink), 0);
        end_ctx(w.ctx);
    }
}

int
main(void)
{
    RUN(what_lingers_arrives_and_everything_ends);
    RUN(a_context_may_go_at_any_moment);
    return CHECK_RESULT();
}
