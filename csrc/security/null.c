/* SPDX-License-Identifier: Apache-2.0 */
#include "security/null.h"

#include <errno.h>
#include <string.h>

#include "security/refusal.h"

typedef struct null_state {
    const uint8_t *metadata;
    size_t metadata_len;
    bool asks;       /* ZAP, which has not answered yet */
    bool is_refused; /* by ZAP: ERROR is to be sent */
    unsigned status;
    bool has_sent;
    bool has_received;
} null_state;

static const char ready_name[] = "READY";

static int
init(void *state, const fmq__mech_args *args)
{
    null_state *s = state;
    const fmq__null_config *config = args->config;

    s->metadata = args->metadata;
    s->metadata_len = args->metadata_len;
    s->asks = config != NULL && config->asks_zap;
    return 0;
}

static void
fini(void *state)
{
    (void)state;
}

static unsigned
want(const void *state)
{
    const null_state *s = state;

    if (s->is_refused) {
        return FMQ__MECH_SEND;
    }
    return (s->asks       ? FMQ__MECH_ZAP
            : s->has_sent ? 0U
                          : FMQ__MECH_SEND) |
           (s->has_received ? 0U : FMQ__MECH_RECV);
}

static size_t
next_len(const void *state)
{
    const null_state *s = state;

    return s->is_refused ? FMQ__REFUSAL_LEN
                         : sizeof(ready_name) + s->metadata_len; /* NUL: the length */
}

static int
next(void *state, uint8_t *body)
{
    null_state *s = state;
    size_t at;

    if (s->is_refused) {
        s->is_refused = false;
        fmq__refusal_put(body, s->status);
        return 0;
    }
    at = fmq__command_put_name(body, ready_name);
    if (s->metadata_len != 0) {
        memcpy(body + at, s->metadata, s->metadata_len);
    }
    s->has_sent = true;
    return 0;
}

static int
input(void *state, const uint8_t *body, size_t len, fmq__mech_result *result)
{
    null_state *s = state;
    fmq__command command;

    if (fmq__command_parse(body, len, &command) == 0) {
        if (fmq__command_is(&command, ready_name)) {
            s->has_received = true;
            result->metadata = command.data;
            result->metadata_len = command.data_len;
            return 0;
        }
        if (fmq__command_is(&command, "ERROR")) {
            return fmq__refusal_take(&command, result);
        }
    }
    result->error = FMQ__ZMTP_UNEXPECTED_COMMAND;
    return EPROTO;
}

static size_t
credentials(const void *state,
            fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS])
{
    (void)state;
    (void)credential;
    return 0;
}

static int
zap_reply(void *state, unsigned status, fmq__mech_result *result)
{
    null_state *s = state;

    int err = fmq__refusal_of_status(status, &s->is_refused, result);

    s->asks = false;
    s->has_sent = err != 0; /* no READY */
    s->status = status;
    return err;
}

const fmq__mech_ops fmq__mech_null = {
    .name = "NULL",
    .state_size = sizeof(null_state),
    .metadata_error = 0,
    .init = init,
    .fini = fini,
    .want = want,
    .next_len = next_len,
    .next = next,
    .input = input,
    .credentials = credentials,
    .zap_reply = zap_reply,
};
