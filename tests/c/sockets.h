/* SPDX-License-Identifier: Apache-2.0 */
/* sockets: contexts and sockets for tests that go through the public interface, and a
 * look inside for what it does not tell: who waits.
 *
 * Threads: any.
 */
#ifndef FMQ_TESTS_SOCKETS_H
#define FMQ_TESTS_SOCKETS_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "check.h"
#include "fastmq.h"
#include "socket/socket.h"

/* Types and options by their numbers in zmq.h. */
enum { PAIR = 0, REQ = 3, REP = 4, PULL = 7, PUSH = 8 };
enum {
    LINGER = 17,
    SNDHWM = 23,
    RCVHWM = 24,
    RCVTIMEO = 27,
    SNDTIMEO = 28,
    LAST_ENDPOINT = 32,
    IMMEDIATE = 39,
};
/* Long enough for any machine; a test that needs it has failed. */
enum { PATIENCE_MS = 30000, TEXT_ROOM = 256 };

static inline fmq_ctx
new_ctx(void)
{
    fmq_ctx ctx = 0;

    REQUIRE(fmq_ctx_new(&ctx) == 0);
    return ctx;
}

static inline fmq_socket
new_socket(fmq_ctx ctx, int type)
{
    fmq_socket s = 0;

    REQUIRE(fmq_socket_new(ctx, type, &s) == 0);
    return s;
}

static inline void
set_int(fmq_socket s, int option, int value)
{
    CHECK_EQ(fmq_setsockopt(s, option, &value, sizeof(value)), 0);
}

static inline int
get_int(fmq_socket s, int option)
{
    int value = -12345;
    size_t len = sizeof(value);

    CHECK_EQ(fmq_getsockopt(s, option, &value, &len), 0);
    return value;
}

/* A socket that does not outlive what a test expects of it. */
static inline fmq_socket
new_brisk(fmq_ctx ctx, int type)
{
    fmq_socket s = new_socket(ctx, type);

    set_int(s, LINGER, 0);
    set_int(s, RCVTIMEO, PATIENCE_MS);
    set_int(s, SNDTIMEO, PATIENCE_MS);
    return s;
}

static inline void
end_ctx(fmq_ctx ctx)
{
    CHECK_EQ(fmq_ctx_term(ctx, PATIENCE_MS), 0);
}

static inline void
close_all(const fmq_socket *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(fmq_socket_close(s[i]), 0);
    }
}

/* LAST_ENDPOINT in `text`, which has TEXT_ROOM. */
static inline const char *
last_endpoint(fmq_socket s, char *text)
{
    size_t len = TEXT_ROOM;

    CHECK_EQ(fmq_getsockopt(s, LAST_ENDPOINT, text, &len), 0);
    return text;
}

/* Binds `a`, and connects `b` to where that is. */
static inline void
join(fmq_socket a, fmq_socket b, const char *endpoint)
{
    char text[TEXT_ROOM];

    REQUIRE(fmq_bind(a, endpoint) == 0);
    REQUIRE(fmq_connect(b, last_endpoint(a, text)) == 0);
}

static inline int
send_text(fmq_socket s, const char *text, int flags)
{
    return fmq_send(s, text, strlen(text), flags);
}

/* Receives one part into `text` (TEXT_ROOM). */
static inline int
recv_text(fmq_socket s, char *text, int flags)
{
    fmq_msg m = {0};
    fmq_part part = {0};
    int err = fmq_recv(s, text, TEXT_ROOM - 1, &m, &part, flags);

    text[0] = err == 0 ? text[0] : '\0';
    if (err == 0) {
        REQUIRE(part.is_in_buf);
        text[part.len] = '\0';
    }
    return err;
}

static inline void
expect_text(fmq_socket s, const char *text)
{
    char got[TEXT_ROOM];

    CHECK_EQ(recv_text(s, got, 0), 0);
    CHECK_STR(got, text);
}

/* Waits for `events` of one socket: 0, or what poll says; EAGAIN if they never come. */
static inline int
await(fmq_socket s, short events)
{
    fmq_pollitem item = {.socket = s, .events = events};
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    size_t n = 0;
    int err;

    do {
        err = fmq_poll(&item, 1, deadline, &n);
    } while (err == EINTR);
    return err != 0 || n == 1 ? err : EAGAIN;
}

/* Until `n` callers are in the middle of a wait in the socket. */
static inline void
await_callers(fmq_socket handle, uint32_t n)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    bool is_there = false;

    while (!is_there) {
        fmq__socket *s;

        REQUIRE(fmq__clock_ns() < deadline);
        REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
        is_there = s->hub.n_inside >= n;
        fmq__socket_leave(s);
        sched_yield();
    }
}

static inline void
start_thread(fmq__thread *t, void (*run)(void *), void *arg)
{
    REQUIRE(fmq__thread_open(t, run, arg, "test") == 0);
}

/* The number the next descriptor will have: unchanged if nothing leaked. */
static inline int
next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);

    (void)close(fd);
    return fd;
}

#endif
