/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/duct.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "frames.h"

static fmq__duct *
open_duct(uint32_t limit)
{
    fmq__duct *d = NULL;

    REQUIRE(fmq__duct_new(limit, &d) == 0);
    return d;
}

/* Appends and publishes a message of one short frame. */
static bool
send_one(fmq__duct *d, uint32_t seed)
{
    frame f = {.len = 20, .seed = seed};

    CHECK_EQ(append_frame(fmq__duct_writer(d), &f), 0);
    return fmq__duct_publish(d);
}

static bool
recv_one(fmq__duct *d, uint32_t seed)
{
    frame f = {.len = 20, .seed = seed};

    CHECK(pop_frame(fmq__duct_reader(d), &f));
    return fmq__duct_report(d);
}

static void
close_both(fmq__duct *d)
{
    (void)fmq__duct_close_writer(d);
    CHECK(!fmq__duct_close_reader(d));
}

TEST(published_messages_are_ready)
{
    fmq__duct *d = open_duct(0);
    frame first = {.len = 5, .seed = 1, .flags = FMQ__MORE};
    frame second = {.len = 5000, .seed = 2};

    CHECK_EQ(fmq__duct_ready(d), 0);
    CHECK_EQ(append_frame(fmq__duct_writer(d), &first), 0);
    CHECK_EQ(append_frame(fmq__duct_writer(d), &second), 0);
    CHECK_EQ(fmq__duct_ready(d), 0);
    CHECK(!fmq__duct_publish(d));
    CHECK(!send_one(d, 3));
    CHECK_EQ(fmq__duct_ready(d), 2);
    CHECK(pop_frame(fmq__duct_reader(d), &first));
    CHECK_EQ(fmq__duct_ready(d), 2);
    CHECK(pop_frame(fmq__duct_reader(d), &second));
    CHECK(!fmq__duct_report(d));
    CHECK_EQ(fmq__duct_ready(d), 1);
    CHECK(!recv_one(d, 3));
    CHECK_EQ(fmq__duct_ready(d), 0);
    close_both(d);
}

TEST(a_full_duct_has_room_at_the_low_water_mark)
{
    static const uint32_t limits[] = {1, 2, 3, 4, 10, 1000};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint32_t limit = limits[i];
        uint32_t low = (limit + 1) / 2;
        fmq__duct *d = open_duct(limit);

        for (uint32_t k = 0; k < limit; k++) {
            CHECK(fmq__duct_has_room(d));
            CHECK(!fmq__duct_sleep_writer(d));
            (void)send_one(d, k);
        }
        CHECK(!fmq__duct_has_room(d));
        CHECK(fmq__duct_sleep_writer(d));
        CHECK(fmq__duct_sleep_writer(d));
        CHECK_EQ(fmq__duct_ready(d), limit);
        for (uint32_t k = 0; k < limit; k++) {
            /* Told once, at the mark. */
            CHECK_EQ(recv_one(d, k), k + 1 == low);
            CHECK_EQ(fmq__duct_has_room(d), k + 1 >= low);
        }
        CHECK(!fmq__duct_sleep_writer(d));
        close_both(d);
    }
}

TEST(a_duct_knows_how_many_wait)
{
    fmq__duct *d = open_duct(4);

    CHECK_EQ(fmq__duct_n_unread(d), 0);
    for (uint32_t i = 1; i <= 4; i++) {
        (void)send_one(d, i);
        CHECK_EQ(fmq__duct_n_unread(d), i);
        CHECK_EQ(fmq__duct_n_unreported(d), i);
    }
    CHECK_EQ(fmq__duct_ready(d), 4);
    (void)recv_one(d, 1);
    CHECK_EQ(fmq__duct_n_unread(d), 3);
    CHECK_EQ(fmq__duct_n_unreported(d), 4); /* until the low-water mark */
    (void)recv_one(d, 2);
    CHECK_EQ(fmq__duct_n_unreported(d), 2);
    close_both(d);
}

