/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/socket.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "socket/value.h"

/* --- the end --- */

/* On the I/O thread: all that was queued is written or given up. */
static void
on_finished(fmq__hub *h)
{
    fmq__socket *s = FMQ__ITEM(h, fmq__socket, hub);
    fmq__ctx *c = s->ctx;

    fmq__hub_lock(h);
    h->generation++; /* from here on the handle is stale */
    fmq__hub_unlock(h);
    fmq__hub_fini(h);
    fmq__options_fini(&s->opt);
    fmq__free(s->last_endpoint);
    s->last_endpoint = NULL;
    s->ctx = NULL;
    fmq__ctx_load_io(c, s->io, -1);
    fmq__mutex_lock(&c->mutex);
    fmq__list_remove(&s->member.node);
    fmq__shell_give(s);
    /* F2 -> F1 in ctx.c */
    atomic_fetch_sub_explicit(&c->n_sockets, 1, memory_order_release);
    fmq__mutex_unlock(&c->mutex);
    fmq__futex_wake(&c->n_sockets, INT32_MAX);
}

static int
on_errand(fmq__hub *h, fmq__errand *e)
{
    return fmq__errands_post(FMQ__ITEM(h, fmq__socket, hub)->ctx->errands, e);
}

static const fmq__hub_events hub_events = {
    .on_note = fmq__inproc_on_note,
    .on_finished = on_finished,
    .on_zap = fmq__inproc_on_zap,
    .on_errand = on_errand,
    .on_event = fmq__monitor_on_event,
};

int
fmq__socket_close(fmq_socket handle)
{
    fmq__staged staged;
    fmq__socket *s;
    fmq__hub *h;
    int err = fmq__socket_enter(handle, false, &s);

    if (err != 0) {
        return err;
    }
    h = &s->hub;
    if (h->is_closed) {
        fmq__hub_unlock(h);
        return ENOTSOCK;
    }
    h->is_closed = true;
    h->n_inside++; /* it stays until we are done */
    h->linger_ms = s->opt.linger_ms;
    staged = s->staged; /* nothing is staged on a closed socket */
    s->staged = (fmq__staged){NULL, 0, 0};
    fmq__hub_wake_all(h);
    fmq__socket_drop_endpoints(s);
    fmq__hub_unlock(h);
    fmq__inproc_close_all(s);
    fmq__staged_drop(&staged);
    fmq__monitor_stop(s); /* it has heard of the listeners' ends */
    fmq__hub_lock(h);
    fmq__hub_exit(h);
    fmq__hub_unlock(h);
    return 0;
}

/* Under the ctx mutex. */
static void
stop(fmq__member *m)
{
    fmq__socket *s = FMQ__ITEM(m, fmq__socket, member);

    fmq__hub_lock(&s->hub);
    s->hub.is_terminated = true;
    if (!s->hub.is_finished) {
        fmq__hub_wake_all(&s->hub);
    }
    fmq__hub_unlock(&s->hub);
}

/* --- the beginning --- */

/* Makes a socket of a shell; from then on it can be found by its handle. */
static int
fill(fmq__socket *s, fmq__ctx *c, const fmq__pattern_ops *ops, fmq_socket *handle)
{
    fmq__pattern *pattern;
    int io = fmq__ctx_pick_io(c, 0);
    int err = fmq__pattern_new(ops, &pattern);

    if (err != 0) {
        return err;
    }
    fmq__hub_lock(&s->hub);
    err = fmq__hub_open(&s->hub, c->io[io], pattern, &hub_events);
    if (err != 0) {
        fmq__hub_unlock(&s->hub);
        fmq__pattern_free(pattern);
        return err;
    }
    s->hub.help.crew = c->io;
    s->hub.help.n_crew = c->n_io;
    s->ctx = c;
    s->io = io;
    fmq__ctx_load_io(c, io, 1);
    fmq__list_init(&s->member.node);
    s->member.stop = stop;
    s->member.report = fmq__unsent_report;
    fmq__options_init(&s->opt);
    s->opt.ipv6 = c->ipv6;
    if (!c->blocky || ops->has_zero_linger) {
        s->opt.linger_ms = 0;
    }
    fmq__list_init(&s->names);
    fmq__list_init(&s->inprocs);
    s->last_endpoint = NULL;
    s->staged = (fmq__staged){NULL, 0, 0};
    s->rcvmore = false;
    s->connect_id_len = 0;
    s->n_unlooked = 0;
    s->hub.generation++;
    *handle = fmq__shell_handle(s);
    fmq__hub_unlock(&s->hub);
    return 0;
}

