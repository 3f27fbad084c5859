/* SPDX-License-Identifier: Apache-2.0 */
/* First each socket is looked at: what is in memory, and if that is nothing, or no
 * message where messages are asked for, one read of what the kernel has - so that a
 * busy socket does not starve its neighbours in the same poll, nor room a message of
 * its own socket. If nothing is ready the caller registers with every socket, looks
 * again (register first, look second, sleep third), and sleeps in one poll(2) over
 * their descriptors and the plain ones. */
#include "socket/poll.h"

#include <poll.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "loop/poll_until.h"
#include "socket/socket.h"

enum { ITEMS_ON_STACK = 16 };

typedef struct group {
    fmq_pollitem *item;
    size_t n;
    struct pollfd *fd; /* one an item */
    size_t n_entered;  /* items whose sockets we have registered with */
    const sigset_t *mask;
} group;

static short
wanted(const fmq_pollitem *i, unsigned events)
{
    return (short)(events & (unsigned)i->events & (FMQ_POLLIN | FMQ_POLLOUT));
}

/* Whether what is in memory may not be all that is asked for. */
static bool
is_to_look(const fmq_pollitem *i, short found)
{
    return i->events != 0 && (found == 0 || (i->events & ~found & FMQ_POLLIN) != 0);
}

/* What a socket has now; with `deep`, after its descriptor has been harvested. */
static int
look_at(fmq_pollitem *i, bool deep)
{
    fmq__socket *s;
    unsigned events;
    short found;
    int err = fmq__socket_enter_open(i->socket, false, &s);

    if (err != 0) {
        return err;
    }
    fmq__hub_count_call(&s->hub);
    events = deep ? fmq__hub_harvest(&s->hub) : fmq__hub_peek(&s->hub);
    found = wanted(i, events);
    if (!deep && is_to_look(i, found)) {
        /* Who is told of room may go on sending. */
        s->hub.flush.has_turned |= found == 0 && (i->events & FMQ_POLLIN) != 0;
        fmq__hub_look(&s->hub);
        found = wanted(i, fmq__hub_peek(&s->hub));
    }
    i->revents = found;
    err = fmq__hub_state(&s->hub); /* as it was entered, unless L was given back */
    fmq__socket_leave(s);
    return err;
}

static short
to_poll(short events)
{
    short p = 0;

    p = (short)(p | ((events & FMQ_POLLIN) ? POLLIN : 0));
    p = (short)(p | ((events & FMQ_POLLOUT) ? POLLOUT : 0));
    return (short)(p | ((events & FMQ_POLLPRI) ? POLLPRI : 0));
}

static short
from_poll(short revents)
{
    short e = 0;

    e = (short)(e | ((revents & POLLIN) ? FMQ_POLLIN : 0));
    e = (short)(e | ((revents & POLLOUT) ? FMQ_POLLOUT : 0));
    e = (short)(e | ((revents & POLLPRI) ? FMQ_POLLPRI : 0));
    return (short)(e | ((revents & ~(POLLIN | POLLOUT | POLLPRI)) ? FMQ_POLLERR : 0));
}

/* One poll(2) over everything that has a descriptor. */
static int
sleep_on(group *g, uint64_t deadline_ns)
{
    int n_ready;

    return fmq__poll_until_masked(g->fd, g->n, deadline_ns, g->mask, &n_ready);
}

static size_t
count_ready(const group *g)
{
    size_t n = 0;

    for (size_t i = 0; i < g->n; i++) {
        n += g->item[i].revents != 0;
    }
    return n;
}

/* The first look: every socket, then the plain descriptors. */
static int
look_around(group *g)
{
    bool has_fds = false;

    for (size_t i = 0; i < g->n; i++) {
        fmq_pollitem *item = &g->item[i];
        int err;

        item->revents = 0;
        g->fd[i] = (struct pollfd){-1, 0, 0};
        if (item->socket == 0) {
            has_fds = true;
            g->fd[i] = (struct pollfd){item->fd, to_poll(item->events), 0};
            continue;
        }
        err = look_at(item, false);
        if (err != 0) {
            return err;
        }
    }
    if (has_fds) {
        int err = sleep_on(g, 0);

        if (err != 0) {
            return err;
        }
        for (size_t i = 0; i < g->n; i++) {
            if (g->item[i].socket == 0) {
                g->item[i].revents = from_poll(g->fd[i].revents);
            }
        }
    }
    return 0;
}

/* Registers with every socket, looking again after each. */
static int
enter_all(group *g)
{
    for (; g->n_entered < g->n; g->n_entered++) {
        fmq_pollitem *item = &g->item[g->n_entered];
        fmq__socket *s;
        int fd;
        int err;

        if (item->socket == 0) {
            continue;
        }
        err = fmq__socket_enter_open(item->socket, false, &s);
        if (err != 0) {
            return err;
        }
        err = fmq__hub_enter_poll(&s->hub, (unsigned)item->events, &fd);
        if (err == 0) {
            g->fd[g->n_entered] =
                (struct pollfd){fd, item->events != 0 ? POLLIN : 0, 0};
            item->revents = wanted(item, fmq__hub_peek(&s->hub));
        }
        fmq__socket_leave(s);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

static void
leave_all(group *g)
{
    while (g->n_entered > 0) {
        fmq_pollitem *item = &g->item[--g->n_entered];
        fmq__socket *s;

        /* A closed socket still waits for us to leave. */
        if (item->socket != 0 && fmq__socket_enter(item->socket, false, &s) == 0) {
            fmq__hub_leave_poll(&s->hub, (unsigned)item->events);
            fmq__socket_leave(s);
        }
    }
}

/* What the descriptors that fired mean. */
static int
gather(group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        fmq_pollitem *item = &g->item[i];
        int err = 0;

        if (item->socket == 0) {
            item->revents = from_poll(g->fd[i].revents);
        } else if (g->fd[i].revents != 0) {
            err = look_at(item, true);
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

static int
wait_for_any(group *g, uint64_t deadline_ns)
{
    int err = enter_all(g);

    while (err == 0 && count_ready(g) == 0) {
        fmq__flush_thread();
        err = sleep_on(g, deadline_ns);
        if (err == 0) {
            err = gather(g);
        }
        if (err == 0 && deadline_ns != FMQ__NEVER && fmq__clock_ns() >= deadline_ns) {
            break;
        }
    }
    leave_all(g);
    return err;
}

int
fmq__poll_wait(fmq_pollitem *items, size_t n, uint64_t deadline_ns, size_t *n_ready)
{
    return fmq__poll_wait_masked(items, n, deadline_ns, NULL, n_ready);
}

int
fmq__poll_wait_masked(fmq_pollitem *items, size_t n, uint64_t deadline_ns,
                      const sigset_t *mask, size_t *n_ready)
{
    struct pollfd on_stack[ITEMS_ON_STACK];
    group g = {items, n, on_stack, 0, mask};
    int err;

    *n_ready = 0;
    if (n > ITEMS_ON_STACK) {
        g.fd = fmq__calloc(n, sizeof(*g.fd));
        if (g.fd == NULL) {
            return ENOMEM;
        }
    }
    err = look_around(&g);
    if (err == 0 && count_ready(&g) == 0 && deadline_ns != 0) {
        err = wait_for_any(&g, deadline_ns);
    }
    if (err == 0) {
        *n_ready = count_ready(&g);
    }
    if (g.fd != on_stack) {
        fmq__free(g.fd);
    }
    return err;
}
