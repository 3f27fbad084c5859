/* SPDX-License-Identifier: Apache-2.0 */
/* PLAIN, command by command, and as two connections that talk to each other. */
#include "security/plain.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "mech_test.h"
#include "security/mechanism.h"

#define BODY(text) (const uint8_t *)(text), sizeof(text) - 1

static const fmq__mech_ops *const ops = &fmq__mech_plain;

static void
set_text(fmq__plain_text *text, const void *data, size_t len)
{
    memcpy(text->data, data, len);
    text->len = (uint8_t)len;
}

static fmq__secrets *
secrets_of(const char *user, const char *password)
{
    fmq__secrets *s = NULL;

    REQUIRE(fmq__secrets_copy(NULL, &s) == 0);
    s->mechanism = FMQ__MECHANISM_PLAIN;
    set_text(&s->user, user, strlen(user));
    set_text(&s->password, password, strlen(password));
    return s;
}

static void *
open_server(void)
{
    return mech_open(ops, NULL, true, "srv", 3);
}

TEST(client_speaks_first)
{
    fmq__secrets *secrets = secrets_of("admin", "secret");
    void *s = mech_open(ops, secrets, false, "abc", 3);
    fmq__mech_result r = {0};

    mech_expect_next(ops, s, BODY("\5HELLO\5admin\6secret"));
    CHECK_EQ(ops->want(s), FMQ__MECH_RECV);
    CHECK_EQ(ops->input(s, BODY("\7WELCOME"), &r), 0);
    mech_expect_next(ops, s, BODY("\10INITIATEabc"));
    CHECK_EQ(ops->want(s), FMQ__MECH_RECV);
    CHECK_EQ(ops->input(s, BODY("\5READYxyz"), &r), 0);
    CHECK_EQ(ops->want(s), 0);
    CHECK_EQ(r.metadata_len, 3);
    CHECK_MEM(r.metadata, "xyz", 3);
    mech_close(ops, s);
    fmq__secrets_drop(secrets);
}

TEST(names_of_any_length)
{
    uint8_t longest[255];
    uint8_t hello[6 + 2 + 255];
    fmq__secrets *secrets = secrets_of("", "");
    void *s = mech_open(ops, secrets, false, NULL, 0);

    mech_expect_next(ops, s, BODY("\5HELLO\0\0"));
    mech_close(ops, s);
    memset(longest, 0, sizeof(longest)); /* zeros are as good as letters */
    set_text(&secrets->password, longest, sizeof(longest));
    s = mech_open(ops, secrets, false, NULL, 0);
    memset(hello, 0, sizeof(hello));
    memcpy(hello, "\5HELLO\0\377", 8);
    mech_expect_next(ops, s, hello, sizeof(hello));
    mech_close(ops, s);
    fmq__secrets_drop(secrets);
}

TEST(server_asks)
{
    void *s = open_server();
    fmq__mech_result r = {0};
    fmq__mech_credential c[FMQ__MECH_MAX_CREDENTIALS];

    CHECK_EQ(ops->want(s), FMQ__MECH_RECV);
    CHECK_EQ(ops->input(s, BODY("\5HELLO\5admin\0"), &r), 0);
    CHECK_EQ(ops->want(s), FMQ__MECH_ZAP);
    CHECK_EQ(ops->credentials(s, c), 2);
    CHECK_EQ(c[0].len, 5);
    CHECK_MEM(c[0].data, "admin", 5);
    CHECK_EQ(c[1].len, 0);
    CHECK_EQ(ops->zap_reply(s, 200, &r), 0);
    mech_expect_next(ops, s, BODY("\7WELCOME"));
    CHECK_EQ(ops->want(s), FMQ__MECH_RECV);
    CHECK_EQ(ops->input(s, BODY("\10INITIATEabc"), &r), 0);
    CHECK_EQ(r.metadata_len, 3);
    CHECK_MEM(r.metadata, "abc", 3);
    CHECK_EQ(ops->want(s), FMQ__MECH_SEND);
    mech_expect_next(ops, s, BODY("\5READYsrv"));
    CHECK_EQ(ops->want(s), 0);
    mech_close(ops, s);
}

TEST(server_refuses)
{
    static const struct {
        unsigned status;
        const char *word;
    } row[] = {{300, NULL},
               {400, "^RROR\3"
                     "400"},
               {500, "^RROR\3"
                     "500"}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        void *s = open_server();
        fmq__mech_result r = {0};

        CHECK_EQ(ops->input(s, BODY("\5HELLO\1a\1b"), &r), 0);
        CHECK_EQ(ops->zap_reply(s, row[i].status, &r), EACCES);
        CHECK_EQ(r.error, row[i].status);
        if (row[i].word != NULL) {
            CHECK_EQ(ops->want(s), FMQ__MECH_SEND);
            mech_expect_next(ops, s, (const uint8_t *)row[i].word, 9);
        }
        CHECK_EQ(ops->want(s), 0);
        mech_close(ops, s);
    }
}

/* A command in a step of the handshake, and what is said of it. */
typedef struct wrong {
    const char *body;
    size_t len;
    unsigned error;
    int err;
} wrong;

#define WRONG(body, error) {(body), sizeof(body) - 1, (error), EPROTO}
#define REFUSED(body, error) {(body), sizeof(body) - 1, (error), EACCES}

