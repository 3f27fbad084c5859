/* SPDX-License-Identifier: Apache-2.0 */
/* The message functions of zmq.h. A zmq_msg_t is the core's message; a closed one has a
 * kind of its own, so that closing twice, or going on with it, is EFAULT, as is NULL.
 */
#include "capi/zmq_msg.h"

#include <stdlib.h>

_Static_assert(sizeof(zmq_msg_t) == sizeof(fmq__msg), "a zmq_msg_t is a message");
_Static_assert(_Alignof(zmq_msg_t) >= _Alignof(fmq__msg), "a zmq_msg_t is a message");

int
zmq_msg_init(zmq_msg_t *message)
{
    if (message == NULL) {
        return fmq__zmq_result(EFAULT);
    }
    fmq__msg_init(fmq__zmq_msg(message));
    return 0;
}

int
zmq_msg_init_size(zmq_msg_t *message, size_t size)
{
    return fmq__zmq_result(
        message != NULL ? fmq__msg_init_size(fmq__zmq_msg(message), size) : EFAULT);
}

int
zmq_msg_init_data(zmq_msg_t *message, void *data, size_t size, zmq_free_fn *free_fn,
                  void *hint)
{
    if (message == NULL || (data == NULL && size != 0)) {
        return fmq__zmq_result(EFAULT);
    }
    return fmq__zmq_result(
        fmq__msg_init_lent(fmq__zmq_msg(message), data, size, free_fn, hint));
}

int
zmq_msg_init_buffer(zmq_msg_t *message, const void *data, size_t size)
{
    if (message == NULL || (data == NULL && size != 0)) {
        return fmq__zmq_result(EFAULT);
    }
    return fmq__zmq_result(fmq__msg_init_copy(fmq__zmq_msg(message), data, size));
}

int
zmq_msg_close(zmq_msg_t *message)
{
    fmq__msg *m = fmq__zmq_msg(message);

    if (!fmq__zmq_is_msg(m)) {
        return fmq__zmq_result(EFAULT);
    }
    fmq__msg_close(m);
    m->kind = FMQ__MSG_CLOSED;
    return 0;
}

int
zmq_msg_move(zmq_msg_t *to, zmq_msg_t *from)
{
    if (!fmq__zmq_is_msg(fmq__zmq_msg(to)) || !fmq__zmq_is_msg(fmq__zmq_msg(from))) {
        return fmq__zmq_result(EFAULT);
    }
    fmq__msg_move(fmq__zmq_msg(to), fmq__zmq_msg(from));
    return 0;
}

int
zmq_msg_copy(zmq_msg_t *to, zmq_msg_t *from)
{
    if (!fmq__zmq_is_msg(fmq__zmq_msg(to)) || !fmq__zmq_is_msg(fmq__zmq_msg(from))) {
        return fmq__zmq_result(EFAULT);
    }
    fmq__msg_copy(fmq__zmq_msg(to), fmq__zmq_msg(from));
    return 0;
}

/* --- what is in it; a closed one has nothing --- */

void *
zmq_msg_data(zmq_msg_t *message)
{
    return message != NULL ? fmq__msg_data(fmq__zmq_msg(message)) : NULL;
}

size_t
zmq_msg_size(const zmq_msg_t *message)
{
    return message != NULL ? fmq__msg_len(fmq__zmq_const_msg(message)) : 0;
}

int
zmq_msg_more(const zmq_msg_t *message)
{
    return message != NULL && (fmq__zmq_const_msg(message)->flags & FMQ__MORE) != 0;
}

static int
is_shared(const fmq__msg *m)
{
    return m->kind == FMQ__MSG_BODY &&
           (fmq__body_is_constant(m->u.ref.body) || !fmq__body_is_sole(m->u.ref.body));
}

/* -1 and EINVAL if it came over no descriptor. */
static int
source_fd(const zmq_msg_t *message)
{
    const char *fd = zmq_msg_gets(message, "__fd");

    return fd != NULL ? (int)strtol(fd, NULL, 10) : -1;
}

int
zmq_msg_get(const zmq_msg_t *message, int property)
{
    if (!fmq__zmq_is_msg(fmq__zmq_const_msg(message))) {
        return fmq__zmq_result(EFAULT);
    }
    switch (property) {
    case ZMQ_MORE:
        return zmq_msg_more(message);
    case ZMQ_SRCFD:
        return source_fd(message);
    case ZMQ_SHARED:
        return is_shared(fmq__zmq_const_msg(message));
    default:
        return fmq__zmq_result(EINVAL);
    }
}

/* There is no property that could be set. */
int
zmq_msg_set(zmq_msg_t *message, int property, int value)
{
    (void)message;
    (void)property;
    (void)value;
    return fmq__zmq_result(EINVAL);
}

const char *
zmq_msg_gets(const zmq_msg_t *message, const char *property)
{
    const fmq__msg *m = fmq__zmq_const_msg(message);
    const fmq__props *props;
    const char *value = NULL;

    if (!fmq__zmq_is_msg(m)) {
        errno = EFAULT;
        return NULL;
    }
    props = m->props;
    if (props != NULL && property != NULL) {
        value = fmq__props_get(props, property, NULL);
    }
    if (value == NULL) {
        errno = EINVAL;
    }
    return value;
}

/* --- routing ids and groups --- */

int
zmq_msg_set_routing_id(zmq_msg_t *message, uint32_t routing_id)
{
    if (!fmq__zmq_is_msg(fmq__zmq_msg(message))) {
        return fmq__zmq_result(EFAULT);
    }
    if (routing_id == 0) {
        return fmq__zmq_result(EINVAL);
    }
    fmq__zmq_msg(message)->routing_id = routing_id;
    return 0;
}

uint32_t
zmq_msg_routing_id(zmq_msg_t *message)
{
    return message != NULL ? fmq__zmq_msg(message)->routing_id : 0;
}

int
zmq_msg_set_group(zmq_msg_t *message, const char *group)
{
    if (group == NULL || !fmq__zmq_is_msg(fmq__zmq_msg(message))) {
        return fmq__zmq_result(EFAULT);
    }
    return fmq__zmq_result(fmq__msg_set_group(fmq__zmq_msg(message), group));
}

const char *
zmq_msg_group(zmq_msg_t *message)
{
    return message != NULL ? fmq__msg_group(fmq__zmq_msg(message)) : "";
}
