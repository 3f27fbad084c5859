/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>

#include "zmq_sockets.h"

TEST(every_type_there_is)
{
    void *ctx = znew_ctx();

    for (int type = ZMQ_PAIR; type <= ZMQ_CHANNEL; type++) {
        void *s;

        if (type == ZMQ_DGRAM) {
            continue;
        }
        s = znew(ctx, type);
        CHECK_EQ(zget(s, ZMQ_TYPE), type);
        CHECK_EQ(zget(s, ZMQ_THREAD_SAFE), type > ZMQ_STREAM);
        CHECK_EQ(zmq_close(s), 0);
    }
    GIVES_NULL(zmq_socket(ctx, ZMQ_DGRAM), EINVAL);
    GIVES_NULL(zmq_socket(ctx, ZMQ_CHANNEL + 1), EINVAL);
    GIVES_NULL(zmq_socket(ctx, -1), EINVAL);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

/* A handle that is none: everything says so. */
static void
refuse_all(void *s)
{
    size_t len = sizeof(int);
    int value = 0;
    zmq_pollitem_t item = {s, 0, ZMQ_POLLIN, 0};

    REFUSES(zmq_close(s), ENOTSOCK);
    REFUSES(zmq_setsockopt(s, ZMQ_LINGER, &value, sizeof(value)), ENOTSOCK);
    REFUSES(zmq_getsockopt(s, ZMQ_LINGER, &value, &len), ENOTSOCK);
    REFUSES(zmq_bind(s, "inproc://x"), ENOTSOCK);
    REFUSES(zmq_connect(s, "inproc://x"), ENOTSOCK);
    REFUSES(zmq_unbind(s, "inproc://x"), ENOTSOCK);
    REFUSES(zmq_disconnect(s, "inproc://x"), ENOTSOCK);
    REFUSES(zmq_send(s, "x", 1, 0), ENOTSOCK);
    REFUSES(zmq_recv(s, &value, 1, 0), ENOTSOCK);
    REFUSES(zmq_socket_monitor(s, "inproc://m", ZMQ_EVENT_ALL), ENOTSOCK);
    REFUSES(zmq_socket_monitor_pipes_stats(s), ENOTSOCK);
    REFUSES(zmq_socket_get_peer_state(s, "id", 2), ENOTSOCK);
    REFUSES(zmq_join(s, "group"), ENOTSOCK);
    REFUSES(zmq_leave(s, "group"), ENOTSOCK);
    REFUSES(zmq_disconnect_peer(s, 1), ENOTSOCK);
    errno = 0;
    CHECK_EQ(zmq_connect_peer(s, "inproc://x"), 0);
    CHECK_EQ(errno, ENOTSOCK);
    if (s != NULL) {
        REFUSES(zmq_poll(&item, 1, 0), ENOTSOCK);
    }
}

TEST(what_is_no_socket_is_refused)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    uint64_t not_a_socket = UINT64_C(0xbaddecaf);

    refuse_all(NULL);
    refuse_all(&not_a_socket);
    refuse_all((char *)&not_a_socket + 1);
    refuse_all(ctx);
    CHECK_EQ(zmq_close(s), 0);
    refuse_all(s);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(options)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_DEALER);
    char id[8] = "";
    size_t len = sizeof(id);
    int value = 5;

    zset(s, ZMQ_SNDHWM, 5);
    CHECK_EQ(zget(s, ZMQ_SNDHWM), 5);
    CHECK_EQ(zmq_setsockopt(s, ZMQ_ROUTING_ID, "me", 2), 0);
    CHECK_EQ(zmq_getsockopt(s, ZMQ_ROUTING_ID, id, &len), 0);
    CHECK_EQ(len, 2);
    CHECK_MEM(id, "me", 2);
    REFUSES(zmq_setsockopt(s, ZMQ_SNDHWM, &value, 3), EINVAL);
    REFUSES(zmq_setsockopt(s, 4711, &value, sizeof(value)), EINVAL);
    REFUSES(zmq_setsockopt(s, ZMQ_SNDHWM, NULL, sizeof(value)), EINVAL);
    len = sizeof(value);
    REFUSES(zmq_getsockopt(s, 4711, &value, &len), EINVAL);
    REFUSES(zmq_getsockopt(s, ZMQ_SNDHWM, NULL, &len), EINVAL);
    REFUSES(zmq_getsockopt(s, ZMQ_SNDHWM, &value, NULL), EINVAL);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(endpoints)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    void *other = znew(ctx, ZMQ_PAIR);

    CHECK_EQ(zmq_bind(s, "inproc://endpoints"), 0);
    REFUSES(zmq_bind(other, "inproc://endpoints"), EADDRINUSE);
    CHECK_EQ(zmq_connect(other, "inproc://endpoints"), 0);
    CHECK_EQ(zmq_disconnect(other, "inproc://endpoints"), 0);
    REFUSES(zmq_disconnect(other, "inproc://endpoints"), ENOENT);
    CHECK_EQ(zmq_unbind(s, "inproc://endpoints"), 0);
    REFUSES(zmq_unbind(s, "inproc://endpoints"), ENOENT);
    REFUSES(zmq_bind(s, "nonsense"), EINVAL);
    REFUSES(zmq_bind(s, NULL), EINVAL);
    REFUSES(zmq_bind(s, "xyz://x"), EPROTONOSUPPORT);
    REFUSES(zmq_connect(s, "tcp://127.0.0.1"), EINVAL);
    REFUSES(zmq_connect(s, NULL), EINVAL);
    REFUSES(zmq_unbind(s, NULL), EINVAL);
    REFUSES(zmq_disconnect(s, NULL), EINVAL);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_close(other), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

