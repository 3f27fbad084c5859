/* SPDX-License-Identifier: Apache-2.0 */
/* The frame queue as a connection uses it: written out in pieces, by one thread while
 * another appends.
 */
#include <pthread.h>

#include "check.h"
#include "fq_model.h"
#include "frames.h"
#include "pipe/fq.h"

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

/* --- gathering and consuming --- */

TEST(random_writes_carry_the_same_bytes)
{
    rng g = {.state = 20240607};
    model *m = open_model();

    for (int i = 0; i < 6000 / CHECK_SLOWNESS; i++) {
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

    for (int i = 0; i < 3000 / CHECK_SLOWNESS; i++) {
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

/* --- two threads --- */

/* What the lock publishes; the halves are used without it. */
static struct {
    pthread_mutex_t lock;
    fmq__fq_pos committed;
    uint64_t n_committed;
    bool is_over;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum { N_SHARED = 20000 / CHECK_SLOWNESS };

static frame
shared_frame(rng *g, uint32_t i)
{
    return (frame){.len = rng_size(g),
                   .seed = i,
                   .flags = i % 3 != 0 ? FMQ__MORE : 0,
                   .is_kept = i % 32 < 5};
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
        CASE(random_writes_carry_the_same_bytes),
        CASE(a_run_of_small_frames_is_one_entry),
        CASE(a_cut_message_is_skipped_from_every_byte),
        CASE(consume_to_jumps_from_every_byte),
        CASE(pops_and_consumes_may_be_mixed),
        CASE(one_thread_appends_while_another_pops),
        CASE(one_thread_appends_while_another_writes_out),
    };

    return CHECK_MAIN(cases);
}
