/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/routes.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

enum { MADE_UP_LEN = 5 };

void
fmq__routes_init(fmq__routes *r)
{
    fmq__hash_init(&r->by_id);
    fmq__balance_init(&r->out);
    fmq__fairq_init(&r->in);
    r->next_id = fmq__random_u32();
}

void
fmq__routes_fini(fmq__routes *r)
{
    fmq__hash_fini(&r->by_id);
}

fmq__route *
fmq__routes_find(const fmq__routes *r, const uint8_t *id, size_t id_len)
{
    fmq__hash_node *n = fmq__hash_get(&r->by_id, id, id_len);

    return n != NULL ? FMQ__ITEM(n, fmq__route, node) : NULL;
}

fmq__route *
fmq__route_new(fmq__pipe *pipe)
{
    fmq__route *route = fmq__calloc(1, sizeof(*route));

    if (route != NULL) {
        route->pipe = pipe;
        fmq__list_init(&route->waiting);
    }
    return route;
}

/* Messages that were received may hold it still. */
void
fmq__route_drop_id(fmq__route *route)
{
    if (route->body != NULL) {
        fmq__body_drop(route->body);
        route->body = NULL;
    }
}

void
fmq__route_free(fmq__route *route)
{
    fmq__list_remove(&route->waiting);
    fmq__route_drop_id(route);
    fmq__free(route);
}

int
fmq__route_set_id(fmq__route *route, const uint8_t *id, size_t id_len)
{
    fmq__body *body;
    uint8_t *data;
    int err = fmq__body_new(id_len, &body, &data);

    if (err != 0) {
        return err;
    }
    memcpy(data, id, id_len);
    fmq__route_drop_id(route);
    route->body = body;
    route->id = data;
    route->id_len = id_len;
    return 0;
}

int
fmq__routes_make_up_id(fmq__routes *r, fmq__route *route)
{
    uint8_t id[MADE_UP_LEN] = {0};

    do {
        uint32_t n = r->next_id++;

        for (int i = MADE_UP_LEN - 1; i > 0; i--) {
            id[i] = (uint8_t)n;
            n >>= 8;
        }
    } while (fmq__routes_find(r, id, sizeof(id)) != NULL);
    return fmq__route_set_id(route, id, sizeof(id));
}

uint32_t
fmq__routes_make_up_number(fmq__routes *r)
{
    uint32_t n;

    do {
        n = r->next_id++;
    } while (n == 0 || fmq__routes_find(r, (const uint8_t *)&n, sizeof(n)) != NULL);
    return n;
}

int
fmq__routes_enter(fmq__routes *r, fmq__route *route)
{
    int err = fmq__hash_put(&r->by_id, &route->node, route->id, route->id_len);

    if (err == 0) {
        route->is_known = true;
        fmq__balance_add(&r->out, route->pipe);
    }
    return err;
}

void
fmq__routes_leave(fmq__routes *r, fmq__route *route)
{
    if (route->is_known) {
        fmq__hash_remove(&r->by_id, &route->node);
        route->is_known = false;
        fmq__balance_remove(route->pipe);
    }
}

fmq__pipe *
fmq__routes_choose(const fmq__routes *r, const fmq__outpart *id, int *err)
{
    const fmq__route *route = fmq__routes_find(r, id->data, id->len);

    *err = 0;
    if (route == NULL || route->pipe->is_closed_out) {
        *err = EHOSTUNREACH;
    } else if (!fmq__pipe_can_write(route->pipe)) {
        *err = EAGAIN;
    }
    return *err == 0 ? route->pipe : NULL;
}

void
fmq__routes_detach(fmq__routes *r, fmq__pipe *pipe)
{
    fmq__route *route = pipe->mine;

    fmq__routes_leave(r, route);
    fmq__fairq_remove(pipe);
    fmq__route_free(route);
    pipe->mine = NULL;
}

void
fmq__routes_writable(fmq__routes *r, fmq__pipe *pipe)
{
    const fmq__route *route = pipe->mine;

    if (route->is_known) {
        fmq__balance_add(&r->out, pipe);
    }
}

int
fmq__routes_begin_recv(fmq__routes *r, fmq__pattern *p, fmq__pipe **from)
{
    const fmq__route *route;

    *from = fmq__fairq_front(&r->in);
    if (*from == NULL) {
        return EAGAIN;
    }
    route = (*from)->mine;
    fmq__pattern_set_head(p, route->body, route->id, route->id_len);
    return 0;
}

int
fmq__route_send_raw(fmq__route *route, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *to = route->pipe;
    bool ends = parts[n - 1].len == 0;
    size_t n_bytes = ends ? n - 1 : n;
    int err = 0;

    if (n_bytes != 0) {
        err = fmq__pipe_send(to, to->out->end, parts, n_bytes);
    }
    if (err == 0 && ends) {
        fmq__pipe_end(to);
    }
    return err;
}
