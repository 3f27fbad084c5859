/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 24:
 *
 *     client                     server
 *     HELLO name, password  ->
 *                                asks ZAP
 *                           <-   WELCOME, or ERROR
 *     INITIATE metadata     ->
 *                           <-   READY metadata
 *
 * libzmq (all versions, 4.3.5 too) says and understands another ERROR in PLAIN than the
 * RFC: a C compiler reads the length byte that it wrote in front of the name as part of
 * one escape with the E, and what goes out is ^RROR without a length. A client here
 * takes both. A server says libzmq's, because most clients are libzmq's, and to them
 * the RFC's is a violation and no refusal; to others either ends the connection.
 */
#include "security/plain.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "security/refusal.h"
#include "security/secrets.h"

static const char hello_name[] = "HELLO";
static const char welcome_name[] = "WELCOME";
static const char initiate_name[] = "INITIATE";
static const char ready_name[] = "READY";
static const char their_error[] = "^RROR";

enum { THEIR_ERROR_LEN = sizeof(their_error) - 1 };

/* A client's steps, then a server's, each in its order. */
enum step {
    SEND_HELLO,
    AWAIT_WELCOME,
    SEND_INITIATE,
    AWAIT_READY,
    AWAIT_HELLO,
    AWAIT_ZAP,
    SEND_WELCOME,
    SEND_ERROR,
    AWAIT_INITIATE,
    SEND_READY,
    DONE,
    N_STEPS
};

static const unsigned wants[N_STEPS] = {
    [SEND_HELLO] = FMQ__MECH_SEND,     [AWAIT_WELCOME] = FMQ__MECH_RECV,
    [SEND_INITIATE] = FMQ__MECH_SEND,  [AWAIT_READY] = FMQ__MECH_RECV,
    [AWAIT_HELLO] = FMQ__MECH_RECV,    [AWAIT_ZAP] = FMQ__MECH_ZAP,
    [SEND_WELCOME] = FMQ__MECH_SEND,   [SEND_ERROR] = FMQ__MECH_SEND,
    [AWAIT_INITIATE] = FMQ__MECH_RECV, [SEND_READY] = FMQ__MECH_SEND,
};

typedef struct plain_state {
    enum step step;
    const uint8_t *metadata;
    size_t metadata_len;
    const fmq__secrets *secrets; /* a client's */
    fmq__plain_text user;        /* what a server was told */
    fmq__plain_text password;
    unsigned status; /* a server's no */
} plain_state;

static int
init(void *state, const fmq__mech_args *args)
{
    plain_state *s = state;

    s->step = args->is_server ? AWAIT_HELLO : SEND_HELLO;
    s->metadata = args->metadata;
    s->metadata_len = args->metadata_len;
    s->secrets = args->config;
    return 0;
}

static void
fini(void *state)
{
    fmq__wipe(state, sizeof(plain_state));
}

static unsigned
want(const void *state)
{
    const plain_state *s = state;

    return wants[s->step];
}

static size_t
hello_len(const plain_state *s)
{
    /* The NUL stands for the length byte. */
    return sizeof(hello_name) + 1 + s->secrets->user.len + 1 + s->secrets->password.len;
}

static size_t
next_len(const void *state)
{
    const plain_state *s = state;

    switch (s->step) {
    case SEND_HELLO:
        return hello_len(s);
    case SEND_WELCOME:
        return sizeof(welcome_name);
    case SEND_ERROR:
        return FMQ__REFUSAL_LEN - 1;
    case SEND_INITIATE:
        return sizeof(initiate_name) + s->metadata_len;
    default:
        return sizeof(ready_name) + s->metadata_len;
    }
}

static uint8_t *
put_text(uint8_t *p, const fmq__plain_text *text)
{
    *p++ = text->len;
    memcpy(p, text->data, text->len);
    return p + text->len;
}

static void
put_with_metadata(const plain_state *s, uint8_t *body, const char *name)
{
    size_t at = fmq__command_put_name(body, name);

    if (s->metadata_len != 0) {
        memcpy(body + at, s->metadata, s->metadata_len);
    }
}

static void
put_error(uint8_t *body, unsigned status)
{
    uint8_t proper[FMQ__REFUSAL_LEN];

    fmq__refusal_put(proper, status);
    memcpy(body, proper + 1, sizeof(proper) - 1);
    memcpy(body, their_error, THEIR_ERROR_LEN);
}

