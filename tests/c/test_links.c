/* SPDX-License-Identifier: Apache-2.0 */
/* The life of connections: dialled, accepted, refused, lost, lingering and closed. */
#include "base/alloc.h"
#include "raw_peer.h"

enum { RECONNECT_IVL = 18, RECONNECT_IVL_MAX = 21, HANDSHAKE_IVL = 66 };

static ssize_t
take_nothing(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(0, fd, msg, flags);
}

static fmq_socket
new_dialer(fmq_ctx ctx, int type, const char *endpoint)
{
    fmq_socket s = new_brisk(ctx, type);

    set_int(s, RECONNECT_IVL, 1);
    REQUIRE(fmq_connect(s, endpoint) == 0);
    return s;
}

/* Has the I/O thread take a turn or two for this socket: what it was asked to do before
 * has been done. */
static void
await_io(fmq_socket s)
{
    char endpoint[TEXT_ROOM];

    /* Endpoints come first in its turn: what else was asked for is done before the
     * next ones. */
    for (int i = 0; i < 2; i++) {
        REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
        REQUIRE(fmq_unbind(s, last_endpoint(s, endpoint)) == 0);
    }
}

static bool
has_caller(int listen_fd)
{
    struct pollfd item = {.fd = listen_fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1;
}

/* --- the handshake --- */

TEST(a_silent_peer_is_given_up_and_dialled_again)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_brisk(ctx, PUSH);
    int fd;

    set_int(s, RECONNECT_IVL, 1);
    set_int(s, HANDSHAKE_IVL, 1);
    REQUIRE(fmq_connect(s, endpoint) == 0);
    for (int i = 0; i < 3; i++) {
        fd = raw_accept(listen_fd);
        raw_expect_end(fd);
        close(fd);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(listen_fd);
}

TEST(a_silent_caller_is_given_up)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int fd;

    set_int(s, HANDSHAKE_IVL, 1);
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    fd = raw_dial(last_endpoint(s, endpoint));
    raw_send(fd, "\xff\0\0", 3); /* the beginning of a greeting, and no more */
    raw_expect_end(fd);
    close(fd);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* A peer that breaks the protocol would do it again: it is not dialled any more, and
 * nothing is sent to it. In the handshake, and later. */
static void
violate(bool in_handshake)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    int fd = raw_accept(listen_fd);

    set_int(s, SNDHWM, 0);
    CHECK_EQ(send_text(s, "queued", 0), 0);
    if (in_handshake) {
        raw_greet(fd, "PUB"); /* no peer for a PUSH */
    } else {
        raw_greet(fd, "PULL");
        raw_send(fd, "\2\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    }
    raw_expect_end(fd);
    AWAIT_INSIDE(s, !i.is_there);
    while (send_text(s, "x", FMQ_DONTWAIT) == 0) { /* until its pipe is gone */
        REQUIRE(fmq__clock_ns() < deadline);
        sched_yield();
    }
    await_io(s);
    CHECK(!has_caller(listen_fd));
    CHECK_EQ(fmq_disconnect(s, endpoint), 0);
    CHECK_EQ(fmq_disconnect(s, endpoint), ENOENT);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

TEST(a_violation_is_the_end_of_a_dialer)
{
    violate(true);
    violate(false);
}

/* The same while a closed socket lingers for ever: it must end. */
TEST(a_violation_ends_lingering)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    int fd = raw_accept(listen_fd);

    set_int(s, LINGER, -1);
    CHECK_EQ(send_text(s, "queued", 0), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
    raw_greet(fd, "PUB");
    raw_expect_end(fd);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

/* --- reconnecting --- */

/* Lost in the handshake again and again, by a reset as by a close. */
TEST(a_dialer_comes_back)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    int fd;

    CHECK_EQ(send_text(s, "kept", 0), 0);
    for (int i = 0; i < 6; i++) {
        struct linger reset = {i % 2, 0};

        fd = raw_accept(listen_fd);
        REQUIRE(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
        close(fd);
    }
    fd = raw_accept(listen_fd);
    raw_greet(fd, "PULL");
    raw_expect_text(fd, 0, "kept");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

TEST(what_came_over_a_connection_that_is_over_is_read)
{
    static const int never = 0;
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_brisk(ctx, PAIR);
    int fd;

    set_int(s, RECONNECT_IVL, never);
    REQUIRE(fmq_connect(s, endpoint) == 0);
    fd = raw_accept(listen_fd);
    raw_greet(fd, "PAIR");
    raw_send_text(fd, 0, "one");
    raw_send_text(fd, 0, "two");
    expect_text(s, "one");
    close(fd);
    AWAIT_INSIDE(s, !i.is_there);
    await_io(s);
    CHECK_EQ(send_text(s, "nowhere to go", FMQ_DONTWAIT), EAGAIN);
    expect_text(s, "two");
    await_io(s);
    REQUIRE(fmq_connect(s, endpoint) == 0); /* there is room for another peer */
    CHECK_EQ(send_text(s, "there", 0), 0);
    fd = raw_accept(listen_fd);
    raw_greet(fd, "PAIR");
    raw_expect_text(fd, 0, "there");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

TEST(without_an_interval_a_lost_connection_stays_lost)
{
    static const int never[] = {0, -1};

    for (int k = 0; k < 2; k++) {
        fmq_ctx ctx = new_ctx();
        char endpoint[TEXT_ROOM];
        int listen_fd = raw_listen(endpoint);
        fmq_socket s = new_brisk(ctx, PUSH);
        int fd;

        set_int(s, RECONNECT_IVL, never[k]);
        set_int(s, LINGER, -1);
        REQUIRE(fmq_connect(s, endpoint) == 0);
        fd = raw_accept(listen_fd);
        raw_greet(fd, "PULL");
        AWAIT_INSIDE(s, i.is_there);
        close(fd);
        AWAIT_INSIDE(s, !i.is_there);
        await_io(s);
        CHECK(!has_caller(listen_fd));
        CHECK_EQ(send_text(s, "nowhere to go", FMQ_DONTWAIT), EAGAIN);
        CHECK_EQ(fmq_disconnect(s, endpoint), ENOENT);
        REQUIRE(fmq_connect(s, endpoint) == 0); /* a new beginning */
        CHECK_EQ(send_text(s, "there", 0), 0);
        fd = raw_accept(listen_fd);
        raw_greet(fd, "PULL");
        raw_expect_text(fd, 0, "there");
        close(fd);
        CHECK_EQ(fmq_socket_close(s), 0);
        end_ctx(ctx); /* though it would linger for ever */
        close(listen_fd);
    }
}

/* --- close and linger --- */

/* A peer that takes its time: linger -1 waits for it, and reconnects if it must. */
TEST(linger_for_ever_delivers_over_a_lost_connection)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    int fd = raw_accept(listen_fd);

    raw_greet(fd, "PULL");
    AWAIT_INSIDE(s, i.is_there);
    set_hook(take_nothing);
    set_int(s, LINGER, -1);
    CHECK_EQ(send_text(s, "one", 0), 0);
    CHECK_EQ(send_text(s, "two", 0), 0);
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_ctx_term(ctx, 1), ETIMEDOUT);
    close(fd);
    for (int k = 0; k < 2; k++) { /* twice in vain, in the handshake */
        fd = raw_accept(listen_fd);
        close(fd);
    }
    fd = raw_accept(listen_fd);
    set_hook(NULL);
    raw_greet(fd, "PULL");
    raw_expect_text(fd, 0, "one");
    raw_expect_text(fd, 0, "two");
    raw_expect_end(fd);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

/* Nobody reads: linger 0 and a short linger end, whatever the connection does. */
static void
linger_in_vain(int linger_ms, int state)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    int fd = raw_accept(listen_fd);

    if (state > 0) {
        raw_greet(fd, "PULL");
        AWAIT_INSIDE(s, i.is_there);
        set_hook(take_nothing);
    }
    set_int(s, LINGER, linger_ms);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(send_text(s, "unread", 0), 0);
    }
    if (state > 1) {
        CHECK_EQ(fmq_disconnect(s, endpoint), 0);
        CHECK_EQ(send_text(s, "no more", FMQ_DONTWAIT), EAGAIN);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    set_hook(NULL);
    raw_expect_end(fd);
    close(fd);
    close(listen_fd);
}

TEST(linger_ends_in_time_in_every_state)
{
    static const int times[] = {0, 1, 20};

    for (int i = 0; i < 3; i++) {
        for (int state = 0; state < 3; state++) {
            linger_in_vain(times[i], state);
        }
    }
}

/* A socket that is disconnected with linger -1, and then closed with less. */
TEST(close_shortens_the_linger_of_a_disconnect)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    int fd = raw_accept(listen_fd);

    set_int(s, LINGER, -1);
    CHECK_EQ(send_text(s, "unread", 0), 0);
    CHECK_EQ(fmq_disconnect(s, endpoint), 0);
    set_int(s, LINGER, 5);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

TEST(a_disconnect_delivers_what_was_queued)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PUSH, endpoint);
    int fd = raw_accept(listen_fd);

    set_int(s, LINGER, -1);
    CHECK_EQ(send_text(s, "queued", 0), 0);
    CHECK_EQ(fmq_disconnect(s, endpoint), 0);
    CHECK_EQ(send_text(s, "too late", FMQ_DONTWAIT), EAGAIN);
    raw_greet(fd, "PULL");
    raw_expect_text(fd, 0, "queued");
    raw_expect_end(fd);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

/* Connections that were accepted go with their listener: written to the end, and no
 * new message takes them meanwhile. */
TEST(an_unbound_listeners_connections_are_written_to_the_end)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PUSH);
    int fd;

    set_int(s, LINGER, -1);
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    fd = raw_dial(last_endpoint(s, endpoint));
    raw_greet(fd, "PULL");
    AWAIT_INSIDE(s, i.is_there);
    set_hook(take_nothing);
    CHECK_EQ(send_text(s, "queued", 0), 0);
    CHECK_EQ(fmq_unbind(s, endpoint), 0);
    CHECK_EQ(send_text(s, "too late", FMQ_DONTWAIT), EAGAIN);
    set_hook(NULL);
    raw_expect_text(fd, 0, "queued");
    raw_expect_end(fd);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
}

/* What the peer has sent and nobody read does not reset the connection before the peer
 * has what was sent to it. */
TEST(close_over_unread_messages_loses_nothing_of_ours)
{
    enum { UNREAD = 20000 }; /* more than is read ahead, less than the kernel keeps */
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_dialer(ctx, PAIR, endpoint);
    int fd = raw_accept(listen_fd);

    set_int(s, LINGER, -1);
    set_int(s, RCVHWM, 1);
    raw_greet(fd, "PAIR");
    for (int i = 0; i < UNREAD; i++) {
        raw_send_text(fd, 0, "unread");
    }
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(send_text(s, "ours", 0), 0);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    for (int i = 0; i < 1000; i++) {
        raw_expect_text(fd, 0, "ours");
    }
    raw_expect_end(fd);
    close(fd);
    close(listen_fd);
}

/* --- IMMEDIATE --- */

TEST(with_immediate_only_a_connection_makes_a_pipe)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    fmq_socket s = new_brisk(ctx, PUSH);
    int fd;

    set_int(s, RECONNECT_IVL, 1);
    set_int(s, IMMEDIATE, 1);
    REQUIRE(fmq_connect(s, endpoint) == 0);
    CHECK_EQ(send_text(s, "no", FMQ_DONTWAIT), EAGAIN);
    for (int k = 0; k < 3; k++) {
        fd = raw_accept(listen_fd);
        CHECK_EQ(send_text(s, "no", FMQ_DONTWAIT), EAGAIN);
        raw_greet(fd, "PULL");
        CHECK_EQ(await(s, FMQ_POLLOUT), 0);
        CHECK_EQ(send_text(s, "yes", 0), 0);
        raw_expect_text(fd, 0, "yes");
        close(fd);
        AWAIT_INSIDE(s, !i.is_there);
        await_io(s);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(listen_fd);
}

/* --- accepting --- */

/* The errors that accept4 is to fail with, the last one first. */
static int refusals[8];
static _Atomic int n_refusals;

int
accept4(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len, int flags)
{
    int n = atomic_load_explicit(&n_refusals, memory_order_acquire); /* N2 -> N1 */

    if (n > 0) {
        atomic_store_explicit(&n_refusals, n - 1, memory_order_relaxed);
        errno = refusals[n - 1];
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, addr.__sockaddr__, len, flags);
}

TEST(accepting_goes_on_after_errors)
{
    static const int errors[] = {EMFILE, ECONNABORTED, ENFILE, EINTR, ENOBUFS, ENOMEM};
    const int n = sizeof(errors) / sizeof(errors[0]);
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int fd;

    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    memcpy(refusals, errors, sizeof(errors));
    atomic_store_explicit(&n_refusals, n, memory_order_release); /* N1 -> N2 */
    fd = raw_dial(last_endpoint(s, endpoint));
    raw_greet(fd, "PUSH");
    CHECK_EQ(atomic_load_explicit(&n_refusals, memory_order_relaxed), 0);
    raw_send_text(fd, 0, "welcome");
    expect_text(s, "welcome");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
}

/* A DEALER of that name that has done all of the handshake but for its own READY. */
static int
dial_but_for_ready(const char *endpoint)
{
    uint8_t hello[FMQ__GREETING_LEN + 80];
    int fd = raw_dial(endpoint);
    raw_frame ready;

    (void)put_hello(hello, "DEALER");
    raw_send(fd, hello, FMQ__GREETING_LEN);
    REQUIRE(raw_read(fd, hello, FMQ__GREETING_LEN) && raw_read_frame(fd, &ready));
    raw_free_frame(&ready);
    return fd;
}

static void
send_ready_as_me(int fd)
{
    static const uint8_t ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER"
                                   "\10Identity\0\0\0\2me";

    raw_send_frame(fd, FMQ__COMMAND, ready, sizeof(ready) - 1);
}

/* A peer that comes back while nobody had time to see that it had gone is heard under
 * its name, and so is one that comes before the other goes. */
TEST(who_comes_back_at_once_has_its_name)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, 6); /* ROUTER */
    fmq__socket *held;
    int other;
    int before;
    int now;

    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    other = raw_dial(last_endpoint(s, endpoint));
    raw_greet(other, "DEALER");
    before = dial_but_for_ready(endpoint);
    send_ready_as_me(before);
    raw_send_text(before, 0, "one");
    expect_text(s, "me");
    expect_text(s, "one");
    now = dial_but_for_ready(endpoint);

    REQUIRE(fmq__socket_enter(s, false, &held) == 0);
    close(other);
    while (atomic_load_explicit(&held->hub.lock.word, memory_order_relaxed) ==
           FMQ__LOCK_HELD) {
        sched_yield(); /* until the I/O thread waits for the lock */
    }
    close(before);
    send_ready_as_me(now);
    fmq__socket_leave(held);

    raw_send_text(now, 0, "two");
    expect_text(s, "me");
    expect_text(s, "two");
    CHECK_EQ(send_text(s, "me", FMQ_SNDMORE), 0);
    CHECK_EQ(send_text(s, "three", 0), 0);
    raw_expect_text(now, 0, "three");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(now);
}

