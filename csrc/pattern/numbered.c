/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/numbered.h"

#include <errno.h>
#include <string.h>

static fmq__numbered *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__numbered, base);
}

void
fmq__numbered_init(fmq__pattern *p)
{
    fmq__routes_init(&from_base(p)->routes);
}

void
fmq__numbered_fini(fmq__pattern *p)
{
    fmq__routes_fini(&from_base(p)->routes);
}

/* --- pipes --- */

int
fmq__numbered_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__numbered *self = from_base(p);
    fmq__route *r = fmq__route_new(pipe);
    uint32_t number;
    int err;

    if (r == NULL) {
        return ENOMEM;
    }
    if (pipe->preset_len == sizeof(number)) {
        memcpy(&number, pipe->preset, sizeof(number));
    } else {
        number = fmq__routes_make_up_number(&self->routes);
    }
    err = fmq__route_set_id(r, (const uint8_t *)&number, sizeof(number));
    if (err == 0) {
        err = fmq__routes_enter(&self->routes, r);
    }
    if (err != 0) {
        fmq__route_free(r);
        return err;
    }
    pipe->mine = r;
    fmq__fairq_add(&self->routes.in, pipe);
    return 0;
}

void
fmq__numbered_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__routes_detach(&from_base(p)->routes, pipe);
}

void
fmq__numbered_down(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_dialed) {
        fmq__routes_leave(&from_base(p)->routes, pipe->mine);
    }
}

/* Who was dropped is not heard any more. */
void
fmq__numbered_readable(fmq__pattern *p, fmq__pipe *pipe)
{
    const fmq__route *r = pipe->mine;

    if (r->body == NULL) {
        fmq__pipe_skip_all(pipe);
    } else {
        fmq__fairq_add(&from_base(p)->routes.in, pipe);
    }
}

int
fmq__numbered_drop_peer(fmq__pattern *p, uint32_t number)
{
    fmq__numbered *self = from_base(p);
    fmq__route *r =
        fmq__routes_find(&self->routes, (const uint8_t *)&number, sizeof(number));

    if (r == NULL) {
        return EHOSTUNREACH;
    }
    fmq__routes_leave(&self->routes, r);
    fmq__route_drop_id(r);
    p->reading = p->reading == r->pipe ? NULL : p->reading;
    fmq__pipe_skip_all(r->pipe);
    fmq__pipe_end(r->pipe);
    return 0;
}

/* --- messages --- */

fmq__outpart
fmq__numbered_address(const fmq__msg *m)
{
    return (fmq__outpart){(const uint8_t *)&m->routing_id, sizeof(m->routing_id), NULL};
}

int
fmq__numbered_send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *to;
    int err;

    if (n == 1) {
        return EHOSTUNREACH; /* nobody has no number */
    }
    to = fmq__routes_choose(&from_base(p)->routes, &parts[0], &err);
    return to != NULL ? fmq__pipe_send(to, to->out->end, parts + 1, n - 1) : err;
}

int
fmq__numbered_begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    fmq__numbered *self = from_base(p);
    const fmq__route *r;

    *from = fmq__fairq_front_single(&self->routes.in);
    if (*from == NULL) {
        return EAGAIN;
    }
    r = (*from)->mine;
    memcpy(&self->from, r->id, sizeof(self->from));
    return 0;
}

void
fmq__numbered_end_recv(fmq__pattern *p, fmq__pipe *from)
{
    fmq__fairq_rotate(&from_base(p)->routes.in, from);
}

void
fmq__numbered_sign(fmq__pattern *p, fmq__msg *m)
{
    m->routing_id = from_base(p)->from;
}

bool
fmq__numbered_can_recv(fmq__pattern *p)
{
    return p->reading != NULL ||
           fmq__fairq_front_single(&from_base(p)->routes.in) != NULL;
}
