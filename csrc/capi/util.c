/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "fastmq.h"
#include "security/crypto.h"
#include "security/gss.h"

const char *
fmq_strerror(int err)
{
    switch (err) {
    case FMQ_EFSM:
        return "Operation cannot be accomplished in current state";
    case FMQ_ENOCOMPATPROTO:
        return "The protocol is not compatible with the socket type";
    case FMQ_ETERM:
        return "Context was terminated";
    case FMQ_EMTHREAD:
        return "No thread available";
    case EHOSTUNREACH:
        return "Host unreachable";
    default:
        return strerror(err);
    }
}

int
fmq_has(const char *capability)
{
    return strcmp(capability, "ipc") == 0 || strcmp(capability, "draft") == 0 ||
           (strcmp(capability, "curve") == 0 && fmq__crypto_get() != NULL) ||
           (strcmp(capability, "gssapi") == 0 && fmq__gss_get() != NULL);
}

const char *
fmq_version(void)
{
    return FMQ_VERSION_STRING;
}
