/* SPDX-License-Identifier: Apache-2.0 */
#include "raw_peer.h"

#include "base/alloc.h"
#include "frames.h"

enum { LONG_BODY = 5000, STREAM_ROOM = 16 * 1024 };

/* The sanitizers would rather stop than refuse memory to a liar. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static fmq_socket
new_pull(fmq_ctx ctx, int rcvhwm, char *endpoint)
{
    fmq_socket s = new_brisk(ctx, PULL);

    set_int(s, RCVHWM, rcvhwm);
    set_int(s, 18, 1); /* RECONNECT_IVL */
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    (void)last_endpoint(s, endpoint);
    return s;
}

static int
dial_and_greet(const char *endpoint, const char *type)
{
    int fd = raw_dial(endpoint);

    raw_greet(fd, type);
    return fd;
}

/* Receives one part of `len` bytes, each of them `byte`. */
static void
expect_body(fmq_socket s, size_t len, uint8_t byte, int more)
{
    fmq_msg m = {0};

    REQUIRE(fmq_msg_recv(s, &m, 0) == 0);
    if (CHECK_EQ(fmq_msg_size(&m), len) && len != 0) {
        const uint8_t *p = fmq_msg_data(&m);

        CHECK(p[0] == byte && p[len / 2] == byte && p[len - 1] == byte);
    }
    CHECK_EQ(fmq_msg_more(&m), more);
    fmq_msg_close(&m);
}

/* --- a stream of every kind of frame --- */

typedef struct stream {
    uint8_t bytes[STREAM_ROOM];
    size_t len;
    size_t border[8]; /* ends of messages */
    size_t n_messages;
} stream;

static void
add(stream *s, unsigned flags, uint8_t byte, size_t len)
{
    uint8_t body[LONG_BODY];

    memset(body, byte, len);
    s->len += put_frame(s->bytes + s->len, flags, body, len);
    if ((flags & (FMQ__MORE | FMQ__COMMAND)) == 0) {
        s->border[s->n_messages++] = s->len;
    }
}

static void
make_stream(stream *s)
{
    static const uint8_t long_header[] = {FMQ__LONG, 0, 0, 0, 0, 0, 0, 0, 2, 'c', 'c'};

    *s = (stream){.len = 0};
    add(s, 0, 'a', 1);
    add(s, FMQ__MORE, 'b', 3);
    add(s, FMQ__MORE, 'b', LONG_BODY);
    add(s, 0, 'b', 0);
    memcpy(s->bytes + s->len, long_header, sizeof(long_header)); /* legal, if long */
    s->len += sizeof(long_header);
    s->border[s->n_messages++] = s->len;
    memcpy(s->bytes + s->len, "\4\7\4PING\0\0", 9);
    s->len += 9;
    add(s, 0, 'd', 256);
    add(s, 0, 'e', LONG_BODY);
}

/* The first `n` messages of the stream. */
static void
expect_messages(fmq_socket s, size_t n)
{
    if (n > 0) {
        expect_body(s, 1, 'a', 0);
    }
    if (n > 1) {
        expect_body(s, 3, 'b', 1);
        expect_body(s, LONG_BODY, 'b', 1);
        expect_body(s, 0, 'b', 0);
    }
    if (n > 2) {
        expect_body(s, 2, 'c', 0);
    }
    if (n > 3) {
        expect_body(s, 256, 'd', 0);
    }
    if (n > 4) {
        expect_body(s, LONG_BODY, 'e', 0);
    }
}

/* Places worth a cut: all about headers and borders, some inside the long bodies. */
static bool
is_worth(const stream *s, size_t cut)
{
    return cut < 40 || cut % 611 == 0 || (cut > 4990 && cut < 5080) ||
           s->len - cut < 5 ||
           (s->len - LONG_BODY > cut ? s->len - LONG_BODY - cut
                                     : cut - (s->len - LONG_BODY)) < 14;
}

