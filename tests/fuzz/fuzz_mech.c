/* SPDX-License-Identifier: Apache-2.0 */
/* A peer says anything in a handshake of PLAIN, CURVE or GSSAPI, in either role, and in
 * frames behind it: the connection stays within bounds, and a stranger without keys
 * never gets through CURVE. Keys and random numbers are fixed, and GSSAPI is that of
 * fakegss.h, so an input does the same each time.
 *
 * The first byte chooses mechanism, role and what ZAP says; then come commands, each
 * behind its 2-byte length. A length with its top bit set means instead: what the peer
 * would have said, with a byte of it changed, at the place and by the value that
 * follow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fakegss.h"
#include "fuzz.h"
#include "security/mechanism.h"

/* What the first byte says. */
enum { CURVE = 1, SERVER = 2, STATUS_AT = 2, GSSAPI = 16, PLAINTEXT = 32 };

/* --- the two ends: ours, and one that keeps to the rules --- */

typedef struct end {
    const fmq__mech_ops *ops;
    fmq__secrets *secrets;
    void *state;
    bool has_failed;
} end;

static const uint8_t metadata[] = "\13Socket-Type\0\0\0\4PUSH";

static enum fmq__mechanism
mechanism_of(unsigned how)
{
    if ((how & GSSAPI) != 0) {
        return FMQ__MECHANISM_GSSAPI;
    }
    return (how & CURVE) != 0 ? FMQ__MECHANISM_CURVE : FMQ__MECHANISM_PLAIN;
}

static void
open_end(end *e, unsigned how, bool is_server, const fmq__crypto *crypto)
{
    fmq__mech_args args = {.is_server = is_server,
                           .metadata = metadata,
                           .metadata_len = sizeof(metadata) - 1};
    uint8_t server_secret[FMQ__KEY_LEN];

    memset(e, 0, sizeof(*e));
    require(fmq__secrets_copy(NULL, &e->secrets) == 0);
    e->secrets->is_server = is_server;
    e->secrets->mechanism = mechanism_of(how);
    e->secrets->gss = &fake_gss;
    e->secrets->is_plaintext = (how & PLAINTEXT) != 0;
    e->secrets->user.len = 3;
    e->secrets->password.len = 200;
    if (e->secrets->mechanism == FMQ__MECHANISM_CURVE) {
        e->secrets->crypto = crypto;
        memset(e->secrets->secret_key, is_server ? 2 : 1, FMQ__KEY_LEN);
        memset(server_secret, 2, sizeof(server_secret));
        crypto->public_of(e->secrets->public_key, e->secrets->secret_key);
        crypto->public_of(e->secrets->server_key, server_secret);
    }
    e->ops = fmq__mechanism_of(e->secrets);
    e->state = calloc(1, e->ops->state_size);
    args.config = e->secrets;
    require(e->state != NULL && e->ops->init(e->state, &args) == 0);
}

static void
close_end(end *e)
{
    e->ops->fini(e->state);
    for (size_t i = 0; i < e->ops->state_size; i++) {
        require(((const uint8_t *)e->state)[i] == 0);
    }
    free(e->state);
    fmq__secrets_drop(e->secrets);
}

/* The next command of an end, in a block of its own; NULL: it has none. */
static uint8_t *
say(end *e, size_t *len)
{
    uint8_t *body;

    if ((e->ops->want(e->state) & FMQ__MECH_SEND) == 0) {
        return NULL;
    }
    *len = e->ops->next_len(e->state);
    body = malloc(*len);
    require(body != NULL && e->ops->next(e->state, body) == 0);
    return body;
}

static void
hear(end *e, const uint8_t *data, size_t len)
{
    uint8_t *exact;
    fmq__mech_result r = {0};

    if (e->has_failed || (e->ops->want(e->state) & FMQ__MECH_RECV) == 0) {
        return;
    }
    exact = malloc(len != 0 ? len : 1);
    require(exact != NULL);
    if (len != 0) {
        memcpy(exact, data, len);
    }
    e->has_failed = e->ops->input(e->state, exact, len, &r) != 0;
    require(!e->has_failed || r.metadata == NULL);
    free(exact);
}

static void
work(end *e)
{
    fmq__mech_result r = {0};

    if (!e->has_failed && (e->ops->want(e->state) & FMQ__MECH_WORK) != 0) {
        e->has_failed = e->ops->work(e->state, &r) != 0;
        require(r.metadata == NULL);
    }
}

