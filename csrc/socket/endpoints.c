/* SPDX-License-Identifier: Apache-2.0 */
/* bind, connect, unbind, disconnect, and the names by which they are undone. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "socket/socket.h"
#include "transport/stream.h"

enum { NAME_MAX_LEN = 512 };

/* --- names --- */

void
fmq__name_free(fmq__name *n)
{
    fmq__free(n->text);
    fmq__free(n->resolved);
    fmq__free(n->last);
    fmq__free(n);
}

int
fmq__name_new(enum fmq__name_kind kind, const char *text, const char *resolved,
              fmq__name **name)
{
    fmq__name *n = fmq__calloc(1, sizeof(*n));

    if (n == NULL) {
        return ENOMEM;
    }
    fmq__list_init(&n->node);
    n->kind = kind;
    n->text = fmq__strdup(text);
    n->resolved = resolved != NULL ? fmq__strdup(resolved) : NULL;
    n->last = fmq__strdup(resolved != NULL ? resolved : text);
    if (n->text == NULL || n->last == NULL ||
        (resolved != NULL && n->resolved == NULL)) {
        fmq__name_free(n);
        return ENOMEM;
    }
    *name = n;
    return 0;
}

/* Whether the system is to choose the port or the path. Such a text says nothing of
 * the place. */
static bool
is_wildcard(const char *text)
{
    size_t len = strlen(text);

    return (len >= 2 && strcmp(text + len - 2, ":*") == 0) ||
           (strncmp(text, "tcp:", 4) == 0 && strcmp(text + len - 2, ":0") == 0) ||
           strcmp(text, "ipc://*") == 0;
}

static bool
is_called(const fmq__name *n, const char *text)
{
    if (n->resolved != NULL && strcmp(n->resolved, text) == 0) {
        return true;
    }
    return strcmp(n->text, text) == 0 && !(n->resolved != NULL && is_wildcard(text));
}

/* Takes what is over (fmq__endpoint.is_gone) off the socket's list; under L. */
static void
drop_gone(fmq__socket *s)
{
    fmq__node *n = s->names.next;

    if (s->hub.n_gone == 0) {
        return;
    }
    s->hub.n_gone = 0;
    while (n != &s->names) {
        fmq__name *name = FMQ__ITEM(n, fmq__name, node);

        n = n->next;
        if (name->kind == FMQ__NAME_DIALER && name->u.endpoint->is_gone) {
            fmq__list_remove(&name->node);
            fmq__endpoint_post_close(name->u.endpoint, 0, NULL);
            fmq__name_free(name);
        }
    }
}

/* Under L: whether a type that connects but once to an endpoint has done so. */
static bool
has_dialled(fmq__socket *s, const char *text)
{
    if (!s->hub.pattern->ops->dials_once) {
        return false;
    }
    for (fmq__node *n = s->names.next; n != &s->names; n = n->next) {
        const fmq__name *name = FMQ__ITEM(n, fmq__name, node);

        if (name->kind == FMQ__NAME_DIALER && strcmp(name->text, text) == 0) {
            return true;
        }
    }
    return false;
}

void
fmq__name_enter(fmq__socket *s, fmq__name *n)
{
    fmq__free(s->last_endpoint);
    s->last_endpoint = n->last;
    n->last = NULL;
    fmq__list_push_back(&s->names, &n->node);
}

/* --- bind --- */

/* Listens, in the caller's thread so that errors are the caller's. */
static int
open_listener(fmq__addr *addr, const fmq__link_opts *link, int *fd, char *name,
              size_t cap)
{
    const fmq__transport *t = addr->transport;
    fmq__sockaddr sa[FMQ__RESOLVE_MAX];
    int n;
    int err;

    if (link->use_fd >= 0) {
        err = fmq__stream_adopt(link->use_fd);
        *fd = link->use_fd;
        return err != 0 ? err : t->local_name(addr, *fd, name, cap);
    }
    err = t->resolve(addr, FMQ__ADDR_BIND, &link->stream, sa, FMQ__RESOLVE_MAX, &n);

    if (err == 0) {
        err = n > 0 ? t->listen(addr, &sa[0], &link->stream, fd) : ENODEV;
    }
    if (err != 0) {
        return err;
    }
    err = t->local_name(addr, *fd, name, cap);
    if (err != 0) {
        t->unlisten(addr, "", *fd);
    }
    return err;
}