TEST(a_sleeping_reader_is_told_once)
{
    fmq__duct *d = open_duct(10);

    CHECK(fmq__duct_sleep_reader(d));
    CHECK(fmq__duct_sleep_reader(d));
    CHECK_EQ(fmq__duct_ready(d), 0);
    CHECK(send_one(d, 1));
    CHECK(!send_one(d, 2));
    CHECK(!fmq__duct_sleep_reader(d));
    CHECK_EQ(fmq__duct_ready(d), 2);
    CHECK(!recv_one(d, 1));
    CHECK(!fmq__duct_sleep_reader(d));
    CHECK(!recv_one(d, 2));
    CHECK(fmq__duct_sleep_reader(d));
    CHECK(!fmq__duct_is_finished(d));
    CHECK(fmq__duct_close_writer(d));
    CHECK(fmq__duct_is_finished(d));
    CHECK(!fmq__duct_sleep_reader(d));
    CHECK(!fmq__duct_close_reader(d));
}

TEST(a_sleeping_writer_is_told_of_the_close)
{
    fmq__duct *d = open_duct(1);

    CHECK(!send_one(d, 1));
    CHECK(fmq__duct_sleep_writer(d));
    CHECK(!fmq__duct_is_reader_gone(d));
    CHECK(fmq__duct_close_reader(d));
    CHECK(fmq__duct_is_reader_gone(d));
    CHECK(!fmq__duct_sleep_writer(d));
    CHECK(!fmq__duct_close_writer(d));
}

TEST(what_was_published_outlives_the_writer)
{
    fmq__duct *d = open_duct(0);

    for (uint32_t i = 0; i < 100; i++) {
        CHECK(!send_one(d, i));
    }
    CHECK(!fmq__duct_close_writer(d));
    CHECK(!fmq__duct_is_finished(d));
    CHECK_EQ(fmq__duct_ready(d), 100);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK(!fmq__duct_is_finished(d));
        CHECK(!fmq__duct_sleep_reader(d));
        (void)recv_one(d, i);
    }
    CHECK(fmq__duct_is_finished(d));
    CHECK(!fmq__duct_close_reader(d));
}

TEST(a_limit_may_change)
{
    fmq__duct *d = open_duct(4);

    for (uint32_t i = 0; i < 4; i++) {
        CHECK(!send_one(d, i));
    }
    CHECK(!fmq__duct_has_room(d));
    fmq__duct_set_limit(d, 6);
    CHECK(fmq__duct_has_room(d));
    CHECK(!send_one(d, 4));
    CHECK(!send_one(d, 5));
    CHECK(!fmq__duct_has_room(d));
    fmq__duct_set_limit(d, 0);
    CHECK(fmq__duct_has_room(d));
    for (uint32_t i = 6; i < 100; i++) {
        CHECK(fmq__duct_has_room(d));
        CHECK(!send_one(d, i));
    }
    CHECK_EQ(fmq__duct_ready(d), 94 + 4 + 2);
    for (uint32_t i = 0; i < 50; i++) {
        CHECK(!recv_one(d, i));
    }
    /* From none to one: counts from the reader's next report on. */
    fmq__duct_set_limit(d, 2);
    CHECK(!recv_one(d, 50));
    CHECK(!fmq__duct_has_room(d));
    CHECK(fmq__duct_sleep_writer(d));
    CHECK(recv_one(d, 51)); /* every message now: half of 2 */
    for (uint32_t i = 52; i < 100; i++) {
        CHECK(!recv_one(d, i));
    }
    CHECK(fmq__duct_has_room(d));
    CHECK(!send_one(d, 100));
    CHECK(!send_one(d, 101));
    CHECK(!fmq__duct_has_room(d));
    close_both(d);
}

