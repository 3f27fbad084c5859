/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox decides whether a post costs a system call: the thread marks it asleep
 * before it waits, and the one who pushes onto that mark signals the wake-up. Anything
 * pushed before the mark makes the mark fail, and the thread only looks instead of
 * waiting; so between two waits nothing is lost.
 *
 *   M1 post: is_posted false -> true (acq_rel)  <->  M2 turn: true -> false (acq_rel)
 *      Who finds it true has what he wrote seen by the run to come; who finds it false
 *      may use the node again, for the run has left it.
 *
 * A watch is known to the poller as slot number and generation. Taking the watch out
 * raises the generation of its slot, so events of it that this turn has fetched already
 * lead nowhere, also if the slot has a new watch by then.
 *
 * fmq__io_wake is a task that does nothing: a turn is taken because it is in the
 * mailbox. Chores put on the retry list earlier in a turn run in this very turn
 * already, else a wake-up that arrived with the same mail would be used up before them;
 * those put on it by a retry wait for the next.
 */
#include "loop/io.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"

enum {
    MAX_READY = 128,
    FIRST_SLOTS = 16,
    NO_SLOT = -1,
    TIMER_SLACK_NS = 1000, /* instead of 50 us: the flush ticks are that short */
};

#define WAKE_TOKEN UINT64_MAX

typedef struct slot {
    fmq__watch *watch; /* NULL: free */
    uint32_t generation;
    int32_t next_free;
} slot;

struct fmq__io {
    fmq__mpsc mailbox; /* written by any thread */
    fmq__task nudge;
    fmq__task stop;
    fmq__wake wake;
    fmq__thread thread;

    /* The rest is the thread's own. */
    fmq__poller *poller;
    slot *slots;
    uint32_t n_slots;
    int32_t first_free;
    uint32_t n_watches;
    fmq__heap timers;
    fmq__node retries;
    fmq__node graves;
    uint64_t now_ns;
    bool is_stopping;
};

static _Thread_local const fmq__io *io_here;

/* Mailbox */

void
fmq__io_post(fmq__io *io, fmq__task *t)
{
    if (atomic_exchange_explicit(&t->is_posted, true, memory_order_acq_rel)) { /* M1 */
        return;
    }
    /* From here on the task may run and be gone. */
    switch (fmq__mpsc_push(&io->mailbox, &t->node)) {
    case FMQ__MPSC_QUEUED:
        break;
    case FMQ__MPSC_WAKE_1:
    case FMQ__MPSC_WAKE_2:
        fmq__wake_signal(&io->wake);
        break;
    case FMQ__MPSC_CLOSED:
        /* The thread has ended; only its last tasks can come here. */
        atomic_store_explicit(&t->is_posted, false, memory_order_relaxed);
        break;
    }
}

void
fmq__io_wake(fmq__io *io)
{
    fmq__io_post(io, &io->nudge);
}

static void
run_tasks(fmq__mpsc_node *n)
{
    while (n != NULL) {
        fmq__task *t = FMQ__ITEM(n, fmq__task, node);

        n = n->next;
        atomic_exchange_explicit(&t->is_posted, false, memory_order_acq_rel); /* M2 */
        t->run(t);
    }
}

static void
run_nudge(fmq__task *t)
{
    (void)t;
}

static void
run_stop(fmq__task *t)
{
    FMQ__ITEM(t, fmq__io, stop)->is_stopping = true;
}

/* Watches */

static uint64_t
token_of(const fmq__io *io, uint32_t i)
{
    return (uint64_t)io->slots[i].generation << 32 | i;
}

