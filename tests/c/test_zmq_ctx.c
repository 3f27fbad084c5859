/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "zmq_sockets.h"

TEST(a_context_has_libzmqs_presets)
{
    void *ctx = znew_ctx();

    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_IO_THREADS), ZMQ_IO_THREADS_DFLT);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_MAX_SOCKETS), ZMQ_MAX_SOCKETS_DFLT);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_SOCKET_LIMIT), 65535);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_MSG_T_SIZE), sizeof(zmq_msg_t));
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_IPV6), 0);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_BLOCKY), 1);
    CHECK_EQ(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 7), 0);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_MAX_SOCKETS), 7);
    REFUSES(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 0), EINVAL);
    REFUSES(zmq_ctx_set(ctx, 4711, 1), EINVAL);
    REFUSES(zmq_ctx_get(ctx, 4711), EINVAL);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(options_have_a_longer_form)
{
    void *ctx = znew_ctx();
    int value = 3;
    size_t len = sizeof(value);

    CHECK_EQ(zmq_ctx_set_ext(ctx, ZMQ_IO_THREADS, &value, sizeof(value)), 0);
    value = 0;
    CHECK_EQ(zmq_ctx_get_ext(ctx, ZMQ_IO_THREADS, &value, &len), 0);
    CHECK_EQ(value, 3);
    CHECK_EQ(len, sizeof(value));
    REFUSES(zmq_ctx_set_ext(ctx, ZMQ_IO_THREADS, &value, 3), EINVAL);
    REFUSES(zmq_ctx_set_ext(ctx, ZMQ_IO_THREADS, NULL, 4), EINVAL);
    REFUSES(zmq_ctx_set_ext(ctx, 4711, &value, 4), EINVAL);
    REFUSES(zmq_ctx_set_ext(NULL, ZMQ_IO_THREADS, &value, 4), EFAULT);
    REFUSES(zmq_ctx_get_ext(ctx, 4711, &value, &len), EINVAL);
    REFUSES(zmq_ctx_get_ext(ctx, ZMQ_IO_THREADS, NULL, &len), EINVAL);
    REFUSES(zmq_ctx_get_ext(ctx, ZMQ_IO_THREADS, &value, NULL), EINVAL);
    len = 1;
    REFUSES(zmq_ctx_get_ext(ctx, ZMQ_IO_THREADS, &value, &len), EINVAL);
    len = sizeof(value);
    REFUSES(zmq_ctx_get_ext(NULL, ZMQ_IO_THREADS, &value, &len), EFAULT);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(a_name_is_text)
{
    void *ctx = znew_ctx();
    char name[17];
    size_t len = sizeof(name);

    memset(name, 'x', sizeof(name));
    CHECK_EQ(zmq_ctx_set_ext(ctx, ZMQ_THREAD_NAME_PREFIX, "mine!", 5), 0);
    CHECK_EQ(zmq_ctx_get_ext(ctx, ZMQ_THREAD_NAME_PREFIX, name, &len), 0);
    CHECK_STR(name, "mine!");
    CHECK_EQ(zmq_ctx_set_ext(ctx, ZMQ_THREAD_NAME_PREFIX, "sixteen letters.", 16), 0);
    CHECK_EQ(zmq_ctx_set_ext(ctx, ZMQ_THREAD_NAME_PREFIX, "and its NUL", 12), 0);
    CHECK_EQ(zmq_ctx_get_ext(ctx, ZMQ_THREAD_NAME_PREFIX, name, &len), 0);
    CHECK_STR(name, "and its NUL");
    REFUSES(zmq_ctx_set_ext(ctx, ZMQ_THREAD_NAME_PREFIX, name, 17), EINVAL);
    len = 2;
    REFUSES(zmq_ctx_get_ext(ctx, ZMQ_THREAD_NAME_PREFIX, name, &len), EINVAL);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

/* A handle that is none: NULL, used up, a socket's, an address. */
static void
refuse_all(void *ctx)
{
    REFUSES(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 1), EFAULT);
    REFUSES(zmq_ctx_get(ctx, ZMQ_IO_THREADS), EFAULT);
    REFUSES(zmq_ctx_shutdown(ctx), EFAULT);
    REFUSES(zmq_ctx_term(ctx), EFAULT);
    REFUSES(zmq_ctx_destroy(ctx), EFAULT);
    REFUSES(zmq_term(ctx), EFAULT);
    GIVES_NULL(zmq_socket(ctx, ZMQ_PAIR), EFAULT);
}

TEST(what_is_no_context_is_refused)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    uint64_t not_a_context = UINT64_C(0xabadcafe);

    refuse_all(NULL);
    refuse_all(&not_a_context);
    refuse_all(s);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
    refuse_all(ctx);
}

