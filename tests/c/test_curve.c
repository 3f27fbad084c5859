/* SPDX-License-Identifier: Apache-2.0 */
/* CURVE: the handshake byte by byte as libzmq has it, between two of ours, and with
 * everything that a peer can get wrong. */
#include "security/curve.h"

#include <errno.h>

#include "base/alloc.h"
#include "curve_test.h"
#include "mech_test.h"
#include "msg/msg.h"
#include "security/curve_box.h"
#include "security/curve_guard.h"
#include "security/mechanism.h"
#include "wire_test.h"

static const fmq__mech_ops *const client_ops = &fmq__mech_curve_client;
static const fmq__mech_ops *const server_ops = &fmq__mech_curve_server;

static fmq__secrets *client_secrets;
static fmq__secrets *server_secrets;

static void *
open_client(const void *metadata, size_t len)
{
    curve_next_random = 0x11;
    return mech_open(client_ops, client_secrets, false, metadata, len);
}

static void *
open_server(const void *metadata, size_t len)
{
    return mech_open(server_ops, server_secrets, true, metadata, len);
}

/* --- frames of a vector --- */

typedef struct body {
    const uint8_t *data;
    size_t len;
    unsigned flags;
} body;

enum { FIRST, SECOND, MESSAGE_1, MESSAGE_2, N_BODIES };

/* Cuts what is behind the greeting into frames. */
static void
cut(const wire_bytes *b, body bodies[N_BODIES])
{
    size_t at = FMQ__GREETING_LEN;

    for (int i = 0; i < N_BODIES; i++) {
        size_t header_len;
        uint64_t len;

        REQUIRE(fmq__frame_parse(b->data + at, b->len - at, &header_len, &len,
                                 &bodies[i].flags) == 1);
        bodies[i].data = b->data + at + header_len;
        bodies[i].len = (size_t)len;
        at += header_len + (size_t)len;
    }
    CHECK_EQ(at, b->len);
}

static const uint8_t metadata[] = "\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0\0";

enum { METADATA_LEN = sizeof(metadata) - 1 };

/* Seals the message of the vectors, and opens the other side's. */
static void
check_traffic(fmq__guard *g, const body *said, const body *heard)
{
    uint8_t long_body[300];
    const uint8_t *text[2] = {(const uint8_t *)"hello", long_body};
    const size_t len[2] = {5, sizeof(long_body)};

    memset(long_body, 'x', sizeof(long_body));
    for (size_t i = 0; i < 2; i++) {
        unsigned flags = i == 0 ? FMQ__MORE : 0;
        uint8_t sealed[400];
        size_t sealed_len = 0;
        fmq__opened opened = {0};

        REQUIRE(g->ops->sealed_max(g, len[i]) == said[i].len);
        CHECK_EQ(g->ops->seal(g, flags, text[i], len[i], sealed, &sealed_len), 0);
        CHECK_EQ(sealed_len, said[i].len);
        CHECK_MEM(sealed, said[i].data, said[i].len);
        CHECK_EQ(said[i].flags, 0);
        memcpy(sealed, heard[i].data, heard[i].len);
        CHECK_EQ(g->ops->open(g, sealed, heard[i].len, &opened), 0);
        CHECK_EQ(opened.flags, flags);
        CHECK_EQ(opened.len, len[i]);
        CHECK_MEM(opened.body, text[i], len[i]);
    }
    g->ops->free(g);
}

static void
load_vectors(body client[N_BODIES], body server[N_BODIES])
{
    static wire_bytes bytes[2];

    bytes[0].len = bytes[1].len = 0;
    wire_add_vector(&bytes[0], "curve_client");
    wire_add_vector(&bytes[1], "curve_server");
    cut(&bytes[0], client);
    cut(&bytes[1], server);
}

