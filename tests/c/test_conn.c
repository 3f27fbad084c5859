/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/conn.h"

#include <errno.h>

#include "check.h"
#include "conn_test.h"
#include "wire/command.h"
#include "wire/metadata.h"
#include "wire_test.h"

static fmq__conn *
open_pull(void)
{
    fmq__conn_config config = conn_config_of("PULL", "PUSH");

    return conn_open(&config);
}

static void
add_ready(wire_bytes *b, unsigned flags, const char *type)
{
    uint8_t body[64];
    size_t len = fmq__command_put_name(body, "READY");

    len += fmq__metadata_put(body + len, "Socket-Type", type, strlen(type));
    wire_add_frame(b, flags, body, len);
}

/* --- what a peer may send, and what comes of it --- */

typedef struct outcome {
    int err;
    unsigned error;
    size_t used;
    bool is_ready;
    bool has_greeted;
    unsigned version;
    char out[256];
    size_t out_len;
} outcome;

static outcome
run_cut(const fmq__conn_config *config, const wire_bytes *b, size_t cut, size_t step)
{
    static wire_bytes out;
    fmq__conn *c = conn_open(config);
    outcome o = {0};

    o.err = conn_feed_cut(c, b, cut, step, &o.used);
    o.error = fmq__conn_error(c);
    o.is_ready = fmq__conn_is_ready(c);
    o.has_greeted = fmq__conn_has_greeted(c);
    o.version = fmq__conn_version(c);
    out.len = 0;
    conn_drain(c, &out, 7);
    REQUIRE(out.len <= sizeof(o.out));
    memcpy(o.out, out.data, out.len);
    o.out_len = out.len;
    if (o.err != 0) {
        size_t used = 1;

        CHECK(!o.is_ready);
        CHECK_EQ(conn_feed(c, b->data, b->len, &used), o.err); /* dead for good */
        CHECK_EQ(used, 0);
    }
    fmq__conn_free(c);
    return o;
}

/* What comes of `b`, which must not depend on how it was cut. */
static outcome
run(const fmq__conn_config *config, const wire_bytes *b)
{
    outcome whole = run_cut(config, b, b->len, b->len);
    size_t last_cut = b->len < 200 ? b->len : 200;

    for (size_t cut = 0; cut <= last_cut; cut++) {
        outcome o = run_cut(config, b, cut, cut == 0 ? 1 : b->len);

        CHECK_EQ(o.err, whole.err);
        CHECK_EQ(o.error, whole.error);
        CHECK_EQ(o.used, whole.used);
        CHECK_EQ(o.is_ready, whole.is_ready);
        CHECK_EQ(o.has_greeted, whole.has_greeted);
        CHECK_EQ(o.version, whole.version);
        CHECK_EQ(o.out_len, whole.out_len);
        CHECK_MEM(o.out, whole.out, whole.out_len);
    }
    return whole;
}

static outcome
run_as_pull(const wire_bytes *b)
{
    fmq__conn_config config = conn_config_of("PULL", "PUSH");

    return run(&config, b);
}

static void
check_failed(outcome o, int err, unsigned error, size_t used)
{
    CHECK_EQ(o.err, err);
    CHECK_EQ(o.error, error);
    CHECK_EQ(o.used, used);
    CHECK(!o.is_ready);
}

/* --- against libzmq's bytes --- */

