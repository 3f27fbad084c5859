/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "frames.h"
#include "pipe/netpipe.h"

/* A pipe with what it has said. */
typedef struct probe {
    fmq__netpipe net;
    unsigned n_committed;
    unsigned n_emptied;
    unsigned n_writable;
} probe;

static void
on_committed(fmq__netpipe *n)
{
    FMQ__ITEM(n, probe, net)->n_committed++;
}

static void
on_emptied(fmq__netpipe *n)
{
    FMQ__ITEM(n, probe, net)->n_emptied++;
}

static void
on_writable(fmq__netpipe *n)
{
    CHECK(fmq__pipe_can_write(&n->pipe));
    FMQ__ITEM(n, probe, net)->n_writable++;
}

static const fmq__netpipe_events events = {
    .committed = on_committed,
    .emptied = on_emptied,
    .writable = on_writable,
};

static void
open_probe(probe *p, uint32_t out_limit, uint32_t in_limit)
{
    memset(p, 0, sizeof(*p));
    REQUIRE(fmq__netpipe_init(&p->net, &events, out_limit, in_limit) == 0);
}

static void
send_one(probe *p)
{
    static const fmq__outpart parts[] = {{(const uint8_t *)"ab", 2, NULL},
                                         {(const uint8_t *)"", 0, NULL}};
    fmq__pipe *pipe = &p->net.pipe;

    CHECK_EQ(fmq__pipe_send(pipe, pipe->out->end, parts, 2), 0);
}

/* As the write turn does: `n` messages leave the queue and then the count. */
static void
write_out(probe *p, uint32_t n)
{
    enum { WIRE = 2 + 2 + 2 };

    CHECK_EQ(fmq__fq_consume(&p->net.out_r, (size_t)n * WIRE), n);
    fmq__netpipe_written(&p->net, n, (size_t)n * WIRE);
}

/* As the read turn does. */
static bool
publish(probe *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        CHECK_EQ(fmq__fq_append(&p->net.in_w, FMQ__MORE, "x", 1), 0);
        CHECK_EQ(fmq__fq_append(&p->net.in_w, 0, "y", 1), 0);
    }
    return fmq__netpipe_publish(&p->net, n);
}

static void
pop(probe *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        fmq__pipe_skip_message(&p->net.pipe);
    }
}

TEST(a_full_queue_has_room_again_at_its_low_water_mark)
{
    static const uint32_t limits[] = {1, 2, 3, 7, 8, 1000};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint32_t limit = limits[i];
        uint32_t low = (limit + 1) / 2; /* so many must go */
        probe p;

        open_probe(&p, limit, 0);
        for (int round = 0; round < 3; round++) {
            uint32_t n = p.net.n_out;

            for (; n < limit; n++) {
                CHECK(fmq__pipe_can_write(&p.net.pipe));
                send_one(&p);
            }
            CHECK_EQ(p.net.n_out, limit);
            CHECK(!fmq__pipe_can_write(&p.net.pipe));
            for (n = 1; n < low; n++) {
                write_out(&p, 1);
                CHECK(!fmq__pipe_can_write(&p.net.pipe));
            }
            CHECK_EQ(p.n_writable, (unsigned)round);
            write_out(&p, 1);
            CHECK_EQ(p.n_writable, (unsigned)round + 1);
            CHECK(fmq__pipe_can_write(&p.net.pipe));
        }
        write_out(&p, p.net.n_out);
        CHECK_EQ(p.net.n_out, 0);
        CHECK_EQ(p.net.out_bytes, 0);
        CHECK_EQ(p.n_writable, 3); /* it was not full */
        fmq__netpipe_fini(&p.net);
    }
}

/* A reader that takes no more than a low-water mark's worth makes room all the same:
 * what counts are all messages that have gone, not those since it was full. */
TEST(marks_are_counted_from_the_first_message_on)
{
    probe p;

    open_probe(&p, 8, 0);
    for (int i = 0; i < 8; i++) {
        send_one(&p);
    }
    write_out(&p, 3);
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    write_out(&p, 2); /* five have gone: one mark of four, and one */
    CHECK_EQ(p.n_writable, 1);
    for (int i = 0; i < 5; i++) {
        send_one(&p);
    }
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    write_out(&p, 2);
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    write_out(&p, 1); /* the second */
    CHECK_EQ(p.n_writable, 2);
    fmq__netpipe_fini(&p.net);
}