static int
grow_slots(fmq__io *io)
{
    uint32_t n = io->n_slots != 0 ? io->n_slots * 2 : FIRST_SLOTS;
    slot *slots;

    if (n > INT32_MAX) {
        return ENOMEM;
    }
    slots = fmq__realloc(io->slots, n * sizeof(*slots));
    if (slots == NULL) {
        return ENOMEM;
    }
    for (uint32_t i = n; i-- > io->n_slots;) {
        slots[i] = (slot){.watch = NULL, .generation = 0, .next_free = io->first_free};
        io->first_free = (int32_t)i;
    }
    io->slots = slots;
    io->n_slots = n;
    return 0;
}

int
fmq__io_watch(fmq__io *io, fmq__watch *w, int fd, unsigned events)
{
    int error = io->first_free != NO_SLOT ? 0 : grow_slots(io);
    uint32_t i;

    if (error != 0) {
        return error;
    }
    i = (uint32_t)io->first_free;
    error = fmq__poller_add(io->poller, fd, events, token_of(io, i));
    if (error != 0) {
        return error;
    }
    io->first_free = io->slots[i].next_free;
    io->slots[i].watch = w;
    io->n_watches++;
    w->fd = fd;
    w->token = token_of(io, i);
    return 0;
}

int
fmq__io_rewatch(fmq__io *io, fmq__watch *w, unsigned events)
{
    return fmq__poller_modify(io->poller, w->fd, events, w->token);
}

void
fmq__io_unwatch(fmq__io *io, fmq__watch *w)
{
    uint32_t i = (uint32_t)w->token;
    slot *s;

    if (w->fd == -1) {
        return;
    }
    s = &io->slots[i];
    fmq__poller_remove(io->poller, w->fd);
    s->watch = NULL;
    s->generation++;
    s->next_free = io->first_free;
    io->first_free = (int32_t)i;
    io->n_watches--;
    w->fd = -1;
}

static void
run_watch(fmq__io *io, const fmq__ready *r)
{
    uint32_t i = (uint32_t)r->token;

    if (r->token == WAKE_TOKEN) {
        /* Edges do the waking, where there are any, and the counter may stay. */
        if (!io->poller->ops->nests) {
            fmq__wake_drain(&io->wake);
        }
        return;
    }
    if (io->slots[i].watch != NULL && token_of(io, i) == r->token) {
        io->slots[i].watch->on_ready(io->slots[i].watch, r->events);
    }
}

/* Timers */

void
fmq__io_set_timer(fmq__io *io, fmq__timer *t, uint64_t deadline_ns)
{
    fmq__io_clear_timer(io, t);
    if (deadline_ns == FMQ__NEVER) {
        return;
    }
    /* Never due in the turn that sets it: a timer that sets itself again into the past
     * would keep the turn from ending. */
    t->node.key = deadline_ns > io->now_ns ? deadline_ns : io->now_ns + 1;
    t->is_set = true;
    fmq__heap_push(&io->timers, &t->node);
}

void
fmq__io_clear_timer(fmq__io *io, fmq__timer *t)
{
    if (t->is_set) {
        t->is_set = false;
        fmq__heap_remove(&io->timers, &t->node);
    }
}

static uint64_t
next_deadline(const fmq__io *io)
{
    const fmq__heap_node *first = fmq__heap_min(&io->timers);

    return first != NULL ? first->key : FMQ__NEVER;
}

static void
run_timers(fmq__io *io)
{
    while (next_deadline(io) <= io->now_ns) {
        fmq__timer *t = FMQ__ITEM(fmq__heap_min(&io->timers), fmq__timer, node);

        fmq__io_clear_timer(io, t);
        t->on_due(t);
    }
}

/* Chores */

void
fmq__io_retry(fmq__io *io, fmq__chore *c)
{
    if (!fmq__list_is_linked(&c->node)) {
        fmq__list_push_back(&io->retries, &c->node);
    }
}

void
fmq__io_bury(fmq__io *io, fmq__chore *c)
{
    if (!fmq__list_is_linked(&c->node)) {
        fmq__list_push_back(&io->graves, &c->node);
    }
}

