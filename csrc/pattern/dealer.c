/* SPDX-License-Identifier: Apache-2.0 */
/* DEALER: messages go to one peer each in turn, and come from all in turn (RFC 28
 * "DEALER Socket Type"). */
#include <errno.h>

#include "pattern/balance.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"
#include "pattern/probe.h"

typedef struct dealer {
    fmq__pattern base;
    fmq__balance out;
    fmq__fairq in;
    bool has_probe;
} dealer;

static dealer *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, dealer, base);
}

static void
init(fmq__pattern *p)
{
    fmq__balance_init(&from_base(p)->out);
    fmq__fairq_init(&from_base(p)->in);
}

static bool
can_send(fmq__pattern *p)
{
    return fmq__balance_front(&from_base(p)->out) != NULL;
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    (void)first;
    return can_send(p) ? 0 : EAGAIN;
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    return fmq__balance_send(&from_base(p)->out, parts, n);
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = fmq__fairq_front(&from_base(p)->in);
    return *from != NULL ? 0 : EAGAIN;
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

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    dealer *self = from_base(p);

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
    (void)p;
    fmq__balance_remove(pipe);
    fmq__fairq_remove(pipe);
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
    return option == FMQ__OPT_PROBE_ROUTER
               ? fmq__pattern_get_flag(value, len, &from_base(p)->has_probe)
               : EINVAL;
}

const fmq__pattern_ops fmq__pattern_dealer = {
    .name = "DEALER",
    .type = 5,
    .peer_types = 1U << 4 | 1U << 5 | 1U << 6, /* REP, DEALER, ROUTER */
    .has_identity = true,
    .dials_once = true,
    .conflates = FMQ__CONFLATE_IN | FMQ__CONFLATE_OUT,
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_HICCUP,
    .size = sizeof(dealer),
    .init = init,
    .fini = fmq__pattern_nothing,
    .check_send = check_send,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = end_recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .set_option = set_option,
};
