/* SPDX-License-Identifier: Apache-2.0 */
/* thread: threads of our own, mutexes, conditions, and sleeping on a word.
 *
 * A thread started here blocks every signal and is named, so that the application's
 * handlers run on the application's threads.
 *
 * Errors: errno values; lock and unlock cannot fail.
 */
#ifndef FMQ_BASE_THREAD_H
#define FMQ_BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/sched.h"

typedef pthread_mutex_t fmq__mutex;
typedef pthread_cond_t fmq__cond;
typedef pthread_t fmq__thread;

/* Starts `run(arg)`; `name` is cut to 15 characters. */
int fmq__thread_open(fmq__thread *t, void (*run)(void *), void *arg, const char *name);

/* The same, named after its `role` and run as `sched` says (NULL: in no special way);
 * else there is no thread, and the error says why. */
int fmq__thread_open_as(fmq__thread *t, void (*run)(void *), void *arg,
                        const char *role, const fmq__sched *sched);

/* Waits until the thread has returned. */
void fmq__thread_join(fmq__thread t);

int fmq__mutex_init(fmq__mutex *m);
void fmq__mutex_fini(fmq__mutex *m);
void fmq__mutex_lock(fmq__mutex *m);
void fmq__mutex_unlock(fmq__mutex *m);

int fmq__cond_init(fmq__cond *c);
void fmq__cond_fini(fmq__cond *c);
/* Waits until signalled or `deadline_ns` (FMQ__NEVER: for ever): 0, ETIMEDOUT. May
 * wake without a cause. */
int fmq__cond_wait(fmq__cond *c, fmq__mutex *m, uint64_t deadline_ns);
void fmq__cond_broadcast(fmq__cond *c);

/* Sleeps while `*word == expected`, until woken, `deadline_ns`, or a signal handler
 * ran: 0 (also when the word differs, or without a cause), ETIMEDOUT, EINTR. */
int fmq__futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns);

/* Wakes at most `n` sleepers. */
void fmq__futex_wake(_Atomic uint32_t *word, int n);

/* A hint to the processor inside a spin loop. */
static inline void
fmq__cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Lets another thread run that waits for this processor. */
void fmq__thread_yield(void);

#endif
