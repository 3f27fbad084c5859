/* SPDX-License-Identifier: Apache-2.0 */
/* Both sides talk at once, and no step waits for more of the peer than it must know:
 *
 *     we send                          once the peer has sent
 *     signature (10 bytes)             nothing
 *     revision (1)                     its signature
 *     rest of the greeting (53)        its revision
 *     the mechanism's first command    the rest of its greeting
 *
 * So either side learns the other's version before it has said anything that another
 * version would not understand (RFC 37 "Version Negotiation").
 *
 * What comes in is cut into units: a state's scan function says how long the unit at
 * hand is and, when it is complete, which input it is. The greeting is one unit that is
 * looked at three times as it grows, then each frame is one. The unit at hand lies in
 * `in`, the whole of what we shall ever send in `out`, whose first 64 bytes are the
 * greeting from the start: a step of it only shows more.
 */
#include "wire/conn.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "wire/conn_mech.h"
#include "wire/frame.h"
#include "wire/greeting.h"
#include "wire/metadata.h"
#include "wire/oldframe.h"

/* The longest body of a command in the handshake; more is refused before memory is had
 * for it. */
enum { COMMAND_MAX = 64 * 1024, IDENTITY_MAX = 255 };

enum state {
    SIGNATURE, /* who is there? */
    REVISION,  /* which version? */
    GREETING,
    HANDSHAKE, /* the mechanism's commands */
    TYPE_2_0,  /* ZMTP 2.0: its type, */
    ID_2_0,    /* and its identity */
    ID_1_0,    /* ZMTP 1.0: its identity */
    READY,
    FAILED,
    N_STATES,
};

enum input {
    IN_PART, /* the unit is not complete: no step */
    IN_UNVERSIONED,
    IN_SIGNATURE,
    IN_OLD_REVISION, /* frames of ZMTP 1.0; never released */
    IN_REVISION_2_0,
    IN_REVISION,
    IN_GREETING,
    IN_TYPE_2_0,
    IN_COMMAND,
    IN_OVERSIZE, /* a frame longer than COMMAND_MAX */
    IN_STRANGER, /* no ZMTP of any version */
    IN_ZAP_REPLY,
    IN_WORK, /* what came of it */
    N_INPUTS,
};

/* --- our side --- */

static size_t
config_metadata_len(const fmq__conn_config *config)
{
    size_t len = config->metadata_len;

    len += fmq__metadata_property_len("Socket-Type", strlen(config->socket_type));
    if (config->has_identity) {
        len += fmq__metadata_property_len("Identity", config->identity_len);
    }
    return len;
}

static void
put_config_metadata(uint8_t *p, const fmq__conn_config *config)
{
    const char *type = config->socket_type;

    p += fmq__metadata_put(p, "Socket-Type", type, strlen(type));
    if (config->has_identity) {
        p += fmq__metadata_put(p, "Identity", config->identity, config->identity_len);
    }
    if (config->metadata_len != 0) {
        memcpy(p, config->metadata, config->metadata_len);
    }
}

/* Everything that can fail in fmq__conn_new once there is a `c` to free. */
static int
fill_conn(fmq__conn *c, const fmq__conn_config *config)
{
    fmq__mech_args args = {
        .config = config->mech_config,
        .is_server = config->is_server,
        .metadata = c->metadata,
        .metadata_len = c->metadata_len,
    };
    int err = fmq__conn_reserve_out(c, FMQ__GREETING_LEN + FMQ__FRAME_LONG_HEADER +
                                           sizeof("READY") + c->metadata_len);

    if (err != 0) {
        return err;
    }
    fmq__greeting_put(c->out, config->identity_len, c->mech->name);
    c->out_len = FMQ__GREETING_SIGNATURE_LEN;
    err = fmq__props_new(&c->props);
    if (err != 0) {
        return err;
    }
    err = c->mech->init(c->mech_state, &args);
    c->has_mech = err == 0;
    return err;
}

int
fmq__conn_new(const fmq__conn_config *config, fmq__conn **conn)
{
    size_t metadata_len = config_metadata_len(config);
    size_t state_size = config->mech->state_size;
    fmq__conn *c =
        fmq__calloc(1, sizeof(*c) + state_size + metadata_len + FMQ__GREETING_LEN);
    int err;

    if (c == NULL) {
        return ENOMEM;
    }
    c->state = SIGNATURE;
    c->peer_types = config->peer_types;
    c->type = fmq__type_number(config->socket_type);
    c->identity = config->identity;
    c->identity_len = config->identity_len;
    c->mech = config->mech;
    c->mech_state = c->tail;
    c->metadata = c->tail + state_size;
    c->metadata_len = metadata_len;
    put_config_metadata(c->metadata, config);
    c->in = c->metadata + metadata_len;
    c->in_cap = FMQ__GREETING_LEN;
    err = fill_conn(c, config);
    if (err != 0) {
        fmq__conn_free(c);
        return err;
    }
    *conn = c;
    return 0;
}

