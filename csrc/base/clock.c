/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdbool.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define CALIBRATION_NS UINT64_C(200000)
#define N_READINGS 4

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

uint64_t
fmq__deadline_left_ns(uint64_t deadline_ns)
{
    uint64_t now;

    if (deadline_ns == FMQ__NEVER) {
        return FMQ__NEVER;
    }
    now = fmq__clock_ns();
    return deadline_ns > now ? deadline_ns - now : 0;
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

/* --- the cheap clock --- */

#if defined(__x86_64__)

__extension__ typedef unsigned __int128 u128;

/* Where its time begins: so far from the other clock's that who compares the two finds
 * out at once, and not on machines alone whose counter began long before the system. */
#define FAST_EPOCH (UINT64_C(1) << 62)

/* Nanoseconds a tick in units of 2^-32; 0: the counter cannot be used. */
static uint64_t ns_per_tick;

static bool
has_constant_rate(void)
{
    unsigned a, b, c, d;

    /* Advanced power management: bit 8, "invariant TSC". */
    return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d & (1U << 8)) != 0;
}

/* Both clocks at one moment. */
typedef struct reading {
    uint64_t ns;
    uint64_t ticks;
    uint64_t width; /* ticks that it took */
} reading;

static reading
read_once(void)
{
    uint64_t before = __builtin_ia32_rdtsc();
    uint64_t now = fmq__clock_ns();
    uint64_t width = __builtin_ia32_rdtsc() - before;

    return (reading){now, before + width / 2, width};
}

/* The thread may be taken off the processor in the middle of one. */
static reading
read_both(void)
{
    reading best = read_once();

    for (int i = 1; i < N_READINGS; i++) {
        reading r = read_once();

        if (r.width < best.width) {
            best = r;
        }
    }
    return best;
}

void
fmq__clock_init(void)
{
    reading begin;
    reading end;

    if (!has_constant_rate()) {
        return;
    }
    begin = read_both();
    do {
        end = read_both();
    } while (end.ns - begin.ns < CALIBRATION_NS);
    ns_per_tick = ((end.ns - begin.ns) << 32) / (end.ticks - begin.ticks);
}

uint64_t
fmq__clock_fast_ns(void)
{
    if (ns_per_tick == 0) {
        return fmq__clock_ns();
    }
    return FAST_EPOCH + (uint64_t)((u128)__builtin_ia32_rdtsc() * ns_per_tick >> 32);
}

#else

void
fmq__clock_init(void)
{
}

uint64_t
fmq__clock_fast_ns(void)
{
    return fmq__clock_ns();
}

#endif
