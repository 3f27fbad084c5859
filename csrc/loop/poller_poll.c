/* SPDX-License-Identifier: Apache-2.0 */
/* The poller over poll(2), for systems without anything better.
 *
 * The watches are the truth; a wait copies them, in the same order, into an array for
 * the kernel, which nobody else touches. Whoever changes the watches meanwhile rings a
 * wake-up that is polled along with them, and the wait begins again with a new copy.
 * What the kernel has found for a watch that has changed since the copy is forgotten:
 * it is level, so the next look finds it again, if it is still asked for.
 *
 * One-shots and edges are made by asking the kernel for less: what is silent is left
 * out of the copy until the watch is modified. An error or a hang-up cannot be left out
 * for itself (poll reports them unasked), so after one of these the whole
 * edge-triggered watch is silent.
 */
#include "loop/poller.h"

#if FMQ_POLLER_POLL

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"
#include "loop/poll_until.h"

enum { FIRST_CAP = 16, NOT_WATCHED = -1 };

typedef struct watch {
    uint64_t token;
    uint64_t changed_at; /* the version with which it became what it is */
    int fd;
    unsigned events;
    unsigned silent; /* those of `events` that are not to be reported */
} watch;

typedef struct poll_poller {
    fmq__poller base;
    fmq__mutex mutex; /* guards all but `polled` */
    fmq__wake wake;
    bool is_waiting;
    bool is_rung; /* during this wait, or since the last */

    watch *watches;
    size_t n;
    size_t cap;
    int *index_of; /* by descriptor */
    size_t n_index;
    uint64_t version; /* counts the changes */
    size_t first;     /* whose turn it is to be reported first */

    /* The waiting thread's: the wake-up and `watches` as they were. Room that was made
     * during a wait is left in `more` for it. */
    struct pollfd *polled;
    struct pollfd *more;
} poll_poller;

static inline poll_poller *
self(fmq__poller *p)
{
    return (poll_poller *)p;
}

/* Where poll does not tell that the peer has finished, it is input: a read of 0. */
#if !defined(POLLRDHUP)
#define POLLRDHUP 0
#endif

static short
to_poll(unsigned events)
{
    int e = 0;

    e |= events & FMQ__EV_IN ? POLLIN : 0;
    e |= events & FMQ__EV_OUT ? POLLOUT : 0;
    e |= events & FMQ__EV_RDHUP ? POLLRDHUP : 0;
    return (short)e;
}

static unsigned
from_poll(short e)
{
    unsigned events = 0;

    events |= e & POLLIN ? FMQ__EV_IN : 0;
    events |= e & POLLOUT ? FMQ__EV_OUT : 0;
    events |= e & POLLERR ? FMQ__EV_ERR : 0;
    events |= e & POLLHUP ? FMQ__EV_HUP : 0;
    events |= e & POLLRDHUP ? FMQ__EV_RDHUP : 0;
    return events;
}

/* The watches; all under the mutex */

/* Has a wait take notice. */
static void
ring(poll_poller *p)
{
    if (p->is_waiting && !p->is_rung) {
        p->is_rung = true;
        fmq__wake_signal(&p->wake);
    }
}

static watch *
find(const poll_poller *p, int fd)
{
    if (fd < 0 || (size_t)fd >= p->n_index || p->index_of[fd] == NOT_WATCHED) {
        return NULL;
    }
    return &p->watches[p->index_of[fd]];
}

static int
need_index(poll_poller *p, int fd)
{
    size_t n = p->n_index != 0 ? p->n_index : FIRST_CAP;
    int *grown;

    while (n <= (size_t)fd) {
        n *= 2;
    }
    if (n == p->n_index) {
        return 0;
    }
    grown = fmq__realloc(p->index_of, n * sizeof(*grown));
    if (grown == NULL) {
        return ENOMEM;
    }
    for (size_t i = p->n_index; i < n; i++) {
        grown[i] = NOT_WATCHED;
    }
    p->index_of = grown;
    p->n_index = n;
    return 0;
}

