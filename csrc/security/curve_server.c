/* SPDX-License-Identifier: Apache-2.0 */
/* The server of RFC 26; the letters are those of curve_client.c.
 *
 * Between WELCOME and INITIATE it keeps neither the client's key nor its own of this
 * connection: they come back in the cookie, which only the server can open, with a key
 * that was made for this connection and is good once.
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

enum step {
    AWAIT_HELLO,
    SEND_WELCOME,
    AWAIT_INITIATE,
    AWAIT_ZAP,
    SEND_READY,
    SEND_ERROR,
    DONE,
    N_STEPS
};

static const unsigned wants[N_STEPS] = {
    [AWAIT_HELLO] = FMQ__MECH_RECV,    [SEND_WELCOME] = FMQ__MECH_SEND,
    [AWAIT_INITIATE] = FMQ__MECH_RECV, [AWAIT_ZAP] = FMQ__MECH_ZAP,
    [SEND_READY] = FMQ__MECH_SEND,     [SEND_ERROR] = FMQ__MECH_SEND,
};

/* What the cookie holds. */
enum { COOKIE_PLAIN = 2 * FMQ__KEY_LEN };

_Static_assert(FMQ__CURVE_LONG + COOKIE_PLAIN + FMQ__CURVE_SEAL == FMQ__CURVE_COOKIE,
               "a nonce, and a box of two keys");

typedef struct server_state {
    enum step step;
    const fmq__crypto *crypto;
    const fmq__secrets *secrets;
    const uint8_t *metadata;
    size_t metadata_len;
    uint8_t client_key[FMQ__KEY_LEN]; /* C', from HELLO to WELCOME; then C */
    uint8_t cookie_key[FMQ__KEY_LEN];
    uint8_t shared[FMQ__KEY_LEN]; /* s with C', then s' with C' */
    uint64_t n_said;
    uint64_t n_heard;
    uint8_t *initiate; /* what INITIATE held, for as long as it is lent */
    unsigned status;   /* why not */
} server_state;

static int
init(void *state, const fmq__mech_args *args)
{
    server_state *s = state;

    s->secrets = args->config;
    s->crypto = s->secrets->crypto;
    if (s->crypto == NULL) {
        return EINVAL;
    }
    s->step = AWAIT_HELLO;
    s->metadata = args->metadata;
    s->metadata_len = args->metadata_len;
    return 0;
}

static void
fini(void *state)
{
    server_state *s = state;

    fmq__free(s->initiate);
    fmq__wipe(s, sizeof(*s));
}

static unsigned
want(const void *state)
{
    const server_state *s = state;

    return wants[s->step];
}

static size_t
next_len(const void *state)
{
    const server_state *s = state;

    switch (s->step) {
    case SEND_WELCOME:
        return FMQ__CURVE_WELCOME_LEN;
    case SEND_ERROR:
        return FMQ__REFUSAL_LEN;
    default:
        return FMQ__CURVE_READY_MIN + s->metadata_len;
    }
}

/* --- what the client says --- */

static int
fail(fmq__mech_result *result, unsigned error)
{
    result->error = error;
    return EPROTO;
}

