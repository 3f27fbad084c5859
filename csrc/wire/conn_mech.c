/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/conn_mech.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/frame.h"
#include "wire/greeting.h"
#include "wire/metadata.h"

int
fmq__conn_reserve_out(fmq__conn *c, size_t n)
{
    size_t cap = c->out_len + n;
    uint8_t *out;

    if (cap <= c->out_cap) {
        return 0;
    }
    out = fmq__alloc(cap);
    if (out == NULL) {
        return ENOMEM;
    }
    if (c->out_len != 0) {
        memcpy(out, c->out, c->out_len);
    }
    fmq__wipe(c->out, c->out_len); /* there may be a password in it */
    fmq__free(c->out);
    c->out = out;
    c->out_cap = cap;
    return 0;
}

/* Puts every command that the mechanism has to send behind the others. */
static int
send_commands(fmq__conn *c)
{
    while ((c->mech->want(c->mech_state) & FMQ__MECH_SEND) != 0) {
        size_t len = c->mech->next_len(c->mech_state);
        int err = fmq__conn_reserve_out(c, FMQ__FRAME_LONG_HEADER + len);
        uint8_t *p = c->out + c->out_len;

        if (err != 0) {
            return err;
        }
        p += fmq__frame_put_header(p, FMQ__COMMAND, len);
        err = c->mech->next(c->mech_state, p);
        if (err != 0) {
            return err;
        }
        c->out_len = (size_t)(p - c->out) + len;
    }
    return 0;
}

bool
fmq__conn_is_secured(const fmq__conn *c)
{
    return strcmp(c->mech->name, "NULL") != 0 ||
           (c->mech->want(c->mech_state) & FMQ__MECH_ZAP) != 0;
}

int
fmq__conn_start_mechanism(fmq__conn *c)
{
    if (!fmq__greeting_has_mechanism(c->in, c->mech->name)) {
        c->error = FMQ__ZMTP_MECHANISM_MISMATCH;
        return EPROTO;
    }
    c->version = fmq__greeting_version(c->in);
    c->in_len = 0;
    return send_commands(c);
}

/* Keeps the peer's properties, if its type may talk to ours. A peer that names no type
 * is accepted. */
static int
take_metadata(fmq__conn *c, const uint8_t *metadata, size_t len)
{
    int err = fmq__metadata_to_props(metadata, len, c->props);
    const char *type;
    size_t type_len;

    if (err == 0) {
        type = fmq__props_get(c->props, "Socket-Type", &type_len);
        if (type != NULL && (c->peer_types & fmq__conn_type_bit(type, type_len)) == 0) {
            err = EPROTO;
        }
    }
    if (err == EPROTO) {
        c->error = c->mech->metadata_error;
    }
    return err;
}

/* What the mechanism made of a command or an answer, and what it says to that. */
static int
finish_step(fmq__conn *c, int err, const fmq__mech_result *result)
{
    if (err != 0) {
        c->error = result->error;
        (void)send_commands(c); /* its last word, if there is one and room for it */
        return err;
    }
    if (result->metadata != NULL) {
        err = take_metadata(c, result->metadata, result->metadata_len);
        if (err != 0) {
            return err;
        }
    }
    err = send_commands(c);
    if (err != 0) {
        return err;
    }
    return c->mech->want(c->mech_state) == 0 ? FMQ__CONN_MOVE : FMQ__CONN_STAY;
}

int
fmq__conn_take_command(fmq__conn *c)
{
    fmq__mech_result result = {0};
    int err;

    if ((c->mech->want(c->mech_state) & FMQ__MECH_RECV) == 0) {
        c->error = FMQ__ZMTP_UNEXPECTED_COMMAND;
        return EPROTO;
    }
    err = c->mech->input(c->mech_state, c->in + c->body_at, c->in_len - c->body_at,
                         &result);
    err = finish_step(c, err, &result);
    c->in_len = 0;
    return err;
}

/* Its user and its properties come before what the peer says of itself. */
static int
take_zap_props(fmq__conn *c, const fmq__zap_reply *reply)
{
    static const char user_id[] = "User-Id";
    fmq__props *props;
    int err = fmq__props_new(&props);

    if (err != 0) {
        return err;
    }
    err = fmq__props_add(props, user_id, strlen(user_id), reply->user_id,
                         reply->user_id_len);
    if (err == 0) {
        err = fmq__metadata_to_props(reply->metadata, reply->metadata_len, props);
    }
    if (err == 0) {
        fmq__props_prepend(c->props, props);
    }
    fmq__props_drop(props);
    return err;
}

int
fmq__conn_take_zap_reply(fmq__conn *c)
{
    const fmq__zap_reply *reply = c->zap;
    fmq__mech_result result = {0};
    int err = 0;

    if (reply->status == 200 && reply->is_answered) {
        err = take_zap_props(c, reply);
    }
    if (err != 0) {
        return err;
    }
    err = c->mech->zap_reply(c->mech_state, reply->status, &result);
    err = finish_step(c, err, &result);
    return reply->status == 300 && err == EACCES ? ECONNABORTED : err;
}

int
fmq__conn_take_work(fmq__conn *c)
{
    return finish_step(c, c->work_err, &c->work_result);
}