/* The next number of a monitor's message. */
static uint64_t
next_number(void *monitor)
{
    uint64_t n = 0;

    CHECK_EQ(zmq_recv(monitor, &n, sizeof(n), 0), sizeof(n));
    return n;
}

TEST(a_monitor_of_the_first_version)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PULL);
    void *monitor = znew(ctx, ZMQ_PAIR);
    unsigned char head[6];
    uint16_t event;

    CHECK_EQ(zmq_socket_monitor(s, "inproc://monitor", ZMQ_EVENT_ALL), 0);
    CHECK_EQ(zmq_connect(monitor, "inproc://monitor"), 0);
    CHECK_EQ(zmq_bind(s, "tcp://127.0.0.1:*"), 0);
    CHECK_EQ(zmq_recv(monitor, head, sizeof(head), 0), sizeof(head));
    memcpy(&event, head, sizeof(event));
    CHECK_EQ(event, ZMQ_EVENT_LISTENING);
    CHECK_EQ(zget(monitor, ZMQ_RCVMORE), 1);
    REFUSES(zmq_socket_monitor(s, "inproc://monitor", 0x10000), EINVAL);
    REFUSES(zmq_socket_monitor(s, "tcp://127.0.0.1:*", 1), EPROTONOSUPPORT);
    CHECK_EQ(zmq_socket_monitor(s, NULL, 0), 0);
    CHECK_EQ(zmq_close(monitor), 0);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(a_monitor_of_the_second_version_tells_of_queues)
{
    void *ctx = znew_ctx();
    void *pull = znew(ctx, ZMQ_PULL);
    void *push = znew(ctx, ZMQ_PUSH);
    void *monitor = znew(ctx, ZMQ_PULL);
    char text[TEXT_ROOM];

    REFUSES(zmq_socket_monitor_pipes_stats(pull), EINVAL);
    REFUSES(zmq_socket_monitor_versioned(pull, "inproc://m2", 1, 3, ZMQ_PAIR), EINVAL);
    REFUSES(zmq_socket_monitor_versioned(pull, "inproc://m2", 1, 2, ZMQ_SUB), EINVAL);
    CHECK_EQ(zmq_socket_monitor_versioned(pull, "inproc://m2", ZMQ_EVENT_PIPES_STATS,
                                          ZMQ_CURRENT_EVENT_VERSION_DRAFT, ZMQ_PUSH),
             0);
    REFUSES(zmq_socket_monitor_pipes_stats(pull), EAGAIN);
    CHECK_EQ(zmq_connect(monitor, "inproc://m2"), 0);
    zjoin(pull, push, "tcp://127.0.0.1:*");
    CHECK_EQ(zsend_text(push, "first", 0), 5);
    CHECK_EQ(zsend_text(push, "second", 0), 6);
    zexpect(pull, "first");
    CHECK_EQ(await(fmq_socket_of_zmq(pull), FMQ_POLLIN), 0);

    CHECK_EQ(zmq_socket_monitor_pipes_stats(pull), 0);
    CHECK_EQ(next_number(monitor), ZMQ_EVENT_PIPES_STATS);
    CHECK_EQ(next_number(monitor), 2);
    CHECK_EQ(next_number(monitor), 0); /* to be sent */
    CHECK_EQ(next_number(monitor), 1); /* to be received */
    text[zmq_recv(monitor, text, sizeof(text) - 1, 0)] = '\0';
    CHECK_EQ(strncmp(text, "tcp://127.0.0.1:", 16), 0);
    CHECK_EQ(zget(monitor, ZMQ_RCVMORE), 1);
    text[zmq_recv(monitor, text, sizeof(text) - 1, 0)] = '\0';
    CHECK_EQ(strncmp(text, "tcp://127.0.0.1:", 16), 0);
    CHECK_EQ(zget(monitor, ZMQ_RCVMORE), 0);

    CHECK_EQ(zmq_close(monitor), 0);
    CHECK_EQ(zmq_close(push), 0);
    CHECK_EQ(zmq_close(pull), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

static void
expect_stats(void *monitor, uint64_t n_out, uint64_t n_in, const char *remote)
{
    CHECK_EQ(next_number(monitor), ZMQ_EVENT_PIPES_STATS);
    CHECK_EQ(next_number(monitor), 2);
    CHECK_EQ(next_number(monitor), n_out);
    CHECK_EQ(next_number(monitor), n_in);
    zexpect(monitor, "");
    zexpect(monitor, remote);
}

TEST(a_monitor_tells_of_inproc_and_of_what_is_not_connected_yet)
{
    void *ctx = znew_ctx();
    void *a = znew(ctx, ZMQ_PAIR);
    void *b = znew(ctx, ZMQ_PAIR);
    void *push = znew(ctx, ZMQ_PUSH);
    void *monitor[3];
    void *const of[3] = {a, b, push};
    char name[TEXT_ROOM];

    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "inproc://m%d", i);
        monitor[i] = znew(ctx, ZMQ_PAIR);
        CHECK_EQ(zmq_socket_monitor_versioned(of[i], name, ZMQ_EVENT_PIPES_STATS, 2,
                                              ZMQ_PAIR),
                 0);
        CHECK_EQ(zmq_connect(monitor[i], name), 0);
        REFUSES(zmq_socket_monitor_pipes_stats(of[i]), EAGAIN);
    }
    CHECK_EQ(zmq_connect(a, "inproc://later"), 0);
    CHECK_EQ(zsend_text(a, "one", 0), 3);
    CHECK_EQ(zmq_socket_monitor_pipes_stats(a), 0);
    expect_stats(monitor[0], 1, 0, "");
    CHECK_EQ(zmq_bind(b, "inproc://later"), 0);
    CHECK_EQ(zsend_text(a, "two", 0), 3);
    zexpect(b, "one");
    CHECK_EQ(zmq_socket_monitor_pipes_stats(a), 0);
    expect_stats(monitor[0], 2, 0, ""); /* told of reading at the low-water mark only */
    CHECK_EQ(zmq_socket_monitor_pipes_stats(b), 0);
    expect_stats(monitor[1], 0, 1, "");
    CHECK_EQ(zmq_connect(push, "ipc://@fastmq-nobody-there"), 0);
    CHECK_EQ(zsend_text(push, "waits", 0), 5);
    CHECK_EQ(zmq_socket_monitor_pipes_stats(push), 0);
    expect_stats(monitor[2], 1, 0, "ipc://@fastmq-nobody-there");

    zset(push, ZMQ_LINGER, 0);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(zmq_close(monitor[i]), 0);
        CHECK_EQ(zmq_close(of[i]), 0);
    }
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(names_of_those_who_connect_over_ipc)
{
    void *ctx = znew_ctx();
    void *pull = znew(ctx, ZMQ_PULL);
    void *push = znew(ctx, ZMQ_PUSH);
    void *monitor = znew(ctx, ZMQ_PAIR);
    char name[TEXT_ROOM];

    CHECK_EQ(zmq_socket_monitor_versioned(pull, "inproc://m", ZMQ_EVENT_ACCEPTED, 2,
                                          ZMQ_PAIR),
             0);
    CHECK_EQ(zmq_connect(monitor, "inproc://m"), 0);
    zjoin(pull, push, "ipc://*");
    CHECK_EQ(next_number(monitor), ZMQ_EVENT_ACCEPTED);
    CHECK_EQ(next_number(monitor), 1);
    CHECK(next_number(monitor) != 0);
    zexpect(monitor, last_endpoint(fmq_socket_of_zmq(pull), name));
    zexpect(monitor, "ipc://");
    CHECK_EQ(zmq_close(monitor), 0);
    CHECK_EQ(zmq_close(push), 0);
    CHECK_EQ(zmq_close(pull), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(the_state_of_a_peer)
{
    zpair p;
    char byte;

    p.ctx = znew_ctx();
    p.a = znew(p.ctx, ZMQ_ROUTER);
    p.b = znew(p.ctx, ZMQ_DEALER);
    zset(p.a, ZMQ_SNDHWM, 1);
    zset(p.b, ZMQ_RCVHWM, 1);
    CHECK_EQ(zmq_setsockopt(p.b, ZMQ_ROUTING_ID, "peer", 4), 0);
    REFUSES(zmq_socket_get_peer_state(p.a, "peer", 4), EHOSTUNREACH);
    zjoin(p.a, p.b, "inproc://peer");
    CHECK_EQ(zsend_text(p.b, "x", 0), 1);
    zexpect(p.a, "peer");
    zexpect(p.a, "x");
    CHECK_EQ(zmq_socket_get_peer_state(p.a, "peer", 4), ZMQ_POLLOUT);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(zsend_text(p.a, "peer", ZMQ_SNDMORE), 4);
        CHECK_EQ(zsend_text(p.a, "x", 0), 1);
    }
    CHECK_EQ(zmq_socket_get_peer_state(p.a, "peer", 4), 0);
    REFUSES(zmq_socket_get_peer_state(p.a, "nobody", 6), EHOSTUNREACH);
    REFUSES(zmq_socket_get_peer_state(p.a, NULL, 4), EFAULT);
    REFUSES(zmq_socket_get_peer_state(p.b, "peer", 4), ENOTSUP);
    CHECK_EQ(zmq_recv(p.b, &byte, 1, 0), 1);
    zpair_close(&p);
}

TEST(no_other_type_has_groups_or_numbered_peers)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_SUB);

    REFUSES(zmq_join(s, "group"), ENOTSUP);
    REFUSES(zmq_leave(s, "group"), ENOTSUP);
    REFUSES(zmq_disconnect_peer(s, 1), ENOTSUP);
    errno = 0;
    CHECK_EQ(zmq_connect_peer(s, "inproc://x"), 0);
    CHECK_EQ(errno, ENOTSUP);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

