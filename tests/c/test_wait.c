/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "gate.h"
#include "line.h"
#include "raw_couple.h"

enum { N_THREADS = 4, N_MESSAGES = 2000 };

/* --- many callers in one socket --- */

typedef struct crew {
    fmq_socket s;
    int n_each;
    bool tries; /* polls and tries instead of waiting */
    _Atomic uint32_t n_got;
    _Atomic uint64_t sum;
    _Atomic uint32_t n_failed;
    _Atomic int error;
} crew;

static void
crew_init(crew *c, fmq_socket s, int n_each)
{
    memset(c, 0, sizeof(*c));
    c->s = s;
    c->n_each = n_each;
}

static void
count(crew *c, uint32_t value)
{
    atomic_fetch_add_explicit(&c->n_got, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->sum, value, memory_order_relaxed);
}

/* Receives until it is told to stop. */
static void
receive_numbers(void *arg)
{
    crew *c = arg;

    for (;;) {
        uint32_t n = 0;
        fmq_msg m = {0};
        fmq_part part;
        int err;

        if (c->tries) {
            err = await(c->s, FMQ_POLLIN);
            REQUIRE(err == 0);
            err = fmq_recv(c->s, &n, sizeof(n), &m, &part, FMQ_DONTWAIT);
            if (err == EAGAIN) {
                continue; /* somebody else was faster */
            }
        } else {
            err = fmq_recv(c->s, &n, sizeof(n), &m, &part, 0);
        }
        REQUIRE(err == 0);
        if (n == UINT32_MAX) {
            return;
        }
        count(c, n);
    }
}

static void
send_numbers(void *arg)
{
    crew *c = arg;

    for (uint32_t i = 1; i <= (uint32_t)c->n_each; i++) {
        REQUIRE(fmq_send(c->s, &i, sizeof(i), 0) == 0);
    }
}

/* Several threads send through one socket and several receive from another, over tiny
 * queues; every number arrives once. */
static void
pass_numbers(const char *endpoint, int n_waiting, int n_polling)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket from = new_brisk(ctx, PUSH);
    fmq_socket to = new_brisk(ctx, PULL);
    fmq__thread sender[N_THREADS];
    fmq__thread receiver[2 * N_THREADS];
    crew senders;
    crew waiting;
    crew polling;
    uint32_t stop = UINT32_MAX;
    int n_receivers = n_waiting + n_polling;

    set_int(from, SNDHWM, 3);
    set_int(to, RCVHWM, 3);
    join(to, from, endpoint);
    crew_init(&senders, from, N_MESSAGES);
    crew_init(&waiting, to, 0);
    crew_init(&polling, to, 0);
    polling.tries = true;
    for (int i = 0; i < n_receivers; i++) {
        start_thread(&receiver[i], receive_numbers,
                     i < n_waiting ? &waiting : &polling);
    }
    for (int i = 0; i < N_THREADS; i++) {
        start_thread(&sender[i], send_numbers, &senders);
    }
    for (int i = 0; i < N_THREADS; i++) {
        fmq__thread_join(sender[i]);
    }
    for (int i = 0; i < n_receivers; i++) {
        CHECK_EQ(fmq_send(from, &stop, sizeof(stop), 0), 0);
    }
    for (int i = 0; i < n_receivers; i++) {
        fmq__thread_join(receiver[i]);
    }
    CHECK_EQ(waiting.n_got + polling.n_got, N_THREADS * N_MESSAGES);
    CHECK_EQ(waiting.sum + polling.sum,
             (uint64_t)N_THREADS * N_MESSAGES * (N_MESSAGES + 1) / 2);
    CHECK_EQ(fmq_socket_close(from), 0);
    CHECK_EQ(fmq_socket_close(to), 0);
    end_ctx(ctx);
}

TEST(many_threads_share_sockets_over_tcp)
{
    pass_numbers("tcp://127.0.0.1:*", N_THREADS, 0);
}

TEST(many_threads_share_sockets_over_inproc)
{
    pass_numbers("inproc://numbers", N_THREADS, 0);
}

TEST(pollers_and_receivers_share_a_socket_over_tcp)
{
    pass_numbers("tcp://127.0.0.1:*", 2, 2);
}

