/* SPDX-License-Identifier: Apache-2.0 */
/* io: an I/O thread: a poller, timers, and a mailbox of tasks.
 *
 * Knows no sockets and no messages. One turn: wait, run the mailbox, run what is ready,
 * run the timers that are due, run the retries, bury the dead.
 *
 * Owner:   the context; fmq__io_close stops the thread and joins it. Every watch, timer
 *          and task belongs to its object, which must have taken it out before.
 * Threads: fmq__io_post, fmq__io_wake and (while nobody takes the watch out)
 *          fmq__io_rewatch from any; the rest on the I/O thread itself.
 * Errors:  errno values from open, watch and rewatch.
 */
#ifndef FMQ_LOOP_IO_H
#define FMQ_LOOP_IO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/mpsc.h"
#include "base/sched.h"
#include "loop/poller.h"

typedef struct fmq__io fmq__io;

/* Something to run on the I/O thread; posted at most once at a time (see is_posted). */
typedef struct fmq__task {
    fmq__mpsc_node node;
    _Atomic bool is_posted;
    void (*run)(struct fmq__task *);
} fmq__task;

typedef struct fmq__watch {
    void (*on_ready)(struct fmq__watch *, unsigned events);
    int fd; /* -1: not watched */
    uint64_t token;
} fmq__watch;

typedef struct fmq__timer {
    fmq__heap_node node;
    bool is_set;
    void (*on_due)(struct fmq__timer *);
} fmq__timer;

/* Something to run again at the next turn, or at the end of this one. */
typedef struct fmq__chore {
    fmq__node node;
    void (*run)(struct fmq__chore *);
} fmq__chore;

/* Starts the thread, as `sched` says (NULL: in no special way). */
int fmq__io_open(fmq__io **io, const char *role, const fmq__sched *sched);

/* Lets the thread finish its mailbox (and what its tasks post meanwhile), stops and
 * joins it. Not from the I/O thread; no other thread may still be posting. No watch and
 * no timer may be left. */
void fmq__io_close(fmq__io *io);

static inline void
fmq__task_init(fmq__task *t, void (*run)(fmq__task *))
{
    t->node.next = NULL;
    atomic_init(&t->is_posted, false);
    t->run = run;
}

/* Has `t` run on the I/O thread, soon and once; nothing if it is posted already and has
 * not begun to run (is_posted is cleared just before run). Wakes the thread if it
 * sleeps. */
void fmq__io_post(fmq__io *io, fmq__task *t);

/* Makes the thread take one more turn. */
void fmq__io_wake(fmq__io *io);

/* Whether the caller is this I/O thread. */
bool fmq__io_is_here(const fmq__io *io);

/* Watches `fd` for `events` (FMQ__EV_*); on_ready runs each time. A watch removed
 * during a turn is not called any more in that turn, even if it was ready. */
int fmq__io_watch(fmq__io *io, fmq__watch *w, int fd, unsigned events);
int fmq__io_rewatch(fmq__io *io, fmq__watch *w, unsigned events);
void fmq__io_unwatch(fmq__io *io, fmq__watch *w);

static inline void
fmq__timer_init(fmq__timer *t, void (*on_due)(fmq__timer *))
{
    t->is_set = false;
    t->on_due = on_due;
}

/* Sets or moves the timer to `deadline_ns`; FMQ__NEVER clears it. It is cleared before
 * on_due is called, and is due in the next turn at the earliest. */
void fmq__io_set_timer(fmq__io *io, fmq__timer *t, uint64_t deadline_ns);
void fmq__io_clear_timer(fmq__io *io, fmq__timer *t);

/* The time this turn began. */
uint64_t fmq__io_now(const fmq__io *io);

static inline void
fmq__chore_init(fmq__chore *c, void (*run)(fmq__chore *))
{
    fmq__list_init(&c->node);
    c->run = run;
}

/* Runs `c` at the end of this turn, or in the next one if a retry asks for it (which
 * something else has to cause: see base/lock.h WANT). Nothing if it waits already. */
void fmq__io_retry(fmq__io *io, fmq__chore *c);

/* Runs `c` at the end of this turn, when no ready event or timer can call its object
 * any more: the place to free. */
void fmq__io_bury(fmq__io *io, fmq__chore *c);

/* Takes a chore out of either list. */
static inline void
fmq__chore_cancel(fmq__chore *c)
{
    fmq__list_remove(&c->node);
}

#endif
