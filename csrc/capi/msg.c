/* SPDX-License-Identifier: Apache-2.0 */
/* The fmq_msg functions of fastmq.h. */
#include "msg/msg.h"

#include "fastmq.h"
#include "session/readbuf.h"

static const fmq__msg *
const_msg(const fmq_msg *m)
{
    return (const fmq__msg *)(const void *)m;
}

void
fmq_msg_init(fmq_msg *m)
{
    fmq__msg_init(fmq__msg_from(m));
}

int
fmq_msg_init_size(fmq_msg *m, size_t size)
{
    return fmq__msg_init_size(fmq__msg_from(m), size);
}

int
fmq_msg_init_copy(fmq_msg *m, const void *data, size_t size)
{
    return fmq__msg_init_copy(fmq__msg_from(m), data, size);
}

int
fmq_msg_init_data(fmq_msg *m, void *data, size_t size, fmq_free_fn *free_fn, void *hint)
{
    return fmq__msg_init_lent(fmq__msg_from(m), data, size, free_fn, hint);
}

void
fmq_msg_keep(fmq_msg *m)
{
    fmq__msg *msg = fmq__msg_from(m);

    if (msg->kind == FMQ__MSG_BODY) {
        fmq__body_keep(msg->u.ref.body);
    }
}

void
fmq_msg_settle(fmq_msg *m)
{
    fmq__msg_settle(fmq__msg_from(m));
}

void
fmq_msg_close(fmq_msg *m)
{
    fmq__msg_close(fmq__msg_from(m));
}

void
fmq_msg_move(fmq_msg *to, fmq_msg *from)
{
    fmq__msg_move(fmq__msg_from(to), fmq__msg_from(from));
}

int
fmq_msg_copy(fmq_msg *to, fmq_msg *from)
{
    fmq__msg_copy(fmq__msg_from(to), fmq__msg_from(from));
    return 0;
}

void *
fmq_msg_data(fmq_msg *m)
{
    return fmq__msg_data(fmq__msg_from(m));
}

size_t
fmq_msg_size(const fmq_msg *m)
{
    return fmq__msg_len(const_msg(m));
}

int
fmq_msg_more(const fmq_msg *m)
{
    return (const_msg(m)->flags & FMQ__MORE) != 0;
}

int
fmq_msg_is_shared(const fmq_msg *m)
{
    const fmq__msg *msg = const_msg(m);

    /* A queue that still holds its chunk is no message. */
    return msg->kind == FMQ__MSG_BODY && msg->u.ref.body->kind != FMQ__BODY_CHUNK &&
           !fmq__body_is_sole(msg->u.ref.body);
}

void *
fmq_msg_lent(const fmq_msg *m, fmq_free_fn *free_fn)
{
    const fmq__msg *msg = const_msg(m);

    return msg->kind == FMQ__MSG_BODY ? fmq__body_lent_by(msg->u.ref.body, free_fn)
                                      : NULL;
}

int
fmq_msg_reclaim(fmq_msg *m, fmq_free_fn *free_fn)
{
    fmq__msg *msg = fmq__msg_from(m);

    if (fmq_msg_lent(m, free_fn) == NULL || !fmq__body_reclaim(msg->u.ref.body)) {
        return 0;
    }
    msg->kind = FMQ__MSG_INLINE;
    msg->inline_len = 0;
    fmq__msg_close(msg); /* what else it has */
    return 1;
}

void
fmq_offer(void *data, size_t size, fmq_free_fn *free_fn, void *hint)
{
    fmq__offer_mine = (fmq__offer){data, size, free_fn, hint};
}

int
fmq_offer_end(void)
{
    bool was_left = fmq__offer_mine.data != NULL;

    fmq__offer_mine.data = NULL;
    return was_left;
}

const char *
fmq_msg_gets(const fmq_msg *m, const char *name)
{
    const fmq__props *props = const_msg(m)->props;

    return props != NULL ? fmq__props_get(props, name, NULL) : NULL;
}

uint32_t
fmq_msg_routing_id(const fmq_msg *m)
{
    return const_msg(m)->routing_id;
}

int
fmq_msg_set_routing_id(fmq_msg *m, uint32_t routing_id)
{
    if (routing_id == 0) {
        return EINVAL;
    }
    fmq__msg_from(m)->routing_id = routing_id;
    return 0;
}

const char *
fmq_msg_group(const fmq_msg *m)
{
    return fmq__msg_group(const_msg(m));
}

int
fmq_msg_set_group(fmq_msg *m, const char *group)
{
    return group == NULL ? EINVAL : fmq__msg_set_group(fmq__msg_from(m), group);
}
