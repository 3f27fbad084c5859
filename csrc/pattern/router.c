/* SPDX-License-Identifier: Apache-2.0 */
/* ROUTER: the first frame says which peer a message goes to, or came from (RFC 28
 * "ROUTER Socket Type").
 *
 * Every pipe has a route. It has an id - given by CONNECT_ROUTING_ID, announced by the
 * peer, or made up here (0 and four bytes) - once its connection stands, and is found
 * by it until the connection is lost; the route of a connect keeps its id over all its
 * connections. A peer whose id is taken is left alone, its messages unread, until that
 * id is free: libzmq would not hear it ever, also one that has only come back before
 * its old connection was seen to end. With ROUTER_HANDOVER it takes the id over, and
 * the old connection ends.
 *
 * With ROUTER_RAW it is a STREAM (stream.c) that takes more than one part.
 */
#include <errno.h>
#include <string.h>

#include "pattern/pattern.h"
#include "pattern/probe.h"
#include "pattern/routes.h"

enum {
    OPT_MANDATORY = 33,
    OPT_RAW = 41,
    OPT_HANDOVER = 56,
};

typedef struct router {
    fmq__pattern base;
    fmq__routes routes;
    fmq__node waiting; /* routes whose id is taken, in the order they came */
    bool is_mandatory;
    bool has_handover;
    bool has_probe;
} router;

static router *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, router, base);
}

static void
init(fmq__pattern *p)
{
    router *self = from_base(p);

    fmq__routes_init(&self->routes);
    fmq__list_init(&self->waiting);
}

static void
fini(fmq__pattern *p)
{
    fmq__routes_fini(&from_base(p)->routes);
}

/* --- ids --- */

static bool
is_waiting(const fmq__route *r)
{
    return fmq__list_is_linked(&r->waiting);
}

/* The id is free: the first that waits for it has it. */
static void
pass_on(router *self, const uint8_t *id, size_t id_len)
{
    for (fmq__node *n = self->waiting.next; n != &self->waiting; n = n->next) {
        fmq__route *r = FMQ__ITEM(n, fmq__route, waiting);

        if (r->id_len == id_len && memcmp(r->id, id, id_len) == 0) {
            fmq__list_remove(&r->waiting);
            /* It needs no memory: the table has just held another one. */
            (void)fmq__routes_enter(&self->routes, r);
            fmq__fairq_add(&self->routes.in, r->pipe);
            return;
        }
    }
}

/* Nobody is sent to by this route any more. */
static void
give_up_id(router *self, fmq__route *r)
{
    if (r->is_known) {
        fmq__routes_leave(&self->routes, r);
        pass_on(self, r->id, r->id_len);
    }
}

/* The newcomer has the id of `old`, whose connection ends; what came over it is still
 * read, under another id. */
static int
hand_over(router *self, fmq__route *old)
{
    fmq__pattern *p = &self->base;
    bool is_being_read = p->reading == old->pipe && p->has_head;
    int err;

    fmq__routes_leave(&self->routes, old);
    err = fmq__routes_make_up_id(&self->routes, old);
    if (is_being_read) {
        fmq__pattern_set_head(p, old->body, old->id, old->id_len);
    }
    if (err == 0) {
        fmq__pipe_end(old->pipe);
    }
    return err;
}

/* --- pipes --- */

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    router *self = from_base(p);
    fmq__route *r = fmq__route_new(pipe);
    int err = 0;

    if (r == NULL) {
        return ENOMEM;
    }
    if (pipe->preset_len != 0) {
        err = fmq__route_set_id(r, pipe->preset, pipe->preset_len);
    } else if (p->is_raw) {
        err = fmq__routes_make_up_id(&self->routes, r); /* nobody will announce one */
    }
    if (err == 0 && r->body != NULL) {
        err = fmq__routes_enter(&self->routes, r);
    }
    if (err == 0 && self->has_probe && !p->is_raw && !fmq__probe_send(pipe)) {
        err = ENOMEM;
    }
    if (err != 0) {
        fmq__routes_leave(&self->routes, r);
        fmq__route_free(r);
        return err;
    }
    pipe->mine = r;
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    give_up_id(from_base(p), pipe->mine);
    fmq__routes_detach(&from_base(p)->routes, pipe);
}

static int
name(router *self, fmq__route *r, const uint8_t *id, size_t id_len)
{
    fmq__route *old = id_len != 0 ? fmq__routes_find(&self->routes, id, id_len) : NULL;
    int err = 0;

    err = id_len == 0 ? fmq__routes_make_up_id(&self->routes, r)
                      : fmq__route_set_id(r, id, id_len);
    if (err == 0 && old != NULL && !self->has_handover) {
        fmq__list_push_back(&self->waiting, &r->waiting);
        return 0;
    }
    if (err == 0 && old != NULL) {
        err = hand_over(self, old);
    }
    return err == 0 ? fmq__routes_enter(&self->routes, r) : err;
}