TEST(a_lowered_limit_does_not_strand_the_writer)
{
    /* The reader has read all and reported a part by its old mark of 500. */
    fmq__duct *d = open_duct(1000);

    for (uint32_t i = 0; i < 499; i++) {
        CHECK(!send_one(d, i));
    }
    for (uint32_t i = 0; i < 499; i++) {
        CHECK(fmq__duct_ready(d) != 0);
        CHECK(!recv_one(d, i));
    }
    CHECK(fmq__duct_sleep_reader(d));
    fmq__duct_set_limit(d, 2);
    fmq__duct_set_limit(d, 1);
    CHECK(!fmq__duct_sleep_writer(d));
    CHECK(fmq__duct_has_room(d));
    CHECK(send_one(d, 499));
    CHECK(fmq__duct_sleep_writer(d));
    CHECK(fmq__duct_ready(d) == 1);
    CHECK(recv_one(d, 499));
    /* From here on the limit is 1. */
    CHECK(fmq__duct_has_room(d));
    CHECK(!send_one(d, 500));
    CHECK(!fmq__duct_has_room(d));
    close_both(d);
}

TEST(without_memory_there_is_no_duct)
{
    fmq__duct *d = NULL;

    for (uint64_t n = 1; n <= 2; n++) {
        fmq__alloc_fail_at(n, 0);
        CHECK_EQ(fmq__duct_new(10, &d), ENOMEM);
        CHECK(d == NULL);
    }
    fmq__alloc_fail_at(0, 0);
}

TEST(steady_traffic_asks_for_no_memory)
{
    fmq__duct *d = open_duct(1000);

    for (uint32_t i = 0; i < 20000; i++) {
        frame f = {.len = 200, .seed = i};

        CHECK_EQ(append_frame(fmq__duct_writer(d), &f), 0);
        (void)fmq__duct_publish(d);
        if (i == 5000) {
            (void)fmq__alloc_fail_at(UINT64_MAX, 0); /* counts */
        }
        CHECK_EQ(fmq__duct_ready(d), 1);
        CHECK(pop_frame(fmq__duct_reader(d), &f));
        (void)fmq__duct_report(d);
    }
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 0);
    /* A reader that keeps up leaves the chunks small. */
    CHECK(fmq__duct_writer(d)->cap <= 2 * FMQ__CHUNK_REUSE);
    close_both(d);
}

/* --- two threads --- */

typedef struct sleeper {
    _Atomic uint32_t is_told;
} sleeper;

/* W1 -> W2: the word only wakes; the duct itself orders. */
static void
tell(sleeper *s)
{
    atomic_store_explicit(&s->is_told, 1, memory_order_relaxed);
    fmq__futex_wake(&s->is_told, 1);
}

static void
sleep_until_told(sleeper *s)
{
    while (atomic_exchange_explicit(&s->is_told, 0, memory_order_relaxed) == 0) {
        (void)fmq__futex_wait(&s->is_told, 0, FMQ__NEVER);
    }
}

typedef struct traffic {
    fmq__duct *d;
    uint32_t n_messages;
    uint32_t close_writer_at; /* messages; or never */
    uint32_t close_reader_at;
    uint32_t seed;
    bool is_limit_changing;
    sleeper reader;
    sleeper writer;
    uint32_t n_read;
} traffic;

enum { NEVER = UINT32_MAX / 2 };

static _Atomic int n_lent;

static void
count_back(void *data, void *hint)
{
    (void)data;
    (void)hint;
    atomic_fetch_sub_explicit(&n_lent, 1, memory_order_relaxed);
}

/* Message `i`: one to three frames of sizes drawn from `g`, or a lent body. */
static unsigned
message_frames(rng *g, uint32_t i, frame *f)
{
    unsigned n = 1 + (rng_below(g, 8) == 0) * rng_below(g, 3);

    for (unsigned k = 0; k < n; k++) {
        f[k] = (frame){.len = rng_below(g, 16) == 0 ? rng_size(g) : rng_below(g, 100),
                       .seed = i + k,
                       .flags = k + 1 < n ? FMQ__MORE : 0,
                       .is_kept = i % 64 < 4 && k == 0};
    }
    return n;
}

