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
    DONE
};

static const fmq__gss_move moves[] = {
    [AWAIT_TOKEN] = {FMQ__MECH_RECV, 0},
    [ACCEPT_CONTEXT] = {FMQ__MECH_WORK, 0},
    [SEND_TOKEN] = {FMQ__MECH_SEND, AWAIT_TOKEN},
    [SEND_LAST] = {FMQ__MECH_SEND, AWAIT_LAST},
    [AWAIT_LAST] = {FMQ__MECH_RECV, 0},
    [AWAIT_ZAP] = {FMQ__MECH_ZAP, 0},
    [SEND_READY] = {FMQ__MECH_SEND, AWAIT_READY},
    [AWAIT_READY] = {FMQ__MECH_RECV, 0},
    [DONE] = {0, 0},
};

static int
init(void *state, const fmq__mech_args *args)
{
    return fmq__gss_side_init(state, args, moves);
}

static int
work(void *state, fmq__mech_result *result)
{
    fmq__gss_side *s = state;
    int err = fmq__gss_side_step(s, result);

    if (err != 0 && err != EAGAIN) {
        return err;
    }
    if (err == EAGAIN) {
        s->step = SEND_TOKEN;
    } else {
        /* Without a token for it the client has nothing more to say either. */
        s->step = s->out.len != 0 ? SEND_LAST : AWAIT_ZAP;
    }
    return 0;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    fmq__gss_side *s = state;
    int err;

    switch (s->step) {
    case AWAIT_TOKEN:
        err = fmq__gss_side_take_initiate(s, body, len, result);
        s->step = ACCEPT_CONTEXT;
        return err;
    case AWAIT_LAST: /* whatever it says: it has found our token good */
        s->step = AWAIT_ZAP;
        return 0;
    default:
        assert(s->step == AWAIT_READY);
        s->step = DONE;
        return fmq__gss_side_take_ready(s, body, len, result);
    }
}

static size_t
credentials(const void *state,
            fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    const fmq__gss_side *s = state;
    fmq__gss_bytes peer = s->gss->peer(s->context);

    credential[0] = (fmq__mech_credential){peer.data, peer.len};
    return 1;
}

static int
zap_reply(void *state, unsigned status, fmq__mech_result *result)
{
    fmq__gss_side *s = state;
    bool has_word = false;
    int err = fmq__refusal_of_status(status, &has_word, result);

    if (err == 0) {
        err = fmq__gss_side_make_ready(s);
    }
    s->step = err == 0 ? SEND_READY : DONE;
    return err;
}

const fmq__mech_ops fmq__mech_gssapi_server = {
    .name = "GSSAPI",
    .state_size = sizeof(fmq__gss_side),
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = init,
    .fini = fmq__gss_side_fini,
    .want = fmq__gss_side_want,
    .next_len = fmq__gss_side_next_len,
    .next = fmq__gss_side_next,
    .input = input,
    .credentials = credentials,
    .zap_reply = zap_reply,
    .work = work,
    .make_guard = fmq__gss_side_make_guard,
};