TEST(client_says_what_libzmq_says)
{
    body client[N_BODIES];
    body server[N_BODIES];
    fmq__mech_result r = {0};
    fmq__guard *g = NULL;
    void *s = open_client(metadata, METADATA_LEN);

    load_vectors(client, server);
    mech_expect_next(client_ops, s, client[FIRST].data, client[FIRST].len);
    CHECK_EQ(client_ops->input(s, server[FIRST].data, server[FIRST].len, &r), 0);
    mech_expect_next(client_ops, s, client[SECOND].data, client[SECOND].len);
    CHECK_EQ(client_ops->input(s, server[SECOND].data, server[SECOND].len, &r), 0);
    CHECK_EQ(client_ops->want(s), 0);
    CHECK_EQ(r.metadata_len, METADATA_LEN);
    CHECK_MEM(r.metadata, metadata, METADATA_LEN);
    REQUIRE(client_ops->make_guard(s, &g) == 0);
    mech_close(client_ops, s);
    check_traffic(g, client + MESSAGE_1, server + MESSAGE_1);
}

TEST(server_says_what_libzmq_says)
{
    body client[N_BODIES];
    body server[N_BODIES];
    fmq__mech_credential c[FMQ__MECH_MAX_CREDENTIALS];
    fmq__mech_result r = {0};
    fmq__guard *g = NULL;
    void *s = open_server(metadata, METADATA_LEN);

    load_vectors(client, server);
    curve_next_random = 0x21;
    CHECK_EQ(server_ops->input(s, client[FIRST].data, client[FIRST].len, &r), 0);
    mech_expect_next(server_ops, s, server[FIRST].data, server[FIRST].len);
    CHECK_EQ(server_ops->input(s, client[SECOND].data, client[SECOND].len, &r), 0);
    CHECK_EQ(r.metadata_len, METADATA_LEN);
    CHECK_MEM(r.metadata, metadata, METADATA_LEN);
    CHECK_EQ(server_ops->want(s), FMQ__MECH_ZAP);
    CHECK_EQ(server_ops->credentials(s, c), 1);
    CHECK_EQ(c[0].len, FMQ__KEY_LEN);
    CHECK_MEM(c[0].data, client_secrets->public_key, FMQ__KEY_LEN);
    CHECK_EQ(server_ops->zap_reply(s, 200, &r), 0);
    mech_expect_next(server_ops, s, server[SECOND].data, server[SECOND].len);
    CHECK_EQ(server_ops->want(s), 0);
    REQUIRE(server_ops->make_guard(s, &g) == 0);
    mech_close(server_ops, s);
    check_traffic(g, server + MESSAGE_1, client + MESSAGE_1);
}

/* --- two of ours --- */

/* A command on its way. */
typedef struct letter {
    uint8_t *data;
    size_t len;
} letter;

static letter
next_of(const fmq__mech_ops *ops, void *s)
{
    letter l;

    l.data = mech_next(ops, s, &l.len);
    return l;
}

static int
give(const fmq__mech_ops *ops, void *s, letter l, fmq__mech_result *r)
{
    int err;

    *r = (fmq__mech_result){0};
    err = mech_feed(ops, s, l.data, l.len, r);
    free(l.data);
    return err;
}

static void
check_pair(size_t metadata_len)
{
    static uint8_t text[70000];
    void *client = open_client(text, metadata_len);
    void *server = open_server(text, metadata_len);
    fmq__mech_result r;

    memset(text, 'm', sizeof(text));
    CHECK_EQ(give(server_ops, server, next_of(client_ops, client), &r), 0);
    CHECK_EQ(give(client_ops, client, next_of(server_ops, server), &r), 0);
    CHECK_EQ(give(server_ops, server, next_of(client_ops, client), &r), 0);
    CHECK_EQ(r.metadata_len, metadata_len);
    CHECK_MEM(r.metadata, text, metadata_len);
    CHECK_EQ(server_ops->zap_reply(server, 200, &r), 0);
    CHECK_EQ(give(client_ops, client, next_of(server_ops, server), &r), 0);
    CHECK_EQ(r.metadata_len, metadata_len);
    CHECK_MEM(r.metadata, text, metadata_len);
    CHECK_EQ(client_ops->want(client) | server_ops->want(server), 0);
    mech_close(client_ops, client);
    mech_close(server_ops, server);
}