TEST(older_names)
{
    void *ctx = zmq_init(2);

    REQUIRE(ctx != NULL);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_IO_THREADS), 2);
    CHECK_EQ(zmq_term(ctx), 0);
    GIVES_NULL(zmq_init(-1), EINVAL);
    ctx = zmq_init(0);
    CHECK_EQ(zmq_ctx_get(ctx, ZMQ_IO_THREADS), 0);
    CHECK_EQ(zmq_ctx_destroy(ctx), 0);
}

TEST(without_memory_there_is_no_context)
{
    fmq__alloc_fail_at(1, 0);
    GIVES_NULL(zmq_ctx_new(), ENOMEM);
    fmq__alloc_fail_at(1, 0);
    GIVES_NULL(zmq_init(1), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

TEST(sockets_are_counted)
{
    void *ctx = znew_ctx();
    void *s;

    CHECK_EQ(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 1), 0);
    s = znew(ctx, ZMQ_PAIR);
    GIVES_NULL(zmq_socket(ctx, ZMQ_PAIR), EMFILE);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

static void
shut_down_when_waited_in(void *arg)
{
    const zpair *p = arg;

    await_callers(fmq_socket_of_zmq(p->a), 1);
    CHECK_EQ(zmq_ctx_shutdown(p->ctx), 0);
    CHECK_EQ(zmq_ctx_shutdown(p->ctx), 0);
}

TEST(shutdown_ends_what_waits)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://ctx");
    fmq__thread t;
    char byte;

    start_thread(&t, shut_down_when_waited_in, &p);
    REFUSES(zmq_recv(p.a, &byte, 1, 0), ETERM);
    fmq__thread_join(t);
    REFUSES(zmq_send(p.a, "x", 1, 0), ETERM);
    GIVES_NULL(zmq_socket(p.ctx, ZMQ_PAIR), ETERM);
    zpair_close(&p);
}

static void
close_when_told(void *arg)
{
    const zpair *p = arg;
    char byte;

    /* ETERM is how it is told. */
    REFUSES(zmq_recv(p->a, &byte, 1, 0), ETERM);
    CHECK_EQ(zmq_close(p->a), 0);
    CHECK_EQ(zmq_close(p->b), 0);
}

TEST(term_waits_for_the_last_socket)
{
    zpair p = zpair_open(ZMQ_PAIR, ZMQ_PAIR, "inproc://term");
    fmq__thread t;

    start_thread(&t, close_when_told, &p);
    await_callers(fmq_socket_of_zmq(p.a), 1);
    CHECK_EQ(zmq_ctx_term(p.ctx), 0);
    fmq__thread_join(t);
}

TEST(a_signal_ends_the_wait_of_term)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    nagger n;

    nag_me(&n);
    REFUSES(zmq_ctx_term(ctx), EINTR);
    stop_nagging(&n);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_context_has_libzmqs_presets),
        CASE(options_have_a_longer_form),
        CASE(a_name_is_text),
        CASE(what_is_no_context_is_refused),
        CASE(older_names),
        CASE(without_memory_there_is_no_context),
        CASE(sockets_are_counted),
        CASE(shutdown_ends_what_waits),
        CASE(term_waits_for_the_last_socket),
        CASE(a_signal_ends_the_wait_of_term),
    };

    return CHECK_MAIN(cases);
}