TEST(our_bytes_are_libzmqs)
{
    static const struct {
        const char *vector;
        const char *type;
        bool has_identity;
        const char *identity;
    } row[] = {
        {"pair", "PAIR", false, ""},    {"pub", "PUB", false, ""},
        {"sub", "SUB", false, ""},      {"req", "REQ", true, ""},
        {"rep", "REP", false, ""},      {"dealer", "DEALER", true, ""},
        {"router", "ROUTER", true, ""}, {"pull", "PULL", false, ""},
        {"push", "PUSH", false, ""},    {"xpub", "XPUB", false, ""},
        {"xsub", "XSUB", false, ""},    {"dealer_alice", "DEALER", true, "alice"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        static wire_bytes golden;
        fmq__conn_config config = conn_config_of(row[i].type, NULL);
        outcome o;

        golden.len = 0;
        wire_add_vector(&golden, row[i].vector);
        config.has_identity = row[i].has_identity;
        config.identity = (const uint8_t *)row[i].identity;
        config.identity_len = strlen(row[i].identity);
        /* Shaking hands with libzmq's own, we say the same. */
        o = run(&config, &golden);
        CHECK_EQ(o.err, 0);
        CHECK(o.is_ready);
        CHECK_EQ(o.version, 0x0301);
        CHECK_EQ(o.used, golden.len);
        CHECK_EQ(o.out_len, golden.len);
        CHECK_MEM(o.out, golden.data, golden.len);
    }
}

/* The name that a peer gave itself. */
static void
check_name(const fmq__conn_config *config, const wire_bytes *b, const char *name)
{
    fmq__conn *c = conn_open(config);
    fmq__props *props;
    size_t used;

    REQUIRE(conn_feed(c, b->data, b->len, &used) == 0);
    props = fmq__conn_take_props(c);
    fmq__conn_free(c);
    if (name == NULL) {
        CHECK(fmq__props_get(props, "Identity", NULL) == NULL);
    } else {
        CHECK_STR(fmq__props_get(props, "Identity", NULL), name);
    }
    fmq__props_drop(props);
}

/* Each as a vector plays it; what we answer is libzmq's. */
TEST(peers_of_every_version)
{
    static const struct {
        const char *peer;
        const char *type; /* ours */
        const char *identity;
        unsigned version;
        size_t used;
        const char *theirs; /* as libzmq answers */
        const char *name;   /* of the peer; NULL: it has none */
    } row[] = {
        {"peer_1_0", "DEALER", "me", 0x0100, 7, "dealer_1_0", "alice"},
        {"peer_2_0", "DEALER", "me", 0x0200, 12 + 7, "dealer_2_0", "alice"},
        {"peer_1_0", "SUB", "", 0x0100, 7, "sub_1_0", "alice"},
        {"peer_2_0", "SUB", "", 0x0200, 12 + 7, "sub_2_0", "alice"},
        {"peer_sub_1_0", "XPUB", "", 0x0100, 2, "sub_1_0", ""},
        {"peer_sub_2_0", "XSUB", "", 0x0200, 12 + 2, NULL, ""},
        {"peer_pub_3_0", "SUB", "", 0x0300, 64 + 27, "sub_3_0", NULL},
        {"peer_3_0", "PULL", "", 0x0300, 64 + 28, "pull", NULL},
        {"peer_sub_3_0", "PUB", "", 0x0300, 64 + 27, "pub", NULL},
        {"peer_sub_3_1", "PUB", "", 0x0301, 64 + 27, "pub", NULL},
        {"peer_ping", "PAIR", "", 0x0301, 64 + 28, "pair", NULL},
        {"peer_unknown_commands", "PULL", "", 0x0301, 64 + 28, "pull", NULL},
        {"peer_3_1", "DEALER", "", 0x0301, 64 + 48, "dealer", "alice"},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        static wire_bytes b;
        static wire_bytes golden;
        fmq__conn_config config = conn_config_of(row[i].type, NULL);
        outcome o;

        b.len = 0;
        golden.len = 0;
        wire_add_vector(&b, row[i].peer);
        config.identity = (const uint8_t *)row[i].identity;
        config.identity_len = strlen(row[i].identity);
        config.has_identity = strcmp(row[i].type, "DEALER") == 0;
        o = run(&config, &b);
        CHECK_EQ(o.err, 0);
        CHECK(o.is_ready);
        CHECK_EQ(o.version, row[i].version);
        CHECK_EQ(o.used, row[i].used);
        if (row[i].theirs != NULL) {
            wire_add_vector(&golden, row[i].theirs);
            REQUIRE(o.out_len <= golden.len);
            CHECK_MEM(o.out, golden.data, o.out_len);
        }
        check_name(&config, &b, row[i].name);
    }
}

TEST(a_reason_that_is_no_code)
{
    static wire_bytes b;

    wire_add_vector(&b, "peer_error");
    check_failed(run_as_pull(&b), EACCES, 0, b.len);
}

TEST(what_follows_the_handshake_is_left)
{
    static wire_bytes b;
    outcome o;

    wire_add_vector(&b, "push_message");
    o = run_as_pull(&b);
    CHECK_EQ(o.err, 0);
    CHECK(o.is_ready);
    CHECK_EQ(b.data[o.used], FMQ__MORE);
    CHECK_MEM(b.data + o.used + 2, "hello", 5);
}

TEST(refused_by_libzmq)
{
    static wire_bytes b;
    fmq__conn_config config = conn_config_of("PUSH", "PULL");

    wire_add_vector(&b, "error_400");
    check_failed(run(&config, &b), EACCES, 400, b.len);
}

TEST(properties_of_the_peer)
{
    static wire_bytes b;
    fmq__conn_config config = conn_config_of("ROUTER", "DEALER");
    fmq__conn *c = conn_open(&config);
    fmq__props *props;
    size_t used;
    size_t len;

    wire_add_vector(&b, "dealer_alice");
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    REQUIRE(fmq__conn_is_ready(c));
    props = fmq__conn_take_props(c);
    fmq__conn_free(c);
    CHECK_STR(fmq__props_get(props, "Socket-Type", &len), "DEALER");
    CHECK_EQ(len, 6);
    CHECK_STR(fmq__props_get(props, "identity", &len), "alice");
    CHECK_EQ(len, 5);
    CHECK(fmq__props_get(props, "Resource", NULL) == NULL);
    fmq__props_drop(props);
}

/* --- the steps of the greeting --- */

/* Feeds `len` more bytes of `b` and says how many bytes have come out so far. */
static size_t
sent_after(fmq__conn *c, wire_bytes *b, size_t *at, size_t len, wire_bytes *out)
{
    size_t used;

    CHECK_EQ(conn_feed(c, b->data + *at, len, &used), 0);
    CHECK_EQ(used, len);
    *at += len;
    conn_drain(c, out, 1);
    return out->len;
}

TEST(nothing_is_said_too_early)
{
    static wire_bytes b;
    static wire_bytes out;
    fmq__conn *c = open_pull();
    size_t at = 0;
    size_t ready_len;

    wire_add_vector(&b, "push");
    ready_len = b.len - 64; /* PUSH and PULL are equally long */
    CHECK_EQ(sent_after(c, &b, &at, 0, &out), 10);
    CHECK_EQ(sent_after(c, &b, &at, 9, &out), 10);
    CHECK_EQ(sent_after(c, &b, &at, 1, &out), 11);
    CHECK_EQ(sent_after(c, &b, &at, 1, &out), 64);
    CHECK_EQ(sent_after(c, &b, &at, 52, &out), 64);
    CHECK(!fmq__conn_has_greeted(c));
    CHECK_EQ(sent_after(c, &b, &at, 1, &out), 64 + ready_len);
    CHECK(fmq__conn_has_greeted(c));
    CHECK_EQ(sent_after(c, &b, &at, ready_len - 1, &out), 64 + ready_len);
    CHECK(!fmq__conn_is_ready(c));
    CHECK_EQ(sent_after(c, &b, &at, 1, &out), 64 + ready_len);
    CHECK(fmq__conn_is_ready(c));
    fmq__conn_free(c);
}

TEST(two_of_ours)
{
    static const size_t steps[] = {1, 2, 3, 7, 10, 11, 63, 64, 65, 1000};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        fmq__conn_config config_a = conn_config_of("REQ", "REP");
        fmq__conn_config config_b = conn_config_of("REP", "REQ");
        fmq__conn *a;
        fmq__conn *b;
        fmq__conn *side[2];
        size_t quiet = 0;

        config_a.has_identity = true;
        config_a.identity = (const uint8_t *)"x";
        config_a.identity_len = 1;
        config_b.metadata = (const uint8_t *)"\3X-a\0\0\0\1b";
        config_b.metadata_len = 9;
        side[0] = a = conn_open(&config_a);
        side[1] = b = conn_open(&config_b);
        for (size_t turn = 0; quiet < 2; turn++) {
            const uint8_t *data;
            size_t n = fmq__conn_output(side[turn % 2], &data);
            size_t used;

            n = n < steps[i] ? n : steps[i];
            quiet = n == 0 ? quiet + 1 : 0;
            CHECK_EQ(conn_feed(side[1 - turn % 2], data, n, &used), 0);
            CHECK_EQ(used, n);
            fmq__conn_sent(side[turn % 2], n);
        }
        CHECK(fmq__conn_is_ready(a) && fmq__conn_is_ready(b));
        if (fmq__conn_is_ready(a) && fmq__conn_is_ready(b)) {
            fmq__props *of_a = fmq__conn_take_props(b);
            fmq__props *of_b = fmq__conn_take_props(a);

            CHECK_STR(fmq__props_get(of_a, "Identity", NULL), "x");
            CHECK_STR(fmq__props_get(of_b, "Socket-Type", NULL), "REP");
            CHECK_STR(fmq__props_get(of_b, "X-A", NULL), "b");
            CHECK(fmq__props_get(of_b, "Identity", NULL) == NULL);
            fmq__props_drop(of_a);
            fmq__props_drop(of_b);
        }
        fmq__conn_free(a);
        fmq__conn_free(b);
    }
}