TEST(metadata_of_any_length)
{
    check_pair(0);
    check_pair(1);
    check_pair(31);
    check_pair(33);
    check_pair(65000);
}

TEST(server_refuses)
{
    static const unsigned status[] = {300, 400, 500};

    for (size_t i = 0; i < 3; i++) {
        void *client = open_client(NULL, 0);
        void *server = open_server(NULL, 0);
        fmq__mech_result r;

        CHECK_EQ(give(server_ops, server, next_of(client_ops, client), &r), 0);
        CHECK_EQ(give(client_ops, client, next_of(server_ops, server), &r), 0);
        CHECK_EQ(give(server_ops, server, next_of(client_ops, client), &r), 0);
        CHECK_EQ(server_ops->zap_reply(server, status[i], &r), EACCES);
        CHECK_EQ(r.error, status[i]);
        if (status[i] == 300) {
            CHECK_EQ(server_ops->want(server), 0);
        } else {
            CHECK_EQ(give(client_ops, client, next_of(server_ops, server), &r), EACCES);
            CHECK_EQ(r.error, status[i]);
        }
        mech_close(client_ops, client);
        mech_close(server_ops, server);
    }
}

/* --- what is wrong --- */

/* Has a handshake go on up to command `n` (0: HELLO, ... 3: READY), which `bend`
 * changes; what the receiver says of it. */
static int
run_bent(int n, void (*bend)(letter *l, size_t at), size_t at, unsigned *error)
{
    void *end[2] = {open_client("abc", 3), open_server("abc", 3)};
    const fmq__mech_ops *ops[2] = {client_ops, server_ops};
    fmq__mech_result r = {0};
    int err = 0;

    for (int i = 0; i <= n && err == 0; i++) {
        int from = i % 2;
        letter l;

        if ((ops[from]->want(end[from]) & FMQ__MECH_ZAP) != 0) {
            CHECK_EQ(ops[from]->zap_reply(end[from], 200, &r), 0);
        }
        l = next_of(ops[from], end[from]);
        if (i == n) {
            bend(&l, at);
        }
        err = give(ops[!from], end[!from], l, &r);
    }
    *error = r.error;
    CHECK(err == 0 || (r.metadata == NULL && ops[1]->want(end[1]) != FMQ__MECH_ZAP));
    mech_close(client_ops, end[0]);
    mech_close(server_ops, end[1]);
    return err;
}

static void
flip(letter *l, size_t at)
{
    l->data[at] ^= 0x40;
}

static void
shorten(letter *l, size_t by)
{
    l->len -= by;
}

static void
lengthen(letter *l, size_t by)
{
    uint8_t *longer = realloc(l->data, l->len + by);

    REQUIRE(longer != NULL);
    memset(longer + l->len, 0, by);
    l->data = longer;
    l->len += by;
}

TEST(every_byte_counts)
{
    /* By command: its length, where its name ends, and which bytes nobody looks at. */
    static const struct {
        size_t len;
        size_t name_end;
        size_t free_from;
        size_t free_to;
    } row[] = {{200, 6, 8, 80}, {168, 8, 0, 0}, {260, 9, 0, 0}, {33, 6, 0, 0}};

    for (int n = 0; n < 4; n++) {
        for (size_t at = 0; at < row[n].len; at++) {
            bool is_free = at >= row[n].free_from && at < row[n].free_to;
            unsigned want_error = FMQ__ZMTP_CRYPTOGRAPHIC;
            unsigned error = 0;
            int err = run_bent(n, flip, at, &error);

            if (at == 0) {
                want_error = row[n].len > 'A' + 8 ? FMQ__ZMTP_UNEXPECTED_COMMAND
                                                  : FMQ__ZMTP_MALFORMED_COMMAND;
            } else if (at < row[n].name_end) {
                want_error = FMQ__ZMTP_UNEXPECTED_COMMAND;
            } else if (n == 0 && at < 8) {
                want_error = FMQ__ZMTP_MALFORMED_HELLO;
            }
            if (!CHECK_EQ(err, is_free ? 0 : EPROTO) ||
                !CHECK_EQ(error, is_free ? 0 : want_error)) {
                fprintf(stderr, "  command %d, byte %zu\n", n, at);
            }
        }
    }
}

