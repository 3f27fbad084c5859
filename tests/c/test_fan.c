/* SPDX-License-Identifier: Apache-2.0 */
/* One message for many pipes: what is shared, what is copied, and that every reference
 * is given back (asked of the sanitizers, too). */
#include "pattern/fan.h"

#include "fakepipe.h"
#include "frames.h"

enum { N_PIPES = FMQ__FAN_WIDE + 8, N_PARTS = 4, LONG = 5000 };

static const size_t lens[N_PARTS] = {10, FMQ__FQ_SHARE_MIN, FMQ__FQ_SHARE_MIN + 1,
                                     LONG};

/* A PUB with pipes that want everything, every second one of them local. */
typedef struct crowd {
    fmq__pattern *p;
    fakepipe f[N_PIPES];
    uint8_t bytes[N_PARTS][LONG];
    fmq__outpart parts[N_PARTS];
    fmq__body *body; /* of the last part */
} crowd;

static void
join(crowd *c, size_t i)
{
    fake_open(&c->f[i], 1000);
    c->f[i].pipe.is_remote = i % 2 == 0;
    CHECK_EQ(fmq__pattern_attach(c->p, &c->f[i].pipe), 0);
    CHECK_EQ(fmq__pattern_up(c->p, &c->f[i].pipe, NULL, 0), 0);
    fake_give(c->p, &c->f[i], "\1");
}

static void
leave(crowd *c, size_t i)
{
    fmq__pattern_detach(c->p, &c->f[i].pipe);
    fake_close(&c->f[i]);
}

static crowd *
open_crowd(size_t n)
{
    static crowd the_crowd; /* one at a time */
    crowd *c = &the_crowd;
    uint8_t *data;

    c->p = fake_pattern(&fmq__pattern_pub);
    for (size_t i = 0; i < n; i++) {
        join(c, i);
    }
    for (size_t i = 0; i < N_PARTS; i++) {
        fill_body(c->bytes[i], (uint32_t)i, lens[i]);
        c->parts[i] = (fmq__outpart){c->bytes[i], lens[i], NULL};
    }
    REQUIRE(fmq__body_new(LONG, &c->body, &data) == 0);
    memcpy(data, c->bytes[N_PARTS - 1], LONG);
    c->parts[N_PARTS - 1] = (fmq__outpart){data, LONG, c->body};
    return c;
}

static void
close_crowd(crowd *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        leave(c, i);
    }
    fmq__pattern_free(c->p);
    CHECK(fmq__body_is_sole(c->body)); /* every queue has given it back */
    fmq__body_drop(c->body);
}

/* Takes the message out of a pipe; `shares`: whether short bodies are references. */
static void
expect_message(fakepipe *f, size_t n, bool shares)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = i % N_PARTS;
        bool is_ref = lens[k] > (shares ? FMQ__FQ_SHARE_MIN : FMQ__FQ_INLINE_MAX);
        fmq__frame got;

        fmq__fq_pop(&f->out_r, &got);
        CHECK_EQ(got.len, lens[k]);
        CHECK_EQ(got.flags, i + 1 < n ? FMQ__MORE : 0);
        CHECK_EQ(got.is_ref, is_ref);
        CHECK(is_body(got.data, (uint32_t)k, lens[k]));
        if (got.is_ref) {
            fmq__body_drop(got.body);
        }
    }
    f->n_out--;
}

static void
leave_down_to(crowd *c, size_t n, size_t before)
{
    while (before > n) {
        leave(c, --before);
    }
}

/* All but the first `n` have gone. */
static void
expect_all(crowd *c, size_t n)
{
    CHECK_EQ(c->p->ops->send(c->p, c->parts, N_PARTS), 0);
    for (size_t i = 0; i < n; i++) {
        bool is_remote = c->f[i].pipe.is_remote;

        expect_message(&c->f[i], N_PARTS,
                       n >= (is_remote ? FMQ__FAN_WIDE : FMQ__FAN_NEAR));
    }
}

TEST(many_share_and_few_copy)
{
    static const size_t widths[] = {N_PIPES,       FMQ__FAN_WIDE,     FMQ__FAN_WIDE - 1,
                                    FMQ__FAN_NEAR, FMQ__FAN_NEAR - 1, 1};
    crowd *c = open_crowd(N_PIPES);
    size_t n = N_PIPES;

    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        leave_down_to(c, widths[i], n);
        n = widths[i];
        expect_all(c, n);
    }
    while (n < N_PIPES) {
        join(c, n);
        n++;
        expect_all(c, n);
    }
    close_crowd(c, N_PIPES);
}

/* Who comes and goes for ever costs the others nothing. */
TEST(a_border_that_is_crossed_often)
{
    crowd *c = open_crowd(FMQ__FAN_WIDE - 1);
    const fmq__chunk *at;

    expect_all(c, FMQ__FAN_WIDE - 1);
    join(c, FMQ__FAN_WIDE - 1);
    at = c->f[0].out_w.end.chunk;
    for (int i = 0; i < 3; i++) {
        leave(c, FMQ__FAN_WIDE - 1);
        join(c, FMQ__FAN_WIDE - 1);
        CHECK(c->f[0].out_w.end.chunk == at);
    }
    expect_all(c, FMQ__FAN_WIDE);
    close_crowd(c, FMQ__FAN_WIDE);
}

