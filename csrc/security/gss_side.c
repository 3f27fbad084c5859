/* SPDX-License-Identifier: Apache-2.0 */
#include "security/gss_side.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "security/gss_guard.h"
#include "security/gss_token.h"
#include "security/refusal.h"
#include "security/secrets.h"

static const char initiate_name[] = "INITIATE";
static const char ready_name[] = "READY";

/* Bytes of somebody's: wiped and freed. */
static void
drop(fmq__gss_bytes *b)
{
    if (b->data != NULL) {
        fmq__wipe(b->data, b->len);
        fmq__free(b->data);
    }
    *b = (fmq__gss_bytes){NULL, 0};
}

static int
make(fmq__gss_bytes *b, size_t len)
{
    b->data = fmq__alloc(len != 0 ? len : 1);
    b->len = b->data != NULL ? len : 0;
    return b->data != NULL ? 0 : ENOMEM;
}

int
fmq__gss_side_init(fmq__gss_side *s, const fmq__mech_args *args,
                   const fmq__gss_move *moves)
{
    const fmq__secrets *secrets = args->config;
    const fmq__gss_who who = {
        .is_server = args->is_server,
        .is_sealing = !secrets->is_plaintext,
        .self = &secrets->principal,
        .service = &secrets->service,
    };

    s->moves = moves;
    s->step = 0;
    s->gss = secrets->gss;
    if (s->gss == NULL) {
        return EINVAL;
    }
    s->metadata = args->metadata;
    s->metadata_len = args->metadata_len;
    s->is_sealing = who.is_sealing;
    return s->gss->open(&who, &s->context);
}

void
fmq__gss_side_fini(void *state)
{
    fmq__gss_side *s = state;

    drop(&s->token);
    drop(&s->out);
    fmq__free(s->ready);
    if (s->guard != NULL) {
        s->guard->ops->free(s->guard);
    } else {
        s->gss->close(s->context);
    }
    fmq__wipe(s, sizeof(*s));
}

/* --- tokens --- */

int
fmq__gss_side_take_initiate(fmq__gss_side *s, const uint8_t *body, size_t len,
                            fmq__mech_result *result)
{
    size_t at = fmq__gss_token_at(initiate_name);
    int err = fmq__gss_token_check(body, len, initiate_name,
                                   FMQ__ZMTP_MALFORMED_INITIATE, &result->error);

    if (err == 0) {
        err = make(&s->token, len - at);
    }
    if (err == 0 && len != at) {
        memcpy(s->token.data, body + at, len - at);
    }
    return err;
}

/* INITIATE with a token; without one, nothing at all. */
static int
make_initiate(fmq__gss_side *s, const fmq__gss_bytes *token)
{
    size_t at = token->len != 0 ? fmq__gss_token_at(initiate_name) : 0;
    int err = make(&s->out, at + token->len);

    if (err == 0 && token->len != 0) {
        fmq__gss_token_put_head(s->out.data, initiate_name, (uint32_t)token->len);
        memcpy(s->out.data + at, token->data, token->len);
    }
    return err;
}

int
fmq__gss_side_step(fmq__gss_side *s, fmq__mech_result *result)
{
    fmq__gss_bytes ours = {NULL, 0};
    int err = s->gss->step(s->context, s->token.data, s->token.len, &ours);
    int make_err;

    drop(&s->token);
    if (err == EPROTO) {
        /* Not the peer's violation for good: another time it may have a good ticket. */
        result->error = FMQ__ZMTP_CRYPTOGRAPHIC;
        err = EPERM;
    }
    if (err == 0 && s->is_sealing) {
        err = fmq__gss_guard_new(s->gss, s->context, &s->guard);
    }
    if (err == 0 || err == EAGAIN) {
        make_err = make_initiate(s, &ours);
        err = make_err != 0 ? make_err : err;
    }
    drop(&ours);
    return err;
}

/* --- READY --- */

static int
seal_ready(fmq__gss_side *s, const fmq__gss_bytes *ready)
{
    const fmq__guard_ops *ops = s->guard->ops;
    int err = make(&s->out, ops->sealed_max(s->guard, ready->len));

    return err != 0 ? err
                    : ops->seal(s->guard, 0, ready->data, ready->len, s->out.data,
                                &s->out.len);
}

int
fmq__gss_side_make_ready(fmq__gss_side *s)
{
    fmq__gss_bytes ready = {NULL, 0};
    int err = make(&ready, sizeof(ready_name) + s->metadata_len);
    size_t at;

    drop(&s->out); /* a server's that had no token for its client's last one */
    if (err != 0) {
        return err;
    }
    at = fmq__command_put_name(ready.data, ready_name);
    if (s->metadata_len != 0) {
        memcpy(ready.data + at, s->metadata, s->metadata_len);
    }
    if (!s->is_sealing) {
        s->out = ready;
        return 0;
    }
    err = seal_ready(s, &ready);
    drop(&ready);
    return err;
}

/* Opens it in memory of our own, where its properties stay. */
static int
open_ready(fmq__gss_side *s, const uint8_t **body, size_t *len,
           fmq__mech_result *result)
{
    fmq__opened opened = {0};
    int err;

    s->ready = fmq__alloc(*len != 0 ? *len : 1);
    if (s->ready == NULL) {
        return ENOMEM;
    }
    if (*len != 0) {
        memcpy(s->ready, *body, *len);
    }
    err = s->guard->ops->open(s->guard, s->ready, *len, &opened);
    result->error = opened.error;
    *body = opened.body;
    *len = opened.len;
    return err;
}

int
fmq__gss_side_take_ready(fmq__gss_side *s, const uint8_t *body, size_t len,
                         fmq__mech_result *result)
{
    fmq__command c;
    int err = s->is_sealing ? open_ready(s, &body, &len, result) : 0;

    if (err != 0) {
        return err;
    }
    if (fmq__command_parse(body, len, &c) != 0 || !fmq__command_is(&c, ready_name)) {
        return fmq__refusal_unexpected(body, len, result);
    }
    result->metadata = c.data;
    result->metadata_len = c.data_len;
    return 0;
}

/* --- on their way --- */

unsigned
fmq__gss_side_want(const void *state)
{
    const fmq__gss_side *s = state;

    return s->moves[s->step].want;
}

size_t
fmq__gss_side_next_len(const void *state)
{
    const fmq__gss_side *s = state;

    return s->out.len;
}

int
fmq__gss_side_next(void *state, uint8_t *body)
{
    fmq__gss_side *s = state;

    if (s->out.len != 0) {
        memcpy(body, s->out.data, s->out.len);
    }
    drop(&s->out);
    s->step = s->moves[s->step].after;
    return 0;
}

int
fmq__gss_side_make_guard(void *state, fmq__guard **guard)
{
    fmq__gss_side *s = state;

    *guard = s->guard; /* NULL: frames are not sealed */
    if (s->guard != NULL) {
        s->guard = NULL;
        s->context = NULL;
    }
    return 0;
}
