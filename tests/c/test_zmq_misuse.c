/* SPDX-License-Identifier: Apache-2.0 */
/* What no program should do with zmq.h, and some do: each is an error, and nothing
 * else. What single functions say of bad handles is in the tests of their own files. */
#include <sched.h>
#include <sys/uio.h>

#include "base/random.h"
#include "base/thread.h"
#include "zmq_sockets.h"

enum {
    N_OBJECTS = 1 << 16,
    N_THREADS = 4,
    N_SHARED = 3,
    N_STEPS = 1500,
    N_ROUNDS = 200
};

/* --- messages --- */

TEST(messages_that_are_null)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://null");
    zmq_msg_t m;

    REFUSES(zmq_msg_init(NULL), EFAULT);
    REFUSES(zmq_msg_init_size(NULL, 5), EFAULT);
    REFUSES(zmq_msg_init_data(NULL, &m, 5, NULL, NULL), EFAULT);
    REFUSES(zmq_msg_init_data(&m, NULL, 5, NULL, NULL), EFAULT);
    REFUSES(zmq_msg_init_buffer(NULL, "x", 1), EFAULT);
    REFUSES(zmq_msg_init_buffer(&m, NULL, 1), EFAULT);
    CHECK_EQ(zmq_msg_init_buffer(&m, NULL, 0), 0);
    REFUSES(zmq_msg_send(NULL, p.a, 0), EFAULT);
    REFUSES(zmq_sendmsg(p.a, NULL, 0), EFAULT);
    REFUSES(zmq_msg_recv(NULL, p.b, 0), EFAULT);
    REFUSES(zmq_recvmsg(p.b, NULL, 0), EFAULT);
    REFUSES(zmq_msg_close(NULL), EFAULT);
    REFUSES(zmq_msg_move(&m, NULL), EFAULT);
    REFUSES(zmq_msg_move(NULL, &m), EFAULT);
    REFUSES(zmq_msg_copy(&m, NULL), EFAULT);
    REFUSES(zmq_msg_copy(NULL, &m), EFAULT);
    REFUSES(zmq_msg_get(NULL, ZMQ_MORE), EFAULT);
    REFUSES(zmq_msg_set(NULL, ZMQ_MORE, 1), EINVAL);
    GIVES_NULL(zmq_msg_gets(NULL, "Socket-Type"), EFAULT);
    REFUSES(zmq_msg_set_routing_id(NULL, 1), EFAULT);
    REFUSES(zmq_msg_set_group(NULL, "group"), EFAULT);
    CHECK(zmq_msg_data(NULL) == NULL);
    CHECK_EQ(zmq_msg_size(NULL), 0);
    CHECK_EQ(zmq_msg_more(NULL), 0);
    CHECK_EQ(zmq_msg_routing_id(NULL), 0);
    CHECK_STR(zmq_msg_group(NULL), "");
    CHECK_EQ(zmq_msg_close(&m), 0);
    zpair_close(&p);
}

/* The second time there is nothing in it, and nothing of the first is sent again. */
TEST(messages_that_are_used_twice)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://twice");
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init_size(&m, 9000), 0);
    CHECK_EQ(zmq_msg_send(&m, p.a, 0), 9000);
    CHECK_EQ(zmq_msg_send(&m, p.a, 0), 0);
    CHECK_EQ(zmq_msg_copy(&m, &m), 0);
    CHECK_EQ(zmq_msg_move(&m, &m), 0);
    CHECK_EQ(zmq_msg_recv(&m, p.b, 0), 9000);
    CHECK_EQ(zmq_msg_copy(&m, &m), 0);
    CHECK_EQ(zmq_msg_move(&m, &m), 0);
    CHECK_EQ(zmq_msg_size(&m), 9000);
    CHECK_EQ(zmq_msg_recv(&m, p.b, 0), 0);
    CHECK_EQ(zmq_msg_close(&m), 0);
    zpair_close(&p);
}

/* --- the end of the context --- */