static int
make_socket(fmq__ctx *c, const fmq__pattern_ops *ops, fmq_socket *handle)
{
    uint32_t n = atomic_load_explicit(&c->n_sockets, memory_order_relaxed);
    fmq__socket *s;
    int err;

    if (c->is_terminating) {
        return FMQ_ETERM;
    }
    if (n >= (uint32_t)c->max_sockets) {
        return EMFILE;
    }
    err = fmq__ctx_start(c);
    if (err != 0) {
        return err;
    }
    err = fmq__shell_take(&s);
    if (err != 0) {
        return err;
    }
    err = fill(s, c, ops, handle);
    if (err != 0) {
        fmq__shell_give(s);
        return err;
    }
    fmq__list_push_back(&c->sockets, &s->member.node);
    atomic_store_explicit(&c->n_sockets, n + 1, memory_order_relaxed);
    return 0;
}

int
fmq__socket_new(fmq__ctx *c, int type, fmq_socket *handle)
{
    const fmq__pattern_ops *ops = fmq__pattern_find(type);

    return ops != NULL ? fmq__socket_new_of(c, ops, handle) : EINVAL;
}

void
fmq__socket_poke(fmq_socket handle)
{
    fmq__socket *s;

    if (fmq__socket_enter_open(handle, false, &s) == 0) {
        fmq__socket_leave(s);
    }
}

int
fmq__socket_new_of(fmq__ctx *c, const fmq__pattern_ops *ops, fmq_socket *handle)
{
    int err;

    fmq__mutex_lock(&c->mutex);
    err = make_socket(c, ops, handle);
    fmq__mutex_unlock(&c->mutex);
    return err;
}

/* --- options --- */

/* The marks of pipes that live already. */
static void
spread_marks(fmq__socket *s)
{
    uint32_t out = (uint32_t)s->opt.sndhwm;
    uint32_t in = (uint32_t)s->opt.rcvhwm;

    for (fmq__node *n = s->names.next; n != &s->names; n = n->next) {
        fmq__name *name = FMQ__ITEM(n, fmq__name, node);

        if (name->kind == FMQ__NAME_DIALER && name->u.endpoint->peer != NULL) {
            fmq__netpipe_set_limits(&name->u.endpoint->peer->net, out, in);
        }
    }
    fmq__hub_set_marks(&s->hub, out, in);
    fmq__inproc_set_marks(s);
    fmq__hub_notify(&s->hub, FMQ__DIR_OUT); /* there may be room now */
}

static int
set_connect_id(fmq__socket *s, const void *value, size_t len)
{
    if (s->hub.pattern->ops->can_name == NULL || value == NULL || len == 0 ||
        len > sizeof(s->connect_id)) {
        return EINVAL;
    }
    memcpy(s->connect_id, value, len);
    s->connect_id_len = (uint8_t)len;
    return 0;
}

/* The type's own options come first. */
static int
set_option(fmq__socket *s, int option, const void *value, size_t len)
{
    fmq__hub *h = &s->hub;
    int err;

    if (value == NULL && len != 0) {
        return EINVAL;
    }
    if (option == FMQ__OPT_CONNECT_ROUTING_ID) {
        return set_connect_id(s, value, len);
    }
    err = fmq__pattern_set_option(h->pattern, option, value, len);
    if (err == 0) {
        fmq__hub_sent(h, fmq__clock_fast_ns()); /* subscriptions go out */
        (void)fmq__hub_resume_all(h);
    }
    return err == EINVAL ? fmq__options_set(&s->opt, option, value, len) : err;
}

/* LINGER may also be set while the context ends: it is what lets it. */
static int
enter_to_set(fmq_socket handle, int option, fmq__socket **socket)
{
    int err;

    if (option != FMQ__OPT_LINGER) {
        return fmq__socket_enter_open(handle, false, socket);
    }
    err = fmq__socket_enter(handle, false, socket);
    if (err == 0 && (*socket)->hub.is_closed) {
        fmq__socket_leave(*socket);
        err = ENOTSOCK;
    }
    return err;
}

