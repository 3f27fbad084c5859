/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>

#include "check.h"

#define NS_PER_MS UINT64_C(1000000)

TEST(time_does_not_run_backwards)
{
    uint64_t before = fmq__clock_ns();

    for (int i = 0; i < 1000; i++) {
        uint64_t now = fmq__clock_ns();

        CHECK(now >= before);
        before = now;
    }
}

TEST(deadline_lies_between_two_readings)
{
    uint64_t before = fmq__clock_ns();
    uint64_t deadline = fmq__deadline_ns(1500);
    uint64_t after = fmq__clock_ns();

    CHECK(deadline >= before + 1500 * NS_PER_MS);
    CHECK(deadline <= after + 1500 * NS_PER_MS);
    deadline = fmq__deadline_ns(0);
    CHECK(deadline >= after);
    CHECK(deadline <= fmq__clock_ns());
}

TEST(never)
{
    CHECK(fmq__deadline_ns(-1) == FMQ__NEVER);
    CHECK(fmq__deadline_ns(INT64_MIN) == FMQ__NEVER);
    CHECK(fmq__deadline_ns(INT64_MAX) == FMQ__NEVER);
    CHECK_EQ(fmq__deadline_left_ms(FMQ__NEVER), -1);
}

TEST(left_rounds_up)
{
    int left = fmq__deadline_left_ms(fmq__clock_ns() + 3600 * 1000 * NS_PER_MS);

    /* Never the whole hour minus nothing: it was made before, so at most the hour. */
    CHECK(left <= 3600 * 1000);
    CHECK(left > 0);
    CHECK_EQ(fmq__deadline_left_ms(0), 0);
    CHECK_EQ(fmq__deadline_left_ms(fmq__clock_ns()), 0);
    CHECK_EQ(fmq__deadline_left_ms(FMQ__NEVER - 1), INT_MAX);

    /* A part of a millisecond counts as a whole one for as long as it is to come. */
    for (int i = 0; i < 100; i++) {
        uint64_t deadline = fmq__clock_ns() + NS_PER_MS / 2;

        left = fmq__deadline_left_ms(deadline);
        CHECK(left == 1 || fmq__clock_ns() >= deadline);
    }
}

TEST(left_in_nanoseconds)
{
    uint64_t deadline = fmq__clock_ns() + 3600 * 1000 * NS_PER_MS;
    uint64_t left = fmq__deadline_left_ns(deadline);

    CHECK(left <= 3600 * 1000 * NS_PER_MS);
    CHECK(left > 0);
    CHECK_EQ(fmq__deadline_left_ns(0), 0);
    CHECK_EQ(fmq__deadline_left_ns(fmq__clock_ns()), 0);
    CHECK(fmq__deadline_left_ns(FMQ__NEVER) == FMQ__NEVER);
}

/* Its differences are the other clock's. */
TEST(the_fast_clock)
{
    uint64_t slow_ns;
    uint64_t fast_ns;
    uint64_t begin_ns;
    uint64_t begin_fast_ns;

    fmq__clock_init();
    begin_ns = fmq__clock_ns();
    begin_fast_ns = fmq__clock_fast_ns();
    do {
        slow_ns = fmq__clock_ns() - begin_ns;
        fast_ns = fmq__clock_fast_ns() - begin_fast_ns;
    } while (slow_ns < 10 * NS_PER_MS);
    CHECK(fast_ns > slow_ns / 2); /* a machine may stop between two readings */
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(time_does_not_run_backwards),
        CASE(deadline_lies_between_two_readings),
        CASE(never),
        CASE(left_rounds_up),
        CASE(left_in_nanoseconds),
        CASE(the_fast_clock),
    };

    return CHECK_MAIN(cases);
}
