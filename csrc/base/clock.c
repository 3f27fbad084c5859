/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

uint64_t
fmq__clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t
fmq__deadline_ns(int64_t timeout_ms)
{
    uint64_t now;

    if (timeout_ms < 0) {
        return FMQ__NEVER;
    }
    now = fmq__clock_ns();
    if ((uint64_t)timeout_ms > (FMQ__NEVER - now) / NS_PER_MS) {
        return FMQ__NEVER;
    }
    return now + (uint64_t)timeout_ms * NS_PER_MS;
}

int
fmq__deadline_left_ms(uint64_t deadline_ns)
{
    uint64_t now;
    uint64_t left_ms;

    if (deadline_ns == FMQ__NEVER) {
        return -1;
    }
    now = fmq__clock_ns();
    if (deadline_ns <= now) {
        return 0;
    }
    left_ms = (deadline_ns - now - 1) / NS_PER_MS + 1;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
