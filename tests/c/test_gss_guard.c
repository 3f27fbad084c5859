/* SPDX-License-Identifier: Apache-2.0 */
#include "security/gss_guard.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "check.h"
#include "fakegss.h"
#include "msg/msg.h"
#include "wire/protocol_error.h"

enum { TOKEN_AT = 12 };

static fmq__guard *
open_guard(void)
{
    const fmq__gss_who who = {.is_sealing = true};
    fmq__gss_context *context = NULL;
    fmq__guard *g = NULL;

    REQUIRE(fake_gss.open(&who, &context) == 0);
    REQUIRE(fmq__gss_guard_new(&fake_gss, context, &g) == 0);
    return g;
}

/* What another side would send: any head, and a body. Its length is that of the block.
 */
static uint8_t *
sealed_with(uint8_t number, uint8_t head, const char *body, size_t *len)
{
    fmq__gss_context c = {.n_sealed = (uint8_t)(number - 1)};
    size_t body_len = strlen(body);
    uint8_t *sealed = malloc(TOKEN_AT + FAKE_GSS_OVERHEAD + 1 + body_len);
    size_t token_len;

    REQUIRE(sealed != NULL);
    REQUIRE(fake_gss.seal(&c, sealed + TOKEN_AT, head, (const uint8_t *)body, body_len,
                          &token_len) == 0);
    memcpy(sealed, "\7MESSAGE", 8);
    fmq__put_u32(sealed + 8, (uint32_t)token_len);
    *len = TOKEN_AT + token_len;
    return sealed;
}

TEST(seals_as_the_wire_wants_it)
{
    static const uint8_t expected[] = "\7MESSAGE\0\0\0\5\1\xfe\x9e\x9d\x39";
    fmq__guard *g = open_guard();
    uint8_t sealed[64];
    size_t len = 0;

    CHECK_EQ(g->ops->sealed_max(g, 2), sizeof(expected) - 1);
    CHECK_EQ(g->ops->seal(g, FMQ__MORE, (const uint8_t *)"ab", 2, sealed, &len), 0);
    CHECK_EQ(len, sizeof(expected) - 1);
    CHECK_MEM(sealed, expected, sizeof(expected) - 1);
    g->ops->free(g);
}

TEST(opens_what_it_sealed)
{
    static const unsigned flags[] = {0, FMQ__MORE, FMQ__COMMAND, 0};
    fmq__guard *out = open_guard();
    fmq__guard *in = open_guard();

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        uint8_t body[300];
        uint8_t sealed[400];
        size_t len = 0;
        size_t body_len = i * 100;
        fmq__opened opened = {0};

        memset(body, (int)i, sizeof(body));
        REQUIRE(out->ops->seal(out, flags[i], body, body_len, sealed, &len) == 0);
        CHECK(len <= out->ops->sealed_max(out, body_len));
        CHECK_EQ(in->ops->open(in, sealed, len, &opened), 0);
        CHECK_EQ(opened.flags, flags[i]);
        CHECK_EQ(opened.len, body_len);
        CHECK(body_len == 0 || memcmp(opened.body, body, body_len) == 0);
    }
    out->ops->free(out);
    in->ops->free(in);
}

/* libzmq since 4.3.5. */
TEST(flags_of_subscriptions)
{
    static const struct {
        uint8_t head;
        const char *topic;
        const char *command;
    } row[] = {{4, "topic", "\11SUBSCRIBEtopic"},
               {4, "", "\11SUBSCRIBE"},
               {8, "to", "\6CANCELto"},
               {8, "", "\6CANCEL"}};
    fmq__guard *g = open_guard();

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        size_t len;
        uint8_t *sealed =
            sealed_with((uint8_t)(i + 1), row[i].head, row[i].topic, &len);
        fmq__opened opened = {0};

        CHECK_EQ(g->ops->open(g, sealed, len, &opened), 0);
        CHECK_EQ(opened.flags, FMQ__COMMAND);
        if (CHECK_EQ(opened.len, strlen(row[i].command))) {
            CHECK_MEM(opened.body, row[i].command, opened.len);
        }
        free(sealed);
    }
    g->ops->free(g);
}

TEST(what_is_no_message)
{
    static const struct {
        const char *body;
        size_t len;
        unsigned error;
    } row[] = {
        {"", 0, FMQ__ZMTP_MALFORMED_COMMAND},
        {"\7MESSAG", 7, FMQ__ZMTP_MALFORMED_COMMAND},
        {"\377MESSAGE", 8, FMQ__ZMTP_MALFORMED_COMMAND},
        {"\7MESSAGF\0\0\0\0", 12, FMQ__ZMTP_UNEXPECTED_COMMAND},
        {"\5READY", 6, FMQ__ZMTP_UNEXPECTED_COMMAND},
        {"\7MESSAGE", 8, FMQ__ZMTP_MALFORMED_MESSAGE},
        {"\7MESSAGE\0\0\0", 11, FMQ__ZMTP_MALFORMED_MESSAGE},
        {"\7MESSAGE\0\0\0\1", 12, FMQ__ZMTP_MALFORMED_MESSAGE},
        {"\7MESSAGE\377\377\377\377x", 13, FMQ__ZMTP_MALFORMED_MESSAGE},
        {"\7MESSAGE\0\0\0\1xx", 14, FMQ__ZMTP_MALFORMED_MESSAGE},
        {"\7MESSAGE\0\0\0\0", 12, FMQ__ZMTP_CRYPTOGRAPHIC},
        {"\7MESSAGE\0\0\0\3\2xx", 15, FMQ__ZMTP_CRYPTOGRAPHIC},
        {"\7MESSAGE\0\0\0\2\1\0", 14, FMQ__ZMTP_MALFORMED_MESSAGE}, /* no flags */
        {"\7MESSAGE\0\0\0\3\1xy", 15, FMQ__ZMTP_CRYPTOGRAPHIC},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        fmq__guard *g = open_guard();
        uint8_t *exact = malloc(row[i].len != 0 ? row[i].len : 1);
        fmq__opened opened = {0};

        REQUIRE(exact != NULL);
        memcpy(exact, row[i].body, row[i].len);
        CHECK_EQ(g->ops->open(g, exact, row[i].len, &opened), EPROTO);
        CHECK_EQ(opened.error, row[i].error);
        free(exact);
        g->ops->free(g);
    }
}

TEST(lack_of_memory)
{
    const fmq__gss_who who = {.is_sealing = true};
    fmq__gss_context *context = NULL;
    fmq__guard *g = NULL;

    REQUIRE(fake_gss.open(&who, &context) == 0);
    (void)fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__gss_guard_new(&fake_gss, context, &g), ENOMEM);
    (void)fmq__alloc_fail_at(0, 0);
    CHECK(g == NULL);
    fake_gss.close(context); /* still ours */
}

static const check_case cases[] = {
    CASE(seals_as_the_wire_wants_it),
    CASE(opens_what_it_sealed),
    CASE(flags_of_subscriptions),
    CASE(what_is_no_message),
    CASE(lack_of_memory),
};

int
main(void)
{
    return CHECK_MAIN(cases);
}
