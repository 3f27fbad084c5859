/* SPDX-License-Identifier: Apache-2.0 */
/* GSSAPI, command by command, and as two connections that talk to each other; with a
 * library that proves nothing. With Kerberos: tests/security/test_gssapi.py. */
#include "security/gssapi.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "conn_test.h"
#include "fakegss.h"
#include "mech_test.h"
#include "security/mechanism.h"

#define BODY(text) (const uint8_t *)(text), sizeof(text) - 1

static const fmq__mech_ops *const client_ops = &fmq__mech_gssapi_client;
static const fmq__mech_ops *const server_ops = &fmq__mech_gssapi_server;

static fmq__secrets *
secrets_of(bool is_server, bool is_plaintext)
{
    fmq__secrets *s = NULL;

    REQUIRE(fmq__secrets_copy(NULL, &s) == 0);
    s->mechanism = FMQ__MECHANISM_GSSAPI;
    s->gss = &fake_gss;
    s->is_server = is_server;
    s->is_plaintext = is_plaintext;
    memcpy(s->service.text, "svc", 3);
    s->service.len = 3;
    return s;
}

/* A side, and what it goes by. */
typedef struct side {
    const fmq__mech_ops *ops;
    fmq__secrets *secrets;
    void *state;
} side;

static side
open_side(bool is_server, bool is_plaintext)
{
    side s = {.secrets = secrets_of(is_server, is_plaintext)};

    s.ops = fmq__mechanism_of(s.secrets);
    CHECK(s.ops == (is_server ? server_ops : client_ops));
    s.state = mech_open(s.ops, s.secrets, is_server, is_server ? "srv" : "cli", 3);
    return s;
}

static void
close_side(side *s)
{
    mech_close(s->ops, s->state);
    fmq__secrets_drop(s->secrets);
}

static int
work(side *s, fmq__mech_result *r)
{
    CHECK_EQ(s->ops->want(s->state), FMQ__MECH_WORK);
    return s->ops->work(s->state, r);
}

static int
feed(side *s, const void *body, size_t len, fmq__mech_result *r)
{
    CHECK_EQ(s->ops->want(s->state), FMQ__MECH_RECV);
    return mech_feed(s->ops, s->state, body, len, r);
}

TEST(client_in_plain_text)
{
    side s = open_side(false, true);
    fmq__mech_result r = {0};
    fmq__guard *g = NULL;

    CHECK_EQ(work(&s, &r), 0);
    mech_expect_next(s.ops, s.state, BODY("\10INITIATE\0\0\0\5hisvc"));
    CHECK_EQ(feed(&s, BODY("\10INITIATE\0\0\0\2ho"), &r), 0);
    CHECK_EQ(work(&s, &r), 0);
    mech_expect_next(s.ops, s.state, BODY(""));
    CHECK_EQ(s.ops->want(s.state), FMQ__MECH_RECV);
    CHECK_EQ(s.ops->input(s.state, BODY("\5READYxyz"), &r), 0);
    CHECK_EQ(r.metadata_len, 3);
    CHECK_MEM(r.metadata, "xyz", 3);
    mech_expect_next(s.ops, s.state, BODY("\5READYcli"));
    CHECK_EQ(s.ops->want(s.state), 0);
    CHECK_EQ(s.ops->make_guard(s.state, &g), 0);
    CHECK(g == NULL);
    close_side(&s);
}

/* Lets a server come to where it asks ZAP. */
static void
go_to_zap(side *s, fmq__mech_result *r)
{
    CHECK_EQ(feed(s, BODY("\10INITIATE\0\0\0\2hi"), r), 0);
    CHECK_EQ(work(s, r), 0);
    mech_expect_next(s->ops, s->state, BODY("\10INITIATE\0\0\0\2ho"));
    CHECK_EQ(feed(s, BODY(""), r), 0);
    CHECK_EQ(s->ops->want(s->state), FMQ__MECH_ZAP);
}

