/* SPDX-License-Identifier: Apache-2.0 */
/* STREAM: bytes to and from peers that do not speak ZMTP. The first frame says which
 * connection they go to or came from, the second is whatever one read brought.
 *
 * Every pipe has an id from the first moment: that of CONNECT_ROUTING_ID, or a made-up
 * one, which ROUTING_ID tells until the next. With STREAM_NOTIFY (the preset) an empty
 * message comes when a connection stands and when its peer has ended it. An empty
 * message out ends it once all before it is written, for good.
 */
#include <errno.h>
#include <string.h>

#include "pattern/pattern.h"
#include "pattern/routes.h"

enum { OPT_ROUTING_ID = 5, OPT_NOTIFY = 73 };

typedef struct stream {
    fmq__pattern base;
    fmq__routes routes;
    uint8_t last_id[16]; /* the one made up last */
    size_t last_id_len;
} stream;

static stream *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, stream, base);
}

static void
init(fmq__pattern *p)
{
    stream *self = from_base(p);

    fmq__pattern_set_raw(p);
    fmq__routes_init(&self->routes);
}

static void
fini(fmq__pattern *p)
{
    fmq__routes_fini(&from_base(p)->routes);
}

/* --- pipes --- */

static int
name(stream *self, fmq__route *r)
{
    int err;

    if (r->pipe->preset_len != 0) {
        return fmq__route_set_id(r, r->pipe->preset, r->pipe->preset_len);
    }
    err = fmq__routes_make_up_id(&self->routes, r);
    if (err == 0 && r->id_len <= sizeof(self->last_id)) {
        memcpy(self->last_id, r->id, r->id_len);
        self->last_id_len = r->id_len;
    }
    return err;
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    stream *self = from_base(p);
    fmq__route *r = fmq__route_new(pipe);

    if (r == NULL) {
        return ENOMEM;
    }
    if (name(self, r) != 0 || fmq__routes_enter(&self->routes, r) != 0) {
        fmq__route_free(r);
        return ENOMEM;
    }
    pipe->mine = r;
    fmq__fairq_add(&self->routes.in, pipe);
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__routes_detach(&from_base(p)->routes, pipe);
}

static void
down(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_dialed) {
        fmq__routes_leave(&from_base(p)->routes, pipe->mine);
    }
}

static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->routes.in, pipe);
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
    (void)p;
    return true; /* who is meant is not known yet */
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    int err = 0;

    if (first != NULL) {
        (void)fmq__routes_choose(&from_base(p)->routes, first, &err);
    }
    return err;
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *to;
    int err;

    if (n == 1) {
        return 0; /* an address without bytes says nothing to anybody */
    }
    to = fmq__routes_choose(&from_base(p)->routes, &parts[0], &err);
    return to != NULL ? fmq__route_send_raw(to->mine, parts + 1, n - 1) : err;
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
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    int n;

    if (option != OPT_NOTIFY || fmq__pattern_get_int(value, len, &n) != 0 ||
        (n != 0 && n != 1)) {
        return EINVAL;
    }
    p->notify = n != 0 ? FMQ__NOTIFY_UP | FMQ__NOTIFY_DOWN : 0;
    return 0;
}

static int
get_option(fmq__pattern *p, int option, void *value, size_t *len)
{
    const stream *self = from_base(p);

    if (option != OPT_ROUTING_ID || self->last_id_len == 0 ||
        *len < self->last_id_len) {
        return EINVAL;
    }
    memset(value, 0, *len);
    memcpy(value, self->last_id, self->last_id_len);
    *len = self->last_id_len;
    return 0;
}

static bool
can_name(fmq__pattern *p, const uint8_t *id, size_t id_len)
{
    return fmq__routes_find(&from_base(p)->routes, id, id_len) == NULL;
}

const fmq__pattern_ops fmq__pattern_stream = {
    .name = "STREAM",
    .type = 11,
    .peer_types = 0, /* it does not speak of types */
    .n_parts = 2,    /* an id, and bytes */
    .size = sizeof(stream),
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
    .down = down,
    .readable = readable,
    .writable = writable,
    .set_option = set_option,
    .get_option = get_option,
    .can_name = can_name,
};
