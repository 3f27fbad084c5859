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

/* How many waits sleep after one more that was in vain, or costly. */
static uint32_t
twice(const fmq__spin *s, uint32_t least, uint32_t most)
{
    return s->backoff < least ? least : s->backoff < most / 2 ? 2 * s->backoff : most;
}

void
fmq__spin_end(fmq__spin *s, bool has_found, uint64_t looked_ns, uint64_t limit_ns)
{
    if (looked_ns > 2 * limit_ns) { /* it was taken off the processor */
        skip(s, twice(s, FMQ__SPIN_SKIPS_BUSY, FMQ__SPIN_SKIPS_MAX));
    } else if (has_found) {
        skip(s, 0);
    } else {
        skip(s, twice(s, 1, FMQ__SPIN_SKIPS));
    }
}

void
fmq__spin_ask(fmq__spin *s)
{
    s->is_asking = true;
}
