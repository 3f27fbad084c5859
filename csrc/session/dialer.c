/* SPDX-License-Identifier: Apache-2.0 */
/* A dialer: keeps one connection to an endpoint, for as long as the socket wants it.
 *
 *   start -> look up (if the host is a name) -> try each address -> session
 *     ^                                              |                 |
 *     +---- wait RECONNECT_IVL (and back off) <------+--- lost --------+
 *
 * With SOCKS_PROXY it is the proxy that is looked up and dialled, and before there is a
 * session the proxy is asked for the endpoint, whose name it looks up itself.
 *
 * The pipe, and what is queued in it, is the dialer's and outlives each connection
 * (with IMMEDIATE it is the connection's). A protocol violation ends the dialer for
 * good, since the peer would only commit it again: it stays listed, but does nothing.
 * One that is not to dial again (RECONNECT_IVL 0 or -1, RECONNECT_STOP) is over when
 * its connection is lost: as after a disconnect, nothing is sent there any more, and
 * its name means nothing; but what has come is read.
 * Closed with something queued it goes on, reconnecting if need be, until all is
 * written or the linger time is over.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "session/endpoint.h"
#include "session/session.h"
#include "session/tunnel.h"

typedef struct dialer {
    fmq__endpoint base;
    fmq__resolver *resolver;
    fmq__addr proxy;    /* SOCKS_PROXY; nothing: none */
    fmq__socks *socks;  /* while the proxy is being asked; NULL: it is not */
    fmq__lookup lookup; /* also holds the addresses to try */
    fmq__task answered; /* the look-up is done */
    bool is_looking_up;
    bool is_over;     /* nothing more will be tried */
    bool is_retained; /* closed while a look-up is out: freed when it is back */
    int next;         /* the address to try next */
    int fd;           /* being connected; -1: none */
    fmq__watch watch;
    fmq__timer timer;  /* a retry, or the time limit of a connect */
    fmq__timer linger; /* after close */
    fmq__session *session;
    uint32_t n_retries; /* since the last connection, for the back-off */
    int reason;         /* why there is no connection: FMQ__STOP_*, or 0 */
} dialer;

static void start(dialer *d);
static void try_next(dialer *d);
static void finish(dialer *d);

static dialer *
from_base(fmq__endpoint *e)
{
    return FMQ__ITEM(e, dialer, base);
}

static fmq__io *
io_of(const dialer *d)
{
    return d->base.hub->io;
}

/* What is dialled: the endpoint or its proxy. */
static const fmq__addr *
target_of(const dialer *d)
{
    return d->proxy.transport != NULL ? &d->proxy : &d->base.addr;
}

static uint64_t
retry_delay_ms(dialer *d)
{
    uint64_t ivl = (uint64_t)d->base.opts.reconnect_ivl_ms;
    uint64_t max = (uint64_t)d->base.opts.reconnect_ivl_max_ms;
    uint64_t delay = ivl;

    if (max == 0) {
        return ivl + fmq__random_u32() % ivl;
    }
    for (uint32_t i = 0; i < d->n_retries && delay < max; i++) {
        delay *= 2;
    }
    return delay < max ? delay : max;
}

static void
tell(const dialer *d, uint64_t type, uint64_t value)
{
    const fmq__addr *addr = target_of(d);
    char text[512];
    const fmq__event e = {type, value, "", text, false, 0};

    if (fmq__hub_is_monitored(d->base.hub)) {
        (void)snprintf(text, sizeof(text), "%s://%s", addr->transport->scheme,
                       addr->text);
        fmq__hub_tell(d->base.hub, &e);
    }
}

/* There will be no other connection: nothing more is sent through the pipe, but what
 * came is read. Under L. */
static void
orphan_peer(dialer *d)
{
    fmq__peer *p = d->base.peer;

    if (p != NULL) {
        d->base.peer = NULL;
        p->addr = NULL;
        fmq__list_remove(&p->dialled);
        fmq__peer_orphan(p);
    }
}

/* The socket has this endpoint no more. */
static void
leave_socket(dialer *d)
{
    fmq__hub *h = d->base.hub;

    fmq__hub_lock(h);
    d->base.is_gone = true;
    h->n_gone++;
    orphan_peer(d);
    fmq__hub_unlock(h);
}

