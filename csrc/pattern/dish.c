/* SPDX-License-Identifier: Apache-2.0 */
/* DISH: takes messages for the groups that it has joined, from all RADIOs in turn (RFC
 * 48 "DISH Socket Type"). RADIOs filter; so does DISH, for those that sent before they
 * knew. */
#include <errno.h>
#include <string.h>

#include "pattern/subscribe.h"

typedef struct dish {
    fmq__subscriber sub; /* its topics are the groups */
    fmq__msg got;        /* has the group of the message that is being taken */
} dish;

static dish *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, dish, sub.base);
}

static void
init(fmq__pattern *p)
{
    fmq__subscriber_init(p);
    from_base(p)->sub.joins = true;
    fmq__msg_init(&from_base(p)->got);
}

static void
fini(fmq__pattern *p)
{
    fmq__msg_close(&from_base(p)->got);
    fmq__subscriber_fini(p);
}

/* --- groups --- */

static int
join(fmq__pattern *p, const char *group, bool is_join)
{
    fmq__subscriber *self = &from_base(p)->sub;
    const uint8_t *name = (const uint8_t *)group;
    size_t len = strnlen(group, FMQ__GROUP_MAX + 1);

    if (len > FMQ__GROUP_MAX ||
        (fmq__topics_find(&self->topics, name, len) != NULL) == is_join) {
        return EINVAL;
    }
    return is_join ? fmq__subscriber_want(self, name, len)
                   : fmq__subscriber_unwant(self, name, len);
}

/* --- receiving --- */

/* Whether the next message is one: a group, and one part. */
static bool
is_well_formed(const fmq__pipe *from, const fmq__frame *group)
{
    return group->len <= FMQ__GROUP_MAX && fmq__fq_count_parts(from->in) == 2;
}

/* The pipe of the next message that is wanted; those before it are skipped. */
static fmq__pipe *
find(dish *self, char *group)
{
    fmq__pipe *from;
    fmq__frame f;

    while ((from = fmq__fairq_front(&self->sub.in)) != NULL) {
        fmq__fq_peek(from->in, &f);
        if (!is_well_formed(from, &f)) {
            fmq__pipe_end(from); /* as libzmq does: that is no RADIO */
        } else {
            memcpy(group, f.data, f.len);
            group[f.len] = '\0'; /* also a NUL of its own ends it */
            if (fmq__topics_find(&self->sub.topics, (const uint8_t *)group,
                                 strlen(group)) != NULL) {
                return from;
            }
        }
        fmq__pipe_skip_message(from);
    }
    return NULL;
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    dish *self = from_base(p);
    char group[FMQ__GROUP_MAX + 1];
    fmq__frame f;
    int err;

    *from = find(self, group);
    if (*from == NULL) {
        return EAGAIN;
    }
    err = fmq__msg_set_group(&self->got, group);
    if (err == 0) {
        fmq__pipe_pop(*from, &f); /* too short to be a reference */
    }
    return err;
}

static void
sign(fmq__pattern *p, fmq__msg *m)
{
    fmq__msg_pass_group(m, &from_base(p)->got);
}

static bool
can_recv(fmq__pattern *p)
{
    char group[FMQ__GROUP_MAX + 1];

    return p->reading != NULL || find(from_base(p), group) != NULL;
}

const fmq__pattern_ops fmq__pattern_dish = {
    .name = "DISH",
    .type = 15,
    .peer_types = 1U << 14, /* RADIO */
    .is_single = true,
    .renews = true,
    .has_zero_linger = true,
    .size = sizeof(dish),
    .init = init,
    .fini = fini,
    .check_send = fmq__pattern_no_check,
    .send = fmq__pattern_no_send,
    .begin_recv = begin_recv,
    .end_recv = fmq__subscriber_end_recv,
    .sign = sign,
    .can_send = fmq__pattern_always, /* in libzmq, too: it may join at any time */
    .can_recv = can_recv,
    .attach = fmq__subscriber_attach,
    .detach = fmq__subscriber_detach,
    .up = fmq__subscriber_up,
    .readable = fmq__subscriber_readable,
    .writable = fmq__pattern_nothing_pipe,
    .join = join,
};
