/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to a SOCKS5 proxy, byte by byte (RFC 1928, RFC 1929). */
#include "wire/socks.h"

#include <errno.h>
#include <string.h>

#include "check.h"

#define TEXT(literal) (fmq__socks_text){(const uint8_t *)(literal), sizeof(literal) - 1}
#define NOTHING (fmq__socks_text){NULL, 0}

/* What it has to say is `bytes`, and it is written. */
static void
expect(fmq__socks *s, const char *bytes, size_t len)
{
    const uint8_t *data;
    size_t n = fmq__socks_output(s, &data);

    CHECK_EQ(n, len);
    CHECK(n == len && memcmp(data, bytes, len) == 0);
    fmq__socks_wrote(s, n);
    CHECK_EQ(fmq__socks_output(s, &data), 0);
}

#define EXPECT(s, literal) expect((s), (literal), sizeof(literal) - 1)

/* The proxy says `bytes`, one at a time: the last of them decides. It is never read
 * more than was said. */
static int
hear(fmq__socks *s, const char *bytes, size_t len)
{
    int err = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t *room;

        CHECK_EQ(err, 0);
        CHECK(!fmq__socks_is_done(s));
        REQUIRE(fmq__socks_room(s, &room) > 0);
        *room = (uint8_t)bytes[i];
        err = fmq__socks_read(s, 1);
    }
    return err;
}

#define HEAR(s, literal) hear((s), (literal), sizeof(literal) - 1)

TEST(to_a_name)
{
    fmq__socks s;

    CHECK_EQ(fmq__socks_init(&s, "example", 5555, NOTHING, NOTHING), 0);
    EXPECT(&s, "\5\1\0");
    CHECK_EQ(HEAR(&s, "\5\0"), 0);
    EXPECT(&s, "\5\1\0\3\7example\x15\xb3");
    CHECK_EQ(HEAR(&s, "\5\0\0\1\x7f\0\0\1\0\x50"), 0);
    CHECK(fmq__socks_is_done(&s));
    fmq__socks_fini(&s);
    CHECK_EQ(s.request_len, 0);
}

TEST(to_numbers)
{
    fmq__socks s;

    CHECK_EQ(fmq__socks_init(&s, "10.0.0.1", 1, NOTHING, NOTHING), 0);
    EXPECT(&s, "\5\1\0");
    CHECK_EQ(HEAR(&s, "\5\0"), 0);
    EXPECT(&s, "\5\1\0\1\x0a\0\0\1\0\1");
    CHECK_EQ(HEAR(&s, "\5\0\0\4"
                      "0123456789abcdef"
                      "\0\x50"),
             0);
    CHECK(fmq__socks_is_done(&s));

    CHECK_EQ(fmq__socks_init(&s, "::1", 65535, NOTHING, NOTHING), 0);
    EXPECT(&s, "\5\1\0");
    CHECK_EQ(HEAR(&s, "\5\0"), 0);
    EXPECT(&s, "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xff\xff");
    CHECK_EQ(HEAR(&s, "\5\0\0\3\3abc\0\x50"), 0);
    CHECK(fmq__socks_is_done(&s));

    CHECK_EQ(fmq__socks_init(&s, "::1", 65535, NOTHING, NOTHING), 0);
    EXPECT(&s, "\5\1\0");
    CHECK_EQ(HEAR(&s, "\5\0"), 0);
    EXPECT(&s, "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xff\xff");
    CHECK_EQ(HEAR(&s, "\5\0\0\3\0\0\x50"), 0); /* a name without letters */
    CHECK(fmq__socks_is_done(&s));
}

