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
    DONE,
    N_STEPS
};

static const unsigned wants[N_STEPS] = {
    [INIT_CONTEXT] = FMQ__MECH_WORK, [SEND_TOKEN] = FMQ__MECH_SEND,
    [AWAIT_TOKEN] = FMQ__MECH_RECV,  [SEND_LAST] = FMQ__MECH_SEND,
    [AWAIT_READY] = FMQ__MECH_RECV,  [SEND_READY] = FMQ__MECH_SEND,
};

/* What comes after something was sent. */
static const enum step after[N_STEPS] = {
    [SEND_TOKEN] = AWAIT_TOKEN,
    [SEND_LAST] = AWAIT_READY,
    [SEND_READY] = DONE,
};

typedef struct client_state {
    enum step step;
    fmq__gss_side side;
} client_state;

static int
init(void *state, const fmq__mech_args *args)
{
    client_state *s = state;

    s->step = INIT_CONTEXT;
    return fmq__gss_side_init(&s->side, args);
}

static void
fini(void *state)
{
    client_state *s = state;

    fmq__gss_side_fini(&s->side);
    s->step = INIT_CONTEXT;
}

static unsigned
want(const void *state)
{
    const client_state *s = state;

    return wants[s->step];
}

static int
work(void *state, fmq__mech_result *result)
{
    client_state *s = state;
    int err = fmq__gss_side_step(&s->side, result);

    if (err != 0 && err != EAGAIN) {
        return err;
    }
    s->step = err == EAGAIN ? SEND_TOKEN : SEND_LAST;
    return 0;
}

static size_t
next_len(const void *state)
{
    const client_state *s = state;

    return s->side.out.len;
}

static int
next(void *state, uint8_t *body)
{
    client_state *s = state;

    fmq__gss_side_put(&s->side, body);
    s->step = after[s->step];
    return 0;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    client_state *s = state;
    int err;

    if (s->step == AWAIT_TOKEN) {
        err = fmq__gss_side_take_initiate(&s->side, body, len, result);
        s->step = INIT_CONTEXT;
        return err;
    }
    assert(s->step == AWAIT_READY);
    err = fmq__gss_side_take_ready(&s->side, body, len, result);
    if (err == 0) {
        err = fmq__gss_side_make_ready(&s->side);
    }
    s->step = err == 0 ? SEND_READY : DONE;
    return err;
}

static int
make_guard(void *state, fmq__guard **guard)
{
    client_state *s = state;

    *guard = fmq__gss_side_take_guard(&s->side);
    return 0;
}

const fmq__mech_ops fmq__mech_gssapi_client = {
    .name = "GSSAPI",
    .state_size = sizeof(client_state),
    .metadata_error = FMQ__ZMTP_INVALID_METADATA,
    .init = init,
    .fini = fini,
    .want = want,
    .next_len = next_len,
    .next = next,
    .input = input,
    .work = work,
    .make_guard = make_guard,
};
