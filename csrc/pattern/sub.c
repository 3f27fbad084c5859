/* SPDX-License-Identifier: Apache-2.0 */
/* SUB: takes messages that begin with a topic it subscribed to, from all publishers in
 * turn (RFC 29 "SUB Socket Type"). Publishers filter; so does SUB, for those that sent
 * before they knew, or do not know. */
#include <errno.h>

#include "pattern/subscribe.h"

enum { OPT_SUBSCRIBE = 6, OPT_UNSUBSCRIBE = 7 };

static fmq__subscriber *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__subscriber, base);
}

static bool
is_wanted(const fmq__subscriber *self, const fmq__pipe *from)
{
    fmq__topic_walk walk;
    fmq__frame f;

    fmq__fq_peek(from->in, &f);
    fmq__topics_match(&self->topics, f.data, f.len, &walk);
    return (walk.next != NULL) != self->base.is_inverted;
}

/* The pipe of the next message that is wanted; those before it are skipped. */
static fmq__pipe *
find(fmq__subscriber *self)
{
    fmq__pipe *from;

    while ((from = fmq__fairq_front(&self->in)) != NULL && !is_wanted(self, from)) {
        fmq__pipe_skip_message(from);
    }
    return from;
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = find(from_base(p));
    return *from != NULL ? 0 : EAGAIN;
}

static bool
can_recv(fmq__pattern *p)
{
    return p->reading != NULL || find(from_base(p)) != NULL;
}

static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    switch (option) {
    case OPT_SUBSCRIBE:
        return fmq__subscriber_want(from_base(p), value, len);
    case OPT_UNSUBSCRIBE:
        return fmq__subscriber_unwant(from_base(p), value, len);
    default:
        return EINVAL;
    }
}

const fmq__pattern_ops fmq__pattern_sub = {
    .name = "SUB",
    .type = 2,
    .peer_types = 1U << 1 | 1U << 9, /* PUB, XPUB */
    .renews = true,
    .has_zero_linger = true,
    .dials_once = true,
    .conflates = FMQ__CONFLATE_IN,
    .size = sizeof(fmq__subscriber),
    .init = fmq__subscriber_init,
    .fini = fmq__subscriber_fini,
    .check_send = fmq__pattern_no_check,
    .send = fmq__pattern_no_send,
    .begin_recv = begin_recv,
    .end_recv = fmq__subscriber_end_recv,
    .can_send = fmq__pattern_never,
    .can_recv = can_recv,
    .attach = fmq__subscriber_attach,
    .detach = fmq__subscriber_detach,
    .up = fmq__subscriber_up,
    .readable = fmq__subscriber_readable,
    .writable = fmq__pattern_nothing_pipe,
    .set_option = set_option,
    .get_option = fmq__subscriber_get,
};
