/* SPDX-License-Identifier: Apache-2.0 */
/* What the I/O thread does beside an application that looks after itself - next to
 * nothing -, when it does more again, and what answers leave to it. */
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

/* --- what it is not to leave for long --- */

enum { MS = 1000 * 1000, SOON_NS = MS, LONG_NS = 2 * MS };

/* What the I/O thread will do of itself: in its own words, as its timers are its own.
 */
typedef struct plan {
    fmq__task task;
    gate told;
    fmq__hub *hub;
    bool is_at_work;  /* or has yet to do what it was asked for */
    bool is_watching; /* the next event wakes it */
    bool has_timer;
    int64_t in_ns; /* when that is due */
    uint64_t due_ns;
    uint64_t grace_ns; /* how long it will be, or is */
} plan;

static void
tell_plan(fmq__task *t)
{
    plan *p = FMQ__ITEM(t, plan, task);
    const fmq__hubwatch *w = &p->hub->watch;

    p->is_at_work = atomic_load(&p->hub->work_task.is_posted) ||
                    fmq__list_is_linked(&p->hub->work_chore.node);
    p->is_watching = atomic_load(&w->is_armed);
    p->has_timer = w->grace.is_set;
    p->due_ns = w->grace.node.key;
    p->grace_ns = w->grace_ns;
    p->in_ns = (int64_t)(p->due_ns - fmq__clock_ns());
    gate_pass(&p->told);
}

static plan
ask_plan(fmq__hub *h)
{
    plan p = {.hub = h};

    gate_init(&p.told);
    fmq__task_init(&p.task, tell_plan);
    fmq__io_post(h->io, &p.task);
    gate_wait(&p.told, 1);
    return p;
}

/* Whether it comes by itself within `ns`, or as soon as there is something. */
static bool
is_near(const plan *p, int64_t ns)
{
    return p->is_watching || (p->has_timer && p->in_ns <= ns);
}

/* The same when all has been done that was asked of it. */
static bool
is_soon(fmq__hub *h)
{
    plan p = ask_plan(h);

    while (p.is_at_work) {
        p = ask_plan(h);
    }
    return is_near(&p, SOON_NS);
}

static fmq__hub *
hub_of(fmq_socket handle)
{
    fmq__socket *s;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    fmq__socket_leave(s);
    return &s->hub; /* it stays where it is, also when the socket is closed */
}

static void
there_and_back(couple *c)
{
    CHECK_EQ(send_text(c->s, "there", 0), 0);
    raw_expect_text(c->fd, 0, "there");
    raw_send_text(c->fd, 0, "and back");
    expect_text(c->s, "and back");
}

/* Calls, by `call`, until the I/O thread leaves the application alone for long. */
static void
be_left_alone(couple *c, void (*call)(couple *c))
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    fmq__hub *h = hub_of(c->s);
    plan p;

    do {
        REQUIRE(fmq__clock_ns() < deadline);
        for (int i = 0; i < 16; i++) {
            call(c);
        }
        p = ask_plan(h);
    } while (is_near(&p, LONG_NS) || !p.has_timer);
}

static ssize_t
take_nothing(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(0, fd, msg, flags);
}

/* How many sessions wait for room. */
static uint32_t
count_wishes(fmq_socket handle)
{
    fmq__socket *s;
    uint32_t n;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    n = atomic_load(&s->hub.watch.n_wishing);
    fmq__socket_leave(s);
    return n;
}

static void
look(couple *c)
{
    char text[TEXT_ROOM];

    CHECK_EQ(recv_text(c->s, text, FMQ_DONTWAIT), EAGAIN);
}

/* Nothing else would notice that there is room: the application computes. */
TEST(who_falls_silent_with_something_unwritten_is_looked_after_soon)
{
    couple c;

    open_couple(&c, DEALER, "DEALER", 0, 0);
    for (int round = 0; round < 5; round++) {
        be_left_alone(&c, there_and_back);
        set_hook(take_nothing);
        CHECK_EQ(send_text(c.s, "more than there is room for", 0), 0);
        AWAIT_INSIDE(c.s, i.wants_out);
        CHECK(is_soon(hub_of(c.s)));
        set_hook(NULL);
        raw_expect_text(c.fd, 0, "more than there is room for");
        while (count_wishes(c.s) != 0) {
            sched_yield();
        }
    }
    close_couple(&c);
}

