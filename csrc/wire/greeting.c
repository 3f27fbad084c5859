/* SPDX-License-Identifier: Apache-2.0 */
/* The revision byte 2 would be ZMTP 2.1 by RFC 37, which nobody released; libzmq
 * answers it with a full greeting and the rules of 3.1, so we do the same.
 */
#include "wire/greeting.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

enum { AT_REVISION = 10, AT_MINOR = 11, AT_MECHANISM = 12 };

enum fmq__greeting_peer
fmq__greeting_detect(const uint8_t *p, size_t have)
{
    if (have == 0) {
        return FMQ__PEER_UNKNOWN;
    }
    if (p[0] != 0xFF) {
        return FMQ__PEER_UNVERSIONED;
    }
    if (have < FMQ__GREETING_SIGNATURE_LEN) {
        return FMQ__PEER_UNKNOWN;
    }
    /* In ZMTP 1.0 this byte holds the flags of a long identity frame, which is never
     * followed by more (RFC 13). */
    if ((p[9] & 1) == 0) {
        return FMQ__PEER_UNVERSIONED;
    }
    if (have < FMQ__GREETING_REVISION_LEN) {
        return FMQ__PEER_VERSIONED;
    }
    switch (p[AT_REVISION]) {
    case 0:
        return FMQ__PEER_V1_FRAMES;
    case 1:
        return FMQ__PEER_V2_0;
    default:
        return FMQ__PEER_V3;
    }
}

/* The mechanism's field as it has to be. */
static void
put_mechanism(uint8_t field[FMQ__GREETING_MECHANISM_MAX], const char *mechanism)
{
    size_t len = strlen(mechanism);

    assert(len <= FMQ__GREETING_MECHANISM_MAX);
    memset(field, 0, FMQ__GREETING_MECHANISM_MAX);
    memcpy(field, mechanism, len);
}

void
fmq__greeting_put(uint8_t greeting[FMQ__GREETING_LEN], uint64_t identity_len,
                  const char *mechanism)
{
    memset(greeting, 0, FMQ__GREETING_LEN);
    greeting[0] = 0xFF;
    fmq__put_u64(greeting + 1, identity_len + 1);
    greeting[9] = 0x7F;
    greeting[AT_REVISION] = 3;
    greeting[AT_MINOR] = 1;
    put_mechanism(greeting + AT_MECHANISM, mechanism);
}

unsigned
fmq__greeting_version(const uint8_t *greeting)
{
    bool is_3_0 = greeting[AT_REVISION] == 3 && greeting[AT_MINOR] == 0;

    return is_3_0 ? 0x0300 : 0x0301;
}

bool
fmq__greeting_has_mechanism(const uint8_t *greeting, const char *mechanism)
{
    uint8_t field[FMQ__GREETING_MECHANISM_MAX];

    put_mechanism(field, mechanism);
    return memcmp(greeting + AT_MECHANISM, field, sizeof(field)) == 0;
}