static void
answer_zap(end *e, unsigned status)
{
    fmq__mech_credential c[FMQ__MECH_MAX_CREDENTIALS];
    fmq__mech_result r = {0};

    if (!e->has_failed && (e->ops->want(e->state) & FMQ__MECH_ZAP) != 0) {
        size_t n = e->ops->credentials(e->state, c);

        require(n <= FMQ__MECH_MAX_CREDENTIALS);
        for (size_t i = 0; i < n; i++) {
            require(c[i].len <= FMQ__PLAIN_MAX);
        }
        e->has_failed = e->ops->zap_reply(e->state, status, &r) != 0;
        require(e->has_failed == (status != 200));
    }
}

/* --- what the input has them do --- */

/* What the peer says next, one byte of it changed: whether there was something. */
static bool
bend(end *peer, end *us, const uint8_t *how, bool *is_bent)
{
    size_t len = 0;
    uint8_t *body = say(peer, &len);

    if (body == NULL) {
        return false;
    }
    if (len != 0 && how[2] != 0) {
        body[fmq__get_u16(how) % len] ^= how[2];
        *is_bent = true;
    }
    hear(us, body, len);
    free(body);
    return true;
}

/* Our commands, to the peer. */
static void
pass_ours(end *us, end *peer)
{
    size_t len = 0;
    uint8_t *body;

    while ((body = say(us, &len)) != NULL) {
        hear(peer, body, len);
        free(body);
    }
}

/* What comes behind the handshake, sealed or not. */
static void
open_frames(end *us, const uint8_t *data, size_t size)
{
    fmq__guard *g = NULL;
    int err = 0;

    require(us->ops->make_guard(us->state, &g) == 0);
    if (g == NULL) {
        return;
    }
    while (size >= 2 && err == 0) {
        size_t len = fmq__get_u16(data);
        fmq__opened opened = {0};
        uint8_t *exact;

        data += 2;
        size -= 2;
        len = len < size ? len : size;
        exact = malloc(len != 0 ? len : 1);
        require(exact != NULL);
        memcpy(exact, data, len);
        err = g->ops->open(g, exact, len, &opened);
        require(err != 0 || (opened.body >= exact && opened.len <= len &&
                             (size_t)(opened.body - exact) <= len - opened.len));
        free(exact);
        data += len;
        size -= len;
    }
    g->ops->free(g);
}

static bool
is_over(const end *e)
{
    return !e->has_failed && e->ops->want(e->state) == 0;
}

static void
run(end *us, end *peer, unsigned status, const uint8_t *data, size_t size)
{
    bool is_bent = false;
    bool is_odd = false;

    while (size >= 2 && !is_over(us)) {
        size_t len = fmq__get_u16(data);

        data += 2;
        size -= 2;
        work(us);
        pass_ours(us, peer);
        work(peer);
        if ((len & 0x8000) != 0) {
            if (size < 3 || !bend(peer, us, data, &is_bent)) {
                break;
            }
            data += 3;
            size -= 3;
        } else {
            len = len < size ? len : size;
            is_odd = is_odd || (us->ops->want(us->state) & FMQ__MECH_RECV) != 0;
            hear(us, data, len);
            data += len;
            size -= len;
        }
        work(us);
        answer_zap(us, status);
        answer_zap(peer, 200);
    }
    pass_ours(us, peer);
    /* Without the peer's keys nobody gets further than an error. */
    if (us->secrets->crypto != NULL && is_odd) {
        require(us->has_failed || us->ops->want(us->state) != 0);
    }
    if (is_over(us) && us->ops->make_guard != NULL) {
        open_frames(us, data, size);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned statuses[] = {200, 300, 400, 500};
    static fmq__crypto crypto;
    unsigned how;
    end us;
    end peer;

    if (size < 1) {
        return 0;
    }
    how = data[0];
    if (fmq__crypto_get() != NULL) {
        crypto = *fmq__crypto_get();
        crypto.random = counted_random;
    } else {
        how &= ~(unsigned)CURVE;
    }
    next_random = 0;
    open_end(&us, how, (how & SERVER) != 0, &crypto);
    open_end(&peer, how, (how & SERVER) == 0, &crypto);
    run(&us, &peer, statuses[how >> STATUS_AT & 3], data + 1, size - 1);
    close_end(&us);
    close_end(&peer);
    return 0;
}
