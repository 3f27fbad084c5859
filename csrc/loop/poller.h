/* SPDX-License-Identifier: Apache-2.0 */
/* poller: a set of descriptors and a wait for the first that is ready, over epoll,
 * kqueue or poll behind one table.
 *
 * Where the back end nests, a poller has a descriptor of its own and may lie in another
 * poller (which must then have no edges and one-shots in it). A descriptor is removed
 * before it is closed.
 *
 * Owner:   whoever opened it.
 * Threads: add, modify and remove from any thread at any time, also during a wait.
 *          Where the back end nests several threads may wait, else one at a time.
 * Errors:  EMFILE, ENFILE, ENOMEM, ENOSPC; EBADF, EEXIST, ENOENT; EINTR from wait.
 */
#ifndef FMQ_LOOP_POLLER_H
#define FMQ_LOOP_POLLER_H

#include <stdbool.h>
#include <stdint.h>

/* Which back ends there are; the build may have decided (cmake/FastmqPollers.cmake). */
#if !defined(FMQ_POLLER_EPOLL)
#if defined(__linux__)
#define FMQ_POLLER_EPOLL 1
#else
#define FMQ_POLLER_EPOLL 0
#endif
#endif
#if !defined(FMQ_POLLER_KQUEUE)
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__)
#define FMQ_POLLER_KQUEUE 1
#else
#define FMQ_POLLER_KQUEUE 0
#endif
#endif
#if !defined(FMQ_POLLER_POLL)
#define FMQ_POLLER_POLL 1
#endif

typedef struct fmq__poller fmq__poller;

/* What is watched for, and what was seen. ERR and HUP are seen unasked.
 *
 * EDGE needs a back end that nests. On one that does not, what was reported stays
 * silent until the watch is modified; so who can do without uses level there, and takes
 * away the cause (fmq__wake_drain), and who cannot modifies the watch after each
 * report. */
enum {
    FMQ__EV_IN = 1,
    FMQ__EV_OUT = 2,
    FMQ__EV_ERR = 4,
    FMQ__EV_HUP = 8,     /* both directions are closed */
    FMQ__EV_RDHUP = 16,  /* the peer will send no more; ask for it with IN */
    FMQ__EV_EDGE = 32,   /* watch: report each change once */
    FMQ__EV_ONESHOT = 64 /* watch: report once, then stay silent until modified */
};

typedef struct fmq__ready {
    uint64_t token;
    unsigned events;
} fmq__ready;

/* One back end. */
typedef struct fmq__poller_ops {
    const char *name;
    bool nests; /* it also has edges, and several threads may wait */
    int (*open)(fmq__poller **p);
    void (*close)(fmq__poller *p);
    int (*add)(fmq__poller *p, int fd, unsigned events, uint64_t token);
    int (*modify)(fmq__poller *p, int fd, unsigned events, uint64_t token);
    int (*remove)(fmq__poller *p, int fd);
    int (*wait)(fmq__poller *p, fmq__ready *ready, int max, uint64_t deadline_ns,
                int *n_ready);
    int (*fd)(const fmq__poller *p);
} fmq__poller_ops;

struct fmq__poller {
    const fmq__poller_ops *ops;
};

/* Those there are (the FMQ_POLLER_* above). */
extern const fmq__poller_ops fmq__poller_epoll;
extern const fmq__poller_ops fmq__poller_kqueue;
extern const fmq__poller_ops fmq__poller_poll;

/* The back end of that name; the best one for NULL and for a name that is not there. */
const fmq__poller_ops *fmq__poller_find(const char *name);

/* The back end in use: the one that FASTMQ_POLLER in the environment names. */
const fmq__poller_ops *fmq__poller_default(void);

int fmq__poller_open(fmq__poller **p);

static inline void
fmq__poller_close(fmq__poller *p)
{
    p->ops->close(p);
}

static inline int
fmq__poller_add(fmq__poller *p, int fd, unsigned events, uint64_t token)
{
    return p->ops->add(p, fd, events, token);
}

static inline int
fmq__poller_modify(fmq__poller *p, int fd, unsigned events, uint64_t token)
{
    return p->ops->modify(p, fd, events, token);
}

static inline int
fmq__poller_remove(fmq__poller *p, int fd)
{
    return p->ops->remove(p, fd);
}

/* Waits until `deadline_ns` (0: only looks; FMQ__NEVER) with the resolution the kernel
 * gives (better than a millisecond where it can): 0 with `*n_ready` entries, maybe
 * none; EINTR. */
static inline int
fmq__poller_wait(fmq__poller *p, fmq__ready *ready, int max, uint64_t deadline_ns,
                 int *n_ready)
{
    return p->ops->wait(p, ready, max, deadline_ns, n_ready);
}

/* The poller's own descriptor: readable while something in it is ready (kqueue: until a
 * wait has found that nothing is any more). -1 if the back end does not nest. */
static inline int
fmq__poller_fd(const fmq__poller *p)
{
    return p->ops->fd(p);
}

#endif
