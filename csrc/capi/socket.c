/* SPDX-License-Identifier: Apache-2.0 */
/* The socket functions of fastmq.h: arguments checked, handles handed on. */
#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "fastmq.h"
#include "msg/msg.h"
#include "socket/ctx.h"
#include "socket/poll.h"
#include "socket/proxy.h"
#include "socket/socket.h"

int
fmq_socket_new(fmq_ctx ctx, int type, fmq_socket *socket)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, false);
    int err;

    if (c == NULL) {
        return EFAULT;
    }
    err = fmq__socket_new(c, type, socket);
    fmq__ctx_drop(c);
    return err;
}

int
fmq_socket_close(fmq_socket s)
{
    return fmq__socket_close(s);
}

int
fmq_socket_is_open(fmq_socket handle)
{
    fmq__socket *s;
    int is_open;

    if (fmq__socket_enter(handle, false, &s) != 0) {
        return 0;
    }
    is_open = !s->hub.is_closed;
    fmq__socket_leave(s);
    return is_open;
}

void
fmq_ask_for_signals(int yes)
{
    /* Relaxed: a call that sees it late says EINTR late. */
    atomic_store_explicit(&fmq__spin_asks, yes != 0, memory_order_relaxed);
}

int
fmq_bind(fmq_socket s, const char *endpoint)
{
    return endpoint == NULL ? EINVAL : fmq__socket_bind(s, endpoint);
}

int
fmq_connect(fmq_socket s, const char *endpoint)
{
    return endpoint == NULL ? EINVAL : fmq__socket_connect(s, endpoint);
}

int
fmq_unbind(fmq_socket s, const char *endpoint)
{
    return endpoint == NULL ? EINVAL : fmq__socket_unbind(s, endpoint);
}

int
fmq_disconnect(fmq_socket s, const char *endpoint)
{
    return endpoint == NULL ? EINVAL : fmq__socket_disconnect(s, endpoint);
}

int
fmq_connect_peer(fmq_socket s, const char *endpoint, uint32_t *routing_id)
{
    uint32_t number = 0;
    int err = endpoint == NULL || routing_id == NULL
                  ? EINVAL
                  : fmq__socket_connect_peer(s, endpoint, &number);

    if (err == 0) {
        *routing_id = number;
    }
    return err;
}

int
fmq_disconnect_peer(fmq_socket s, uint32_t routing_id)
{
    return fmq__socket_drop_peer(s, routing_id);
}

int
fmq_join(fmq_socket s, const char *group)
{
    return group == NULL ? EINVAL : fmq__socket_join(s, group, true);
}

int
fmq_leave(fmq_socket s, const char *group)
{
    return group == NULL ? EINVAL : fmq__socket_join(s, group, false);
}

int
fmq_setsockopt(fmq_socket s, int option, const void *value, size_t len)
{
    return fmq__socket_set(s, option, value, len);
}

int
fmq_getsockopt(fmq_socket s, int option, void *value, size_t *len)
{
    return value == NULL || len == NULL ? EINVAL
                                        : fmq__socket_get(s, option, value, len);
}

int
fmq_send(fmq_socket s, const void *data, size_t len, int flags)
{
    return data == NULL && len != 0 ? EFAULT : fmq__socket_send(s, data, len, flags);
}

int
fmq_msg_send(fmq_socket s, fmq_msg *m, int flags)
{
    return fmq__socket_send_msg(s, fmq__msg_from(m), flags);
}

int
fmq_sendv(fmq_socket s, fmq_msg *parts, size_t n, int flags)
{
    return n == 0 ? EINVAL : fmq__socket_sendv(s, fmq__msg_from(parts), n, flags, NULL);
}

int
fmq_send_until(fmq_socket s, fmq_msg *parts, size_t n, int flags, uint64_t deadline_ns)
{
    flags &= ~(FMQ_DONTWAIT | FMQ_TRY);
    return n == 0 ? EINVAL
                  : fmq__socket_sendv(s, fmq__msg_from(parts), n, flags, &deadline_ns);
}

int
fmq_recv(fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *part, int flags)
{
    return fmq__socket_recv(s, buf, cap, fmq__msg_from(m), part, flags, NULL);
}

int
fmq_recv_until(fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *part,
               uint64_t deadline_ns)
{
    return fmq__socket_recv(s, buf, cap, fmq__msg_from(m), part, 0, &deadline_ns);
}

int
fmq_msg_recv(fmq_socket s, fmq_msg *m, int flags)
{
    return fmq__socket_recv_msg(s, fmq__msg_from(m), flags, NULL);
}

int
fmq_msg_recv_until(fmq_socket s, fmq_msg *m, uint64_t deadline_ns)
{
    return fmq__socket_recv_msg(s, fmq__msg_from(m), 0, &deadline_ns);
}