static void
refuse_all(void *s)
{
    struct iovec part = {NULL, 0};
    size_t len = sizeof(int);
    size_t n = 1;
    int value = 0;
    zmq_pollitem_t item = {s, 0, ZMQ_POLLIN, 0};
    zmq_msg_t m;

    CHECK_EQ(zmq_msg_init(&m), 0);
    CHECK_EQ(zmq_setsockopt(s, ZMQ_LINGER, &value, sizeof(value)), 0); /* for close */
    REFUSES(zmq_setsockopt(s, ZMQ_SNDHWM, &value, sizeof(value)), ETERM);
    REFUSES(zmq_getsockopt(s, ZMQ_LINGER, &value, &len), ETERM);
    REFUSES(zmq_bind(s, "inproc://x"), ETERM);
    REFUSES(zmq_connect(s, "inproc://x"), ETERM);
    REFUSES(zmq_unbind(s, "inproc://x"), ETERM);
    REFUSES(zmq_disconnect(s, "inproc://x"), ETERM);
    REFUSES(zmq_send(s, "x", 1, 0), ETERM);
    REFUSES(zmq_send_const(s, "x", 1, 0), ETERM);
    REFUSES(zmq_recv(s, &value, 1, 0), ETERM);
    REFUSES(zmq_msg_send(&m, s, 0), ETERM);
    REFUSES(zmq_msg_recv(&m, s, 0), ETERM);
    REFUSES(zmq_sendiov(s, &part, 1, 0), ETERM);
    REFUSES(zmq_recviov(s, &part, &n, 0), ETERM);
    REFUSES(zmq_poll(&item, 1, 0), ETERM);
    REFUSES(zmq_socket_monitor(s, "inproc://m", ZMQ_EVENT_ALL), ETERM);
    REFUSES(zmq_socket_monitor_pipes_stats(s), ETERM);
    REFUSES(zmq_proxy(s, s, NULL), ETERM);
    CHECK_EQ(zmq_msg_close(&m), 0);
}

TEST(sockets_whose_context_ends)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://ends");

    CHECK_EQ(zmq_ctx_shutdown(p.ctx), 0);
    refuse_all(p.a);
    refuse_all(p.b);
    GIVES_NULL(zmq_socket(p.ctx, ZMQ_PAIR), ETERM);
    CHECK_EQ(zmq_close(p.a), 0);
    REFUSES(zmq_close(p.a), ENOTSOCK);
    CHECK_EQ(zmq_close(p.b), 0);
    CHECK_EQ(zmq_ctx_term(p.ctx), 0);
    REFUSES(zmq_close(p.b), ENOTSOCK);
    REFUSES(zmq_send(p.b, "x", 1, 0), ENOTSOCK);
}

/* --- tables --- */

TEST(no_more_timers_than_there_is_room_for)
{
    static void *timers[N_OBJECTS];
    size_t n = 0;

    while (n < N_OBJECTS && (timers[n] = zmq_timers_new()) != NULL) {
        n++;
    }
    CHECK_EQ(n, N_OBJECTS);
    GIVES_NULL(zmq_timers_new(), EMFILE);
    GIVES_NULL(zmq_poller_new(), EMFILE);
    CHECK_EQ(zmq_timers_destroy(&timers[77]), 0);
    timers[77] = zmq_timers_new();
    CHECK(timers[77] != NULL);
    while (n > 0) {
        CHECK_EQ(zmq_timers_destroy(&timers[--n]), 0);
    }
}

/* --- threads --- */

/* Sockets and a poller that all threads use, and close, as they like. */
typedef struct world {
    void *ctx;
    _Atomic(void *) socket[N_SHARED];
    _Atomic(void *) poller;
} world;

static void
replace_socket(world *w, size_t i)
{
    void *fresh = zmq_socket(w->ctx, ZMQ_PAIR);
    void *old = atomic_exchange(&w->socket[i], fresh);

    CHECK(fresh != NULL);
    if (old != NULL) {
        CHECK_EQ(zmq_close(old), 0);
    }
}

static void
replace_poller(world *w)
{
    void *old = atomic_exchange(&w->poller, zmq_poller_new());

    if (old != NULL) {
        CHECK_EQ(zmq_poller_destroy(&old), 0);
    }
}