TEST(every_length_counts)
{
    static const struct {
        size_t len;
        size_t name_end;
        size_t min; /* longer ones may be good */
        unsigned error;
    } row[] = {{200, 6, 200, FMQ__ZMTP_MALFORMED_HELLO},
               {168, 8, 168, FMQ__ZMTP_MALFORMED_WELCOME},
               {260, 9, 257, FMQ__ZMTP_MALFORMED_INITIATE},
               {33, 6, 30, FMQ__ZMTP_MALFORMED_READY}};

    for (int n = 0; n < 4; n++) {
        unsigned error = 0;

        for (size_t by = 1; by <= row[n].len; by++) {
            size_t len = row[n].len - by;
            unsigned want_error = len >= row[n].min ? FMQ__ZMTP_CRYPTOGRAPHIC
                                  : len >= row[n].name_end
                                      ? row[n].error
                                      : FMQ__ZMTP_MALFORMED_COMMAND;

            CHECK_EQ(run_bent(n, shorten, by, &error), EPROTO);
            CHECK_EQ(error, want_error);
        }
        CHECK_EQ(run_bent(n, lengthen, 1, &error), EPROTO);
        CHECK_EQ(error, n < 2 ? row[n].error : FMQ__ZMTP_CRYPTOGRAPHIC);
    }
}

TEST(commands_out_of_order)
{
    static const char *const text[] = {"\5HELLO", "\7WELCOME", "\10INITIATE",
                                       "\5READY", "\7MESSAGE", "\5ERROR"};

    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        void *client = open_client(NULL, 0);
        void *server = open_server(NULL, 0);
        uint8_t bytes[300] = {0};
        fmq__mech_result r = {0};
        bool is_hello = strcmp(text[i], "\5HELLO") == 0;
        bool is_welcome = strcmp(text[i], "\7WELCOME") == 0;
        bool is_error = strcmp(text[i], "\5ERROR") == 0;

        memcpy(bytes, text[i], strlen(text[i]));
        CHECK_EQ(server_ops->input(server, bytes, sizeof(bytes), &r), EPROTO);
        CHECK_EQ(r.error,
                 is_hello ? FMQ__ZMTP_MALFORMED_HELLO : FMQ__ZMTP_UNEXPECTED_COMMAND);
        mech_skip_sends(client_ops, client);
        CHECK_EQ(client_ops->input(client, bytes, sizeof(bytes), &r),
                 is_error ? EACCES : EPROTO);
        CHECK_EQ(r.error, is_error     ? 0
                          : is_welcome ? FMQ__ZMTP_MALFORMED_WELCOME
                                       : FMQ__ZMTP_UNEXPECTED_COMMAND);
        mech_close(client_ops, client);
        mech_close(server_ops, server);
    }
}

/* INITIATE of one connection, to another one of the same two. */
TEST(cookies_are_good_once_and_for_one_connection)
{
    void *client = open_client(NULL, 0);
    void *server = open_server(NULL, 0);
    void *other = open_server(NULL, 0);
    letter hello = next_of(client_ops, client);
    letter initiate;
    letter copy;
    fmq__mech_result r = {0};

    CHECK_EQ(mech_feed(server_ops, other, hello.data, hello.len, &r), 0);
    mech_skip_sends(server_ops, other);
    CHECK_EQ(give(server_ops, server, hello, &r), 0);
    CHECK_EQ(give(client_ops, client, next_of(server_ops, server), &r), 0);
    initiate = next_of(client_ops, client);
    copy = (letter){malloc(initiate.len), initiate.len};
    REQUIRE(copy.data != NULL);
    memcpy(copy.data, initiate.data, initiate.len);
    CHECK_EQ(give(server_ops, other, copy, &r), EPROTO);
    CHECK_EQ(r.error, FMQ__ZMTP_CRYPTOGRAPHIC);
    CHECK_EQ(mech_feed(server_ops, server, initiate.data, initiate.len, &r), 0);
    /* While it asks, it wants no command; if it got one, it would not take it. */
    r = (fmq__mech_result){0};
    CHECK_EQ(server_ops->want(server), FMQ__MECH_ZAP);
    CHECK_EQ(give(server_ops, server, initiate, &r), EPROTO);
    CHECK_EQ(r.error, FMQ__ZMTP_UNEXPECTED_COMMAND);
    mech_close(client_ops, client);
    mech_close(server_ops, server);
    mech_close(server_ops, other);
}