/* --- every cell of the table that bytes can reach --- */

TEST(signature_cells)
{
    static wire_bytes b;

    wire_add_text(&b, "GET / HTTP/1.1\r\n\r\n");
    check_failed(run_as_pull(&b), EPROTO, 0, 2);
    b.len = 0;
    wire_add(&b, "\xFF\0\0\0\0\0\0\1\1\0 and too long an identity", 28);
    check_failed(run_as_pull(&b), EPROTO, 0, 10);
    b.len = 0;
    wire_add(&b, "\0\0", 2);
    check_failed(run_as_pull(&b), EPROTO, 0, 1);
}

/* A peer of ZMTP 1.0 has nothing but an identity, whose frame may be a long one. */
TEST(version_1_0)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {{"\1\0", 2}, {"\5\0peer", 6}, {"\xFF\0\0\0\0\0\0\0\5\0peer", 14}};
    fmq__conn_config config = conn_config_of("PULL", "PUSH");

    config.identity = (const uint8_t *)"me";
    config.identity_len = 2;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static wire_bytes b;
        outcome o;

        b.len = 0;
        wire_add(&b, rows[i].bytes, rows[i].len);
        o = run(&config, &b);
        CHECK_EQ(o.err, 0);
        CHECK(o.is_ready);
        CHECK_EQ(o.version, 0x0100);
        CHECK_EQ(o.used, b.len);
        CHECK_EQ(o.out_len, 12);
        CHECK_MEM(o.out, "\xFF\0\0\0\0\0\0\0\3\x7Fme", 12);
    }
}

