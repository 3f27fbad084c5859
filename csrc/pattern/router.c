/* SPDX-License-Identifier: Apache-2.0 */
/* ROUTER: the first frame says which peer a message goes to, or came from (RFC 28
 * "ROUTER Socket Type").
 *
 * Every pipe has a route. It has an id - given by CONNECT_ROUTING_ID, announced by the
 * peer, or made up here (0 and four bytes) - once its connection stands, and is found
 * by it until the connection is lost; the route of a connect keeps its id over all its
 * connections. A peer whose id is taken is left alone: its messages stay unread; with
 * ROUTER_HANDOVER it takes the id over, and the old connection ends.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/random.h"
#include "pattern/balance.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"
#include "pattern/probe.h"

enum {
    OPT_MANDATORY = 33,
    OPT_HANDOVER = 56,
    MADE_UP_LEN = 5,
};

typedef struct route {
    fmq__hash_node node; /* by id */
    fmq__pipe *pipe;
    fmq__body *body; /* holds the id; NULL: it has none yet */
    uint8_t *id;
    size_t id_len;
    bool is_known; /* in the table: messages can be sent to it */
} route;

typedef struct router {
    fmq__pattern base;
    fmq__hash routes;
    fmq__balance out; /* of known routes; for poll */
    fmq__fairq in;
    uint32_t next_id; /* made up next */
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

    fmq__hash_init(&self->routes);
    fmq__balance_init(&self->out);
    fmq__fairq_init(&self->in);
    self->next_id = fmq__random_u32();
}

static void
fini(fmq__pattern *p)
{
    fmq__hash_fini(&from_base(p)->routes);
}

/* --- ids --- */

static route *
find(const router *self, const uint8_t *id, size_t id_len)
{
    fmq__hash_node *n = fmq__hash_get(&self->routes, id, id_len);

    return n != NULL ? FMQ__ITEM(n, route, node) : NULL;
}

static int
set_id(route *r, const uint8_t *id, size_t id_len)
{
    fmq__body *body;
    uint8_t *data;
    int err = fmq__body_new(id_len, &body, &data);

    if (err != 0) {
        return err;
    }
    memcpy(data, id, id_len);
    if (r->body != NULL) {
        fmq__body_drop(r->body); /* messages that were received may hold it still */
    }
    r->body = body;
    r->id = data;
    r->id_len = id_len;
    return 0;
}

/* From here on messages for the id go to this pipe. */
static int
enter(router *self, route *r)
{
    int err = fmq__hash_put(&self->routes, &r->node, r->id, r->id_len);

    if (err == 0) {
        r->is_known = true;
        fmq__balance_add(&self->out, r->pipe);
    }
    return err;
}

static void
leave(router *self, route *r)
{
    if (r->is_known) {
        fmq__hash_remove(&self->routes, &r->node);
        r->is_known = false;
        fmq__balance_remove(r->pipe);
    }
}

static int
make_up_id(router *self, route *r)
{
    uint8_t id[MADE_UP_LEN] = {0};

    do {
        uint32_t n = self->next_id++;

        for (int i = MADE_UP_LEN - 1; i > 0; i--) {
            id[i] = (uint8_t)n;
            n >>= 8;
        }
    } while (find(self, id, sizeof(id)) != NULL);
    return set_id(r, id, sizeof(id));
}

/* The newcomer has the id of `old`, whose connection ends; what came over it is still
 * read, under another id. */
static int
hand_over(router *self, route *old)
{
    fmq__pattern *p = &self->base;
    bool is_being_read = p->reading == old->pipe && p->has_head;
    int err;

    leave(self, old);
    err = make_up_id(self, old);
    if (is_being_read) {
        fmq__pattern_set_head(p, old->body, old->id, old->id_len);
    }
    if (err == 0) {
        fmq__pipe_end(old->pipe);
    }
    return err;
}

/* --- pipes --- */

