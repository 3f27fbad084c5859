/* SPDX-License-Identifier: Apache-2.0 */
/* The poller over kqueue. A watch is up to two filters of the kernel: EVFILT_READ for
 * IN and RDHUP, EVFILT_WRITE for OUT. What each reports of one descriptor becomes one
 * entry.
 *
 *   EDGE     EV_CLEAR
 *   ONESHOT  EV_DISPATCH on both; once one has reported, the other is not heeded
 *   RDHUP    EV_EOF of the read filter: the peer will send no more
 *   HUP      EV_EOF of the write filter: nothing can be written any more; EV_EOF with
 * an error on either
 *
 * kqueue cannot wait for a hang-up alone. Where that is asked the filter is *quiet*: it
 * asks for more bytes (or more room) than there can be, and what it reports without
 * EV_EOF is dropped. It also has EV_CLEAR, as a full buffer may count as enough; so a
 * hang-up that only a quiet filter sees is reported once.
 *
 * A kqueue in a kqueue looks ready while events are queued in it, also those whose
 * cause is gone; only a look into it removes them. So before a report of a nested
 * poller is given on there is such a look, and if it finds nothing the report is
 * dropped.
 *
 * The serial number of a watch goes to the kernel and comes back with each event; an
 * event that was fetched before its descriptor was given to another watch leads
 * nowhere.
 */
#include "loop/poller.h"

#if FMQ_POLLER_KQUEUE

#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"

/* Old systems remove where newer ones disable; modify puts it back either way. */
#if !defined(EV_DISPATCH)
#define EV_DISPATCH EV_ONESHOT
#endif

#define NS_PER_S UINT64_C(1000000000)

/* Some kernels refuse to wait for longer; the wait is then repeated. */
#define LONGEST_WAIT_NS (UINT64_C(1000000) * NS_PER_S)

enum { MAX_EVENTS = 128, FIRST_WATCHES = 32 };

enum { READ, WRITE, N_FILTERS };

/* What a filter was set to: OFF, or IS_ON with the kernel's flags (16 bits) and QUIET.
 */
enum { OFF = 0, IS_ON = 1 << 16, QUIET = 1 << 17, FLAGS = 0xffff };

typedef struct watch {
    uint64_t token;
    uint64_t wait_id; /* the wait that reported it last, */
    int entry;        /* and in which entry */
    uint32_t serial;  /* 0: this descriptor is not watched */
    unsigned events;
    unsigned mode[N_FILTERS];
    bool is_spent;  /* a one-shot that has reported */
    bool is_nested; /* the descriptor is a kqueue */
} watch;

typedef struct kqueue_poller {
    fmq__poller base;
    int fd;
    pid_t owner;      /* a forked child does not inherit the descriptor */
    fmq__mutex mutex; /* guards the rest */
    watch *watches;   /* by descriptor */
    size_t n_watches;
    uint32_t last_serial;
    uint64_t last_wait;
} kqueue_poller;

static const short filter_of[N_FILTERS] = {EVFILT_READ, EVFILT_WRITE};
static const struct timespec at_once = {0, 0};

static inline kqueue_poller *
self(fmq__poller *p)
{
    return (kqueue_poller *)p;
}

/* Filters */

static unsigned
read_mode(unsigned events, unsigned flags)
{
    if (events & FMQ__EV_IN) {
        return IS_ON | flags;
    }
    return events & FMQ__EV_RDHUP ? IS_ON | QUIET | EV_CLEAR | flags : OFF;
}

/* Quiet if nothing else would tell of a hang-up. */
static unsigned
write_mode(unsigned events, unsigned flags)
{
    if (events & FMQ__EV_OUT) {
        return IS_ON | flags;
    }
    return events & (FMQ__EV_IN | FMQ__EV_RDHUP) ? OFF
                                                 : IS_ON | QUIET | EV_CLEAR | flags;
}

