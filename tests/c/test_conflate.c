/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes that keep the last message only, over a connection and over a duct. */
#include <sched.h>

#include "base/thread.h"
#include "check.h"
#include "frames.h"
#include "pipe/duct.h"
#include "pipe/netpipe.h"

enum { N_STRESS = 200000 };

static void
ignore(fmq__netpipe *n)
{
    (void)n;
}

static const fmq__netpipe_events events = {
    .committed = ignore,
    .emptied = ignore,
    .writable = ignore,
};

static void
send_text(fmq__pipe *p, const char *text)
{
    const fmq__outpart parts[] = {{(const uint8_t *)text, strlen(text), NULL},
                                  {(const uint8_t *)"end", 3, NULL}};

    CHECK_EQ(fmq__pipe_send(p, p->out->end, parts, 2), 0);
}

/* What lies in the out queue, as it would be written. */
static void
expect_wire(fmq__netpipe *n, const char *wire, size_t len)
{
    struct iovec iov[8];
    int n_iov = 0;

    CHECK_EQ(fmq__fq_gather(&n->out_r, n->out_w.end, iov, 8, SIZE_MAX, &n_iov), len);
    CHECK_EQ(n_iov, 1);
    CHECK_MEM(iov[0].iov_base, wire, len);
}

TEST(a_queue_out_keeps_the_last)
{
    fmq__netpipe n;

    REQUIRE(fmq__netpipe_init(&n, &events, 1, 1) == 0);
    fmq__netpipe_conflate(&n, FMQ__CONFLATE_OUT);
    send_text(&n.pipe, "1");
    send_text(&n.pipe, "2");
    CHECK(fmq__pipe_can_write(&n.pipe));
    CHECK_EQ(n.n_out, 1);
    expect_wire(&n,
                "\1\1"
                "2\0\3end",
                8);

    /* A message that is being written is written to its end. */
    CHECK_EQ(fmq__fq_consume(&n.out_r, 1), 0);
    send_text(&n.pipe, "3");
    send_text(&n.pipe, "4");
    CHECK_EQ(n.n_out, 2);
    CHECK_EQ(fmq__fq_consume(&n.out_r, 7), 1);
    fmq__netpipe_written(&n, 1, 8);
    expect_wire(&n,
                "\1\1"
                "4\0\3end",
                8);

    /* During a write turn nothing is taken back; at its end all but the last. */
    n.is_writing = true;
    send_text(&n.pipe, "5");
    send_text(&n.pipe, "6");
    CHECK_EQ(n.n_out, 3);
    n.is_writing = false;
    fmq__netpipe_fold_out(&n);
    CHECK_EQ(n.n_out, 1);
    expect_wire(&n,
                "\1\1"
                "6\0\3end",
                8);
    fmq__netpipe_fold_out(&n);
    CHECK_EQ(n.n_out, 1);

    fmq__netpipe_set_limits(&n, 1, 1);
    CHECK(fmq__pipe_can_write(&n.pipe));
    fmq__netpipe_fini(&n);
}

TEST(a_queue_in_keeps_the_last)
{
    fmq__netpipe n;
    fmq__frame f;

    REQUIRE(fmq__netpipe_init(&n, &events, 1, 1) == 0);
    fmq__netpipe_conflate(&n, FMQ__CONFLATE_IN);
    for (uint8_t i = 0; i < 10; i++) {
        CHECK(fmq__netpipe_in_room(&n) > 1);
        CHECK_EQ(fmq__fq_append(&n.in_w, FMQ__MORE, &i, 1), 0);
        CHECK_EQ(fmq__fq_append(&n.in_w, 0, "end", 3), 0);
        (void)fmq__netpipe_publish(&n, 1);
    }
    CHECK(n.pipe.ops->catch_up(&n.pipe));
    CHECK(!n.pipe.ops->catch_up(&n.pipe));
    CHECK_EQ(n.pipe.n_in, 1);
    fmq__pipe_pop(&n.pipe, &f);
    CHECK_EQ(f.data[0], 9);
    fmq__netpipe_fini(&n);
}