TEST(pollers_and_receivers_share_a_socket_over_inproc)
{
    pass_numbers("inproc://polled", 2, 2);
}

/* --- one waits for one direction, one for the other --- */

typedef struct caller {
    fmq_socket s;
    short events; /* polls for them; 0: sends, or receives */
    bool sends;
    int err;
    gate done;
} caller;

static void
call(void *arg)
{
    caller *c = arg;
    char text[TEXT_ROOM];

    if (c->events != 0) {
        c->err = await(c->s, c->events);
    } else if (c->sends) {
        c->err = send_text(c->s, "room", 0);
    } else {
        c->err = recv_text(c->s, text, 0);
    }
    gate_pass(&c->done);
}

static void
start_caller(fmq__thread *t, caller *c, fmq_socket s, short events, bool sends)
{
    *c = (caller){.s = s, .events = events, .sends = sends, .err = -1};
    gate_init(&c->done);
    start_thread(t, call, c);
}

/* Takes from the kernel what a full PAIR may send. */
static ssize_t
take_nothing(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(0, fd, msg, flags);
}

/* A PAIR whose peer is raw and that has no room left. */
static fmq_socket
open_full_pair(fmq_ctx ctx, int *fd)
{
    fmq_socket s = new_brisk(ctx, PAIR);
    char endpoint[TEXT_ROOM];

    set_int(s, SNDHWM, 1);
    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    *fd = raw_dial(last_endpoint(s, endpoint));
    raw_greet(*fd, "PAIR");
    AWAIT_INSIDE(s, i.is_there);
    set_hook(take_nothing);
    CHECK_EQ(send_text(s, "full", 0), 0);
    return s;
}

/* Somebody waits for room, and somebody for a message, in one socket and in every
 * combination of calls: a message must find the one, then room the other. */
static void
wait_for_either(short poll_in, short poll_out, bool out_first)
{
    fmq_ctx ctx = new_ctx();
    fmq__thread t[2];
    caller in;
    caller out;
    int fd;
    fmq_socket s = open_full_pair(ctx, &fd);

    if (out_first) {
        start_caller(&t[1], &out, s, poll_out, true);
        await_callers(s, 1);
    }
    start_caller(&t[0], &in, s, poll_in, false);
    await_callers(s, out_first ? 2 : 1);
    if (!out_first) {
        start_caller(&t[1], &out, s, poll_out, true);
        await_callers(s, 2);
    }
    raw_send_text(fd, 0, "hello");
    gate_wait(&in.done, 1);
    CHECK_EQ(in.err, 0);
    CHECK_EQ(gate_count(&out.done), 0);
    set_hook(NULL);
    gate_wait(&out.done, 1);
    CHECK_EQ(out.err, 0);
    fmq__thread_join(t[0]);
    fmq__thread_join(t[1]);
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

TEST(a_message_and_room_find_whom_they_are_for)
{
    for (int round = 0; round < 10; round++) {
        for (int k = 0; k < 8; k++) {
            wait_for_either((k & 1) ? FMQ_POLLIN : 0, (k & 2) ? FMQ_POLLOUT : 0,
                            (k & 4) != 0);
        }
    }
}

/* --- room that comes while the leader looks for messages --- */

enum { SECOND_US = 1000000 };

/* So long that none of the looks below comes to its end. */
static void
look_for_ever(fmq_socket handle)
{
    fmq__socket *s;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    fmq__spin_limit(&s->hub.spin, INT_MAX);
    fmq__socket_leave(s);
}

static bool
passes_in_time(gate *g)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);

    while (gate_count(g) == 0 && fmq__clock_ns() < deadline) {
        sched_yield();
    }
    return gate_count(g) != 0;
}

/* A receiver leads and looks for messages; a sender behind it waits for room, which
 * comes as the peer reads again, or by a higher mark. */