static bool
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    router *self = from_base(p);
    route *r = fmq__calloc(1, sizeof(*r));
    int err = 0;

    if (r == NULL) {
        return false;
    }
    r->pipe = pipe;
    if (pipe->preset_len != 0) {
        err = set_id(r, pipe->preset, pipe->preset_len);
        if (err == 0) {
            err = enter(self, r);
        }
    }
    if (err != 0 || (self->has_probe && !fmq__probe_send(pipe))) {
        leave(self, r);
        if (r->body != NULL) {
            fmq__body_drop(r->body);
        }
        fmq__free(r);
        return false;
    }
    pipe->mine = r;
    return true;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    router *self = from_base(p);
    route *r = pipe->mine;

    leave(self, r);
    fmq__fairq_remove(pipe);
    if (r->body != NULL) {
        fmq__body_drop(r->body);
    }
    fmq__free(r);
    pipe->mine = NULL;
}

static int
name(router *self, route *r, const uint8_t *id, size_t id_len)
{
    route *old = id_len != 0 ? find(self, id, id_len) : NULL;
    int err = 0;

    if (old != NULL && !self->has_handover) {
        return 0; /* it has no id, and so no say */
    }
    err = id_len == 0 ? make_up_id(self, r) : set_id(r, id, id_len);
    if (err == 0 && old != NULL) {
        err = hand_over(self, old);
    }
    return err == 0 ? enter(self, r) : err;
}

static int
up(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id, size_t id_len)
{
    router *self = from_base(p);
    route *r = pipe->mine;
    int err = r->is_known ? 0 : name(self, r, id, id_len);

    if (err == 0 && r->is_known) {
        fmq__fairq_add(&self->in, pipe);
    }
    return err;
}

static void
skip_all(fmq__pipe *pipe)
{
    while (fmq__pipe_can_read(pipe)) {
        fmq__pipe_skip_message(pipe);
    }
}

static void
down(fmq__pattern *p, fmq__pipe *pipe)
{
    route *r = pipe->mine;

    if (r->body == NULL) {
        skip_all(pipe); /* nobody will ever read them */
    }
    if (!pipe->is_dialed) {
        leave(from_base(p), r);
    }
}

static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    const route *r = pipe->mine;

    if (r->body != NULL) {
        fmq__fairq_add(&from_base(p)->in, pipe);
    } else if (!pipe->is_up) {
        skip_all(pipe);
    }
}

static void
writable(fmq__pattern *p, fmq__pipe *pipe)
{
    const route *r = pipe->mine;

    if (r->is_known) {
        fmq__balance_add(&from_base(p)->out, pipe);
    }
}

/* --- messages --- */

static bool
can_send(fmq__pattern *p)
{
    router *self = from_base(p);

    return !self->is_mandatory || fmq__balance_front(&self->out) != NULL;
}

/* The pipe of a message that begins with `id`. NULL: there is none, or no room in it;
 * `*err` is what that means. */
static fmq__pipe *
choose(router *self, const fmq__outpart *id, int *err)
{
    const route *r = find(self, id->data, id->len);

    *err = 0;
    if (r == NULL || r->pipe->is_closed_out) {
        *err = self->is_mandatory ? EHOSTUNREACH : 0;
        return NULL;
    }
    if (!fmq__pipe_can_write(r->pipe)) {
        *err = self->is_mandatory ? EAGAIN : 0;
        return NULL;
    }
    return r->pipe;
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
    return to != NULL ? fmq__pipe_send(to, to->out->end, parts + 1, n - 1) : err;
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    const route *r;

    *from = fmq__fairq_front(&from_base(p)->in);
    if (*from == NULL) {
        return EAGAIN;
    }
    r = (*from)->mine;
    fmq__pattern_set_head(p, r->body, r->id, r->id_len);
    return 0;
}

static void
end_recv(fmq__pattern *p, fmq__pipe *from)
{
    fmq__fairq_rotate(&from_base(p)->in, from);
}

static bool
can_recv(fmq__pattern *p)
{
    return p->reading != NULL || fmq__fairq_front(&from_base(p)->in) != NULL;
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

static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    router *self = from_base(p);

    switch (option) {
    case OPT_MANDATORY:
        return fmq__pattern_get_flag(value, len, &self->is_mandatory);
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
    return find(from_base(p), id, id_len) == NULL;
}

const fmq__pattern_ops fmq__pattern_router = {
    .name = "ROUTER",
    .type = 6,
    .peer_types = 1U << 3 | 1U << 5 | 1U << 6, /* REQ, DEALER, ROUTER */
    .has_identity = true,
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
};
