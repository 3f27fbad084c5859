/* SPDX-License-Identifier: Apache-2.0 */
#include "session/old.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/frame.h"
#include "wire/oldframe.h"

/* A frame shrinks by nothing and grows by one byte at most (a body of 254 or 255), and
 * there are at least two bytes to each. */
_Static_assert(sizeof(((fmq__old *)0)->bytes) >= 2 * FMQ__OLD_BYTES, "all fits");

int
fmq__old_new(fmq__old **old)
{
    fmq__old *o = fmq__alloc(sizeof(*o));

    if (o == NULL) {
        return ENOMEM;
    }
    o->body_left = 0;
    o->at = 0;
    o->len = 0;
    *old = o;
    return 0;
}

/* Takes what it can of a run: how much that is. It stops before half a header. */
static size_t
take_run(fmq__old *o, const uint8_t *p, size_t n)
{
    size_t taken = 0;

    while (taken < n) {
        size_t part = n - taken;

        if (o->body_left == 0) {
            size_t header_len;
            unsigned flags;

            if (fmq__frame_parse(p + taken, part, &header_len, &o->body_left, &flags) <=
                0) {
                break;
            }
            o->len += fmq__oldframe_put_header(o->bytes + o->len, flags, o->body_left);
            taken += header_len;
            continue;
        }
        part = o->body_left < part ? (size_t)o->body_left : part;
        memcpy(o->bytes + o->len, p + taken, part);
        o->len += part;
        o->body_left -= part;
        taken += part;
    }
    return taken;
}

size_t
fmq__old_fill(fmq__old *o, const struct iovec *run, int n_runs)
{
    size_t all = 0;

    o->at = 0;
    o->len = 0;
    for (int i = 0; i < n_runs; i++) {
        size_t taken = take_run(o, run[i].iov_base, run[i].iov_len);

        all += taken;
        if (taken < run[i].iov_len) {
            break;
        }
    }
    return all;
}
