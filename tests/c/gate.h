/* SPDX-License-Identifier: Apache-2.0 */
/* gate: a count that threads of a test wait for, instead of sleeping. */
#ifndef FMQ_TESTS_GATE_H
#define FMQ_TESTS_GATE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/thread.h"

typedef struct gate {
    _Atomic uint32_t n;
} gate;

static inline void
gate_init(gate *g)
{
    atomic_init(&g->n, 0);
}

/* G1 -> G2: whoever waited sees what was done before. */
static inline void
gate_pass(gate *g)
{
    atomic_fetch_add_explicit(&g->n, 1, memory_order_release); /* G1 */
    fmq__futex_wake(&g->n, INT_MAX);
}

/* Until `n` have passed. */
static inline void
gate_wait(gate *g, uint32_t n)
{
    uint32_t seen;

    while ((seen = atomic_load_explicit(&g->n, memory_order_acquire)) < n) { /* G2 */
        fmq__futex_wait(&g->n, seen, FMQ__NEVER);
    }
}

static inline uint32_t
gate_count(gate *g)
{
    return atomic_load_explicit(&g->n, memory_order_acquire); /* G2 */
}

#endif