TEST(revision_cells)
{
    for (uint8_t revision = 0; revision < 6; revision++) {
        static wire_bytes b;
        outcome o;

        if (revision == 1) {
            continue; /* ZMTP 2.0: below */
        }

        b.len = 0;
        wire_add_greeting(&b);
        b.data[10] = revision;
        add_ready(&b, FMQ__COMMAND, "PUSH");
        o = run_as_pull(&b);
        if (revision == 0) {
            check_failed(o, EPROTO, 0, 11);
            CHECK(!o.has_greeted);
            CHECK_EQ(o.out_len, 11);
        } else {
            CHECK(o.is_ready);
            CHECK_EQ(o.version, 0x0301);
        }
    }
}

/* A peer of ZMTP 2.0: its type, which is not looked at, and its identity in a frame. */
TEST(version_2_0)
{
    static const char *const identities[] = {"", "peer",
                                             "a name of more than 32 bytes in all"};
    fmq__conn_config config = conn_config_of("PULL", "PUSH");

    config.identity = (const uint8_t *)"me";
    config.identity_len = 2;
    for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
        static wire_bytes b;
        size_t len = strlen(identities[i]);
        outcome o;

        b.len = 0;
        wire_add(&b, "\xFF\0\0\0\0\0\0\0\1\x7F\1\x63", 12);
        b.data[b.len++] = 0;
        b.data[b.len++] = (uint8_t)len;
        wire_add(&b, identities[i], len);
        o = run(&config, &b);
        CHECK_EQ(o.err, 0);
        CHECK(o.is_ready);
        CHECK_EQ(o.version, 0x0200);
        CHECK_EQ(o.used, b.len);
        CHECK_EQ(o.out_len, 16);
        CHECK_MEM(o.out, "\xFF\0\0\0\0\0\0\0\3\x7F\3\7\0\2me", 16);
    }
}

TEST(version_2_0_refused)
{
    static wire_bytes b;
    fmq__conn_config config = conn_config_of("PULL", "PUSH");

    wire_add(&b, "\xFF\0\0\0\0\0\0\0\1\x7F\1\x8", 12);
    wire_add(&b, "\2\0\0\0\0\0\0\1\0", 9); /* an identity of 256 bytes */
    for (int i = 0; i < 256; i++) {
        b.data[b.len++] = 'x';
    }
    check_failed(run(&config, &b), EPROTO, 0, b.len);
}