TEST(without_a_limit_it_is_never_full)
{
    probe p;

    open_probe(&p, 0, 0);
    for (int i = 0; i < 5000; i++) {
        send_one(&p);
    }
    CHECK(fmq__pipe_can_write(&p.net.pipe));
    CHECK_EQ(p.net.n_out, 5000);
    CHECK_EQ(p.n_committed, 5000);
    CHECK_EQ(fmq__netpipe_in_room(&p.net), UINT64_MAX);
    CHECK(publish(&p, 5000));
    CHECK_EQ(fmq__netpipe_in_room(&p.net), UINT64_MAX);
    pop(&p, 5000);
    CHECK_EQ(p.n_emptied, 0);
    write_out(&p, 5000);
    CHECK_EQ(p.n_writable, 0);
    fmq__netpipe_fini(&p.net);
}

TEST(a_closed_pipe_takes_nothing)
{
    probe p;

    open_probe(&p, 9, 9);
    CHECK(fmq__pipe_can_write(&p.net.pipe));
    p.net.pipe.is_closed_out = true;
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    fmq__netpipe_fini(&p.net);
}

TEST(what_is_published_can_be_read)
{
    probe p;

    open_probe(&p, 1, 10);
    CHECK(!fmq__pipe_can_read(&p.net.pipe));
    CHECK(!publish(&p, 0));
    CHECK(publish(&p, 2));  /* there was nothing */
    CHECK(!publish(&p, 3)); /* there was something */
    CHECK_EQ(p.net.pipe.n_in, 5);
    CHECK_EQ(fmq__netpipe_in_room(&p.net), 5);
    pop(&p, 4);
    CHECK(fmq__pipe_can_read(&p.net.pipe));
    pop(&p, 1);
    CHECK(!fmq__pipe_can_read(&p.net.pipe));
    CHECK(publish(&p, 1));
    fmq__netpipe_fini(&p.net);
}

TEST(a_paused_pipe_says_when_it_is_half_empty)
{
    static const struct {
        uint32_t limit;
        uint32_t resume_at; /* messages left */
    } rows[] = {{1, 0}, {2, 1}, {3, 1}, {10, 5}, {1001, 500}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        probe p;

        open_probe(&p, 1, rows[i].limit);
        (void)publish(&p, rows[i].limit);
        CHECK_EQ(fmq__netpipe_in_room(&p.net), 0);
        pop(&p, 1); /* not paused: nobody is told */
        CHECK_EQ(p.n_emptied, 0);
        (void)publish(&p, 1);
        p.net.is_paused = true;
        pop(&p, rows[i].limit - rows[i].resume_at - 1);
        CHECK_EQ(p.n_emptied, 0);
        pop(&p, 1);
        CHECK_EQ(p.n_emptied, 1);
        p.net.is_paused = false;
        pop(&p, rows[i].resume_at);
        CHECK_EQ(p.n_emptied, 1);
        fmq__netpipe_fini(&p.net);
    }
}

TEST(the_last_message_of_a_closed_pipe_says_so)
{
    probe p;

    open_probe(&p, 1, 10);
    (void)publish(&p, 3);
    p.net.is_closed_in = true;
    pop(&p, 2);
    CHECK_EQ(p.n_emptied, 0);
    pop(&p, 1);
    CHECK_EQ(p.n_emptied, 1);
    fmq__netpipe_fini(&p.net);
}

TEST(the_out_limit_may_change)
{
    probe p;

    open_probe(&p, 4, 0);
    for (int i = 0; i < 4; i++) {
        send_one(&p);
    }
    fmq__netpipe_set_limits(&p.net, 6, 0);
    CHECK_EQ(p.n_writable, 0); /* 4 of 6: above the low-water mark */
    fmq__netpipe_set_limits(&p.net, 8, 0);
    CHECK_EQ(p.n_writable, 1);
    fmq__netpipe_set_limits(&p.net, 2, 0);
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    write_out(&p, 2);
    CHECK_EQ(p.n_writable, 1);
    write_out(&p, 1);
    CHECK_EQ(p.n_writable, 2);
    send_one(&p);
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    fmq__netpipe_set_limits(&p.net, 0, 0);
    CHECK_EQ(p.n_writable, 3);
    CHECK(fmq__pipe_can_write(&p.net.pipe));
    fmq__netpipe_set_limits(&p.net, 1, 0);
    CHECK(!fmq__pipe_can_write(&p.net.pipe));
    write_out(&p, 2);
    CHECK_EQ(p.n_writable, 4);
    fmq__netpipe_fini(&p.net);
}

