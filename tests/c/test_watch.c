/* SPDX-License-Identifier: Apache-2.0 */
/* What the I/O thread does beside an application that looks after itself - next to
 * nothing - and what answers leave to it. */
#include <sys/resource.h>

#include "gate.h"
#include "raw_couple.h"

enum { DEALER = 5 };

/* --- how often the I/O thread sleeps --- */

typedef struct sleeps {
    fmq__task task;
    gate told;
    uint64_t n;
} sleeps;

static void
tell_sleeps(fmq__task *t)
{
    sleeps *out = FMQ__ITEM(t, sleeps, task);
    struct rusage used;

    REQUIRE(getrusage(RUSAGE_THREAD, &used) == 0);
    out->n = (uint64_t)used.ru_nvcsw;
    gate_pass(&out->told);
}

/* How often the I/O thread of this socket has gone to sleep so far. */
static uint64_t
count_sleeps(fmq_socket handle)
{
    sleeps out = {0};
    fmq__socket *s;

    gate_init(&out.told);
    fmq__task_init(&out.task, tell_sleeps);
    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    fmq__io_post(s->hub.io, &out.task);
    fmq__socket_leave(s);
    gate_wait(&out.told, 1);
    return out.n;
}

/* Sends every message back, to the end. */
static void
echo(void *arg)
{
    const int *fd = arg;
    uint8_t bytes[256];
    size_t n;

    while ((n = raw_read_some(*fd, bytes, sizeof(bytes))) != 0) {
        raw_send(*fd, bytes, n);
    }
}

/* A message after the other goes there and back for a third of a second, after a burst,
 * which the I/O thread was told of. It may look now and then, but not every time. */
static void
exchange(int spin_us)
{
    enum { BURST = 300, FOR_MS = 300, EVERY_MS = 2, BEGIN = 100 };
    uint64_t begin;
    uint64_t took_ms;
    uint64_t n_sleeps;
    char text[TEXT_ROOM];
    fmq__thread peer;
    couple c;

    open_couple(&c, DEALER, "DEALER", 0, 0);
    set_int(c.s, FMQ_SPIN_US, spin_us);
    start_thread(&peer, echo, &c.fd);
    for (int i = 0; i < BURST; i++) {
        CHECK_EQ(send_text(c.s, "burst", 0), 0);
    }
    for (int i = 0; i < BURST; i++) {
        REQUIRE(recv_text(c.s, text, 0) == 0);
    }
    n_sleeps = count_sleeps(c.s);
    begin = fmq__clock_ns();
    do {
        REQUIRE(send_text(c.s, "there and back", 0) == 0);
        REQUIRE(recv_text(c.s, text, 0) == 0);
        took_ms = (fmq__clock_ns() - begin) / 1000000;
    } while (took_ms < FOR_MS);
    CHECK(count_sleeps(c.s) - n_sleeps < took_ms / EVERY_MS + BEGIN);
    REQUIRE(shutdown(c.fd, SHUT_RD) == 0);
    fmq__thread_join(peer);
    close_couple(&c);
}

TEST(who_sleeps_between_messages_is_left_alone)
{
    exchange(0);
}

TEST(who_looks_between_messages_is_left_alone)
{
    exchange(1000000);
}

/* A call may be of another kind: subscriptions are taken though nobody reads. */
TEST(input_is_taken_beside_calls_that_do_not_look)
{
    enum { PUB = 1, N_CALLS = 100000 }; /* some thousand in a grace time */
    struct pollfd item = {.events = POLLIN};
    couple c;

    open_couple(&c, PUB, "SUB", 0, 0);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(await(c.s, FMQ_POLLOUT), 0);
    }
    item.fd = c.fd;
    raw_send_frame(c.fd, 0, "\1", 1); /* to everything */
    for (int i = 0; poll(&item, 1, 0) == 0; i++) {
        REQUIRE(i < N_CALLS);
        CHECK_EQ(await(c.s, FMQ_POLLOUT), 0);
        CHECK_EQ(send_text(c.s, "news", FMQ_DONTWAIT), 0);
        sched_yield();
    }
    raw_expect_text(c.fd, 0, "news");
    close_couple(&c);
}

