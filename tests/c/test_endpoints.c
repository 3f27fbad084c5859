/* SPDX-License-Identifier: Apache-2.0 */
/* bind, connect, unbind and disconnect over tcp and ipc: in any order, by any of their
 * names, failing half-way, and racing with close. What concerns inproc alone is in
 * test_names.c. */
#include <errno.h>

#include "base/alloc.h"
#include "deny.h"
#include "loop/poller.h"
#include "sockets.h"

enum { N_LEFT_BOUND = 40 };

static fmq_ctx ctx;

static const char *const wild[] = {"tcp://127.0.0.1:*", "ipc://*", "tcp://127.0.0.1:0"};

static void
expect_last(fmq_socket s, const char *text)
{
    char got[TEXT_ROOM];

    CHECK_STR(last_endpoint(s, got), text);
}

static void
pass_one(fmq_socket push, fmq_socket pull)
{
    CHECK_EQ(send_text(push, "hello", 0), 0);
    expect_text(pull, "hello");
}

TEST(bad_texts)
{
    static const struct {
        const char *text;
        int bind, connect;
    } cases[] = {
        {"", EINVAL, EINVAL},
        {"tcp", EINVAL, EINVAL},
        {"tcp://", EINVAL, EINVAL},
        {"://x", EINVAL, EINVAL},
        {"tcp:/127.0.0.1:1", EINVAL, EINVAL},
        {"tcp://127.0.0.1", EINVAL, EINVAL},
        {"tcp://127.0.0.1:99999", EINVAL, EINVAL},
        {"tcp://127.0.0.1:x", EINVAL, EINVAL},
        {"nothing://x", EPROTONOSUPPORT, EPROTONOSUPPORT},
        {"pgm://x", EPROTONOSUPPORT, EPROTONOSUPPORT},
        {"ipc:///no/such/folder/at/all", ENOENT, 0},
    };
    fmq_socket s = new_brisk(ctx, PULL);
    char long_text[4000];

    memset(long_text, 'x', sizeof(long_text));
    memcpy(long_text, "ipc://", 6);
    long_text[sizeof(long_text) - 1] = '\0';
    CHECK(fmq_bind(s, long_text) != 0);
    CHECK(fmq_connect(s, long_text) != 0);
    CHECK_EQ(fmq_bind(s, NULL), EINVAL);
    CHECK_EQ(fmq_connect(s, NULL), EINVAL);
    CHECK_EQ(fmq_unbind(s, NULL), EINVAL);
    CHECK_EQ(fmq_disconnect(s, NULL), EINVAL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_last(s, "");
        if (!CHECK_EQ(fmq_bind(s, cases[i].text), cases[i].bind) ||
            !CHECK_EQ(fmq_connect(s, cases[i].text), cases[i].connect)) {
            fprintf(stderr, "  %s\n", cases[i].text);
        }
    }
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(what_was_not_done_cannot_be_undone)
{
    fmq_socket s = new_brisk(ctx, PULL);
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_unbind(s, "tcp://127.0.0.1:4"), ENOENT);
    CHECK_EQ(fmq_disconnect(s, "tcp://127.0.0.1:4"), ENOENT);
    CHECK_EQ(fmq_unbind(s, "junk"), EINVAL);
    CHECK_EQ(fmq_disconnect(s, "junk://x"), EPROTONOSUPPORT);
    CHECK_EQ(fmq_bind(s, wild[0]), 0);
    last_endpoint(s, text);
    CHECK_EQ(fmq_connect(s, "ipc://@nobody-at-all"), 0);
    expect_last(s, "ipc://@nobody-at-all");
    CHECK_EQ(fmq_disconnect(s, "ipc://@nobody-at-all"), 0);
    CHECK_EQ(fmq_disconnect(s, "ipc://@nobody-at-all"), ENOENT);
    CHECK_EQ(fmq_unbind(s, text), 0);
    CHECK_EQ(fmq_unbind(s, text), ENOENT);
    CHECK_EQ(fmq_socket_close(s), 0);
}

