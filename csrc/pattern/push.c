/* SPDX-License-Identifier: Apache-2.0 */
/* PUSH: each message goes to one PULL, in turn (RFC 30 "PUSH Socket Type"). */
#include <errno.h>

#include "pattern/push.h"

static fmq__push *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__push, base);
}

void
fmq__push_init(fmq__pattern *p)
{
    fmq__balance_init(&from_base(p)->out);
}

bool
fmq__push_can_send(fmq__pattern *p)
{
    return fmq__balance_front(&from_base(p)->out) != NULL;
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    (void)first;
    return fmq__push_can_send(p) ? 0 : EAGAIN;
}

int
fmq__push_send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    return fmq__balance_send(&from_base(p)->out, parts, n);
}

int
fmq__push_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
    return 0;
}

void
fmq__push_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__balance_remove(pipe);
}

/* What a peer sends to a PUSH is not for anybody: it is dropped as it comes. */
void
fmq__push_readable(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__pipe_skip_all(pipe);
}

void
fmq__push_writable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
}

const fmq__pattern_ops fmq__pattern_push = {
    .name = "PUSH",
    .type = 8,
    .peer_types = 1U << 7, /* PULL */
    .conflates = FMQ__CONFLATE_OUT,
    .size = sizeof(fmq__push),
    .init = fmq__push_init,
    .fini = fmq__pattern_nothing,
    .check_send = check_send,
    .send = fmq__push_send,
    .begin_recv = fmq__pattern_no_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__push_can_send,
    .can_recv = fmq__pattern_never,
    .attach = fmq__push_attach,
    .detach = fmq__push_detach,
    .readable = fmq__push_readable,
    .writable = fmq__push_writable,
};
