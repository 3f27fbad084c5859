/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "zmq_sockets.h"

/* A proxy on a thread of its own, with a client and a worker around it. */
typedef struct scene {
    void *ctx;
    void *frontend;
    void *backend;
    void *control; /* the proxy's, or NULL */
    void *commander;
    void *client;
    void *worker;
    int (*run)(const struct scene *s);
    int result;
    int error;
    fmq__thread thread;
} scene;

static int
run_proxy(const scene *s)
{
    return zmq_proxy(s->frontend, s->backend, NULL);
}

static int
run_steerable(const scene *s)
{
    return zmq_proxy_steerable(s->frontend, s->backend, NULL, s->control);
}

static int
run_device(const scene *s)
{
    return zmq_device(ZMQ_QUEUE, s->frontend, s->backend);
}

static void
run(void *arg)
{
    scene *s = arg;

    s->result = s->run(s);
    s->error = errno;
}

static void
scene_open(scene *s, int (*run_it)(const scene *s))
{
    *s = (scene){.run = run_it};
    s->ctx = znew_ctx();
    s->frontend = znew(s->ctx, ZMQ_ROUTER);
    s->backend = znew(s->ctx, ZMQ_DEALER);
    s->client = znew(s->ctx, ZMQ_REQ);
    s->worker = znew(s->ctx, ZMQ_REP);
    s->control = znew(s->ctx, ZMQ_PAIR);
    s->commander = znew(s->ctx, ZMQ_PAIR);
    zjoin(s->frontend, s->client, "tcp://127.0.0.1:*");
    zjoin(s->backend, s->worker, "inproc://workers");
    zjoin(s->control, s->commander, "inproc://control");
    start_thread(&s->thread, run, s);
}

static void
one_request(const scene *s)
{
    CHECK_EQ(zsend_text(s->client, "request", 0), 7);
    zexpect(s->worker, "request");
    CHECK_EQ(zsend_text(s->worker, "reply", 0), 5);
    zexpect(s->client, "reply");
}

static void
scene_close(scene *s)
{
    void *const all[] = {s->frontend, s->backend, s->client,
                         s->worker,   s->control, s->commander};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        CHECK_EQ(zmq_close(all[i]), 0);
    }
    CHECK_EQ(zmq_ctx_term(s->ctx), 0);
}

TEST(a_proxy_passes_until_the_context_ends)
{
    int (*const runs[])(const scene *) = {run_proxy, run_device};

    for (size_t i = 0; i < 2; i++) {
        scene s;

        scene_open(&s, runs[i]);
        one_request(&s);
        CHECK_EQ(zmq_ctx_shutdown(s.ctx), 0);
        fmq__thread_join(s.thread);
        CHECK_EQ(s.result, -1);
        CHECK_EQ(s.error, ETERM);
        scene_close(&s);
    }
}

TEST(a_proxy_obeys)
{
    uint64_t numbers[8];
    scene s;

    scene_open(&s, run_steerable);
    one_request(&s);
    CHECK_EQ(zsend_text(s.commander, "STATISTICS", 0), 10);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(zmq_recv(s.commander, &numbers[i], 8, 0), 8);
    }
    CHECK_EQ(numbers[0], 3); /* id, delimiter, body */
    CHECK_EQ(zsend_text(s.commander, "TERMINATE", 0), 9);
    fmq__thread_join(s.thread);
    CHECK_EQ(s.result, 0);
    scene_close(&s);
}

TEST(what_cannot_be_a_proxy)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    void *closed = znew(ctx, ZMQ_PAIR);

    CHECK_EQ(zmq_close(closed), 0);
    REFUSES(zmq_proxy(NULL, s, NULL), EFAULT);
    REFUSES(zmq_proxy(s, NULL, NULL), EFAULT);
    REFUSES(zmq_proxy_steerable(NULL, s, NULL, NULL), EFAULT);
    REFUSES(zmq_proxy_steerable(s, s, NULL, closed), ENOTSOCK);
    REFUSES(zmq_proxy(s, closed, NULL), ENOTSOCK);
    REFUSES(zmq_device(ZMQ_QUEUE, s, NULL), EFAULT);
    fmq__alloc_fail_at(1, 0);
    REFUSES(zmq_proxy(s, s, NULL), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(a_signal_ends_it)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    nagger n;

    nag_me(&n);
    REFUSES(zmq_proxy(s, s, NULL), EINTR);
    stop_nagging(&n);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_proxy_passes_until_the_context_ends),
        CASE(a_proxy_obeys),
        CASE(what_cannot_be_a_proxy),
        CASE(a_signal_ends_it),
    };

    return CHECK_MAIN(cases);
}