/* One call of many; what it says does not matter here. */
static void
step(world *w, uint32_t what)
{
    size_t i = what / 16 % N_SHARED;
    void *s = atomic_load(&w->socket[i]);
    void *poller = atomic_load(&w->poller);
    zmq_pollitem_t item = {s, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    zmq_poller_event_t event;
    char got[8];
    int value = 0;

    switch (what % 16) {
    case 0:
        replace_socket(w, i);
        break;
    case 1:
        replace_poller(w);
        break;
    case 2:
        (void)zmq_bind(s, i == 0 ? "inproc://one" : "inproc://other");
        break;
    case 3:
    case 4:
        (void)zmq_connect(s, i == 0 ? "inproc://other" : "inproc://one");
        break;
    case 5:
        (void)zmq_unbind(s, "inproc://one");
        break;
    case 6:
        (void)zmq_setsockopt(s, ZMQ_RCVHWM, &value, sizeof(value));
        break;
    case 7:
        (void)zmq_poll(&item, 1, 0);
        break;
    case 8:
        (void)zmq_poller_add(poller, s, NULL, ZMQ_POLLIN);
        break;
    case 9:
        (void)zmq_poller_remove(poller, s);
        break;
    case 10:
        (void)zmq_poller_wait(poller, &event, 0);
        break;
    case 11:
        (void)zmq_disconnect(s, "inproc://one");
        break;
    case 12:
        (void)zmq_recv(s, got, sizeof(got), ZMQ_DONTWAIT);
        break;
    default:
        (void)zmq_send(s, "x", 1, ZMQ_DONTWAIT | (what % 16 == 13 ? ZMQ_SNDMORE : 0));
        break;
    }
}

static void
run(void *arg)
{
    for (int i = 0; i < N_STEPS; i++) {
        step(arg, fmq__random_u32());
    }
}

TEST(threads_that_share_everything)
{
    fmq__thread thread[N_THREADS];
    world w = {.ctx = znew_ctx()};
    void *poller;

    for (size_t i = 0; i < N_SHARED; i++) {
        replace_socket(&w, i);
    }
    replace_poller(&w);
    for (int i = 0; i < N_THREADS; i++) {
        REQUIRE(fmq__thread_open(&thread[i], run, &w, "misuse") == 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        fmq__thread_join(thread[i]);
    }
    for (size_t i = 0; i < N_SHARED; i++) {
        CHECK_EQ(zmq_close(atomic_load(&w.socket[i])), 0);
    }
    poller = atomic_load(&w.poller);
    CHECK_EQ(zmq_poller_destroy(&poller), 0);
    CHECK_EQ(zmq_ctx_term(w.ctx), 0);
}

/* A socket whose connects wait for their name, with a message each. */
typedef struct parting {
    void *ctx;
    void *socket;
    atomic_int n_ready;
} parting;

static void
await_all(parting *p)
{
    atomic_fetch_add(&p->n_ready, 1);
    while (atomic_load(&p->n_ready) < 3) {
        sched_yield();
    }
}

static void
disconnect_each(void *arg)
{
    parting *p = arg;

    await_all(p);
    while (zmq_disconnect(p->socket, "inproc://parting") == 0) {
    }
}

static void
bind_now(void *arg)
{
    parting *p = arg;
    void *binder = zmq_socket(p->ctx, ZMQ_DEALER);
    char got[8];

    await_all(p);
    CHECK_EQ(zmq_bind(binder, "inproc://parting"), 0);
    for (int i = 0; i < 8; i++) {
        (void)zmq_recv(binder, got, sizeof(got), ZMQ_DONTWAIT);
    }
    CHECK_EQ(zmq_close(binder), 0);
}

/* One thread disconnects what another closes, and a third binds meanwhile. */
TEST(a_connect_that_is_ended_twice)
{
    void *ctx = znew_ctx();

    for (int round = 0; round < N_ROUNDS; round++) {
        parting p = {.ctx = ctx, .socket = zmq_socket(ctx, ZMQ_DEALER)};
        fmq__thread disconnecter;
        fmq__thread binder;

        for (int i = 0; i < 8; i++) {
            CHECK_EQ(zmq_connect(p.socket, "inproc://parting"), 0);
            CHECK_EQ(zmq_send(p.socket, "x", 1, 0), 1);
        }
        REQUIRE(fmq__thread_open(&disconnecter, disconnect_each, &p, "misuse") == 0);
        REQUIRE(fmq__thread_open(&binder, bind_now, &p, "misuse") == 0);
        await_all(&p);
        CHECK_EQ(zmq_close(p.socket), 0);
        fmq__thread_join(disconnecter);
        fmq__thread_join(binder);
    }
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_that_are_null),
        CASE(messages_that_are_used_twice),
        CASE(sockets_whose_context_ends),
        CASE(no_more_timers_than_there_is_room_for),
        CASE(threads_that_share_everything),
        CASE(a_connect_that_is_ended_twice),
    };

    return CHECK_MAIN(cases);
}