TEST(frames_may_come_in_any_pieces)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 1000, endpoint);
    int fd = dial_and_greet(endpoint, "PUSH");
    stream in;

    make_stream(&in);
    for (size_t cut = 0; cut <= in.len; cut++) {
        size_t n_before = 0;

        if (!is_worth(&in, cut)) {
            continue;
        }
        raw_send(fd, in.bytes, cut);
        while (n_before < in.n_messages && in.border[n_before] <= cut) {
            n_before++;
        }
        AWAIT_INSIDE(s, i.n_in == n_before);
        raw_send(fd, in.bytes + cut, in.len - cut);
        expect_messages(s, in.n_messages);
        CHECK_EQ(recv_text(s, endpoint, FMQ_DONTWAIT), EAGAIN);
        raw_expect_pong(fd, "");
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

TEST(bytes_may_come_one_by_one)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 2, endpoint);
    uint8_t hello[FMQ__GREETING_LEN + 80];
    size_t n_hello = put_hello(hello, "PUSH");
    int fd = raw_dial(endpoint);
    stream in;

    make_stream(&in);
    for (size_t i = 0; i < n_hello; i++) {
        raw_send(fd, hello + i, 1);
    }
    for (size_t i = 0; i < in.len; i++) {
        raw_send(fd, in.bytes + i, 1);
    }
    expect_messages(s, in.n_messages);
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

/* What comes in one piece with the end of the handshake is the first message. */
TEST(messages_may_come_with_the_handshake)
{
    static const int marks[] = {0, 1, 2, 10};

    for (size_t k = 0; k < 4; k++) {
        fmq_ctx ctx = new_ctx();
        char endpoint[TEXT_ROOM];
        fmq_socket s = new_pull(ctx, marks[k], endpoint);
        uint8_t all[FMQ__GREETING_LEN + 80 + STREAM_ROOM];
        size_t n = put_hello(all, "PUSH");
        int fd = raw_dial(endpoint);
        stream in;

        make_stream(&in);
        memcpy(all + n, in.bytes, in.len);
        raw_send(fd, all, n + in.len);
        expect_messages(s, in.n_messages);
        CHECK_EQ(fmq_socket_close(s), 0);
        close(fd);
        end_ctx(ctx);
    }
}

/* --- the end of a connection --- */

TEST(a_message_without_its_end_is_never_seen)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 1000, endpoint);
    stream in;

    make_stream(&in);
    for (size_t cut = 0; cut < in.len; cut++) {
        size_t n_whole = 0;
        int fd;

        if (!is_worth(&in, cut)) {
            continue;
        }
        while (n_whole < in.n_messages && in.border[n_whole] <= cut) {
            n_whole++;
        }
        fd = dial_and_greet(endpoint, "PUSH");
        raw_send(fd, in.bytes, cut);
        close(fd);
        expect_messages(s, n_whole);
        fd = dial_and_greet(endpoint, "PUSH");
        raw_send_text(fd, 0, "next");
        expect_text(s, "next");
        close(fd);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

/* The same where one pipe outlives the connections. */
TEST(a_dialers_next_connection_begins_with_a_message)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int listen_fd = raw_listen(endpoint);
    stream in;

    make_stream(&in);
    set_int(s, 18, 1); /* RECONNECT_IVL */
    REQUIRE(fmq_connect(s, endpoint) == 0);
    for (size_t cut = 0; cut < in.len; cut++) {
        size_t n_whole = 0;
        int fd;

        if (!is_worth(&in, cut) || cut % 3 != 0) {
            continue;
        }
        while (n_whole < in.n_messages && in.border[n_whole] <= cut) {
            n_whole++;
        }
        fd = raw_accept(listen_fd);
        raw_greet(fd, "PUSH");
        raw_send(fd, in.bytes, cut);
        close(fd);
        expect_messages(s, n_whole);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(listen_fd);
}

/* A socket that is not asked: messages up to the mark, PINGs and the end are seen. */
TEST(a_silent_application_is_served)
{
    static const int marks[] = {1, 2, 10};

    for (size_t k = 0; k < 3; k++) {
        enum { N = 300 };
        fmq_ctx ctx = new_ctx();
        char endpoint[TEXT_ROOM];
        uint64_t mark = (uint64_t)marks[k];
        fmq_socket s = new_pull(ctx, marks[k], endpoint);
        int fd = dial_and_greet(endpoint, "PUSH");

        raw_send_ping(fd, "0123456789abcdef");
        raw_expect_pong(fd, "0123456789abcdef");
        for (int i = 0; i < N; i++) {
            char text[16];

            snprintf(text, sizeof(text), "%d", i);
            raw_send_text(fd, 0, text);
        }
        AWAIT_INSIDE(s, i.is_paused);
        CHECK_EQ(look_inside(s).n_in, mark);
        close(fd); /* while it is paused */
        for (int i = 0; i < N; i++) {
            char text[16];

            snprintf(text, sizeof(text), "%d", i);
            expect_text(s, text);
            CHECK(look_inside(s).n_in <= mark);
        }
        CHECK_EQ(fmq_socket_close(s), 0);
        end_ctx(ctx);
    }
}

TEST(without_a_mark_all_is_taken_from_the_wire)
{
    enum { N = 5000 };
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 0, endpoint);
    int fd = dial_and_greet(endpoint, "PUSH");

    for (int i = 0; i < N; i++) {
        raw_send_text(fd, 0, "hello");
    }
    AWAIT_INSIDE(s, i.n_in == N);
    CHECK_EQ(fmq_socket_close(s), 0); /* unread */
    close(fd);
    end_ctx(ctx);
}

