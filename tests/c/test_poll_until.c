/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/poll_until.h"

#include <errno.h>

#include "base/clock.h"
#include "base/wake.h"
#include "check.h"
#include "deny.h"

TEST(looks)
{
    fmq__wake w;
    struct pollfd f[2];
    int n = -1;

    REQUIRE(fmq__wake_open(&w) == 0);
    f[0] = (struct pollfd){.fd = -1, .events = POLLIN};
    f[1] = (struct pollfd){.fd = w.read_fd, .events = POLLIN};
    CHECK_EQ(fmq__poll_until(f, 2, 0, &n), 0);
    CHECK_EQ(n, 0);
    fmq__wake_signal(&w);
    CHECK_EQ(fmq__poll_until(f, 2, 0, &n), 0);
    CHECK_EQ(n, 1);
    CHECK_EQ(f[0].revents, 0);
    CHECK_EQ(f[1].revents, POLLIN);
    fmq__wake_close(&w);
}

/* Not before, with any length. */
TEST(waits_for_deadlines)
{
    static const uint64_t lengths_ns[] = {1, 1000, 200000, 1500000};
    int n = -1;

    for (size_t i = 0; i < sizeof(lengths_ns) / sizeof(lengths_ns[0]); i++) {
        uint64_t deadline = fmq__clock_ns() + lengths_ns[i];

        CHECK_EQ(fmq__poll_until(NULL, 0, deadline, &n), 0);
        CHECK_EQ(n, 0);
        CHECK(fmq__clock_ns() >= deadline);
    }
    CHECK_EQ(fmq__poll_until(NULL, 0, fmq__clock_ns() - 1, &n), 0);
    CHECK_EQ(n, 0);
}

TEST(far_deadlines)
{
    const uint64_t deadlines[] = {FMQ__NEVER, FMQ__NEVER - 1};
    fmq__wake w;

    REQUIRE(fmq__wake_open(&w) == 0);
    fmq__wake_signal(&w);
    for (int i = 0; i < 2; i++) {
        struct pollfd f = {.fd = w.read_fd, .events = POLLIN};
        int n = -1;

        CHECK_EQ(fmq__poll_until(&f, 1, deadlines[i], &n), 0);
        CHECK_EQ(n, 1);
    }
    fmq__wake_close(&w);
}

TEST(too_many)
{
    struct pollfd f[2] = {{.fd = -1}, {.fd = -1}};
    rlim_t before = deny_descriptors(1);
    int n = 77;

    CHECK_EQ(fmq__poll_until(f, 2, 0, &n), EINVAL);
    CHECK_EQ(n, 77);
    deny_descriptors(before);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(looks),
        CASE(waits_for_deadlines),
        CASE(far_deadlines),
        CASE(too_many),
    };

    return CHECK_MAIN(cases);
}