static int
next(void *state, uint8_t *body)
{
    plain_state *s = state;

    switch (s->step) {
    case SEND_HELLO:
        body += fmq__command_put_name(body, hello_name);
        body = put_text(body, &s->secrets->user);
        (void)put_text(body, &s->secrets->password);
        s->step = AWAIT_WELCOME;
        break;
    case SEND_WELCOME:
        (void)fmq__command_put_name(body, welcome_name);
        s->step = AWAIT_INITIATE;
        break;
    case SEND_ERROR:
        put_error(body, s->status);
        s->step = DONE;
        break;
    case SEND_INITIATE:
        put_with_metadata(s, body, initiate_name);
        s->step = AWAIT_READY;
        break;
    default:
        assert(s->step == SEND_READY);
        put_with_metadata(s, body, ready_name);
        s->step = DONE;
        break;
    }
    return 0;
}

static int
malformed(fmq__mech_result *result, unsigned error)
{
    result->error = error;
    return EPROTO;
}

/* A text behind its length; false: it is not all there. */
static bool
take_text(const uint8_t **p, size_t *left, fmq__plain_text *text)
{
    if (*left == 0 || **p > *left - 1) {
        return false;
    }
    text->len = **p;
    memcpy(text->data, *p + 1, text->len);
    *p += 1 + text->len;
    *left -= 1 + (size_t)text->len;
    return true;
}

static int
take_hello(plain_state *s, const fmq__command *command, fmq__mech_result *result)
{
    const uint8_t *p = command->data;
    size_t left = command->data_len;

    if (!take_text(&p, &left, &s->user) || !take_text(&p, &left, &s->password) ||
        left != 0) {
        return malformed(result, FMQ__ZMTP_MALFORMED_HELLO);
    }
    s->step = AWAIT_ZAP;
    return 0;
}

static int
take_metadata(plain_state *s, const fmq__command *command, enum step next_step,
              fmq__mech_result *result)
{
    result->metadata = command->data;
    result->metadata_len = command->data_len;
    s->step = next_step;
    return 0;
}

/* Splits a command; one that is none stays without a name. */
static void
parse(const uint8_t *body, size_t len, fmq__command *c)
{
    if (len >= THEIR_ERROR_LEN && memcmp(body, their_error, THEIR_ERROR_LEN) == 0) {
        c->name = (const uint8_t *)"ERROR";
        c->name_len = strlen("ERROR");
        c->data = body + THEIR_ERROR_LEN;
        c->data_len = len - THEIR_ERROR_LEN;
        return;
    }
    (void)fmq__command_parse(body, len, c);
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    plain_state *s = state;
    fmq__command c = {0};
    bool is_client = s->step == AWAIT_WELCOME || s->step == AWAIT_READY;

    parse(body, len, &c);
    if (s->step == AWAIT_HELLO && fmq__command_is(&c, hello_name)) {
        return take_hello(s, &c, result);
    }
    if (s->step == AWAIT_INITIATE && fmq__command_is(&c, initiate_name)) {
        return take_metadata(s, &c, SEND_READY, result);
    }
    if (s->step == AWAIT_READY && fmq__command_is(&c, ready_name)) {
        return take_metadata(s, &c, DONE, result);
    }
    if (s->step == AWAIT_WELCOME && fmq__command_is(&c, welcome_name)) {
        if (c.data_len != 0) {
            return malformed(result, FMQ__ZMTP_MALFORMED_WELCOME);
        }
        s->step = SEND_INITIATE;
        return 0;
    }
    if (is_client && fmq__command_is(&c, "ERROR")) {
        return fmq__refusal_take(&c, result);
    }
    return fmq__refusal_unexpected(body, len, result);
}

static size_t
credentials(const void *state,
            fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    const plain_state *s = state;

    credential[0] = (fmq__mech_credential){s->user.data, s->user.len};
    credential[1] = (fmq__mech_credential){s->password.data, s->password.len};
    return 2;
}

static int
zap_reply(void *state, unsigned status, fmq__mech_result *result)
{
    plain_state *s = state;
    bool has_word = false;
    int err = fmq__refusal_of_status(status, &has_word, result);

    fmq__wipe(&s->password, sizeof(s->password));
    s->status = status;
    s->step = err == 0 ? SEND_WELCOME : has_word ? SEND_ERROR : DONE;
    return err;
}

const fmq__mech_ops fmq__mech_plain = {
    .name = "PLAIN",
    .state_size = sizeof(plain_state),
    .needs_handler = true,
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = init,
    .fini = fini,
    .want = want,
    .next_len = next_len,
    .next = next,
    .input = input,
    .credentials = credentials,
    .zap_reply = zap_reply,
};
