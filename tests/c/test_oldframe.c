/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/oldframe.h"

#include "check.h"
#include "wire_test.h"

/* Parses from a block of its own size, so that a sanitizer sees a read beyond. */
static int
parse(const uint8_t *p, size_t have, size_t *header_len, uint64_t *body_len,
      unsigned *flags)
{
    uint8_t *exact = malloc(have != 0 ? have : 1);
    int parsed;

    REQUIRE(exact != NULL);
    if (have != 0) {
        memcpy(exact, p, have);
    }
    parsed = fmq__oldframe_parse(exact, have, header_len, body_len, flags);
    free(exact);
    return parsed;
}

TEST(headers_read_back)
{
    static const struct {
        uint64_t body_len;
        size_t header_len;
    } row[] = {
        {0, 2},
        {1, 2},
        {252, 2},
        {253, 2},
        {254, 10},
        {255, 10},
        {256, 10},
        {65535, 10},
        {UINT32_MAX, 10},
        {1ULL << 62, 10},
        {INT64_MAX - 1, 10},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (unsigned flags = 0; flags <= FMQ__MORE; flags++) {
            uint8_t p[FMQ__OLDFRAME_LONG_HEADER];
            size_t len = fmq__oldframe_put_header(p, flags, row[i].body_len);
            size_t header_len = 0;
            uint64_t body_len = 0;
            unsigned got = 9;

            CHECK_EQ(len, row[i].header_len);
            for (size_t have = 0; have < len; have++) {
                CHECK_EQ(parse(p, have, &header_len, &body_len, &got), 0);
            }
            CHECK_EQ(parse(p, len, &header_len, &body_len, &got), 1);
            CHECK_EQ(header_len, len);
            CHECK_EQ(body_len, row[i].body_len);
            CHECK_EQ(got, flags);
        }
    }
}

TEST(lengths_that_cannot_be)
{
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    CHECK_EQ(parse((const uint8_t *)"\0", 1, &header_len, &body_len, &flags), -1);
    CHECK_EQ(parse((const uint8_t *)"\0\1", 2, &header_len, &body_len, &flags), -1);
    CHECK_EQ(parse((const uint8_t *)"\xFF\0\0\0\0\0\0\0\0\0", 10, &header_len,
                   &body_len, &flags),
             -1);
    CHECK_EQ(parse((const uint8_t *)"\xFF\x80\0\0\0\0\0\0\0\0", 10, &header_len,
                   &body_len, &flags),
             -1);
}

TEST(unknown_flags_are_ignored)
{
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    CHECK_EQ(parse((const uint8_t *)"\2\xFF", 2, &header_len, &body_len, &flags), 1);
    CHECK_EQ(flags, FMQ__MORE);
    CHECK_EQ(parse((const uint8_t *)"\2\xFE", 2, &header_len, &body_len, &flags), 1);
    CHECK_EQ(flags, 0);
}

/* --- against bytes of others --- */

/* The next frame of `b`. */
static void
expect(const wire_bytes *b, size_t *at, unsigned flags, const char *body, size_t len)
{
    size_t header_len = 0;
    uint64_t body_len = 0;
    unsigned got = 9;

    REQUIRE(parse(b->data + *at, b->len - *at, &header_len, &body_len, &got) == 1);
    CHECK_EQ(got, flags);
    CHECK_EQ(body_len, len);
    REQUIRE(*at + header_len + len <= b->len);
    CHECK_MEM(b->data + *at + header_len, body, len);
    *at += header_len + len;
}

TEST(frames_of_a_peer)
{
    static wire_bytes b;
    static char x[254];
    size_t at = 0;

    memset(x, 'x', sizeof(x));
    wire_add_vector(&b, "peer_1_0");
    expect(&b, &at, 0, "alice", 5);
    expect(&b, &at, 0, "hello", 5);
    expect(&b, &at, FMQ__MORE, "a", 1);
    expect(&b, &at, FMQ__MORE, "", 0);
    expect(&b, &at, 0, "c", 1);
    expect(&b, &at, 0, "long", 4);
    expect(&b, &at, 0, x, sizeof(x));
    CHECK_EQ(at, b.len);
}

/* Ours are libzmq's byte for byte. */
TEST(frames_as_libzmq_writes_them)
{
    static wire_bytes golden;
    static wire_bytes ours;
    uint8_t head[FMQ__OLDFRAME_LONG_HEADER];
    char body[254];

    wire_add_vector(&golden, "dealer_1_0");
    wire_add(&ours, "\xFF\0\0\0\0\0\0\0\3\x7Fme", 12);
    wire_add(&ours, head, fmq__oldframe_put_header(head, FMQ__MORE, 0));
    memset(body, 'a', 253);
    wire_add(&ours, head, fmq__oldframe_put_header(head, FMQ__MORE, 253));
    wire_add(&ours, body, 253);
    memset(body, 'b', 254);
    wire_add(&ours, head, fmq__oldframe_put_header(head, 0, 254));
    wire_add(&ours, body, 254);
    if (CHECK_EQ(ours.len, golden.len)) {
        CHECK_MEM(ours.data, golden.data, golden.len);
    }
}

int
main(void)
{
    RUN(headers_read_back);
    RUN(lengths_that_cannot_be);
    RUN(unknown_flags_are_ignored);
    RUN(frames_of_a_peer);
    RUN(frames_as_libzmq_writes_them);
    return CHECK_RESULT();
}