static int
up(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id, size_t id_len)
{
    router *self = from_base(p);
    fmq__route *r = pipe->mine;
    int err = r->is_known ? 0 : name(self, r, id, id_len);

    if (err == 0 && r->is_known) {
        fmq__fairq_add(&self->routes.in, pipe);
    }
    return err;
}

static void
down(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__route *r = pipe->mine;

    if (is_waiting(r)) {
        fmq__list_remove(&r->waiting);
        fmq__route_drop_id(r);
    }
    if (r->body == NULL) {
        fmq__pipe_skip_all(pipe); /* nobody will ever read them */
    }
    if (!pipe->is_dialed) {
        give_up_id(from_base(p), r);
    }
}

static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    const fmq__route *r = pipe->mine;

    if (r->body != NULL && !is_waiting(r)) {
        fmq__fairq_add(&from_base(p)->routes.in, pipe);
    } else if (!pipe->is_up) {
        fmq__pipe_skip_all(pipe);
    }
}

static void
writable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__routes_writable(&from_base(p)->routes, pipe);
}

/* --- messages --- */

static bool
can_send(fmq__pattern *p)
{
    router *self = from_base(p);

    return !self->is_mandatory || fmq__balance_front(&self->routes.out) != NULL;
}

/* As fmq__routes_choose; but that there is none is only told if it is to be. */
static fmq__pipe *
choose(router *self, const fmq__outpart *id, int *err)
{
    fmq__pipe *pipe = fmq__routes_choose(&self->routes, id, err);

    *err = self->is_mandatory ? *err : 0;
    return pipe;
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    int err = 0;

    if (first != NULL) {
        (void)choose(from_base(p), first, &err);
    }
    return err;
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *to;
    int err;

    if (n == 1) {
        return 0; /* an address without a message says nothing to anybody */
    }
    to = choose(from_base(p), &parts[0], &err);
    if (to == NULL) {
        return err;
    }
    return p->is_raw ? fmq__route_send_raw(to->mine, parts + 1, n - 1)
                     : fmq__pipe_send(to, to->out->end, parts + 1, n - 1);
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    return fmq__routes_begin_recv(&from_base(p)->routes, p, from);
}

static void
end_recv(fmq__pattern *p, fmq__pipe *from)
{
    fmq__fairq_rotate(&from_base(p)->routes.in, from);
}

static bool
can_recv(fmq__pattern *p)
{
    return p->reading != NULL || fmq__fairq_front(&from_base(p)->routes.in) != NULL;
}

/* --- options --- */

static int
set_notify(fmq__pattern *p, const void *value, size_t len)
{
    int n;

    if (fmq__pattern_get_int(value, len, &n) != 0 || n < 0 ||
        n > (FMQ__NOTIFY_UP | FMQ__NOTIFY_DOWN)) {
        return EINVAL;
    }
    p->notify = (unsigned)n;
    return 0;
}

/* There is no way back: 0 changes nothing. */
static int
set_raw(fmq__pattern *p, const void *value, size_t len)
{
    int n;

    if (fmq__pattern_get_int(value, len, &n) != 0 || n < 0) {
        return EINVAL;
    }
    if (n != 0) {
        fmq__pattern_set_raw(p);
    }
    return 0;
}

static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    router *self = from_base(p);

    switch (option) {
    case OPT_MANDATORY:
        return fmq__pattern_get_flag(value, len, &self->is_mandatory);
    case OPT_RAW:
        return set_raw(p, value, len);
    case OPT_HANDOVER:
        return fmq__pattern_get_flag(value, len, &self->has_handover);
    case FMQ__OPT_PROBE_ROUTER:
        return fmq__pattern_get_flag(value, len, &self->has_probe);
    case FMQ__OPT_ROUTER_NOTIFY:
        return set_notify(p, value, len);
    default:
        return EINVAL;
    }
}

static bool
can_name(fmq__pattern *p, const uint8_t *id, size_t id_len)
{
    return fmq__routes_find(&from_base(p)->routes, id, id_len) == NULL;
}

static int
check_peer(fmq__pattern *p, const uint8_t *id, size_t id_len)
{
    const fmq__outpart part = {id, id_len, NULL};
    int err;

    (void)fmq__routes_choose(&from_base(p)->routes, &part, &err);
    return err;
}

const fmq__pattern_ops fmq__pattern_router = {
    .name = "ROUTER",
    .type = 6,
    .peer_types = 1U << 3 | 1U << 5 | 1U << 6, /* REQ, DEALER, ROUTER */
    .has_identity = true,
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_GOODBYE,
    .size = sizeof(router),
    .init = init,
    .fini = fini,
    .check_send = check_send,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = end_recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .up = up,
    .down = down,
    .readable = readable,
    .writable = writable,
    .set_option = set_option,
    .can_name = can_name,
    .check_peer = check_peer,
};
