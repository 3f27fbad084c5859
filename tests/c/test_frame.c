/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "check.h"
#include "wire_test.h"

static int
parse(const uint8_t *p, size_t have, size_t *header_len, uint64_t *body_len,
      unsigned *flags)
{
    *header_len = 99;
    *body_len = 99;
    *flags = 99;
    return fmq__frame_parse(p, have, header_len, body_len, flags);
}

TEST(headers_read_back)
{
    static const struct {
        uint64_t body_len;
        size_t header_len;
    } row[] = {
        {0, 2},     {1, 2},          {254, 2},        {255, 2},       {256, 9},
        {65535, 9}, {UINT32_MAX, 9}, {1ULL << 62, 9}, {INT64_MAX, 9},
    };
    static const unsigned flags[] = {0, FMQ__MORE, FMQ__COMMAND,
                                     FMQ__MORE | FMQ__COMMAND};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
            uint8_t p[FMQ__FRAME_LONG_HEADER];
            size_t len = fmq__frame_put_header(p, flags[k], row[i].body_len);
            size_t header_len;
            uint64_t body_len;
            unsigned got;

            CHECK_EQ(len, row[i].header_len);
            CHECK_EQ(len, fmq__frame_header_len(row[i].body_len));
            CHECK_EQ(p[0] & ~FMQ__LONG, flags[k]);
            CHECK_EQ((p[0] & FMQ__LONG) != 0, len == 9);
            for (size_t have = 0; have < len; have++) {
                CHECK_EQ(parse(p, have, &header_len, &body_len, &got), 0);
            }
            CHECK_EQ(parse(p, len, &header_len, &body_len, &got), 1);
            CHECK_EQ(header_len, len);
            CHECK_EQ(body_len, row[i].body_len);
            CHECK_EQ(got, flags[k]);
        }
    }
}

TEST(long_header_may_announce_a_short_body)
{
    static const uint8_t p[] = {FMQ__LONG | FMQ__MORE, 0, 0, 0, 0, 0, 0, 0, 3};
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    CHECK_EQ(parse(p, sizeof(p), &header_len, &body_len, &flags), 1);
    CHECK_EQ(header_len, 9);
    CHECK_EQ(body_len, 3);
    CHECK_EQ(flags, FMQ__MORE);
}

TEST(top_bit_is_an_error)
{
    uint8_t p[] = {FMQ__LONG, 0x80, 0, 0, 0, 0, 0, 0, 0};
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    CHECK_EQ(parse(p, 8, &header_len, &body_len, &flags), 0);
    CHECK_EQ(parse(p, 9, &header_len, &body_len, &flags), -1);
    memset(p + 1, 0xFF, 8);
    CHECK_EQ(parse(p, 9, &header_len, &body_len, &flags), -1);
    p[1] = 0x7F;
    CHECK_EQ(parse(p, 9, &header_len, &body_len, &flags), 1);
    CHECK(body_len == INT64_MAX);
}

TEST(unknown_flags_are_ignored_and_not_sent)
{
    uint8_t p[FMQ__FRAME_LONG_HEADER] = {0xF8 | FMQ__COMMAND, 7};
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    CHECK_EQ(parse(p, 2, &header_len, &body_len, &flags), 1);
    CHECK_EQ(flags, FMQ__COMMAND);
    CHECK_EQ(body_len, 7);
    CHECK_EQ(fmq__frame_put_header(p, 0xFF, 1), 2);
    CHECK_EQ(p[0], FMQ__MORE | FMQ__COMMAND);
    CHECK_EQ(fmq__frame_put_header(p, 0xF8, 256), 9);
    CHECK_EQ(p[0], FMQ__LONG);
}

/* --- against bytes of others --- */

/* The next frame of `b`. */
static void
expect(const wire_bytes *b, size_t *at, unsigned flags, const char *body, size_t len)
{
    size_t header_len;
    uint64_t body_len;
    unsigned got;

    REQUIRE(parse(b->data + *at, b->len - *at, &header_len, &body_len, &got) == 1);
    CHECK_EQ(got, flags);
    CHECK_EQ(body_len, len);
    REQUIRE(*at + header_len + len <= b->len);
    CHECK_MEM(b->data + *at + header_len, body, len);
    *at += header_len + len;
}

TEST(frames_of_peers)
{
    static const struct {
        const char *vector;
        size_t at; /* of the messages */
    } row[] = {{"peer_2_0", 12 + 7}, {"peer_3_0", 64 + 28}, {"peer_3_1", 64 + 48}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        static wire_bytes b;
        char x[256];
        size_t at = row[i].at;

        memset(x, 'x', sizeof(x));
        b.len = 0;
        wire_add_vector(&b, row[i].vector);
        expect(&b, &at, 0, "hello", 5);
        expect(&b, &at, FMQ__MORE, "a", 1);
        expect(&b, &at, FMQ__MORE, "", 0);
        expect(&b, &at, 0, "c", 1);
        expect(&b, &at, 0, "long", 4);
        expect(&b, &at, 0, x, sizeof(x));
        CHECK_EQ(at, b.len);
    }
}

/* As we write it. */
static void
add_frame(wire_bytes *b, unsigned flags, const void *body, size_t len)
{
    uint8_t head[FMQ__FRAME_LONG_HEADER];

    wire_add(b, head, fmq__frame_put_header(head, flags, len));
    wire_add(b, body, len);
}

/* Ours are libzmq's byte for byte. */
TEST(frames_as_libzmq_writes_them)
{
    static wire_bytes golden;
    static wire_bytes ours;
    char a[255];
    char b[256];

    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    wire_add_vector(&golden, "dealer_2_0");
    wire_add(&ours, "\xFF\0\0\0\0\0\0\0\3\x7F\3\5\0\2me", 16);
    add_frame(&ours, FMQ__MORE, "", 0);
    add_frame(&ours, FMQ__MORE, a, sizeof(a));
    add_frame(&ours, 0, b, sizeof(b));
    if (CHECK_EQ(ours.len, golden.len)) {
        CHECK_MEM(ours.data, golden.data, golden.len);
    }
}

int
main(void)
{
    RUN(headers_read_back);
    RUN(long_header_may_announce_a_short_body);
    RUN(top_bit_is_an_error);
    RUN(unknown_flags_are_ignored_and_not_sent);
    RUN(frames_of_peers);
    RUN(frames_as_libzmq_writes_them);
    return CHECK_RESULT();
}
