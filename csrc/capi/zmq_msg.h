/* SPDX-License-Identifier: Apache-2.0 */
/* zmq_msg: a zmq_msg_t as the message it is. */
#ifndef FMQ_CAPI_ZMQ_MSG_H
#define FMQ_CAPI_ZMQ_MSG_H

#include "capi/zmq_result.h"
#include "msg/msg.h"

static inline fmq__msg *
fmq__zmq_msg(zmq_msg_t *message)
{
    return (fmq__msg *)(void *)message;
}

static inline const fmq__msg *
fmq__zmq_const_msg(const zmq_msg_t *message)
{
    return (const fmq__msg *)(const void *)message;
}

/* Neither NULL, nor closed, nor what cannot be one. */
static inline bool
fmq__zmq_is_msg(const fmq__msg *m)
{
    return m != NULL && m->kind < FMQ__MSG_CLOSED;
}

#endif