/* Nothing more is tried. A first attempt that failed is not heard of: what was queued
 * waits for ever. */
static void
give_up(dialer *d)
{
    bool is_stopped = (d->base.opts.reconnect_stop & d->reason) != 0;
    bool was_there =
        (d->reason & (FMQ__STOP_DISCONNECTED | FMQ__STOP_SHAKE_FAILED)) != 0;

    d->is_over = true;
    if (d->base.is_closing) {
        finish(d);
    } else if (is_stopped || was_there) {
        leave_socket(d);
    }
}

static bool
retries(const dialer *d)
{
    return d->base.opts.reconnect_ivl_ms > 0 && /* 0 and -1 both mean: never */
           (d->base.opts.reconnect_stop & d->reason) == 0;
}

static void
retry_later(dialer *d)
{
    uint64_t delay_ms;

    if (!retries(d)) {
        give_up(d);
        return;
    }
    delay_ms = retry_delay_ms(d);
    fmq__io_set_timer(io_of(d), &d->timer, fmq__deadline_ns((int64_t)delay_ms));
    d->n_retries++;
    tell(d, FMQ__EVENT_CONNECT_RETRIED, delay_ms);
}

/* The attempt is over; its descriptor stays. */
static void
end_attempt(dialer *d)
{
    if (d->socks != NULL) {
        fmq__tunnel_close(d->socks);
        d->socks = NULL;
    }
    if (d->watch.fd >= 0) {
        fmq__io_unwatch(io_of(d), &d->watch);
    }
    fmq__io_clear_timer(io_of(d), &d->timer);
}

static void
drop_attempt(dialer *d)
{
    end_attempt(d);
    if (d->fd >= 0) {
        close(d->fd);
        tell(d, FMQ__EVENT_CLOSED, (uint64_t)d->fd);
        d->fd = -1;
    }
}

/* Connected: the descriptor becomes a session's. */
static void
begin_session(dialer *d)
{
    fmq__endpoint *e = &d->base;
    int fd = d->fd;

    end_attempt(d);
    d->fd = -1;
    d->n_retries = 0;
    if (fmq__session_open(e->hub, e, fd, &e->opts, &d->session) != 0) {
        d->session = NULL;
        retry_later(d);
    } else {
        fmq__session_tell(d->session, FMQ__EVENT_CONNECTED, (uint64_t)fd);
    }
}

static void
note_reason(dialer *d, int err)
{
    d->reason = err == ECONNREFUSED ? FMQ__STOP_REFUSED : 0;
}

static void
fail_attempt(dialer *d, int err)
{
    note_reason(d, err);
    drop_attempt(d);
    try_next(d);
}

static void
ask_proxy(dialer *d)
{
    unsigned events;
    int err = fmq__tunnel_run(d->socks, d->fd, &events);

    if (err == EAGAIN) {
        err = d->watch.fd >= 0 ? fmq__io_rewatch(io_of(d), &d->watch, events)
                               : fmq__io_watch(io_of(d), &d->watch, d->fd, events);
        if (err == 0) {
            return;
        }
    }
    if (err == 0) {
        begin_session(d);
    } else {
        fail_attempt(d, err);
    }
}

/* The descriptor is connected: to the endpoint, or to the proxy that leads there. */
static void
on_connected(dialer *d)
{
    const fmq__link_opts *o = &d->base.opts;
    int limit_ms =
        o->connect_timeout_ms > 0 ? o->connect_timeout_ms : o->handshake_ivl_ms;
    int err;

    if (d->proxy.transport == NULL) {
        begin_session(d);
        return;
    }
    err = fmq__tunnel_open(&o->bytes.socks, &d->base.addr, &d->socks);
    if (err != 0) {
        fail_attempt(d, err);
        return;
    }
    if (limit_ms > 0 && !d->timer.is_set) {
        fmq__io_set_timer(io_of(d), &d->timer, fmq__deadline_ns(limit_ms));
    }
    ask_proxy(d);
}

static void
on_ready(fmq__watch *w, unsigned events)
{
    dialer *d = FMQ__ITEM(w, dialer, watch);
    int err;

    (void)events;
    if (d->socks != NULL) {
        ask_proxy(d);
        return;
    }
    err = target_of(d)->transport->dial_result(d->fd);
    if (err == 0) {
        on_connected(d);
    } else {
        fail_attempt(d, err);
    }
}

