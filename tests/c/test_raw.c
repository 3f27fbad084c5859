/* SPDX-License-Identifier: Apache-2.0 */
/* What a raw connection writes: the bodies, whatever part of them the kernel takes. */
#include "session/raw.h"

#include "fq_model.h"

/* Checks `n` bytes at `p`, and moves the model behind them (and behind the frames
 * without bytes that follow). */
static void
expect_bytes(model *m, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const frame *f = &m->frames[m->first];

        while (m->first_cut == f->len) {
            m->first++;
            m->first_cut = 0;
            f = &m->frames[m->first];
        }
        REQUIRE(m->first < m->n);
        REQUIRE(p[i] == body_byte(f->seed, m->first_cut));
        m->first_cut++;
    }
}

static void
gather(model *m, fmq__rawspan *span, size_t max_bytes)
{
    struct iovec run[FMQ__RAW_IOV];
    int n = 0;

    (void)fmq__fq_gather(&m->r, m->w.end, run, FMQ__RAW_IOV, max_bytes, &n);
    fmq__raw_strip(span, m->r.frame_left, run, n);
}

/* One write of which the kernel takes `sent`: what was offered. */
static size_t
write_some(model *m, size_t max_bytes, rng *g)
{
    fmq__rawspan span;
    size_t sent;
    size_t left;

    gather(m, &span, max_bytes);
    CHECK(span.n <= FMQ__RAW_IOV);
    sent = rng_below(g, 3) == 0 ? rng_below(g, (uint32_t)span.bytes + 1) : span.bytes;
    left = sent;
    for (int i = 0; i < span.n; i++) {
        size_t part = span.iov[i].iov_len < left ? span.iov[i].iov_len : left;

        CHECK(span.iov[i].iov_len != 0);
        expect_bytes(m, span.iov[i].iov_base, part);
        left -= part;
    }
    (void)fmq__fq_consume(&m->r, fmq__raw_consumed(&span, sent));
    return span.bytes;
}

TEST(bodies_in_any_pieces)
{
    rng g = {.state = 2463534242u};
    model *m = open_model();

    for (int round = 0; round < 3000; round++) {
        for (uint32_t i = rng_below(&g, 4); i > 0 && m->n + 10 < MODEL_MAX; i--) {
            append_message(m, &g, 4);
        }
        (void)write_some(m, rng_below(&g, 2) ? SIZE_MAX : 20 + rng_below(&g, 9000), &g);
        forget_read(m);
    }
    while (!fmq__fq_is_at(&m->r, m->w.end)) {
        (void)write_some(m, SIZE_MAX, &g);
    }
    while (m->first < m->n && m->first_cut == m->frames[m->first].len) {
        m->first++;
        m->first_cut = 0;
    }
    CHECK_EQ(m->first, m->n);
    close_model(m);
}

TEST(nothing_but_empty_frames)
{
    model *m = open_model();
    fmq__rawspan span;

    for (int i = 0; i < 3; i++) {
        CHECK(append(m, 0, i < 2 ? FMQ__MORE : 0));
    }
    gather(m, &span, SIZE_MAX);
    CHECK_EQ(span.n, 0);
    CHECK_EQ(fmq__fq_consume(&m->r, fmq__raw_consumed(&span, 0)), 1);
    CHECK(fmq__fq_is_at(&m->r, m->w.end));
    gather(m, &span, SIZE_MAX);
    CHECK_EQ(fmq__raw_consumed(&span, 0), 0);
    close_model(m);
}

/* The header of a frame stays until its body is reached, but nothing before it does. */
TEST(empty_frames_before_a_body_that_is_not_reached)
{
    model *m = open_model();
    fmq__rawspan span;

    for (int i = 0; i < 3; i++) {
        CHECK(append(m, i < 2 ? 0 : 100, i < 2 ? FMQ__MORE : 0));
    }
    gather(m, &span, 2 + 2 + 2);
    CHECK_EQ(span.n, 0);
    CHECK_EQ(fmq__raw_consumed(&span, 0), 4);
    CHECK_EQ(fmq__fq_consume(&m->r, 4), 0);
    CHECK_EQ(write_some(m, SIZE_MAX, &(rng){.state = 1}), 100);
    close_model(m);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(bodies_in_any_pieces),
        CASE(nothing_but_empty_frames),
        CASE(empty_frames_before_a_body_that_is_not_reached),
    };

    return CHECK_MAIN(cases);
}
