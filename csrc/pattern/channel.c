/* SPDX-License-Identifier: Apache-2.0 */
/* CHANNEL: PAIR for messages of one part (RFC 52). A second peer is refused; the first
 * stays. */
#include <errno.h>

#include "pattern/pattern.h"

typedef struct channel {
    fmq__pattern base;
    fmq__pipe *peer; /* or NULL */
} channel;

static channel *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, channel, base);
}

static bool
can_send(fmq__pattern *p)
{
    fmq__pipe *peer = from_base(p)->peer;

    return peer != NULL && fmq__pipe_can_write(peer);
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *peer = from_base(p)->peer;

    if (!can_send(p)) {
        return EAGAIN;
    }
    return fmq__pipe_send(peer, peer->out->end, parts, n);
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = from_base(p)->peer;
    return *from != NULL && fmq__pipe_can_read_single(*from) ? 0 : EAGAIN;
}

static bool
can_recv(fmq__pattern *p)
{
    fmq__pipe *peer = from_base(p)->peer;

    return p->reading != NULL || (peer != NULL && fmq__pipe_can_read_single(peer));
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    channel *self = from_base(p);

    if (self->peer != NULL) {
        return EBUSY;
    }
    self->peer = pipe;
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    channel *self = from_base(p);

    if (self->peer == pipe) {
        self->peer = NULL;
    }
}

const fmq__pattern_ops fmq__pattern_channel = {
    .name = "CHANNEL",
    .type = 20,
    .peer_types = 1U << 20, /* CHANNEL */
    .is_single = true,
    .size = sizeof(channel),
    .init = fmq__pattern_nothing,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_one_part,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .readable = fmq__pattern_nothing_pipe,
    .writable = fmq__pattern_nothing_pipe,
};
