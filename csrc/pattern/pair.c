/* SPDX-License-Identifier: Apache-2.0 */
/* PAIR: one peer, both ways (RFC 31). A second peer is refused; the first stays. */
#include <errno.h>

#include "pattern/pair.h"

static fmq__pair *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__pair, base);
}

bool
fmq__pair_can_send(fmq__pattern *p)
{
    fmq__pipe *peer = from_base(p)->peer;

    return peer != NULL && fmq__pipe_can_write(peer);
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    (void)first;
    return fmq__pair_can_send(p) ? 0 : EAGAIN;
}

int
fmq__pair_send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__pipe *peer = from_base(p)->peer;

    if (!fmq__pair_can_send(p)) {
        return EAGAIN;
    }
    return fmq__pipe_send(peer, peer->out->end, parts, n);
}

static bool
can_read(const fmq__pattern *p, fmq__pipe *peer)
{
    return p->ops->is_single ? fmq__pipe_can_read_single(peer)
                             : fmq__pipe_can_read(peer);
}

int
fmq__pair_begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = from_base(p)->peer;
    return *from != NULL && can_read(p, *from) ? 0 : EAGAIN;
}

bool
fmq__pair_can_recv(fmq__pattern *p)
{
    fmq__pipe *peer = from_base(p)->peer;

    return p->reading != NULL || (peer != NULL && can_read(p, peer));
}

int
fmq__pair_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__pair *self = from_base(p);

    if (self->peer != NULL) {
        return EBUSY;
    }
    self->peer = pipe;
    return 0;
}

void
fmq__pair_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__pair *self = from_base(p);

    if (self->peer == pipe) {
        self->peer = NULL;
    }
}

const fmq__pattern_ops fmq__pattern_pair = {
    .name = "PAIR",
    .type = 0,
    .peer_types = 1U << 0, /* PAIR */
    .size = sizeof(fmq__pair),
    .init = fmq__pattern_nothing,
    .fini = fmq__pattern_nothing,
    .check_send = check_send,
    .send = fmq__pair_send,
    .begin_recv = fmq__pair_begin_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__pair_can_send,
    .can_recv = fmq__pair_can_recv,
    .attach = fmq__pair_attach,
    .detach = fmq__pair_detach,
    .readable = fmq__pattern_nothing_pipe,
    .writable = fmq__pattern_nothing_pipe,
};
