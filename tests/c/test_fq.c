/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/fq.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "check.h"
#include "frames.h"

static int n_lent_back;

static void
count_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    n_lent_back++;
}

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
} model;

static model the_model;

static model *
open_model(void)
{
    model *m = &the_model;

    memset(m, 0, sizeof(*m));
    REQUIRE(fmq__fq_init(&m->w, &m->r) == 0);
    return m;
}

static void
close_model(model *m)
{
    fmq__fq_fini(&m->w, &m->r);
}

static bool
append(model *m, size_t len, unsigned flags)
{
    frame *f = &m->frames[m->n];

    REQUIRE(m->n < MODEL_MAX);
    *f = (frame){.len = len, .seed = ++m->seed, .flags = flags};
    if (append_frame(&m->w, f) != 0) {
        return false;
    }
    m->n++;
    return true;
}

static void
forget_read(model *m)
{
    if (m->first > MODEL_MAX / 2) {
        memmove(m->frames, m->frames + m->first, (m->n - m->first) * sizeof(frame));
        m->n -= m->first;
        m->first = 0;
    }
}

static void
pop(model *m)
{
    CHECK(pop_frame(&m->r, &m->frames[m->first]));
    m->first++;
    forget_read(m);
}

/* Appends a message of up to `max` frames of random sizes. */
static void
append_message(model *m, rng *g, unsigned max)
{
    unsigned n = 1 + rng_below(g, max);

    for (unsigned i = 0; i < n; i++) {
        CHECK(append(m, rng_size(g), i + 1 < n ? FMQ__MORE : 0));
    }
}

/* What gather ought to tell of the first `n` bytes from the reader on. */
static void
check_wire(const model *m, const uint8_t *p, size_t n)
{
    size_t i = m->first;
    size_t from = m->first_cut;

    while (n > 0) {
        size_t take;

        REQUIRE(i < m->n);
        take = wire_len(&m->frames[i]) - from;
        take = take < n ? take : n;
        if (!CHECK(is_wire(&m->frames[i], p, from, take))) {
            return;
        }
        p += take;
        n -= take;
        i++;
        from = 0;
    }
}

/* Moves the model `n` bytes on; returns the messages passed. */
static uint32_t
model_consume(model *m, size_t n)
{
    uint32_t n_messages = 0;

    while (n > 0) {
        const frame *f = &m->frames[m->first];
        size_t left = wire_len(f) - m->first_cut;

        if (n < left) {
            m->first_cut += n;
            return n_messages;
        }
        n -= left;
        m->first++;
        m->first_cut = 0;
        n_messages += (f->flags & FMQ__MORE) == 0;
    }
    return n_messages;
}

static size_t
model_wire_len(const model *m)
{
    size_t len = 0;

    for (size_t i = m->first; i < m->n; i++) {
        len += wire_len(&m->frames[i]);
    }
    return len - m->first_cut;
}

enum { IOV_MAX_HERE = 256 };