static void
tell(fmq__socket *s, uint64_t type, uint64_t value, const char *endpoint)
{
    const fmq__event e = {type, value, endpoint, "", true, 0};

    fmq__hub_tell(&s->hub, &e);
}

/* Makes an endpoint of a listening descriptor; takes it and `addr` if it succeeds. */
static int
start_listener(fmq__socket *s, fmq__addr *addr, const fmq__link_opts *link, int fd,
               fmq__name *name)
{
    fmq__hub *h = &s->hub;
    const fmq__transport *t = addr->transport;
    int err;

    fmq__hub_lock(h);
    err = fmq__hub_state(h);
    if (err == 0) {
        err = fmq__hub_need_sessions(h);
    }
    if (err == 0) {
        err = fmq__listener_new(h, addr, link, fd, name->resolved, &name->u.endpoint);
    }
    if (err == 0) {
        fmq__name_enter(s, name);
        fmq__endpoint_post_open(name->u.endpoint);
    }
    fmq__hub_unlock(h);
    if (err != 0) {
        t->unlisten(addr, name->resolved, fd);
    }
    return err;
}

static int
bind_network(fmq__socket *s, const fmq__transport *t, const char *endpoint,
             const char *rest, const fmq__link_opts *link)
{
    char bound_name[NAME_MAX_LEN];
    fmq__addr addr = {0};
    fmq__name *name;
    int fd;
    int err = t->parse(rest, FMQ__ADDR_BIND, &addr);

    if (err != 0) {
        return err;
    }
    err = open_listener(&addr, link, &fd, bound_name, sizeof(bound_name));
    if (err != 0) {
        tell(s, FMQ__EVENT_BIND_FAILED, (uint64_t)err, endpoint);
    } else {
        tell(s, FMQ__EVENT_LISTENING, (uint64_t)fd, bound_name);
        err = fmq__name_new(FMQ__NAME_LISTENER, endpoint, bound_name, &name);
        if (err != 0) {
            t->unlisten(&addr, bound_name, fd);
        } else {
            err = start_listener(s, &addr, link, fd, name);
            if (err != 0) {
                fmq__name_free(name);
            }
        }
    }
    fmq__addr_fini(&addr);
    return err;
}

/* --- connect --- */

int
fmq__socket_check_connect(const fmq__socket *s, const fmq__link_opts *link)
{
    fmq__pattern *p = s->hub.pattern;
    int err = fmq__hub_state(&s->hub);

    if (err == 0 && link->connect_id_len != 0 && p->ops->can_name != NULL &&
        !p->ops->can_name(p, link->connect_id, link->connect_id_len)) {
        err = EADDRINUSE;
    }
    return err;
}

/* Shows a dialer's pipe to the pattern. One that is not wanted makes no error: libzmq
 * has such a connect do nothing. */
static int
attach_peer(fmq__hub *h, fmq__peer *peer, const fmq__link_opts *link, bool *is_refused)
{
    int err;

    peer->net.pipe.is_dialed = true;
    peer->net.pipe.preset = link->connect_id;
    peer->net.pipe.preset_len = link->connect_id_len;
    err = fmq__pattern_attach(h->pattern, &peer->net.pipe);
    *is_refused = err == EBUSY;
    return *is_refused ? 0 : err;
}

static int
start_dialer(fmq__socket *s, fmq__addr *addr, const fmq__link_opts *link,
             fmq__name *name, fmq__peer **peer)
{
    fmq__hub *h = &s->hub;
    bool is_refused = false;
    int err = fmq__socket_check_connect(s, link);

    if (err == 0) {
        err = fmq__hub_need_sessions(h);
    }
    if (err == 0 && *peer != NULL) {
        err = attach_peer(h, *peer, link, &is_refused);
    }
    if (err == 0) {
        err =
            fmq__dialer_new(h, addr, link, *peer, s->ctx->resolver, &name->u.endpoint);
        if (err != 0 && *peer != NULL) {
            fmq__hub_detach(h, &(*peer)->net.pipe);
        }
    }
    if (err != 0) {
        return err;
    }
    fmq__name_enter(s, name);
    name->u.endpoint->is_refused = is_refused;
    if (*peer != NULL) {
        (*peer)->addr = &name->u.endpoint->addr;
        fmq__list_push_back(&h->dialled, &(*peer)->dialled);
    }
    if (*peer != NULL && !is_refused) {
        fmq__hub_notify(h, FMQ__DIR_OUT);
    }
    *peer = NULL; /* the dialer's */
    fmq__endpoint_post_open(name->u.endpoint);
    return 0;
}