/* Each does the other's work where it has none of its own. */
TEST(unbind_and_disconnect_are_one)
{
    fmq_socket s = new_brisk(ctx, PULL);
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_bind(s, wild[0]), 0);
    last_endpoint(s, text);
    CHECK_EQ(fmq_connect(s, text), 0); /* to itself */
    CHECK_EQ(fmq_disconnect(s, text), 0);
    CHECK_EQ(fmq_disconnect(s, text), 0);
    CHECK_EQ(fmq_disconnect(s, text), ENOENT);
    CHECK_EQ(fmq_bind(s, text), 0); /* it is free */
    CHECK_EQ(fmq_unbind(s, text), 0);
    CHECK_EQ(fmq_connect(s, text), 0);
    CHECK_EQ(fmq_unbind(s, text), 0);
    CHECK_EQ(fmq_unbind(s, text), ENOENT);
    CHECK_EQ(fmq_bind(s, "inproc://mine"), 0);
    CHECK_EQ(fmq_disconnect(s, "inproc://mine"), 0);
    CHECK_EQ(fmq_connect(s, "inproc://mine"), 0);
    CHECK_EQ(fmq_unbind(s, "inproc://mine"), 0);
    CHECK_EQ(fmq_unbind(s, "inproc://mine"), ENOENT);
    CHECK_EQ(fmq_socket_close(s), 0);
}

/* Two listeners of one wildcard text have names of their own, by which alone they are
 * undone. */
TEST(names_of_wildcards)
{
    for (size_t i = 0; i < 2; i++) {
        fmq_socket s = new_brisk(ctx, PULL);
        fmq_socket other = new_brisk(ctx, PULL);
        char first[TEXT_ROOM];
        char second[TEXT_ROOM];

        CHECK_EQ(fmq_bind(s, wild[i]), 0);
        last_endpoint(s, first);
        CHECK_EQ(fmq_bind(s, wild[i]), 0);
        last_endpoint(s, second);
        CHECK(strcmp(first, second) != 0);
        CHECK(strcmp(first, wild[i]) != 0);
        CHECK_EQ(fmq_bind(other, first), EADDRINUSE);
        CHECK_EQ(fmq_unbind(s, wild[i]), ENOENT);
        CHECK_EQ(fmq_unbind(s, first), 0);
        CHECK_EQ(fmq_unbind(s, first), ENOENT);
        CHECK_EQ(fmq_unbind(s, second), 0);
        CHECK_EQ(fmq_unbind(s, wild[i]), ENOENT);
        expect_last(s, second);
        CHECK_EQ(fmq_socket_close(s), 0);
        CHECK_EQ(fmq_socket_close(other), 0);
    }
}

/* The port is free when unbind or close has returned, every time. */
TEST(a_port_is_free_again_at_once)
{
    fmq_socket s = new_brisk(ctx, PULL);
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_bind(s, wild[0]), 0);
    last_endpoint(s, text);
    for (int i = 0; i < 50; i++) {
        fmq_socket next = new_brisk(ctx, PULL);

        CHECK_EQ(fmq_bind(next, text), EADDRINUSE);
        expect_last(next, "");
        if (i % 2 == 0) {
            CHECK_EQ(fmq_unbind(s, text), 0);
        }
        CHECK_EQ(fmq_socket_close(s), 0);
        CHECK_EQ(fmq_bind(next, text), 0);
        s = next;
    }
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(connect_before_bind)
{
    fmq_socket push = new_brisk(ctx, PUSH);
    fmq_socket pull = new_brisk(ctx, PULL);
    char text[TEXT_ROOM];

    (void)snprintf(text, sizeof(text), "ipc://@fmq-test-endpoints-%d", (int)getpid());
    set_int(push, 18, 1); /* RECONNECT_IVL */
    CHECK_EQ(fmq_connect(push, text), 0);
    CHECK_EQ(send_text(push, "early", 0), 0);
    CHECK_EQ(fmq_bind(pull, text), 0);
    expect_text(pull, "early");
    /* The listener goes, another comes: the connection is made again. */
    CHECK_EQ(fmq_unbind(pull, text), 0);
    CHECK_EQ(fmq_bind(pull, text), 0);
    set_int(pull, RCVTIMEO, 1);
    do { /* what went into the old connection is lost */
        CHECK_EQ(send_text(push, "again", 0), 0);
    } while (recv_text(pull, text, 0) == EAGAIN);
    CHECK_STR(text, "again");
    CHECK_EQ(fmq_socket_close(push), 0);
    CHECK_EQ(fmq_socket_close(pull), 0);
}

