/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "zmq_sockets.h"

enum { NEVER_MS = 3600000 };

/* What a handler has seen, and what it is to do. */
typedef struct seen {
    int n;
    int last_id;
    void *timers;
    int victim; /* to be cancelled; 0: none */
    bool destroys;
    bool restarts;
} seen;

static void
on_timer(int id, void *arg)
{
    seen *s = arg;

    s->n++;
    s->last_id = id;
    if (s->victim != 0) {
        CHECK_EQ(zmq_timers_cancel(s->timers, s->victim), 0);
        s->victim = 0;
    }
    if (s->restarts) {
        CHECK_EQ(zmq_timers_set_interval(s->timers, id, NEVER_MS), 0);
    }
    if (s->destroys) {
        CHECK_EQ(zmq_timers_destroy(&s->timers), 0);
    }
}

/* Waits until a timer is due, and has them run. */
static void
run_next(void *timers)
{
    CHECK_EQ(zmq_poll(NULL, 0, zmq_timers_timeout(timers)), 0);
    CHECK_EQ(zmq_timers_timeout(timers), 0);
    CHECK_EQ(zmq_timers_execute(timers), 0);
}

TEST(a_timer_fires_again_and_again)
{
    void *timers = zmq_timers_new();
    seen s = {0};
    long left;
    int id;

    REQUIRE(timers != NULL);
    CHECK_EQ(zmq_timers_timeout(timers), -1);
    CHECK_EQ(zmq_timers_execute(timers), 0);
    id = zmq_timers_add(timers, 5, on_timer, &s);
    CHECK_EQ(id, 1);
    CHECK_EQ(zmq_timers_add(timers, NEVER_MS, on_timer, &s), 2);
    left = zmq_timers_timeout(timers);
    CHECK(left >= 0 && left <= 5);
    run_next(timers);
    CHECK_EQ(s.n, 1);
    CHECK_EQ(s.last_id, id);
    run_next(timers);
    CHECK_EQ(s.n, 2);
    CHECK_EQ(zmq_timers_cancel(timers, id), 0);
    REFUSES(zmq_timers_cancel(timers, id), EINVAL);
    CHECK_EQ(zmq_timers_execute(timers), 0);
    CHECK_EQ(s.n, 2);
    CHECK(zmq_timers_timeout(timers) > NEVER_MS - 60000);
    CHECK_EQ(zmq_timers_destroy(&timers), 0);
    CHECK(timers == NULL);
}

TEST(intervals_change)
{
    void *timers = zmq_timers_new();
    seen s = {0};
    int id = zmq_timers_add(timers, 0, on_timer, &s);

    /* Due, but it begins anew. */
    CHECK_EQ(zmq_timers_timeout(timers), 0);
    CHECK_EQ(zmq_timers_set_interval(timers, id, NEVER_MS), 0);
    CHECK_EQ(zmq_timers_execute(timers), 0);
    CHECK_EQ(s.n, 0);
    CHECK_EQ(zmq_timers_reset(timers, id), 0);
    CHECK_EQ(zmq_timers_set_interval(timers, id, SIZE_MAX), 0);
    CHECK(zmq_timers_timeout(timers) > NEVER_MS);
    CHECK_EQ(zmq_timers_set_interval(timers, id, 0), 0);
    run_next(timers);
    CHECK_EQ(s.n, 1); /* once a call, though due again at once */
    REFUSES(zmq_timers_set_interval(timers, id + 1, 1), EINVAL);
    REFUSES(zmq_timers_reset(timers, id + 1), EINVAL);
    CHECK_EQ(zmq_timers_destroy(&timers), 0);
}

TEST(a_handler_may_do_anything)
{
    void *timers = zmq_timers_new();
    seen first = {0};
    seen second = {0};
    seen last = {0};

    /* Cancels another that is due as well. */
    first.timers = timers;
    CHECK_EQ(zmq_timers_add(timers, 0, on_timer, &first), 1);
    first.victim = zmq_timers_add(timers, 0, on_timer, &second);
    run_next(timers);
    CHECK_EQ(first.n, 1);
    CHECK_EQ(second.n, 0);
    /* Itself. */
    first.victim = 1;
    run_next(timers);
    CHECK_EQ(first.n, 2);
    CHECK_EQ(zmq_timers_timeout(timers), -1);
    /* Gives itself another interval. */
    first.restarts = true;
    CHECK_EQ(zmq_timers_add(timers, 0, on_timer, &first), 3);
    run_next(timers);
    CHECK(zmq_timers_timeout(timers) > 0);
    /* Ends all. */
    last.timers = timers;
    last.destroys = true;
    CHECK_EQ(zmq_timers_add(timers, 0, on_timer, &last), 4);
    CHECK_EQ(zmq_timers_add(timers, 0, on_timer, &second), 5);
    run_next(timers);
    CHECK(last.timers == NULL);
    CHECK_EQ(second.n, 0);
    REFUSES(zmq_timers_execute(timers), EFAULT);
}

TEST(they_fire_in_order)
{
    void *timers = zmq_timers_new();
    seen s[2] = {{0}, {0}};
    int later = zmq_timers_add(timers, 4, on_timer, &s[0]);
    int sooner = zmq_timers_add(timers, 1, on_timer, &s[1]);

    CHECK_EQ(zmq_poll(NULL, 0, 5), 0);
    CHECK_EQ(zmq_timers_execute(timers), 0);
    CHECK_EQ(s[0].last_id, later);
    CHECK_EQ(s[1].last_id, sooner);
    CHECK_EQ(zmq_timers_destroy(&timers), 0);
}

static void
refuse_all(void *timers)
{
    REFUSES(zmq_timers_add(timers, 1, on_timer, NULL), EFAULT);
    REFUSES(zmq_timers_cancel(timers, 1), EFAULT);
    REFUSES(zmq_timers_set_interval(timers, 1, 1), EFAULT);
    REFUSES(zmq_timers_reset(timers, 1), EFAULT);
    REFUSES(zmq_timers_timeout(timers), EFAULT);
    REFUSES(zmq_timers_execute(timers), EFAULT);
    REFUSES(zmq_timers_destroy(&timers), EFAULT);
}

TEST(what_are_no_timers_is_refused)
{
    void *timers = zmq_timers_new();
    void *gone = timers;
    uint64_t no_timers = 4711;

    REFUSES(zmq_timers_add(timers, 1, NULL, NULL), EFAULT);
    refuse_all(NULL);
    refuse_all(&no_timers);
    REFUSES(zmq_timers_destroy(NULL), EFAULT);
    CHECK_EQ(zmq_timers_destroy(&timers), 0);
    refuse_all(gone);
}

TEST(memory_runs_out)
{
    void *timers;

    fmq__alloc_fail_at(1, 0);
    GIVES_NULL(zmq_timers_new(), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    timers = zmq_timers_new();
    fmq__alloc_fail_at(1, 0);
    REFUSES(zmq_timers_add(timers, 1, on_timer, NULL), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(zmq_timers_timeout(timers), -1);
    CHECK_EQ(zmq_timers_destroy(&timers), 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_timer_fires_again_and_again), CASE(intervals_change),
        CASE(a_handler_may_do_anything),     CASE(they_fire_in_order),
        CASE(what_are_no_timers_is_refused), CASE(memory_runs_out),
    };

    return CHECK_MAIN(cases);
}
