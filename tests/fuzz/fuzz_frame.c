/* SPDX-License-Identifier: Apache-2.0 */
/* A row of frames as a peer sends it: every header is read within its bytes, and
 * written again it means the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/frame.h"

/* Reads the header at `p` from a block of its own size. */
static int
parse_exact(const uint8_t *p, size_t have, size_t *header_len, uint64_t *body_len,
            unsigned *flags)
{
    uint8_t *exact = malloc(have != 0 ? have : 1);
    int got;

    require(exact != NULL);
    if (have != 0) {
        memcpy(exact, p, have);
    }
    got = fmq__frame_parse(exact, have, header_len, body_len, flags);
    free(exact);
    return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t have = size - at < 9 ? size - at : 9;
        uint8_t ours[FMQ__FRAME_LONG_HEADER];
        size_t header_len = 0;
        uint64_t body_len = 0;
        unsigned flags = 0;
        size_t again_len;
        uint64_t again_body_len;
        unsigned again_flags;
        int got = parse_exact(data + at, have, &header_len, &body_len, &flags);

        if (got != 1) {
            require(got == 0 ? have < 9 : have == 9);
            break;
        }
        require(header_len <= have && body_len <= INT64_MAX);
        again_len = fmq__frame_put_header(ours, flags, body_len);
        require(again_len <= header_len &&
                again_len == fmq__frame_header_len(body_len));
        require(fmq__frame_parse(ours, again_len, &again_len, &again_body_len,
                                 &again_flags) == 1);
        require(again_body_len == body_len && again_flags == flags);
        at += header_len;
        at += body_len < size - at ? (size_t)body_len : size - at;
    }
    return 0;
}