TEST(server_in_plain_text)
{
    side s = open_side(true, true);
    fmq__mech_result r = {0};
    fmq__mech_credential c[FMQ__MECH_MAX_CREDENTIALS];

    go_to_zap(&s, &r);
    CHECK_EQ(s.ops->credentials(s.state, c), 1);
    CHECK_EQ(c[0].len, 8);
    CHECK_MEM(c[0].data, "joe@TEST", 8);
    CHECK_EQ(s.ops->zap_reply(s.state, 200, &r), 0);
    mech_expect_next(s.ops, s.state, BODY("\5READYsrv"));
    CHECK_EQ(s.ops->want(s.state), FMQ__MECH_RECV);
    CHECK_EQ(s.ops->input(s.state, BODY("\5READYabc"), &r), 0);
    CHECK_EQ(r.metadata_len, 3);
    CHECK_MEM(r.metadata, "abc", 3);
    CHECK_EQ(s.ops->want(s.state), 0);
    close_side(&s);
}

/* Any frame will do as the client's last word, as for libzmq. */
TEST(any_last_word)
{
    side s = open_side(true, true);
    fmq__mech_result r = {0};

    CHECK_EQ(feed(&s, BODY("\10INITIATE\0\0\0\2hi"), &r), 0);
    CHECK_EQ(work(&s, &r), 0);
    mech_skip_sends(s.ops, s.state);
    CHECK_EQ(feed(&s, BODY("\377what"), &r), 0);
    CHECK_EQ(s.ops->want(s.state), FMQ__MECH_ZAP);
    close_side(&s);
}

TEST(server_refuses_without_a_word)
{
    static const unsigned status[] = {300, 400, 500};

    for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
        side s = open_side(true, i != 0);
        fmq__mech_result r = {0};

        go_to_zap(&s, &r);
        CHECK_EQ(s.ops->zap_reply(s.state, status[i], &r), EACCES);
        CHECK_EQ(r.error, status[i]);
        CHECK_EQ(s.ops->want(s.state), 0);
        close_side(&s);
    }
}

/* A step that cannot be taken, of either side: whose fault is it? */
TEST(steps_that_fail)
{
    static const struct {
        bool is_server;
        int fails_at;
        int error;
        int err;
        unsigned said;
    } row[] = {
        {false, 1, EPERM, EPERM, 0},
        {false, 2, EPROTO, EPERM, FMQ__ZMTP_CRYPTOGRAPHIC},
        {false, 1, ENOMEM, ENOMEM, 0},
        {true, 1, EPERM, EPERM, 0},
        {true, 1, EPROTO, EPERM, FMQ__ZMTP_CRYPTOGRAPHIC},
        {true, 1, ENOMEM, ENOMEM, 0},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        side s = open_side(row[i].is_server, false);
        fmq__mech_result r = {0};

        fake_gss_fails_at = row[i].fails_at;
        fake_gss_error = row[i].error;
        if (row[i].is_server) {
            CHECK_EQ(feed(&s, BODY("\10INITIATE\0\0\0\2hi"), &r), 0);
        } else if (row[i].fails_at == 2) {
            CHECK_EQ(work(&s, &r), 0);
            mech_skip_sends(s.ops, s.state);
            CHECK_EQ(feed(&s, BODY("\10INITIATE\0\0\0\2ho"), &r), 0);
        }
        CHECK_EQ(work(&s, &r), row[i].err);
        CHECK_EQ(r.error, row[i].said);
        CHECK_EQ(s.ops->want(s.state) & FMQ__MECH_SEND, 0);
        fake_gss_fails_at = 0;
        close_side(&s);
    }
}

/* A command in a step of the handshake, and what is said of it. */
typedef struct wrong {
    const char *body;
    size_t len;
    unsigned error;
} wrong;

#define WRONG(body, error) {(body), sizeof(body) - 1, (error)}

