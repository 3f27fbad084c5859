/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of a CURVE connection, sealed by one side and opened by the other. */
#include "security/curve_guard.h"

#include <errno.h>
#include <stdlib.h>

#include "curve_test.h"
#include "msg/msg.h"
#include "wire/protocol_error.h"

static void
open_guards(fmq__guard *g[2])
{
    static const uint8_t key[32] = {1, 2, 3};

    REQUIRE(fmq__curve_guard_new(curve_crypto(), false, key, 2, 1, &g[0]) == 0);
    REQUIRE(fmq__curve_guard_new(curve_crypto(), true, key, 1, 2, &g[1]) == 0);
}

static void
close_guards(fmq__guard *g[2])
{
    g[0]->ops->free(g[0]);
    g[1]->ops->free(g[1]);
}

/* Seals with one and opens with the other; every length, and every kind of frame. */
TEST(frames_pass_both_ways)
{
    static const unsigned kinds[] = {0, FMQ__MORE, FMQ__COMMAND};
    static uint8_t text[5000];
    static uint8_t sealed[5000 + FMQ__CURVE_MESSAGE_EXTRA];
    fmq__guard *g[2];

    open_guards(g);
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)(i * 7);
    }
    for (size_t len = 0; len <= sizeof(text); len += len < 300 ? 1 : 611) {
        fmq__guard *from = g[len % 2];
        fmq__guard *to = g[1 - len % 2];
        unsigned flags = kinds[len % 3];
        size_t sealed_len = 0;
        fmq__opened o = {0};

        CHECK_EQ(from->ops->seal(from, flags, text, len, sealed, &sealed_len), 0);
        CHECK_EQ(sealed_len, len + FMQ__CURVE_MESSAGE_EXTRA);
        CHECK_EQ(to->ops->open(to, sealed, sealed_len, &o), 0);
        CHECK_EQ(o.flags, flags);
        CHECK_EQ(o.len, len);
        CHECK_MEM(o.body, text, len);
    }
    close_guards(g);
}

/* The library's own box says the same: crypto_box has its flags and text in one piece.
 */
TEST(a_frame_is_a_box)
{
    const fmq__crypto *c = curve_crypto();
    uint8_t key[32];
    uint8_t one[16 + 200];
    uint8_t two[16 + 200];
    uint8_t text[200];
    uint8_t count[8] = {0, 0, 0, 0, 0, 0, 0, 9};

    memset(key, 5, sizeof(key));
    memset(text, 6, sizeof(text));
    for (size_t len = 1; len <= sizeof(text); len++) {
        c->seal(one, text, text + 1, len - 1, count, key);
        c->seal(two, NULL, text, len, count, key);
        CHECK_MEM(one, two, 16 + len);
        CHECK(c->open(one + 16, one, 16 + len, count, key)); /* where it lies */
        CHECK_MEM(one + 16, text, len);
        two[len % 16] ^= 1;
        memset(one, 0, sizeof(one));
        CHECK(!c->open(one, two, 16 + len, count, key));
        CHECK_EQ(one[0] | one[16] | one[15 + len], 0);
    }
}

static size_t
seal_text(fmq__guard *g, const char *text, uint8_t *sealed)
{
    size_t len = 0;

    CHECK_EQ(g->ops->seal(g, 0, (const uint8_t *)text, strlen(text), sealed, &len), 0);
    return len;
}

static unsigned
open_copy(fmq__guard *g, const uint8_t *sealed, size_t len)
{
    uint8_t *exact = malloc(len != 0 ? len : 1);
    fmq__opened o = {0};
    int err;

    REQUIRE(exact != NULL);
    memcpy(exact, sealed, len);
    err = g->ops->open(g, exact, len, &o);
    CHECK(err == 0 || (err == EPROTO && o.error != 0));
    free(exact);
    return o.error;
}

TEST(numbers_only_grow)
{
    uint8_t one[64];
    uint8_t two[64];
    uint8_t three[64];
    fmq__guard *g[2];
    size_t len;

    open_guards(g);
    len = seal_text(g[0], "a", one);
    (void)seal_text(g[0], "b", two);
    (void)seal_text(g[0], "c", three);
    CHECK_EQ(open_copy(g[1], one, len), 0);
    CHECK_EQ(open_copy(g[1], one, len), FMQ__ZMTP_INVALID_SEQUENCE);
    CHECK_EQ(open_copy(g[1], three, len), 0); /* one that is left out is no matter */
    CHECK_EQ(open_copy(g[1], two, len), FMQ__ZMTP_INVALID_SEQUENCE);
    /* Our own words, back: another prefix, so another key. */
    CHECK_EQ(open_copy(g[0], three, len), FMQ__ZMTP_CRYPTOGRAPHIC);
    close_guards(g);
}

TEST(numbers_of_the_handshake_count)
{
    static const uint8_t key[32] = {1, 2, 3};
    uint8_t one[64];
    fmq__guard *g[2];
    size_t len;

    REQUIRE(fmq__curve_guard_new(curve_crypto(), false, key, 2, 0, &g[0]) == 0);
    REQUIRE(fmq__curve_guard_new(curve_crypto(), true, key, 0, 3, &g[1]) == 0);
    len = seal_text(g[0], "a", one);
    CHECK_EQ(one[15], 3);
    CHECK_EQ(open_copy(g[1], one, len), FMQ__ZMTP_INVALID_SEQUENCE);
    close_guards(g);
    REQUIRE(fmq__curve_guard_new(curve_crypto(), false, key, UINT64_MAX, 0, &g[0]) ==
            0);
    REQUIRE(fmq__curve_guard_new(curve_crypto(), false, key, 0, 0, &g[1]) == 0);
    CHECK_EQ(g[0]->ops->seal(g[0], 0, one, 1, one, &len), EPROTO);
    close_guards(g);
}

TEST(frames_that_are_bent)
{
    uint8_t sealed[64];

    for (size_t at = 0; at < 38; at++) {
        fmq__guard *g[2];
        size_t len;
        unsigned want_error = at == 0  ? FMQ__ZMTP_MALFORMED_COMMAND
                              : at < 8 ? FMQ__ZMTP_UNEXPECTED_COMMAND
                                       : FMQ__ZMTP_CRYPTOGRAPHIC;

        open_guards(g);
        len = seal_text(g[0], "hello", sealed);
        REQUIRE(len == 38);
        sealed[at] ^= 0x40;
        CHECK_EQ(open_copy(g[1], sealed, len), want_error);
        sealed[at] ^= 0x40;
        want_error = at <= 7   ? FMQ__ZMTP_MALFORMED_COMMAND
                     : at < 33 ? FMQ__ZMTP_MALFORMED_MESSAGE
                               : FMQ__ZMTP_CRYPTOGRAPHIC;
        close_guards(g);
        open_guards(g);
        CHECK_EQ(open_copy(g[1], sealed, at), want_error);
        close_guards(g);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(frames_pass_both_ways), CASE(a_frame_is_a_box),
        CASE(numbers_only_grow),     CASE(numbers_of_the_handshake_count),
        CASE(frames_that_are_bent),
    };

    return fmq__crypto_get() == NULL ? 0 : CHECK_MAIN(cases);
}
