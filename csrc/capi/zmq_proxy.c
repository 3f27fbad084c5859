/* SPDX-License-Identifier: Apache-2.0 */
/* The proxies of zmq.h. */
#include <stdbool.h>

#include "capi/zmq_result.h"
#include "socket/proxy.h"

static bool
is_socket(const void *socket)
{
    return fmq__zmq_socket(socket) != 0;
}

int
zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control)
{
    fmq_proxy *p;
    int err;

    if (frontend == NULL || backend == NULL) {
        return fmq__zmq_result(EFAULT);
    }
    if (!is_socket(frontend) || !is_socket(backend) ||
        (capture != NULL && !is_socket(capture)) ||
        (control != NULL && !is_socket(control))) {
        return fmq__zmq_result(ENOTSOCK);
    }
    err = fmq__proxy_new(fmq__zmq_socket(frontend), fmq__zmq_socket(backend),
                         fmq__zmq_socket(capture), fmq__zmq_socket(control), &p);
    if (err == 0) {
        err = fmq__proxy_run(p);
        fmq__proxy_free(p);
    }
    return fmq__zmq_result(err);
}

int
zmq_proxy(void *frontend, void *backend, void *capture)
{
    return zmq_proxy_steerable(frontend, backend, capture, NULL);
}

/* What the types of devices have in common is all there is to them. */
int
zmq_device(int type, void *frontend, void *backend)
{
    (void)type;
    return zmq_proxy_steerable(frontend, backend, NULL, NULL);
}