/* A mark that is lowered below what is queued, in the middle of a long body. */
TEST(a_lowered_mark_pauses_a_long_body)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 10, endpoint);
    int fd = dial_and_greet(endpoint, "PUSH");
    uint8_t body[LONG_BODY];

    memset(body, 'L', sizeof(body));
    raw_send_text(fd, 0, "1");
    raw_send_text(fd, 0, "2");
    raw_send(fd, "\2\0\0\0\0\0\0\x13\x88", 9);
    raw_send(fd, body, 100);
    AWAIT_INSIDE(s, i.n_in == 2 && i.is_idle);
    set_int(s, RCVHWM, 1);
    raw_send(fd, body, LONG_BODY - 100);
    for (int i = 0; i < 50; i++) {
        raw_send_text(fd, 0, "more");
    }
    AWAIT_INSIDE(s, i.is_paused);
    CHECK_EQ(look_inside(s).n_in, 2);
    expect_text(s, "1");
    expect_text(s, "2");
    expect_body(s, LONG_BODY, 'L', 0);
    for (int i = 0; i < 50; i++) {
        expect_text(s, "more");
        CHECK(look_inside(s).n_in <= 1);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

enum { ROW_BODY = 60000, ROW_FRAME = 9 + ROW_BODY };

/* Behind a long body in a row of them only the next header is read. */
TEST(long_bodies_in_a_row_may_be_cut_anywhere)
{
    static const uint8_t header[] = {FMQ__LONG, 0, 0, 0, 0, 0, 0, 0xea, 0x60};
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 1000, endpoint);
    int fd = dial_and_greet(endpoint, "PUSH");
    uint8_t *row = malloc(3 * ROW_FRAME);

    REQUIRE(row != NULL);
    for (size_t i = 0; i < 3; i++) {
        memcpy(row + i * ROW_FRAME, header, sizeof(header));
        memset(row + i * ROW_FRAME + sizeof(header), 'a' + (int)i, ROW_BODY);
    }
    for (size_t cut = 0; cut <= 11; cut++) {
        size_t first = 2 * ROW_FRAME + cut;

        raw_send(fd, row, first);
        expect_body(s, ROW_BODY, 'a', 0);
        expect_body(s, ROW_BODY, 'b', 0);
        raw_send(fd, row + first, 3 * ROW_FRAME - first);
        if (cut % 2 == 0) {
            raw_send_text(fd, 0, "short");
            expect_body(s, ROW_BODY, 'c', 0);
            expect_text(s, "short");
        } else {
            expect_body(s, ROW_BODY, 'c', 0);
            raw_send_text(fd, 0, "longer than a header");
            expect_text(s, "longer than a header");
        }
    }
    free(row);
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

/* --- hostile peers --- */

static void
expect_refusal(const void *bytes, size_t len, int64_t maxmsgsize)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int bad;
    int good;

    CHECK_EQ(fmq_setsockopt(s, 22, &maxmsgsize, sizeof(maxmsgsize)), 0);
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    (void)last_endpoint(s, endpoint);
    good = dial_and_greet(endpoint, "PUSH");
    bad = dial_and_greet(endpoint, "PUSH");
    raw_send_text(bad, 0, "first");
    raw_send_text(bad, FMQ__MORE, "torn");
    raw_send(bad, bytes, len);
    raw_expect_end(bad);
    expect_text(s, "first"); /* what was good counts */
    raw_send_text(good, 0, "second");
    expect_text(s, "second");
    CHECK_EQ(recv_text(s, endpoint, FMQ_DONTWAIT), EAGAIN);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(bad);
    close(good);
}