int
fmq__socket_set(fmq_socket handle, int option, const void *value, size_t len)
{
    fmq__socket *s;
    int err = enter_to_set(handle, option, &s);

    if (err != 0) {
        return err;
    }
    err = set_option(s, option, value, len);
    if (err == 0 && (option == FMQ__OPT_SNDHWM || option == FMQ__OPT_RCVHWM)) {
        spread_marks(s);
        (void)fmq__hub_resume_all(&s->hub);
    } else if (err == 0 && option == FMQ_SPIN_US) {
        fmq__spin_limit(&s->hub.spin, s->opt.spin_us);
    }
    fmq__socket_leave(s);
    return err;
}

static int
get_last_endpoint(const fmq__socket *s, void *value, size_t *len)
{
    const char *text = s->last_endpoint != NULL ? s->last_endpoint : "";

    return fmq__value_put(text, strlen(text) + 1, value, len);
}

/* What is no plain option but the state of the socket. */
static int
get_state(fmq__socket *s, int option, int *n)
{
    *n = 0;
    switch (option) {
    case FMQ__OPT_RCVMORE:
        *n = s->rcvmore;
        return 0;
    case FMQ__OPT_FD:
        return fmq__hub_export_fd(&s->hub, n);
    case FMQ__OPT_EVENTS:
        *n = (int)fmq__hub_harvest(&s->hub);
        return fmq__hub_state(&s->hub);
    case FMQ__OPT_TYPE:
        *n = s->hub.pattern->ops->type;
        return 0;
    default: /* THREAD_SAFE: all are, but these libzmq calls so */
        *n = s->hub.pattern->ops->is_single;
        return 0;
    }
}

static int
get_option(fmq__socket *s, int option, void *value, size_t *len)
{
    int n;
    int err;

    switch (option) {
    case FMQ__OPT_LAST_ENDPOINT:
        return get_last_endpoint(s, value, len);
    case FMQ__OPT_TYPE:
        err = *len == sizeof(n) ? 0 : EINVAL;
        break;
    case FMQ__OPT_RCVMORE:
    case FMQ__OPT_FD:
    case FMQ__OPT_EVENTS:
    case FMQ__OPT_THREAD_SAFE:
        err = *len >= sizeof(n) ? 0 : EINVAL;
        break;
    default:
        err = fmq__pattern_get_option(s->hub.pattern, option, value, len);
        return err == EINVAL ? fmq__options_get(&s->opt, option, value, len) : err;
    }
    if (err == 0) {
        err = get_state(s, option, &n);
    }
    return err == 0 ? fmq__value_put(&n, sizeof(n), value, len) : err;
}

int
fmq__socket_get(fmq_socket handle, int option, void *value, size_t *len)
{
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, false, &s);

    if (err != 0) {
        return err;
    }
    err = get_option(s, option, value, len);
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_peer_state(fmq_socket handle, const void *id, size_t len, unsigned *events)
{
    fmq__socket *s;
    fmq__pattern *p;
    int err = fmq__socket_enter_open(handle, false, &s);

    if (err != 0) {
        return err;
    }
    p = s->hub.pattern;
    err = p->ops->check_peer != NULL ? p->ops->check_peer(p, id, len) : ENOTSUP;
    fmq__socket_leave(s);
    *events = err == 0 ? FMQ_POLLOUT : 0;
    return err == EAGAIN ? 0 : err;
}

int
fmq__socket_join(fmq_socket handle, const char *group, bool is_join)
{
    fmq__socket *s;
    fmq__pattern *p;
    int err = fmq__socket_enter_open(handle, false, &s);

    if (err != 0) {
        return err;
    }
    p = s->hub.pattern;
    err = p->ops->join != NULL ? p->ops->join(p, group, is_join) : ENOTSUP;
    if (err == 0) {
        fmq__hub_sent(&s->hub, fmq__clock_fast_ns());
    }
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_drop_peer(fmq_socket handle, uint32_t number)
{
    fmq__socket *s;
    fmq__pattern *p;
    int err = fmq__socket_enter_open(handle, false, &s);

    if (err != 0) {
        return err;
    }
    p = s->hub.pattern;
    err = p->ops->drop_peer != NULL ? p->ops->drop_peer(p, number) : ENOTSUP;
    fmq__socket_leave(s);
    return err;
}
