/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 38 is a draft of a few words; what is spoken is libzmq's:
 *
 *     client                     server
 *     INITIATE token        ->
 *                           <-   INITIATE token
 *     (until both contexts stand; Kerberos needs one each)
 *     nothing               ->
 *                                asks ZAP
 *                           <-   READY metadata
 *     READY metadata        ->
 *
 * "Nothing" is a command with an empty body, instead of a last token. A server that
 * will not have a client says nothing at all. Unless they agreed on plain text READY is
 * sealed, as all frames behind it.
 */
#include <assert.h>
#include <errno.h>

#include "security/gss_side.h"
#include "security/gssapi.h"

enum step {
    INIT_CONTEXT,
    SEND_TOKEN,
    AWAIT_TOKEN,
    SEND_LAST,
    AWAIT_READY,
    SEND_READY,
    DONE
};

static const fmq__gss_move moves[] = {
    [INIT_CONTEXT] = {FMQ__MECH_WORK, 0},
    [SEND_TOKEN] = {FMQ__MECH_SEND, AWAIT_TOKEN},
    [AWAIT_TOKEN] = {FMQ__MECH_RECV, 0},
    [SEND_LAST] = {FMQ__MECH_SEND, AWAIT_READY},
    [AWAIT_READY] = {FMQ__MECH_RECV, 0},
    [SEND_READY] = {FMQ__MECH_SEND, DONE},
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
    s->step = err == EAGAIN ? SEND_TOKEN : SEND_LAST;
    return 0;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    fmq__gss_side *s = state;
    int err;

    if (s->step == AWAIT_TOKEN) {
        err = fmq__gss_side_take_initiate(s, body, len, result);
        s->step = INIT_CONTEXT;
        return err;
    }
    assert(s->step == AWAIT_READY);
    err = fmq__gss_side_take_ready(s, body, len, result);
    if (err == 0) {
        err = fmq__gss_side_make_ready(s);
    }
    s->step = err == 0 ? SEND_READY : DONE;
    return err;
}

const fmq__mech_ops fmq__mech_gssapi_client = {
    .name = "GSSAPI",
    .state_size = sizeof(fmq__gss_side),
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = init,
    .fini = fmq__gss_side_fini,
    .want = fmq__gss_side_want,
    .next_len = fmq__gss_side_next_len,
    .next = fmq__gss_side_next,
    .input = input,
    .work = work,
    .make_guard = fmq__gss_side_make_guard,
};