/* Room for one watch more, here and in the copy. */
static int
need_room(poll_poller *p)
{
    size_t cap = p->cap != 0 ? p->cap * 2 : FIRST_CAP;
    struct pollfd *more;
    watch *grown;

    if (p->n < p->cap) {
        return 0;
    }
    more = fmq__calloc(1 + cap, sizeof(*more));
    if (more == NULL) {
        return ENOMEM;
    }
    grown = fmq__realloc(p->watches, cap * sizeof(*grown));
    if (grown == NULL) {
        fmq__free(more);
        return ENOMEM;
    }
    fmq__free(p->more);
    p->more = more;
    p->watches = grown;
    p->cap = cap;
    return 0;
}

static int
add_watch(poll_poller *p, int fd, unsigned events, uint64_t token)
{
    int error;

    if (fcntl(fd, F_GETFD) == -1) {
        return errno;
    }
    if (find(p, fd) != NULL) {
        return EEXIST;
    }
    error = need_index(p, fd);
    if (error == 0) {
        error = need_room(p);
    }
    if (error != 0) {
        return error;
    }
    p->index_of[fd] = (int)p->n;
    p->watches[p->n++] = (watch){
        .token = token,
        .changed_at = ++p->version,
        .fd = fd,
        .events = events,
    };
    return 0;
}

static int
modify_watch(poll_poller *p, int fd, unsigned events, uint64_t token)
{
    watch *w = find(p, fd);

    if (w == NULL) {
        return ENOENT;
    }
    w->events = events;
    w->token = token;
    w->silent = 0;
    w->changed_at = ++p->version;
    return 0;
}

/* The last watch takes its place. */
static int
remove_watch(poll_poller *p, int fd)
{
    watch *w = find(p, fd);
    const watch *last;

    if (w == NULL) {
        return ENOENT;
    }
    last = &p->watches[--p->n];
    *w = *last;
    w->changed_at = ++p->version;
    p->index_of[last->fd] = p->index_of[fd];
    p->index_of[fd] = NOT_WATCHED;
    return 0;
}

static int
poll_add(fmq__poller *base, int fd, unsigned events, uint64_t token)
{
    poll_poller *p = self(base);
    int error;

    fmq__mutex_lock(&p->mutex);
    error = add_watch(p, fd, events, token);
    ring(p);
    fmq__mutex_unlock(&p->mutex);
    return error;
}

static int
poll_modify(fmq__poller *base, int fd, unsigned events, uint64_t token)
{
    poll_poller *p = self(base);
    int error;

    fmq__mutex_lock(&p->mutex);
    error = modify_watch(p, fd, events, token);
    ring(p);
    fmq__mutex_unlock(&p->mutex);
    return error;
}

static int
poll_remove(fmq__poller *base, int fd)
{
    poll_poller *p = self(base);
    int error;

    fmq__mutex_lock(&p->mutex);
    error = remove_watch(p, fd);
    ring(p);
    fmq__mutex_unlock(&p->mutex);
    return error;
}

/* Waiting; under the mutex, but for the system call */

/* What the kernel is to look at: nothing of a watch that is silent altogether. */
static struct pollfd
ask(const watch *w)
{
    unsigned all = FMQ__EV_ERR | FMQ__EV_HUP;
    struct pollfd f = {.fd = w->fd, .events = to_poll(w->events & ~w->silent)};

    if ((w->silent & all) != 0) {
        f.fd = -1;
    }
    return f;
}

/* Copies the watches: how many descriptors there are to poll. */
static size_t
copy_watches(poll_poller *p)
{
    if (p->more != NULL) {
        fmq__free(p->polled);
        p->polled = p->more;
        p->more = NULL;
    }
    p->polled[0] = (struct pollfd){.fd = p->wake.read_fd, .events = POLLIN};
    for (size_t i = 0; i < p->n; i++) {
        p->polled[1 + i] = ask(&p->watches[i]);
    }
    return 1 + p->n;
}

static void
silence(watch *w, unsigned events)
{
    if (w->events & FMQ__EV_ONESHOT) {
        w->silent = ~0U;
    } else if (w->events & FMQ__EV_EDGE) {
        w->silent |= events;
    }
}

/* Gives what was found of the first `n` watches, as they were with `version`, to
 * `ready`: how many entries. */