static int
recv_parts(fmq_socket s, fmq_msg **parts, size_t *n, int flags,
           const uint64_t *deadline_ns)
{
    fmq__msg *got;
    int err = fmq__socket_recvv(s, &got, n, flags, deadline_ns);

    if (err == 0) {
        *parts = (fmq_msg *)(void *)got;
    }
    return err;
}

int
fmq_recvv(fmq_socket s, fmq_msg **parts, size_t *n, int flags)
{
    return recv_parts(s, parts, n, flags, NULL);
}

int
fmq_recvv_until(fmq_socket s, fmq_msg **parts, size_t *n, uint64_t deadline_ns)
{
    return recv_parts(s, parts, n, 0, &deadline_ns);
}

int
fmq_send_pieces(fmq_socket s, const fmq_piece *parts, size_t n, int flags)
{
    if (n == 0) {
        return EINVAL;
    }
    return parts == NULL ? EFAULT : fmq__socket_send_pieces(s, parts, n, flags);
}

int
fmq_recv_parts(fmq_socket s, fmq_parts *parts, int flags)
{
    return fmq__socket_recv_parts(s, parts, flags, NULL);
}

int
fmq_recv_parts_until(fmq_socket s, fmq_parts *parts, uint64_t deadline_ns)
{
    return fmq__socket_recv_parts(s, parts, 0, &deadline_ns);
}

int
fmq_send_many(fmq_socket s, const fmq_piece *messages, size_t n, int flags,
              size_t *n_sent)
{
    return (messages == NULL && n != 0) || n_sent == NULL
               ? EFAULT
               : fmq__socket_send_many(s, messages, n, flags, NULL, n_sent);
}

int
fmq_send_many_until(fmq_socket s, const fmq_piece *messages, size_t n, size_t *n_sent,
                    uint64_t deadline_ns)
{
    return (messages == NULL && n != 0) || n_sent == NULL
               ? EFAULT
               : fmq__socket_send_many(s, messages, n, 0, &deadline_ns, n_sent);
}

static int
recv_many(fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *parts, size_t max,
          size_t *n, int flags, const uint64_t *deadline_ns)
{
    if (n == NULL || (buf == NULL && cap != 0)) {
        return EFAULT;
    }
    *n = 0;
    if (max != 0 && (m == NULL || parts == NULL)) {
        return EFAULT;
    }
    return max == 0 ? EINVAL
                    : fmq__socket_recv_many(s, buf, cap, fmq__msg_from(m), parts, max,
                                            n, flags, deadline_ns);
}

int
fmq_recv_many(fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *parts,
              size_t max, size_t *n, int flags)
{
    return recv_many(s, buf, cap, m, parts, max, n, flags, NULL);
}

int
fmq_recv_many_until(fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *parts,
                    size_t max, size_t *n, uint64_t deadline_ns)
{
    return recv_many(s, buf, cap, m, parts, max, n, 0, &deadline_ns);
}

static void
close_parts(fmq_msg *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fmq_msg_close(&parts[i]);
    }
}

void
fmq_parts_free(fmq_msg *parts, size_t n)
{
    close_parts(parts, n);
    fmq__free(parts);
}

void
fmq_parts_close(fmq_parts *parts)
{
    close_parts(parts->part, parts->n);
    if (parts->part != parts->few) {
        fmq__free(parts->part);
    }
    parts->part = parts->few;
    parts->n = 0;
}

uint64_t
fmq_now_ns(void)
{
    return fmq__clock_ns();
}

int
fmq_poll(fmq_pollitem *items, size_t n, uint64_t deadline_ns, size_t *n_ready)
{
    return items == NULL && n != 0 ? EFAULT
                                   : fmq__poll_wait(items, n, deadline_ns, n_ready);
}

int
fmq_monitor(fmq_socket s, const char *endpoint, uint64_t events, int version, int type)
{
    return fmq__socket_monitor(s, endpoint, events, version, type);
}

int
fmq_proxy_new(fmq_socket frontend, fmq_socket backend, fmq_socket capture,
              fmq_socket control, fmq_proxy **proxy)
{
    return proxy == NULL ? EFAULT
                         : fmq__proxy_new(frontend, backend, capture, control, proxy);
}

int
fmq_proxy_tag(fmq_proxy *p, const fmq_proxy_tags *tags)
{
    return p == NULL || tags == NULL ? EFAULT : fmq__proxy_tag(p, tags);
}

int
fmq_proxy_run(fmq_proxy *p)
{
    return p == NULL ? EFAULT : fmq__proxy_run(p);
}

void
fmq_proxy_free(fmq_proxy *p)
{
    if (p != NULL) {
        fmq__proxy_free(p);
    }
}