/* Whether it called while it had no room, or not. */
static void
close_unwritten(bool looks)
{
    fmq__hub *h;
    couple c;

    open_couple(&c, DEALER, "DEALER", 0, 0);
    set_int(c.s, LINGER, -1);
    be_left_alone(&c, there_and_back);
    h = hub_of(c.s);
    set_hook(take_nothing);
    CHECK_EQ(send_text(c.s, "unwritten", 0), 0);
    AWAIT_INSIDE(c.s, i.wants_out);
    if (looks) {
        be_left_alone(&c, look);
    }
    CHECK_EQ(fmq_socket_close(c.s), 0);
    CHECK(is_soon(h));
    set_hook(NULL);
    raw_expect_text(c.fd, 0, "unwritten");
    raw_expect_end(c.fd);
    end_ctx(c.ctx);
    close(c.fd);
    close(c.listen_fd);
}

TEST(what_is_unwritten_at_close_is_looked_after_soon)
{
    close_unwritten(false);
    close_unwritten(true);
}

/* And twice that, if the last call was at the beginning: then it had called. */
TEST(nobody_is_left_alone_for_more_than_16_ms)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    uint64_t due_ns = 0;
    uint64_t longest_ns = 0;
    bool has_grown = true;
    couple c;

    open_couple(&c, DEALER, "DEALER", 0, 0);
    while (has_grown) {
        plan p;

        REQUIRE(fmq__clock_ns() < deadline);
        there_and_back(&c);
        p = ask_plan(hub_of(c.s));
        if (p.due_ns != due_ns) {
            due_ns = p.due_ns;
            has_grown = p.grace_ns == MS || p.grace_ns != longest_ns;
            longest_ns = p.grace_ns;
        }
    }
    CHECK(longest_ns <= 16 * MS);
    close_couple(&c);
}

/* Takes the read turn of the only session, for good, or gives it back. */
static void
hold_turn(fmq_socket handle, bool holds)
{
    bool is_done = false;

    while (!is_done) {
        fmq__session *one;
        fmq__socket *s;

        REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
        REQUIRE(s->hub.n_established == 1);
        one = FMQ__ITEM(s->hub.established.next, fmq__session, hub_node);
        is_done = one->is_reading != holds;
        one->is_reading = holds;
        fmq__socket_leave(s);
        sched_yield();
    }
}

static bool
is_broken_out(fmq_socket handle)
{
    const fmq__session *one;
    fmq__socket *s;
    bool is_broken;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    REQUIRE(s->hub.n_established == 1);
    one = FMQ__ITEM(s->hub.established.next, fmq__session, hub_node);
    is_broken = one->is_out_broken;
    fmq__socket_leave(s);
    return is_broken;
}

/* As if the application had just called, and looked. */
static void
seem_to_look(fmq_socket handle)
{
    fmq__socket *s;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    for (int i = 0; i < 10; i++) {
        fmq__hub_count_call(&s->hub);
    }
    s->hub.watch.n_looks++;
    fmq__socket_leave(s);
}

/* A hang-up that comes while a caller reads: what the caller has left is read soon, to
 * the end, also if it has looked again and again. */
static void
hang_up_in_turn(bool looks)
{
    static uint8_t body[30000];
    enum { N = 4 }; /* more than is read at a time */
    char endpoint[TEXT_ROOM];
    bool is_left = false;
    fmq__hub *h;
    couple c;

    c.listen_fd = raw_listen_ipc(endpoint); /* where a FIN does not wait for room */
    open_couple_at(&c, endpoint, DEALER, "DEALER", 0, 0);
    be_left_alone(&c, there_and_back);
    h = hub_of(c.s);
    hold_turn(c.s, true);
    for (int i = 0; i < N; i++) {
        raw_send_frame(c.fd, 0, body, sizeof(body));
    }
    close(c.fd);
    while (!is_broken_out(c.s)) {
        sched_yield();
    }
    CHECK(is_soon(h));
    if (looks) {
        seem_to_look(c.s);
    }
    hold_turn(c.s, false);
    while (look_inside(c.s).is_there) {
        is_left = is_left || !is_soon(h);
    }
    CHECK(!is_left);
    for (int i = 0; i < N; i++) {
        fmq_msg m = {0};

        CHECK_EQ(fmq_msg_recv(c.s, &m, 0), 0);
        CHECK_EQ(fmq_msg_size(&m), sizeof(body));
        fmq_msg_close(&m);
    }
    c.fd = raw_accept(c.listen_fd);
    close_couple(&c);
}

TEST(what_is_left_behind_a_hang_up_is_read_soon)
{
    for (int round = 0; round < 5; round++) {
        hang_up_in_turn(false);
        hang_up_in_turn(true);
    }
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
    RUN(who_falls_silent_with_something_unwritten_is_looked_after_soon);
    RUN(what_is_unwritten_at_close_is_looked_after_soon);
    RUN(nobody_is_left_alone_for_more_than_16_ms);
    RUN(what_is_left_behind_a_hang_up_is_read_soon);
    RUN(a_request_is_never_left_for_later);
    RUN(requests_without_end_are_gathered);
    RUN(the_last_reply_is_not_left_for_later);
    return CHECK_RESULT();
}
