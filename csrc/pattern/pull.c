/* SPDX-License-Identifier: Apache-2.0 */
/* PULL: takes messages from all PUSH peers, one each in turn (RFC 30 "PULL Socket
 * Type"). */
#include <errno.h>

#include "pattern/pull.h"

static fmq__pull *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__pull, base);
}

static fmq__pipe *
front(fmq__pattern *p)
{
    fmq__fairq *in = &from_base(p)->in;

    return p->ops->is_single ? fmq__fairq_front_single(in) : fmq__fairq_front(in);
}

void
fmq__pull_init(fmq__pattern *p)
{
    fmq__fairq_init(&from_base(p)->in);
}

int
fmq__pull_begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = front(p);
    return *from != NULL ? 0 : EAGAIN;
}

void
fmq__pull_end_recv(fmq__pattern *p, fmq__pipe *from)
{
    fmq__fairq_rotate(&from_base(p)->in, from);
}

bool
fmq__pull_can_recv(fmq__pattern *p)
{
    return p->reading != NULL || front(p) != NULL;
}

int
fmq__pull_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
    return 0;
}

void
fmq__pull_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__fairq_remove(pipe);
}

void
fmq__pull_readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
}

const fmq__pattern_ops fmq__pattern_pull = {
    .name = "PULL",
    .type = 7,
    .peer_types = 1U << 8, /* PUSH */
    .conflates = FMQ__CONFLATE_IN,
    .size = sizeof(fmq__pull),
    .init = fmq__pull_init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_no_check,
    .send = fmq__pattern_no_send,
    .begin_recv = fmq__pull_begin_recv,
    .end_recv = fmq__pull_end_recv,
    .can_send = fmq__pattern_never,
    .can_recv = fmq__pull_can_recv,
    .attach = fmq__pull_attach,
    .detach = fmq__pull_detach,
    .readable = fmq__pull_readable,
    .writable = fmq__pattern_nothing_pipe,
};
