/* SPDX-License-Identifier: Apache-2.0 */
/* A listener: accepts connections on the I/O thread and gives each a session.
 *
 * When descriptors or memory run out (EMFILE, ENOBUFS, ...), or nothing but errors
 * comes, it pauses instead of spinning, and tries again a little later; the connection
 * waits in the kernel's queue meanwhile.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "session/endpoint.h"
#include "session/session.h"
#include "transport/filter.h"

/* FULL_PAUSE_MS: while as many handshakes go on as may. PATIENCE_MS: how long one of
 * them may have taken then before it gives way to a newcomer: who does not mean to
 * finish it holds its place no longer, and in a rush of those who do nobody is thrown
 * out. */
enum { ACCEPT_MAX = 64, PAUSE_MS = 100, FULL_PAUSE_MS = 5, PATIENCE_MS = 1000 };

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
pause_accepting(listener *l, int64_t ms)
{
    fmq__io_unwatch(l->base.hub->io, &l->watch);
    fmq__io_set_timer(l->base.hub->io, &l->pause, fmq__deadline_ns(ms));
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

static bool
is_admitted(const fmq__link_opts *o, int fd, const struct sockaddr_storage *from)
{
    const fmq__blob *filters = &o->bytes.filters;

    return fmq__filter_admits(filters->data, filters->len / sizeof(fmq__filter), fd) &&
           fmq__allow_admits(o->bytes.allow, from) &&
           /* Who speaks no ZMTP shows no credentials. */
           !(o->is_raw && fmq__allow_wants_credentials(o->bytes.allow));
}

/* Makes a session of an accepted connection. If it can't be had, that is closed; others
 * may come. */
static void
take(listener *l, int fd)
{
    fmq__endpoint *e = &l->base;
    fmq__crowd *crowd = &e->hub->crowd;
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof(from);
    fmq__place *place;
    fmq__session *s;
    int err = getpeername(fd, (struct sockaddr *)(void *)&from, &len) != 0 ? errno : 0;

    if (err == 0 && !is_admitted(&e->opts, fd, &from)) {
        err = EACCES;
    }
    if (err == 0) {
        err = fmq__crowd_take_seat(crowd, &from,
                                   (uint32_t)e->opts.max_peers_per_address, &place);
    }
    if (err != 0) {
        (void)close(fd);
        tell(l, FMQ__EVENT_ACCEPT_FAILED, (uint64_t)err);
        return;
    }
    err = fmq__session_open(e->hub, e, fd, &e->opts, &s);
    if (err != 0) {
        fmq__crowd_give_seat(crowd, place);
        tell(l, FMQ__EVENT_ACCEPT_FAILED, (uint64_t)err);
        return;
    }
    fmq__crowd_enter(crowd, &s->guest, place, fmq__io_now(e->hub->io));
    fmq__session_tell(s, FMQ__EVENT_ACCEPTED, (uint64_t)fd);
}

/* Whether one more handshake may begin; `*out` (or NULL) has to end for it. */
static bool
has_room(const fmq__endpoint *e, fmq__session **out)
{
    const fmq__crowd *crowd = &e->hub->crowd;
    int max = e->opts.max_handshakes;
    fmq__guest *oldest;

    *out = NULL;
    if (max == 0 || crowd->n_shaking < (size_t)max) {
        return true;
    }
    oldest = fmq__crowd_oldest(crowd, fmq__io_now(e->hub->io),
                               (uint64_t)PATIENCE_MS * 1000000);
    if (oldest == NULL) {
        return false;
    }
    *out = FMQ__ITEM(oldest, fmq__session, guest);
    return true;
}

static void
on_ready(fmq__watch *w, unsigned events)
{
    listener *l = FMQ__ITEM(w, listener, watch);
    fmq__endpoint *e = &l->base;

    (void)events;
    for (int i = 0, n_failed = 0; i < ACCEPT_MAX; i++) {
        fmq__session *out;
        int fd;
        int err;

        if (!has_room(e, &out)) {
            pause_accepting(l, FULL_PAUSE_MS);
            return;
        }
        err = e->addr.transport->accept(l->fd, &e->opts.stream, &fd);
        if (err == EAGAIN) {
            return;
        }
        if (err != 0) {
            tell(l, FMQ__EVENT_ACCEPT_FAILED, (uint64_t)err);
        }
        n_failed += err != 0;
        if (err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM ||
            n_failed == ACCEPT_MAX) {
            pause_accepting(l, PAUSE_MS);
            return;
        }
        if (err == 0 && out != NULL) {
            fmq__handshake_fail(out, ECONNABORTED);
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
on_session_over(fmq__endpoint *e, int err)
{
    (void)e;
    (void)err;
}

static const fmq__endpoint_ops listener_ops = {
    .open = open_listener,
    .close = close_listener,
    .on_session_loss = on_session_over,
    .on_session_end = on_session_over,
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