TEST(what_is_kept_is_shared_by_all)
{
    static uint8_t bytes[9];
    crowd *c = open_crowd(N_PIPES);
    fmq__outpart part = {bytes, sizeof(bytes), NULL};

    REQUIRE(fmq__body_new_lent(bytes, NULL, NULL, &part.body) == 0);
    fmq__body_keep(part.body);
    for (size_t i = 0; i < N_PIPES; i++) {
        fmq__fq_rewind(&c->f[i].out_w, &c->f[i].out_r, 1 << 20);
    }
    CHECK_EQ(c->p->ops->send(c->p, &part, 1), 0);
    for (size_t i = 0; i < N_PIPES; i++) {
        fmq__frame got;

        CHECK(!fmq__body_is_sole(part.body));
        fmq__fq_pop(&c->f[i].out_r, &got);
        CHECK(got.is_ref && got.body == part.body && got.len == sizeof(bytes));
        fmq__body_drop(got.body);
        c->f[i].n_out--;
    }
    CHECK(fmq__body_is_sole(part.body));
    fmq__body_drop(part.body);
    close_crowd(c, N_PIPES);
}

/* What lies in a queue when the others come, or go, stays as it is. */
TEST(queues_that_are_in_the_middle)
{
    crowd *c = open_crowd(FMQ__FAN_WIDE - 1);

    CHECK_EQ(c->p->ops->send(c->p, c->parts, N_PARTS), 0);
    join(c, FMQ__FAN_WIDE - 1);
    CHECK_EQ(c->p->ops->send(c->p, c->parts, N_PARTS), 0);
    leave(c, FMQ__FAN_WIDE - 1);
    CHECK_EQ(c->p->ops->send(c->p, c->parts, N_PARTS), 0);
    for (size_t i = 0; i < FMQ__FAN_WIDE - 1; i++) {
        for (int k = 0; k < 3; k++) {
            for (size_t part = 0; part < N_PARTS; part++) {
                fmq__frame got;

                fmq__fq_pop(&c->f[i].out_r, &got);
                CHECK_EQ(got.len, lens[part]);
                CHECK(is_body(got.data, (uint32_t)part, lens[part]));
                if (got.is_ref) {
                    fmq__body_drop(got.body);
                }
            }
        }
    }
    close_crowd(c, FMQ__FAN_WIDE - 1);
}

TEST(more_parts_than_it_counts_for)
{
    crowd *c = open_crowd(3);
    fmq__outpart many[3 * N_PARTS];

    for (size_t i = 0; i < 3 * N_PARTS; i++) {
        many[i] = c->parts[i % N_PARTS];
    }
    CHECK_EQ(c->p->ops->send(c->p, many, 3 * N_PARTS), 0);
    for (size_t i = 0; i < 3; i++) {
        expect_message(&c->f[i], 3 * N_PARTS, false);
    }
    close_crowd(c, 3);
}

TEST(nobody_wants_it)
{
    crowd *c = open_crowd(2);

    for (size_t i = 0; i < 2; i++) {
        fake_give(c->p, &c->f[i], "\0");
        c->f[i].limit = 0;
    }
    CHECK_EQ(c->p->ops->send(c->p, c->parts, N_PARTS), 0);
    close_crowd(c, 2);
}

/* Without memory a pipe misses the message; none gets a part of it. */
TEST(without_memory)
{
    bool was_complete = false;

    for (uint64_t n = 1; !was_complete; n++) {
        crowd *c = open_crowd(N_PIPES);

        (void)fmq__alloc_fail_at(n, 0);
        CHECK_EQ(c->p->ops->send(c->p, c->parts, N_PARTS), 0);
        was_complete = fmq__alloc_fail_at(0, 0) < n;
        for (size_t i = 0; i < N_PIPES; i++) {
            size_t n_frames = 0;

            while (!fmq__fq_is_at(&c->f[i].out_r, c->f[i].out_w.end)) {
                fmq__frame got;

                fmq__fq_pop(&c->f[i].out_r, &got);
                CHECK(is_body(got.data, (uint32_t)n_frames, lens[n_frames]));
                n_frames++;
                if (got.is_ref) {
                    fmq__body_drop(got.body);
                }
            }
            CHECK_EQ(n_frames, c->f[i].n_out * N_PARTS);
            CHECK(!was_complete || n_frames == N_PARTS);
        }
        close_crowd(c, N_PIPES);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(many_share_and_few_copy),
        CASE(a_border_that_is_crossed_often),
        CASE(what_is_kept_is_shared_by_all),
        CASE(queues_that_are_in_the_middle),
        CASE(more_parts_than_it_counts_for),
        CASE(nobody_wants_it),
        CASE(without_memory),
    };

    return CHECK_MAIN(cases);
}
