/* SPDX-License-Identifier: Apache-2.0 */
/* DEALER: messages go to one peer each in turn, and come from all in turn (RFC 28
 * "DEALER Socket Type"). */
#include <errno.h>

#include "pattern/dealer.h"
#include "pattern/probe.h"

static fmq__dealer *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__dealer, base);
}

static fmq__pipe *
front(fmq__pattern *p)
{
    fmq__fairq *in = &from_base(p)->in;

    return p->ops->is_single ? fmq__fairq_front_single(in) : fmq__fairq_front(in);
}

void
fmq__dealer_init(fmq__pattern *p)
{
    fmq__balance_init(&from_base(p)->out);
    fmq__fairq_init(&from_base(p)->in);
}

bool
fmq__dealer_can_send(fmq__pattern *p)
{
    return fmq__balance_front(&from_base(p)->out) != NULL;
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    (void)first;
    return fmq__dealer_can_send(p) ? 0 : EAGAIN;
}

int
fmq__dealer_send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    return fmq__balance_send(&from_base(p)->out, parts, n);
}

int
fmq__dealer_begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = front(p);
    return *from != NULL ? 0 : EAGAIN;
}

void
fmq__dealer_end_recv(fmq__pattern *p, fmq__pipe *from)
{
    fmq__fairq_rotate(&from_base(p)->in, from);
}

bool
fmq__dealer_can_recv(fmq__pattern *p)
{
    return p->reading != NULL || front(p) != NULL;
}

int
fmq__dealer_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__dealer *self = from_base(p);

    if (self->has_probe && !fmq__probe_send(pipe)) {
        return ENOMEM;
    }
    fmq__balance_add(&self->out, pipe);
    fmq__fairq_add(&self->in, pipe);
    return 0;
}

void
fmq__dealer_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__balance_remove(pipe);
    fmq__fairq_remove(pipe);
}

void
fmq__dealer_readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
}

void
fmq__dealer_writable(fmq__pattern *p, fmq__pipe *pipe)
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
    .size = sizeof(fmq__dealer),
    .init = fmq__dealer_init,
    .fini = fmq__pattern_nothing,
    .check_send = check_send,
    .send = fmq__dealer_send,
    .begin_recv = fmq__dealer_begin_recv,
    .end_recv = fmq__dealer_end_recv,
    .can_send = fmq__dealer_can_send,
    .can_recv = fmq__dealer_can_recv,
    .attach = fmq__dealer_attach,
    .detach = fmq__dealer_detach,
    .readable = fmq__dealer_readable,
    .writable = fmq__dealer_writable,
    .set_option = set_option,
};
