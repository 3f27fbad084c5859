/* SPDX-License-Identifier: Apache-2.0 */
#include "security/refusal.h"

#include <errno.h>

void
fmq__refusal_put(uint8_t *body, unsigned status)
{
    size_t at = fmq__command_put_name(body, "ERROR");

    body[at++] = 3;
    body[at++] = (uint8_t)('0' + status / 100);
    body[at++] = '0';
    body[at] = '0';
}

int
fmq__refusal_take(const fmq__command *command, fmq__mech_result *result)
{
    if (fmq__command_parse_error(command, &result->error) == 0) {
        return EACCES;
    }
    result->error = FMQ__ZMTP_MALFORMED_ERROR;
    return EPROTO;
}

int
fmq__refusal_of_status(unsigned status, bool *has_word, fmq__mech_result *result)
{
    if (status == 200) {
        return 0;
    }
    *has_word = status != 300;
    result->error = status;
    return EACCES;
}

int
fmq__refusal_unexpected(const uint8_t *body, size_t len, fmq__mech_result *result)
{
    fmq__command command;

    result->error = fmq__command_parse(body, len, &command) == 0
                        ? FMQ__ZMTP_UNEXPECTED_COMMAND
                        : FMQ__ZMTP_MALFORMED_COMMAND;
    return EPROTO;
}
