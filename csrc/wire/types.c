/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/types.h"

#include <string.h>

uint64_t
fmq__conn_type_bit(const char *name, size_t len)
{
    /* By number, as in zmq.h. */
    static const char *const names[] = {
        "PAIR",  "PUB",  "SUB",    "REQ",     "REP",    "DEALER", "ROUTER",
        "PULL",  "PUSH", "XPUB",   "XSUB",    "STREAM", "SERVER", "CLIENT",
        "RADIO", "DISH", "GATHER", "SCATTER", "DGRAM",  "PEER",   "CHANNEL",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            return (uint64_t)1 << i;
        }
    }
    return 0;
}

uint8_t
fmq__type_number(const char *type)
{
    uint64_t bit = fmq__conn_type_bit(type, strlen(type));
    uint8_t n = 0;

    while (bit > 1) {
        bit >>= 1;
        n++;
    }
    return n;
}