static int
change(const kqueue_poller *k, int fd, short filter, unsigned flags, bool is_quiet,
       uint32_t serial)
{
    struct kevent e;

    /* The macro's parameter types differ between systems. */
    EV_SET(&e, (uintptr_t)fd, filter, (unsigned short)flags, is_quiet ? NOTE_LOWAT : 0,
           is_quiet ? INT_MAX : 0, NULL);
    e.udata = (void *)(uintptr_t)serial;
    /* After EINTR the change has been made. */
    return kevent(k->fd, &e, 1, NULL, 0, NULL) == 0 || errno == EINTR ? 0 : errno;
}

/* A filter that is there keeps the flags it was made with, hence the removal. */
static int
set_filter(const kqueue_poller *k, int fd, watch *w, int i, unsigned mode)
{
    int error = 0;

    if (w->mode[i] != OFF && w->mode[i] != mode) {
        /* ENOENT: it was a one-shot of the old kind. */
        (void)change(k, fd, filter_of[i], EV_DELETE, false, 0);
        w->mode[i] = OFF;
    }
    if (mode != OFF) {
        error = change(k, fd, filter_of[i], EV_ADD | EV_ENABLE | (mode & FLAGS),
                       (mode & QUIET) != 0, w->serial);
        if (error == 0) {
            w->mode[i] = mode;
        }
    }
    return error;
}

static int
set_filters(const kqueue_poller *k, int fd, watch *w, unsigned events)
{
    unsigned flags = (events & FMQ__EV_EDGE ? EV_CLEAR : 0U) |
                     (events & FMQ__EV_ONESHOT ? EV_DISPATCH : 0U);
    unsigned writing = write_mode(events, flags);
    int error = set_filter(k, fd, w, READ, read_mode(events, flags));

    if (error == 0) {
        error = set_filter(k, fd, w, WRITE, writing);
        if (error != 0 && writing & QUIET) {
            /* What cannot be written, such as a pipe's end or a kqueue. */
            error = set_filter(k, fd, w, READ, writing);
        }
    }
    return error;
}

static void
clear_filters(const kqueue_poller *k, int fd, watch *w)
{
    for (int i = 0; i < N_FILTERS; i++) {
        (void)set_filter(k, fd, w, i, OFF);
    }
}

/* Watches; all under the mutex */

static watch *
find(const kqueue_poller *k, int fd)
{
    if (fd < 0 || (size_t)fd >= k->n_watches || k->watches[fd].serial == 0) {
        return NULL;
    }
    return &k->watches[fd];
}

static int
need_room(kqueue_poller *k, int fd)
{
    size_t n = k->n_watches != 0 ? k->n_watches : FIRST_WATCHES;
    watch *grown;

    while (n <= (size_t)fd) {
        n *= 2;
    }
    if (n == k->n_watches) {
        return 0;
    }
    grown = fmq__realloc(k->watches, n * sizeof(*grown));
    if (grown == NULL) {
        return ENOMEM;
    }
    for (size_t i = k->n_watches; i < n; i++) {
        grown[i] = (watch){.serial = 0};
    }
    k->watches = grown;
    k->n_watches = n;
    return 0;
}

static uint32_t
next_serial(kqueue_poller *k)
{
    k->last_serial++;
    if (k->last_serial == 0) {
        k->last_serial++;
    }
    return k->last_serial;
}

/* A call that asks nothing: only of a kqueue is it none too few. */
static bool
is_kqueue(int fd)
{
    return kevent(fd, NULL, 0, NULL, 0, &at_once) == 0;
}

static int
add_watch(kqueue_poller *k, int fd, unsigned events, uint64_t token)
{
    watch made = {.token = token, .events = events};
    int error;

    if (fd < 0) {
        return EBADF;
    }
    if (find(k, fd) != NULL) {
        return EEXIST;
    }
    error = need_room(k, fd);
    if (error != 0) {
        return error;
    }
    made.serial = next_serial(k);
    made.is_nested = is_kqueue(fd);
    error = set_filters(k, fd, &made, events);
    if (error != 0) {
        clear_filters(k, fd, &made);
        return error;
    }
    k->watches[fd] = made;
    return 0;
}