TEST(violations_end_the_connection_and_no_other)
{
    static const char over_63_bits[] = "\2\x80\0\0\0\0\0\0\0";
    static const char all_ones[] = "\3\xff\xff\xff\xff\xff\xff\xff\xff";
    static const char most[] = "\2\x7f\xff\xff\xff\xff\xff\xff\xff";
    static const char huge[] = "\2\x20\0\0\0\0\0\0\0";
    static const char bad_ping[] = "\4\5\4PING";
    static const char over_limit[] = "\0\13hello world";

    expect_refusal(over_63_bits, 9, -1);
    expect_refusal(all_ones, 9, -1);
    expect_refusal(most, 9, -1);
    expect_refusal(huge, 9, -1);
    expect_refusal(most, 9, 1000);
    expect_refusal(bad_ping, 7, -1);
    expect_refusal(over_limit, 13, 10);
}

TEST(a_long_command_that_means_nothing_here_is_dropped)
{
    static const char head[] = "\6\0\0\0\0\0\0\x20\0\11SUBSCRIBE";
    enum { BODY = 0x2000 };
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    uint8_t topic[BODY - 10];
    fmq_socket s = new_pull(ctx, 5, endpoint);
    int fd = dial_and_greet(endpoint, "PUSH");

    memset(topic, 'T', sizeof(topic));
    raw_send_text(fd, 0, "before");
    raw_send(fd, head, sizeof(head) - 1);
    raw_send(fd, topic, sizeof(topic));
    raw_send_text(fd, 0, "after");
    expect_text(s, "before");
    expect_text(s, "after");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
}

TEST(the_largest_message_allowed_passes)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int64_t max = 10;
    int fd;

    CHECK_EQ(fmq_setsockopt(s, 22, &max, sizeof(max)), 0);
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    fd = dial_and_greet(last_endpoint(s, endpoint), "PUSH");
    raw_send_text(fd, FMQ__MORE, "0123456789");
    raw_send_text(fd, 0, "0123456789");
    expect_text(s, "0123456789");
    expect_text(s, "0123456789");
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
}

