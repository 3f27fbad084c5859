/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue holds, written to raw peers and to those of ZMTP 1.0: whatever frames
 * there are, wherever the queue is cut into runs and whatever part the kernel takes,
 * the peer gets every body whole and nothing else.
 *
 * The input is a sequence of frames, two bytes each (what and how long), and is read
 * once more for the cuts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "session/old.h"
#include "session/raw.h"
#include "wire/frame.h"
#include "wire/oldframe.h"

enum { MAX_FRAMES = 256 };

typedef struct cuts {
    const uint8_t *data;
    size_t size;
    size_t at;
} cuts;

typedef struct queue {
    uint8_t *bytes;
    size_t len;
    /* The same frames without their headers, and as ZMTP 1.0 has them. */
    uint8_t *bodies;
    size_t bodies_len;
    uint8_t *old;
    size_t old_len;
} queue;

static size_t
next_cut(cuts *c)
{
    uint8_t a = c->data[c->at++ % c->size];
    uint8_t b = c->data[c->at++ % c->size];

    return 1 + (a % 2 == 0 ? b : (size_t)a * 256 + b);
}

static void *
grab(size_t size)
{
    void *p = malloc(size);

    require(p != NULL);
    return p;
}

static size_t
body_len(const uint8_t *p)
{
    return ((p[0] >> 6) == 3 ? (size_t)p[1] * 13 : p[1]) + ((p[0] >> 1) & 7);
}

static void
make_queue(queue *q, const uint8_t *data, size_t size)
{
    size_t n = size / 2 < MAX_FRAMES ? size / 2 : MAX_FRAMES;
    size_t most = 0;

    for (size_t i = 0; i < 2 * n; i += 2) {
        most += FMQ__OLDFRAME_LONG_HEADER + body_len(data + i);
    }
    q->bytes = grab(most);
    q->bodies = grab(most);
    q->old = grab(most);
    for (size_t i = 0; i < 2 * n; i += 2) {
        unsigned flags = data[i] & FMQ__MORE;
        size_t len = body_len(data + i);

        q->len += fmq__frame_put_header(q->bytes + q->len, flags, len);
        q->old_len += fmq__oldframe_put_header(q->old + q->old_len, flags, len);
        for (size_t k = 0; k < len; k++) {
            uint8_t byte = (uint8_t)(i + k);

            q->bytes[q->len++] = byte;
            q->bodies[q->bodies_len++] = byte;
            q->old[q->old_len++] = byte;
        }
    }
}

/* Runs as a queue would give them: nothing is cut within a header, but the last one may
 * end there. `*frame_left` is how much of a body comes first. */
static int
make_runs(const queue *q, size_t at, uint64_t frame_left, size_t max, cuts *c,
          struct iovec *run, int max_runs)
{
    size_t end = q->len - at < max ? q->len : at + max;
    int n = 0;

    while (at < end && n < max_runs) {
        size_t start = at;
        size_t want = next_cut(c);

        /* Whole frames until there is enough; a body may be split, a header not. */
        while (at < end && at - start < want) {
            size_t header_len = 0;
            unsigned flags;
            size_t part;

            if (frame_left == 0) {
                require(fmq__frame_parse(q->bytes + at, q->len - at, &header_len,
                                         &frame_left, &flags) == 1);
                at += header_len;
                continue;
            }
            part = (size_t)frame_left;
            part = part < start + want - at ? part : start + want - at;
            at += part;
            frame_left -= part;
        }
        at = at < end ? at : end;
        run[n++] = (struct iovec){q->bytes + start, at - start};
    }
    return n;
}

/* How much of a body is left behind the first `n` bytes. */
static uint64_t
frame_left_at(const queue *q, size_t n)
{
    size_t at = 0;

    while (at < n) {
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags;

        require(fmq__frame_parse(q->bytes + at, q->len - at, &header_len, &len,
                                 &flags) == 1);
        require(n - at >= header_len); /* a reader never stops in a header */
        at += header_len;
        if (len > n - at) {
            return len - (n - at);
        }
        at += (size_t)len;
    }
    return 0;
}

static void
write_raw(const queue *q, cuts *c)
{
    size_t at = 0;
    size_t sent = 0;
    int stuck = 0;

    while (at < q->len) {
        struct iovec run[FMQ__RAW_IOV];
        fmq__rawspan span;
        uint64_t left = frame_left_at(q, at);
        int n = make_runs(q, at, left, 1 + next_cut(c) * 16, c, run, FMQ__RAW_IOV);
        size_t taken;
        size_t used;

        fmq__raw_strip(&span, left, run, n);
        taken = stuck < 10 && next_cut(c) % 3 == 0 ? next_cut(c) % (span.bytes + 1)
                                                   : span.bytes;
        used = taken;
        for (int i = 0; i < span.n && used != 0; i++) {
            size_t part = span.iov[i].iov_len < used ? span.iov[i].iov_len : used;

            require(sent + part <= q->bodies_len);
            require(memcmp(q->bodies + sent, span.iov[i].iov_base, part) == 0);
            sent += part;
            used -= part;
        }
        used = fmq__raw_consumed(&span, taken);
        require(at + used <= q->len);
        at += used;
        stuck = used == 0 ? stuck + 1 : 0;
        require(stuck < 20);
    }
    require(sent == q->bodies_len);
}

static void
write_old(const queue *q, cuts *c)
{
    fmq__old *o;
    size_t at = 0;
    size_t sent = 0;

    if (fmq__old_new(&o) != 0) {
        return;
    }
    while (at < q->len) {
        struct iovec run[FMQ__OLD_RUNS];
        size_t max = next_cut(c) * 16;
        int n =
            make_runs(q, at, o->body_left, max < FMQ__OLD_BYTES ? max : FMQ__OLD_BYTES,
                      c, run, FMQ__OLD_RUNS);
        size_t used = fmq__old_fill(o, run, n);

        require(o->at == 0 && o->len <= sizeof(o->bytes));
        require(sent + o->len <= q->old_len);
        require(memcmp(q->old + sent, o->bytes, o->len) == 0);
        sent += o->len;
        at += used;
        require(o->body_left == frame_left_at(q, at));
        require(used != 0);
    }
    require(sent == q->old_len);
    fmq__free(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    queue q = {0};
    cuts c = {data, size, 0};

    if (size < 2 || size > 2048) {
        return 0;
    }
    make_queue(&q, data, size);
    write_raw(&q, &c);
    write_old(&q, &c);
    free(q.bytes);
    free(q.bodies);
    free(q.old);
    return 0;
}