/* Without memory at any place a caller is turned away, or served; the next one is
 * served. */
TEST(callers_without_memory_are_turned_away)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int n_away = 0;

    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    (void)last_endpoint(s, endpoint);
    for (uint64_t n = 1; n < 20; n++) {
        uint8_t hello[FMQ__GREETING_LEN + 80];
        uint8_t byte;
        int fd;

        (void)fmq__alloc_fail_at(n, 0);
        fd = raw_dial(endpoint);
        (void)send(fd, hello, put_hello(hello, "PUSH"), MSG_NOSIGNAL);
        (void)send(fd, "\0\1x", 3, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (raw_read_some(fd, &byte, 1) != 0) {
        }
        (void)fmq__alloc_fail_at(0, 0);
        close(fd);
        await_io(s);
        if (recv_text(s, (char *)hello, FMQ_DONTWAIT) != 0) {
            n_away++;
        }
        fd = raw_dial(endpoint);
        raw_greet(fd, "PUSH");
        raw_send_text(fd, 0, "good");
        expect_text(s, "good");
        close(fd);
    }
    CHECK(n_away > 3 && n_away < 19);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* Whether a caller comes through the handshake and sends us that text. */
static bool
is_served(int fd, const char *text)
{
    uint8_t hello[FMQ__GREETING_LEN + 80];
    raw_frame f[2] = {{0}, {0}};
    bool is_there;

    (void)send(fd, hello, put_hello(hello, "PULL"), MSG_NOSIGNAL);
    is_there = raw_read(fd, hello, FMQ__GREETING_LEN) && raw_read_frame(fd, &f[0]) &&
               raw_read_frame(fd, &f[1]);
    if (is_there) {
        CHECK_STR((const char *)f[1].body, text);
    }
    raw_free_frame(&f[0]);
    raw_free_frame(&f[1]);
    return is_there;
}

/* A dialer without memory tries again. */
TEST(dialling_without_memory_is_tried_again)
{
    for (uint64_t n = 1; n < 20; n++) {
        fmq_ctx ctx = new_ctx();
        char endpoint[TEXT_ROOM];
        int listen_fd = raw_listen(endpoint);
        fmq_socket s = new_brisk(ctx, PUSH);
        int fd;

        set_int(s, RECONNECT_IVL, 1);
        REQUIRE(fmq_connect(s, endpoint) == 0);
        CHECK_EQ(send_text(s, "patience", 0), 0);
        (void)fmq__alloc_fail_at(n, 0);
        while (!is_served(fd = raw_accept(listen_fd), "patience")) {
            close(fd);
        }
        (void)fmq__alloc_fail_at(0, 0);
        CHECK_EQ(fmq_socket_close(s), 0);
        end_ctx(ctx);
        close(fd);
        close(listen_fd);
    }
}

/* Every connection, endpoint and socket gives its descriptors back. */
TEST(nothing_is_left_open)
{
    int before = next_descriptor();

    for (int round = 0; round < 3; round++) {
        fmq_ctx ctx = new_ctx();
        fmq_socket pull = new_brisk(ctx, PULL);
        fmq_socket push[10];
        char endpoint[TEXT_ROOM];

        REQUIRE(fmq_bind(pull, "tcp://127.0.0.1:*") == 0);
        (void)last_endpoint(pull, endpoint);
        for (int i = 0; i < 10; i++) {
            push[i] = new_dialer(ctx, PUSH, endpoint);
            CHECK_EQ(send_text(push[i], "x", 0), 0);
        }
        for (int i = 0; i < 5; i++) {
            expect_text(pull, "x");
        }
        close_all(push, 5);
        CHECK_EQ(fmq_socket_close(pull), 0);
        close_all(push + 5, 5);
        end_ctx(ctx);
    }
    CHECK_EQ(next_descriptor(), before);
}

int
main(void)
{
    RUN(a_silent_peer_is_given_up_and_dialled_again);
    RUN(a_silent_caller_is_given_up);
    RUN(a_violation_is_the_end_of_a_dialer);
    RUN(a_violation_ends_lingering);
    RUN(a_dialer_comes_back);
    RUN(what_came_over_a_connection_that_is_over_is_read);
    RUN(without_an_interval_a_lost_connection_stays_lost);
    RUN(linger_for_ever_delivers_over_a_lost_connection);
    RUN(linger_ends_in_time_in_every_state);
    RUN(close_shortens_the_linger_of_a_disconnect);
    RUN(a_disconnect_delivers_what_was_queued);
    RUN(an_unbound_listeners_connections_are_written_to_the_end);
    RUN(close_over_unread_messages_loses_nothing_of_ours);
    RUN(with_immediate_only_a_connection_makes_a_pipe);
    RUN(accepting_goes_on_after_errors);
    RUN(who_comes_back_at_once_has_its_name);
    RUN(callers_without_memory_are_turned_away);
    RUN(dialling_without_memory_is_tried_again);
    RUN(nothing_is_left_open);
    return CHECK_RESULT();
}
