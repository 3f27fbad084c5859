/* SPDX-License-Identifier: Apache-2.0 */
/* A list of requests under one mutex. The thread takes them one by one, looks them up
 * without the mutex, and leaves once `is_closing` is set and the list is empty; from
 * then on it looks nothing up, so closing waits for one name at most. */
#include "transport/resolver.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"

struct fmq__resolver {
    fmq__mutex mutex; /* guards the rest */
    fmq__cond changed;
    fmq__node requests;
    const fmq__sched *sched;
    fmq__thread thread;
    bool has_thread;
    bool is_closing;
};

/* The next request, or NULL when there will be none any more. */
static fmq__lookup *
take_request(fmq__resolver *r, bool *is_closing)
{
    fmq__node *node;

    fmq__mutex_lock(&r->mutex);
    while (fmq__list_is_empty(&r->requests) && !r->is_closing) {
        (void)fmq__cond_wait(&r->changed, &r->mutex, FMQ__NEVER);
    }
    node = fmq__list_pop_front(&r->requests);
    *is_closing = r->is_closing;
    fmq__mutex_unlock(&r->mutex);
    return node != NULL ? FMQ__ITEM(node, fmq__lookup, node) : NULL;
}

static void
run(void *arg)
{
    fmq__resolver *r = arg;
    fmq__lookup *l;
    bool is_closing;

    while ((l = take_request(r, &is_closing)) != NULL) {
        l->n = 0;
        if (is_closing) {
            l->result = ECANCELED;
        } else {
            l->result = l->addr->transport->resolve(l->addr, FMQ__ADDR_CONNECT, l->opts,
                                                    l->found, FMQ__RESOLVE_MAX, &l->n);
        }
        l->on_done(l);
    }
}

int
fmq__resolver_new(fmq__resolver **r, const fmq__sched *sched)
{
    fmq__resolver *made = fmq__calloc(1, sizeof(*made));
    int err;

    if (made == NULL) {
        return ENOMEM;
    }
    err = fmq__mutex_init(&made->mutex);
    if (err != 0) {
        goto free_memory;
    }
    err = fmq__cond_init(&made->changed);
    if (err != 0) {
        goto fini_mutex;
    }
    fmq__list_init(&made->requests);
    made->sched = sched;
    *r = made;
    return 0;

fini_mutex:
    fmq__mutex_fini(&made->mutex);
free_memory:
    fmq__free(made);
    return err;
}

void
fmq__resolver_close(fmq__resolver *r)
{
    bool has_thread;

    fmq__mutex_lock(&r->mutex);
    r->is_closing = true;
    has_thread = r->has_thread;
    fmq__cond_broadcast(&r->changed);
    fmq__mutex_unlock(&r->mutex);
    if (has_thread) {
        fmq__thread_join(r->thread);
    }
    fmq__cond_fini(&r->changed);
    fmq__mutex_fini(&r->mutex);
    fmq__free(r);
}

static int
post_locked(fmq__resolver *r, fmq__lookup *l)
{
    if (r->is_closing) {
        return ECANCELED;
    }
    if (!r->has_thread) {
        int err = fmq__thread_open_as(&r->thread, run, r, "resolver", r->sched);

        if (err != 0) {
            return err;
        }
        r->has_thread = true;
    }
    fmq__list_push_back(&r->requests, &l->node);
    fmq__cond_broadcast(&r->changed);
    return 0;
}

int
fmq__resolver_post(fmq__resolver *r, fmq__lookup *l)
{
    int err;

    fmq__mutex_lock(&r->mutex);
    err = post_locked(r, l);
    fmq__mutex_unlock(&r->mutex);
    return err;
}
