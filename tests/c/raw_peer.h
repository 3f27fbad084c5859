/* SPDX-License-Identifier: Apache-2.0 */
/* raw_peer: a peer that is nothing but a TCP descriptor and bytes, so that a test can
 * have it do what no ZeroMQ would; and a hand on the core's own system calls: this file
 * defines `sendmsg` and `sendto`, which the core writes through.
 *
 * Threads: a peer belongs to one thread; the hook is called by whoever writes.
 */
#ifndef FMQ_TESTS_RAW_PEER_H
#define FMQ_TESTS_RAW_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "session/session.h"
#include "sockets.h"
#include "wire/command.h"
#include "wire/frame.h"
#include "wire/greeting.h"

/* --- the hook --- */

/* Called instead of sendmsg and sendto by the core; raw peers write with send. NULL:
 * none. */
typedef ssize_t send_hook(int fd, const struct msghdr *msg, int flags);
static _Atomic(send_hook *) raw_send_hook;

static inline ssize_t
real_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    return syscall(SYS_sendmsg, fd, msg, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
    /* Relaxed: what a hook needs is set before there is anything to write. */
    send_hook *hook = atomic_load_explicit(&raw_send_hook, memory_order_relaxed);

    return hook != NULL ? hook(fd, msg, flags) : real_sendmsg(fd, msg, flags);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG to,
               socklen_t to_len);

ssize_t
sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG to,
       socklen_t to_len)
{
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    REQUIRE(to.__sockaddr__ == NULL && to_len == 0);
    return sendmsg(fd, &msg, flags);
}

static inline void
set_hook(send_hook *hook)
{
    atomic_store_explicit(&raw_send_hook, hook, memory_order_relaxed);
}

/* Sends at most `max` bytes of `msg`; EAGAIN for 0. */
static inline ssize_t
send_at_most(size_t max, int fd, const struct msghdr *msg, int flags)
{
    struct iovec iov[80];
    struct msghdr part = *msg;
    size_t n = 0;

    if (max == 0) {
        errno = EAGAIN;
        return -1;
    }
    REQUIRE(msg->msg_iovlen <= sizeof(iov) / sizeof(iov[0]));
    for (n = 0; n < msg->msg_iovlen && max != 0; n++) {
        iov[n] = msg->msg_iov[n];
        iov[n].iov_len = iov[n].iov_len < max ? iov[n].iov_len : max;
        max -= iov[n].iov_len;
    }
    part.msg_iov = iov;
    part.msg_iovlen = n;
    return real_sendmsg(fd, &part, flags);
}

/* --- descriptors --- */

static inline void
raw_await(int fd, short events)
{
    struct pollfd item = {.fd = fd, .events = events};

    REQUIRE(poll(&item, 1, PATIENCE_MS) == 1);
}

