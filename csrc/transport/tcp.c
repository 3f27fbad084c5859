/* SPDX-License-Identifier: Apache-2.0 */
/* Options are set before listen and connect: buffer sizes decide the window scale that
 * the handshake offers, and a value the kernel refuses is then the error of bind, not
 * of some later connection. Accepted sockets inherit the buffer sizes; the rest is set
 * again, as not every system passes it on. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/os.h"
#include "transport/stream.h"
#include "transport/tcp_addr.h"
#include "transport/transport.h"

struct setting {
    bool is_wanted;
    int level;
    int name;
    int value;
};

static int
apply(int fd, const struct setting *settings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct setting *s = &settings[i];

        if (s->is_wanted && s->name != FMQ__NO_OPTION &&
            setsockopt(fd, s->level, s->name, &s->value, sizeof(s->value)) != 0) {
            return errno;
        }
    }
    return 0;
}

#define APPLY(fd, settings) \
    apply((fd), (settings), sizeof(settings) / sizeof((settings)[0]))

/* Both ends of a connection to such an address are on this machine. */
static bool
is_loopback(const struct sockaddr_storage *sa)
{
    fmq__sockaddr v4 = {.sa = *sa};
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (fmq__tcp_to_v4(&v4)) {
        memcpy(&in, &v4.sa, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
    }
    memcpy(&in6, sa, sizeof(in6));
    return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/* What every socket gets, however it came to be; `peer`: whom it is to connect to. */
static int
tune(int fd, const fmq__stream_opts *o, const fmq__sockaddr *peer)
{
    bool keepalive = o->keepalive != -1;
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(own);

    if (getsockname(fd, (struct sockaddr *)(void *)&own, &len) != 0) {
        return errno;
    }
    if (o->is_loopback_fast && is_loopback(peer != NULL ? &peer->sa : &own)) {
        fmq__os_unpace(fd);
    }
    const struct setting settings[] = {
        {true, IPPROTO_TCP, TCP_NODELAY, 1},
        {keepalive, SOL_SOCKET, SO_KEEPALIVE, o->keepalive},
        {keepalive && o->keepalive_cnt != -1, IPPROTO_TCP, TCP_KEEPCNT,
         o->keepalive_cnt},
        {keepalive && o->keepalive_idle_s != -1, IPPROTO_TCP, FMQ__TCP_KEEPIDLE,
         o->keepalive_idle_s},
        {keepalive && o->keepalive_intvl_s != -1, IPPROTO_TCP, TCP_KEEPINTVL,
         o->keepalive_intvl_s},
        {o->maxrt_ms != 0, IPPROTO_TCP, FMQ__TCP_USER_TIMEOUT, o->maxrt_ms},
        {o->tos != 0, IPPROTO_IP, IP_TOS, o->tos},
        {o->tos != 0 && own.ss_family == AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, o->tos},
        {o->priority != 0, SOL_SOCKET, FMQ__SO_PRIORITY, o->priority},
        {o->busy_poll_us > 0, SOL_SOCKET, FMQ__SO_BUSY_POLL, o->busy_poll_us},
    };
    return APPLY(fd, settings);
}

static int
tune_new(int fd, const fmq__stream_opts *o, const fmq__sockaddr *peer)
{
    const struct setting buffers[] = {
        {o->sndbuf >= 0, SOL_SOCKET, SO_SNDBUF, o->sndbuf},
        {o->rcvbuf >= 0, SOL_SOCKET, SO_RCVBUF, o->rcvbuf},
    };
    int err = APPLY(fd, buffers);

    if (err == 0 && o->device[0] != '\0') {
        err = fmq__os_bind_to_device(fd, o->device);
    }
    return err != 0 ? err : tune(fd, o, peer);
}

static int
start_listening(int fd, const fmq__sockaddr *sa, const fmq__stream_opts *opts)
{
    const struct setting settings[] = {
        {true, SOL_SOCKET, SO_REUSEADDR, 1},
        {sa->sa.ss_family == AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 0},
    };
    int err = APPLY(fd, settings);

    if (err == 0) {
        err = tune_new(fd, opts, NULL);
    }
    if (err == 0) {
        err = fmq__stream_bind(fd, sa);
    }
    if (err == 0 && listen(fd, opts->backlog) != 0) {
        err = errno;
    }
    return err;
}

static int
tcp_listen(const fmq__addr *addr, const fmq__sockaddr *sa, const fmq__stream_opts *opts,
           int *fd)
{
    fmq__sockaddr name = *sa;
    int made = -1;
    int err = fmq__stream_socket(name.sa.ss_family, &made);

    (void)addr;
    /* A kernel without IPv6 still serves the IPv4 half of a dual-stack listener. */
    if (err == EAFNOSUPPORT && fmq__tcp_to_v4(&name)) {
        err = fmq__stream_socket(name.sa.ss_family, &made);
    }
    if (err != 0) {
        return err;
    }
    err = start_listening(made, &name, opts);
    if (err != 0) {
        (void)close(made);
        return err;
    }
    *fd = made;
    return 0;
}

static int
tcp_accept(int listen_fd, const fmq__stream_opts *opts, int *fd)
{
    int made;
    int err = fmq__stream_accept(listen_fd, &made);

    if (err != 0) {
        return err;
    }
    /* The listener took the same settings, so it is the connection that is gone. */
    if (tune(made, opts, NULL) != 0) {
        (void)close(made);
        return ECONNABORTED;
    }
    *fd = made;
    return 0;
}

static void
tcp_unlisten(const fmq__addr *addr, const char *bound_name, int fd)
{
    (void)addr;
    (void)bound_name;
    (void)close(fd);
}

static int
bind_source(int fd, const fmq__addr *addr, int family)
{
    const struct setting settings[] = {
        /* One source port may serve connections to several peers. */
        {true, SOL_SOCKET, SO_REUSEADDR, 1},
        /* Port 0 is chosen at connect, when the peer is known. */
        {true, IPPROTO_IP, FMQ__IP_LATE_PORT, 1},
    };
    fmq__sockaddr source;
    int err = fmq__tcp_resolve_source(addr, family, &source);

    if (err == 0) {
        err = APPLY(fd, settings);
    }
    return err != 0 ? err : fmq__stream_bind(fd, &source);
}

/* Whether the kernel joined the socket to itself: dialling a free port of this
 * machine's ephemeral range may pick that very port as the source, and TCP then allows
 * it. */
static bool
is_joined_to_itself(int fd)
{
    struct sockaddr_storage own = {0};
    struct sockaddr_storage peer = {0};
    socklen_t own_len = sizeof(own);
    socklen_t peer_len = sizeof(peer);

    return getsockname(fd, (struct sockaddr *)(void *)&own, &own_len) == 0 &&
           getpeername(fd, (struct sockaddr *)(void *)&peer, &peer_len) == 0 &&
           own_len == peer_len && memcmp(&own, &peer, own_len) == 0;
}

static int
start_dialling(int fd, const fmq__addr *addr, const fmq__sockaddr *sa,
               const fmq__stream_opts *opts)
{
    int err = tune_new(fd, opts, sa);

    if (err == 0 && addr->source_host != NULL) {
        err = bind_source(fd, addr, sa->sa.ss_family);
    }
    if (err == 0) {
        err = fmq__stream_connect(fd, sa);
    }
    if (err == 0 && is_joined_to_itself(fd)) {
        err = ECONNREFUSED;
    }
    return err;
}

static int
tcp_dial(const fmq__addr *addr, const fmq__sockaddr *sa, const fmq__stream_opts *opts,
         int *fd)
{
    int made;
    int err = fmq__stream_socket(sa->sa.ss_family, &made);

    *fd = -1;
    if (err != 0) {
        return err;
    }
    err = start_dialling(made, addr, sa, opts);
    if (err != 0 && err != EINPROGRESS) {
        (void)close(made);
        return err;
    }
    *fd = made;
    return err;
}

static int
tcp_dial_result(int fd)
{
    int err = fmq__stream_dial_result(fd);

    return err == 0 && is_joined_to_itself(fd) ? ECONNREFUSED : err;
}

static int
put_name(const struct sockaddr_storage *sa, socklen_t len, char *buf, size_t cap)
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    int n;

    if (getnameinfo((const struct sockaddr *)(const void *)sa, len, host, sizeof(host),
                    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return EADDRNOTAVAIL;
    }
    n = snprintf(buf, cap, sa->ss_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s",
                 host, port);
    return n >= 0 && (size_t)n < cap ? 0 : ERANGE;
}

static int
tcp_local_name(const fmq__addr *addr, int fd, char *buf, size_t cap)
{
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof(own);

    (void)addr;
    if (getsockname(fd, (struct sockaddr *)(void *)&own, &len) != 0) {
        return errno;
    }
    return put_name(&own, len, buf, cap);
}

static int
tcp_remote_name(int fd, char *buf, size_t cap)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);

    if (getpeername(fd, (struct sockaddr *)(void *)&peer, &len) != 0) {
        return errno;
    }
    return put_name(&peer, len, buf, cap);
}

static int
tcp_name_of(const fmq__sockaddr *sa, char *buf, size_t cap)
{
    return put_name(&sa->sa, sa->len, buf, cap);
}

static int
tcp_peer_address(int fd, char *buf, size_t cap)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);
    int err;

    if (getpeername(fd, (struct sockaddr *)(void *)&peer, &len) != 0) {
        return errno;
    }
    err = getnameinfo((struct sockaddr *)(void *)&peer, len, buf, (socklen_t)cap, NULL,
                      0, NI_NUMERICHOST);
    if (err == EAI_OVERFLOW) {
        return ERANGE;
    }
    return err == 0 ? 0 : EADDRNOTAVAIL;
}

const fmq__transport fmq__transport_tcp = {
    .scheme = "tcp",
    .can_gather = FMQ__TCP_CAN_GATHER,
    .parse = fmq__tcp_parse,
    .resolve = fmq__tcp_resolve,
    .listen = tcp_listen,
    .accept = tcp_accept,
    .unlisten = tcp_unlisten,
    .dial = tcp_dial,
    .dial_result = tcp_dial_result,
    .local_name = tcp_local_name,
    .remote_name = tcp_remote_name,
    .name_of = tcp_name_of,
    .peer_address = tcp_peer_address,
};
