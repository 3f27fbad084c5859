/* SPDX-License-Identifier: Apache-2.0 */
/* fq_layout: how frames lie in the chunks of a queue (fq.h): for its two halves alone.
 *
 * The two halves meet in three places, none of which orders anything by itself: what
 * the caller publishes with (a lock, or duct.h's words) does.
 *
 *   - Frames and `next` are written before they are published and not after.
 *   - `sealed` is set before the first frame of the next chunk is published. So a
 * reader that knows of one more frame and stands at `sealed` finds it in `next`; and a
 * value that is set, or taken back by a roll-back, while the reader looks is not where
 * the reader stands: the frame it knows of lies there.
 *   - The link to a record may be set, and taken back, while the reader looks at it:
 * what it then leads to lies behind every published frame, and the reader stops before.
 *
 * A frame never spans chunks. Where its body lies follows from its header and the
 * chunk's form. To keep a short body by reference takes a chunk of the form `all_refs`,
 * in which every frame with a long header, which such a body gets, is one.
 *
 * A frame cut in its body by consume has `at` at the byte it goes on with if it lies in
 * the chunk, and at the record if it is referenced; `frame_left` tells how much is
 * left.
 *
 * Owner:   see fq.h.
 * Threads: one at a time a half.
 */
#ifndef FMQ_PIPE_FQ_LAYOUT_H
#define FMQ_PIPE_FQ_LAYOUT_H

#include "base/bytes.h"
#include "msg/msg.h"
#include "pipe/chunk.h"

enum { FMQ__FQ_LONG_HEAD = 9 };

/* A frame as it lies in a chunk. */
struct fmq__fq_layout {
    uint64_t len;  /* of the body */
    uint32_t head; /* bytes of the header */
    uint32_t next; /* offset behind the frame */
    uint32_t ref;  /* offset of the record; 0: the body lies in the chunk */
    uint8_t flags;
};

static inline uint32_t
fmq__fq_align(uint32_t off)
{
    return (off + 7) & ~(uint32_t)7;
}

static inline struct fmq__fq_layout
fmq__fq_parse(const fmq__chunk *c, uint32_t off)
{
    const uint8_t *p = c->data + off;
    struct fmq__fq_layout f = {.flags = p[0], .head = 2, .len = p[1]};

    if ((f.flags & FMQ__LONG) != 0) {
        f.head = FMQ__FQ_LONG_HEAD;
        f.len = fmq__get_u64(p + 1);
        if (f.len >= c->form.ref_min) {
            f.ref = fmq__fq_align(off + FMQ__FQ_LONG_HEAD);
            f.next = f.ref + (uint32_t)sizeof(fmq__chunk_ref);
            return f;
        }
    }
    f.next = off + f.head + (uint32_t)f.len;
    return f;
}

static inline uint32_t
fmq__fq_load(const _Atomic uint32_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static inline void
fmq__fq_store(_Atomic uint32_t *p, uint32_t v)
{
    atomic_store_explicit(p, v, memory_order_relaxed);
}

/* The record after `ref`, the first one after 0; 0: there is none. */
static inline uint32_t
fmq__fq_next_ref(const fmq__chunk *c, uint32_t ref)
{
    return fmq__fq_load(
        ref == 0 ? &c->first_ref
                 : &((const fmq__chunk_ref *)(const void *)(c->data + ref))->next);
}

/* Drops the bodies of the records after `ref` that lie before `end`; returns the last
 * of them, or `ref`. `dropped`: as in the halves. */
static inline uint32_t
fmq__fq_drop_refs(fmq__chunk *c, uint32_t ref, uint32_t end, fmq__body **dropped)
{
    uint32_t next = fmq__fq_next_ref(c, ref);

    while (next != 0 && next < end) {
        fmq__body_drop_later(fmq__chunk_ref_at(c, next)->body, dropped);
        ref = next;
        next = fmq__fq_next_ref(c, ref);
    }
    return ref;
}

#endif
