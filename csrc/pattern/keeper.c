/* SPDX-License-Identifier: Apache-2.0 */
/* The sending half of PAIR and PUSH for those who must not wait: what nobody can take
 * yet is kept, the last KEPT_MAX messages of it, and goes to the first peer that comes.
 * A monitor's.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "pattern/balance.h"
#include "pattern/pattern.h"

enum { KEPT_MAX = 10000, PARTS_MAX = 16 };

typedef struct kept {
    fmq__node node;
    size_t n;
    size_t len[PARTS_MAX];
    uint8_t bytes[];
} kept;

typedef struct keeper {
    fmq__pattern base;
    fmq__balance out;
    fmq__node kept;
    size_t n_kept;
} keeper;

static keeper *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, keeper, base);
}

static void
init(fmq__pattern *p)
{
    keeper *self = from_base(p);

    fmq__balance_init(&self->out);
    fmq__list_init(&self->kept);
}

static void
drop_first(keeper *self)
{
    fmq__free(FMQ__ITEM(fmq__list_pop_front(&self->kept), kept, node));
    self->n_kept--;
}

static void
fini(fmq__pattern *p)
{
    while (from_base(p)->n_kept != 0) {
        drop_first(from_base(p));
    }
}

static int
keep(keeper *self, const fmq__outpart *parts, size_t n)
{
    size_t total = 0;
    kept *k;

    for (size_t i = 0; i < n; i++) {
        total += parts[i].len;
    }
    k = n <= PARTS_MAX ? fmq__alloc(sizeof(*k) + total) : NULL;
    if (k == NULL) {
        return n <= PARTS_MAX ? ENOMEM : EINVAL;
    }
    k->n = n;
    total = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len != 0) {
            memcpy(k->bytes + total, parts[i].data, parts[i].len);
        }
        k->len[i] = parts[i].len;
        total += parts[i].len;
    }
    fmq__list_push_back(&self->kept, &k->node);
    if (++self->n_kept > KEPT_MAX) {
        drop_first(self);
    }
    return 0;
}

/* Sends what was kept, as far as there is room. */
static void
send_kept(keeper *self)
{
    while (self->n_kept != 0) {
        const kept *k = FMQ__ITEM(self->kept.next, kept, node);
        fmq__outpart parts[PARTS_MAX];
        const uint8_t *at = k->bytes;

        for (size_t i = 0; i < k->n; i++) {
            parts[i] = (fmq__outpart){at, k->len[i], NULL};
            at += k->len[i];
        }
        if (fmq__balance_send(&self->out, parts, k->n) != 0) {
            return;
        }
        drop_first(self);
    }
}

static bool
can_send(fmq__pattern *p)
{
    (void)p;
    return true;
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
    keeper *self = from_base(p);
    int err = EAGAIN;

    send_kept(self);
    if (self->n_kept == 0) {
        err = fmq__balance_send(&self->out, parts, n);
    }
    return err == EAGAIN ? keep(self, parts, n) : err;
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
    send_kept(from_base(p));
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__balance_remove(pipe);
}

static void
writable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__balance_add(&from_base(p)->out, pipe);
    send_kept(from_base(p));
}

const fmq__pattern_ops fmq__pattern_keeper = {
    .name = "PAIR",
    .type = 0,
    .peer_types = 0, /* it does not leave the process */
    .size = sizeof(keeper),
    .init = init,
    .fini = fini,
    .check_send = check_send,
    .send = send,
    .begin_recv = fmq__pattern_no_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = can_send,
    .can_recv = fmq__pattern_never,
    .attach = attach,
    .detach = detach,
    .readable = fmq__pattern_nothing_pipe,
    .writable = writable,
};
