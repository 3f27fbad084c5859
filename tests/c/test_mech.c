/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mech.h as a connection uses it, with mechanisms other than NULL too. */
#include "wire/mech.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "conn_test.h"
#include "wire/command.h"
#include "wire/metadata.h"

/* TALK does what NULL does not: several commands, waiting for somebody, a last word. */
typedef struct talk_state {
    int n_got;
    int n_said;
    bool has_failed;
    bool is_waiting;
    bool *is_open; /* the config */
} talk_state;

static int
talk_init(void *state, const fmq__mech_args *args)
{
    talk_state *s = state;
    bool *is_open;

    if (!args->is_server) {
        return EINVAL; /* and fini, were it called, would meet a null pointer */
    }
    memcpy(&is_open, args->config, sizeof(is_open));
    s->is_open = is_open;
    *is_open = true;
    return 0;
}

static void
talk_fini(void *state)
{
    talk_state *s = state;

    *s->is_open = false;
}

/* Answers each of three commands; the last answer is empty, the first one long. */
static unsigned
talk_want(const void *state)
{
    const talk_state *s = state;

    if (s->n_said < s->n_got || s->has_failed) {
        return FMQ__MECH_SEND;
    }
    if (s->is_waiting) {
        return FMQ__MECH_ZAP;
    }
    return s->n_got < 3 ? FMQ__MECH_RECV : 0;
}

static size_t
talk_next_len(const void *state)
{
    const talk_state *s = state;

    return s->has_failed ? 4 : s->n_said == 0 ? 300 : s->n_said == 2 ? 0 : 2;
}

static int
talk_next(void *state, uint8_t *body)
{
    talk_state *s = state;

    memset(body, s->has_failed ? '!' : 'a' + s->n_said, talk_next_len(s));
    s->has_failed = false;
    s->n_said = s->n_got;
    return 0;
}

static int
talk_input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    talk_state *s = state;

    if (len != 0 && body[0] == 'E') {
        s->has_failed = true;
        result->error = FMQ__ZMTP_CRYPTOGRAPHIC;
        return EPROTO;
    }
    s->is_waiting = len != 0 && body[0] == 'W';
    s->n_got++;
    if (s->n_got == 3) {
        result->metadata = body;
        result->metadata_len = len;
    }
    return 0;
}

static size_t
talk_credentials(const void *state,
                 fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    (void)state;
    credential[0] = (fmq__mech_credential){(const uint8_t *)"joe", 3};
    return 1;
}

static int
talk_zap_reply(void *state, unsigned status, fmq__mech_result *result)
{
    talk_state *s = state;

    s->is_waiting = false;
    if (status == 200) {
        return 0;
    }
    s->has_failed = status != 300;
    result->error = status;
    return EACCES;
}

static const fmq__mech_ops talk = {
    .name = "TALK",
    .state_size = sizeof(talk_state),
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = talk_init,
    .fini = talk_fini,
    .want = talk_want,
    .next_len = talk_next_len,
    .next = talk_next,
    .input = talk_input,
    .credentials = talk_credentials,
    .zap_reply = talk_zap_reply,
};

static bool talk_is_open;
static bool *const talk_config = &talk_is_open;

static fmq__conn_config
config_of_talk(void)
{
    fmq__conn_config config = conn_config_of("PULL", "PUSH");

    config.mech = &talk;
    config.mech_config = &talk_config;
    config.is_server = true;
    return config;
}

/* The greeting of TALK and two commands. */
static void
add_talk(wire_bytes *b)
{
    b->len = FMQ__GREETING_LEN;
    fmq__greeting_put(b->data, 0, "TALK");
    wire_add_frame(b, FMQ__COMMAND, "1", 1);
    wire_add_frame(b, FMQ__COMMAND, "", 0);
}

TEST(longer_handshakes)
{
    static wire_bytes b;
    static wire_bytes out;
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = conn_open(&config);
    size_t used;

    add_talk(&b);
    wire_add_frame(&b, FMQ__COMMAND, "\13Socket-Type\0\0\0\4PUSH", 20);
    wire_add_text(&b, "rest");
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    CHECK_EQ(used, b.len - 4);
    CHECK(fmq__conn_is_ready(c));
    conn_drain(c, &out, 50);
    CHECK_EQ(out.len, 64 + (9 + 300) + (2 + 2) + 2);
    CHECK_EQ(out.data[64], FMQ__COMMAND | FMQ__LONG);
    CHECK_EQ(fmq__get_u64(out.data + 65), 300);
    CHECK_EQ(out.data[73], 'a');
    CHECK_MEM(out.data + 64 + 309, "\4\2bb\4\0", 6);
    CHECK(talk_is_open);
    fmq__conn_free(c);
    CHECK(!talk_is_open);
}

