/* SPDX-License-Identifier: Apache-2.0 */
/* The I/O thread's work on a hub.
 *
 * What it is asked to do is a set of bits; asking twice is asking once. One task
 * carries them all. The I/O thread never sleeps behind the lock at its entrance: if it
 * cannot have L at once it leaves its wish there (base/lock.h) and tries again in its
 * next turn, which the unlocking thread causes. Once it is in, and gives L back for a
 * system call, it takes it again as a caller does.
 */
#include <errno.h>

#include "base/thread.h"
#include "session/endpoint.h"
#include "session/hub.h"
#include "session/session.h"

static void io_run(fmq__hub *h);

static void
on_work_task(fmq__task *t)
{
    io_run(FMQ__ITEM(t, fmq__hub, work_task));
}

static void
on_work_chore(fmq__chore *c)
{
    io_run(FMQ__ITEM(c, fmq__hub, work_chore));
}

static void
on_linger_due(fmq__timer *t)
{
    fmq__hub *h = FMQ__ITEM(t, fmq__hub, linger_timer);

    h->linger_ms = 0;
    fmq__hub_io_do(h, FMQ__WORK_CLOSE);
}

void
fmq__hub_work_init(fmq__hub *h)
{
    fmq__task_init(&h->work_task, on_work_task);
    fmq__chore_init(&h->work_chore, on_work_chore);
    fmq__timer_init(&h->linger_timer, on_linger_due);
    h->has_asked = false;
    h->work = 0;
    h->io_work = 0;
}

bool
fmq__hub_move(fmq__hub *h, fmq__io *io)
{
    if (h->has_asked) {
        return false;
    }
    h->io = io;
    return true;
}

void
fmq__hub_ask(fmq__hub *h, uint32_t work)
{
    if (h->io == NULL || h->is_finished) {
        return;
    }
    if ((h->work & work) == work) {
        return; /* it has been asked, and has not come yet */
    }
    h->has_asked = true;
    h->work |= work;
    fmq__io_post(h->io, &h->work_task);
}

/* Hands new endpoints to themselves, and ends those that the socket gave up. */
static void
io_endpoints(fmq__hub *h)
{
    fmq__node *n;
    fmq__node opening;
    fmq__node leaving;

    fmq__list_init(&opening);
    fmq__list_init(&leaving);
    fmq__list_splice_back(&opening, &h->opening);
    fmq__list_splice_back(&leaving, &h->leaving);
    fmq__hub_unlock(h);
    while ((n = fmq__list_pop_front(&opening)) != NULL) {
        fmq__endpoint *e = FMQ__ITEM(n, fmq__endpoint, post_node);

        fmq__list_push_back(&h->endpoints, &e->node);
        e->ops->open(e);
    }
    while ((n = fmq__list_pop_front(&leaving)) != NULL) {
        fmq__endpoint *e = FMQ__ITEM(n, fmq__endpoint, leave_node);
        _Atomic uint32_t *done = e->closed_word;

        e->ops->close(e, e->close_linger_ms);
        if (done != NULL) {
            /* W1 -> W2 in endpoint.c: who waits sees that nothing listens any more. */
            atomic_store_explicit(done, 1, memory_order_release);
            fmq__futex_wake(done, 1);
        }
    }
    fmq__hub_lock(h);
}

static void
io_sessions(fmq__hub *h)
{
    fmq__node *n;
    fmq__node later;
    fmq__node dead;

    while ((n = fmq__list_pop_front(&h->ready)) != NULL) {
        fmq__session_io_establish(FMQ__ITEM(n, fmq__session, turn_node));
    }
    fmq__list_init(&later);
    fmq__list_init(&dead);
    while ((n = fmq__list_pop_front(&h->failed)) != NULL) {
        /* If a turn is out, its holder asks again. */
        bool is_ended = fmq__session_io_end(FMQ__ITEM(n, fmq__session, turn_node));

        fmq__list_push_back(is_ended ? &dead : &later, n);
    }
    fmq__list_splice_back(&h->failed, &later);
    if (fmq__list_is_empty(&dead)) {
        return;
    }
    fmq__hub_unlock(h);
    while ((n = fmq__list_pop_front(&dead)) != NULL) {
        fmq__session_io_bury(FMQ__ITEM(n, fmq__session, turn_node));
    }
    fmq__hub_lock(h);
}