TEST(minor_versions)
{
    for (int minor = 0; minor < 256; minor += 51) {
        static wire_bytes b;
        outcome o;

        b.len = 0;
        wire_add_greeting(&b);
        b.data[11] = (uint8_t)minor;
        add_ready(&b, FMQ__COMMAND, "PUSH");
        o = run_as_pull(&b);
        CHECK(o.is_ready);
        CHECK_EQ(o.version, minor == 0 ? 0x0300 : 0x0301);
    }
}

TEST(greeting_cells)
{
    static const char *const names[] = {"PLAIN", "CURVE", "NUL", "null", "NULLX", ""};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        static wire_bytes b;
        outcome o;

        b.len = FMQ__GREETING_LEN;
        fmq__greeting_put(b.data, 0, names[i]);
        add_ready(&b, FMQ__COMMAND, "PUSH");
        o = run_as_pull(&b);
        check_failed(o, EPROTO, FMQ__ZMTP_MECHANISM_MISMATCH, 64);
        CHECK(!o.has_greeted);
        CHECK_EQ(o.out_len, 64); /* and no READY */
    }
}

TEST(padding_and_as_server_are_ignored)
{
    static wire_bytes b;

    wire_add_greeting(&b);
    memset(b.data + 1, 0xA5, 8);
    memset(b.data + 32, 0xA5, 32);
    add_ready(&b, FMQ__COMMAND, "PUSH");
    CHECK(run_as_pull(&b).is_ready);
}

/* A greeting, then one frame. */
static outcome
run_frame(unsigned flags, const void *body, size_t len)
{
    static wire_bytes b;
    outcome o;

    b.len = 0;
    wire_add_greeting(&b);
    wire_add_frame(&b, flags, body, len);
    o = run_as_pull(&b);
    CHECK(o.has_greeted);
    if (o.err != 0) {
        CHECK_EQ(o.used, b.len);
    }
    return o;
}