/* Tries the addresses that are left; when none is, waits. */
static void
try_next(dialer *d)
{
    fmq__endpoint *e = &d->base;

    while (d->next < d->lookup.n) {
        const fmq__sockaddr *sa = &d->lookup.found[d->next++];
        const fmq__addr *to = target_of(d);
        int err = to->transport->dial(to, sa, &e->opts.stream, &d->fd);

        if (err == 0) {
            on_connected(d);
            return;
        }
        if (err != EINPROGRESS) {
            d->fd = -1;
            note_reason(d, err);
            continue;
        }
        tell(d, FMQ__EVENT_CONNECT_DELAYED, EINPROGRESS);
        if (fmq__io_watch(io_of(d), &d->watch, d->fd, FMQ__EV_OUT) != 0) {
            drop_attempt(d);
            continue;
        }
        if (e->opts.connect_timeout_ms > 0) {
            fmq__io_set_timer(io_of(d), &d->timer,
                              fmq__deadline_ns(e->opts.connect_timeout_ms));
        }
        return;
    }
    retry_later(d);
}

static void
on_timer(fmq__timer *t)
{
    dialer *d = FMQ__ITEM(t, dialer, timer);

    if (d->fd >= 0) {
        drop_attempt(d); /* it took too long */
        try_next(d);
    } else {
        start(d);
    }
}

/* On the resolver's thread. */
static void
on_looked_up(fmq__lookup *l)
{
    dialer *d = FMQ__ITEM(l, dialer, lookup);

    fmq__io_post(io_of(d), &d->answered);
}

static void
on_answered(fmq__task *t)
{
    dialer *d = FMQ__ITEM(t, dialer, answered);

    d->is_looking_up = false;
    if (d->is_retained) {
        finish(d);
        return;
    }
    if (d->lookup.result != 0) {
        d->lookup.n = 0;
    }
    try_next(d);
}

static void
start(dialer *d)
{
    const fmq__addr *to = target_of(d);

    d->next = 0;
    d->lookup.n = 0;
    d->reason = 0;
    if (!to->needs_resolver) {
        if (to->transport->resolve(to, FMQ__ADDR_CONNECT, &d->base.opts.stream,
                                   d->lookup.found, FMQ__RESOLVE_MAX,
                                   &d->lookup.n) != 0) {
            d->lookup.n = 0;
        }
        try_next(d);
        return;
    }
    d->is_looking_up = true;
    if (fmq__resolver_post(d->resolver, &d->lookup) != 0) {
        d->is_looking_up = false;
        retry_later(d);
    }
}

static void
open_dialer(fmq__endpoint *e)
{
    dialer *d = from_base(e);

    if (e->is_refused) {
        d->is_over = true;
    } else {
        start(d);
    }
}

/* Takes the pipe from the pattern: nothing more is sent through it or read from it. */
static void
give_up_peer(dialer *d)
{
    fmq__hub *h = d->base.hub;
    fmq__peer *p = d->base.peer;

    if (p == NULL) {
        return;
    }
    fmq__hub_lock(h);
    p->net.pipe.is_closed_out = true;
    fmq__hub_detach(h, &p->net.pipe);
    fmq__hub_unlock(h);
}

static void
on_buried(fmq__chore *c)
{
    dialer *d = from_base(FMQ__ITEM(c, fmq__endpoint, burial));

    if (d->base.peer != NULL) {
        fmq__peer_free(d->base.peer);
    }
    fmq__addr_fini(&d->proxy);
    fmq__addr_fini(&d->base.addr);
    fmq__byte_opts_drop(&d->base.opts.bytes);
    fmq__free(d);
}

/* Closed, and without a session: nothing keeps it. */
static void
finish(dialer *d)
{
    fmq__hub *h = d->base.hub;

    drop_attempt(d);
    fmq__io_clear_timer(io_of(d), &d->linger);
    if (d->is_looking_up) {
        d->is_retained = true;
        return;
    }
    if (d->base.peer != NULL) {
        fmq__hub_lock(h);
        fmq__list_remove(&d->base.peer->dialled);
        fmq__hub_unlock(h);
    }
    fmq__list_remove(&d->base.node);
    fmq__io_bury(h->io, &d->base.burial);
    fmq__io_post(h->io, &h->work_task); /* it may have been the last */
}