static int
modify_watch(kqueue_poller *k, int fd, unsigned events, uint64_t token)
{
    watch *w = find(k, fd);
    int error;

    if (w == NULL) {
        return ENOENT;
    }
    error = set_filters(k, fd, w, events);
    if (error != 0) {
        (void)set_filters(k, fd, w, w->events);
        return error;
    }
    w->events = events;
    w->token = token;
    w->is_spent = false;
    return 0;
}

static int
remove_watch(kqueue_poller *k, int fd)
{
    watch *w = find(k, fd);

    if (w == NULL) {
        return ENOENT;
    }
    clear_filters(k, fd, w);
    w->serial = 0;
    return 0;
}

static int
kqueue_add(fmq__poller *p, int fd, unsigned events, uint64_t token)
{
    kqueue_poller *k = self(p);
    int error;

    fmq__mutex_lock(&k->mutex);
    error = add_watch(k, fd, events, token);
    fmq__mutex_unlock(&k->mutex);
    return error;
}

static int
kqueue_modify(fmq__poller *p, int fd, unsigned events, uint64_t token)
{
    kqueue_poller *k = self(p);
    int error;

    fmq__mutex_lock(&k->mutex);
    error = modify_watch(k, fd, events, token);
    fmq__mutex_unlock(&k->mutex);
    return error;
}

static int
kqueue_remove(fmq__poller *p, int fd)
{
    kqueue_poller *k = self(p);
    int error;

    fmq__mutex_lock(&k->mutex);
    error = remove_watch(k, fd);
    fmq__mutex_unlock(&k->mutex);
    return error;
}

/* Waiting */

/* Whether a look into a nested kqueue finds something; it stays there, being level. */
static bool
has_events(int fd)
{
    struct kevent e;

    return kevent(fd, NULL, 0, &e, 1, &at_once) > 0;
}

static unsigned
seen_by_read(const watch *w, const struct kevent *e)
{
    unsigned events = w->events & FMQ__EV_IN;

    if (w->is_nested && !has_events((int)e->ident)) {
        return 0;
    }
    if ((e->flags & EV_EOF) == 0) {
        return events;
    }
    events |= w->events & FMQ__EV_RDHUP;
    if (e->fflags != 0) {
        events |= FMQ__EV_ERR | FMQ__EV_HUP;
    }
    if ((w->events & (FMQ__EV_IN | FMQ__EV_RDHUP)) == 0) {
        events |= FMQ__EV_HUP; /* in place of the write filter */
    }
    return events;
}

static unsigned
seen_by_write(const watch *w, const struct kevent *e)
{
    unsigned events = w->events & FMQ__EV_OUT;

    if ((e->flags & EV_EOF) != 0) {
        events |= FMQ__EV_HUP | (e->fflags != 0 ? FMQ__EV_ERR : 0U);
    }
    return events;
}

/* A filter has reported what the watch does not want to know. */
static void
drop(const kqueue_poller *k, int fd, watch *w, int i)
{
    if ((w->events & FMQ__EV_ONESHOT) != 0 && !w->is_spent && w->mode[i] != OFF) {
        (void)set_filter(k, fd, w, i, w->mode[i]); /* its one shot is not fired */
    }
}