TEST(command_cells)
{
    static const struct {
        const char *body;
        size_t len;
        int err;
        unsigned error;
    } row[] = {
#define ROW(body, err, error) {(body), sizeof(body) - 1, (err), (error)}
        ROW("\5READY", 0, 0), /* no Socket-Type */
        ROW("\5READY\13Socket-Type\0\0\0\4PUSH", 0, 0),
        ROW("\5READY\13SOCKET-TYPE\0\0\0\4PUSH", 0, 0),
        ROW("\5READY\13Socket-Type\0\0\0\4PULL", EPROTO, 0),
        ROW("\5READY\13socket-type\0\0\0\4PULL", EPROTO, 0),
        ROW("\5READY\13Socket-Type\0\0\0\4push", EPROTO, 0),
        ROW("\5READY\13Socket-Type\0\0\0\5PUSH\0", EPROTO, 0),
        ROW("\5READY\13Socket-Type\0\0\0\0", EPROTO, 0),
        /* The first value counts. */
        ROW("\5READY\13Socket-Type\0\0\0\4PUSH\13Socket-Type\0\0\0\4PULL", 0, 0),
        ROW("\5READY\13Socket-Type\0\0\0\4PULL\13Socket-Type\0\0\0\4PUSH", EPROTO, 0),
        /* Bad properties. */
        ROW("\5READY\13Socket-Type\0\0\0\5PUSH", EPROTO, 0),
        ROW("\5READY\13Socket-Type\0\0\0\4PUSH\1", EPROTO, 0),
        ROW("\5READY\0\0\0\0\0", EPROTO, 0),
        /* What is not READY. */
        ROW("\5ERROR\3"
            "500",
            EACCES, 500),
        ROW("\5ERROR\4nope", EACCES, 0),
        ROW("\5ERROR\4nop", EPROTO, FMQ__ZMTP_MALFORMED_ERROR),
        ROW("\4PING\0\0", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("\11SUBSCRIBEtopic", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("\5HELLO\0\0", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("hello", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
        ROW("", EPROTO, FMQ__ZMTP_UNEXPECTED_COMMAND),
#undef ROW
    };
    /* libzmq looks at neither COMMAND nor MORE here, and LONG is legal for any size. */
    static const unsigned flags[] = {FMQ__COMMAND, 0, FMQ__COMMAND | FMQ__MORE,
                                     FMQ__COMMAND | FMQ__LONG, 0xF8 | FMQ__LONG};

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
            outcome o = run_frame(flags[k], row[i].body, row[i].len);

            CHECK_EQ(o.err, row[i].err);
            CHECK_EQ(o.error, row[i].error);
            CHECK_EQ(o.is_ready, row[i].err == 0);
        }
    }
}

TEST(oversize_cells)
{
    static const uint64_t sizes[] = {64 * 1024 + 1, UINT32_MAX, INT64_MAX,
                                     (uint64_t)INT64_MAX + 1, UINT64_MAX};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        static wire_bytes b;
        uint8_t head[FMQ__FRAME_LONG_HEADER] = {FMQ__LONG | FMQ__COMMAND};

        b.len = 0;
        wire_add_greeting(&b);
        fmq__put_u64(head + 1, sizes[i]);
        wire_add(&b, head, sizeof(head));
        wire_add_text(&b, "\5READY");
        check_failed(run_as_pull(&b), EPROTO, FMQ__ZMTP_MALFORMED_COMMAND, 64 + 9);
    }
}

TEST(largest_command)
{
    static wire_bytes b;
    static uint8_t body[64 * 1024] = "\5READY\3X-b";
    fmq__conn *c = open_pull();
    fmq__props *props;
    size_t used;
    size_t len = 0;

    fmq__put_u32(body + 10, sizeof(body) - 14);
    memset(body + 14, 'v', sizeof(body) - 14);
    wire_add_greeting(&b);
    wire_add_frame(&b, FMQ__COMMAND | FMQ__LONG, body, sizeof(body));
    CHECK_EQ(conn_feed_cut(c, &b, 0, 4099, &used), 0);
    CHECK_EQ(used, b.len);
    REQUIRE(fmq__conn_is_ready(c));
    props = fmq__conn_take_props(c);
    CHECK(fmq__props_get(props, "X-b", &len) != NULL);
    CHECK_EQ(len, sizeof(body) - 14);
    fmq__props_drop(props);
    fmq__conn_free(c);
}

TEST(ready_cells)
{
    static wire_bytes b;
    fmq__conn *c = open_pull();
    size_t used;

    wire_add_vector(&b, "push");
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    CHECK(fmq__conn_is_ready(c));
    /* Whatever comes now is the session's. */
    CHECK_EQ(conn_feed(c, b.data, b.len, &used), 0);
    CHECK_EQ(used, 0);
    CHECK(fmq__conn_is_ready(c));
    fmq__conn_free(c);
}

TEST(type_bits)
{
    static const char *const names[] = {
        "PAIR",  "PUB",  "SUB",    "REQ",     "REP",    "DEALER", "ROUTER",
        "PULL",  "PUSH", "XPUB",   "XSUB",    "STREAM", "SERVER", "CLIENT",
        "RADIO", "DISH", "GATHER", "SCATTER", "DGRAM",  "PEER",   "CHANNEL"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_EQ(conn_bit(names[i]), 1LL << i);
    }
    CHECK_EQ(conn_bit("PUSHY"), 0);
    CHECK_EQ(conn_bit("PUS"), 0);
    CHECK_EQ(conn_bit("push"), 0);
    CHECK_EQ(conn_bit(""), 0);
    CHECK_EQ(fmq__conn_type_bit("PUB\0", 4), 0);
}

TEST(nothing_to_free)
{
    fmq__conn_free(NULL);
}

int
main(void)
{
    RUN(our_bytes_are_libzmqs);
    RUN(peers_of_every_version);
    RUN(a_reason_that_is_no_code);
    RUN(what_follows_the_handshake_is_left);
    RUN(refused_by_libzmq);
    RUN(properties_of_the_peer);
    RUN(nothing_is_said_too_early);
    RUN(two_of_ours);
    RUN(signature_cells);
    RUN(revision_cells);
    RUN(version_1_0);
    RUN(version_2_0);
    RUN(version_2_0_refused);
    RUN(minor_versions);
    RUN(greeting_cells);
    RUN(padding_and_as_server_are_ignored);
    RUN(command_cells);
    RUN(oversize_cells);
    RUN(largest_command);
    RUN(ready_cells);
    RUN(type_bits);
    RUN(nothing_to_free);
    return CHECK_RESULT();
}
