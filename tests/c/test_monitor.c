/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors as the C interface has them: both versions, every type, and bad arguments;
 * and what already holds when they tell of an end. What else they tell is tested from
 * Python, beside libzmq (tests/patterns). */
#include <errno.h>

#include "base/alloc.h"
#include "raw_peer.h"

enum { PUB = 1, SUB = 2, DEALER = 5, ALL_V1 = 0xFFFF };
enum { LISTENING = 0x8, ACCEPT_FAILED = 0x40, DISCONNECTED = 0x200, STOPPED = 0x400 };
enum { RECONNECT_IVL = 18, RECONNECT_STOP = 109, AFTER_DISCONNECT = 4 };

static fmq_ctx ctx;

static fmq_socket
new_reader(int type, const char *endpoint)
{
    fmq_socket reader = new_brisk(ctx, type);

    if (type == SUB) {
        CHECK_EQ(fmq_setsockopt(reader, 6, "", 0), 0);
    }
    CHECK_EQ(fmq_connect(reader, endpoint), 0);
    return reader;
}

static uint64_t
number_of(fmq_msg *m)
{
    uint64_t n = 0;

    REQUIRE(fmq_msg_size(m) == sizeof(n));
    memcpy(&n, fmq_msg_data(m), sizeof(n));
    return n;
}

static void
expect_part(fmq_msg *m, const char *text)
{
    CHECK_EQ(fmq_msg_size(m), strlen(text));
    CHECK_MEM(fmq_msg_data(m), text, strlen(text));
}