/* Gathers and compares; returns the bytes. */
static size_t
gather(model *m, int max_iov, size_t max_bytes)
{
    static uint8_t buf[4 << 20];
    struct iovec iov[IOV_MAX_HERE];
    int n_iov = -1;
    size_t len = fmq__fq_gather(&m->r, m->w.end, iov, max_iov, max_bytes, &n_iov);
    size_t sum = 0;

    CHECK(n_iov >= 0 && n_iov <= max_iov);
    CHECK(len <= max_bytes);
    for (int i = 0; i < n_iov; i++) {
        CHECK(iov[i].iov_len > 0);
        REQUIRE(sum + iov[i].iov_len <= sizeof(buf));
        memcpy(buf + sum, iov[i].iov_base, iov[i].iov_len);
        sum += iov[i].iov_len;
    }
    CHECK_EQ(sum, len);
    check_wire(m, buf, len);
    return len;
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

    for (int i = 0; i < 40000; i++) {
        if (m->n - m->first < 1000 && rng_below(&g, 100) < 51) {
            CHECK(append(m, rng_size(&g), rng_below(&g, 2) ? FMQ__MORE : 0));
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

    for (int round = 0; round < 3000; round++) {
        fmq__fq_pos mark;
        size_t n;

        while (rng_below(&g, 3) != 0 && m->n < m->first + 20) {
            CHECK(append(m, rng_size(&g), 0));
        }
        while (m->first < m->n && rng_below(&g, 3) != 0) {
            pop(m);
        }
        mark = m->w.end;
        n = m->n;
        while (rng_below(&g, 5) != 0) {
            CHECK(append(m, rng_size(&g), FMQ__MORE));
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

/* --- gathering and consuming --- */

TEST(random_writes_carry_the_same_bytes)
{
    rng g = {.state = 20240607};
    model *m = open_model();

    for (int i = 0; i < 6000; i++) {
        size_t len;

        while (m->n - m->first < 200 && rng_below(&g, 3) != 0) {
            append_message(m, &g, 4);
        }
        len = gather(m, 1 + (int)rng_below(&g, 20),
                     rng_below(&g, 4) == 0 ? 1 + rng_below(&g, 300) : 60000);
        CHECK(len > 0 || m->first == m->n);
        if (rng_below(&g, 2) == 0 && len > 0) {
            len = rng_below(&g, (uint32_t)len) + 1;
        }
        CHECK_EQ(fmq__fq_consume(&m->r, len), model_consume(m, len));
        CHECK_EQ(m->r.is_in_message,
                 m->first_cut != 0 || (m->first > 0 && (m->frames[m->first - 1].flags &
                                                        FMQ__MORE) != 0));
        CHECK_EQ(fmq__fq_is_at(&m->r, m->w.end), m->first == m->n);
        if (m->first == m->n) {
            fmq__fq_rewind(&m->w, &m->r, rng_below(&g, 2) ? 1024 : 65536);
        }
        if (!m->r.is_in_message) {
            forget_read(m);
        }
    }
    while (m->first < m->n) {
        size_t len = gather(m, 16, 10000);

        REQUIRE(len > 0);
        CHECK_EQ(fmq__fq_consume(&m->r, len), model_consume(m, len));
    }
    CHECK(!m->r.is_in_message);
    close_model(m);
}

TEST(a_run_of_small_frames_is_one_entry)
{
    model *m = open_model();
    struct iovec iov[16];
    int n_iov = 0;

    for (int i = 0; i < 300; i++) {
        CHECK(append(m, 10, 0)); /* 3600 bytes: chunks of 256, 512, 1024, 2048 */
    }
    (void)fmq__fq_gather(&m->r, m->w.end, iov, 16, SIZE_MAX, &n_iov);
    CHECK_EQ(n_iov, 4);
    fmq__fq_consume_to(&m->r, m->w.end);
    fmq__fq_rewind(&m->w, &m->r, 65536);
    m->first = m->n;
    for (int i = 0; i < 7; i++) {
        CHECK(append(m, i % 3 == 2 ? 5000 : 10, 0));
    }
    /* Small, small and the large one's header; the large one; ... the last small one.
     */
    CHECK_EQ(fmq__fq_gather(&m->r, m->w.end, iov, 16, SIZE_MAX, &n_iov),
             model_wire_len(m));
    CHECK_EQ(n_iov, 5);
    CHECK_EQ(iov[0].iov_len, 12 + 12 + 9);
    CHECK_EQ(iov[1].iov_len, 5000);
    CHECK_EQ(iov[4].iov_len, 12);
    CHECK_EQ(fmq__fq_gather(&m->r, m->w.end, iov, 16, 40, &n_iov), 40);
    CHECK_EQ(n_iov, 2);
    CHECK_EQ(fmq__fq_gather(&m->r, m->w.end, iov, 0, 40, &n_iov), 0);
    CHECK_EQ(n_iov, 0);
    CHECK_EQ(fmq__fq_consume(&m->r, 0), 0);
    close_model(m);
}

/* Three messages that cover: small, long inline, referenced, many frames, chunk ends.
 */
static model *
open_three_messages(void)
{
    model *m = open_model();

    CHECK(append(m, 3, 0));
    CHECK(append(m, 200, FMQ__MORE));
    CHECK(append(m, 300, FMQ__MORE));
    CHECK(append(m, 4100, FMQ__MORE));
    CHECK(append(m, 0, FMQ__MORE));
    CHECK(append(m, 4097, 0));
    CHECK(append(m, 7, 0));
    return m;
}

TEST(a_cut_message_is_skipped_from_every_byte)
{
    model *m = open_three_messages();
    size_t total = model_wire_len(m);

    close_model(m);
    for (size_t cut = 0; cut <= total; cut++) {
        uint32_t n_messages;
        bool is_cut;

        m = open_three_messages();
        n_messages = model_consume(m, cut);
        CHECK_EQ(fmq__fq_consume(&m->r, cut), n_messages);
        is_cut = m->first_cut != 0 ||
                 (m->first > 0 && (m->frames[m->first - 1].flags & FMQ__MORE) != 0);
        CHECK_EQ(fmq__fq_skip_cut(&m->r), is_cut);
        while (is_cut && (m->frames[m->first].flags & FMQ__MORE) != 0) {
            m->first++;
        }
        m->first += is_cut;
        m->first_cut = 0;
        CHECK(!m->r.is_in_message);
        CHECK_EQ(gather(m, IOV_MAX_HERE, SIZE_MAX), model_wire_len(m));
        if (!CHECK_EQ(fmq__fq_skip_cut(&m->r), 0)) {
            return;
        }
        close_model(m);
    }
}

TEST(consume_to_jumps_from_every_byte)
{
    model *m = open_three_messages();
    size_t total = model_wire_len(m);

    close_model(m);
    for (size_t cut = 0; cut <= total; cut += 1 + cut % 7) {
        m = open_three_messages();
        (void)model_consume(m, cut);
        (void)fmq__fq_consume(&m->r, cut);
        fmq__fq_consume_to(&m->r, m->w.end);
        CHECK(fmq__fq_is_at(&m->r, m->w.end));
        CHECK(!m->r.is_in_message);
        m->first = m->n;
        m->first_cut = 0;
        CHECK(append(m, 5000, 0));
        CHECK(append(m, 50, 0));
        CHECK_EQ(gather(m, IOV_MAX_HERE, SIZE_MAX), 5000 + 9 + 52);
        close_model(m);
    }
}

TEST(pops_and_consumes_may_be_mixed)
{
    rng g = {.state = 777};
    model *m = open_model();

    for (int i = 0; i < 3000; i++) {
        append_message(m, &g, 2);
        if (rng_below(&g, 2) == 0) {
            pop(m);
        } else {
            size_t len = wire_len(&m->frames[m->first]);

            CHECK_EQ(gather(m, 64, len), len);
            CHECK_EQ(fmq__fq_consume(&m->r, len), model_consume(m, len));
            forget_read(m);
        }
        if (m->n - m->first > 50) {
            fmq__fq_consume_to(&m->r, m->w.end);
            m->first = m->n;
        }
    }
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
    static uint8_t raw[70000]; /* frames of no bytes: header 0, 0 */

    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__fq_init(&w, &r), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    for (uint64_t nth = 1; nth <= 12; nth++) {
        model *m = open_model();
        int n_failed = 0;

        fmq__alloc_fail_at(nth, nth % 2 == 0);
        for (int i = 0; i < 600 && n_failed < 5; i++) {
            fmq__fq_pos before = m->w.end;

            if (!append(m, rng_size(&g), 0)) {
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
            (void)fmq__alloc_fail_at(0, 0);
        }
    }
    n_asked = fmq__alloc_fail_at(0, 0);
    CHECK_EQ(n_asked, 0);
    close_model(m);
}

/* --- two threads --- */

/* What the lock publishes; the halves are used without it. */
static struct {
    pthread_mutex_t lock;
    fmq__fq_pos committed;
    uint64_t n_committed;
    bool is_over;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { N_SHARED = 20000 };

static frame
shared_frame(rng *g, uint32_t i)
{
    return (frame){.len = rng_size(g), .seed = i, .flags = i % 3 != 0 ? FMQ__MORE : 0};
}

static void *
write_shared(void *arg)
{
    fmq__fq_writer *w = arg;
    rng g = {.state = 5};
    rng other = {.state = 6};
    frame f;

    for (uint32_t i = 0; i < N_SHARED; i++) {
        if (i % 3 == 1 && rng_below(&other, 4) == 0) {
            fmq__fq_pos mark = w->end;

            for (int k = 0; k < 5; k++) {
                f = (frame){.len = rng_size(&other), .seed = 1, .flags = FMQ__MORE};
                CHECK_EQ(append_frame(w, &f), 0);
            }
            fmq__fq_rollback(w, mark);
        }
        f = shared_frame(&g, i);
        CHECK_EQ(append_frame(w, &f), 0);
        if (f.flags == 0) {
            pthread_mutex_lock(&shared.lock);
            shared.committed = w->end;
            shared.n_committed = i + 1;
            pthread_mutex_unlock(&shared.lock);
        }
    }
    pthread_mutex_lock(&shared.lock);
    shared.is_over = true;
    pthread_mutex_unlock(&shared.lock);
    return NULL;
}

/* Writes what gather shows, in pieces, and compares it with the frames expected. */
static void
drain_shared(fmq__fq_reader *r, bool by_pop)
{
    rng g = {.state = 5};
    rng other = {.state = 7};
    uint32_t i = 0;
    uint32_t n_messages = 0;
    frame f = shared_frame(&g, 0);
    size_t at = 0; /* bytes of `f` seen */
    bool is_over = false;

    while (!is_over) {
        struct iovec iov[8];
        fmq__fq_pos end;
        uint64_t n;
        int n_iov;
        size_t len;

        pthread_mutex_lock(&shared.lock);
        end = shared.committed;
        n = shared.n_committed;
        is_over = shared.is_over;
        pthread_mutex_unlock(&shared.lock);
        while (by_pop && i < n) {
            CHECK(pop_frame(r, &f));
            f = shared_frame(&g, ++i);
        }
        while (!by_pop && n > 0 && !fmq__fq_is_at(r, end)) {
            len = fmq__fq_gather(r, end, iov, 8, 30000, &n_iov);
            REQUIRE(len > 0);
            len =
                rng_below(&other, 2) == 0 ? len : 1 + rng_below(&other, (uint32_t)len);
            for (size_t k = 0, left = len; left > 0; k++) {
                uint8_t *p = iov[k].iov_base;
                size_t piece = iov[k].iov_len < left ? iov[k].iov_len : left;

                left -= piece;
                while (piece > 0) {
                    size_t take = wire_len(&f) - at < piece ? wire_len(&f) - at : piece;

                    CHECK(is_wire(&f, p, at, take));
                    p += take;
                    at += take;
                    piece -= take;
                    if (at == wire_len(&f)) {
                        f = shared_frame(&g, ++i);
                        at = 0;
                    }
                }
            }
            n_messages += fmq__fq_consume(r, len);
        }
    }
    CHECK_EQ(i, N_SHARED - (N_SHARED - 1) % 3);
    CHECK(by_pop || n_messages == (N_SHARED + 2) / 3);
}

static void
run_shared(bool by_pop)
{
    fmq__fq_writer w;
    fmq__fq_reader r;
    pthread_t thread;

    shared.n_committed = 0;
    shared.is_over = false;
    REQUIRE(fmq__fq_init(&w, &r) == 0);
    REQUIRE(pthread_create(&thread, NULL, write_shared, &w) == 0);
    drain_shared(&r, by_pop);
    pthread_join(thread, NULL);
    fmq__fq_fini(&w, &r);
}

TEST(one_thread_appends_while_another_pops)
{
    run_shared(true);
}

TEST(one_thread_appends_while_another_writes_out)
{
    run_shared(false);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(headers_are_those_of_the_wire),
        CASE(random_frames_come_out_as_they_went_in),
        CASE(a_popped_frame_stays_until_the_next_call),
        CASE(held_slices_outlive_the_queue),
        CASE(raw_frames_are_taken_as_they_are),
        CASE(a_rollback_takes_back_what_followed),
        CASE(random_writes_carry_the_same_bytes),
        CASE(a_run_of_small_frames_is_one_entry),
        CASE(a_cut_message_is_skipped_from_every_byte),
        CASE(consume_to_jumps_from_every_byte),
        CASE(pops_and_consumes_may_be_mixed),
        CASE(every_body_is_dropped_once),
        CASE(rewind_stays_in_the_chunk_unless_it_is_held_or_large),
        CASE(a_failed_append_changes_nothing),
        CASE(a_steady_stream_asks_for_no_memory),
        CASE(one_thread_appends_while_another_pops),
        CASE(one_thread_appends_while_another_writes_out),
    };

    return CHECK_MAIN(cases);
}