static const wrong wrong_tokens[] = {
    WRONG("", FMQ__ZMTP_MALFORMED_COMMAND),
    WRONG("\10INITIAT", FMQ__ZMTP_MALFORMED_COMMAND),
    WRONG("\10INITIATE", FMQ__ZMTP_MALFORMED_INITIATE),
    WRONG("\10INITIATE\0\0\0", FMQ__ZMTP_MALFORMED_INITIATE),
    WRONG("\10INITIATE\0\0\0\1", FMQ__ZMTP_MALFORMED_INITIATE),
    WRONG("\10INITIATE\377\377\377\377x", FMQ__ZMTP_MALFORMED_INITIATE),
    WRONG("\10INITIATE\0\0\0\1xx", FMQ__ZMTP_MALFORMED_INITIATE),
    WRONG("\5HELLO", FMQ__ZMTP_UNEXPECTED_COMMAND),
    WRONG("\5READY", FMQ__ZMTP_UNEXPECTED_COMMAND),
    WRONG("\5ERROR\3"
          "400",
          FMQ__ZMTP_UNEXPECTED_COMMAND),
};

TEST(what_is_no_token)
{
    for (size_t i = 0; i < sizeof(wrong_tokens) / sizeof(wrong_tokens[0]); i++) {
        for (int is_server = 0; is_server < 2; is_server++) {
            side s = open_side(is_server, false);
            fmq__mech_result r = {0};

            if (!is_server) {
                CHECK_EQ(work(&s, &r), 0);
                mech_skip_sends(s.ops, s.state);
            }
            CHECK_EQ(feed(&s, wrong_tokens[i].body, wrong_tokens[i].len, &r), EPROTO);
            CHECK_EQ(r.error, wrong_tokens[i].error);
            CHECK_EQ(s.ops->want(s.state) & FMQ__MECH_SEND, 0);
            close_side(&s);
        }
    }
}

/* A token of any kind is the library's affair, an empty one too. */
TEST(what_is_no_good_token)
{
    side s = open_side(true, false);
    fmq__mech_result r = {0};

    CHECK_EQ(feed(&s, BODY("\10INITIATE\0\0\0\0"), &r), 0);
    CHECK_EQ(work(&s, &r), EPERM);
    CHECK_EQ(r.error, FMQ__ZMTP_CRYPTOGRAPHIC);
    close_side(&s);
}

static const wrong wrong_readies[] = {
    WRONG("", FMQ__ZMTP_MALFORMED_COMMAND),
    WRONG("\5READ", FMQ__ZMTP_MALFORMED_COMMAND),
    WRONG("\5HELLO", FMQ__ZMTP_UNEXPECTED_COMMAND),
};

/* Puts a body into a MESSAGE, as the other side would; it has said nothing yet. */
static size_t
seal(uint8_t *sealed, const char *body, size_t len)
{
    fmq__gss_context c = {0};
    size_t token_len;

    REQUIRE(fake_gss.seal(&c, sealed + 12, 0, (const uint8_t *)body, len, &token_len) ==
            0);
    memcpy(sealed, "\7MESSAGE\0\0\0", 11);
    sealed[11] = (uint8_t)token_len;
    return 12 + token_len;
}

TEST(what_is_no_ready)
{
    for (size_t i = 0; i < sizeof(wrong_readies) / sizeof(wrong_readies[0]); i++) {
        for (int is_plaintext = 0; is_plaintext < 2; is_plaintext++) {
            side s = open_side(true, is_plaintext);
            fmq__mech_result r = {0};
            uint8_t sealed[64];
            size_t len = seal(sealed, wrong_readies[i].body, wrong_readies[i].len);
            int err;

            go_to_zap(&s, &r);
            CHECK_EQ(s.ops->zap_reply(s.state, 200, &r), 0);
            mech_skip_sends(s.ops, s.state);
            err = is_plaintext
                      ? feed(&s, wrong_readies[i].body, wrong_readies[i].len, &r)
                      : feed(&s, sealed, len, &r);
            CHECK_EQ(err, EPROTO);
            CHECK_EQ(r.error, wrong_readies[i].error);
            CHECK(r.metadata == NULL);
            close_side(&s);
        }
    }
}