static int
collect(poll_poller *p, size_t n, uint64_t version, fmq__ready *ready, int max)
{
    int n_ready = 0;

    n = n < p->n ? n : p->n;
    for (size_t k = 0; k < n && n_ready < max; k++) {
        size_t i = (p->first + k) % n;
        watch *w = &p->watches[i];
        unsigned events = from_poll(p->polled[1 + i].revents);

        if (events == 0 || w->changed_at > version) {
            continue;
        }
        silence(w, events);
        ready[n_ready++] = (fmq__ready){.token = w->token, .events = events};
        if (n_ready == max) {
            p->first = i + 1;
        }
    }
    return n_ready;
}

/* Closed without having been removed: silent from now on, as with other back ends. */
static void
forget_closed(poll_poller *p, size_t n, uint64_t version)
{
    for (size_t i = 0; i < n && i < p->n; i++) {
        if ((p->polled[1 + i].revents & POLLNVAL) != 0 &&
            p->watches[i].changed_at <= version) {
            p->watches[i].silent = ~0U;
        }
    }
}

/* One look: 0 with `*n_ready` entries, none if the watches have changed or nothing was
 * ready in time. */
static int
look(poll_poller *p, fmq__ready *ready, int max, uint64_t deadline_ns, int *n_ready)
{
    size_t n = copy_watches(p);
    uint64_t version = p->version;
    int n_found = 0;
    int error;

    fmq__mutex_unlock(&p->mutex);
    error = fmq__poll_until(p->polled, n, deadline_ns, &n_found);
    fmq__mutex_lock(&p->mutex);
    *n_ready = 0;
    if (n_found > 0) {
        *n_ready = collect(p, n - 1, version, ready, max);
        forget_closed(p, n - 1, version);
    }
    if (p->is_rung && error == 0) {
        fmq__wake_drain(&p->wake);
        p->is_rung = false;
    }
    return error;
}

static bool
is_over(uint64_t deadline_ns)
{
    return deadline_ns != FMQ__NEVER &&
           (deadline_ns == 0 || fmq__clock_ns() >= deadline_ns);
}

static int
poll_await(fmq__poller *base, fmq__ready *ready, int max, uint64_t deadline_ns,
           int *n_ready)
{
    poll_poller *p = self(base);
    int error;

    fmq__mutex_lock(&p->mutex);
    assert(!p->is_waiting);
    p->is_waiting = true;
    do {
        error = look(p, ready, max, deadline_ns, n_ready);
    } while (error == 0 && *n_ready == 0 && !is_over(deadline_ns));
    p->is_waiting = false;
    fmq__mutex_unlock(&p->mutex);
    return error;
}

/* Open and close */

static void
free_poller(poll_poller *p)
{
    fmq__mutex_fini(&p->mutex);
    fmq__free(p->watches);
    fmq__free(p->index_of);
    fmq__free(p->polled);
    fmq__free(p->more);
    fmq__free(p);
}

static int
poll_open(fmq__poller **out)
{
    poll_poller *p = fmq__calloc(1, sizeof(*p));
    int error;

    if (p == NULL) {
        return ENOMEM;
    }
    p->base.ops = &fmq__poller_poll;
    error = fmq__mutex_init(&p->mutex);
    if (error != 0) {
        fmq__free(p);
        return error;
    }
    error = need_room(p);
    if (error == 0) {
        error = fmq__wake_open(&p->wake);
        if (error == 0) {
            *out = &p->base;
            return 0;
        }
    }
    free_poller(p);
    return error;
}

static void
poll_close(fmq__poller *base)
{
    poll_poller *p = self(base);

    assert(!p->is_waiting);
    fmq__wake_close(&p->wake);
    free_poller(p);
}

static int
poll_fd(const fmq__poller *p)
{
    (void)p;
    return -1;
}

const fmq__poller_ops fmq__poller_poll = {
    .name = "poll",
    .nests = false,
    .open = poll_open,
    .close = poll_close,
    .add = poll_add,
    .modify = poll_modify,
    .remove = poll_remove,
    .wait = poll_await,
    .fd = poll_fd,
};

#else

typedef int fmq__no_poll;

#endif
