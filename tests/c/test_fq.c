/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/fq.h"

#include "base/alloc.h"
#include "check.h"
#include "fq_model.h"
#include "frames.h"

static int n_lent_back;

static void
count_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    n_lent_back++;
}

/* --- writing and popping --- */

TEST(headers_are_those_of_the_wire)
{
    static const struct {
        size_t len;
        unsigned flags;
        size_t n_head;
        uint8_t head[9];
    } rows[] = {
        {0, 0, 2, {0, 0}},
        {1, FMQ__MORE, 2, {1, 1}},
        {255, FMQ__COMMAND, 2, {4, 255}},
        {256, FMQ__MORE, 9, {3, 0, 0, 0, 0, 0, 0, 1, 0}},
        {4096, 0, 9, {2, 0, 0, 0, 0, 0, 0, 16, 0}},
        {4097, FMQ__COMMAND, 9, {6, 0, 0, 0, 0, 0, 0, 16, 1}},
        {100000, FMQ__MORE, 9, {3, 0, 0, 0, 0, 0, 1, 0x86, 0xA0}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        model *m = open_model();
        struct iovec iov[4];
        int n_iov = 0;

        CHECK(append(m, rows[i].len, rows[i].flags));
        CHECK_EQ(fmq__fq_gather(&m->r, m->w.end, iov, 4, SIZE_MAX, &n_iov),
                 rows[i].n_head + rows[i].len);
        CHECK_EQ(n_iov, rows[i].len > FMQ__FQ_INLINE_MAX ? 2 : 1);
        CHECK_MEM(iov[0].iov_base, rows[i].head, rows[i].n_head);
        close_model(m);
    }
}

TEST(random_frames_come_out_as_they_went_in)
{
    rng g = {.state = 88172645463325252u};
    model *m = open_model();

    for (int i = 0; i < 40000 / CHECK_SLOWNESS; i++) {
        if (m->n - m->first < 1000 && rng_below(&g, 100) < 51) {
            CHECK(append_some(m, &g, rng_below(&g, 2) ? FMQ__MORE : 0));
        } else if (m->first < m->n) {
            pop(m);
        } else {
            CHECK(fmq__fq_is_at(&m->r, m->w.end));
        }
        if (m->first == m->n && rng_below(&g, 4) == 0) {
            fmq__fq_rewind(&m->w, &m->r, rng_below(&g, 2) ? 1024 : 65536);
        }
    }
    while (m->first < m->n) {
        pop(m);
    }
    CHECK(fmq__fq_is_at(&m->r, m->w.end));
    close_model(m);
}

TEST(a_kept_body_is_not_copied_however_short)
{
    static uint8_t bytes[300];
    static const size_t lens[] = {0, 1, 255, 256, 300};
    enum { N = sizeof(lens) / sizeof(lens[0]) };
    model *m = open_model();
    fmq__body *body[N];
    fmq__chunk *c = m->w.end.chunk;
    fmq__frame f;

    for (size_t i = 0; i < N; i++) {
        n_lent_back = 0;
        REQUIRE(fmq__body_new_lent(bytes, count_free, NULL, &body[i]) == 0);
        CHECK_EQ(fmq__fq_append_ref(&m->w, 0, body[i], bytes, lens[i]), 0);
        /* An empty queue needs no other memory for it, and is soon as it was. */
        CHECK(m->w.end.chunk == c);
        CHECK_EQ(fmq__fq_inline_max(&m->w), 255);
        fmq__fq_pop(&m->r, &f);
        CHECK(f.is_ref && f.body == body[i] && f.data == bytes && f.len == lens[i]);
        CHECK(fmq__fq_is_at(&m->r, m->w.end));
        CHECK_EQ(n_lent_back, 0);
        fmq__body_drop(f.body);
        CHECK_EQ(n_lent_back, 1);
        fmq__fq_rewind(&m->w, &m->r, 65536);
        CHECK_EQ(fmq__fq_inline_max(&m->w), FMQ__FQ_INLINE_MAX);
    }
    close_model(m);
}

TEST(a_popped_frame_stays_until_the_next_call)
{
    model *m = open_model();
    fmq__frame f;

    /* The last frame of every chunk among them. */
    for (int i = 0; i < 2000; i++) {
        CHECK(append(m, 50, 0));
    }
    while (m->first < m->n) {
        fmq__fq_pop(&m->r, &f);
        CHECK(is_frame(&f, &m->frames[m->first]));
        m->first++;
    }
    close_model(m);
}

TEST(held_slices_outlive_the_queue)
{
    enum { N = 300 };
    static fmq__frame held[N];
    model *m = open_model();

    for (int i = 0; i < N; i++) {
        CHECK(append(m, i % 10 == 0 ? 5000 : 200, 0));
    }
    for (int i = 0; i < N; i++) {
        fmq__fq_pop(&m->r, &held[i]);
        if (!held[i].is_ref) {
            fmq__body_hold(held[i].body);
        }
    }
    fmq__fq_rewind(&m->w, &m->r, 65536);
    for (int i = 0; i < 100; i++) {
        CHECK(append(m, 300, 0));
    }
    m->first = N;
    while (m->first < m->n) {
        pop(m);
    }
    close_model(m);
    for (int i = 0; i < N; i++) {
        CHECK(is_frame(&held[i], &m->frames[i]));
        fmq__body_drop(held[i].body);
    }
}

TEST(raw_frames_are_taken_as_they_are)
{
    static uint8_t raw[200000];
    rng g = {.state = 99};
    model *m = open_model();

    CHECK_EQ(fmq__fq_append_raw(&m->w, NULL, 0), 0);
    CHECK(fmq__fq_is_at(&m->r, m->w.end));
    for (int round = 0; round < 200; round++) {
        size_t want = rng_below(&g, 10) == 0 ? 150000 : rng_below(&g, 3000);
        size_t len = 0;

        CHECK(append(m, rng_size(&g), 0));
        while (len < want) {
            frame *f = &m->frames[m->n++];

            *f = (frame){.len = rng_below(&g, 4097), .seed = ++m->seed};
            f->flags = rng_below(&g, 3) == 0 ? FMQ__MORE : 0;
            raw[len] = (uint8_t)f->flags;
            /* A peer may use the long form for a short body. */
            if (f->len > 255 || rng_below(&g, 4) == 0) {
                raw[len] |= FMQ__LONG;
                memset(raw + len + 1, 0, 6);
                raw[len + 7] = (uint8_t)(f->len >> 8);
                raw[len + 8] = (uint8_t)f->len;
                len += 9;
            } else {
                raw[len + 1] = (uint8_t)f->len;
                len += 2;
            }
            fill_body(raw + len, f->seed, f->len);
            len += f->len;
        }
        CHECK_EQ(fmq__fq_append_raw(&m->w, raw, len), 0);
        while (m->first < m->n && (round % 3 != 0 || rng_below(&g, 5) != 0)) {
            pop(m);
        }
    }
    while (m->first < m->n) {
        pop(m);
    }
    close_model(m);
}

TEST(a_rollback_takes_back_what_followed)
{
    rng g = {.state = 4242};
    model *m = open_model();

    for (int round = 0; round < 3000 / CHECK_SLOWNESS; round++) {
        fmq__fq_pos mark;
        size_t n;

        while (rng_below(&g, 3) != 0 && m->n < m->first + 20) {
            CHECK(append_some(m, &g, 0));
        }
        while (m->first < m->n && rng_below(&g, 3) != 0) {
            pop(m);
        }
        mark = m->w.end;
        n = m->n;
        while (rng_below(&g, 5) != 0) {
            CHECK(append_some(m, &g, FMQ__MORE));
        }
        fmq__fq_rollback(&m->w, mark);
        m->n = n;
        CHECK(m->w.end.chunk == mark.chunk && m->w.end.off == mark.off);
        forget_read(m);
    }
    while (m->first < m->n) {
        pop(m);
    }
    CHECK(fmq__fq_is_at(&m->r, m->w.end));
    close_model(m);
}

/* --- who owns what --- */

static void
append_lent(model *m, unsigned flags)
{
    static uint8_t bytes[5000];
    fmq__body *body;

    REQUIRE(fmq__body_new_lent(bytes, count_free, NULL, &body) == 0);
    REQUIRE(fmq__fq_append_ref(&m->w, flags, body, bytes, sizeof(bytes)) == 0);
}

TEST(every_body_is_dropped_once)
{
    enum { N = 100 };
    model *m;
    fmq__fq_pos mark;
    fmq__frame f;
    fmq__body *dropped = NULL;

    m = open_model(); /* by fini, cut or not */
    n_lent_back = 0;
    for (int i = 0; i < N; i++) {
        append_lent(m, 0);
    }
    CHECK_EQ(fmq__fq_consume(&m->r, 5009 + 100), 1);
    CHECK_EQ(n_lent_back, 1);
    close_model(m);
    CHECK_EQ(n_lent_back, N);

    m = open_model(); /* by rollback, and by the one who pops */
    n_lent_back = 0;
    append_lent(m, 0);
    mark = m->w.end;
    for (int i = 0; i < N; i++) {
        append_lent(m, FMQ__MORE);
    }
    m->w.dropped = &dropped;
    fmq__fq_rollback(&m->w, mark);
    CHECK_EQ(n_lent_back, 0);
    fmq__body_flush(&dropped);
    CHECK_EQ(n_lent_back, N);
    append_lent(m, 0);
    fmq__fq_pop(&m->r, &f);
    CHECK_EQ(n_lent_back, N);
    fmq__body_drop(f.body);
    CHECK_EQ(n_lent_back, N + 1);
    fmq__fq_consume_to(&m->r, m->w.end);
    CHECK_EQ(n_lent_back, N + 2);
    close_model(m);

    m = open_model(); /* put aside by consume, skip_cut and consume_to */
    n_lent_back = 0;
    m->r.dropped = &dropped;
    append_lent(m, 0);
    append_lent(m, FMQ__MORE);
    append_lent(m, 0);
    append_lent(m, 0);
    CHECK_EQ(fmq__fq_consume(&m->r, 5009 + 1), 1);
    CHECK_EQ(fmq__fq_skip_cut(&m->r), 1);
    fmq__fq_consume_to(&m->r, m->w.end);
    CHECK_EQ(n_lent_back, 0);
    fmq__body_flush(&dropped);
    CHECK_EQ(n_lent_back, 4);
    close_model(m);
}

TEST(rewind_stays_in_the_chunk_unless_it_is_held_or_large)
{
    model *m = open_model();
    fmq__chunk *c;
    fmq__frame f;

    CHECK(append(m, 100, 0));
    fmq__fq_pop(&m->r, &f);
    c = m->w.end.chunk;
    fmq__fq_rewind(&m->w, &m->r, 65536);
    CHECK(m->w.end.chunk == c && m->w.end.off == 0);
    CHECK(fmq__fq_is_at(&m->r, m->w.end));

    m->first = m->n;
    CHECK(append(m, 100, 0));
    fmq__fq_pop(&m->r, &f);
    fmq__body_hold(f.body);
    fmq__fq_rewind(&m->w, &m->r, 65536);
    CHECK_EQ(m->w.end.off, 102);
    CHECK(is_frame(&f, &m->frames[m->first]));
    m->first = m->n;
    CHECK(append(m, 100, 0));
    CHECK(is_frame(&f, &m->frames[m->first - 1]));
    fmq__body_drop(f.body);
    pop(m);

    for (int i = 0; i < 1000; i++) {
        CHECK(append(m, 100, 0));
    }
    while (m->first < m->n) {
        pop(m);
    }
    CHECK(m->w.cap > 4096);
    c = m->w.end.chunk;
    fmq__fq_rewind(&m->w, &m->r, 65536);
    CHECK(m->w.end.chunk == c);
    CHECK(append(m, 5000, 0));
    fmq__fq_consume_to(&m->r, m->w.end);
    m->first = m->n;
    /* No memory for a small one: goes on with the large one. */
    fmq__alloc_fail_at(1, 1);
    fmq__fq_rewind(&m->w, &m->r, 4096);
    fmq__alloc_fail_at(0, 0);
    CHECK(m->w.end.chunk == c && m->w.end.off == 0);
    CHECK(append(m, 5000, 0));
    pop(m);
    fmq__fq_rewind(&m->w, &m->r, 4096);
    CHECK_EQ(m->w.cap, FMQ__CHUNK_MIN);
    CHECK(append(m, 4096, 0));
    CHECK(append(m, 5000, 0));
    pop(m);
    pop(m);
    close_model(m);
}

TEST(a_failed_append_changes_nothing)
{
    fmq__fq_writer w;
    fmq__fq_reader r;
    rng g = {.state = 31337};
    static uint8_t raw[FMQ__CHUNK_MAX + 2]; /* frames of no bytes: header 0, 0 */

    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__fq_init(&w, &r), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    for (uint64_t nth = 1; nth <= 12; nth++) {
        model *m = open_model();
        int n_failed = 0;

        fmq__alloc_fail_at(nth, nth % 2 == 0);
        for (int i = 0; i < 600 && n_failed < 5; i++) {
            fmq__fq_pos before = m->w.end;

            if (!(nth % 2 == 0 ? append(m, rng_size(&g), 0) : append_some(m, &g, 0))) {
                CHECK(m->w.end.chunk == before.chunk && m->w.end.off == before.off);
                n_failed++;
            }
        }
        CHECK(n_failed > 0);
        if (nth % 2 == 0) {
            fmq__fq_pos before = m->w.end;

            CHECK_EQ(fmq__fq_append_raw(&m->w, raw, sizeof(raw)), ENOMEM);
            CHECK(m->w.end.chunk == before.chunk && m->w.end.off == before.off);
        }
        fmq__alloc_fail_at(0, 0);
        CHECK(append(m, 10, 0));
        while (m->first < m->n) {
            pop(m);
        }
        CHECK(fmq__fq_is_at(&m->r, m->w.end));
        close_model(m);
    }
}

TEST(a_steady_stream_asks_for_no_memory)
{
    model *m = open_model();
    uint64_t n_asked = 0;

    for (int i = 0; i < 20000; i++) {
        forget_read(m);
        CHECK(append(m, 200, 0));
        if (i >= 1000) {
            pop(m);
        }
        if (i == 5000) {
            (void)fmq__alloc_fail_at(UINT64_MAX, 0); /* counts */
        }
    }
    n_asked = fmq__alloc_fail_at(0, 0);
    CHECK_EQ(n_asked, 0);
    close_model(m);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(headers_are_those_of_the_wire),
        CASE(random_frames_come_out_as_they_went_in),
        CASE(a_kept_body_is_not_copied_however_short),
        CASE(a_popped_frame_stays_until_the_next_call),
        CASE(held_slices_outlive_the_queue),
        CASE(raw_frames_are_taken_as_they_are),
        CASE(a_rollback_takes_back_what_followed),
        CASE(every_body_is_dropped_once),
        CASE(rewind_stays_in_the_chunk_unless_it_is_held_or_large),
        CASE(a_failed_append_changes_nothing),
        CASE(a_steady_stream_asks_for_no_memory),
    };

    return CHECK_MAIN(cases);
}
