/* SPDX-License-Identifier: Apache-2.0 */
/* zmq_sockets: the same help for tests of zmq.h as sockets.h gives to those of
 * fastmq.h, whose look inside works here, too: a handle is the same number.
 *
 * Threads: any.
 */
#ifndef FMQ_TESTS_ZMQ_SOCKETS_H
#define FMQ_TESTS_ZMQ_SOCKETS_H

#include <poll.h>
#include <pthread.h>

#include "sockets.h"

#define ZMQ_BUILD_DRAFT_API
#include "zmq.h"

/* The call fails with -1 and this errno. */
#define REFUSES(call, error)      \
    do {                          \
        errno = 0;                \
        CHECK_EQ(call, -1);       \
        CHECK_EQ(errno, (error)); \
    } while (0)

/* The same of a call that returns a pointer. */
#define GIVES_NULL(call, error)   \
    do {                          \
        errno = 0;                \
        CHECK((call) == NULL);    \
        CHECK_EQ(errno, (error)); \
    } while (0)

static inline void
zset(void *s, int option, int value)
{
    CHECK_EQ(zmq_setsockopt(s, option, &value, sizeof(value)), 0);
}

static inline int
zget(void *s, int option)
{
    int value = -12345;
    size_t len = sizeof(value);

    CHECK_EQ(zmq_getsockopt(s, option, &value, &len), 0);
    return value;
}

/* A socket that does not outlive what a test expects of it. */
static inline void *
znew(void *ctx, int type)
{
    void *s = zmq_socket(ctx, type);

    REQUIRE(s != NULL);
    zset(s, ZMQ_LINGER, 0);
    zset(s, ZMQ_RCVTIMEO, PATIENCE_MS);
    zset(s, ZMQ_SNDTIMEO, PATIENCE_MS);
    return s;
}

static inline void *
znew_ctx(void)
{
    void *ctx = zmq_ctx_new();

    REQUIRE(ctx != NULL);
    return ctx;
}

/* Binds `a`, and connects `b` to where that is. */
static inline void
zjoin(void *a, void *b, const char *endpoint)
{
    char text[TEXT_ROOM];
    size_t len = sizeof(text);

    REQUIRE(zmq_bind(a, endpoint) == 0);
    REQUIRE(zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, text, &len) == 0);
    REQUIRE(zmq_connect(b, text) == 0);
}

/* Two sockets that are connected, and their context. */
typedef struct zpair {
    void *ctx;
    void *a; /* bound */
    void *b; /* connected */
} zpair;

static inline zpair
zpair_open(int type_a, int type_b, const char *endpoint)
{
    zpair p;

    p.ctx = znew_ctx();
    p.a = znew(p.ctx, type_a);
    p.b = znew(p.ctx, type_b);
    zjoin(p.a, p.b, endpoint);
    return p;
}

static inline void
zpair_close(const zpair *p)
{
    CHECK_EQ(zmq_close(p->a), 0);
    CHECK_EQ(zmq_close(p->b), 0);
    CHECK_EQ(zmq_ctx_term(p->ctx), 0);
}

static inline void
zexpect(void *s, const char *text)
{
    char got[TEXT_ROOM];
    int n = zmq_recv(s, got, sizeof(got) - 1, 0);

    got[n < 0 ? 0 : n] = '\0';
    CHECK_STR(got, text);
}

static inline int
zsend_text(void *s, const char *text, int flags)
{
    return zmq_send(s, text, strlen(text), flags);
}

/* --- signals --- */

static volatile sig_atomic_t n_signals;

static inline void
on_signal(int number)
{
    (void)number;
    n_signals++;
}

/* SIGUSR1 is handled, and system calls that can go on after it do so. */
static inline void
handle_signals(void)
{
    struct sigaction a;

    memset(&a, 0, sizeof(a));
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART;
    n_signals = 0;
    REQUIRE(sigaction(SIGUSR1, &a, NULL) == 0);
}

/* Sends signals to a thread until it is told that one of them has had its effect. */
typedef struct nagger {
    pthread_t victim;
    _Atomic bool is_done;
    fmq__thread thread;
} nagger;

static inline void
nag(void *arg)
{
    nagger *n = arg;

    while (!atomic_load(&n->is_done)) {
        (void)pthread_kill(n->victim, SIGUSR1);
        (void)poll(NULL, 0, 1);
    }
}

static inline void
nag_me(nagger *n)
{
    handle_signals();
    n->victim = pthread_self();
    atomic_init(&n->is_done, false);
    start_thread(&n->thread, nag, n);
}

static inline void
stop_nagging(nagger *n)
{
    atomic_store(&n->is_done, true);
    fmq__thread_join(n->thread);
    CHECK(n_signals > 0);
}

#endif