/* Plays a client by hand, whose vouch is for another connection's key than its own. */
TEST(vouch_of_another_connection)
{
    const fmq__crypto *crypto = curve_crypto();
    uint8_t own_secret[32];
    uint8_t key[32];
    uint8_t text[128] = {0};
    uint8_t vouch[64] = {0};
    uint8_t initiate[257] = "\10INITIATE";
    uint8_t opened[128];
    void *client = open_client(NULL, 0); /* c' is 11 11 ... */
    void *server = open_server(NULL, 0);
    letter welcome;
    fmq__curve_nonce n;
    fmq__mech_result r = {0};

    memset(own_secret, 0x11, sizeof(own_secret));
    CHECK_EQ(give(server_ops, server, next_of(client_ops, client), &r), 0);
    welcome = next_of(server_ops, server);
    REQUIRE(crypto->agree(key, client_secrets->server_key, own_secret));
    fmq__curve_nonce_long(&n, "WELCOME-", welcome.data + FMQ__CURVE_WELCOME_NONCE);
    REQUIRE(fmq__curve_open(crypto, opened, welcome.data + FMQ__CURVE_WELCOME_BOX, 144,
                            &n, key));
    memcpy(initiate + FMQ__CURVE_INITIATE_COOKIE, opened + 32, FMQ__CURVE_COOKIE);
    /* Box[zeros instead of C', S](C->S') */
    memcpy(text, client_secrets->public_key, 32);
    fmq__curve_nonce_long(&n, "VOUCH---", text + 32);
    REQUIRE(crypto->agree(key, opened, client_secrets->secret_key));
    fmq__curve_seal(crypto, text + 48, vouch, sizeof(vouch), &n, key);
    fmq__curve_nonce_short(&n, "CurveZMQINITIATE",
                           initiate + FMQ__CURVE_INITIATE_NONCE);
    REQUIRE(crypto->agree(key, opened, own_secret));
    fmq__curve_seal(crypto, initiate + FMQ__CURVE_INITIATE_BOX, text, sizeof(text), &n,
                    key);
    CHECK_EQ(mech_feed(server_ops, server, initiate, sizeof(initiate), &r), EPROTO);
    CHECK_EQ(r.error, FMQ__ZMTP_KEY_EXCHANGE);
    free(welcome.data);
    mech_close(client_ops, client);
    mech_close(server_ops, server);
}

/* With some keys everybody shares the same secret: the handshake goes no further. */
TEST(keys_without_a_secret)
{
    fmq__secrets *secrets = NULL;
    void *s;
    letter hello;
    fmq__mech_result r = {0};
    void *server = open_server(NULL, 0);

    REQUIRE(fmq__secrets_copy(client_secrets, &secrets) == 0);
    memset(secrets->server_key, 0, sizeof(secrets->server_key));
    s = mech_open(client_ops, secrets, false, NULL, 0);
    hello = next_of(client_ops, s);
    memset(hello.data + FMQ__CURVE_HELLO_KEY, 0, FMQ__KEY_LEN);
    CHECK_EQ(give(server_ops, server, hello, &r), EPROTO);
    CHECK_EQ(r.error, FMQ__ZMTP_CRYPTOGRAPHIC);
    mech_close(client_ops, s);
    mech_close(server_ops, server);
    fmq__secrets_drop(secrets);
}