TEST(version_2)
{
    fmq_socket s = new_brisk(ctx, PULL);
    fmq_socket reader;
    fmq_msg *parts;
    size_t n;
    char text[TEXT_ROOM];

    CHECK_EQ(fmq_monitor(s, "inproc://v2", 0x1FFFF, 2, PAIR), 0);
    reader = new_reader(PAIR, "inproc://v2");
    CHECK_EQ(fmq_bind(s, "tcp://127.0.0.1:*"), 0);
    REQUIRE(fmq_recvv(reader, &parts, &n, 0) == 0);
    REQUIRE(n == 5);
    CHECK_EQ(number_of(&parts[0]), LISTENING);
    CHECK_EQ(number_of(&parts[1]), 1);
    CHECK(number_of(&parts[2]) > 2);
    expect_part(&parts[3], last_endpoint(s, text));
    expect_part(&parts[4], "");
    fmq_parts_free(parts, n);
    CHECK_EQ(fmq_monitor(s, NULL, 0, 0, 0), 0);
    REQUIRE(fmq_recvv(reader, &parts, &n, 0) == 0);
    CHECK_EQ(number_of(&parts[0]), STOPPED);
    fmq_parts_free(parts, n);
    CHECK_EQ(fmq_monitor(s, NULL, 0, 0, 0), 0); /* there is none: fine */
    CHECK_EQ(fmq_socket_close(reader), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
}

TEST(every_type)
{
    static const int types[][2] = {{PAIR, PAIR}, {PUB, SUB}, {PUSH, PULL}};

    for (size_t i = 0; i < 3; i++) {
        fmq_socket s = new_brisk(ctx, PULL);
        fmq_socket reader;
        fmq_msg m = {0};

        CHECK_EQ(fmq_monitor(s, "inproc://types", ALL_V1, 1, types[i][0]), 0);
        reader = new_reader(types[i][1], "inproc://types");
        do {
            CHECK_EQ(fmq_bind(s, "tcp://127.0.0.1:*"), 0);
        } while (fmq_msg_recv(reader, &m, FMQ_DONTWAIT) == EAGAIN);
        CHECK_EQ(fmq_msg_size(&m), 6);
        CHECK_MEM(fmq_msg_data(&m), "\x08\0", 2);
        fmq_msg_close(&m);
        CHECK_EQ(fmq_socket_close(s), 0);
        CHECK_EQ(fmq_socket_close(reader), 0);
    }
}

/* A new one takes the place of the old one, also under its name. */
TEST(one_after_the_other)
{
    fmq_socket s = new_brisk(ctx, PULL);
    int before = next_descriptor();

    for (int i = 0; i < 100; i++) {
        CHECK_EQ(fmq_monitor(s, "inproc://again", ALL_V1, 1, PAIR), 0);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(next_descriptor(), before);
}

TEST(a_caller_for_whom_there_is_no_memory)
{
    fmq_socket s = new_brisk(ctx, PULL);
    fmq_socket reader;
    fmq_msg *parts;
    size_t n;
    int fd;
    char text[TEXT_ROOM];

    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    CHECK_EQ(fmq_monitor(s, "inproc://poor", ALL_V1, 2, PAIR), 0);
    reader = new_reader(PAIR, "inproc://poor");
    (void)last_endpoint(s, text);
    fmq__alloc_fail_at(1, 0);
    fd = raw_dial(text);
    raw_expect_end(fd);
    CHECK(fmq__alloc_fail_at(0, 0) >= 1);
    close(fd);
    REQUIRE(fmq_recvv(reader, &parts, &n, 0) == 0);
    CHECK_EQ(number_of(&parts[0]), ACCEPT_FAILED);
    CHECK_EQ(number_of(&parts[2]), ENOMEM);
    expect_part(&parts[3], text);
    fmq_parts_free(parts, n);
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_socket_close(reader), 0);
}

/* --- what holds when an end is told: looked at in the place that tells it --- */

static fmq_socket watched;
static _Atomic int end_result; /* of a send then; -1: no end yet */

static void
send_at_end(fmq__hub *h, const fmq__event *e)
{
    (void)h;
    if (e->type == DISCONNECTED) {
        atomic_store(&end_result, send_text(watched, "late", FMQ_DONTWAIT));
    }
}

/* Ends the connection of a dialer with `option`, from its peer's side. */
static int
result_of_end(int option, int value, bool is_violation)
{
    fmq__hub_events events;
    fmq__socket *socket;
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_ctx own = new_ctx();
    int fd;

    watched = new_brisk(own, DEALER);
    set_int(watched, option, value);
    REQUIRE(fmq__socket_enter(watched, false, &socket) == 0);
    events = *socket->hub.events;
    events.on_event = send_at_end;
    socket->hub.events = &events;
    fmq__hub_set_monitored(&socket->hub, ALL_V1);
    fmq__socket_leave(socket);
    atomic_store(&end_result, -1);
    REQUIRE(fmq_connect(watched, endpoint) == 0);
    fd = raw_accept(listen_fd);
    raw_greet(fd, "DEALER");
    if (is_violation) {
        raw_send(fd, "\2\xff\xff\xff\xff\xff\xff\xff\xff", 9); /* its length */
        raw_expect_end(fd);
    }
    close(fd);
    while (atomic_load(&end_result) < 0) {
        sched_yield();
    }
    CHECK_EQ(fmq_socket_close(watched), 0);
    end_ctx(own);
    close(listen_fd);
    return atomic_load(&end_result);
}

TEST(who_will_not_be_dialled_again_is_sent_nothing)
{
    CHECK_EQ(result_of_end(RECONNECT_IVL, 1, false), 0); /* it waits for the next one */
    CHECK_EQ(result_of_end(RECONNECT_IVL, 1, true), EAGAIN);
    CHECK_EQ(result_of_end(RECONNECT_IVL, -1, false), EAGAIN);
    CHECK_EQ(result_of_end(RECONNECT_STOP, AFTER_DISCONNECT, false), EAGAIN);
}

TEST(bad_arguments)
{
    fmq_socket s = new_brisk(ctx, PULL);

    CHECK_EQ(fmq_monitor(0, "inproc://x", ALL_V1, 1, PAIR), ENOTSOCK);
    CHECK_EQ(fmq_monitor(s, "inproc://x", ALL_V1, 3, PAIR), EINVAL);
    CHECK_EQ(fmq_monitor(s, "inproc://x", ALL_V1, 0, PAIR), EINVAL);
    CHECK_EQ(fmq_monitor(s, "inproc://x", 0x10000, 1, PAIR), EINVAL);
    CHECK_EQ(fmq_monitor(s, "inproc://x", ALL_V1, 1, PULL), EINVAL);
    CHECK_EQ(fmq_monitor(s, "x", ALL_V1, 1, PAIR), EINVAL);
    CHECK_EQ(fmq_monitor(s, "tcp://127.0.0.1:*", ALL_V1, 1, PAIR), EPROTONOSUPPORT);
    CHECK_EQ(fmq_monitor(s, "udp://127.0.0.1:5", ALL_V1, 1, PAIR), EPROTONOSUPPORT);
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_monitor(s, "inproc://x", ALL_V1, 1, PAIR), ENOTSOCK);
}

int
main(void)
{
    ctx = new_ctx();
    RUN(version_2);
    RUN(every_type);
    RUN(one_after_the_other);
    RUN(a_caller_for_whom_there_is_no_memory);
    RUN(who_will_not_be_dialled_again_is_sent_nothing);
    RUN(bad_arguments);
    end_ctx(ctx);
    return CHECK_RESULT();
}
