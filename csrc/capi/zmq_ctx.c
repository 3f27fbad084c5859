/* SPDX-License-Identifier: Apache-2.0 */
/* The context functions of zmq.h. */
#include <string.h>

#include "capi/zmq_result.h"
#include "socket/ctx.h"

void *
zmq_ctx_new(void)
{
    fmq_ctx ctx;
    int err = fmq__ctx_new(&ctx);

    if (err != 0) {
        errno = err;
        return NULL;
    }
    return (void *)ctx;
}

int
zmq_ctx_term(void *context)
{
    return fmq__zmq_result(fmq_ctx_term((fmq_ctx)context, -1));
}

int
zmq_ctx_shutdown(void *context)
{
    return fmq__zmq_result(fmq_ctx_shutdown((fmq_ctx)context));
}

int
zmq_ctx_set(void *context, int option, int value)
{
    return fmq__zmq_result(fmq_ctx_set((fmq_ctx)context, option, value));
}

int
zmq_ctx_get(void *context, int option)
{
    int value = 0;
    int err = fmq_ctx_get((fmq_ctx)context, option, &value);

    return err == 0 ? value : fmq__zmq_result(err);
}

/* Four bytes are a number, whatever the option. */
int
zmq_ctx_set_ext(void *context, int option, const void *value, size_t len)
{
    int n;

    if (value == NULL) {
        return fmq__zmq_result(EINVAL);
    }
    if (len != sizeof(n)) {
        return fmq__zmq_result(fmq_ctx_set_text((fmq_ctx)context, option, value, len));
    }
    memcpy(&n, value, sizeof(n));
    return zmq_ctx_set(context, option, n);
}

int
zmq_ctx_get_ext(void *context, int option, void *value, size_t *len)
{
    size_t room;
    int n = 0;
    int err;

    if (value == NULL || len == NULL) {
        return fmq__zmq_result(EINVAL);
    }
    room = *len; /* it stays: a text that is shorter has zeros behind it */
    if (room != sizeof(n)) {
        memset(value, 0, room);
        return fmq__zmq_result(
            fmq_ctx_get_text((fmq_ctx)context, option, value, &room));
    }
    err = fmq_ctx_get((fmq_ctx)context, option, &n);
    if (err == 0) {
        memcpy(value, &n, sizeof(n));
    }
    return fmq__zmq_result(err);
}

/* --- older names --- */

void *
zmq_init(int io_threads)
{
    void *context;

    if (io_threads < 0) {
        errno = EINVAL;
        return NULL;
    }
    context = zmq_ctx_new();
    if (context != NULL) {
        (void)zmq_ctx_set(context, ZMQ_IO_THREADS, io_threads);
    }
    return context;
}

int
zmq_term(void *context)
{
    return zmq_ctx_term(context);
}

int
zmq_ctx_destroy(void *context)
{
    return zmq_ctx_term(context);
}
