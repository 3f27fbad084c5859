/* SPDX-License-Identifier: Apache-2.0 */
/* CLIENT: DEALER for messages of one part, to SERVERs (RFC 41 "CLIENT Socket Type"). */
#include <errno.h>

#include "pattern/balance.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"

typedef struct client {
    fmq__pattern base;
    fmq__balance out;
    fmq__fairq in;
} client;

static client *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, client, base);
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
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    return fmq__balance_send(&from_base(p)->out, parts, n);
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
    fmq__balance_add(&from_base(p)->out, pipe);
    fmq__fairq_add(&from_base(p)->in, pipe);
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

const fmq__pattern_ops fmq__pattern_client = {
    .name = "CLIENT",
    .type = 13,
    .peer_types = 1U << 12, /* SERVER */
    .is_single = true,
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_HICCUP,
    .size = sizeof(client),
    .init = init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_one_part,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = end_recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
};