static inline void
raw_send(int fd, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len != 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        REQUIRE(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

/* Reads up to `len` bytes: what there is; 0: the connection is over. */
static inline size_t
raw_read_some(int fd, void *data, size_t len)
{
    ssize_t n;

    raw_await(fd, POLLIN);
    n = recv(fd, data, len, 0);
    return n > 0 ? (size_t)n : 0;
}

static inline bool
raw_read(int fd, void *data, size_t len)
{
    uint8_t *p = data;

    while (len != 0) {
        size_t n = raw_read_some(fd, p, len);

        if (n == 0) {
            return false;
        }
        p += n;
        len -= n;
    }
    return true;
}

/* Reads until the connection is over. */
static inline void
raw_expect_end(int fd)
{
    uint8_t bytes[4096];

    while (raw_read_some(fd, bytes, sizeof(bytes)) != 0) {
    }
}

static inline int
raw_dial(const char *endpoint)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;

    REQUIRE(sscanf(endpoint, "tcp://127.0.0.1:%d", &port) == 1);
    at.sin_port = htons((uint16_t)port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    REQUIRE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    return fd;
}

/* A listener; its endpoint in `text` (TEXT_ROOM). */
static inline int
raw_listen(char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    REQUIRE(listen(fd, 64) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(text, TEXT_ROOM, "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

/* The same over ipc, at a name that the kernel chooses: a NUL and five digits. */
static inline int
raw_listen_ipc(char *text)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(at.sun_family);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    REQUIRE(bind(fd, (struct sockaddr *)&at, len) == 0);
    REQUIRE(listen(fd, 64) == 0);
    len = sizeof(at);
    REQUIRE(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(text, TEXT_ROOM, "ipc://@%.5s", at.sun_path + 1);
    return fd;
}

static inline int
raw_accept(int listen_fd)
{
    int fd;

    raw_await(listen_fd, POLLIN);
    fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    REQUIRE(fd >= 0);
    return fd;
}

/* --- ZMTP --- */

/* The header and body of a frame at `p`; returns its length. */
static inline size_t
put_frame(uint8_t *p, unsigned flags, const void *body, size_t len)
{
    size_t head = fmq__frame_put_header(p, flags, len);

    if (len != 0) {
        memcpy(p + head, body, len);
    }
    return head + len;
}

static inline void
raw_send_frame(int fd, unsigned flags, const void *body, size_t len)
{
    uint8_t head[FMQ__FRAME_LONG_HEADER];

    raw_send(fd, head, fmq__frame_put_header(head, flags, len));
    raw_send(fd, body, len);
}

static inline void
raw_send_text(int fd, unsigned flags, const char *text)
{
    raw_send_frame(fd, flags, text, strlen(text));
}

typedef struct raw_frame {
    unsigned flags;
    size_t len;
    uint8_t *body; /* raw_free_frame */
} raw_frame;

/* False: the connection ended before the frame did. */
static inline bool
raw_read_frame(int fd, raw_frame *f)
{
    uint8_t head[FMQ__FRAME_LONG_HEADER];
    size_t head_len;
    uint64_t len;

    *f = (raw_frame){0};
    if (!raw_read(fd, head, 2) ||
        ((head[0] & FMQ__LONG) != 0 && !raw_read(fd, head + 2, 7))) {
        return false;
    }
    REQUIRE(fmq__frame_parse(head, sizeof(head), &head_len, &len, &f->flags) == 1);
    f->len = (size_t)len;
    f->body = malloc(f->len + 1);
    REQUIRE(f->body != NULL);
    f->body[f->len] = 0;
    return raw_read(fd, f->body, f->len);
}

static inline void
raw_free_frame(raw_frame *f)
{
    free(f->body);
    f->body = NULL;
}

/* The greeting and READY of a socket of this type, as bytes; returns how many. */
static inline size_t
put_hello(uint8_t *p, const char *type)
{
    uint8_t ready[64] = "\5READY\13Socket-Type\0\0\0";
    size_t len = 21;

    ready[len++] = (uint8_t)strlen(type);
    memcpy(ready + len, type, strlen(type));
    len += strlen(type);
    fmq__greeting_put(p, 0, "NULL");
    return FMQ__GREETING_LEN +
           put_frame(p + FMQ__GREETING_LEN, FMQ__COMMAND, ready, len);
}

/* Does the handshake as a socket of this type; false: the connection was closed. */
static inline bool
raw_try_greet(int fd, const char *type)
{
    uint8_t hello[FMQ__GREETING_LEN + 80];
    raw_frame ready = {0};
    bool is_done;

    (void)send(fd, hello, put_hello(hello, type), MSG_NOSIGNAL);
    is_done = raw_read(fd, hello, FMQ__GREETING_LEN) && raw_read_frame(fd, &ready);
    REQUIRE(!is_done || ready.flags == FMQ__COMMAND);
    raw_free_frame(&ready);
    return is_done;
}

static inline void
raw_greet(int fd, const char *type)
{
    REQUIRE(raw_try_greet(fd, type));
}

/* Accepts until one comes that goes through with the handshake: for dialers that were
 * without memory when they dialled before. */
static inline int
raw_accept_and_greet(int listen_fd, const char *type)
{
    int fd = raw_accept(listen_fd);

    while (!raw_try_greet(fd, type)) {
        close(fd);
        fd = raw_accept(listen_fd);
    }
    return fd;
}

/* The next frame is that text. */
static inline void
raw_expect_text(int fd, unsigned flags, const char *text)
{
    raw_frame f;

    REQUIRE(raw_read_frame(fd, &f));
    CHECK_EQ(f.flags, flags);
    CHECK_STR((const char *)f.body, text);
    raw_free_frame(&f);
}

static inline void
raw_send_ping(int fd, const char *context)
{
    uint8_t body[64];

    raw_send_frame(fd, FMQ__COMMAND, body,
                   fmq__command_put_ping(body, 0, context, strlen(context)));
}

static inline void
raw_expect_pong(int fd, const char *context)
{
    uint8_t want[64];
    size_t len = fmq__command_put_pong(want, context, strlen(context));
    raw_frame f;

    REQUIRE(raw_read_frame(fd, &f));
    CHECK_EQ(f.flags, FMQ__COMMAND);
    if (CHECK_EQ(f.len, len)) {
        CHECK_MEM(f.body, want, len);
    }
    raw_free_frame(&f);
}

/* --- inside --- */

/* What a socket's only session looks like, without a call that would count. */
typedef struct inside {
    bool is_there;
    bool is_paused;
    bool wants_out;
    bool is_idle; /* nothing is being read, or waits for it */
    uint64_t n_in;
    uint32_t n_out;
    size_t ctl_len;
    uint64_t n_heard;
    int fd;
} inside;

static inline inside
look_inside(fmq_socket handle)
{
    inside i = {0};
    int n_unread = 0;
    fmq__socket *s;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    if (s->hub.n_established == 1) {
        const fmq__session *one =
            FMQ__ITEM(s->hub.established.next, fmq__session, hub_node);

        i.is_there = true;
        i.is_paused = one->peer->net.is_paused;
        i.wants_out = one->wants_out;
        i.n_in = one->peer->net.pipe.n_in;
        i.n_out = one->peer->net.n_out;
        i.ctl_len = one->ctl_len;
        i.n_heard = one->n_heard;
        i.is_idle = !one->is_reading && ioctl(one->fd, FIONREAD, &n_unread) == 0 &&
                    n_unread == 0;
        i.fd = one->fd;
    }
    fmq__socket_leave(s);
    return i;
}

/* Looks again and again until `what` (of `inside i`) holds. */
#define AWAIT_INSIDE(handle, what)                              \
    do {                                                        \
        uint64_t await_end = fmq__deadline_ns(PATIENCE_MS);     \
        for (;;) {                                              \
            inside i = look_inside(handle);                     \
            if (what) {                                         \
                break;                                          \
            }                                                   \
            REQUIRE(fmq__clock_ns() < await_end && (#what)[0]); \
            sched_yield();                                      \
        }                                                       \
    } while (0)

#endif