/* Whether `in` still is the room it began with. */
static bool
has_first_in(const fmq__conn *c)
{
    return c->in == c->metadata + c->metadata_len;
}

void
fmq__conn_free(fmq__conn *c)
{
    if (c == NULL) {
        return;
    }
    if (c->has_mech) {
        c->mech->fini(c->mech_state);
    }
    if (c->props != NULL) {
        fmq__props_drop(c->props);
    }
    /* There may be a password in them. */
    fmq__wipe(c->in, c->in_cap);
    fmq__wipe(c->out, c->out_len);
    if (!has_first_in(c)) {
        fmq__free(c->in);
    }
    fmq__free(c->out);
    fmq__free(c);
}

/* --- the peer's side: what is the unit at hand? --- */

/* A scan function sets `*need` to how long the unit has to be (more than it is) and
 * returns IN_PART, or tells which input it is. */
typedef enum input scan_fn(fmq__conn *c, size_t *need);

static enum input
scan_signature(fmq__conn *c, size_t *need)
{
    switch (fmq__greeting_detect(c->in, c->in_len)) {
    case FMQ__PEER_UNKNOWN:
        /* The first byte alone may decide. */
        *need = c->in_len == 0 ? 1 : FMQ__GREETING_SIGNATURE_LEN;
        return IN_PART;
    case FMQ__PEER_UNVERSIONED:
        return IN_UNVERSIONED;
    default:
        return IN_SIGNATURE;
    }
}

static enum input
scan_revision(fmq__conn *c, size_t *need)
{
    if (c->in_len < FMQ__GREETING_REVISION_LEN) {
        *need = FMQ__GREETING_REVISION_LEN;
        return IN_PART;
    }
    switch (fmq__greeting_detect(c->in, c->in_len)) {
    case FMQ__PEER_V3:
        return IN_REVISION;
    case FMQ__PEER_V2_0:
        return IN_REVISION_2_0;
    default:
        return IN_OLD_REVISION;
    }
}

static enum input
scan_type_2_0(fmq__conn *c, size_t *need)
{
    if (c->in_len < FMQ__GREETING_REVISION_LEN + 1) {
        *need = FMQ__GREETING_REVISION_LEN + 1;
        return IN_PART;
    }
    return IN_TYPE_2_0;
}

static enum input
scan_greeting(fmq__conn *c, size_t *need)
{
    if (c->in_len < FMQ__GREETING_LEN) {
        *need = FMQ__GREETING_LEN;
        return IN_PART;
    }
    return IN_GREETING;
}

/* The flags are not looked at: libzmq takes a handshake's command from a frame without
 * the COMMAND bit too. */
static enum input
scan_frame(fmq__conn *c, size_t *need)
{
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    switch (fmq__frame_parse(c->in, c->in_len, &header_len, &body_len, &flags)) {
    case 0:
        *need = c->in_len < FMQ__FRAME_SHORT_HEADER ? FMQ__FRAME_SHORT_HEADER
                                                    : FMQ__FRAME_LONG_HEADER;
        return IN_PART;
    case 1:
        break;
    default:
        return IN_OVERSIZE;
    }
    if (body_len > COMMAND_MAX) {
        return IN_OVERSIZE;
    }
    if (c->in_len < header_len + body_len) {
        *need = header_len + (size_t)body_len;
        return IN_PART;
    }
    c->body_at = header_len;
    return IN_COMMAND;
}

/* The identity of a peer of ZMTP 1.0. */
static enum input
scan_old_frame(fmq__conn *c, size_t *need)
{
    size_t header_len;
    uint64_t body_len;
    unsigned flags;

    switch (fmq__oldframe_parse(c->in, c->in_len, &header_len, &body_len, &flags)) {
    case 0:
        *need = c->in_len < FMQ__OLDFRAME_SHORT_HEADER ? FMQ__OLDFRAME_SHORT_HEADER
                                                       : FMQ__OLDFRAME_LONG_HEADER;
        return IN_PART;
    case 1:
        break;
    default:
        return IN_STRANGER;
    }
    /* No flags, or it is no such peer at all: whoever says GET or begins with TLS. */
    if (body_len > IDENTITY_MAX || c->in[header_len - 1] != 0) {
        return IN_STRANGER;
    }
    if (c->in_len < header_len + body_len) {
        *need = header_len + (size_t)body_len;
        return IN_PART;
    }
    c->body_at = header_len;
    return IN_COMMAND;
}

static scan_fn *const scan[N_STATES] = {
    [SIGNATURE] = scan_signature, [REVISION] = scan_revision,
    [GREETING] = scan_greeting,   [HANDSHAKE] = scan_frame,
    [TYPE_2_0] = scan_type_2_0,   [ID_2_0] = scan_frame,
    [ID_1_0] = scan_old_frame,
};