/* READY as it is where it has to be sealed, and the other way round. */
TEST(sides_that_do_not_agree_on_sealing)
{
    uint8_t sealed[64];
    size_t len = seal(sealed, "\5READY", 6);
    side s = open_side(true, false);
    fmq__mech_result r = {0};

    go_to_zap(&s, &r);
    CHECK_EQ(s.ops->zap_reply(s.state, 200, &r), 0);
    mech_skip_sends(s.ops, s.state);
    CHECK_EQ(feed(&s, BODY("\5READY"), &r), EPROTO);
    CHECK_EQ(r.error, FMQ__ZMTP_UNEXPECTED_COMMAND);
    close_side(&s);
    s = open_side(true, true);
    go_to_zap(&s, &r);
    CHECK_EQ(s.ops->zap_reply(s.state, 200, &r), 0);
    mech_skip_sends(s.ops, s.state);
    CHECK_EQ(feed(&s, sealed, len, &r), EPROTO);
    CHECK_EQ(r.error, FMQ__ZMTP_UNEXPECTED_COMMAND);
    close_side(&s);
}

TEST(without_a_library)
{
    fmq__secrets *secrets = secrets_of(false, false);
    fmq__mech_args args = {.config = secrets};
    void *state = calloc(1, client_ops->state_size);

    secrets->gss = NULL;
    REQUIRE(state != NULL);
    CHECK_EQ(client_ops->init(state, &args), EINVAL);
    free(state);
    fmq__secrets_drop(secrets);
}

/* --- two connections --- */

typedef struct couple {
    fmq__secrets *secrets[2]; /* client, server */
    fmq__conn *conn[2];
} couple;

static void
couple_init(couple *c, bool is_plaintext)
{
    for (int i = 0; i < 2; i++) {
        c->conn[i] = NULL;
        c->secrets[i] = secrets_of(i == 1, is_plaintext);
    }
}

static int
couple_open(couple *c)
{
    int err = 0;

    for (int i = 0; i < 2 && err == 0; i++) {
        fmq__conn_config config = conn_config_of("PAIR", "PAIR");

        config.mech = fmq__mechanism_of(c->secrets[i]);
        config.mech_config = c->secrets[i];
        config.is_server = i == 1;
        err = fmq__conn_new(&config, &c->conn[i]);
    }
    return err;
}

/* Passes what one has to say to the other, `piece` bytes at a time; whether there was
 * something. */
static bool
pass(couple *c, int from, size_t piece, int *err)
{
    fmq__conn *to = c->conn[!from];
    const uint8_t *data;
    size_t n = fmq__conn_output(c->conn[from], &data);
    size_t used;

    if (n == 0) {
        return false;
    }
    n = n < piece ? n : piece;
    *err = conn_feed(to, data, n, &used);
    fmq__conn_sent(c->conn[from], n);
    return true;
}

static int
take_turn(couple *c, int i, size_t piece, bool *has_moved)
{
    static const fmq__zap_reply yes = {.status = 200};
    fmq__conn *conn = c->conn[i];
    int err = 0;

    if (fmq__conn_wants_work(conn)) {
        fmq__conn_work(conn);
        *has_moved = true;
        return fmq__conn_finish_work(conn);
    }
    if (fmq__conn_wants_zap(conn)) {
        *has_moved = true;
        return fmq__conn_zap_reply(conn, &yes);
    }
    *has_moved = pass(c, i, piece, &err) || *has_moved;
    return err;
}

static int
shake(couple *c, size_t piece)
{
    bool has_moved = true;
    int err = 0;

    while (has_moved && err == 0) {
        has_moved = false;
        for (int i = 0; i < 2 && err == 0; i++) {
            err = take_turn(c, i, piece, &has_moved);
        }
    }
    return err;
}

static void
couple_close(couple *c)
{
    for (int i = 0; i < 2; i++) {
        fmq__conn_free(c->conn[i]);
        fmq__secrets_drop(c->secrets[i]);
    }
}