TEST(without_crypto_there_is_none)
{
    fmq__secrets *secrets = NULL;
    fmq__mech_args args = {0};
    void *state = calloc(1, client_ops->state_size + server_ops->state_size);

    REQUIRE(state != NULL && fmq__secrets_copy(NULL, &secrets) == 0);
    secrets->mechanism = FMQ__MECHANISM_CURVE;
    args.config = secrets;
    CHECK_EQ(client_ops->init(state, &args), EINVAL);
    CHECK_EQ(server_ops->init(state, &args), EINVAL);
    CHECK(fmq__mechanism_of(secrets) == client_ops);
    secrets->is_server = true;
    CHECK(fmq__mechanism_of(secrets) == server_ops);
    free(state);
    fmq__secrets_drop(secrets);
}

static bool
is_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;

    while (n != 0 && bytes[n - 1] == 0) {
        n--;
    }
    return n == 0;
}

TEST(nothing_stays_behind)
{
    void *client = open_client("abc", 3);
    void *server = open_server("abc", 3);
    fmq__mech_result r = {0};

    CHECK_EQ(give(server_ops, server, next_of(client_ops, client), &r), 0);
    CHECK_EQ(give(client_ops, client, next_of(server_ops, server), &r), 0);
    client_ops->fini(client);
    server_ops->fini(server);
    CHECK(is_zero(client, client_ops->state_size));
    CHECK(is_zero(server, server_ops->state_size));
    free(client);
    free(server);
}

static int
run_short_of_memory(uint64_t n)
{
    void *client = open_client("abc", 3);
    void *server = open_server("abc", 3);
    uint8_t wire[300];
    fmq__mech_result r = {0};
    fmq__guard *g = NULL;
    int err = client_ops->next(client, wire);

    fmq__alloc_fail_at(n, 0);
    err = err == 0 ? server_ops->input(server, wire, 200, &r) : err;
    err = err == 0 ? server_ops->next(server, wire) : err;
    err = err == 0 ? client_ops->input(client, wire, 168, &r) : err;
    err = err == 0 ? client_ops->next(client, wire) : err;
    err = err == 0 ? server_ops->input(server, wire, 260, &r) : err;
    err = err == 0 ? server_ops->zap_reply(server, 200, &r) : err;
    err = err == 0 ? server_ops->next(server, wire) : err;
    err = err == 0 ? client_ops->input(client, wire, 33, &r) : err;
    err = err == 0 ? client_ops->make_guard(client, &g) : err;
    fmq__alloc_fail_at(0, 0);
    if (g != NULL) {
        g->ops->free(g);
    }
    CHECK_EQ(r.error, 0);
    mech_close(client_ops, client);
    mech_close(server_ops, server);
    return err;
}

TEST(memory_runs_out)
{
    uint64_t n = 1;

    while (run_short_of_memory(n) == ENOMEM) {
        n++;
    }
    CHECK_EQ(run_short_of_memory(n), 0);
    CHECK_EQ(n, 5); /* INITIATE twice, READY, the guard */
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(client_says_what_libzmq_says),
        CASE(server_says_what_libzmq_says),
        CASE(metadata_of_any_length),
        CASE(server_refuses),
        CASE(every_byte_counts),
        CASE(every_length_counts),
        CASE(commands_out_of_order),
        CASE(cookies_are_good_once_and_for_one_connection),
        CASE(vouch_of_another_connection),
        CASE(keys_without_a_secret),
        CASE(without_crypto_there_is_none),
        CASE(nothing_stays_behind),
        CASE(memory_runs_out),
    };
    int result;

    if (fmq__crypto_get() == NULL) {
        fprintf(stderr, "built without libsodium: no CURVE\n");
        return 0;
    }
    client_secrets = curve_secrets(curve_crypto(), CURVE_CLIENT, CURVE_SERVER);
    server_secrets = curve_secrets(curve_crypto(), CURVE_SERVER, 0);
    result = CHECK_MAIN(cases);
    fmq__secrets_drop(client_secrets);
    fmq__secrets_drop(server_secrets);
    return result;
}