/* Whatever comes behind the handshake: the socket lives. */
TEST(garbage_harms_nobody_else)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 5, endpoint);
    rng r = {12345};

    for (int round = 0; round < 60; round++) {
        uint8_t bytes[3000];
        int fd = dial_and_greet(endpoint, "PUSH");
        fmq_msg m = {0};

        for (size_t i = 0; i < sizeof(bytes); i++) {
            /* Mostly small numbers, so that frames are found in it. */
            bytes[i] = (uint8_t)(rng_below(&r, 4) == 0 ? rng_below(&r, 256)
                                                       : rng_below(&r, 8));
        }
        (void)send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        close(fd);
        while (fmq_msg_recv(s, &m, FMQ_DONTWAIT) == 0) {
        }
        fmq_msg_close(&m);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

TEST(a_flood_of_pings_is_answered_in_part_and_costs_nothing)
{
    enum { N = 5000 };
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_pull(ctx, 1000, endpoint);
    int fd = dial_and_greet(endpoint, "PUSH");
    raw_frame f;
    int n = 0;

    for (int i = 0; i < N; i++) {
        raw_send_ping(fd, "flood");
    }
    raw_send_text(fd, 0, "behind");
    expect_text(s, "behind");
    raw_send_ping(fd, "last");
    do {
        REQUIRE(raw_read_frame(fd, &f));
        CHECK_EQ(f.flags, FMQ__COMMAND);
        n++;
        if (f.len == 9) { /* PONG and "last" */
            raw_free_frame(&f);
            break;
        }
        raw_free_frame(&f);
    } while (n <= N);
    CHECK(n > 1 && n <= N + 1);
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

/* Without memory at any place the connection may end; nothing torn is seen, and the
 * next one is good. */
TEST(reading_without_memory_tears_nothing)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int listen_fd = raw_listen(endpoint);
    stream in;

    make_stream(&in);
    set_int(s, 18, 1); /* RECONNECT_IVL */
    REQUIRE(fmq_connect(s, endpoint) == 0);
    for (uint64_t n = 1; n < 25; n++) {
        int fd = raw_accept_and_greet(listen_fd, "PUSH");
        fmq_msg m = {0};
        int err;
        int n_more = 0;

        AWAIT_INSIDE(s, i.is_there);
        raw_send(fd, in.bytes, in.border[0] + 5); /* the head of the second message */
        expect_body(s, 1, 'a', 0);
        (void)fmq__alloc_fail_at(n, 1);
        raw_send(fd, in.bytes + in.border[0] + 5, in.len - in.border[0] - 5);
        /* All messages came, or the connection has gone. */
        AWAIT_INSIDE(s, !i.is_there || i.n_in == in.n_messages - 1);
        (void)fmq__alloc_fail_at(0, 0);
        if (look_inside(s).is_there) {
            n_more = 1;
        }
        while ((err = fmq_msg_recv(s, &m, FMQ_DONTWAIT)) == 0) {
            size_t len = fmq_msg_size(&m);
            const char *p = fmq_msg_data(&m);

            CHECK(len == 0 || (p[0] >= 'b' && p[0] <= 'e' && p[len - 1] == p[0]));
            n_more += p[0] == 'e';
        }
        CHECK_EQ(err, EAGAIN);
        CHECK(n_more == 0 || n_more == 2);
        fmq_msg_close(&m);
        close(fd);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(listen_fd);
}

/* The end of a message finds no memory, its head lay in the queue already: the next
 * connection of the same pipe must not find it before its first message. */
TEST(a_head_without_memory_for_its_end_is_taken_back)
{
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    int listen_fd = raw_listen(endpoint);
    uint8_t body[4000] = {0};
    raw_frame none;
    int fd;

    set_int(s, 18, 1); /* RECONNECT_IVL */
    REQUIRE(fmq_connect(s, endpoint) == 0);
    fd = raw_accept(listen_fd);
    raw_greet(fd, "PUSH");
    AWAIT_INSIDE(s, i.is_there);
    raw_send_text(fd, FMQ__MORE, "head");
    raw_send_ping(fd, "");
    raw_expect_pong(fd, ""); /* it has been read */
    (void)fmq__alloc_fail_at(1, 1);
    raw_send_frame(fd, 0, body, sizeof(body));
    CHECK(!raw_read_frame(fd, &none));
    raw_free_frame(&none);
    (void)fmq__alloc_fail_at(0, 0);
    close(fd);
    fd = raw_accept_and_greet(listen_fd, "PUSH");
    raw_send_text(fd, 0, "next");
    expect_text(s, "next");
    CHECK_EQ(get_int(s, 13), 0); /* RCVMORE */
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

int
main(void)
{
    RUN(frames_may_come_in_any_pieces);
    RUN(bytes_may_come_one_by_one);
    RUN(messages_may_come_with_the_handshake);
    RUN(a_message_without_its_end_is_never_seen);
    RUN(a_dialers_next_connection_begins_with_a_message);
    RUN(a_silent_application_is_served);
    RUN(without_a_mark_all_is_taken_from_the_wire);
    RUN(a_lowered_mark_pauses_a_long_body);
    RUN(long_bodies_in_a_row_may_be_cut_anywhere);
    RUN(violations_end_the_connection_and_no_other);
    RUN(a_long_command_that_means_nothing_here_is_dropped);
    RUN(the_largest_message_allowed_passes);
    RUN(garbage_harms_nobody_else);
    RUN(a_flood_of_pings_is_answered_in_part_and_costs_nothing);
    RUN(reading_without_memory_tears_nothing);
    RUN(a_head_without_memory_for_its_end_is_taken_back);
    return CHECK_RESULT();
}
