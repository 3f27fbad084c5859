/* SPDX-License-Identifier: Apache-2.0 */
#include "session/spin.h"

#include "base/sched.h"

_Atomic bool fmq__spin_asks;

void
fmq__spin_init(fmq__spin *s)
{
    fmq__spin_limit(s, FMQ__SPIN_BY_ITSELF);
}

void
fmq__spin_limit(fmq__spin *s, int limit_us)
{
    *s = (fmq__spin){.limit_us = limit_us, .backoff = 1};
}

static void
skip(fmq__spin *s, uint32_t n)
{
    s->backoff = n;
    s->n_skips = n;
}

uint64_t
fmq__spin_begin(fmq__spin *s)
{
    if (s->is_asking) {
        s->is_asking = false;
        return 0;
    }
    if (s->limit_us >= 0) {
        return (uint64_t)s->limit_us * 1000;
    }
    if (s->n_skips != 0) {
        s->n_skips--;
        return 0;
    }
    /* Asked only where the last try was in vain, or there was none. */
    if (s->backoff != 0) {
        s->is_yielding = fmq__sched_n_cpus() == 1;
    }
    return FMQ__SPIN_NS;
}

static uint32_t
grown(uint32_t n, uint32_t factor, uint32_t most)
{
    return n < most / factor ? factor * n : most;
}

/* How many waits sleep after one more that was in vain. */
static uint32_t
after_vain(const fmq__spin *s)
{
    return s->backoff == 0 ? 1 : grown(s->backoff, 2, FMQ__SPIN_SKIPS);
}

/* The same after one in which the thread was taken off the processor. */
static uint32_t
after_busy(const fmq__spin *s)
{
    if (s->n_stopped == 0 || s->n_found >= FMQ__SPIN_SELDOM) {
        return FMQ__SPIN_SKIPS_BUSY;
    }
    return grown(s->n_stopped, FMQ__SPIN_BUSY_FACTOR, FMQ__SPIN_SKIPS_MAX);
}

void
fmq__spin_end(fmq__spin *s, bool has_found, uint64_t looked_ns, uint64_t limit_ns)
{
    if (looked_ns > 2 * limit_ns) { /* it was taken off the processor */
        s->n_stopped = after_busy(s);
        s->n_found = 0;
        skip(s, s->n_stopped);
    } else if (has_found) {
        s->n_found++;
        skip(s, 0);
    } else {
        skip(s, after_vain(s));
    }
}

void
fmq__spin_ask(fmq__spin *s)
{
    s->is_asking = true;
}