static int
connect_network(fmq__socket *s, const fmq__transport *t, const char *endpoint,
                const char *rest, const fmq__link_opts *link)
{
    fmq__peer *peer = NULL;
    fmq__name *name = NULL;
    fmq__addr addr = {0};
    bool is_there = false;
    int err = t->parse(rest, FMQ__ADDR_CONNECT, &addr);

    if (err != 0) {
        return err;
    }
    err = fmq__name_new(FMQ__NAME_DIALER, endpoint, NULL, &name);
    if (err == 0 && !link->is_immediate) {
        err = fmq__peer_new(&s->hub, link, &peer);
    }
    if (err == 0) {
        fmq__hub_lock(&s->hub);
        drop_gone(s);
        is_there = has_dialled(s, endpoint);
        err = is_there ? fmq__hub_state(&s->hub)
                       : start_dialer(s, &addr, link, name, &peer);
        fmq__hub_unlock(&s->hub);
    }
    if (err != 0 || is_there) {
        if (peer != NULL) {
            fmq__peer_free(peer);
        }
        if (name != NULL) {
            fmq__name_free(name);
        }
    }
    fmq__addr_fini(&addr);
    return err;
}

static int
join_inproc(fmq__socket *s, bool is_bind, const char *endpoint,
            const fmq__link_opts *link)
{
    fmq__name *name;
    int err = fmq__name_new(is_bind ? FMQ__NAME_INPROC_BIND : FMQ__NAME_INPROC_CONNECT,
                            endpoint, NULL, &name);

    if (err != 0) {
        return err;
    }
    err =
        is_bind ? fmq__inproc_bind(s, name, link) : fmq__inproc_connect(s, name, link);
    if (err != 0) {
        fmq__name_free(name);
    }
    return err;
}

/* --- both --- */

/* Under L: the socket has an I/O thread that AFFINITY allows, as far as one can still
 * be chosen: it has but one, from its first endpoint on. */
static int
choose_io(fmq__socket *s)
{
    uint64_t affinity = s->opt.affinity;
    fmq__ctx *c = s->ctx;
    int io = s->io;

    if (affinity != 0 && (affinity >> io & 1) == 0) {
        io = fmq__ctx_pick_io(c, affinity);
    }
    if (io < 0 || !c->has_io) {
        return FMQ_EMTHREAD;
    }
    s->hub.help.affinity = affinity;
    if (io != s->io && fmq__hub_move(&s->hub, c->io[io])) {
        fmq__ctx_load_io(c, s->io, -1);
        fmq__ctx_load_io(c, io, 1);
        s->io = io;
    }
    return 0;
}

/* An address is wrong; but if the socket is, too, that is what there is to say. */
static int
refuse(fmq_socket handle, int err)
{
    fmq__socket *s;
    int worse = fmq__socket_enter_open(handle, false, &s);

    if (worse != 0) {
        return worse;
    }
    fmq__socket_leave(s);
    return err;
}

/* Under L: the peer of the next connect gets a number, which is told. */
static int
choose_number(fmq__socket *s, fmq__link_opts *link, uint32_t *number)
{
    fmq__pattern *p = s->hub.pattern;

    if (p->ops->next_number == NULL) {
        return ENOTSUP;
    }
    if (link->is_immediate) {
        return EFAULT;
    }
    *number = p->ops->next_number(p);
    memcpy(link->connect_id, number, sizeof(*number));
    link->connect_id_len = sizeof(*number);
    return 0;
}

