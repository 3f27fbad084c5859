/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: what tests of transports need to listen, dial and wait. */
#ifndef FMQ_TESTS_ENDPOINT_H
#define FMQ_TESTS_ENDPOINT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "check.h"
#include "transport/transport.h"

/* Long enough for any machine; a test that needs it has failed. */
enum { ENDPOINT_PATIENCE_MS = 30000, ENDPOINT_NAME_ROOM = 300 };

static inline void
wait_until(int fd, short events)
{
    struct pollfd item = {.fd = fd, .events = events};

    REQUIRE(poll(&item, 1, ENDPOINT_PATIENCE_MS) == 1);
}

/* A listener, and what it says it is bound to. The name may be looked at after
 * unlisten, until the next listen_at. */
typedef struct listener {
    fmq__addr addr;
    int fd;
    char name[ENDPOINT_NAME_ROOM];
} listener;

static inline int
listen_at(listener *l, const char *endpoint, const fmq__stream_opts *opts)
{
    const fmq__transport *transport;
    const char *rest;
    fmq__sockaddr sa;
    int n = 0;
    int err = fmq__transport_find(endpoint, &transport, &rest);

    *l = (listener){.fd = -1};
    if (err == 0) {
        err = transport->parse(rest, FMQ__ADDR_BIND, &l->addr);
    }
    if (err != 0) {
        return err;
    }
    err = transport->resolve(&l->addr, FMQ__ADDR_BIND, opts, &sa, 1, &n);
    if (err == 0) {
        CHECK_EQ(n, 1);
        err = transport->listen(&l->addr, &sa, opts, &l->fd);
    }
    if (err == 0) {
        err = transport->local_name(&l->addr, l->fd, l->name, sizeof(l->name));
    }
    if (err != 0) {
        fmq__addr_fini(&l->addr);
    }
    return err;
}

static inline void
unlisten(listener *l)
{
    l->addr.transport->unlisten(&l->addr, l->name, l->fd);
    fmq__addr_fini(&l->addr);
}

/* Begins to dial the first candidate. */
static inline int
dial(const char *endpoint, const fmq__stream_opts *opts, int *fd)
{
    const fmq__transport *transport;
    const char *rest;
    fmq__sockaddr sa[4];
    fmq__addr addr;
    int n = 0;
    int err = fmq__transport_find(endpoint, &transport, &rest);

    *fd = -1;
    if (err == 0) {
        err = transport->parse(rest, FMQ__ADDR_CONNECT, &addr);
    }
    if (err != 0) {
        return err;
    }
    err = transport->resolve(&addr, FMQ__ADDR_CONNECT, opts, sa, 4, &n);
    if (err == 0) {
        CHECK(n >= 1 && n <= 4);
        err = transport->dial(&addr, &sa[0], opts, fd);
    }
    fmq__addr_fini(&addr);
    return err;
}

/* Dials and waits for the outcome. */
static inline int
dial_and_wait(const fmq__transport *transport, const char *endpoint,
              const fmq__stream_opts *opts, int *fd)
{
    int err = dial(endpoint, opts, fd);

    if (err == EINPROGRESS) {
        wait_until(*fd, POLLOUT);
        err = transport->dial_result(*fd);
        if (err != 0) {
            (void)close(*fd);
            *fd = -1;
        }
    }
    return err;
}

static inline int
accept_one(const listener *l, const fmq__stream_opts *opts, int *fd)
{
    wait_until(l->fd, POLLIN);
    return l->addr.transport->accept(l->fd, opts, fd);
}

/* Sends a byte one way. */
static inline void
check_passes(int from, int to)
{
    char got = 0;
    size_t n = 0;

    CHECK_EQ(write(from, "x", 1), 1);
    wait_until(to, POLLIN);
    CHECK_EQ(fmq__stream_read(to, &got, 1, &n), 0);
    CHECK_EQ(got, 'x');
}

static inline bool
is_private_and_non_blocking(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 &&
           (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/* The number the next descriptor will have: unchanged if nothing leaked. */
static inline int
next_fd(void)
{
    int fd = dup(STDERR_FILENO);

    (void)close(fd);
    return fd;
}

#endif