static fmq__duct *
open_duct(void)
{
    fmq__duct *d = NULL;

    REQUIRE(fmq__duct_new(1, &d) == 0);
    fmq__duct_conflate(d);
    return d;
}

static void
close_both(fmq__duct *d)
{
    (void)fmq__duct_close_writer(d);
    (void)fmq__duct_close_reader(d);
}

TEST(a_duct_gives_back_what_was_not_taken)
{
    fmq__duct *d = open_duct();
    frame f = {.len = 3, .seed = 1};

    CHECK(!fmq__duct_take_back(d));
    CHECK_EQ(append_frame(fmq__duct_writer(d), &f), 0);
    CHECK(!fmq__duct_publish(d));
    CHECK(fmq__duct_take_back(d));
    CHECK(!fmq__duct_take_back(d));
    CHECK_EQ(fmq__duct_take(d), 0);
    CHECK(fmq__duct_sleep_reader(d));
    CHECK(fmq__duct_publish(d)); /* it slept */
    CHECK(fmq__duct_has_newer(d));
    CHECK(!fmq__duct_sleep_reader(d));
    CHECK_EQ(fmq__duct_take(d), 1);
    CHECK(!fmq__duct_has_newer(d));
    CHECK(!fmq__duct_take_back(d)); /* taken */
    CHECK(fmq__duct_has_room(d));
    CHECK(pop_frame(fmq__duct_reader(d), &f));
    CHECK(!fmq__duct_report(d));
    CHECK(!fmq__duct_take_back(d));
    close_both(d);
}

/* A writer and a reader at full speed: what is read is whole, in order and ends with
 * the last. */
static void
write_all(void *arg)
{
    fmq__duct *d = arg;
    fmq__fq_pos mark = fmq__duct_writer(d)->end;
    rng g = {.state = 362436069u};

    for (uint32_t i = 1; i <= N_STRESS; i++) {
        frame head = {.len = sizeof(i), .flags = FMQ__MORE};
        frame tail = {.len = rng_below(&g, 50) == 0 ? 5000 : rng_below(&g, 300),
                      .seed = i};

        if (fmq__duct_take_back(d)) {
            fmq__fq_rollback(fmq__duct_writer(d), mark);
        }
        mark = fmq__duct_writer(d)->end;
        CHECK_EQ(fmq__fq_append(fmq__duct_writer(d), head.flags, &i, sizeof(i)), 0);
        CHECK_EQ(append_frame(fmq__duct_writer(d), &tail), 0);
        (void)fmq__duct_publish(d);
        if (i % 64 == 0) {
            sched_yield();
        }
    }
}

TEST(two_threads)
{
    fmq__duct *d = open_duct();
    fmq__thread writer;
    uint32_t last = 0;

    REQUIRE(fmq__thread_open(&writer, write_all, d, "writer") == 0);
    while (last < N_STRESS) {
        fmq__frame f;
        uint32_t i;

        if (fmq__duct_take(d) == 0) {
            sched_yield();
            continue;
        }
        fmq__fq_pop(fmq__duct_reader(d), &f);
        REQUIRE(f.len == sizeof(i) && f.flags == FMQ__MORE);
        memcpy(&i, f.data, sizeof(i));
        REQUIRE(i > last);
        last = i;
        fmq__fq_pop(fmq__duct_reader(d), &f);
        CHECK(is_body(f.data, i, f.len));
        if (f.is_ref) {
            fmq__body_drop(f.body);
        }
        (void)fmq__duct_report(d);
    }
    fmq__thread_join(writer);
    CHECK_EQ(fmq__duct_take(d), 0);
    close_both(d);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_queue_out_keeps_the_last),
        CASE(a_queue_in_keeps_the_last),
        CASE(a_duct_gives_back_what_was_not_taken),
        CASE(two_threads),
    };

    return CHECK_MAIN(cases);
}
