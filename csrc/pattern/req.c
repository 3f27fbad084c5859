/* SPDX-License-Identifier: Apache-2.0 */
/* REQ: sends a request to one peer in turn, then takes that peer's reply (RFC 28 "REQ
 * Socket Type").
 *
 * On the wire a request is [id,] an empty delimiter, the body; a reply has the same
 * head. Anything that is not the reply to the request in flight - from another peer,
 * without the delimiter, with another id - is skipped whole. If the peer that has the
 * request goes away, `asked` is cleared: a reply may then come from any pipe (a request
 * that was never sent goes out again on the next connection of its pipe).
 */
#include <errno.h>
#include <string.h>

#include "base/random.h"
#include "pattern/balance.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"
#include "pattern/probe.h"

enum { OPT_REQ_CORRELATE = 52, OPT_REQ_RELAXED = 53 };

typedef struct req {
    fmq__pattern base;
    fmq__balance out;
    fmq__fairq in;
    fmq__pipe *asked; /* whom the request went to; NULL: nobody, or it is gone */
    bool is_waiting;  /* a request is in flight */
    bool is_relaxed;
    bool is_correlated;
    bool has_probe;
    uint32_t id; /* of the request in flight */
} req;

static req *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, req, base);
}

static void
init(fmq__pattern *p)
{
    req *self = from_base(p);

    fmq__balance_init(&self->out);
    fmq__fairq_init(&self->in);
    self->id = fmq__random_u32();
}

static bool
can_send(fmq__pattern *p)
{
    req *self = from_base(p);

    return (!self->is_waiting || self->is_relaxed) &&
           fmq__balance_front(&self->out) != NULL;
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    req *self = from_base(p);

    (void)first;
    if (self->is_waiting && !self->is_relaxed) {
        return FMQ_EFSM;
    }
    return fmq__balance_front(&self->out) != NULL ? 0 : EAGAIN;
}

static int
append_head(const req *self, fmq__pipe *to, uint32_t id)
{
    const fmq__outpart id_part = {(const uint8_t *)&id, sizeof(id), NULL};
    const fmq__outpart delimiter = {(const uint8_t *)"", 0, NULL};

    if (self->is_correlated) {
        int err = fmq__pipe_append(to, &id_part, FMQ__MORE);

        if (err != 0) {
            return err;
        }
    }
    return fmq__pipe_append(to, &delimiter, FMQ__MORE);
}

/* What came before the request that goes out now is no reply to it. */
static void
drop_stale(req *self)
{
    fmq__pipe *from;

    if (self->base.reading != NULL) {
        fmq__pipe_skip_message(self->base.reading);
        self->base.reading = NULL;
    }
    while ((from = fmq__fairq_front(&self->in)) != NULL) {
        fmq__pipe_skip_message(from);
    }
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    req *self = from_base(p);
    int err = check_send(p, &parts[0]);
    fmq__pipe *to;
    fmq__fq_pos mark;
    size_t bytes;

    if (err != 0) {
        return err;
    }
    to = fmq__balance_front(&self->out);
    mark = to->out->end;
    err = append_head(self, to, self->id + 1);
    if (err != 0) {
        fmq__fq_rollback(to->out, mark);
        return err;
    }
    err = fmq__pipe_append_rest(to, mark, parts, n, &bytes);
    if (err != 0) {
        return err;
    }
    drop_stale(self); /* nothing can fail any more, and nobody can have replied yet */
    to->ops->commit(to, bytes);
    self->id++;
    self->asked = to;
    self->is_waiting = true;
    fmq__balance_rotate(&self->out, to);
    return 0;
}

static bool
has_next(fmq__pattern *p)
{
    return from_base(p)->is_relaxed;
}

/* Takes the head of a reply; false: it is none, and has been skipped. */
static bool
take_head(req *self, fmq__pipe *from)
{
    fmq__frame f;
    bool is_good = true;

    if (self->is_correlated) {
        fmq__pipe_pop(from, &f);
        is_good = (f.flags & FMQ__MORE) && f.len == sizeof(self->id) &&
                  memcmp(f.data, &self->id, sizeof(self->id)) == 0;
        fmq__pipe_drop(from, &f);
        if ((f.flags & FMQ__MORE) == 0) {
            return false;
        }
    }
    if (is_good) {
        fmq__pipe_pop(from, &f);
        is_good = (f.flags & FMQ__MORE) && f.len == 0;
        fmq__pipe_drop(from, &f);
        if ((f.flags & FMQ__MORE) == 0) {
            return false;
        }
    }
    if (!is_good) {
        fmq__pipe_skip_message(from);
    }
    return is_good;
}

/* Finds the reply to the request in flight, with its head taken off. */
static fmq__pipe *
find_reply(req *self)
{
    fmq__pipe *from;

    while ((from = fmq__fairq_front(&self->in)) != NULL) {
        if (self->asked != NULL && from != self->asked) {
            fmq__pipe_skip_message(from);
        } else if (take_head(self, from)) {
            return from;
        }
    }
    return NULL;
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    req *self = from_base(p);

    if (!self->is_waiting) {
        return FMQ_EFSM;
    }
    *from = find_reply(self);
    return *from != NULL ? 0 : EAGAIN;
}

static void
end_recv(fmq__pattern *p, fmq__pipe *from)
{
    req *self = from_base(p);

    fmq__fairq_rotate(&self->in, from);
    self->is_waiting = false;
    self->asked = NULL;
}

/* Poll says "readable" only of a true reply: find_reply leaves it begun. */
static bool
can_recv(fmq__pattern *p)
{
    req *self = from_base(p);

    if (p->reading == NULL && self->is_waiting) {
        p->reading = find_reply(self);
    }
    return p->reading != NULL;
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    req *self = from_base(p);

    if (self->has_probe && !fmq__probe_send(pipe)) {
        return ENOMEM;
    }
    fmq__balance_add(&self->out, pipe);
    fmq__fairq_add(&self->in, pipe);
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    req *self = from_base(p);

    fmq__balance_remove(pipe);
    fmq__fairq_remove(pipe);
    if (self->asked == pipe) {
        self->asked = NULL;
    }
}

static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
}

static void
writable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
}

static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    req *self = from_base(p);

    switch (option) {
    case OPT_REQ_CORRELATE:
        return fmq__pattern_get_flag(value, len, &self->is_correlated);
    case OPT_REQ_RELAXED:
        return fmq__pattern_get_flag(value, len, &self->is_relaxed);
    case FMQ__OPT_PROBE_ROUTER:
        return fmq__pattern_get_flag(value, len, &self->has_probe);
    default:
        return EINVAL;
    }
}

const fmq__pattern_ops fmq__pattern_req = {
    .name = "REQ",
    .type = 3,
    .peer_types = 1U << 4 | 1U << 6, /* REP, ROUTER */
    .has_identity = true,
    .dials_once = true,
    .says = FMQ__SAYS_HICCUP,
    .size = sizeof(req),
    .init = init,
    .fini = fmq__pattern_nothing,
    .check_send = check_send,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = end_recv,
    .has_next = has_next,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .set_option = set_option,
};
