/* SPDX-License-Identifier: Apache-2.0 */
/* GATHER: PULL for messages of one part (RFC 49 "GATHER Socket Type"). */
#include <errno.h>

#include "pattern/fairq.h"
#include "pattern/pattern.h"

typedef struct gather {
    fmq__pattern base;
    fmq__fairq in;
} gather;

static gather *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, gather, base);
}

static void
init(fmq__pattern *p)
{
    fmq__fairq_init(&from_base(p)->in);
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = fmq__fairq_front_single(&from_base(p)->in);
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
    return p->reading != NULL || fmq__fairq_front_single(&from_base(p)->in) != NULL;
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__fairq_remove(pipe);
}

static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
}

const fmq__pattern_ops fmq__pattern_gather = {
    .name = "GATHER",
    .type = 16,
    .peer_types = 1U << 17, /* SCATTER */
    .is_single = true,
    .size = sizeof(gather),
    .init = init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_no_check,
    .send = fmq__pattern_no_send,
    .begin_recv = begin_recv,
    .end_recv = end_recv,
    .can_send = fmq__pattern_never,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = fmq__pattern_nothing_pipe,
};
