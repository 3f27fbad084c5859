/* SPDX-License-Identifier: Apache-2.0 */
/* A listener: accepts connections on the I/O thread and gives each a session.
 *
 * When descriptors or memory run out (EMFILE, ENOBUFS, ...), or nothing but errors
 * comes, it pauses instead of spinning, and tries again a little later; the connection
 * waits in the kernel's queue meanwhile.
 */
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "session/endpoint.h"
#include "session/session.h"
#include "transport/filter.h"

enum { ACCEPT_MAX = 64, PAUSE_MS = 100 };

typedef struct listener {
    fmq__endpoint base;
    char *bound_name;
    int fd;
    fmq__watch watch;
    fmq__timer pause;
} listener;

static listener *
from_base(fmq__endpoint *e)
{
    return FMQ__ITEM(e, listener, base);
}

static void
start(listener *l)
{
    if (fmq__io_watch(l->base.hub->io, &l->watch, l->fd, FMQ__EV_IN) != 0) {
        fmq__io_set_timer(l->base.hub->io, &l->pause, fmq__deadline_ns(PAUSE_MS));
    }
}

static void
pause_accepting(listener *l)
{
    fmq__io_unwatch(l->base.hub->io, &l->watch);
    fmq__io_set_timer(l->base.hub->io, &l->pause, fmq__deadline_ns(PAUSE_MS));
}

static void
on_pause_over(fmq__timer *t)
{
    start(FMQ__ITEM(t, listener, pause));
}

static void
tell(const listener *l, uint64_t type, uint64_t value)
{
    const fmq__event e = {type, value, l->bound_name, "", true, 0};

    fmq__hub_tell(l->base.hub, &e);
}

/* Makes a session of an accepted connection. Without memory for one it is closed;
 * others may come. */
static void
take(listener *l, int fd)
{
    fmq__endpoint *e = &l->base;
    const fmq__blob *filters = &e->opts.bytes.filters;
    fmq__session *s;

    if (!fmq__filter_admits(filters->data, filters->len / sizeof(fmq__filter), fd)) {
        (void)close(fd);
        tell(l, FMQ__EVENT_ACCEPT_FAILED, EACCES);
        return;
    }
    if (fmq__session_open(e->hub, e, fd, &e->opts, &s) == 0) {
        fmq__session_tell(s, FMQ__EVENT_ACCEPTED, (uint64_t)fd);
    }
}

static void
on_ready(fmq__watch *w, unsigned events)
{
    listener *l = FMQ__ITEM(w, listener, watch);
    fmq__endpoint *e = &l->base;

    (void)events;
    for (int i = 0, n_failed = 0; i < ACCEPT_MAX; i++) {
        int fd;
        int err = e->addr.transport->accept(l->fd, &e->opts.stream, &fd);

        if (err == EAGAIN) {
            return;
        }
        if (err != 0) {
            tell(l, FMQ__EVENT_ACCEPT_FAILED, (uint64_t)err);
        }
        n_failed += err != 0;
        if (err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM ||
            n_failed == ACCEPT_MAX) {
            pause_accepting(l);
            return;
        }
        if (err == 0) {
            take(l, fd);
        }
    }
}

static void
open_listener(fmq__endpoint *e)
{
    start(from_base(e));
}

static void
on_buried(fmq__chore *c)
{
    listener *l = from_base(FMQ__ITEM(c, fmq__endpoint, burial));

    fmq__addr_fini(&l->base.addr);
    fmq__byte_opts_drop(&l->base.opts.bytes);
    fmq__free(l->bound_name);
    fmq__free(l);
}

/* Accepted connections go with their listener: what came stays readable, what is queued
 * for them is written within the linger time. */
static void
close_listener(fmq__endpoint *e, int64_t linger_ms)
{
    listener *l = from_base(e);
    fmq__hub *h = e->hub;
    fmq__node *n = h->all_sessions.next;

    e->is_closing = true;
    if (l->watch.fd >= 0) {
        fmq__io_unwatch(h->io, &l->watch);
    }
    fmq__io_clear_timer(h->io, &l->pause);
    e->addr.transport->unlisten(&e->addr, l->bound_name, l->fd);
    tell(l, FMQ__EVENT_CLOSED, (uint64_t)l->fd);
    while (n != &h->all_sessions) {
        fmq__session *s = FMQ__ITEM(n, fmq__session, io_node);

        n = n->next;
        if (s->endpoint == e) {
            s->endpoint = NULL;
            fmq__session_io_close(s, linger_ms);
        }
    }
    fmq__list_remove(&e->node);
    fmq__io_bury(h->io, &e->burial);
    fmq__io_post(h->io, &h->work_task); /* it may have been the last */
}

static void
on_session_end(fmq__endpoint *e, int err)
{
    (void)e;
    (void)err;
}

static const fmq__endpoint_ops listener_ops = {
    .open = open_listener,
    .close = close_listener,
    .on_session_end = on_session_end,
};

int
fmq__listener_new(fmq__hub *h, fmq__addr *addr, const fmq__link_opts *opts, int fd,
                  const char *bound_name, fmq__endpoint **e)
{
    listener *l = fmq__calloc(1, sizeof(*l));

    if (l == NULL) {
        return ENOMEM;
    }
    l->bound_name = fmq__strdup(bound_name);
    if (l->bound_name == NULL) {
        fmq__free(l);
        return ENOMEM;
    }
    fmq__endpoint_init(&l->base, &listener_ops, h, addr, opts);
    l->base.is_bound = true;
    fmq__chore_init(&l->base.burial, on_buried);
    l->fd = fd;
    l->watch.on_ready = on_ready;
    l->watch.fd = -1;
    fmq__timer_init(&l->pause, on_pause_over);
    *e = &l->base;
    return 0;
}
