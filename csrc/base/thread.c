/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

#define NS_PER_S UINT64_C(1000000000)

enum { NAME_CAP = 16 }; /* what Linux keeps, with the NUL */

/* What a new thread has to know; owned by the new thread. */
typedef struct start {
    void (*run)(void *);
    void *arg;
    char name[NAME_CAP];
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

static void *
run_thread(void *p)
{
    start s = *(start *)p;

    fmq__free(p);
    set_own_name(s.name);
    s.run(s.arg);
    return NULL;
}

int
fmq__thread_open(fmq__thread *t, void (*run)(void *), void *arg, const char *name)
{
    start *s = fmq__alloc(sizeof(*s));
    sigset_t all;
    sigset_t before;
    int error;

    if (s == NULL) {
        return ENOMEM;
    }
    s->run = run;
    s->arg = arg;
    snprintf(s->name, sizeof(s->name), "%s", name);

    /* The mask is inherited, so there is no moment at which the new thread could be
     * chosen to run a handler. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(t, NULL, run_thread, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        fmq__free(s);
    }
    return error;
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