/* --- steps --- */

typedef int step_fn(fmq__conn *c);

static int
show_revision(fmq__conn *c)
{
    c->out_len = FMQ__GREETING_REVISION_LEN;
    return FMQ__CONN_MOVE;
}

static int
show_greeting(fmq__conn *c)
{
    c->out_len = FMQ__GREETING_LEN;
    return FMQ__CONN_MOVE;
}

/* RFC 15: behind the revision come our type and our identity, in a frame. There is no
 * mechanism, so where there is to be one such a peer is refused. */
static int
answer_2_0(fmq__conn *c)
{
    int err;

    if (fmq__conn_is_secured(c)) {
        c->error = FMQ__ZMTP_MECHANISM_MISMATCH;
        return EPROTO;
    }
    err = fmq__conn_reserve_out(c, 1 + FMQ__FRAME_LONG_HEADER + c->identity_len);
    if (err != 0) {
        return err;
    }
    c->out[c->out_len++] = c->type;
    c->out_len += fmq__frame_put_header(c->out + c->out_len, 0, c->identity_len);
    if (c->identity_len != 0) {
        memcpy(c->out + c->out_len, c->identity, c->identity_len);
        c->out_len += c->identity_len;
    }
    c->version = 0x0200;
    return FMQ__CONN_MOVE;
}

/* RFC 13: our signature was the header of our identity's frame all along, and only its
 * body is missing; what came so far is the beginning of the peer's. */
static int
answer_1_0(fmq__conn *c)
{
    int err;

    if (fmq__conn_is_secured(c)) {
        c->error = FMQ__ZMTP_MECHANISM_MISMATCH;
        return EPROTO;
    }
    err = fmq__conn_reserve_out(c, c->identity_len);
    if (err != 0) {
        return err;
    }
    if (c->identity_len != 0) {
        memcpy(c->out + c->out_len, c->identity, c->identity_len);
        c->out_len += c->identity_len;
    }
    return FMQ__CONN_MOVE;
}

/* Of a peer of ZMTP 2.0 the type is not checked: there were others then, by the same
 * numbers. */
static int
skip_type(fmq__conn *c)
{
    c->in_len = 0;
    return FMQ__CONN_MOVE;
}

static int
take_identity(fmq__conn *c)
{
    size_t len = c->in_len - c->body_at;
    int err;

    if (len > IDENTITY_MAX) {
        return EPROTO;
    }
    err = fmq__props_add(c->props, "Identity", strlen("Identity"), c->in + c->body_at,
                         len);
    c->in_len = 0;
    return err;
}

static int
take_identity_1_0(fmq__conn *c)
{
    c->version = 0x0100;
    return take_identity(c);
}

/* The connection as a table: rows are states, columns are inputs. An empty cell is a
 * protocol error, and the connection has FAILED. Only take_step and fail change
 * `state`.
 *
 * A mechanism that asks ZAP, or has work, stays in HANDSHAKE, and the answer, or what
 * came of it, is one more input there.
 */
static const struct {
    step_fn *run;
    enum state next;
} step[N_STATES][N_INPUTS] = {
    [SIGNATURE][IN_SIGNATURE] = {show_revision, REVISION},
    [SIGNATURE][IN_UNVERSIONED] = {answer_1_0, ID_1_0},
    [ID_1_0][IN_COMMAND] = {take_identity_1_0, READY},
    [REVISION][IN_REVISION] = {show_greeting, GREETING},
    [REVISION][IN_REVISION_2_0] = {answer_2_0, TYPE_2_0},
    [TYPE_2_0][IN_TYPE_2_0] = {skip_type, ID_2_0},
    [ID_2_0][IN_COMMAND] = {take_identity, READY},
    [GREETING][IN_GREETING] = {fmq__conn_start_mechanism, HANDSHAKE},
    [HANDSHAKE][IN_COMMAND] = {fmq__conn_take_command, READY},
    [HANDSHAKE][IN_ZAP_REPLY] = {fmq__conn_take_zap_reply, READY},
    [HANDSHAKE][IN_WORK] = {fmq__conn_take_work, READY},
};

/* What fmq__conn_error says of an empty cell. */
static const unsigned refusal[N_INPUTS] = {
    [IN_OVERSIZE] = FMQ__ZMTP_MALFORMED_COMMAND,
};

static int
fail(fmq__conn *c, int err)
{
    c->state = FAILED;
    c->failure = err;
    return err;
}

