/* SPDX-License-Identifier: Apache-2.0 */
/* frames: what the tests of the frame queues share: reproducible random numbers, frames
 * whose bytes follow from a seed, and a parser of the wire form that knows nothing of
 * the queue.
 *
 * Threads: a generator belongs to one thread.
 */
#ifndef FMQ_TESTS_FRAMES_H
#define FMQ_TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "pipe/fq.h"

/* --- random numbers (xorshift) --- */

typedef struct rng {
    uint64_t state;
} rng;

static inline uint32_t
rng_next(rng *r)
{
    uint64_t x = r->state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    r->state = x;
    return (uint32_t)(x >> 32);
}

/* 0 to n - 1. */
static inline uint32_t
rng_below(rng *r, uint32_t n)
{
    return rng_next(r) % n;
}

/* Sizes around every border, more often small than large. */
static inline size_t
rng_size(rng *r)
{
    static const uint32_t borders[] = {0,    1,    63,   64,   254,  255,   256,
                                       1000, 4095, 4096, 4097, 5000, 100000};

    switch (rng_below(r, 8)) {
    case 0:
    case 1:
        return borders[rng_below(r, sizeof(borders) / sizeof(borders[0]) - 1)];
    case 2:
        return rng_below(r, 20) == 0 ? 100000 : rng_below(r, 5000);
    default:
        return rng_below(r, 100);
    }
}

/* --- frames --- */

/* Byte `i` of the body that belongs to `seed`. */
static inline uint8_t
body_byte(uint32_t seed, size_t i)
{
    return (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static inline void
fill_body(uint8_t *p, uint32_t seed, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = body_byte(seed, i);
    }
}

static inline bool
is_body(const uint8_t *p, uint32_t seed, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != body_byte(seed, i)) {
            return false;
        }
    }
    return true;
}

/* Bodies longer than this may be referenced beside kept ones. */
enum { FRAME_CHOICE_MIN = 255 };

typedef struct frame {
    size_t len;
    uint32_t seed;
    unsigned flags; /* FMQ__MORE, FMQ__COMMAND */
    bool is_kept;   /* by reference, however short */
} frame;

/* Appends `f` the way it, or its length, asks for. */
static inline int
append_frame(fmq__fq_writer *w, const frame *f)
{
    uint8_t bytes[FMQ__FQ_INLINE_MAX];
    fmq__body *body;
    uint8_t *data;
    int err;

    if (f->len <= fmq__fq_inline_max(w) && !f->is_kept) {
        fill_body(bytes, f->seed, f->len);
        return fmq__fq_append(w, f->flags, bytes, f->len);
    }
    /* Part of a body, to see that the start is kept. */
    err = fmq__body_new(f->len + 3, &body, &data);
    if (err != 0) {
        return err;
    }
    fill_body(data + 3, f->seed, f->len);
    err = fmq__fq_append_ref(w, f->flags, body, data + 3, f->len);
    if (err != 0) {
        fmq__body_drop(body);
    }
    return err;
}

static inline bool
is_frame(const fmq__frame *got, const frame *want)
{
    /* Between these two it is the queue's choice. */
    bool is_as_said = want->is_kept
                          ? got->is_ref
                          : (want->len <= FMQ__FQ_INLINE_MAX || got->is_ref) &&
                                (want->len > FRAME_CHOICE_MIN || !got->is_ref);

    return got->len == want->len && got->flags == want->flags && is_as_said &&
           is_body(got->data, want->seed, want->len);
}

/* Pops a frame, compares, and gives a referenced body back. */
static inline bool
pop_frame(fmq__fq_reader *r, const frame *want)
{
    fmq__frame got;
    bool is_same;

    fmq__fq_pop(r, &got);
    is_same = is_frame(&got, want);
    if (got.is_ref) {
        fmq__body_drop(got.body);
    }
    return is_same;
}

/* --- the wire form --- */

static inline size_t
wire_len(const frame *f)
{
    return f->len + (f->len > 255 || f->is_kept ? 9 : 2);
}

/* Compares `n` bytes of the wire form of `f`, from byte `from` of it on. */
static inline bool
is_wire(const frame *f, const uint8_t *p, size_t from, size_t n)
{
    uint8_t head[9] = {(uint8_t)f->flags, (uint8_t)f->len};
    size_t n_head = 2;

    if (f->len > 255 || f->is_kept) {
        head[0] = (uint8_t)(f->flags | 2);
        for (size_t i = 0; i < 8; i++) {
            head[1 + i] = (uint8_t)((uint64_t)f->len >> (8 * (7 - i)));
        }
        n_head = 9;
    }
    for (size_t i = from; i < from + n; i++) {
        if (p[i - from] != (i < n_head ? head[i] : body_byte(f->seed, i - n_head))) {
            return false;
        }
    }
    return true;
}

#endif
