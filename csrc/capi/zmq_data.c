/* SPDX-License-Identifier: Apache-2.0 */
/* Send and receive of zmq.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/alloc.h"
#include "capi/zmq_msg.h"
#include "capi/zmq_result.h"
#include "pipe/fq.h"
#include "socket/socket.h"

/* --- bytes --- */

int
zmq_send(void *socket, const void *data, size_t len, int flags)
{
    int err = data == NULL && len != 0 ? EFAULT
                                       : fmq__socket_send(fmq__zmq_socket(socket), data,
                                                          len, fmq__zmq_flags(flags));

    return fmq__zmq_count(err, len);
}

int
zmq_send_const(void *socket, const void *data, size_t len, int flags)
{
    fmq__msg m;
    int err;

    if (len <= FMQ__FQ_INLINE_MAX) {
        return zmq_send(socket, data, len, flags); /* copying costs less than sharing */
    }
    if (data == NULL) {
        return fmq__zmq_result(EFAULT);
    }
    err = fmq__msg_init_lent(&m, (void *)(uintptr_t)data, len, NULL, NULL);
    if (err != 0) {
        return fmq__zmq_result(err);
    }
    err = fmq__socket_send_msg(fmq__zmq_socket(socket), &m, fmq__zmq_flags(flags));
    fmq__msg_close(&m);
    return fmq__zmq_count(err, len);
}

int
zmq_recv(void *socket, void *data, size_t len, int flags)
{
    fmq__msg m;
    fmq_part part;
    int err;

    if (data == NULL && len != 0) {
        return fmq__zmq_result(EFAULT);
    }
    err = fmq__socket_recv(fmq__zmq_socket(socket), data, len, &m, &part,
                           fmq__zmq_flags(flags), NULL);
    if (err != 0) {
        return fmq__zmq_result(err);
    }
    if (!part.is_in_buf) {
        if (len != 0) {
            memcpy(data, fmq__msg_data(&m), part.len < len ? part.len : len);
        }
        fmq__msg_close(&m);
    }
    return fmq__zmq_count(0, part.len);
}

/* --- messages --- */

int
zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    fmq__msg *m = fmq__zmq_msg(message);
    size_t len;

    if (!fmq__zmq_is_msg(m)) {
        return fmq__zmq_result(EFAULT);
    }
    len = fmq__msg_len(m);
    return fmq__zmq_count(
        fmq__socket_send_msg(fmq__zmq_socket(socket), m, fmq__zmq_flags(flags)), len);
}

int
zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    fmq__msg *m = fmq__zmq_msg(message);
    int err;

    if (!fmq__zmq_is_msg(m)) {
        return fmq__zmq_result(EFAULT);
    }
    err = fmq__socket_recv_msg(fmq__zmq_socket(socket), m, fmq__zmq_flags(flags), NULL);
    return fmq__zmq_count(err, fmq__msg_len(m));
}

int
zmq_sendmsg(void *socket, zmq_msg_t *message, int flags)
{
    return zmq_msg_send(message, socket, flags);
}

int
zmq_recvmsg(void *socket, zmq_msg_t *message, int flags)
{
    return zmq_msg_recv(message, socket, flags);
}

/* --- vectors --- */

static void
close_all(fmq__msg *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fmq__msg_close(&m[i]);
    }
}

/* Sends all elements as one message. */
static int
send_together(fmq_socket socket, const struct iovec *parts, size_t n, int flags)
{
    fmq__msg *m = fmq__calloc(n, sizeof(*m));
    int err = m != NULL ? 0 : ENOMEM;

    for (size_t i = 0; i < n && err == 0; i++) {
        err = fmq__msg_init_copy(&m[i], parts[i].iov_base, parts[i].iov_len);
    }
    if (err == 0) {
        err = fmq__socket_sendv(socket, m, n, flags & FMQ_DONTWAIT, NULL);
    }
    if (m != NULL) {
        close_all(m, n);
    }
    fmq__free(m);
    return err;
}

static bool
has_bytes(const struct iovec *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].iov_base == NULL && parts[i].iov_len != 0) {
            return false;
        }
    }
    return true;
}

int
zmq_sendiov(void *socket, struct iovec *parts, size_t n, int flags)
{
    fmq_socket s = fmq__zmq_socket(socket);
    int err = 0;

    if (parts == NULL || n == 0) {
        return fmq__zmq_result(EINVAL);
    }
    if (!has_bytes(parts, n)) {
        return fmq__zmq_result(EFAULT);
    }
    if (flags & ZMQ_SNDMORE) {
        err = send_together(s, parts, n, flags);
    } else {
        for (size_t i = 0; i < n && err == 0; i++) {
            err = fmq__socket_send(s, parts[i].iov_base, parts[i].iov_len,
                                   fmq__zmq_flags(flags));
        }
    }
    return fmq__zmq_count(err, parts[n - 1].iov_len);
}

/* One part in memory that the caller can give to free; `*more`: it was not the last. */
static int
recv_element(fmq_socket s, struct iovec *element, int flags, bool *more)
{
    fmq__msg m;
    size_t len;
    int err;

    fmq__msg_init(&m);
    err = fmq__socket_recv_msg(s, &m, flags, NULL);
    if (err != 0) {
        return err;
    }
    len = fmq__msg_len(&m);
    *more = (m.flags & FMQ__MORE) != 0;
    element->iov_base = malloc(len != 0 ? len : 1);
    if (element->iov_base == NULL) {
        err = ENOMEM;
    } else {
        element->iov_len = len;
        memcpy(element->iov_base, fmq__msg_data(&m), len);
    }
    fmq__msg_close(&m);
    return err;
}

int
zmq_recviov(void *socket, struct iovec *parts, size_t *n, int flags)
{
    fmq_socket s = fmq__zmq_socket(socket);
    size_t room;
    bool more = true;
    int err = 0;

    if (parts == NULL || n == NULL || *n == 0) {
        return fmq__zmq_result(EINVAL);
    }
    if (!fmq_socket_is_open(s)) {
        return fmq__zmq_result(ENOTSOCK); /* the number stays, as for the others */
    }
    room = *n;
    *n = 0;
    while (err == 0 && more && *n < room) {
        err = recv_element(s, &parts[*n], fmq__zmq_flags(flags), &more);
        *n += err == 0 ? 1 : 0;
    }
    return fmq__zmq_count(err, *n);
}