TEST(last_word_of_a_mechanism)
{
    static wire_bytes b;
    static wire_bytes out;
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = conn_open(&config);
    size_t used;

    add_talk(&b);
    wire_add_frame(&b, FMQ__COMMAND, "E", 1);
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), EPROTO);
    CHECK_EQ(fmq__conn_error(c), FMQ__ZMTP_CRYPTOGRAPHIC);
    conn_drain(c, &out, 1000);
    REQUIRE(out.len > 6);
    CHECK_MEM(out.data + out.len - 6, "\4\4!!!!", 6);
    fmq__conn_free(c);
}

TEST(command_while_the_mechanism_waits)
{
    static wire_bytes b;
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = conn_open(&config);
    size_t used;

    b.len = FMQ__GREETING_LEN;
    fmq__greeting_put(b.data, 0, "TALK");
    wire_add_frame(&b, FMQ__COMMAND, "W", 1);
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    CHECK(!fmq__conn_is_ready(c));
    CHECK_EQ(conn_feed(c, b.data + b.len - 3, 3, &used), EPROTO);
    CHECK_EQ(fmq__conn_error(c), FMQ__ZMTP_UNEXPECTED_COMMAND);
    fmq__conn_free(c);
}

/* A connection of TALK that waits for ZAP, its output drained. */
static fmq__conn *
open_waiting(const fmq__conn_config *config)
{
    static wire_bytes b;
    static wire_bytes out;
    fmq__conn *c = conn_open(config);
    size_t used;

    b.len = FMQ__GREETING_LEN;
    fmq__greeting_put(b.data, 0, "TALK");
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    CHECK(!fmq__conn_wants_zap(c));
    b.len = 0;
    wire_add_frame(&b, FMQ__COMMAND, "W", 1);
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    CHECK(fmq__conn_wants_zap(c));
    out.len = 0;
    conn_drain(c, &out, 1000);
    return c;
}

static const fmq__zap_reply zap_ok = {
    .is_answered = true,
    .status = 200,
    .user_id = (const uint8_t *)"root",
    .user_id_len = 4,
    .metadata = (const uint8_t *)"\13Socket-Type\0\0\0\3ZAP\1X\0\0\0\1x",
    .metadata_len = 26,
};

TEST(zap_lets_it_go_on)
{
    static wire_bytes b;
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = open_waiting(&config);
    fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS];
    fmq__zap_reply reply = zap_ok;
    fmq__props *props;
    size_t used;

    CHECK_STR(fmq__conn_mech(c)->name, "TALK");
    CHECK_EQ(fmq__conn_credentials(c, credential), 1);
    CHECK_MEM(credential[0].data, "joe", 3);
    CHECK_EQ(fmq__conn_zap_reply(c, &zap_ok), 0);
    CHECK(!fmq__conn_wants_zap(c));
    CHECK(!fmq__conn_is_ready(c));
    b.len = 0;
    wire_add_frame(&b, FMQ__COMMAND, "x", 1);
    wire_add_frame(&b, FMQ__COMMAND, "\13Socket-Type\0\0\0\4PUSH\1X\0\0\0\1y", 27);
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), EPROTO); /* ZAP is not a type */
    fmq__conn_free(c);

    c = open_waiting(&config);
    reply.metadata += 19;
    reply.metadata_len -= 19;
    CHECK_EQ(fmq__conn_zap_reply(c, &reply), 0);
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    REQUIRE(fmq__conn_is_ready(c));
    props = fmq__conn_take_props(c);
    CHECK_STR(fmq__props_get(props, "User-Id", NULL), "root");
    CHECK_STR(fmq__props_get(props, "X", NULL), "x");
    CHECK_STR(fmq__props_get(props, "Socket-Type", NULL), "PUSH");
    fmq__props_drop(props);
    fmq__conn_free(c);
}

TEST(zap_was_not_there)
{
    const fmq__zap_reply reply = {.status = 200};
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = open_waiting(&config);

    CHECK_EQ(fmq__conn_zap_reply(c, &reply), 0);
    CHECK(!fmq__conn_wants_zap(c));
    fmq__conn_free(c);
}

TEST(zap_refuses)
{
    static const struct {
        unsigned status;
        int err;
        size_t len;
    } row[] = {{300, ECONNABORTED, 0}, {400, EACCES, 6}, {500, EACCES, 6}};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        static wire_bytes out;
        fmq__zap_reply reply = zap_ok;
        fmq__conn_config config = config_of_talk();
        fmq__conn *c = open_waiting(&config);

        reply.status = row[i].status;
        CHECK_EQ(fmq__conn_zap_reply(c, &reply), row[i].err);
        CHECK_EQ(fmq__conn_error(c), row[i].status);
        out.len = 0;
        conn_drain(c, &out, 1000);
        CHECK_EQ(out.len, row[i].len);
        CHECK_MEM(out.data, "\4\4!!!!", row[i].len);
        CHECK(!fmq__conn_wants_zap(c));
        fmq__conn_free(c);
    }
}