/* --- answers --- */

/* As if it had sent for long, without a pause, and would write in a second: what is
 * sent next is to be gathered, and the I/O thread need not be told. */
static void
seem_busy(fmq_socket handle)
{
    fmq__socket *s;
    fmq__flush *f;
    uint64_t now;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    f = &s->hub.flush;
    f->gap_ns = 0;
    f->spent_ns = UINT64_C(1000000000);
    f->pass_cost_ns = UINT64_C(1000000000);
    f->has_turned = false;
    now = fmq__clock_fast_ns();
    atomic_store(&f->last_ns, now);
    f->pass_end_ns = now + 1000000000;
    f->is_armed = true;
    fmq__socket_leave(s);
}

/* How many sends have left something to be written later. */
static uint64_t
count_deferred(fmq_socket handle)
{
    fmq__socket *s;
    uint64_t n;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    n = atomic_load(&s->hub.flush.n_deferred);
    fmq__socket_leave(s);
    return n;
}

TEST(a_request_is_never_left_for_later)
{
    char text[TEXT_ROOM];
    couple c;

    open_couple(&c, REQ, "REP", 0, 0);
    for (int n = 0; n < 3; n++) {
        seem_busy(c.s);
        CHECK_EQ(send_text(c.s, "request", 0), 0);
        raw_expect_text(c.fd, FMQ__MORE, "");
        raw_expect_text(c.fd, 0, "request");
        raw_send_text(c.fd, FMQ__MORE, "");
        raw_send_text(c.fd, 0, "reply");
        AWAIT_INSIDE(c.s, i.n_in != 0); /* the I/O thread has read */
        CHECK_EQ(recv_text(c.s, text, 0), 0);
    }
    CHECK_EQ(count_deferred(c.s), 0);
    close_couple(&c);
}

TEST(requests_without_end_are_gathered)
{
    enum { REQ_RELAXED = 53 };
    couple c;

    open_couple(&c, REQ, "REP", REQ_RELAXED, 1);
    seem_busy(c.s);
    CHECK_EQ(send_text(c.s, "request", 0), 0);
    CHECK_EQ(count_deferred(c.s), 1);
    close_couple(&c);
}

/* A reply that is followed by others is gathered with them; the last one is not. */
TEST(the_last_reply_is_not_left_for_later)
{
    enum { N = 3 };
    char text[TEXT_ROOM];
    couple c;

    open_couple(&c, REP, "DEALER", 0, 0);
    raw_send(c.fd, "\1\0\0\1a\1\0\0\1b\1\0\0\1c", N * 5); /* read all at once */
    for (int n = 0; n < N; n++) {
        AWAIT_INSIDE(c.s, i.n_in != 0); /* the I/O thread has read */
        CHECK_EQ(recv_text(c.s, text, 0), 0);
        seem_busy(c.s);
        CHECK_EQ(send_text(c.s, "reply", 0), 0);
    }
    CHECK_EQ(count_deferred(c.s), N - 1);
    for (int n = 0; n < N; n++) {
        raw_expect_text(c.fd, FMQ__MORE, "");
        raw_expect_text(c.fd, 0, "reply");
    }
    close_couple(&c);
}

int
main(void)
{
    RUN(who_sleeps_between_messages_is_left_alone);
    RUN(who_looks_between_messages_is_left_alone);
    RUN(input_is_taken_beside_calls_that_do_not_look);
    RUN(a_request_is_never_left_for_later);
    RUN(requests_without_end_are_gathered);
    RUN(the_last_reply_is_not_left_for_later);
    return CHECK_RESULT();
}
