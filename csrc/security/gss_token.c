/* SPDX-License-Identifier: Apache-2.0 */
#include "security/gss_token.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/command.h"
#include "wire/protocol_error.h"

enum { LEN_LEN = 4 };

size_t
fmq__gss_token_at(const char *name)
{
    return 1 + strlen(name) + LEN_LEN;
}

void
fmq__gss_token_put_head(uint8_t *body, const char *name, uint32_t len)
{
    fmq__put_u32(body + fmq__command_put_name(body, name), len);
}

int
fmq__gss_token_check(const uint8_t *body, size_t len, const char *name,
                     unsigned malformed, unsigned *error)
{
    fmq__command c;

    if (fmq__command_parse(body, len, &c) != 0) {
        *error = FMQ__ZMTP_MALFORMED_COMMAND;
        return EPROTO;
    }
    if (!fmq__command_is(&c, name)) {
        *error = FMQ__ZMTP_UNEXPECTED_COMMAND;
        return EPROTO;
    }
    if (c.data_len < LEN_LEN || fmq__get_u32(c.data) != c.data_len - LEN_LEN) {
        *error = malformed;
        return EPROTO;
    }
    return 0;
}
