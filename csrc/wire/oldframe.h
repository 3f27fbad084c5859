/* SPDX-License-Identifier: Apache-2.0 */
/* oldframe: the header before each frame of ZMTP 1.0 (RFC 13): the length of what
 * follows - flags and body - in 1 byte, or FF and 8 bytes; then the flags, of which
 * there is one, MORE.
 */
#ifndef FMQ_WIRE_OLDFRAME_H
#define FMQ_WIRE_OLDFRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "msg/msg.h"

enum {
    FMQ__OLDFRAME_SHORT_HEADER = 2,
    FMQ__OLDFRAME_LONG_HEADER = 10,
    FMQ__OLDFRAME_SHORT_MAX = 253 /* the longest body behind a short header */
};

/* Reads the header at `p`: 1 and its parts; 0 if more than `have` bytes are needed to
 * do so; -1 if it announces nothing at all, or more than there can be. */
static inline int
fmq__oldframe_parse(const uint8_t *p, size_t have, size_t *header_len,
                    uint64_t *body_len, unsigned *flags)
{
    uint64_t len;

    if (have < FMQ__OLDFRAME_SHORT_HEADER) {
        return have == 1 && p[0] == 0 ? -1 : 0;
    }
    len = p[0];
    *header_len = FMQ__OLDFRAME_SHORT_HEADER;
    if (len == 0xFF) {
        if (have < FMQ__OLDFRAME_LONG_HEADER) {
            return 0;
        }
        len = fmq__get_u64(p + 1);
        *header_len = FMQ__OLDFRAME_LONG_HEADER;
    }
    if (len == 0 || len > INT64_MAX) {
        return -1;
    }
    *body_len = len - 1;
    *flags = p[*header_len - 1] & (unsigned)FMQ__MORE;
    return 1;
}

/* Writes the header of a body to `p`; of `flags` only FMQ__MORE counts. Returns its
 * length. */
static inline size_t
fmq__oldframe_put_header(uint8_t *p, unsigned flags, uint64_t body_len)
{
    size_t n = 1;

    if (body_len <= FMQ__OLDFRAME_SHORT_MAX) {
        p[0] = (uint8_t)(body_len + 1);
    } else {
        p[0] = 0xFF;
        fmq__put_u64(p + 1, body_len + 1);
        n = 9;
    }
    p[n] = (uint8_t)(flags & FMQ__MORE);
    return n + 1;
}

#endif