static const uint8_t *
lent_bytes(void)
{
    static uint8_t bytes[6000];

    return bytes;
}

static bool
is_lent(const frame *f)
{
    return f->len == 5000;
}

static void
append_any(fmq__fq_writer *w, const frame *f)
{
    fmq__body *body;

    if (!is_lent(f)) {
        CHECK_EQ(append_frame(w, f), 0);
        return;
    }
    REQUIRE(fmq__body_new_lent((void *)(uintptr_t)lent_bytes(), count_back, NULL,
                               &body) == 0);
    atomic_fetch_add_explicit(&n_lent, 1, memory_order_relaxed);
    CHECK_EQ(fmq__fq_append_ref(w, f->flags, body, lent_bytes(), f->len), 0);
}

static void *
write_traffic(void *arg)
{
    traffic *t = arg;
    rng g = {.state = t->seed};
    rng other = {.state = t->seed + 1};
    frame f[3];

    for (uint32_t i = 0; i < t->n_messages && i < t->close_writer_at; i++) {
        unsigned n = message_frames(&g, i, f);

        if (t->is_limit_changing && rng_below(&other, 64) == 0) {
            fmq__duct_set_limit(t->d, rng_below(&other, 6));
        }
        while (!fmq__duct_has_room(t->d) && !fmq__duct_is_reader_gone(t->d)) {
            if (fmq__duct_sleep_writer(t->d)) {
                sleep_until_told(&t->writer);
            }
        }
        if (fmq__duct_is_reader_gone(t->d)) {
            break;
        }
        for (unsigned k = 0; k < n; k++) {
            append_any(fmq__duct_writer(t->d), &f[k]);
        }
        if (fmq__duct_publish(t->d)) {
            tell(&t->reader);
        }
    }
    if (fmq__duct_close_writer(t->d)) {
        tell(&t->reader);
    }
    return NULL;
}

static void
pop_any(fmq__fq_reader *r, const frame *want)
{
    fmq__frame got;

    if (!is_lent(want)) {
        CHECK(pop_frame(r, want));
        return;
    }
    fmq__fq_pop(r, &got);
    CHECK(got.is_ref && got.data == lent_bytes() && got.flags == want->flags);
    fmq__body_drop(got.body);
}

static void
read_traffic(traffic *t)
{
    rng g = {.state = t->seed};
    frame f[3];

    while (t->n_read < t->close_reader_at) {
        uint64_t n = fmq__duct_ready(t->d);

        if (n == 0) {
            if (fmq__duct_is_finished(t->d)) {
                break;
            }
            if (fmq__duct_sleep_reader(t->d)) {
                sleep_until_told(&t->reader);
            }
            continue;
        }
        for (; n > 0 && t->n_read < t->close_reader_at; n--) {
            unsigned n_frames = message_frames(&g, t->n_read, f);

            for (unsigned k = 0; k < n_frames; k++) {
                pop_any(fmq__duct_reader(t->d), &f[k]);
            }
            t->n_read++;
            if (fmq__duct_report(t->d)) {
                tell(&t->writer);
            }
        }
    }
    if (fmq__duct_close_reader(t->d)) {
        tell(&t->writer);
    }
}

static uint32_t
run_traffic(traffic *t, uint32_t limit)
{
    pthread_t thread;

    t->d = open_duct(limit);
    REQUIRE(pthread_create(&thread, NULL, write_traffic, t) == 0);
    read_traffic(t);
    pthread_join(thread, NULL);
    CHECK_EQ(atomic_load_explicit(&n_lent, memory_order_relaxed), 0);
    return t->n_read;
}

