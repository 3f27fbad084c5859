/* SPDX-License-Identifier: Apache-2.0 */
/* SCATTER: PUSH for messages of one part (RFC 49 "SCATTER Socket Type"). */
#include "pattern/balance.h"
#include "pattern/pattern.h"

typedef struct scatter {
    fmq__pattern base;
    fmq__balance out;
} scatter;

static scatter *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, scatter, base);
}

static void
init(fmq__pattern *p)
{
    fmq__balance_init(&from_base(p)->out);
}

static bool
can_send(fmq__pattern *p)
{
    return fmq__balance_front(&from_base(p)->out) != NULL;
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    return fmq__balance_send(&from_base(p)->out, parts, n);
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__balance_remove(pipe);
}

/* What a peer sends to a SCATTER is not for anybody: it is dropped as it comes. */
static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__pipe_skip_all(pipe);
}

static void
writable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
}

const fmq__pattern_ops fmq__pattern_scatter = {
    .name = "SCATTER",
    .type = 17,
    .peer_types = 1U << 16, /* GATHER */
    .is_single = true,
    .size = sizeof(scatter),
    .init = init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_one_part,
    .send = send,
    .begin_recv = fmq__pattern_no_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = can_send,
    .can_recv = fmq__pattern_never,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
};
