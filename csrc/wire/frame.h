/* SPDX-License-Identifier: Apache-2.0 */
/* frame: the header before each frame of ZMTP 2.0 and 3.x (RFC 37 "Framing"): flags,
 * then the body's length in 1 byte, or in 8 if LONG is set.
 *
 * Says nothing of how long a body may be; that is the reader's to judge.
 */
#ifndef FMQ_WIRE_FRAME_H
#define FMQ_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "msg/msg.h"

enum {
    FMQ__FRAME_SHORT_HEADER = 2,
    FMQ__FRAME_LONG_HEADER = 9,
    FMQ__FRAME_SHORT_MAX = 255, /* the longest body that a short header can announce */
};

/* Reads the header at `p`: 1 and its parts; 0 if more than `have` bytes are needed to
 * do so; -1 if the length has its top bit set, which no frame may have. `*flags` are
 * FMQ__MORE and FMQ__COMMAND: LONG is taken off, and unknown bits are ignored. A long
 * header is legal whatever the length. */
static inline int
fmq__frame_parse(const uint8_t *p, size_t have, size_t *header_len, uint64_t *body_len,
                 unsigned *flags)
{
    uint64_t len;

    if (have < FMQ__FRAME_SHORT_HEADER) {
        return 0;
    }
    *flags = p[0] & (unsigned)(FMQ__MORE | FMQ__COMMAND);
    if ((p[0] & FMQ__LONG) == 0) {
        *header_len = FMQ__FRAME_SHORT_HEADER;
        *body_len = p[1];
        return 1;
    }
    if (have < FMQ__FRAME_LONG_HEADER) {
        return 0;
    }
    len = fmq__get_u64(p + 1);
    if (len > INT64_MAX) {
        return -1;
    }
    *header_len = FMQ__FRAME_LONG_HEADER;
    *body_len = len;
    return 1;
}

static inline size_t
fmq__frame_header_len(uint64_t body_len)
{
    return body_len <= FMQ__FRAME_SHORT_MAX ? FMQ__FRAME_SHORT_HEADER
                                            : FMQ__FRAME_LONG_HEADER;
}

/* Writes the header of a body of `body_len` bytes to `p`; of `flags` only FMQ__MORE and
 * FMQ__COMMAND count. Returns its length: 2, or 9 for a body over 255 bytes. */
static inline size_t
fmq__frame_put_header(uint8_t *p, unsigned flags, uint64_t body_len)
{
    flags &= FMQ__MORE | FMQ__COMMAND;
    if (body_len <= FMQ__FRAME_SHORT_MAX) {
        p[0] = (uint8_t)flags;
        p[1] = (uint8_t)body_len;
        return FMQ__FRAME_SHORT_HEADER;
    }
    p[0] = (uint8_t)(flags | FMQ__LONG);
    fmq__put_u64(p + 1, body_len);
    return FMQ__FRAME_LONG_HEADER;
}

#endif