static bool
has_queued(const dialer *d)
{
    const fmq__peer *p = d->base.peer;
    bool is_queued;

    if (p == NULL || d->is_over) {
        return false;
    }
    fmq__hub_lock(d->base.hub);
    is_queued = p->net.n_out != 0;
    fmq__hub_unlock(d->base.hub);
    return is_queued;
}

static void
on_linger_over(fmq__timer *t)
{
    dialer *d = FMQ__ITEM(t, dialer, linger);

    if (d->session != NULL) {
        d->is_over = true;
        fmq__session_io_close(d->session, 0);
    } else {
        finish(d);
    }
}

static void
close_dialer(fmq__endpoint *e, int64_t linger_ms)
{
    dialer *d = from_base(e);

    if (e->is_closing) { /* the second time: the linger time is over, or a new one */
        if (linger_ms == 0) {
            on_linger_over(&d->linger);
        }
        return;
    }
    e->is_closing = true;
    give_up_peer(d);
    if (linger_ms == 0) {
        d->is_over = true;
    } else if (linger_ms > 0) {
        fmq__io_set_timer(io_of(d), &d->linger, fmq__deadline_ns(linger_ms));
    }
    if (d->session != NULL) {
        bool is_shaking = fmq__session_is_shaking(d->session);

        if (linger_ms == 0 || (is_shaking && !has_queued(d))) {
            fmq__session_io_close(d->session, 0);
        } else if (!is_shaking) {
            fmq__session_io_close(d->session, linger_ms);
        }
    } else if (!has_queued(d)) {
        finish(d);
    }
}

/* Whether a peer that did this would do it again. */
static bool
is_violation(int err)
{
    return err == EPROTO || err == EMSGSIZE || err == EACCES;
}

/* Whether it will be dialled again, too, so that no event of the end comes before the
 * pipe of one that will not be is shut. */
static void
on_session_loss(fmq__endpoint *e, int err)
{
    dialer *d = from_base(e);

    d->reason = fmq__session_was_established(d->session) ? FMQ__STOP_DISCONNECTED
                                                         : FMQ__STOP_SHAKE_FAILED;
    d->session = NULL;
    if (e->is_closing) {
        return;
    }
    if (is_violation(err)) {
        d->is_over = true;
        fmq__hub_lock(e->hub);
        orphan_peer(d);
        fmq__hub_unlock(e->hub);
    } else if (err == EBUSY) {
        d->is_over = true;
        give_up_peer(d);
    } else if (!retries(d)) {
        give_up(d);
    }
}

static void
on_session_end(fmq__endpoint *e, int err)
{
    dialer *d = from_base(e);

    if (e->is_closing && (!has_queued(d) || err == 0 || is_violation(err))) {
        finish(d);
    } else if (!d->is_over) {
        retry_later(d);
    }
}

static const fmq__endpoint_ops dialer_ops = {
    .open = open_dialer,
    .close = close_dialer,
    .on_session_loss = on_session_loss,
    .on_session_end = on_session_end,
};

int
fmq__dialer_new(fmq__hub *h, fmq__addr *addr, const fmq__link_opts *opts,
                fmq__peer *peer, fmq__resolver *resolver, fmq__endpoint **e)
{
    dialer *d = fmq__calloc(1, sizeof(*d));
    int err;

    if (d == NULL) {
        return ENOMEM;
    }
    err = fmq__tunnel_find(&opts->bytes.socks, addr, &d->proxy);
    if (err != 0) {
        fmq__free(d);
        return err;
    }
    fmq__endpoint_init(&d->base, &dialer_ops, h, addr, opts);
    fmq__chore_init(&d->base.burial, on_buried);
    d->base.peer = peer;
    d->resolver = resolver;
    d->lookup.addr = target_of(d);
    d->lookup.opts = &d->base.opts.stream;
    d->lookup.on_done = on_looked_up;
    fmq__task_init(&d->answered, on_answered);
    d->fd = -1;
    d->watch.on_ready = on_ready;
    d->watch.fd = -1;
    fmq__timer_init(&d->timer, on_timer);
    fmq__timer_init(&d->linger, on_linger_over);
    *e = &d->base;
    return 0;
}
