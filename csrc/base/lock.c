/* SPDX-License-Identifier: Apache-2.0 */
/* The word is 0 while the lock is free: SLEEPERS and WANT are only ever added to HELD,
 * and the exchange in fmq__lock_release takes all bits away at once. So whoever adds a
 * bit has a holder who will see it.
 *
 *   A1 take:    CAS 0 -> HELD (acquire), here and in the header
 *   R1 release: exchange -> 0 (release), in the header
 *      The next holder sees what the last one did.
 *
 * A release wakes one sleeper and forgets that there may be more. Therefore whoever
 * comes from the slow path takes the lock with SLEEPERS set, and passes the news on
 * when it releases; at worst that is one wake-up for nobody. A thread that sneaks in
 * between need not know: the woken one finds it holding and sets SLEEPERS again.
 *
 * SLEEPERS and WANT carry no data (the woken ones take the lock, or look), so adding
 * them is relaxed.
 */
#include "base/lock.h"

#include <sched.h>

#include "base/clock.h"
#include "base/thread.h"

/* How long a taker spins. A section under the lock is shorter, unless its thread was
 * descheduled, and then spinning does not help. */
enum { SPIN_NS = 1000 };

void
fmq__lock_init(fmq__lock *l)
{
    atomic_init(&l->word, 0);
}

bool
fmq__lock_try_slow(fmq__lock *l)
{
    uint64_t until = fmq__clock_ns() + SPIN_NS;

    do {
        fmq__cpu_relax();
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
            fmq__lock_try_once(l)) {
            return true;
        }
    } while (fmq__clock_ns() < until);
    return false;
}

void
fmq__lock_take_slow(fmq__lock *l)
{
    uint32_t v;

    if (fmq__lock_try_slow(l)) {
        return;
    }
    v = atomic_load_explicit(&l->word, memory_order_relaxed);
    for (;;) {
        if (!(v & FMQ__LOCK_HELD)) {
            /* A1 -> R1 */
            if (atomic_compare_exchange_weak_explicit(
                    &l->word, &v, v | FMQ__LOCK_HELD | FMQ__LOCK_SLEEPERS,
                    memory_order_acquire, memory_order_relaxed)) {
                return;
            }
            continue;
        }
        if (!(v & FMQ__LOCK_SLEEPERS)) {
            if (!atomic_compare_exchange_weak_explicit(
                    &l->word, &v, v | FMQ__LOCK_SLEEPERS, memory_order_relaxed,
                    memory_order_relaxed)) {
                continue;
            }
            v |= FMQ__LOCK_SLEEPERS;
        }
        fmq__futex_wait(&l->word, v, FMQ__NEVER);
        v = atomic_load_explicit(&l->word, memory_order_relaxed);
    }
}

bool
fmq__lock_try_or_want(fmq__lock *l)
{
    uint32_t v;

    if (fmq__lock_try(l)) {
        return true;
    }
    /* The holder may be the one that has just woken this thread, to take its place on
     * the one processor they share: then the next attempt would end like this one. */
    (void)sched_yield();
    v = atomic_load_explicit(&l->word, memory_order_relaxed);
    for (;;) {
        if (!(v & FMQ__LOCK_HELD)) {
            if (fmq__lock_try_once(l)) {
                return true;
            }
            v = atomic_load_explicit(&l->word, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(
                       &l->word, &v, v | FMQ__LOCK_WANT, memory_order_relaxed,
                       memory_order_relaxed)) {
            return false;
        }
    }
}

void
fmq__lock_wake_one(fmq__lock *l)
{
    fmq__futex_wake(&l->word, 1);
}
