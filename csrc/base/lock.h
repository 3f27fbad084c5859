/* SPDX-License-Identifier: Apache-2.0 */
/* lock: one word that guards the short bookkeeping of one socket (called L).
 *
 * Three kinds of taker: callers that may sleep, callers that must not (they hold
 * another lock, such as an interpreter's), and the I/O thread, which has other work to
 * begin with and leaves a wish (WANT) that the unlocker answers.
 *
 * Owner:   embedded; must not be destroyed or re-initialised while anybody may lock it.
 * Threads: any.
 */
#ifndef FMQ_BASE_LOCK_H
#define FMQ_BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fmq__lock {
    _Atomic uint32_t word;
} fmq__lock;

enum { FMQ__LOCK_HELD = 1, FMQ__LOCK_SLEEPERS = 2, FMQ__LOCK_WANT = 4 };

void fmq__lock_init(fmq__lock *l);

/* Out of line halves of the functions below. */
void fmq__lock_take_slow(fmq__lock *l);
bool fmq__lock_try_slow(fmq__lock *l);
void fmq__lock_wake_one(fmq__lock *l);

static inline bool
fmq__lock_try_once(fmq__lock *l)
{
    uint32_t none = 0;

    /* A1 -> R1, the exchange in fmq__lock_release. */
    return atomic_compare_exchange_strong_explicit(
        &l->word, &none, FMQ__LOCK_HELD, memory_order_acquire, memory_order_relaxed);
}

/* Takes the lock; sleeps if it must. */
static inline void
fmq__lock_take(fmq__lock *l)
{
    if (!fmq__lock_try_once(l)) {
        fmq__lock_take_slow(l);
    }
}

/* Takes the lock if that needs no more than about a microsecond of spinning. */
static inline bool
fmq__lock_try(fmq__lock *l)
{
    return fmq__lock_try_once(l) || fmq__lock_try_slow(l);
}

/* For I/O threads: spins up to a microsecond; then leaves the wish WANT and returns
 * false. Whoever unlocks next sees the wish (fmq__lock_release returns true). */
bool fmq__lock_try_or_want(fmq__lock *l);

/* Gives the lock back and wakes a sleeper. True: an I/O thread left WANT, and the
 * caller must now wake it. */
static inline bool
fmq__lock_release(fmq__lock *l)
{
    /* R1 -> A1: the next holder sees what this one did. */
    uint32_t old = atomic_exchange_explicit(&l->word, 0, memory_order_release);

    if (old == FMQ__LOCK_HELD) {
        return false;
    }
    if (old & FMQ__LOCK_SLEEPERS) {
        fmq__lock_wake_one(l);
    }
    return (old & FMQ__LOCK_WANT) != 0;
}

#endif