static void
room_beside_a_look(bool ends, bool by_mark)
{
    fmq_ctx ctx = new_ctx();
    fmq__thread t[2];
    caller in;
    caller out;
    int fd;
    fmq_socket s = open_full_pair(ctx, &fd);

    set_int(s, RCVTIMEO, -1); /* whoever leaves would make it good */
    set_int(s, SNDTIMEO, -1);
    if (ends) {
        set_int(s, FMQ_SPIN_US, SECOND_US);
    } else {
        look_for_ever(s);
    }
    start_caller(&t[0], &in, s, 0, false);
    await_callers(s, 1);
    start_caller(&t[1], &out, s, 0, true);
    await_callers(s, 2);
    if (by_mark) {
        set_int(s, SNDHWM, 2);
    } else {
        set_hook(NULL);
    }
    REQUIRE(passes_in_time(&out.done));
    CHECK_EQ(out.err, 0);
    CHECK_EQ(gate_count(&in.done), 0);
    set_hook(NULL);
    raw_send_text(fd, 0, "hello");
    gate_wait(&in.done, 1);
    CHECK_EQ(in.err, 0);
    fmq__thread_join(t[0]);
    fmq__thread_join(t[1]);
    CHECK_EQ(fmq_socket_close(s), 0);
    close(fd);
    end_ctx(ctx);
}

TEST(room_is_told_of_while_the_leader_looks)
{
    room_beside_a_look(true, false);
    room_beside_a_look(false, false);
    room_beside_a_look(false, true);
}

/* --- how waits end --- */

TEST(a_time_out_hands_the_lead_on)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PAIR);
    fmq_socket peer = new_brisk(ctx, PAIR);
    fmq__thread t;
    caller follower;
    fmq_msg m = {0};
    fmq_part part;
    char text[TEXT_ROOM];

    join(s, peer, "tcp://127.0.0.1:*");
    start_caller(&t, &follower, s, 0, false);
    await_callers(s, 1);
    for (int i = 0; i < 20; i++) {
        uint64_t soon = fmq_now_ns() + 200000;

        CHECK_EQ(fmq_recv_until(s, text, sizeof(text), &m, &part, soon), EAGAIN);
    }
    CHECK_EQ(send_text(peer, "late", 0), 0);
    gate_wait(&follower.done, 1);
    CHECK_EQ(follower.err, 0);
    fmq__thread_join(t);
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_socket_close(peer), 0);
    end_ctx(ctx);
}

/* Callers of every kind sit in a socket when it is closed, or its context ends. */
static void
end_while_inside(const char *endpoint, bool by_close)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PAIR);
    fmq__thread t[5];
    caller c[5];

    if (endpoint != NULL) {
        REQUIRE(fmq_bind(s, endpoint) == 0);
    }
    start_caller(&t[0], &c[0], s, 0, false);
    start_caller(&t[1], &c[1], s, 0, false);
    start_caller(&t[2], &c[2], s, 0, true);
    start_caller(&t[3], &c[3], s, FMQ_POLLIN, false);
    start_caller(&t[4], &c[4], s, FMQ_POLLIN | FMQ_POLLOUT, false);
    await_callers(s, 5);
    if (by_close) {
        CHECK_EQ(fmq_socket_close(s), 0);
    } else {
        CHECK_EQ(fmq_ctx_shutdown(ctx), 0);
    }
    for (int i = 0; i < 5; i++) {
        fmq__thread_join(t[i]);
        CHECK_EQ(c[i].err, by_close ? ENOTSOCK : FMQ_ETERM);
    }
    if (!by_close) {
        CHECK_EQ(fmq_socket_close(s), 0);
    }
    end_ctx(ctx);
}

TEST(close_and_term_find_everybody)
{
    static const char *const endpoints[] = {NULL, "inproc://alone",
                                            "tcp://127.0.0.1:*"};

    for (int i = 0; i < 3; i++) {
        end_while_inside(endpoints[i], true);
        end_while_inside(endpoints[i], false);
    }
}

static void
on_signal(int number)
{
    (void)number;
}

static void *
call_with_signals(void *arg)
{
    call(arg);
    return NULL;
}

/* A signal ends a wait with EINTR: as the leader, as a follower, without sessions. (The
 * core's own threads have signals blocked, so this one is made by hand.) */