static int
take_hello(server_state *s, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    uint8_t zeros[FMQ__CURVE_HELLO_PLAIN];
    const uint8_t *version = body + sizeof("HELLO");
    fmq__curve_nonce n;

    if (len != FMQ__CURVE_HELLO_LEN || version[0] != 1 || version[1] != 0) {
        return fail(result, FMQ__ZMTP_MALFORMED_HELLO);
    }
    memcpy(s->client_key, body + FMQ__CURVE_HELLO_KEY, FMQ__KEY_LEN);
    fmq__curve_nonce_short(&n, "CurveZMQHELLO---", body + FMQ__CURVE_HELLO_NONCE);
    if (!s->crypto->agree(s->shared, s->client_key, s->secrets->secret_key) ||
        !fmq__curve_open(s->crypto, zeros, body + FMQ__CURVE_HELLO_BOX,
                         len - FMQ__CURVE_HELLO_BOX, &n, s->shared)) {
        return fail(result, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    s->step = SEND_WELCOME;
    return 0;
}

/* Takes C' and s' out of a cookie. */
static bool
open_cookie(server_state *s, const uint8_t *cookie, uint8_t text[COOKIE_PLAIN])
{
    fmq__curve_nonce n;
    bool is_good;

    fmq__curve_nonce_long(&n, "COOKIE--", cookie);
    is_good = fmq__curve_open(s->crypto, text, cookie + FMQ__CURVE_LONG,
                              FMQ__CURVE_COOKIE - FMQ__CURVE_LONG, &n, s->cookie_key);
    fmq__wipe(s->cookie_key, sizeof(s->cookie_key));
    return is_good;
}

/* Whether `vouch` (nonce and box) is from the owner of C, and means this connection:
 * 0, or what is wrong. */
static unsigned
check_vouch(const server_state *s, const uint8_t *vouch, const uint8_t *cookie_text)
{
    const uint8_t *client_transient = cookie_text;
    const uint8_t *our_transient = cookie_text + FMQ__KEY_LEN;
    uint8_t text[2 * FMQ__KEY_LEN];
    uint8_t shared[FMQ__KEY_LEN];
    fmq__curve_nonce n;
    unsigned error = 0;

    fmq__curve_nonce_long(&n, "VOUCH---", vouch);
    if (!s->crypto->agree(shared, s->client_key, our_transient) ||
        !fmq__curve_open(s->crypto, text, vouch + FMQ__CURVE_LONG, FMQ__CURVE_VOUCH, &n,
                         shared)) {
        error = FMQ__ZMTP_CRYPTOGRAPHIC;
    } else if (!fmq__is_same(text, client_transient, FMQ__KEY_LEN)) {
        error = FMQ__ZMTP_KEY_EXCHANGE;
    }
    fmq__wipe(shared, sizeof(shared));
    return error;
}

/* INITIATE, with what its cookie held. */
static int
take_vouched(server_state *s, const uint8_t *body, size_t len,
             const uint8_t *cookie_text, fmq__mech_result *result)
{
    fmq__curve_nonce n;
    unsigned error;

    len -= FMQ__CURVE_INITIATE_BOX;
    s->initiate = fmq__alloc(len);
    if (s->initiate == NULL) {
        return ENOMEM;
    }
    fmq__curve_nonce_short(&n, "CurveZMQINITIATE", body + FMQ__CURVE_INITIATE_NONCE);
    if (!s->crypto->agree(s->shared, cookie_text, cookie_text + FMQ__KEY_LEN) ||
        !fmq__curve_open(s->crypto, s->initiate, body + FMQ__CURVE_INITIATE_BOX, len,
                         &n, s->shared)) {
        return fail(result, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    memcpy(s->client_key, s->initiate, FMQ__KEY_LEN);
    error = check_vouch(s, s->initiate + FMQ__KEY_LEN, cookie_text);
    if (error != 0) {
        return fail(result, error);
    }
    s->n_heard = fmq__get_u64(body + FMQ__CURVE_INITIATE_NONCE);
    s->step = AWAIT_ZAP;
    result->metadata = s->initiate + FMQ__CURVE_INITIATE_PLAIN;
    result->metadata_len = len - FMQ__CURVE_SEAL - FMQ__CURVE_INITIATE_PLAIN;
    return 0;
}

static int
take_initiate(server_state *s, const uint8_t *body, size_t len,
              fmq__mech_result *result)
{
    uint8_t text[COOKIE_PLAIN];
    int err;

    if (len < FMQ__CURVE_INITIATE_MIN) {
        return fail(result, FMQ__ZMTP_MALFORMED_INITIATE);
    }
    if (!open_cookie(s, body + FMQ__CURVE_INITIATE_COOKIE, text)) {
        return fail(result, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    err = take_vouched(s, body, len, text, result);
    fmq__wipe(text, sizeof(text));
    return err;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    server_state *s = state;
    fmq__command c = {0};

    if (fmq__command_parse(body, len, &c) == 0) {
        if (s->step == AWAIT_HELLO && fmq__command_is(&c, "HELLO")) {
            return take_hello(s, body, len, result);
        }
        if (s->step == AWAIT_INITIATE && fmq__command_is(&c, "INITIATE")) {
            return take_initiate(s, body, len, result);
        }
    }
    return fmq__refusal_unexpected(body, len, result);
}

/* --- what ZAP says --- */

static size_t
credentials(const void *state,
            fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    const server_state *s = state;

    credential[0] = (fmq__mech_credential){s->client_key, FMQ__KEY_LEN};
    return 1;
}

static int
zap_reply(void *state, unsigned status, fmq__mech_result *result)
{
    server_state *s = state;
    bool has_word = false;
    int err = fmq__refusal_of_status(status, &has_word, result);

    s->status = status;
    s->step = err == 0 ? SEND_READY : has_word ? SEND_ERROR : DONE;
    return err;
}

/* --- what we say --- */

static void
put_welcome(server_state *s, uint8_t *body)
{
    uint8_t text[FMQ__CURVE_WELCOME_PLAIN]; /* S', cookie */
    uint8_t cookie_text[COOKIE_PLAIN];      /* C', s' */
    uint8_t *cookie = text + FMQ__KEY_LEN;
    fmq__curve_nonce n;

    fmq__curve_keypair(s->crypto, text, cookie_text + FMQ__KEY_LEN);
    memcpy(cookie_text, s->client_key, FMQ__KEY_LEN);
    s->crypto->random(cookie, FMQ__CURVE_LONG);
    s->crypto->random(s->cookie_key, sizeof(s->cookie_key));
    fmq__curve_nonce_long(&n, "COOKIE--", cookie);
    fmq__curve_seal(s->crypto, cookie + FMQ__CURVE_LONG, cookie_text,
                    sizeof(cookie_text), &n, s->cookie_key);

    (void)fmq__command_put_name(body, "WELCOME");
    s->crypto->random(body + FMQ__CURVE_WELCOME_NONCE, FMQ__CURVE_LONG);
    fmq__curve_nonce_long(&n, "WELCOME-", body + FMQ__CURVE_WELCOME_NONCE);
    fmq__curve_seal(s->crypto, body + FMQ__CURVE_WELCOME_BOX, text, sizeof(text), &n,
                    s->shared);
    fmq__wipe(cookie_text, sizeof(cookie_text));
    fmq__wipe(s->client_key, sizeof(s->client_key));
    fmq__wipe(s->shared, sizeof(s->shared));
}

static void
put_ready(server_state *s, uint8_t *body)
{
    fmq__curve_nonce n;

    (void)fmq__command_put_name(body, "READY");
    fmq__put_u64(body + FMQ__CURVE_READY_NONCE, ++s->n_said);
    fmq__curve_nonce_short(&n, "CurveZMQREADY---", body + FMQ__CURVE_READY_NONCE);
    fmq__curve_seal(s->crypto, body + FMQ__CURVE_READY_BOX, s->metadata,
                    s->metadata_len, &n, s->shared);
}

static int
next(void *state, uint8_t *body)
{
    server_state *s = state;

    switch (s->step) {
    case SEND_WELCOME:
        put_welcome(s, body);
        s->step = AWAIT_INITIATE;
        break;
    case SEND_ERROR:
        fmq__refusal_put(body, s->status);
        s->step = DONE;
        break;
    default:
        assert(s->step == SEND_READY);
        put_ready(s, body);
        s->step = DONE;
        break;
    }
    return 0;
}

static int
make_guard(void *state, fmq__guard **guard)
{
    const server_state *s = state;

    return fmq__curve_guard_new(s->crypto, true, s->shared, s->n_said, s->n_heard,
                                guard);
}

const fmq__mech_ops fmq__mech_curve_server = {
    .name = "CURVE",
    .state_size = sizeof(server_state),
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = init,
    .fini = fini,
    .want = want,
    .next_len = next_len,
    .next = next,
    .input = input,
    .credentials = credentials,
    .zap_reply = zap_reply,
    .make_guard = make_guard,
};
