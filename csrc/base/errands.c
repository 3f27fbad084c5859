/* SPDX-License-Identifier: Apache-2.0 */
/* A list under one mutex. A thread takes errands one by one, runs them without the
 * mutex, and leaves once `is_closing` is set and the list is empty. */
#include "base/errands.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"

struct fmq__errands {
    fmq__mutex mutex; /* guards the rest */
    fmq__cond changed;
    fmq__node waiting;
    int n_waiting;
    int n_idle; /* threads */
    int n_threads;
    int max;
    bool is_closing;
    const char *role;
    const fmq__sched *sched;
    fmq__thread thread[FMQ__ERRANDS_MAX];
};

/* The next errand, or NULL when there will be none any more. */
static fmq__errand *
take_errand(fmq__errands *e, bool *is_closing)
{
    fmq__node *node;

    fmq__mutex_lock(&e->mutex);
    e->n_idle++;
    while (fmq__list_is_empty(&e->waiting) && !e->is_closing) {
        (void)fmq__cond_wait(&e->changed, &e->mutex, FMQ__NEVER);
    }
    e->n_idle--;
    node = fmq__list_pop_front(&e->waiting);
    e->n_waiting -= node != NULL;
    *is_closing = e->is_closing;
    fmq__mutex_unlock(&e->mutex);
    return node != NULL ? FMQ__ITEM(node, fmq__errand, node) : NULL;
}

static void
run(void *arg)
{
    fmq__errand *errand;
    bool is_closing;

    while ((errand = take_errand(arg, &is_closing)) != NULL) {
        errand->run(errand, is_closing);
    }
}

int
fmq__errands_new(fmq__errands **e, int max, const char *role, const fmq__sched *sched)
{
    fmq__errands *made = fmq__calloc(1, sizeof(*made));
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
    fmq__list_init(&made->waiting);
    made->max = max < FMQ__ERRANDS_MAX ? max : FMQ__ERRANDS_MAX;
    made->role = role;
    made->sched = sched;
    *e = made;
    return 0;

fini_mutex:
    fmq__mutex_fini(&made->mutex);
free_memory:
    fmq__free(made);
    return err;
}

void
fmq__errands_close(fmq__errands *e)
{
    int n_threads;

    fmq__mutex_lock(&e->mutex);
    e->is_closing = true;
    n_threads = e->n_threads;
    fmq__cond_broadcast(&e->changed);
    fmq__mutex_unlock(&e->mutex);
    for (int i = 0; i < n_threads; i++) {
        fmq__thread_join(e->thread[i]);
    }
    fmq__cond_fini(&e->changed);
    fmq__mutex_fini(&e->mutex);
    fmq__free(e);
}

static int
post_locked(fmq__errands *e, fmq__errand *errand)
{
    if (e->is_closing) {
        return ECANCELED;
    }
    if (e->n_waiting >= e->n_idle && e->n_threads < e->max) {
        int err =
            fmq__thread_open_as(&e->thread[e->n_threads], run, e, e->role, e->sched);

        if (err != 0 && e->n_threads == 0) {
            return err;
        }
        e->n_threads += err == 0; /* without it, another one will come to it */
    }
    fmq__list_push_back(&e->waiting, &errand->node);
    e->n_waiting++;
    fmq__cond_broadcast(&e->changed);
    return 0;
}

int
fmq__errands_post(fmq__errands *e, fmq__errand *errand)
{
    int err;

    fmq__mutex_lock(&e->mutex);
    err = post_locked(e, errand);
    fmq__mutex_unlock(&e->mutex);
    return err;
}
