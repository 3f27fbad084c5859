/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/command.h"

#include <errno.h>

#include "check.h"
#include "wire_test.h"

/* A body from a string literal with its NULs. */
#define BODY(text) (const uint8_t *)(text), sizeof(text) - 1

TEST(bodies_split)
{
    fmq__command c;

    CHECK_EQ(fmq__command_parse(BODY("\5READYrest"), &c), 0);
    CHECK(fmq__command_is(&c, "READY"));
    CHECK(!fmq__command_is(&c, "READ"));
    CHECK(!fmq__command_is(&c, "READYr"));
    CHECK(!fmq__command_is(&c, "ready"));
    CHECK_EQ(c.data_len, 4);
    CHECK_MEM(c.data, "rest", 4);
    CHECK_EQ(fmq__command_parse(BODY("\5READY"), &c), 0);
    CHECK_EQ(c.data_len, 0);
    CHECK_EQ(fmq__command_parse(BODY("\0"), &c), 0);
    CHECK_EQ(c.name_len, 0);
    CHECK(!fmq__command_is(&c, "READY"));
}

TEST(bodies_that_do_not_split)
{
    fmq__command c = {.name_len = 77};

    CHECK_EQ(fmq__command_parse(BODY(""), &c), EPROTO);
    CHECK_EQ(fmq__command_parse(NULL, 0, &c), EPROTO);
    CHECK_EQ(fmq__command_parse(BODY("\6READY"), &c), EPROTO);
    CHECK_EQ(fmq__command_parse(BODY("\1"), &c), EPROTO);
    CHECK_EQ(fmq__command_parse(BODY("\xFF"), &c), EPROTO);
    CHECK_EQ(c.name_len, 77);
}

TEST(kinds)
{
    fmq__command c;

    CHECK_EQ(fmq__command_classify(BODY("\4PING\0\0"), &c), FMQ__COMMAND_PING);
    CHECK_EQ(c.data_len, 2);
    CHECK_EQ(fmq__command_classify(BODY("\4PONG"), &c), FMQ__COMMAND_PONG);
    CHECK_EQ(fmq__command_classify(BODY("\4JOINg"), &c), FMQ__COMMAND_JOIN);
    CHECK_EQ(fmq__command_classify(BODY("\5LEAVEg"), &c), FMQ__COMMAND_LEAVE);
    CHECK_EQ(fmq__command_classify(BODY("\5READY"), &c), FMQ__COMMAND_OTHER);
    CHECK_EQ(fmq__command_classify(BODY("\5PINGS"), &c), FMQ__COMMAND_OTHER);
    CHECK_EQ(fmq__command_classify(BODY("\3PING"), &c), FMQ__COMMAND_OTHER);
    CHECK_EQ(fmq__command_classify(BODY("\5PING"), &c), FMQ__COMMAND_OTHER);
    CHECK_EQ(fmq__command_classify(BODY(""), &c), FMQ__COMMAND_OTHER);
}

TEST(subscriptions_of_libzmq)
{
    static wire_bytes b;
    fmq__command c;

    wire_add_vector(&b, "subscribe_cancel");
    REQUIRE(b.len == 31 && b.data[1] == 15 && b.data[18] == 12);
    CHECK_EQ(fmq__command_classify(b.data + 2, 15, &c), FMQ__COMMAND_SUBSCRIBE);
    CHECK_EQ(c.data_len, 5);
    CHECK_MEM(c.data, "topic", 5);
    CHECK_EQ(fmq__command_classify(b.data + 19, 12, &c), FMQ__COMMAND_CANCEL);
    CHECK_EQ(c.data_len, 5);
    CHECK_MEM(c.data, "topic", 5);
}

TEST(subscriptions_by_the_rfc)
{
    static const struct {
        enum fmq__command_kind kind;
        const char *topic;
    } row[] = {
        {FMQ__COMMAND_SUBSCRIBE, "ab"},
        {FMQ__COMMAND_SUBSCRIBE, "b"},
        {FMQ__COMMAND_CANCEL, "b"},
    };
    static wire_bytes b;
    size_t at = 64 + 27;

    wire_add_vector(&b, "peer_sub_3_1");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        fmq__command c;

        REQUIRE(at + 2 <= b.len && at + 2 + b.data[at + 1] <= b.len);
        CHECK_EQ(fmq__command_classify(b.data + at + 2, b.data[at + 1], &c),
                 row[i].kind);
        CHECK_EQ(c.data_len, strlen(row[i].topic));
        CHECK_MEM(c.data, row[i].topic, c.data_len);
        at += 2 + (size_t)b.data[at + 1];
    }
    CHECK_EQ(at, b.len);
}

/* Reads back a PING. */
static fmq__ping
reread(const uint8_t *body, size_t len)
{
    fmq__command c;
    fmq__ping ping = {.ttl_ms = 1};

    REQUIRE(fmq__command_classify(body, len, &c) == FMQ__COMMAND_PING);
    REQUIRE(fmq__command_parse_ping(&c, &ping) == 0);
    return ping;
}

TEST(ping_of_libzmq)
{
    static wire_bytes b;
    uint8_t ours[FMQ__PING_MAX];

    wire_add_vector(&b, "ping");
    CHECK_EQ(reread(b.data + 2, b.len - 2).ttl_ms, 6500);
    CHECK_EQ(fmq__command_put_ping(ours, 6500, NULL, 0), b.len - 2);
    CHECK_MEM(ours, b.data + 2, b.len - 2);
}