static void
check_ready(couple *c, bool is_plaintext)
{
    fmq__guard *g[2] = {NULL, NULL};

    for (int i = 0; i < 2; i++) {
        size_t len;
        fmq__props *props;
        const char *type;

        CHECK(fmq__conn_is_ready(c->conn[i]));
        props = fmq__conn_take_props(c->conn[i]);
        type = fmq__props_get(props, "Socket-Type", &len);
        CHECK(type != NULL && len == 4);
        fmq__props_drop(props);
        CHECK_EQ(fmq__conn_make_guard(c->conn[i], &g[i]), 0);
        CHECK_EQ(g[i] == NULL, is_plaintext);
    }
    if (!is_plaintext) {
        uint8_t sealed[64];
        size_t len;
        fmq__opened opened = {0};

        CHECK_EQ(g[0]->ops->seal(g[0], 0, (const uint8_t *)"x", 1, sealed, &len), 0);
        CHECK_EQ(g[1]->ops->open(g[1], sealed, len, &opened), 0);
        CHECK_EQ(opened.len, 1);
        g[0]->ops->free(g[0]);
        g[1]->ops->free(g[1]);
    }
}

TEST(two_connections)
{
    static const size_t piece[] = {1, 7, 10000};

    for (size_t i = 0; i < 3; i++) {
        for (int is_plaintext = 0; is_plaintext < 2; is_plaintext++) {
            couple c;

            couple_init(&c, is_plaintext);
            REQUIRE(couple_open(&c) == 0);
            CHECK_EQ(shake(&c, piece[i]), 0);
            check_ready(&c, is_plaintext);
            couple_close(&c);
        }
    }
}

/* A library that needs three tokens: the client's last word is one. */
TEST(one_token_more)
{
    couple c;

    fake_gss_needs_more = true;
    couple_init(&c, false);
    REQUIRE(couple_open(&c) == 0);
    CHECK_EQ(shake(&c, 10000), 0);
    check_ready(&c, false);
    couple_close(&c);
    fake_gss_needs_more = false;
}

TEST(commands_that_come_too_early)
{
    couple c;
    size_t used;

    couple_init(&c, false);
    REQUIRE(couple_open(&c) == 0);
    while (!fmq__conn_wants_work(c.conn[0])) {
        int err = 0;

        REQUIRE(pass(&c, 0, 10000, &err) || pass(&c, 1, 10000, &err));
        REQUIRE(err == 0);
    }
    CHECK_EQ(conn_feed(c.conn[0], BODY("\4\15\10INITIATE\0\0\0\0"), &used), 0);
    CHECK_EQ(used, 0);
    CHECK(fmq__conn_wants_work(c.conn[0]));
    fmq__conn_work(c.conn[0]);
    CHECK_EQ(fmq__conn_finish_work(c.conn[0]), 0);
    CHECK_EQ(conn_feed(c.conn[0], BODY("\4\15\10INITIATE\0\0\0\0"), &used), 0);
    CHECK_EQ(used, 15);
    couple_close(&c);
}

TEST(lack_of_memory)
{
    bool is_enough = false;

    for (uint64_t n = 1; !is_enough; n++) {
        couple c;
        int err;

        REQUIRE(n < 200);
        couple_init(&c, false);
        (void)fmq__alloc_fail_at(n, 0);
        err = couple_open(&c);
        err = err == 0 ? shake(&c, 10000) : err;
        (void)fmq__alloc_fail_at(0, 0);
        is_enough = err == 0;
        CHECK(err == 0 || err == ENOMEM);
        couple_close(&c);
    }
}

static const check_case cases[] = {
    CASE(client_in_plain_text),
    CASE(server_in_plain_text),
    CASE(any_last_word),
    CASE(server_refuses_without_a_word),
    CASE(steps_that_fail),
    CASE(what_is_no_token),
    CASE(what_is_no_good_token),
    CASE(what_is_no_ready),
    CASE(sides_that_do_not_agree_on_sealing),
    CASE(without_a_library),
    CASE(two_connections),
    CASE(one_token_more),
    CASE(commands_that_come_too_early),
    CASE(lack_of_memory),
};

int
main(void)
{
    return CHECK_MAIN(cases);
}