TEST(zap_says_nonsense)
{
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = open_waiting(&config);
    size_t used;

    CHECK_EQ(fmq__conn_zap_fail(c, FMQ__ZAP_BAD_VERSION), EPROTO);
    CHECK_EQ(fmq__conn_error(c), FMQ__ZAP_BAD_VERSION);
    CHECK_EQ(conn_feed(c, (const uint8_t *)"x", 1, &used), EPROTO);
    fmq__conn_free(c);
}

TEST(memory_runs_out_for_what_zap_says)
{
    int err = ENOMEM;
    int n = 0;

    while (err == ENOMEM) {
        fmq__conn_config config = config_of_talk();
        fmq__conn *c = open_waiting(&config);

        fmq__alloc_fail_at((uint64_t)++n, 0);
        err = fmq__conn_zap_reply(c, &zap_ok);
        fmq__alloc_fail_at(0, 0);
        fmq__conn_free(c);
    }
    CHECK_EQ(err, 0);
    CHECK(n >= 5); /* a list, and three properties */
}

TEST(bad_properties_are_told_by_other_mechanisms)
{
    static const char *const bad[] = {"\13Socket-Type\0\0\0\4PULL",
                                      "\13Socket-Type\0\0\0\5PUSH"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        static wire_bytes b;
        fmq__conn_config config = config_of_talk();
        fmq__conn *c = conn_open(&config);
        size_t used;

        add_talk(&b);
        wire_add_frame(&b, FMQ__COMMAND, bad[i], 20);
        CHECK_EQ(conn_feed(c, b.data, b.len, &used), EPROTO);
        CHECK_EQ(fmq__conn_error(c), FMQ__ZMTP_INVALID_METADATA);
        fmq__conn_free(c);
    }
}

TEST(mechanism_that_cannot_begin)
{
    fmq__conn_config config = config_of_talk();
    fmq__conn *c = NULL;

    config.is_server = false;
    CHECK_EQ(fmq__conn_new(&config, &c), EINVAL);
    CHECK(c == NULL);
}

/* A whole handshake with a long command, in which the n-th request for memory fails. */
static int
run_short_of_memory(const fmq__conn_config *config, const wire_bytes *b, uint64_t n)
{
    fmq__conn *c = NULL;
    size_t used;
    int err;

    fmq__alloc_fail_at(n, 0);
    err = fmq__conn_new(config, &c);
    if (err != 0) {
        fmq__alloc_fail_at(0, 0);
        CHECK(c == NULL);
        return err;
    }
    err = conn_feed_cut(c, b, 0, 10, &used);
    fmq__alloc_fail_at(0, 0);
    if (err != 0) {
        CHECK_EQ(fmq__conn_error(c), 0);
        CHECK_EQ(conn_feed(c, b->data, b->len, &used), err);
        CHECK_EQ(used, 0);
    } else {
        CHECK(fmq__conn_is_ready(c));
    }
    fmq__conn_free(c);
    return err;
}

TEST(memory_runs_out)
{
    static wire_bytes b[2];
    fmq__conn_config config[2] = {conn_config_of("ROUTER", "DEALER"), config_of_talk()};
    char value[200] = {0};
    uint8_t body[256];
    size_t len = fmq__command_put_name(body, "READY");

    wire_add_greeting(&b[0]);
    len += fmq__metadata_put(body + len, "X-long", value, sizeof(value));
    wire_add_frame(&b[0], FMQ__COMMAND, body, len);
    add_talk(&b[1]);
    wire_add_frame(&b[1], FMQ__COMMAND, body + 6, len - 6);
    for (size_t i = 0; i < 2; i++) {
        int err = ENOMEM;
        uint64_t n = 1;

        for (; err == ENOMEM; n++) {
            err = run_short_of_memory(&config[i], &b[i], n);
        }
        CHECK_EQ(err, 0);
        /* The connection, its output, its properties, the command, its property. */
        CHECK(n > 5);
    }
}

int
main(void)
{
    RUN(longer_handshakes);
    RUN(last_word_of_a_mechanism);
    RUN(command_while_the_mechanism_waits);
    RUN(zap_lets_it_go_on);
    RUN(zap_was_not_there);
    RUN(zap_refuses);
    RUN(zap_says_nonsense);
    RUN(memory_runs_out_for_what_zap_says);
    RUN(bad_properties_are_told_by_other_mechanisms);
    RUN(mechanism_that_cannot_begin);
    RUN(memory_runs_out);
    return CHECK_RESULT();
}