/* Frees the pipes of lost connections that have been read to their end (all of them
 * once the socket is closed). */
static void
io_orphans(fmq__hub *h)
{
    fmq__node dead;
    fmq__node *n = h->orphans.next;

    fmq__list_init(&dead);
    while (n != &h->orphans) {
        fmq__peer *p = FMQ__ITEM(n, fmq__peer, node);

        n = n->next;
        if (p->net.pipe.n_in == 0 || h->is_closed) {
            fmq__hub_detach(h, &p->net.pipe);
            fmq__list_remove(&p->node);
            fmq__list_push_back(&dead, &p->node);
        }
    }
    if (fmq__list_is_empty(&dead)) {
        return;
    }
    fmq__hub_unlock(h);
    while ((n = fmq__list_pop_front(&dead)) != NULL) {
        fmq__peer_free(FMQ__ITEM(n, fmq__peer, node));
    }
    fmq__hub_lock(h);
}

static bool
io_is_over(const fmq__hub *h)
{
    return h->is_closing && !h->is_finished && h->n_inside == 0 &&
           (h->work | h->io_work) == 0 && fmq__list_is_empty(&h->opening) &&
           fmq__list_is_empty(&h->endpoints) && fmq__list_is_empty(&h->all_sessions) &&
           fmq__list_is_empty(&h->orphans) &&
           !atomic_load_explicit(&h->work_task.is_posted, memory_order_relaxed);
}

static void
io_finish(fmq__hub *h)
{
    fmq__hub_io_unwatch(h);
    fmq__io_clear_timer(h->io, &h->flush.tick);
    fmq__io_clear_timer(h->io, &h->nap.due);
    fmq__io_clear_timer(h->io, &h->linger_timer);
    fmq__zap_close(h);
    fmq__chore_cancel(&h->work_chore);
    h->events->on_finished(h);
}

static void
io_run(fmq__hub *h)
{
    uint32_t work;
    bool is_over;

    if (!fmq__lock_try_or_want(&h->lock)) {
        fmq__io_retry(h->io, &h->work_chore);
        return;
    }
    work = h->work | h->io_work;
    h->work = 0;
    h->io_work = 0;
    if (work & FMQ__WORK_ENDPOINTS) {
        io_endpoints(h);
    }
    if (work & FMQ__WORK_CLOSE) {
        fmq__hub_io_close(h);
    }
    if (work & FMQ__WORK_HEARD) {
        fmq__hub_io_heard(h);
    }
    if (work & FMQ__WORK_SESSIONS) {
        io_sessions(h);
    }
    if (work & (FMQ__WORK_FLUSH | FMQ__WORK_TICK)) {
        fmq__hub_io_flush(h, (work & FMQ__WORK_FLUSH) == 0);
    }
    if (work & FMQ__WORK_WISH) {
        fmq__hub_io_wish(h);
    }
    if (work & (FMQ__WORK_WATCH | FMQ__WORK_GRACE)) {
        fmq__hub_io_serve(h, (work & FMQ__WORK_GRACE) != 0);
    }
    if (work & FMQ__WORK_NAP) {
        fmq__hub_io_nap(h);
    }
    if ((work & FMQ__WORK_ORPHANS) || (h->is_closing && h->n_inside == 0)) {
        io_orphans(h);
    }
    is_over = io_is_over(h);
    if (is_over) {
        h->is_finished = true;
    }
    fmq__hub_unlock(h);
    if (is_over) {
        io_finish(h);
    }
}

void
fmq__hub_io_do(fmq__hub *h, uint32_t work)
{
    h->io_work |= work;
    io_run(h);
}
