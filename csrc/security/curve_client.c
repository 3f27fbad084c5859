/* SPDX-License-Identifier: Apache-2.0 */
/* The client of RFC 26. In its letters: C, c are our long-term keys, C', c' those of
 * this connection; S and S' are the server's.
 *
 *     client                                   server
 *     HELLO C', Box[zeros](C'->S)         ->
 *                                         <-   WELCOME Box[S', cookie](S->C')
 *     INITIATE cookie, Box[C, vouch,      ->
 *     metadata](C'->S')
 *                                         <-   READY Box[metadata](S'->C'), or ERROR
 *
 * The vouch is Box[C', S](C->S'): only who has c can have made it, for this connection
 * and this server alone.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "security/curve.h"
#include "security/curve_box.h"
#include "security/curve_guard.h"
#include "security/refusal.h"
#include "security/secrets.h"

enum step { SEND_HELLO, AWAIT_WELCOME, SEND_INITIATE, AWAIT_READY, DONE };

typedef struct client_state {
    enum step step;
    const fmq__crypto *crypto;
    const fmq__secrets *secrets;
    const uint8_t *metadata;
    size_t metadata_len;
    uint8_t public_key[FMQ__KEY_LEN]; /* C' */
    uint8_t secret_key[FMQ__KEY_LEN]; /* c' */
    uint8_t shared[FMQ__KEY_LEN];     /* with S, then with S' */
    uint8_t server_key[FMQ__KEY_LEN]; /* S' */
    uint8_t cookie[FMQ__CURVE_COOKIE];
    uint64_t n_said;
    uint64_t n_heard;
    uint8_t *ready; /* what READY held, for as long as it is lent */
} client_state;

static int
init(void *state, const fmq__mech_args *args)
{
    client_state *s = state;

    s->secrets = args->config;
    s->crypto = s->secrets->crypto;
    if (s->crypto == NULL) {
        return EINVAL;
    }
    s->step = SEND_HELLO;
    s->metadata = args->metadata;
    s->metadata_len = args->metadata_len;
    fmq__curve_keypair(s->crypto, s->public_key, s->secret_key);
    return 0;
}

static void
fini(void *state)
{
    client_state *s = state;

    fmq__free(s->ready);
    fmq__wipe(s, sizeof(*s));
}

static unsigned
want(const void *state)
{
    const client_state *s = state;

    switch (s->step) {
    case SEND_HELLO:
    case SEND_INITIATE:
        return FMQ__MECH_SEND;
    case AWAIT_WELCOME:
    case AWAIT_READY:
        return FMQ__MECH_RECV;
    default:
        return 0;
    }
}

static size_t
next_len(const void *state)
{
    const client_state *s = state;

    return s->step == SEND_HELLO ? FMQ__CURVE_HELLO_LEN
                                 : FMQ__CURVE_INITIATE_MIN + s->metadata_len;
}

/* --- what we say --- */

/* A server key with which no secret can be shared is the application's mistake, and
 * looks like any other wrong one: the server will not understand us. */
static void
agree(client_state *s, uint8_t shared[32], const uint8_t public_key[32],
      const uint8_t secret_key[32])
{
    if (!s->crypto->agree(shared, public_key, secret_key)) {
        s->crypto->random(shared, FMQ__KEY_LEN);
    }
}

static void
put_hello(client_state *s, uint8_t *body)
{
    static const uint8_t zeros[FMQ__CURVE_HELLO_PLAIN];
    fmq__curve_nonce n;
    size_t at;

    memset(body, 0, FMQ__CURVE_HELLO_LEN);
    at = fmq__command_put_name(body, "HELLO");
    body[at] = 1; /* the version: 1.0 */
    memcpy(body + FMQ__CURVE_HELLO_KEY, s->public_key, FMQ__KEY_LEN);
    fmq__put_u64(body + FMQ__CURVE_HELLO_NONCE, ++s->n_said);
    fmq__curve_nonce_short(&n, "CurveZMQHELLO---", body + FMQ__CURVE_HELLO_NONCE);
    agree(s, s->shared, s->secrets->server_key, s->secret_key);
    fmq__curve_seal(s->crypto, body + FMQ__CURVE_HELLO_BOX, zeros, sizeof(zeros), &n,
                    s->shared);
}

/* Nonce and box: Box[C', S](C->S'). */
static void
put_vouch(client_state *s, uint8_t *to)
{
    uint8_t text[2 * FMQ__KEY_LEN];
    uint8_t shared[FMQ__KEY_LEN];
    fmq__curve_nonce n;

    s->crypto->random(to, FMQ__CURVE_LONG);
    fmq__curve_nonce_long(&n, "VOUCH---", to);
    memcpy(text, s->public_key, FMQ__KEY_LEN);
    memcpy(text + FMQ__KEY_LEN, s->secrets->server_key, FMQ__KEY_LEN);
    agree(s, shared, s->server_key, s->secrets->secret_key);
    fmq__curve_seal(s->crypto, to + FMQ__CURVE_LONG, text, sizeof(text), &n, shared);
    fmq__wipe(shared, sizeof(shared));
}

