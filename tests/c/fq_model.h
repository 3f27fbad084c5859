/* SPDX-License-Identifier: Apache-2.0 */
/* fq_model: a frame queue beside a plain list of what ought to be in it.
 *
 * Threads: one.
 */
#ifndef FMQ_TESTS_FQ_MODEL_H
#define FMQ_TESTS_FQ_MODEL_H

#include "check.h"
#include "frames.h"
#include "pipe/fq.h"

/* A queue, and what ought to be in it. */
enum { MODEL_MAX = 4096 };

typedef struct model {
    fmq__fq_writer w;
    fmq__fq_reader r;
    frame frames[MODEL_MAX]; /* appended, those before `first` read */
    size_t first;
    size_t n;
    size_t first_cut; /* bytes of the wire form of `first` that were consumed */
    uint32_t seed;
    bool keeps;
} model;

static inline model *
open_model(void)
{
    static model the_model; /* one at a time */
    model *m = &the_model;

    memset(m, 0, sizeof(*m));
    REQUIRE(fmq__fq_init(&m->w, &m->r) == 0);
    return m;
}

static inline void
close_model(model *m)
{
    fmq__fq_fini(&m->w, &m->r);
}

static inline bool
append_as(model *m, size_t len, unsigned flags, bool is_kept)
{
    frame *f = &m->frames[m->n];

    REQUIRE(m->n < MODEL_MAX);
    *f = (frame){.len = len, .seed = ++m->seed, .flags = flags, .is_kept = is_kept};
    if (append_frame(&m->w, f) != 0) {
        return false;
    }
    m->n++;
    return true;
}

static inline bool
append(model *m, size_t len, unsigned flags)
{
    return append_as(m, len, flags, false);
}

/* A frame of a random size, kept or not: not often the other of what went before. */
static inline bool
append_some(model *m, rng *g, unsigned flags)
{
    size_t len = rng_size(g);

    m->keeps ^= rng_below(g, 8) == 0;
    return append_as(m, len, flags, m->keeps && rng_below(g, 4) != 0);
}

static inline void
forget_read(model *m)
{
    if (m->first > MODEL_MAX / 2) {
        memmove(m->frames, m->frames + m->first, (m->n - m->first) * sizeof(frame));
        m->n -= m->first;
        m->first = 0;
    }
}

static inline void
pop(model *m)
{
    CHECK(pop_frame(&m->r, &m->frames[m->first]));
    m->first++;
    forget_read(m);
}

/* Appends a message of up to `max` frames of random sizes, by a writer that shares or
 * not. */
static inline void
append_message(model *m, rng *g, unsigned max)
{
    unsigned n = 1 + rng_below(g, max);

    fmq__fq_share(&m->w, rng_below(g, 2) == 0);
    for (unsigned i = 0; i < n; i++) {
        CHECK(append_some(m, g, i + 1 < n ? FMQ__MORE : 0));
    }
}

#endif