TEST(a_child_has_nothing_to_close)
{
    void *ctx = znew_ctx();
    void *s = znew(ctx, ZMQ_PAIR);
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        char byte;
        bool is_good = zmq_recv(s, &byte, 1, 0) == -1 && errno == ENOTSOCK;

        is_good = is_good && zmq_close(s) == 0 && zmq_ctx_term(ctx) == 0;
        is_good = is_good && zmq_close(s) == -1;
        _exit(is_good ? 0 : 1);
    }
    REQUIRE(child > 0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(zget(s, ZMQ_TYPE), ZMQ_PAIR);
    CHECK_EQ(zmq_close(s), 0);
    CHECK_EQ(zmq_ctx_term(ctx), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(every_type_there_is),
        CASE(what_is_no_socket_is_refused),
        CASE(options),
        CASE(endpoints),
        CASE(a_monitor_of_the_first_version),
        CASE(a_monitor_of_the_second_version_tells_of_queues),
        CASE(a_monitor_tells_of_inproc_and_of_what_is_not_connected_yet),
        CASE(names_of_those_who_connect_over_ipc),
        CASE(the_state_of_a_peer),
        CASE(no_other_type_has_groups_or_numbered_peers),
        CASE(a_child_has_nothing_to_close),
    };

    return CHECK_MAIN(cases);
}