/* Until `list` is empty; a chore may put more on it. */
static void
run_chores(fmq__node *list)
{
    fmq__node *n;

    while ((n = fmq__list_pop_front(list)) != NULL) {
        fmq__chore *c = FMQ__ITEM(n, fmq__chore, node);

        c->run(c);
    }
}

static void
run_retries(fmq__io *io)
{
    fmq__node now;

    fmq__list_init(&now);
    fmq__list_splice_back(&now, &io->retries);
    run_chores(&now);
}

/* The thread */

static void
take_turn(fmq__io *io)
{
    fmq__ready ready[MAX_READY];
    uint64_t deadline_ns = 0;
    int n = 0;

    if (!io->is_stopping && fmq__mpsc_sleep(&io->mailbox, 1)) {
        deadline_ns = next_deadline(io);
    }
    if (fmq__poller_wait(io->poller, ready, MAX_READY, deadline_ns, &n) != 0) {
        n = 0; /* EINTR: a signal the thread could not block */
    }
    io->now_ns = fmq__clock_ns();
    run_tasks(fmq__mpsc_take(&io->mailbox));
    for (int i = 0; i < n; i++) {
        run_watch(io, &ready[i]);
    }
    run_timers(io);
    run_retries(io);
    run_chores(&io->graves);
    fmq__alloc_tidy();
}

static void
run_io(void *arg)
{
    fmq__io *io = arg;
    fmq__mpsc_node *rest;

    io_here = io;
#if defined(__linux__)
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
#endif
    while (!io->is_stopping || fmq__mpsc_has_nodes(&io->mailbox)) {
        take_turn(io);
    }
    rest = fmq__mpsc_close(&io->mailbox);
    run_tasks(rest);
    run_chores(&io->graves);
}

bool
fmq__io_is_here(const fmq__io *io)
{
    return io_here == io;
}

uint64_t
fmq__io_now(const fmq__io *io)
{
    return io->now_ns;
}

/* The poller with the wake-up in it. */
static int
open_poller(fmq__io *io)
{
    int error = fmq__wake_open(&io->wake);

    if (error != 0) {
        return error;
    }
    error = fmq__poller_open(&io->poller);
    if (error == 0) {
        unsigned edge = io->poller->ops->nests ? FMQ__EV_EDGE : 0;

        error = fmq__poller_add(io->poller, io->wake.read_fd, FMQ__EV_IN | edge,
                                WAKE_TOKEN);
        if (error == 0) {
            return 0;
        }
        fmq__poller_close(io->poller);
    }
    fmq__wake_close(&io->wake);
    return error;
}

static void
close_poller(fmq__io *io)
{
    fmq__poller_close(io->poller);
    fmq__wake_close(&io->wake);
}

int
fmq__io_open(fmq__io **out, const char *role, const fmq__sched *sched)
{
    fmq__io *io = fmq__calloc(1, sizeof(*io));
    int error;

    if (io == NULL) {
        return ENOMEM;
    }
    fmq__mpsc_init(&io->mailbox);
    fmq__task_init(&io->nudge, run_nudge);
    fmq__task_init(&io->stop, run_stop);
    fmq__heap_init(&io->timers);
    fmq__list_init(&io->retries);
    fmq__list_init(&io->graves);
    io->first_free = NO_SLOT;
    io->now_ns = fmq__clock_ns();

    error = open_poller(io);
    if (error == 0) {
        error = fmq__thread_open_as(&io->thread, run_io, io, role, sched);
        if (error == 0) {
            *out = io;
            return 0;
        }
        close_poller(io);
    }
    fmq__free(io);
    return error;
}

void
fmq__io_close(fmq__io *io)
{
    fmq__io_post(io, &io->stop);
    fmq__thread_join(io->thread);
    assert(io->n_watches == 0);
    assert(fmq__heap_min(&io->timers) == NULL);
    close_poller(io);
    fmq__free(io->slots);
    fmq__free(io);
}
