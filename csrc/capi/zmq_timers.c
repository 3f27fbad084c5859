/* SPDX-License-Identifier: Apache-2.0 */
/* The timers of zmq.h: a heap by time; what fires is taken out of it first and then
 * called without the lock, so that a handler may do anything here, with its own timer,
 * too. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/thread.h"
#include "capi/object.h"
#include "capi/zmq_result.h"

#define NS_PER_MS UINT64_C(1000000)

/* Longer than anybody waits, and short enough to be added to any time. */
#define INTERVAL_MAX_NS (UINT64_C(1) << 62)

typedef struct timer {
    fmq__node node;      /* timers.all */
    fmq__node fire_node; /* timers.firing, or none: then it is in the heap */
    fmq__heap_node due;  /* by nanoseconds */
    uint64_t interval_ns;
    zmq_timer_fn *handler;
    void *arg;
    int id;
} timer;

typedef struct timers {
    fmq__object object; /* its mutex is over all below */
    fmq__node all;
    fmq__node firing;
    fmq__heap due;
    int last_id;
} timers;

static void
free_timers(fmq__object *o)
{
    timers *t = (timers *)(void *)o;
    fmq__node *n;

    while ((n = fmq__list_pop_front(&t->all)) != NULL) {
        fmq__free(FMQ__ITEM(n, timer, node));
    }
    fmq__free(t);
}

static const fmq__object_kind kind = {free_timers};

/* NULL: EFAULT. */
static timers *
enter(void *handle)
{
    return (timers *)(void *)fmq__object_lock(handle, &kind);
}

static void
leave(timers *t)
{
    fmq__object_unlock(&t->object);
}

void *
zmq_timers_new(void)
{
    timers *t = fmq__calloc(1, sizeof(*t));
    void *handle = NULL;
    int err = ENOMEM;

    if (t != NULL) {
        fmq__list_init(&t->all);
        fmq__list_init(&t->firing);
        fmq__heap_init(&t->due);
        err = fmq__object_enter(&t->object, &kind, &handle);
    }
    if (err != 0) {
        fmq__free(t);
        errno = err;
    }
    return handle;
}

int
zmq_timers_destroy(void **handle)
{
    return fmq__zmq_result(fmq__object_destroy(handle, &kind));
}

/* --- one timer; all under the mutex --- */

static uint64_t
interval_ns(size_t ms)
{
    return ms < INTERVAL_MAX_NS / NS_PER_MS ? ms * NS_PER_MS : INTERVAL_MAX_NS;
}

static timer *
find(const timers *t, int id)
{
    for (fmq__node *n = t->all.next; n != &t->all; n = n->next) {
        timer *found = FMQ__ITEM(n, timer, node);

        if (found->id == id) {
            return found;
        }
    }
    return NULL;
}

static void
arm(timers *t, timer *one, uint64_t now_ns)
{
    one->due.key = now_ns + one->interval_ns;
    fmq__heap_push(&t->due, &one->due);
}

static void
disarm(timers *t, timer *one)
{
    if (fmq__list_is_linked(&one->fire_node)) {
        fmq__list_remove(&one->fire_node);
    } else {
        fmq__heap_remove(&t->due, &one->due);
    }
}

int
zmq_timers_add(void *handle, size_t interval, zmq_timer_fn *handler, void *arg)
{
    timers *t = enter(handle);
    timer *made = NULL;
    int err;
    int id = -1;

    if (t == NULL) {
        return -1;
    }
    err = handler != NULL ? 0 : EFAULT;
    if (err == 0) {
        made = fmq__calloc(1, sizeof(*made));
        err = made != NULL ? 0 : ENOMEM;
    }
    if (err == 0) {
        id = ++t->last_id;
        made->id = id;
        made->interval_ns = interval_ns(interval);
        made->handler = handler;
        made->arg = arg;
        fmq__list_init(&made->fire_node);
        fmq__list_push_back(&t->all, &made->node);
        arm(t, made, fmq__clock_ns());
    }
    leave(t);
    return err == 0 ? id : fmq__zmq_result(err);
}

int
zmq_timers_cancel(void *handle, int timer_id)
{
    timers *t = enter(handle);
    timer *one;

    if (t == NULL) {
        return -1;
    }
    one = find(t, timer_id);
    if (one != NULL) {
        disarm(t, one);
        fmq__list_remove(&one->node);
        fmq__free(one);
    }
    leave(t);
    return fmq__zmq_result(one != NULL ? 0 : EINVAL);
}

/* It fires an interval from now; a new one, if `ms` is not NULL. */
static int
restart(void *handle, int id, const size_t *ms)
{
    timers *t = enter(handle);
    timer *one;

    if (t == NULL) {
        return -1;
    }
    one = find(t, id);
    if (one != NULL) {
        one->interval_ns = ms != NULL ? interval_ns(*ms) : one->interval_ns;
        disarm(t, one);
        arm(t, one, fmq__clock_ns());
    }
    leave(t);
    return fmq__zmq_result(one != NULL ? 0 : EINVAL);
}

int
zmq_timers_set_interval(void *handle, int timer_id, size_t interval)
{
    return restart(handle, timer_id, &interval);
}

int
zmq_timers_reset(void *handle, int timer_id)
{
    return restart(handle, timer_id, NULL);
}

/* --- firing --- */

long
zmq_timers_timeout(void *handle)
{
    timers *t = enter(handle);
    const fmq__heap_node *first;
    uint64_t now;
    long ms = -1;

    if (t == NULL) {
        return -1;
    }
    first = fmq__heap_min(&t->due);
    now = fmq__clock_ns();
    if (!fmq__list_is_empty(&t->firing) || (first != NULL && first->key <= now)) {
        ms = 0;
    } else if (first != NULL) {
        /* Rounded up: after it the timer is due. */
        ms = (long)((first->key - now + NS_PER_MS - 1) / NS_PER_MS);
    }
    leave(t);
    return ms;
}

/* The next one that fires, set for its next time; NULL: there is none. */
static timer *
take_firing(timers *t, uint64_t now_ns)
{
    fmq__node *n = fmq__list_pop_front(&t->firing);
    timer *one;

    if (n == NULL || fmq__object_is_destroyed(&t->object)) {
        return NULL;
    }
    one = FMQ__ITEM(n, timer, fire_node);
    arm(t, one, now_ns);
    return one;
}

int
zmq_timers_execute(void *handle)
{
    timers *t = enter(handle);
    uint64_t now = fmq__clock_ns();
    fmq__heap_node *n;
    const timer *one;

    if (t == NULL) {
        return -1;
    }
    while ((n = fmq__heap_min(&t->due)) != NULL && n->key <= now) {
        fmq__heap_remove(&t->due, n);
        fmq__list_push_back(&t->firing, &FMQ__ITEM(n, timer, due)->fire_node);
    }
    while ((one = take_firing(t, now)) != NULL) {
        const timer copy = *one; /* it may be cancelled at any time */

        fmq__mutex_unlock(&t->object.mutex);
        copy.handler(copy.id, copy.arg);
        fmq__mutex_lock(&t->object.mutex);
    }
    leave(t);
    return 0;
}