static int
put_initiate(client_state *s, uint8_t *body)
{
    size_t len = FMQ__CURVE_INITIATE_PLAIN + s->metadata_len;
    uint8_t *text = fmq__alloc(len);
    fmq__curve_nonce n;

    if (text == NULL) {
        return ENOMEM;
    }
    memcpy(text, s->secrets->public_key, FMQ__KEY_LEN);
    put_vouch(s, text + FMQ__KEY_LEN);
    if (s->metadata_len != 0) {
        memcpy(text + FMQ__CURVE_INITIATE_PLAIN, s->metadata, s->metadata_len);
    }
    (void)fmq__command_put_name(body, "INITIATE");
    memcpy(body + FMQ__CURVE_INITIATE_COOKIE, s->cookie, sizeof(s->cookie));
    fmq__put_u64(body + FMQ__CURVE_INITIATE_NONCE, ++s->n_said);
    fmq__curve_nonce_short(&n, "CurveZMQINITIATE", body + FMQ__CURVE_INITIATE_NONCE);
    fmq__curve_seal(s->crypto, body + FMQ__CURVE_INITIATE_BOX, text, len, &n,
                    s->shared);
    fmq__free(text);
    return 0;
}

static int
next(void *state, uint8_t *body)
{
    client_state *s = state;
    int err;

    if (s->step == SEND_HELLO) {
        put_hello(s, body);
        s->step = AWAIT_WELCOME;
        return 0;
    }
    assert(s->step == SEND_INITIATE);
    err = put_initiate(s, body);
    if (err == 0) {
        s->step = AWAIT_READY;
    }
    return err;
}

/* --- what the server says --- */

static int
fail(fmq__mech_result *result, unsigned error)
{
    result->error = error;
    return EPROTO;
}

static int
take_welcome(client_state *s, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    uint8_t text[FMQ__CURVE_WELCOME_PLAIN];
    fmq__curve_nonce n;

    if (len != FMQ__CURVE_WELCOME_LEN) {
        return fail(result, FMQ__ZMTP_MALFORMED_WELCOME);
    }
    fmq__curve_nonce_long(&n, "WELCOME-", body + FMQ__CURVE_WELCOME_NONCE);
    if (!fmq__curve_open(s->crypto, text, body + FMQ__CURVE_WELCOME_BOX,
                         len - FMQ__CURVE_WELCOME_BOX, &n, s->shared)) {
        return fail(result, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    memcpy(s->server_key, text, FMQ__KEY_LEN);
    memcpy(s->cookie, text + FMQ__KEY_LEN, sizeof(s->cookie));
    fmq__wipe(text, sizeof(text));
    if (!s->crypto->agree(s->shared, s->server_key, s->secret_key)) {
        return fail(result, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    s->step = SEND_INITIATE;
    return 0;
}

static int
take_ready(client_state *s, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    fmq__curve_nonce n;

    if (len < FMQ__CURVE_READY_MIN) {
        return fail(result, FMQ__ZMTP_MALFORMED_READY);
    }
    len -= FMQ__CURVE_READY_BOX;
    s->ready = fmq__alloc(len);
    if (s->ready == NULL) {
        return ENOMEM;
    }
    fmq__curve_nonce_short(&n, "CurveZMQREADY---", body + FMQ__CURVE_READY_NONCE);
    if (!fmq__curve_open(s->crypto, s->ready, body + FMQ__CURVE_READY_BOX, len, &n,
                         s->shared)) {
        return fail(result, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    s->n_heard = fmq__get_u64(body + FMQ__CURVE_READY_NONCE);
    s->step = DONE;
    result->metadata = s->ready;
    result->metadata_len = len - FMQ__CURVE_SEAL;
    return 0;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    client_state *s = state;
    fmq__command c = {0};

    if (fmq__command_parse(body, len, &c) == 0) {
        if (s->step == AWAIT_WELCOME && fmq__command_is(&c, "WELCOME")) {
            return take_welcome(s, body, len, result);
        }
        if (s->step == AWAIT_READY && fmq__command_is(&c, "READY")) {
            return take_ready(s, body, len, result);
        }
        if (fmq__command_is(&c, "ERROR")) {
            return fmq__refusal_take(&c, result);
        }
    }
    return fmq__refusal_unexpected(body, len, result);
}

static int
make_guard(void *state, fmq__guard **guard)
{
    const client_state *s = state;

    return fmq__curve_guard_new(s->crypto, false, s->shared, s->n_said, s->n_heard,
                                guard);
}

const fmq__mech_ops fmq__mech_curve_client = {
    .name = "CURVE",
    .state_size = sizeof(client_state),
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = init,
    .fini = fini,
    .want = want,
    .next_len = next_len,
    .next = next,
    .input = input,
    .make_guard = make_guard,
};