static void
interrupt(const char *endpoint, int n_before)
{
    struct sigaction action = {.sa_handler = on_signal};
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    caller second = {.err = -1};
    caller first;
    fmq__thread t;
    pthread_t hand_made;

    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    REQUIRE(fmq_bind(s, endpoint) == 0);
    if (n_before != 0) {
        start_caller(&t, &first, s, 0, false);
        await_callers(s, 1);
    }
    second.s = s;
    gate_init(&second.done);
    REQUIRE(pthread_create(&hand_made, NULL, call_with_signals, &second) == 0);
    await_callers(s, (uint32_t)n_before + 1);
    while (gate_count(&second.done) == 0) {
        pthread_kill(hand_made, SIGUSR1); /* until it sleeps when it comes */
        sched_yield();
    }
    CHECK_EQ(second.err, EINTR);
    CHECK_EQ(fmq_socket_close(s), 0);
    if (n_before != 0) {
        fmq__thread_join(t);
        CHECK_EQ(first.err, ENOTSOCK);
    }
    pthread_join(hand_made, NULL);
    end_ctx(ctx);
}

TEST(signals_interrupt_waits)
{
    interrupt("inproc://signal", 0);
    interrupt("inproc://signal", 1);
    interrupt("tcp://127.0.0.1:*", 0);
    interrupt("tcp://127.0.0.1:*", 1);
}

/* --- the descriptor --- */

static bool
is_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1;
}

TEST(the_descriptor_tells_of_messages_and_then_is_quiet)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PAIR);
    fmq_socket peer = new_brisk(ctx, PAIR);
    char text[TEXT_ROOM];
    int fd = get_int(s, 14); /* FD */

    join(s, peer, "tcp://127.0.0.1:*");
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(send_text(peer, "a", 0), 0);
        do {
            raw_await(fd, POLLIN);
        } while ((get_int(s, 15) & FMQ_POLLIN) == 0); /* EVENTS */
        CHECK_EQ(recv_text(s, text, FMQ_DONTWAIT), 0);
        while (get_int(s, 15) & FMQ_POLLIN) {
            (void)recv_text(s, text, FMQ_DONTWAIT);
        }
        CHECK(!is_readable(fd));
    }
    CHECK_EQ(get_int(s, 14), fd);
    CHECK_EQ(fmq_socket_close(s), 0);
    CHECK_EQ(fmq_socket_close(peer), 0);
    end_ctx(ctx);
}

/* Who watches it beside the one that receives hears of what that one leaves. */
TEST(the_descriptor_tells_of_what_is_left)
{
    line l = new_line("tcp://127.0.0.1:*", -1);
    char text[TEXT_ROOM];
    int fd = get_int(l.pull, 14); /* FD */

    for (int i = 0; i < 200; i++) {
        int n_left = 1 + i % 3;

        for (int k = 0; k < n_left; k++) {
            CHECK_EQ(send_text(l.push, "a", 0), 0);
        }
        while (n_left > 0) {
            raw_await(fd, POLLIN);
            n_left -= recv_text(l.pull, text, FMQ_DONTWAIT) == 0;
        }
        CHECK_EQ(recv_text(l.pull, text, FMQ_DONTWAIT), EAGAIN);
        CHECK(!is_readable(fd));
    }
    end_line(&l);
}

/* --- what patterns throw away makes room --- */

/* A REP that answers with rubbish first, more than the mark of the REQ allows: what is
 * thrown away makes room for the reply behind it, whoever looks for it. */
static void
skip_rubbish(int mark, bool polls)
{
    enum { RUBBISH = 50 };
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, REQ);
    char endpoint[TEXT_ROOM];
    int listen_fd = raw_listen(endpoint);
    int fd;

    set_int(s, RCVHWM, mark);
    REQUIRE(fmq_connect(s, endpoint) == 0);
    fd = raw_accept(listen_fd);
    raw_greet(fd, "REP");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RUBBISH; i++) { /* stale: before the request */
            raw_send_text(fd, FMQ__MORE, "");
            raw_send_text(fd, 0, "stale");
        }
        AWAIT_INSIDE(s, i.is_paused);
        CHECK_EQ(send_text(s, "request", 0), 0);
        raw_expect_text(fd, FMQ__MORE, "");
        raw_expect_text(fd, 0, "request");
        for (int i = 0; i < RUBBISH; i++) {
            raw_send_text(fd, 0, "rubbish");
        }
        raw_send_text(fd, FMQ__MORE, "");
        raw_send_text(fd, 0, "reply");
        if (polls) {
            CHECK_EQ(await(s, FMQ_POLLIN), 0);
        }
        for (;;) {
            char text[TEXT_ROOM];

            REQUIRE(recv_text(s, text, 0) == 0);
            if (strcmp(text, "reply") == 0) {
                break;
            }
            CHECK_STR(text, "stale"); /* it came too late to be thrown away */
            CHECK_EQ(send_text(s, "request", 0), 0);
            raw_expect_text(fd, FMQ__MORE, "");
            raw_expect_text(fd, 0, "request");
        }
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
    close(fd);
    close(listen_fd);
}

