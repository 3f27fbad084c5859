/* SPDX-License-Identifier: Apache-2.0 */
/* The poller over epoll. Deadlines finer than a millisecond need epoll_pwait2 (Linux
 * 5.11); where the kernel, or a sandbox round it, refuses that call, a wait ends up to
 * a millisecond late.
 */
#include "loop/poller.h"

#if FMQ_POLLER_EPOLL

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define NS_PER_S UINT64_C(1000000000)

/* The number is the same on all architectures that matter; older headers lack it. */
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum { MAX_EVENTS = 128 };

typedef struct epoll_poller {
    fmq__poller base;
    int fd;
} epoll_poller;

/* What the kernel takes, 64 bits everywhere. */
typedef struct kernel_timespec {
    int64_t s;
    int64_t ns;
} kernel_timespec;

/* Set once a call was refused; nothing is published through it. */
static _Atomic bool has_no_pwait2;

static inline epoll_poller *
self(fmq__poller *p)
{
    return (epoll_poller *)p;
}

static uint32_t
to_epoll(unsigned events)
{
    uint32_t e = 0;

    e |= events & FMQ__EV_IN ? EPOLLIN : 0;
    e |= events & FMQ__EV_OUT ? EPOLLOUT : 0;
    e |= events & FMQ__EV_RDHUP ? EPOLLRDHUP : 0;
    e |= events & FMQ__EV_EDGE ? EPOLLET : 0;
    e |= events & FMQ__EV_ONESHOT ? EPOLLONESHOT : 0;
    return e;
}

static unsigned
from_epoll(uint32_t e)
{
    unsigned events = 0;

    events |= e & EPOLLIN ? FMQ__EV_IN : 0;
    events |= e & EPOLLOUT ? FMQ__EV_OUT : 0;
    events |= e & EPOLLERR ? FMQ__EV_ERR : 0;
    events |= e & EPOLLHUP ? FMQ__EV_HUP : 0;
    events |= e & EPOLLRDHUP ? FMQ__EV_RDHUP : 0;
    return events;
}

static int
epoll_open(fmq__poller **p)
{
    epoll_poller *e = fmq__alloc(sizeof(*e));

    if (e == NULL) {
        return ENOMEM;
    }
    e->base.ops = &fmq__poller_epoll;
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    if (e->fd == -1) {
        int error = errno;

        fmq__free(e);
        return error;
    }
    *p = &e->base;
    return 0;
}

static void
epoll_close(fmq__poller *p)
{
    close(self(p)->fd);
    fmq__free(p);
}

static int
control(fmq__poller *p, int what, int fd, unsigned events, uint64_t token)
{
    struct epoll_event event = {.events = to_epoll(events), .data.u64 = token};

    return epoll_ctl(self(p)->fd, what, fd, &event) == 0 ? 0 : errno;
}

static int
epoll_add(fmq__poller *p, int fd, unsigned events, uint64_t token)
{
    return control(p, EPOLL_CTL_ADD, fd, events, token);
}

static int
epoll_modify(fmq__poller *p, int fd, unsigned events, uint64_t token)
{
    return control(p, EPOLL_CTL_MOD, fd, events, token);
}

static int
epoll_remove(fmq__poller *p, int fd)
{
    return control(p, EPOLL_CTL_DEL, fd, 0, 0);
}

/* Waits at most `left_ns`: the number of events, -1 with errno, ENOSYS if the call is
 * not to be had. */
static int
wait_fine(int fd, struct epoll_event *events, int max, uint64_t left_ns)
{
    kernel_timespec t = {(int64_t)(left_ns / NS_PER_S), (int64_t)(left_ns % NS_PER_S)};
    long n;

    if (atomic_load_explicit(&has_no_pwait2, memory_order_relaxed)) {
        errno = ENOSYS;
        return -1;
    }
    n = syscall(SYS_epoll_pwait2, fd, events, max, &t, NULL, (size_t)0);
    if (n == -1 && (errno == ENOSYS || errno == EPERM)) {
        /* EPERM: how some sandboxes answer to calls they do not know. */
        atomic_store_explicit(&has_no_pwait2, true, memory_order_relaxed);
        errno = ENOSYS;
    }
    return (int)n;
}

static int
wait_until(int fd, struct epoll_event *events, int max, uint64_t deadline_ns)
{
    uint64_t now;
    int n;

    if (deadline_ns == 0) {
        return epoll_wait(fd, events, max, 0);
    }
    if (deadline_ns == FMQ__NEVER) {
        return epoll_wait(fd, events, max, -1);
    }
    now = fmq__clock_ns();
    if (deadline_ns <= now) {
        return epoll_wait(fd, events, max, 0);
    }
    n = wait_fine(fd, events, max, deadline_ns - now);
    if (n == -1 && errno == ENOSYS) {
        n = epoll_wait(fd, events, max, fmq__deadline_left_ms(deadline_ns));
    }
    return n;
}

static int
epoll_await(fmq__poller *p, fmq__ready *ready, int max, uint64_t deadline_ns,
            int *n_ready)
{
    struct epoll_event events[MAX_EVENTS];
    int n = wait_until(self(p)->fd, events, max < MAX_EVENTS ? max : MAX_EVENTS,
                       deadline_ns);

    if (n == -1) {
        return errno;
    }
    for (int i = 0; i < n; i++) {
        ready[i].token = events[i].data.u64;
        ready[i].events = from_epoll(events[i].events);
    }
    *n_ready = n;
    return 0;
}

static int
epoll_fd(const fmq__poller *p)
{
    return ((const epoll_poller *)p)->fd;
}

const fmq__poller_ops fmq__poller_epoll = {
    .name = "epoll",
    .nests = true,
    .open = epoll_open,
    .close = epoll_close,
    .add = epoll_add,
    .modify = epoll_modify,
    .remove = epoll_remove,
    .wait = epoll_await,
    .fd = epoll_fd,
};

#else

typedef int fmq__no_epoll;

#endif