/* Feeds each to a mechanism that has got as far as `n_before` of `before`. */
static void
check_wrong(const fmq__secrets *secrets, const char *const *before, int n_before,
            const wrong *rows, size_t n_rows)
{
    for (size_t i = 0; i < n_rows; i++) {
        void *s = mech_open(ops, secrets, secrets == NULL, NULL, 0);
        fmq__mech_result r = {0};

        for (int k = 0; k < n_before; k++) {
            mech_skip_sends(ops, s);
            CHECK_EQ(ops->input(s, (const uint8_t *)before[k], strlen(before[k]), &r),
                     0);
            if ((ops->want(s) & FMQ__MECH_ZAP) != 0) {
                CHECK_EQ(ops->zap_reply(s, 200, &r), 0);
            }
        }
        mech_skip_sends(ops, s);
        CHECK_EQ(mech_feed(ops, s, rows[i].body, rows[i].len, &r), rows[i].err);
        if (!CHECK_EQ(r.error, rows[i].error)) {
            fprintf(stderr, "  row %zu behind %d commands\n", i, n_before);
        }
        CHECK(r.metadata == NULL);
        CHECK_EQ(ops->want(s) & FMQ__MECH_SEND, 0);
        mech_close(ops, s);
    }
}

TEST(what_a_client_does_not_take)
{
    static const char *const before[] = {"\7WELCOME"};
    static const wrong first[] = {
        WRONG("\5READY", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\5HELLO\1a\1b", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\7WELCOMEx", FMQ__ZMTP_MALFORMED_WELCOME),
        WRONG("\7welcome", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\5ERROR", FMQ__ZMTP_MALFORMED_ERROR),
        WRONG("\5ERROR\2x", FMQ__ZMTP_MALFORMED_ERROR),
        REFUSED("\5ERROR\3"
                "400",
                400),
        REFUSED("\5ERROR\2no", 0),
        REFUSED("^RROR\3"
                "400",
                400),
        WRONG("^RROR", FMQ__ZMTP_MALFORMED_ERROR),
        WRONG("^RRO", FMQ__ZMTP_MALFORMED_COMMAND),
        WRONG("", FMQ__ZMTP_MALFORMED_COMMAND),
        WRONG("\20x", FMQ__ZMTP_MALFORMED_COMMAND),
    };
    static const wrong second[] = {
        WRONG("\7WELCOME", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\10INITIATE", FMQ__ZMTP_UNEXPECTED_COMMAND),
        REFUSED("\5ERROR\3"
                "500",
                500),
    };
    fmq__secrets *secrets = secrets_of("a", "b");

    check_wrong(secrets, before, 0, first, sizeof(first) / sizeof(first[0]));
    check_wrong(secrets, before, 1, second, sizeof(second) / sizeof(second[0]));
    fmq__secrets_drop(secrets);
}

TEST(what_a_server_does_not_take)
{
    static const char *const before[] = {"\5HELLO\1a\1b"};
    static const wrong first[] = {
        WRONG("\5HELLO", FMQ__ZMTP_MALFORMED_HELLO),
        WRONG("\5HELLO\1a", FMQ__ZMTP_MALFORMED_HELLO),
        WRONG("\5HELLO\2a", FMQ__ZMTP_MALFORMED_HELLO),
        WRONG("\5HELLO\1a\1", FMQ__ZMTP_MALFORMED_HELLO),
        WRONG("\5HELLO\1a\1bc", FMQ__ZMTP_MALFORMED_HELLO),
        WRONG("\5HELLO\377a\1b", FMQ__ZMTP_MALFORMED_HELLO),
        WRONG("\10INITIATE", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\5READY", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\5ERROR\3"
              "400",
              FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("", FMQ__ZMTP_MALFORMED_COMMAND),
    };
    static const wrong second[] = {
        WRONG("\5HELLO\1a\1b", FMQ__ZMTP_UNEXPECTED_COMMAND),
        WRONG("\5READY", FMQ__ZMTP_UNEXPECTED_COMMAND),
    };

    check_wrong(NULL, before, 0, first, sizeof(first) / sizeof(first[0]));
    check_wrong(NULL, before, 1, second, sizeof(second) / sizeof(second[0]));
}

TEST(secrets_are_copied_and_counted)
{
    fmq__secrets *a = secrets_of("name", "word");
    fmq__secrets *b = NULL;

    memset(a->secret_key, 7, sizeof(a->secret_key));
    CHECK_EQ(fmq__secrets_copy(a, &b), 0);
    a->user.data[0] = 'N';
    CHECK_MEM(b->user.data, "name", 4);
    CHECK_EQ(b->mechanism, FMQ__MECHANISM_PLAIN);
    CHECK_MEM(b->secret_key, a->secret_key, sizeof(a->secret_key));
    fmq__secrets_hold(a);
    fmq__secrets_drop(a);
    CHECK_EQ(a->user.len, 4);
    fmq__secrets_drop(a);
    fmq__secrets_drop(b);
    fmq__secrets_hold(NULL);
    fmq__secrets_drop(NULL);
    CHECK_EQ(fmq__secrets_mechanism(NULL), FMQ__MECHANISM_NULL);
    CHECK_STR(fmq__mechanism_of(NULL)->name, "NULL");
    a = secrets_of("", "");
    CHECK(fmq__mechanism_of(a) == &fmq__mech_plain);
    fmq__secrets_drop(a);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__secrets_copy(NULL, &b), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(client_speaks_first),
        CASE(names_of_any_length),
        CASE(server_asks),
        CASE(server_refuses),
        CASE(what_a_client_does_not_take),
        CASE(what_a_server_does_not_take),
        CASE(secrets_are_copied_and_counted),
    };

    return CHECK_MAIN(cases);
}
