/* SPDX-License-Identifier: Apache-2.0 */
#include "security/null.h"

#include <errno.h>
#include <string.h>

#include "security/refusal.h"

typedef struct null_state {
    const uint8_t *metadata;
    size_t metadata_len;
    bool has_sent;
    bool has_received;
} null_state;

static const char ready_name[] = "READY";

static int
init(void *state, const fmq__mech_args *args)
{
    null_state *s = state;

    s->metadata = args->metadata;
    s->metadata_len = args->metadata_len;
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

    return (s->has_sent ? 0U : FMQ__MECH_SEND) |
           (s->has_received ? 0U : FMQ__MECH_RECV);
}

static size_t
next_len(const void *state)
{
    const null_state *s = state;

    return sizeof(ready_name) +
           s->metadata_len; /* the NUL stands for the length byte */
}

static int
next(void *state, uint8_t *body)
{
    null_state *s = state;
    size_t at = fmq__command_put_name(body, ready_name);

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
};
