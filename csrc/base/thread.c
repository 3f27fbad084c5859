/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

#define NS_PER_S UINT64_C(1000000000)

/* What a new thread has to know; it lives until the thread has said `result`. */
typedef struct start {
    void (*run)(void *);
    void *arg;
    const fmq__sched *sched;
    char name[FMQ__THREAD_NAME_CAP];
    int result;
    _Atomic uint32_t is_known; /* a futex word: whether `result` is */
} start;

static void
set_own_name(const char *name)
{
#if defined(__APPLE__)
    pthread_setname_np(name);
#elif defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#else
    (void)name;
#endif
}

/* So that it has its name as soon as it is there, where that can be done. */
static void
set_name(fmq__thread t, const char *name)
{
#if defined(__linux__)
    pthread_setname_np(t, name);
#else
    (void)t;
    (void)name;
#endif
}

/* A thread that asks for nothing begins without being waited for, and frees `p`. */
static void *
run_thread(void *p)
{
    start s = *(start *)p;

    fmq__free(p);
    set_own_name(s.name);
    s.run(s.arg);
    return NULL;
}

static void *
run_thread_as(void *p)
{
    start *s = p;
    void (*run)(void *) = s->run;
    void *arg = s->arg;
    int result = fmq__sched_apply(s->sched);

    set_own_name(s->name);
    s->result = result;
    /* T1 -> T2: who sees the word set sees the result. */
    atomic_store_explicit(&s->is_known, 1, memory_order_release);
    /* `s` may be gone; waking a word that is nobody's any more wakes nobody. */
    fmq__futex_wake(&s->is_known, 1);
    if (result == 0) {
        run(arg);
    }
    return NULL;
}

/* The mask is inherited, so there is no moment at which the new thread could be chosen
 * to run a handler. */
static int
create(fmq__thread *t, void *(*main_of)(void *), start *s)
{
    char name[FMQ__THREAD_NAME_CAP];
    sigset_t all;
    sigset_t before;
    int error;

    memcpy(name, s->name, sizeof(name)); /* `s` is the thread's when it runs */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(t, NULL, main_of, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        set_name(*t, name);
    }
    return error;
}

int
fmq__thread_open(fmq__thread *t, void (*run)(void *), void *arg, const char *name)
{
    start *s = fmq__calloc(1, sizeof(*s));
    int error;

    if (s == NULL) {
        return ENOMEM;
    }
    s->run = run;
    s->arg = arg;
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
    error = create(t, run_thread, s);
    if (error != 0) {
        fmq__free(s);
    }
    return error;
}

int
fmq__thread_open_as(fmq__thread *t, void (*run)(void *), void *arg, const char *role,
                    const fmq__sched *sched)
{
    start s = {.run = run, .arg = arg, .sched = sched};
    int error;

    fmq__sched_name(sched, role, s.name);
    if (!fmq__sched_is_set(sched)) {
        return fmq__thread_open(t, run, arg, s.name);
    }
    atomic_init(&s.is_known, 0);
    error = create(t, run_thread_as, &s);
    if (error != 0) {
        return error;
    }
    /* T2 -> T1 in run_thread_as */
    while (atomic_load_explicit(&s.is_known, memory_order_acquire) == 0) {
        (void)fmq__futex_wait(&s.is_known, 0, FMQ__NEVER);
    }
    if (s.result != 0) {
        fmq__thread_join(*t);
    }
    return s.result;
}

void
fmq__thread_join(fmq__thread t)
{
    int error = pthread_join(t, NULL);

    assert(error == 0);
    (void)error;
}

int
fmq__mutex_init(fmq__mutex *m)
{
    return pthread_mutex_init(m, NULL);
}

void
fmq__mutex_fini(fmq__mutex *m)
{
    pthread_mutex_destroy(m);
}

void
fmq__mutex_lock(fmq__mutex *m)
{
    int error = pthread_mutex_lock(m);

    assert(error == 0);
    (void)error;
}

void
fmq__mutex_unlock(fmq__mutex *m)
{
    int error = pthread_mutex_unlock(m);

    assert(error == 0);
    (void)error;
}

#if defined(__APPLE__)

int
fmq__cond_init(fmq__cond *c)
{
    return pthread_cond_init(c, NULL);
}

static int
wait_until(fmq__cond *c, fmq__mutex *m, uint64_t deadline_ns)
{
    uint64_t now = fmq__clock_ns();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    struct timespec t = {(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};

    return pthread_cond_timedwait_relative_np(c, m, &t);
}

#else

int
fmq__cond_init(fmq__cond *c)
{
    pthread_condattr_t attr;
    int error = pthread_condattr_init(&attr);

    if (error != 0) {
        return error;
    }
    error = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (error == 0) {
        error = pthread_cond_init(c, &attr);
    }
    pthread_condattr_destroy(&attr);
    return error;
}

static int
wait_until(fmq__cond *c, fmq__mutex *m, uint64_t deadline_ns)
{
    struct timespec t = {(time_t)(deadline_ns / NS_PER_S),
                         (long)(deadline_ns % NS_PER_S)};

    return pthread_cond_timedwait(c, m, &t);
}

#endif

void
fmq__cond_fini(fmq__cond *c)
{
    pthread_cond_destroy(c);
}

int
fmq__cond_wait(fmq__cond *c, fmq__mutex *m, uint64_t deadline_ns)
{
    int error = deadline_ns == FMQ__NEVER ? pthread_cond_wait(c, m)
                                          : wait_until(c, m, deadline_ns);

    assert(error == 0 || error == ETIMEDOUT);
    return error;
}

void
fmq__cond_broadcast(fmq__cond *c)
{
    pthread_cond_broadcast(c);
}

void
fmq__thread_yield(void)
{
    (void)sched_yield();
}
