/* SPDX-License-Identifier: Apache-2.0 */
/* greeting: the 64 bytes that open a ZMTP 3.x connection, and telling from a peer's
 * first 11 which version it speaks (RFC 37 "Version Negotiation", RFC 23, 15, 13).
 *
 *     0       signature   FF, 8 bytes, 7F
 *     10      revision    03
 *     11      minor       01
 *     12..31  mechanism   zero padded
 *     32      as-server   always 0, and not looked at
 *     33..63  zeros
 *
 * The 8 bytes of the signature are the length that the identity frame of ZMTP 1.0 would
 * have: 1 + the length of the own routing id. So the signature is the beginning of a
 * stream of that version, should the peer turn out to speak it.
 */
#ifndef FMQ_WIRE_GREETING_H
#define FMQ_WIRE_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FMQ__GREETING_SIGNATURE_LEN = 10,
    FMQ__GREETING_REVISION_LEN = 11, /* signature and revision */
    FMQ__GREETING_LEN = 64,
    FMQ__GREETING_MECHANISM_MAX = 20,
};

/* What the first bytes of a peer say of it. */
enum fmq__greeting_peer {
    FMQ__PEER_UNKNOWN,     /* nothing yet */
    FMQ__PEER_UNVERSIONED, /* ZMTP 1.0 */
    FMQ__PEER_VERSIONED,   /* 10 bytes: the revision decides */
    FMQ__PEER_V1_FRAMES,   /* 11 bytes: revision 0 */
    FMQ__PEER_V2_0,
    FMQ__PEER_V3, /* a greeting of 64 bytes follows */
};

/* Judges the first `have` bytes; more than 11 say no more. */
enum fmq__greeting_peer fmq__greeting_detect(const uint8_t *p, size_t have);

/* Writes all 64 bytes. `mechanism`: at most 20 characters. */
void fmq__greeting_put(uint8_t greeting[FMQ__GREETING_LEN], uint64_t identity_len,
                       const char *mechanism);

/* The version to speak with the sender of this greeting (64 bytes, FMQ__PEER_V3):
 * 0x0300, or 0x0301 for everything later. */
unsigned fmq__greeting_version(const uint8_t *greeting);

/* Whether it names exactly this mechanism, the padding being zeros. */
bool fmq__greeting_has_mechanism(const uint8_t *greeting, const char *mechanism);

#endif