/* Connections of one text go together; others stay. */
TEST(disconnect_ends_all_of_a_name)
{
    for (size_t i = 0; i < 2; i++) {
        fmq_socket a = new_brisk(ctx, PULL);
        fmq_socket b = new_brisk(ctx, PULL);
        fmq_socket push = new_brisk(ctx, PUSH);
        char to_a[TEXT_ROOM];
        char to_b[TEXT_ROOM];

        CHECK_EQ(fmq_bind(a, wild[i]), 0);
        CHECK_EQ(fmq_bind(b, wild[i]), 0);
        last_endpoint(a, to_a);
        last_endpoint(b, to_b);
        CHECK_EQ(fmq_connect(push, to_a), 0);
        CHECK_EQ(fmq_connect(push, to_b), 0);
        CHECK_EQ(fmq_connect(push, to_a), 0);
        CHECK_EQ(fmq_connect(push, to_a), 0);
        CHECK_EQ(fmq_disconnect(push, to_a), 0);
        for (int k = 0; k < 5; k++) {
            pass_one(push, b);
        }
        CHECK_EQ(fmq_disconnect(push, to_a), ENOENT);
        CHECK_EQ(fmq_disconnect(push, to_b), 0);
        CHECK_EQ(send_text(push, "x", FMQ_DONTWAIT), EAGAIN);
        CHECK_EQ(fmq_socket_close(push), 0);
        CHECK_EQ(fmq_socket_close(a), 0);
        CHECK_EQ(fmq_socket_close(b), 0);
    }
}

/* What was sent before disconnect still goes out. */
TEST(disconnect_keeps_what_was_sent)
{
    fmq_socket pull = new_brisk(ctx, PULL);
    fmq_socket push = new_brisk(ctx, PUSH);
    char text[TEXT_ROOM];

    set_int(push, LINGER, -1);
    join(pull, push, wild[0]);
    last_endpoint(pull, text);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(send_text(push, "kept", 0), 0);
    }
    CHECK_EQ(fmq_disconnect(push, text), 0);
    CHECK_EQ(fmq_connect(push, text), 0);
    CHECK_EQ(send_text(push, "last", 0), 0);
    for (int i = 0, n_last = 0; i < 101; i++) {
        char got[TEXT_ROOM];

        CHECK_EQ(recv_text(pull, got, 0), 0);
        n_last += strcmp(got, "last") == 0;
        CHECK(i < 100 || n_last == 1);
    }
    CHECK_EQ(fmq_socket_close(push), 0);
    CHECK_EQ(fmq_socket_close(pull), 0);
}

/* Every order of two binds and two connects of a PAIR of sockets, and of what undoes
 * them, by a walk through random numbers. */
TEST(any_order)
{
    fmq_socket s[2] = {new_brisk(ctx, PUSH), new_brisk(ctx, PULL)};
    /* The first two are nobody's, here and elsewhere: they are not bound. */
    char known[6][TEXT_ROOM] = {"tcp://127.0.0.1:9", "ipc://@nobody-at-all",
                                "inproc://somewhere"};
    uint32_t x = 12345;

    for (int i = 0; i < 400; i++) {
        fmq_socket one = s[(x >> 8) & 1];
        char *text = known[(x >> 16) % 6];
        int err = 0;

        x = x * 1664525 + 1013904223;
        switch ((x >> 20) % 5) {
        case 0:
            text = known[3 + (x >> 12) % 3];
            if (fmq_bind(one, wild[(x >> 26) % 3]) == 0) {
                last_endpoint(one, text);
            }
            break;
        case 1:
            text = known[2 + (x >> 16) % 4];
            err = fmq_bind(one, text[0] != '\0' ? text : "inproc://somewhere");
            /* The folder of an "ipc://" + "*" is gone with what was bound there. */
            CHECK(err == 0 || err == EADDRINUSE || err == ENOENT);
            break;
        case 2:
            err = fmq_connect(one, text[0] != '\0' ? text : "inproc://else");
            CHECK_EQ(err, 0);
            break;
        case 3:
            err = fmq_unbind(one, text[0] != '\0' ? text : "inproc://somewhere");
            CHECK(err == 0 || err == ENOENT);
            break;
        default:
            err = fmq_disconnect(one, text[0] != '\0' ? text : "inproc://else");
            CHECK(err == 0 || err == ENOENT);
            break;
        }
    }
    CHECK_EQ(fmq_socket_close(s[0]), 0);
    CHECK_EQ(fmq_socket_close(s[1]), 0);
}

/* --- failing half-way --- */

