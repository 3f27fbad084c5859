/* SPDX-License-Identifier: Apache-2.0 */
/* The utilities of zmq.h: errors, counters, watches, threads, keys. What is made here
 * are plain pointers; NULL is forgiven. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "capi/zmq_result.h"
#include "security/z85.h"

enum { NS_PER_US = 1000 };

/* --- errors, version, capabilities --- */

int
zmq_errno(void)
{
    return errno;
}

const char *
zmq_strerror(int error)
{
    return fmq_strerror(error);
}

void
zmq_version(int *major, int *minor, int *patch)
{
    if (major != NULL) {
        *major = ZMQ_VERSION_MAJOR;
    }
    if (minor != NULL) {
        *minor = ZMQ_VERSION_MINOR;
    }
    if (patch != NULL) {
        *patch = ZMQ_VERSION_PATCH;
    }
}

int
zmq_has(const char *capability)
{
    return capability != NULL && fmq_has(capability);
}

/* --- counters: C -> C, each call is a step in one order of all, and what was done
 * before one is seen behind the next --- */

typedef struct counter {
    atomic_int value;
} counter;

void *
zmq_atomic_counter_new(void)
{
    counter *c = fmq__alloc(sizeof(*c));

    if (c == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    atomic_init(&c->value, 0);
    return c;
}

void
zmq_atomic_counter_set(void *p, int value)
{
    counter *c = p;

    if (c != NULL) {
        atomic_store(&c->value, value); /* C */
    }
}

int
zmq_atomic_counter_inc(void *p)
{
    counter *c = p;

    return c != NULL ? atomic_fetch_add(&c->value, 1) : 0; /* C */
}

int
zmq_atomic_counter_dec(void *p)
{
    counter *c = p;

    return c != NULL && atomic_fetch_sub(&c->value, 1) != 1; /* C */
}

int
zmq_atomic_counter_value(void *p)
{
    counter *c = p;

    return c != NULL ? atomic_load(&c->value) : 0; /* C */
}

void
zmq_atomic_counter_destroy(void **p)
{
    if (p != NULL) {
        fmq__free(*p);
        *p = NULL;
    }
}

/* --- time --- */

typedef struct watch {
    uint64_t start_ns;
} watch;

void *
zmq_stopwatch_start(void)
{
    watch *w = fmq__alloc(sizeof(*w));

    if (w == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    w->start_ns = fmq__clock_ns();
    return w;
}

unsigned long
zmq_stopwatch_intermediate(void *p)
{
    const watch *w = p;

    return w != NULL ? (unsigned long)((fmq__clock_ns() - w->start_ns) / NS_PER_US) : 0;
}

unsigned long
zmq_stopwatch_stop(void *p)
{
    unsigned long us = zmq_stopwatch_intermediate(p);

    fmq__free(p);
    return us;
}

void
zmq_sleep(int seconds)
{
    struct timespec t = {seconds, 0};

    if (seconds > 0) {
        (void)nanosleep(&t, NULL);
    }
}

/* --- threads --- */

typedef struct thread {
    fmq__thread thread;
    zmq_thread_fn *func;
    void *arg;
} thread;

static void
run_thread(void *p)
{
    thread *t = p;

    t->func(t->arg);
}

void *
zmq_threadstart(zmq_thread_fn *func, void *arg)
{
    thread *t = func != NULL ? fmq__alloc(sizeof(*t)) : NULL;
    int err;

    if (t == NULL) {
        errno = func != NULL ? ENOMEM : EFAULT;
        return NULL;
    }
    t->func = func;
    t->arg = arg;
    err = fmq__thread_open(&t->thread, run_thread, t, "ZMQapp");
    if (err != 0) {
        fmq__free(t);
        errno = err;
        return NULL;
    }
    return t;
}

void
zmq_threadclose(void *p)
{
    thread *t = p;

    if (t != NULL) {
        fmq__thread_join(t->thread);
        fmq__free(t);
    }
}

/* --- keys --- */

char *
zmq_z85_encode(char *to, const uint8_t *data, size_t n)
{
    if (to == NULL || (data == NULL && n != 0) || n % FMQ__Z85_BYTES != 0) {
        errno = EINVAL;
        return NULL;
    }
    fmq__z85_encode(to, data, n);
    return to;
}

uint8_t *
zmq_z85_decode(uint8_t *to, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (to == NULL || len == 0 || !fmq__z85_decode(to, text, len)) {
        errno = EINVAL;
        return NULL;
    }
    return to;
}

int
zmq_curve_keypair(char *public_key, char *secret_key)
{
    if (public_key == NULL || secret_key == NULL) {
        return fmq__zmq_result(EINVAL);
    }
    return fmq__zmq_result(fmq_curve_keypair(public_key, secret_key));
}

int
zmq_curve_public(char *public_key, const char *secret_key)
{
    if (public_key == NULL || secret_key == NULL) {
        return fmq__zmq_result(EINVAL);
    }
    return fmq__zmq_result(fmq_curve_public(public_key, secret_key));
}