/* Puts one event into `ready`, which has `n` entries: how many it has then. */
static int
report(kqueue_poller *k, const struct kevent *e, fmq__ready *ready, int n)
{
    int i = e->filter == EVFILT_READ ? READ : WRITE;
    int fd = (int)e->ident;
    watch *w = find(k, fd);
    unsigned events;

    if (w == NULL || w->serial != (uint32_t)(uintptr_t)e->udata) {
        return n;
    }
    events = i == READ ? seen_by_read(w, e) : seen_by_write(w, e);
    if (events == 0) {
        drop(k, fd, w, i);
        return n;
    }
    if (w->wait_id == k->last_wait) {
        ready[w->entry].events |= events;
        return n;
    }
    if (w->is_spent) {
        return n;
    }
    w->is_spent = (w->events & FMQ__EV_ONESHOT) != 0;
    w->wait_id = k->last_wait;
    w->entry = n;
    ready[n] = (fmq__ready){.token = w->token, .events = events};
    return n + 1;
}

static int
report_all(kqueue_poller *k, const struct kevent *events, int n, fmq__ready *ready)
{
    int n_ready = 0;

    fmq__mutex_lock(&k->mutex);
    k->last_wait++;
    for (int i = 0; i < n; i++) {
        n_ready = report(k, &events[i], ready, n_ready);
    }
    fmq__mutex_unlock(&k->mutex);
    return n_ready;
}

/* Waits until the deadline, or for as long as the kernel allows. */
static int
fetch(const kqueue_poller *k, struct kevent *events, int max, uint64_t deadline_ns)
{
    uint64_t now = deadline_ns == 0 ? 0 : fmq__clock_ns();
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    struct timespec t;

    left = left < LONGEST_WAIT_NS ? left : LONGEST_WAIT_NS;
    t = (struct timespec){(time_t)(left / NS_PER_S), (long)(left % NS_PER_S)};
    return kevent(k->fd, NULL, 0, events, max, &t);
}

static int
kqueue_await(fmq__poller *p, fmq__ready *ready, int max, uint64_t deadline_ns,
             int *n_ready)
{
    kqueue_poller *k = self(p);
    struct kevent events[MAX_EVENTS];

    *n_ready = 0;
    for (;;) {
        int n = fetch(k, events, max < MAX_EVENTS ? max : MAX_EVENTS, deadline_ns);

        if (n == -1) {
            return errno;
        }
        *n_ready = report_all(k, events, n, ready);
        if (*n_ready != 0) {
            return 0;
        }
        /* If all were dropped, there may be others behind them. */
        if (n == 0 && (deadline_ns == 0 || fmq__clock_ns() >= deadline_ns)) {
            return 0;
        }
    }
}

/* Open and close */

static int
kqueue_open(fmq__poller **p)
{
    kqueue_poller *k = fmq__calloc(1, sizeof(*k));
    int error;

    if (k == NULL) {
        return ENOMEM;
    }
    k->base.ops = &fmq__poller_kqueue;
    error = fmq__mutex_init(&k->mutex);
    if (error != 0) {
        fmq__free(k);
        return error;
    }
    k->owner = getpid();
    k->fd = kqueue();
    if (k->fd == -1 || fcntl(k->fd, F_SETFD, FD_CLOEXEC) == -1) {
        error = errno;
        if (k->fd != -1) {
            close(k->fd);
        }
        fmq__mutex_fini(&k->mutex);
        fmq__free(k);
        return error;
    }
    *p = &k->base;
    return 0;
}

static void
kqueue_close(fmq__poller *p)
{
    kqueue_poller *k = self(p);

    if (k->owner == getpid()) {
        close(k->fd); /* in a child the number may be somebody else's */
    }
    fmq__mutex_fini(&k->mutex);
    fmq__free(k->watches);
    fmq__free(k);
}

static int
kqueue_fd(const fmq__poller *p)
{
    return ((const kqueue_poller *)p)->fd;
}

const fmq__poller_ops fmq__poller_kqueue = {
    .name = "kqueue",
    .nests = true,
    .open = kqueue_open,
    .close = kqueue_close,
    .add = kqueue_add,
    .modify = kqueue_modify,
    .remove = kqueue_remove,
    .wait = kqueue_await,
    .fd = kqueue_fd,
};

#else

typedef int fmq__no_kqueue;

#endif
