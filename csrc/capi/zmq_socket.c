/* SPDX-License-Identifier: Apache-2.0 */
/* The socket functions of zmq.h, but send and receive. */
#include "capi/zmq_result.h"
#include "socket/socket.h"

void *
zmq_socket(void *context, int type)
{
    fmq_socket s = 0;
    void *plate = NULL;
    int err = fmq_socket_new((fmq_ctx)context, type, &s);

    if (err == 0) {
        err = fmq__plate_give(s, &plate);
        if (err != 0) {
            (void)fmq__socket_close(s);
        }
    }
    if (err != 0) {
        errno = err;
    }
    return plate;
}

int
zmq_close(void *socket)
{
    fmq_socket s = fmq__plate_clear(socket);

    /* The child of a fork has nothing to close, and is not to mind that. */
    if (fmq__socket_is_inherited(s)) {
        return 0;
    }
    return fmq__zmq_result(fmq__socket_close(s));
}

fmq_socket
fmq_socket_of_zmq(const void *zmq_socket)
{
    return fmq__zmq_socket(zmq_socket);
}

int
zmq_setsockopt(void *socket, int option, const void *value, size_t len)
{
    return fmq__zmq_result(
        fmq__socket_set(fmq__zmq_socket(socket), option, value, len));
}

bool
fmq__zmq_hides_fd(fmq_socket s)
{
    size_t len = sizeof(int);
    int is_thread_safe = 0;

    return fmq_getsockopt(s, ZMQ_THREAD_SAFE, &is_thread_safe, &len) == 0 &&
           is_thread_safe != 0;
}

int
zmq_getsockopt(void *socket, int option, void *value, size_t *len)
{
    if (option == ZMQ_FD && fmq__zmq_hides_fd(fmq__zmq_socket(socket))) {
        return fmq__zmq_result(EINVAL);
    }
    return fmq__zmq_result(fmq_getsockopt(fmq__zmq_socket(socket), option, value, len));
}

int
zmq_bind(void *socket, const char *endpoint)
{
    return fmq__zmq_result(fmq_bind(fmq__zmq_socket(socket), endpoint));
}

int
zmq_connect(void *socket, const char *endpoint)
{
    return fmq__zmq_result(fmq_connect(fmq__zmq_socket(socket), endpoint));
}

int
zmq_unbind(void *socket, const char *endpoint)
{
    return fmq__zmq_result(fmq_unbind(fmq__zmq_socket(socket), endpoint));
}

int
zmq_disconnect(void *socket, const char *endpoint)
{
    return fmq__zmq_result(fmq_disconnect(fmq__zmq_socket(socket), endpoint));
}

/* --- monitors --- */

int
zmq_socket_monitor(void *socket, const char *endpoint, int events)
{
    return zmq_socket_monitor_versioned(socket, endpoint, (uint64_t)events, 1,
                                        ZMQ_PAIR);
}

int
zmq_socket_monitor_versioned(void *socket, const char *endpoint, uint64_t events,
                             int version, int type)
{
    return fmq__zmq_result(
        fmq__socket_monitor(fmq__zmq_socket(socket), endpoint, events, version, type));
}

int
zmq_socket_monitor_pipes_stats(void *socket)
{
    return fmq__zmq_result(fmq__socket_monitor_stats(fmq__zmq_socket(socket)));
}

/* --- peers and groups --- */

int
zmq_socket_get_peer_state(void *socket, const void *routing_id, size_t len)
{
    unsigned events = 0;
    int err;

    if (routing_id == NULL && len != 0) {
        return fmq__zmq_result(EFAULT);
    }
    err = fmq__socket_peer_state(fmq__zmq_socket(socket), routing_id, len, &events);
    return err == 0 ? (int)events : fmq__zmq_result(err);
}

int
zmq_join(void *socket, const char *group)
{
    return fmq__zmq_result(fmq_join(fmq__zmq_socket(socket), group));
}

int
zmq_leave(void *socket, const char *group)
{
    return fmq__zmq_result(fmq_leave(fmq__zmq_socket(socket), group));
}

uint32_t
zmq_connect_peer(void *socket, const char *endpoint)
{
    uint32_t routing_id = 0;
    int err = fmq_connect_peer(fmq__zmq_socket(socket), endpoint, &routing_id);

    if (err != 0) {
        errno = err;
    }
    return err == 0 ? routing_id : 0;
}

int
zmq_disconnect_peer(void *socket, uint32_t routing_id)
{
    return fmq__zmq_result(fmq_disconnect_peer(fmq__zmq_socket(socket), routing_id));
}