/* `number`: of the peer of a connect, if it is to be told; else NULL. */
static int
open_endpoint(fmq_socket handle, const char *endpoint, bool is_bind, uint32_t *number)
{
    const fmq__transport *t;
    const char *rest;
    fmq__link_opts link;
    fmq__socket *s;
    int err = fmq__transport_find(endpoint, &t, &rest);

    if (err != 0) {
        return refuse(handle, err);
    }
    err = fmq__socket_enter_open(handle, false, &s);
    if (err != 0) {
        return err;
    }
    if (t != NULL) {
        err = fmq__options_need_lists(&s->opt);
    }
    fmq__options_link(&s->opt, &link);
    if (err == 0 && number != NULL) {
        err = choose_number(s, &link, number);
    }
    if (err != 0) {
        fmq__socket_leave(s);
        return err;
    }
    link.is_raw = s->hub.pattern->is_raw;
    link.conflates = s->opt.conflate ? s->hub.pattern->ops->conflates : 0;
    if (!is_bind && number == NULL) {
        memcpy(link.connect_id, s->connect_id, s->connect_id_len);
        link.connect_id_len = s->connect_id_len;
        s->connect_id_len = 0; /* it is for this connect alone */
    }
    if (is_bind && t != NULL) {
        s->opt.use_fd = -1; /* it is for this bind alone */
    }
    fmq__byte_opts_hold(&link.bytes);
    err = t != NULL ? choose_io(s) : 0;
    s->hub.n_inside++; /* it must not end while we work without L */
    fmq__socket_leave(s);
    if (t == NULL) {
        err = join_inproc(s, is_bind, endpoint, &link);
    } else if (err == 0) {
        err = is_bind ? bind_network(s, t, endpoint, rest, &link)
                      : connect_network(s, t, endpoint, rest, &link);
    }
    fmq__byte_opts_drop(&link.bytes);
    fmq__hub_lock(&s->hub);
    if (err == 0 && t == NULL && fmq__hub_state(&s->hub) == 0) {
        fmq__hub_take_notes(&s->hub); /* of connects that waited for the name */
    }
    fmq__hub_exit(&s->hub);
    fmq__hub_unlock(&s->hub);
    return err;
}

int
fmq__socket_bind(fmq_socket handle, const char *endpoint)
{
    return open_endpoint(handle, endpoint, true, NULL);
}

int
fmq__socket_connect(fmq_socket handle, const char *endpoint)
{
    return open_endpoint(handle, endpoint, false, NULL);
}

int
fmq__socket_connect_peer(fmq_socket handle, const char *endpoint, uint32_t *number)
{
    return open_endpoint(handle, endpoint, false, number);
}

/* --- undoing --- */

static bool
is_bound_kind(const fmq__name *n)
{
    return n->kind == FMQ__NAME_LISTENER || n->kind == FMQ__NAME_INPROC_BIND;
}

/* Takes the names that `text` means off the socket's list; under L. False: none. */
static bool
take_names(fmq__socket *s, const char *text, bool bound_ones, fmq__node *taken)
{
    fmq__node *n = s->names.next;

    while (n != &s->names) {
        fmq__name *name = FMQ__ITEM(n, fmq__name, node);

        n = n->next;
        if (is_bound_kind(name) == bound_ones && is_called(name, text)) {
            fmq__list_remove(&name->node);
            fmq__list_push_back(taken, &name->node);
            if (bound_ones) {
                break; /* one at a time: a name is bound once */
            }
        }
    }
    return !fmq__list_is_empty(taken);
}

/* As libzmq: unbind ends a connect, too, and disconnect a bind, if there is nothing of
 * its own. */
static bool
take_either(fmq__socket *s, const char *text, bool bound_ones, fmq__node *taken)
{
    drop_gone(s);
    return take_names(s, text, bound_ones, taken) ||
           take_names(s, text, !bound_ones, taken);
}

/* The address that a host's name stands for, as an endpoint. Looked up in the caller's
 * thread, as by bind. */
static int
look_up(const fmq__transport *t, const char *rest, const fmq__stream_opts *opts,
        char *name, size_t cap)
{
    fmq__addr addr = {0};
    fmq__sockaddr sa;
    int n = 0;
    int err = t->name_of != NULL ? t->parse(rest, FMQ__ADDR_CONNECT, &addr) : ENOENT;

    if (err != 0) {
        return ENOENT;
    }
    err = t->resolve(&addr, FMQ__ADDR_CONNECT, opts, &sa, 1, &n);
    if (err == 0) {
        err = n > 0 ? t->name_of(&sa, name, cap) : ENOENT;
    }
    fmq__addr_fini(&addr);
    return err;
}

/* Ends what a name stands for, which is off the socket's list: the part under L. From
 * here on nobody but the name's holder reaches what it stands for. */