TEST(what_a_pattern_skips_makes_room)
{
    skip_rubbish(1, false);
    skip_rubbish(2, true);
    skip_rubbish(10, false);
    skip_rubbish(10, true);
}

/* Sends 5 replies without a delimiter, and one with it, after the reading half of our
 * connection was found empty `n_left` times. */
static struct {
    _Atomic int n_left;
    int fd;
} answer;

static void
answer_now(void)
{
    static const char bytes[] =
        "\0\7rubbish\0\7rubbish\0\7rubbish\0\7rubbish\0\7rubbish"
        "\1\0" /* MORE: the delimiter */
        "\0\5reply";

    raw_send(answer.fd, bytes, sizeof(bytes) - 1); /* there all at once */
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, __SOCKADDR_ARG from,
                 socklen_t *from_len);

ssize_t
recvfrom(int fd, void *buf, size_t len, int flags, __SOCKADDR_ARG from,
         socklen_t *from_len)
{
    ssize_t n = syscall(SYS_recvfrom, fd, buf, len, flags, from.__sockaddr__, from_len);
    int err = errno;

    if (n < 0 && err == EAGAIN && atomic_load(&answer.n_left) != 0 &&
        atomic_fetch_sub(&answer.n_left, 1) == 1) {
        answer_now();
    }
    errno = err;
    return n;
}

/* Whoever has looked for the last time before it sleeps, and has thrown away what it
 * found, has made room for what lies behind. */
TEST(a_last_look_makes_room)
{
    enum { MANY = 1000 };
    char text[TEXT_ROOM];
    int n_looks = MANY;
    couple c;

    open_couple(&c, REQ, "REP", RCVHWM, 1);
    set_int(c.s, FMQ_SPIN_US, 1); /* one look of the last kind */
    answer.fd = c.fd;
    for (int n = 0; n <= n_looks; n++) {
        CHECK_EQ(send_text(c.s, "request", 0), 0);
        raw_expect_text(c.fd, FMQ__MORE, "");
        raw_expect_text(c.fd, 0, "request");
        if (n == 0) { /* how often it looks before it sleeps */
            set_int(c.s, RCVTIMEO, 1);
            atomic_store(&answer.n_left, MANY);
            CHECK_EQ(recv_text(c.s, text, 0), EAGAIN);
            n_looks -= atomic_exchange(&answer.n_left, 0);
            CHECK(n_looks > 1 && n_looks < MANY);
            set_int(c.s, RCVTIMEO, PATIENCE_MS);
            answer_now();
        }
        atomic_store(&answer.n_left, n);
        REQUIRE(recv_text(c.s, text, 0) == 0);
        CHECK_STR(text, "reply");
    }
    close_couple(&c);
}

int
main(void)
{
    RUN(many_threads_share_sockets_over_tcp);
    RUN(many_threads_share_sockets_over_inproc);
    RUN(pollers_and_receivers_share_a_socket_over_tcp);
    RUN(pollers_and_receivers_share_a_socket_over_inproc);
    RUN(a_message_and_room_find_whom_they_are_for);
    RUN(room_is_told_of_while_the_leader_looks);
    RUN(a_time_out_hands_the_lead_on);
    RUN(close_and_term_find_everybody);
    RUN(signals_interrupt_waits);
    RUN(the_descriptor_tells_of_messages_and_then_is_quiet);
    RUN(the_descriptor_tells_of_what_is_left);
    RUN(what_a_pattern_skips_makes_room);
    RUN(a_last_look_makes_room);
    return CHECK_RESULT();
}