/* 65.6 s are more than 16 bits of milliseconds. */
TEST(ping_by_the_rfc)
{
    static wire_bytes b;
    fmq__ping ping;

    wire_add_vector(&b, "peer_ping");
    REQUIRE(b.data[64 + 28 + 1] == 23);
    ping = reread(b.data + 64 + 28 + 2, 23);
    CHECK_EQ(ping.ttl_ms, 65600);
    CHECK_EQ(ping.context_len, 16);
    CHECK_MEM(ping.context, "0123456789abcdef", 16);
}

TEST(pong_of_libzmq)
{
    static wire_bytes b;
    uint8_t ours[FMQ__PONG_MAX];

    wire_add_vector(&b, "pong");
    CHECK_EQ(fmq__command_put_pong(ours, "0123456789abcdef", 16), b.len - 2);
    CHECK_MEM(ours, b.data + 2, b.len - 2);
}

TEST(ttl_is_rounded_up_and_cut)
{
    static const struct {
        uint64_t ttl_ms;
        uint32_t back_ms;
    } row[] = {
        {0, 0},
        {1, 100},
        {99, 100},
        {100, 100},
        {101, 200},
        {65600, 65600},
        {6553400, 6553400},
        {6553500, 6553500},
        {6553501, 6553500},
        {UINT64_MAX, 6553500},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint8_t p[FMQ__PING_MAX];
        size_t len = fmq__command_put_ping(p, row[i].ttl_ms, NULL, 0);

        CHECK_EQ(len, 7);
        CHECK_EQ(reread(p, len).ttl_ms, row[i].back_ms);
    }
}

TEST(context_is_at_most_16_bytes)
{
    static const char text[] = "0123456789abcdefghij";

    for (size_t n = 0; n <= 20; n++) {
        uint8_t p[FMQ__PING_MAX];
        size_t kept = n < 16 ? n : 16;
        fmq__ping ping;

        CHECK_EQ(fmq__command_put_ping(p, 100, text, n), 7 + kept);
        ping = reread(p, 7 + kept);
        CHECK_EQ(ping.context_len, kept);
        CHECK_MEM(ping.context, text, kept);
        CHECK_EQ(fmq__command_put_pong(p, text, n), 5 + kept);
        CHECK_MEM(p, "\4PONG", 5);
        CHECK_MEM(p + 5, text, kept);
    }
    /* A peer may send more; no more than 16 are echoed. */
    CHECK_EQ(reread(BODY("\4PING\0\0"
                         "0123456789abcdefghij"))
                 .context_len,
             16);
}

TEST(short_pings_are_refused)
{
    static const char ping[] = "\4PING\0\1";
    fmq__ping out = {.ttl_ms = 5};

    for (size_t len = 5; len < 7; len++) {
        fmq__command c;

        REQUIRE(fmq__command_parse((const uint8_t *)ping, len, &c) == 0);
        CHECK_EQ(fmq__command_parse_ping(&c, &out), EPROTO);
        CHECK_EQ(out.ttl_ms, 5);
    }
}

static int
parse_error(const uint8_t *body, size_t len, unsigned *status)
{
    fmq__command c;

    REQUIRE(fmq__command_parse(body, len, &c) == 0);
    return fmq__command_parse_error(&c, status);
}

TEST(errors)
{
    unsigned status = 1;

    CHECK_EQ(parse_error(BODY("\5ERROR"), &status), EPROTO);
    CHECK_EQ(parse_error(BODY("\5ERROR\4"
                              "400"),
                         &status),
             EPROTO);
    CHECK_EQ(parse_error(BODY("\5ERROR\1"), &status), EPROTO);
    CHECK_EQ(status, 1);
    CHECK_EQ(parse_error(BODY("\5ERROR\0"), &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "300"),
                         &status),
             0);
    CHECK_EQ(status, 300);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "400"),
                         &status),
             0);
    CHECK_EQ(status, 400);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "500"),
                         &status),
             0);
    CHECK_EQ(status, 500);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "200"),
                         &status),
             0);
    CHECK_EQ(status, 0);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "600"),
                         &status),
             0);
    CHECK_EQ(status, 0);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "401"),
                         &status),
             0);
    CHECK_EQ(status, 0);
    CHECK_EQ(parse_error(BODY("\5ERROR\4"
                              "4000"),
                         &status),
             0);
    CHECK_EQ(status, 0);
    CHECK_EQ(parse_error(BODY("\5ERROR\2"
                              "400"),
                         &status),
             0);
    CHECK_EQ(status, 0);
    CHECK_EQ(parse_error(BODY("\5ERROR\3"
                              "400 and more"),
                         &status),
             0);
    CHECK_EQ(status, 400);
}

int
main(void)
{
    RUN(bodies_split);
    RUN(bodies_that_do_not_split);
    RUN(kinds);
    RUN(subscriptions_of_libzmq);
    RUN(subscriptions_by_the_rfc);
    RUN(ping_of_libzmq);
    RUN(ping_by_the_rfc);
    RUN(pong_of_libzmq);
    RUN(ttl_is_rounded_up_and_cut);
    RUN(context_is_at_most_16_bytes);
    RUN(short_pings_are_refused);
    RUN(errors);
    return CHECK_RESULT();
}