TEST(the_in_limit_may_change)
{
    probe p;

    open_probe(&p, 0, 4);
    (void)publish(&p, 4);
    p.net.is_paused = true;
    fmq__netpipe_set_limits(&p.net, 0, 2);
    CHECK_EQ(fmq__netpipe_in_room(&p.net), 0); /* and not less */
    CHECK_EQ(p.n_emptied, 0);
    pop(&p, 2);
    CHECK_EQ(p.n_emptied, 0);
    pop(&p, 1);
    CHECK_EQ(p.n_emptied, 1);
    p.net.is_paused = true;
    fmq__netpipe_set_limits(&p.net, 0, 100);
    CHECK_EQ(p.n_emptied, 2);
    CHECK_EQ(fmq__netpipe_in_room(&p.net), 99);
    p.net.is_paused = true;
    fmq__netpipe_set_limits(&p.net, 0, 0);
    CHECK_EQ(p.n_emptied, 3);
    fmq__netpipe_fini(&p.net);
}

/* What was cut counts as a message, but its bytes are not known any more. */
TEST(bytes_are_about_right_and_end_at_nothing)
{
    probe p;

    open_probe(&p, 0, 0);
    for (int i = 0; i < 3; i++) {
        send_one(&p);
    }
    CHECK(p.net.out_bytes >= 3 * 6);
    fmq__netpipe_written(&p.net, 0, 5);
    CHECK(p.net.out_bytes >= 3 * 6 - 5);
    fmq__netpipe_written(&p.net, 1, 1000000); /* more than there were */
    CHECK_EQ(p.net.out_bytes, 0);
    fmq__netpipe_written(&p.net, 1, 0);
    send_one(&p);
    CHECK(p.net.out_bytes >= 6);
    fmq__netpipe_written(&p.net, 2, 0);
    CHECK_EQ(p.net.n_out, 0);
    CHECK_EQ(p.net.out_bytes, 0);
    fmq__netpipe_fini(&p.net);
}

TEST(a_message_that_finds_no_memory_is_not_there)
{
    static uint8_t bytes[4096];
    fmq__outpart parts[4];
    uint64_t n_failed = 0;
    int err = ENOMEM;

    for (size_t i = 0; i < 4; i++) {
        parts[i] = (fmq__outpart){bytes, sizeof(bytes), NULL};
    }
    for (uint64_t n = 1; err != 0; n++) {
        probe p;
        fmq__pipe *pipe = &p.net.pipe;
        fmq__fq_pos mark;

        open_probe(&p, 1, 0);
        mark = pipe->out->end;
        CHECK_EQ(fmq__pipe_append(pipe, &(fmq__outpart){bytes, 7, NULL}, FMQ__MORE), 0);
        (void)fmq__alloc_fail_at(n, 0);
        err = fmq__pipe_send(pipe, mark, parts, 4);
        (void)fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            n_failed++;
            CHECK_EQ(err, ENOMEM);
            CHECK_EQ(p.n_committed, 0);
            CHECK_EQ(p.net.n_out, 0);
            CHECK(fmq__pipe_can_write(pipe));
            CHECK(fmq__fq_is_at(&p.net.out_r, p.net.out_w.end));
        } else {
            CHECK_EQ(p.n_committed, 1);
        }
        fmq__netpipe_fini(&p.net);
    }
    CHECK(n_failed != 0);
}

TEST(without_memory_there_is_no_pipe)
{
    fmq__netpipe net;

    for (uint64_t n = 1; n <= 2; n++) {
        (void)fmq__alloc_fail_at(n, 0);
        CHECK_EQ(fmq__netpipe_init(&net, &events, 1, 1), ENOMEM);
    }
    (void)fmq__alloc_fail_at(0, 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_full_queue_has_room_again_at_its_low_water_mark),
        CASE(marks_are_counted_from_the_first_message_on),
        CASE(without_a_limit_it_is_never_full),
        CASE(a_closed_pipe_takes_nothing),
        CASE(what_is_published_can_be_read),
        CASE(a_paused_pipe_says_when_it_is_half_empty),
        CASE(the_last_message_of_a_closed_pipe_says_so),
        CASE(the_out_limit_may_change),
        CASE(the_in_limit_may_change),
        CASE(bytes_are_about_right_and_end_at_nothing),
        CASE(a_message_that_finds_no_memory_is_not_there),
        CASE(without_memory_there_is_no_pipe),
    };

    return CHECK_MAIN(cases);
}
