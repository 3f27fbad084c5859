/* SPDX-License-Identifier: Apache-2.0 */
/* XSUB: subscribes by sending (01 or 00, then the topic), and takes all that comes (RFC
 * 29 "XSUB Socket Type"). Other messages go to every publisher. */
#include <errno.h>

#include "base/alloc.h"
#include "pattern/subscribe.h"

enum { OPT_ONLY_FIRST = 108, OPT_VERBOSE_UNSUBSCRIBE = 115 };

static fmq__subscriber *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__subscriber, base);
}

static bool
is_want(const fmq__outpart *part)
{
    return part->len != 0 && part->data[0] <= 1;
}

static int
take_want(fmq__subscriber *self, const fmq__outpart *part)
{
    return part->data[0] == 1
               ? fmq__subscriber_want(self, part->data + 1, part->len - 1)
               : fmq__subscriber_unwant(self, part->data + 1, part->len - 1);
}

/* To every pipe that has room: a publisher that is full misses it. */
static void
send_up(fmq__subscriber *self, const fmq__outpart *parts, size_t n)
{
    for (fmq__node *at = self->pipes.next; at != &self->pipes; at = at->next) {
        fmq__pipe *pipe = FMQ__ITEM(at, fmq__pipe, out_node);

        if (fmq__pipe_can_write(pipe)) {
            (void)fmq__pipe_send(pipe, pipe->out->end, parts, n);
        }
    }
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    (void)p;
    (void)first;
    return 0;
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__subscriber *self = from_base(p);
    fmq__outpart *others = NULL;
    bool may_be_want = true;
    size_t n_others = 0;
    int err = 0;

    if (n > 1) {
        others = fmq__calloc(n, sizeof(*others));
        if (others == NULL) {
            return ENOMEM;
        }
    } else if (!is_want(&parts[0])) {
        send_up(self, parts, 1);
        return 0;
    } else {
        return take_want(self, &parts[0]);
    }
    for (size_t i = 0; i < n && err == 0; i++) {
        bool is_one = may_be_want && is_want(&parts[i]);

        if (is_one) {
            err = take_want(self, &parts[i]);
        } else {
            others[n_others++] = parts[i];
        }
        may_be_want = is_one || !self->is_only_first;
    }
    if (err == 0 && n_others != 0) {
        send_up(self, others, n_others);
    }
    fmq__free(others);
    return err;
}

static bool
can_send(fmq__pattern *p)
{
    (void)p;
    return true;
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    *from = fmq__fairq_front(&from_base(p)->in);
    return *from != NULL ? 0 : EAGAIN;
}

static bool
can_recv(fmq__pattern *p)
{
    return p->reading != NULL || fmq__fairq_front(&from_base(p)->in) != NULL;
}

static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    fmq__subscriber *self = from_base(p);
    int n;
    int err;

    switch (option) {
    case OPT_ONLY_FIRST:
        return fmq__pattern_get_flag(value, len, &self->is_only_first);
    case OPT_VERBOSE_UNSUBSCRIBE:
        err = fmq__pattern_get_int(value, len, &n);
        self->tells_all = err == 0 ? n != 0 : self->tells_all;
        return err;
    default:
        return EINVAL;
    }
}

const fmq__pattern_ops fmq__pattern_xsub = {
    .name = "XSUB",
    .type = 10,
    .peer_types = 1U << 1 | 1U << 9, /* PUB, XPUB */
    .renews = true,
    .has_zero_linger = true,
    .size = sizeof(fmq__subscriber),
    .init = fmq__subscriber_init,
    .fini = fmq__subscriber_fini,
    .check_send = check_send,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = fmq__subscriber_end_recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = fmq__subscriber_attach,
    .detach = fmq__subscriber_detach,
    .up = fmq__subscriber_up,
    .readable = fmq__subscriber_readable,
    .writable = fmq__pattern_nothing_pipe,
    .set_option = set_option,
    .get_option = fmq__subscriber_get,
};
