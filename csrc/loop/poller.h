/* SPDX-License-Identifier: Apache-2.0 */
/* poller: a set of descriptors and a wait for the first that is ready, over epoll (and
 * others to come) behind one table.
 *
 * A poller has a descriptor of its own and may lie in another poller (nesting).
 *
 * Owner:   whoever opened it.
 * Threads: add, modify, remove and wait from any thread at any time, where `nests` is
 *          true of the back end.
 * Errors:  EMFILE, ENFILE, ENOMEM, ENOSPC; EINTR from wait.
 */
#ifndef FMQ_LOOP_POLLER_H
#define FMQ_LOOP_POLLER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fmq__poller fmq__poller;

/* What is watched for, and what was seen. ERR and HUP are seen unasked. */
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
    bool nests;
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

#if defined(__linux__)
extern const fmq__poller_ops fmq__poller_epoll;
#endif

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

/* The poller's own descriptor: readable while something in it is ready. */
static inline int
fmq__poller_fd(const fmq__poller *p)
{
    return p->ops->fd(p);
}

#endif