TEST(two_threads_at_every_limit)
{
    static const struct {
        uint32_t limit;
        uint32_t n_messages;
    } rows[] = {{1, 5000},   {2, 10000},    {3, 10000},
                {16, 20000}, {1000, 50000}, {0, 50000}};

    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        traffic t = {.n_messages = rows[i].n_messages,
                     .close_writer_at = NEVER,
                     .close_reader_at = NEVER,
                     .seed = 1000 + i};

        CHECK_EQ(run_traffic(&t, rows[i].limit), rows[i].n_messages);
    }
}

TEST(two_threads_while_the_limit_changes)
{
    traffic t = {.n_messages = 30000,
                 .close_writer_at = NEVER,
                 .close_reader_at = NEVER,
                 .seed = 4711,
                 .is_limit_changing = true};

    CHECK_EQ(run_traffic(&t, 3), t.n_messages);
}

static void
send_lent(fmq__duct *d, unsigned flags)
{
    frame f = {.len = 5000, .flags = flags};

    append_any(fmq__duct_writer(d), &f);
    if (flags == 0) {
        (void)fmq__duct_publish(d);
    }
}

TEST(a_close_puts_lent_bodies_aside)
{
    for (int is_writer_first = 0; is_writer_first < 2; is_writer_first++) {
        fmq__duct *d = open_duct(0);
        fmq__body *list[2] = {NULL, NULL};

        fmq__duct_writer(d)->dropped = &list[0];
        fmq__duct_reader(d)->dropped = &list[1];
        send_lent(d, FMQ__MORE);
        send_lent(d, 0);
        send_lent(d, 0);
        if (is_writer_first) {
            (void)fmq__duct_close_writer(d);
            (void)fmq__duct_close_reader(d);
        } else {
            (void)fmq__duct_close_reader(d);
            send_lent(d, 0);
            send_lent(d, FMQ__MORE);
            (void)fmq__duct_close_writer(d);
        }
        CHECK_EQ(atomic_load_explicit(&n_lent, memory_order_relaxed),
                 is_writer_first ? 3 : 5);
        fmq__body_flush(&list[1]);
        CHECK_EQ(atomic_load_explicit(&n_lent, memory_order_relaxed),
                 is_writer_first ? 0 : 2);
        fmq__body_flush(&list[0]);
        CHECK_EQ(atomic_load_explicit(&n_lent, memory_order_relaxed), 0);
    }
}

TEST(either_side_closes_at_any_moment)
{
    rng g = {.state = 12345};

    for (uint32_t i = 0; i < 200; i++) {
        bool is_writer = rng_below(&g, 2) == 0;
        traffic t = {.n_messages = 300,
                     .close_writer_at = is_writer ? rng_below(&g, 100) : NEVER,
                     .close_reader_at =
                         !is_writer || rng_below(&g, 2) ? rng_below(&g, 100) : NEVER,
                     .seed = 7 + i};
        uint32_t last = t.close_writer_at < t.close_reader_at ? t.close_writer_at
                                                              : t.close_reader_at;

        CHECK_EQ(run_traffic(&t, rng_below(&g, 8)), last);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(published_messages_are_ready),
        CASE(a_full_duct_has_room_at_the_low_water_mark),
        CASE(a_duct_knows_how_many_wait),
        CASE(a_sleeping_reader_is_told_once),
        CASE(a_sleeping_writer_is_told_of_the_close),
        CASE(what_was_published_outlives_the_writer),
        CASE(a_limit_may_change),
        CASE(a_lowered_limit_does_not_strand_the_writer),
        CASE(without_memory_there_is_no_duct),
        CASE(steady_traffic_asks_for_no_memory),
        CASE(two_threads_at_every_limit),
        CASE(two_threads_while_the_limit_changes),
        CASE(a_close_puts_lent_bodies_aside),
        CASE(either_side_closes_at_any_moment),
    };

    return CHECK_MAIN(cases);
}