/* bind or connect with the k-th request for memory failing, until it succeeds: a
 * failure leaves no trace. */
static void
open_without_memory(fmq_ctx own, bool is_bind, const char *endpoint)
{
    fmq_socket s = new_brisk(own, is_bind ? PULL : PUSH);
    char first[TEXT_ROOM];
    int before;

    REQUIRE(fmq_bind(s, wild[0]) == 0); /* makes what all share */
    REQUIRE(fmq_unbind(s, last_endpoint(s, first)) == 0);
    before = next_descriptor();
    for (uint64_t k = 1;; k++) {
        int err;

        fmq__alloc_fail_at(k, 0);
        err = is_bind ? fmq_bind(s, endpoint) : fmq_connect(s, endpoint);
        fmq__alloc_fail_at(0, 0);
        if (err == 0) {
            CHECK(k > 3);
            break;
        }
        CHECK_EQ(err, ENOMEM);
        CHECK_EQ(next_descriptor(), before);
        expect_last(s, first);
        CHECK_EQ(is_bind ? fmq_unbind(s, endpoint) : fmq_disconnect(s, endpoint),
                 ENOENT);
    }
    CHECK_EQ(is_bind ? fmq_unbind(s, endpoint) : fmq_disconnect(s, endpoint), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(no_memory)
{
    static const struct {
        bool is_bind;
        const char *endpoint;
    } cases[] = {
        {true, "ipc://@fmq-test-endpoints-a"}, {true, "inproc://here"},
        {false, "ipc://@nobody-at-all"},       {false, "tcp://127.0.0.1:9"},
        {false, "inproc://nowhere"},           {false, "inproc://there"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fmq_ctx own = new_ctx();
        fmq_socket there = new_brisk(own, PULL);

        CHECK_EQ(fmq_bind(there, "inproc://there"), 0);
        open_without_memory(own, cases[i].is_bind, cases[i].endpoint);
        CHECK_EQ(fmq_socket_close(there), 0);
        end_ctx(own);
    }
}

TEST(no_descriptors)
{
    fmq_ctx own = new_ctx();
    fmq_socket s = new_brisk(own, PULL);
    int first = next_descriptor();
    rlim_t before = deny_descriptors((rlim_t)first);
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_bind(s, wild[0]), EMFILE);
    if (fmq__poller_default()->nests) {
        CHECK_EQ(fmq_connect(s, "tcp://127.0.0.1:9"), EMFILE); /* it wants S */
    }
    expect_last(s, "");
    (void)deny_descriptors(before);
    CHECK_EQ(next_descriptor(), first);
    CHECK_EQ(fmq_bind(s, wild[0]), 0);
    CHECK_EQ(fmq_unbind(s, last_endpoint(s, text)), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(own);
}

/* --- threads --- */

/* Binds and connects all the time, until the socket is closed. */
typedef struct binder {
    fmq__thread thread;
    fmq_socket s;
    _Atomic uint32_t n_rounds;
} binder;

static void
keep_binding(void *arg)
{
    binder *me = arg;
    static const char *const texts[] = {"tcp://127.0.0.1:*", "ipc://*",
                                        "inproc://over-and-over"};
    int err = 0;

    for (uint32_t i = 0; err == 0 || err == EADDRINUSE; i++) {
        char text[TEXT_ROOM];
        size_t len = sizeof(text);

        err = fmq_bind(me->s, texts[i % 3]);
        if (err == 0) {
            err = fmq_getsockopt(me->s, LAST_ENDPOINT, text, &len);
        }
        if (err == 0) {
            err = fmq_connect(me->s, text);
        }
        if (err == 0 && (i % 4 != 0 || i > N_LEFT_BOUND)) {
            int undone = fmq_unbind(me->s, text);

            CHECK(undone == 0 || undone == ENOENT || undone == ENOTSOCK);
            undone = fmq_disconnect(me->s, text);
            CHECK(undone == 0 || undone == ENOENT || undone == ENOTSOCK);
        }
        atomic_fetch_add_explicit(&me->n_rounds, 1, memory_order_relaxed);
    }
    CHECK_EQ(err, ENOTSOCK);
}

TEST(close_while_binding)
{
    int before = next_descriptor();
    fmq_ctx own = new_ctx();

    for (int i = 0; i < 20; i++) {
        binder b[2] = {{.s = new_brisk(own, PAIR)}};

        b[1].s = b[0].s;
        start_thread(&b[0].thread, keep_binding, &b[0]);
        start_thread(&b[1].thread, keep_binding, &b[1]);
        while (atomic_load_explicit(&b[0].n_rounds, memory_order_relaxed) < 10) {
            sched_yield();
        }
        CHECK_EQ(fmq_socket_close(b[0].s), 0);
        fmq__thread_join(b[0].thread);
        fmq__thread_join(b[1].thread);
    }
    {
        fmq_socket s = new_brisk(own, PAIR);

        CHECK_EQ(fmq_bind(s, "inproc://over-and-over"), 0); /* nobody's any more */
        CHECK_EQ(fmq_socket_close(s), 0);
    }
    end_ctx(own);
    CHECK_EQ(next_descriptor(), before);
}

/* Many connections come while their listener goes. */
static void
keep_connecting(void *arg)
{
    binder *me = arg;

    while (fmq_socket_is_open(me->s)) {
        char text[TEXT_ROOM];
        size_t len = sizeof(text);
        fmq_socket push;

        if (fmq_socket_new(ctx, PUSH, &push) == EMFILE) {
            sched_yield(); /* too many that are closed, but not gone yet */
            continue;
        }
        set_int(push, LINGER, 5);
        if (fmq_getsockopt(me->s, LAST_ENDPOINT, text, &len) == 0 && len > 1) {
            int err = fmq_connect(push, text);

            CHECK(err == 0 || err == EMFILE); /* as above */
            CHECK_EQ(send_text(push, "x", FMQ_DONTWAIT), err == 0 ? 0 : EAGAIN);
        }
        CHECK_EQ(fmq_socket_close(push), 0);
        atomic_fetch_add_explicit(&me->n_rounds, 1, memory_order_relaxed);
    }
}

TEST(unbind_while_connecting)
{
    binder b = {.s = new_brisk(ctx, PULL)};

    start_thread(&b.thread, keep_connecting, &b);
    for (int i = 0; i < 60; i++) {
        char text[TEXT_ROOM];
        char got[TEXT_ROOM];
        uint32_t before;

        CHECK_EQ(fmq_bind(b.s, wild[i % 2]), 0);
        before = atomic_load_explicit(&b.n_rounds, memory_order_relaxed);
        while (atomic_load_explicit(&b.n_rounds, memory_order_relaxed) < before + 5) {
            sched_yield();
        }
        CHECK_EQ(fmq_unbind(b.s, last_endpoint(b.s, text)), 0);
        while (recv_text(b.s, got, FMQ_DONTWAIT) == 0) {
        }
    }
    CHECK_EQ(fmq_socket_close(b.s), 0);
    fmq__thread_join(b.thread);
}

/* --- without I/O threads --- */

TEST(no_io_threads)
{
    fmq_ctx bare = new_ctx();
    fmq_socket s[2];

    CHECK_EQ(fmq_ctx_set(bare, 1, 0), 0);
    s[0] = new_brisk(bare, PULL);
    s[1] = new_brisk(bare, PUSH);
    CHECK_EQ(fmq_ctx_set(bare, 1, 2), 0); /* too late */
    CHECK_EQ(fmq_bind(s[0], wild[0]), FMQ_EMTHREAD);
    CHECK_EQ(fmq_connect(s[1], "ipc://@nobody-at-all"), FMQ_EMTHREAD);
    expect_last(s[0], "");
    join(s[0], s[1], "inproc://bare");
    pass_one(s[1], s[0]);
    close_all(s, 2);
    end_ctx(bare);
}

int
main(void)
{
    static const check_case cases[] = {
        /* First, while no other descriptors come and go. */
        CASE(no_memory),
        CASE(no_descriptors),
        CASE(close_while_binding),
        CASE(bad_texts),
        CASE(what_was_not_done_cannot_be_undone),
        CASE(unbind_and_disconnect_are_one),
        CASE(names_of_wildcards),
        CASE(a_port_is_free_again_at_once),
        CASE(connect_before_bind),
        CASE(disconnect_ends_all_of_a_name),
        CASE(disconnect_keeps_what_was_sent),
        CASE(any_order),
        CASE(unbind_while_connecting),
        CASE(no_io_threads),
    };
    int failed;

    ctx = new_ctx();
    failed = CHECK_MAIN(cases);
    end_ctx(ctx);
    return failed | CHECK_RESULT();
}
