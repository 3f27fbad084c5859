/* SPDX-License-Identifier: Apache-2.0 */
/* The server of what gssapi_client.c draws.
 *
 * libzmq's takes a client whatever its ZAP handler says of it. Here 400 and 500 mean
 * no; there is no word for it, so the client only sees the connection end.
 */
#include <assert.h>
#include <errno.h>

#include "security/gss_side.h"
#include "security/gssapi.h"
#include "security/refusal.h"

enum step {
    AWAIT_TOKEN,
    ACCEPT_CONTEXT,
    SEND_TOKEN,
    SEND_LAST, /* of our tokens */
    AWAIT_LAST,
    AWAIT_ZAP,
    SEND_READY,
    AWAIT_READY,
    DONE,
    N_STEPS
};

static const unsigned wants[N_STEPS] = {
    [AWAIT_TOKEN] = FMQ__MECH_RECV, [ACCEPT_CONTEXT] = FMQ__MECH_WORK,
    [SEND_TOKEN] = FMQ__MECH_SEND,  [SEND_LAST] = FMQ__MECH_SEND,
    [AWAIT_LAST] = FMQ__MECH_RECV,  [AWAIT_ZAP] = FMQ__MECH_ZAP,
    [SEND_READY] = FMQ__MECH_SEND,  [AWAIT_READY] = FMQ__MECH_RECV,
};

/* What comes after something was sent. */
static const enum step after[N_STEPS] = {
    [SEND_TOKEN] = AWAIT_TOKEN,
    [SEND_LAST] = AWAIT_LAST,
    [SEND_READY] = AWAIT_READY,
};

typedef struct server_state {
    enum step step;
    fmq__gss_side side;
} server_state;

static int
init(void *state, const fmq__mech_args *args)
{
    server_state *s = state;

    s->step = AWAIT_TOKEN;
    return fmq__gss_side_init(&s->side, args);
}

static void
fini(void *state)
{
    server_state *s = state;

    fmq__gss_side_fini(&s->side);
    s->step = AWAIT_TOKEN;
}

static unsigned
want(const void *state)
{
    const server_state *s = state;

    return wants[s->step];
}

static int
work(void *state, fmq__mech_result *result)
{
    server_state *s = state;
    int err = fmq__gss_side_step(&s->side, result);

    if (err != 0 && err != EAGAIN) {
        return err;
    }
    if (err == EAGAIN) {
        s->step = SEND_TOKEN;
    } else {
        /* Without a token for it the client has nothing more to say either. */
        s->step = s->side.out.len != 0 ? SEND_LAST : AWAIT_ZAP;
    }
    return 0;
}

static size_t
next_len(const void *state)
{
    const server_state *s = state;

    return s->side.out.len;
}

static int
next(void *state, uint8_t *body)
{
    server_state *s = state;

    fmq__gss_side_put(&s->side, body);
    s->step = after[s->step];
    return 0;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    server_state *s = state;
    int err;

    switch (s->step) {
    case AWAIT_TOKEN:
        err = fmq__gss_side_take_initiate(&s->side, body, len, result);
        s->step = ACCEPT_CONTEXT;
        return err;
    case AWAIT_LAST: /* whatever it says: it has found our token good */
        s->step = AWAIT_ZAP;
        return 0;
    default:
        assert(s->step == AWAIT_READY);
        s->step = DONE;
        return fmq__gss_side_take_ready(&s->side, body, len, result);
    }
}

static size_t
credentials(const void *state,
            fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    const server_state *s = state;
    fmq__gss_bytes peer = s->side.gss->peer(s->side.context);

    credential[0] = (fmq__mech_credential){peer.data, peer.len};
    return 1;
}

static int
zap_reply(void *state, unsigned status, fmq__mech_result *result)
{
    server_state *s = state;
    bool has_word = false;
    int err = fmq__refusal_of_status(status, &has_word, result);

    if (err == 0) {
        err = fmq__gss_side_make_ready(&s->side);
    }
    s->step = err == 0 ? SEND_READY : DONE;
    return err;
}

static int
make_guard(void *state, fmq__guard **guard)
{
    server_state *s = state;

    *guard = fmq__gss_side_take_guard(&s->side);
    return 0;
}

const fmq__mech_ops fmq__mech_gssapi_server = {
    .name = "GSSAPI",
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
    .work = work,
    .make_guard = make_guard,
};