static void
begin_end(fmq__socket *s, fmq__name *name)
{
    switch (name->kind) {
    case FMQ__NAME_LISTENER:
        fmq__endpoint_post_close(name->u.endpoint, s->opt.linger_ms, &name->is_over);
        break;
    case FMQ__NAME_DIALER:
        if (name->u.endpoint->peer != NULL) {
            fmq__netpipe *net = &name->u.endpoint->peer->net;

            net->pipe.is_closed_out = true; /* from now on, not only when it is told */
            fmq__hub_detach(&s->hub, &net->pipe);
        }
        fmq__endpoint_post_close(name->u.endpoint, s->opt.linger_ms, NULL);
        break;
    case FMQ__NAME_INPROC_BIND:
        break;
    case FMQ__NAME_INPROC_CONNECT:
    default:
        if (name->u.side != NULL) {
            fmq__inproc_detach(s, name->u.side);
        }
        break;
    }
}

/* The part that takes its time, without L; frees the name. */
static void
finish_end(fmq__socket *s, fmq__name *name)
{
    switch (name->kind) {
    case FMQ__NAME_LISTENER:
        fmq__endpoint_await_close(&name->is_over);
        break;
    case FMQ__NAME_DIALER:
        break;
    case FMQ__NAME_INPROC_BIND:
        fmq__inproc_unbind(s, name->text);
        break;
    case FMQ__NAME_INPROC_CONNECT:
    default:
        if (name->u.side != NULL) {
            fmq__inproc_leave(s, name->u.side);
        }
        break;
    }
    fmq__name_free(name);
}

/* Ends the names of `taken`; L is held before and after, but dropped. */
static void
end_names(fmq__socket *s, fmq__node *taken)
{
    fmq__node *n;

    /* All of them before L is dropped: what a name points to may go with the peer. */
    for (n = taken->next; n != taken; n = n->next) {
        begin_end(s, FMQ__ITEM(n, fmq__name, node));
    }
    fmq__hub_unlock(&s->hub);
    while ((n = fmq__list_pop_front(taken)) != NULL) {
        finish_end(s, FMQ__ITEM(n, fmq__name, node));
    }
    fmq__hub_lock(&s->hub);
}

/* The same by the address behind the text. Drops L. */
static bool
take_by_address(fmq__socket *s, const fmq__transport *t, const char *rest,
                bool bound_ones, fmq__node *taken)
{
    char name[NAME_MAX_LEN];
    fmq__link_opts link;
    int err;

    fmq__options_link(&s->opt, &link);
    fmq__hub_unlock(&s->hub);
    err = look_up(t, rest, &link.stream, name, sizeof(name));
    fmq__hub_lock(&s->hub);
    return err == 0 && take_either(s, name, bound_ones, taken);
}

static int
undo(fmq_socket handle, const char *endpoint, bool bound_ones)
{
    const fmq__transport *t;
    const char *rest;
    fmq__socket *s;
    fmq__node taken;
    int err = fmq__transport_find(endpoint, &t, &rest);

    if (err != 0) {
        return refuse(handle, err);
    }
    err = fmq__socket_enter_open(handle, false, &s);
    if (err != 0) {
        return err;
    }
    fmq__list_init(&taken);
    s->hub.n_inside++; /* it must not end while we work without L */
    if (!take_either(s, endpoint, bound_ones, &taken) &&
        (t == NULL || !take_by_address(s, t, rest, bound_ones, &taken))) {
        err = ENOENT;
    }
    end_names(s, &taken);
    fmq__hub_exit(&s->hub);
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_unbind(fmq_socket handle, const char *endpoint)
{
    return undo(handle, endpoint, true);
}

int
fmq__socket_disconnect(fmq_socket handle, const char *endpoint)
{
    return undo(handle, endpoint, false);
}

void
fmq__socket_drop_endpoints(fmq__socket *s)
{
    fmq__node listeners;
    fmq__node *n;

    fmq__list_init(&listeners);
    while ((n = fmq__list_pop_front(&s->names)) != NULL) {
        fmq__name *name = FMQ__ITEM(n, fmq__name, node);

        if (name->kind == FMQ__NAME_LISTENER) {
            fmq__list_push_back(&listeners, n);
        } else {
            fmq__name_free(name);
        }
    }
    end_names(s, &listeners); /* a name must be free again on return */
}