TEST(login)
{
    fmq__socks s;

    CHECK_EQ(fmq__socks_init(&s, "a", 7, TEXT("me"), TEXT("secret")), 0);
    EXPECT(&s, "\5\1\2");
    CHECK_EQ(HEAR(&s, "\5\2"), 0);
    EXPECT(&s, "\1\2me\6secret");
    CHECK_EQ(HEAR(&s, "\1\0"), 0);
    EXPECT(&s, "\5\1\0\3\1a\0\7");

    CHECK_EQ(fmq__socks_init(&s, "a", 7, TEXT("me"), NOTHING), 0);
    EXPECT(&s, "\5\1\2");
    CHECK_EQ(HEAR(&s, "\5\2"), 0);
    EXPECT(&s, "\1\2me\0");
    CHECK_EQ(HEAR(&s, "\1\1"), EACCES);

    CHECK_EQ(fmq__socks_init(&s, "a", 7, TEXT("me"), NOTHING), 0);
    EXPECT(&s, "\5\1\2");
    CHECK_EQ(HEAR(&s, "\5\2"), 0);
    EXPECT(&s, "\1\2me\0");
    CHECK_EQ(HEAR(&s, "\5\0"), EPROTO);
}

TEST(long_texts)
{
    static char name[257];
    static const uint8_t text[256];
    fmq__socks s;

    memset(name, 'x', 256);
    CHECK_EQ(fmq__socks_init(&s, name, 1, NOTHING, NOTHING), ENAMETOOLONG);
    CHECK_EQ(fmq__socks_init(&s, "a", 1, (fmq__socks_text){text, 256}, NOTHING),
             ENAMETOOLONG);
    CHECK_EQ(fmq__socks_init(&s, "a", 1, TEXT("me"), (fmq__socks_text){text, 256}),
             ENAMETOOLONG);
    name[255] = '\0';
    CHECK_EQ(fmq__socks_init(&s, name, 1, (fmq__socks_text){text, 255},
                             (fmq__socks_text){text, 255}),
             0);
    CHECK_EQ(s.login_len, 1 + 256 + 256);
    CHECK_EQ(s.request_len, 4 + 256 + 2);
}

TEST(methods_that_were_not_offered)
{
    fmq__socks s;

    CHECK_EQ(fmq__socks_init(&s, "a", 7, NOTHING, NOTHING), 0);
    CHECK_EQ(HEAR(&s, "\5\xff"), EACCES);
    CHECK_EQ(fmq__socks_init(&s, "a", 7, NOTHING, NOTHING), 0);
    CHECK_EQ(HEAR(&s, "\5\2"), EPROTO);
    CHECK_EQ(fmq__socks_init(&s, "a", 7, TEXT("me"), NOTHING), 0);
    CHECK_EQ(HEAR(&s, "\5\0"), EPROTO);
    CHECK_EQ(fmq__socks_init(&s, "a", 7, NOTHING, NOTHING), 0);
    CHECK_EQ(HEAR(&s, "\4\0"), EPROTO);
}

TEST(refusals)
{
    static const struct {
        char reply[6];
        int err;
    } cases[] = {
        {"\5\1\0\1", ECONNABORTED}, {"\5\2\0\1", EACCES},
        {"\5\3\0\1", ENETUNREACH},  {"\5\4\0\1", EHOSTUNREACH},
        {"\5\5\0\1", ECONNREFUSED}, {"\5\6\0\1", ETIMEDOUT},
        {"\5\7\0\1", EOPNOTSUPP},   {"\5\x8\0\1", EAFNOSUPPORT},
        {"\5\x9\0\1", EPROTO},      {"\5\xff\0\1", EPROTO},
        {"\4\0\0\1", EPROTO},       {"\5\0\0\2", EPROTO},
        {"\5\0\0\0", EPROTO},       {"\5\0\0\5", EPROTO},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fmq__socks s;

        CHECK_EQ(fmq__socks_init(&s, "a", 7, NOTHING, NOTHING), 0);
        CHECK_EQ(HEAR(&s, "\5\0"), 0);
        CHECK_EQ(hear(&s, cases[i].reply, 5), cases[i].err);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(to_a_name),
        CASE(to_numbers),
        CASE(login),
        CASE(long_texts),
        CASE(methods_that_were_not_offered),
        CASE(refusals),
    };

    return CHECK_MAIN(cases);
}