static int
take_step(fmq__conn *c, enum input input)
{
    step_fn *run = step[c->state][input].run;
    int err;

    if (run == NULL) {
        c->error = refusal[input];
        return fail(c, EPROTO);
    }
    err = run(c);
    if (err == FMQ__CONN_MOVE) {
        c->state = step[c->state][input].next;
        return 0;
    }
    return err == FMQ__CONN_STAY ? 0 : fail(c, err);
}

/* --- the outside --- */

/* Makes room for `n` bytes more of a unit that will be `need` long: no more than twice
 * what has come, whatever the peer has promised. */
static int
grow_in(fmq__conn *c, size_t n, size_t need)
{
    size_t cap = 2 * (c->in_len + n);
    uint8_t *in;

    if (c->in_len + n <= c->in_cap) {
        return 0;
    }
    cap = cap < need ? cap : need;
    in = fmq__alloc(cap);
    if (in == NULL) {
        return ENOMEM;
    }
    memcpy(in, c->in, c->in_len);
    fmq__wipe(c->in, c->in_len); /* there may be a password in it */
    if (!has_first_in(c)) {
        fmq__free(c->in);
    }
    c->in = in;
    c->in_cap = cap;
    return 0;
}

/* Moves bytes from `data` to the unit at hand until it is `need` long. */
static int
collect(fmq__conn *c, size_t need, const uint8_t *data, size_t len, size_t *n)
{
    int err;

    *n = need - c->in_len < len ? need - c->in_len : len;
    err = grow_in(c, *n, need);
    if (err != 0) {
        return err;
    }
    if (*n != 0) {
        memcpy(c->in + c->in_len, data, *n);
    }
    c->in_len += *n;
    return 0;
}

int
fmq__conn_input(fmq__conn *c, const uint8_t *data, size_t len, size_t *used)
{
    *used = 0;
    while (c->state != READY && !fmq__conn_wants_work(c)) {
        enum input input;
        size_t need = 0;
        size_t n = 0;
        int err;

        if (c->state == FAILED) {
            return c->failure;
        }
        input = scan[c->state](c, &need);
        if (input != IN_PART) {
            err = take_step(c, input);
            if (err != 0) {
                return err;
            }
            continue;
        }
        if (*used == len) {
            break;
        }
        err = collect(c, need, data + *used, len - *used, &n);
        if (err != 0) {
            return fail(c, err);
        }
        *used += n;
    }
    return 0;
}

bool
fmq__conn_wants_zap(const fmq__conn *c)
{
    return c->state == HANDSHAKE && (c->mech->want(c->mech_state) & FMQ__MECH_ZAP) != 0;
}

const fmq__mech_ops *
fmq__conn_mech(const fmq__conn *c)
{
    return c->mech;
}

size_t
fmq__conn_credentials(const fmq__conn *c,
                      fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    return c->mech->credentials(c->mech_state, credential);
}

int
fmq__conn_zap_reply(fmq__conn *c, const fmq__zap_reply *reply)
{
    int err;

    assert(fmq__conn_wants_zap(c));
    c->zap = reply;
    err = take_step(c, IN_ZAP_REPLY);
    c->zap = NULL;
    return err;
}

int
fmq__conn_zap_fail(fmq__conn *c, unsigned error)
{
    c->error = error;
    return fail(c, EPROTO);
}

bool
fmq__conn_wants_work(const fmq__conn *c)
{
    return c->state == HANDSHAKE &&
           (c->mech->want(c->mech_state) & FMQ__MECH_WORK) != 0;
}

void
fmq__conn_work(fmq__conn *c)
{
    c->work_result = (fmq__mech_result){0};
    c->work_err = c->mech->work(c->mech_state, &c->work_result);
}

int
fmq__conn_finish_work(fmq__conn *c)
{
    return take_step(c, IN_WORK);
}

size_t
fmq__conn_output(const fmq__conn *c, const uint8_t **data)
{
    *data = c->out + c->out_sent;
    return c->out_len - c->out_sent;
}

void
fmq__conn_sent(fmq__conn *c, size_t n)
{
    assert(n <= c->out_len - c->out_sent);
    c->out_sent += n;
}

bool
fmq__conn_is_ready(const fmq__conn *c)
{
    return c->state == READY;
}

bool
fmq__conn_has_greeted(const fmq__conn *c)
{
    return c->version != 0;
}

unsigned
fmq__conn_error(const fmq__conn *c)
{
    return c->error;
}

unsigned
fmq__conn_version(const fmq__conn *c)
{
    return c->version;
}

fmq__props *
fmq__conn_take_props(fmq__conn *c)
{
    assert(c->state == READY);
    fmq__props_hold(c->props);
    return c->props;
}

int
fmq__conn_make_guard(const fmq__conn *c, fmq__guard **guard)
{
    assert(c->state == READY);
    *guard = NULL;
    return c->mech->make_guard != NULL && c->version >= 0x0300
               ? c->mech->make_guard(c->mech_state, guard)
               : 0;
}
