/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks for a message goes on while a long one comes, or goes, piece by piece. */
#include "raw_couple.h"

/* A message takes several times as long as a look lasts, but no piece does. */
enum { LOOK_US = 25000, PACE_NS = 3000000, N_PIECES = 25, PIECE = 16384, N_TRIES = 50 };
enum { LATE_NS = LOOK_US * 1000 / 2 };

static uint8_t body[(N_PIECES + 1) * PIECE];

typedef struct slow {
    couple c;
    bool is_sending; /* the pieces are the socket's own */
    bool has_slept;
    uint64_t last_ns;
    uint64_t longest_ns; /* between two pieces */
    uint64_t began_ns;
} slow;

/* Now is the time of a piece. */
static void
note(slow *w)
{
    uint64_t now = fmq__clock_ns();

    if (w->last_ns != 0 && now - w->last_ns > w->longest_ns) {
        w->longest_ns = now - w->last_ns;
    }
    w->last_ns = now;
}

/* Notes whether the socket's caller has gone to sleep; returns how many pieces came. */
static uint32_t
look_at(slow *w)
{
    fmq__socket *s;
    uint32_t n;

    REQUIRE(fmq__socket_enter(w->c.s, false, &s) == 0);
    w->has_slept = w->has_slept || s->hub.is_leader_asleep;
    n = s->hub.n_pieces;
    fmq__socket_leave(s);
    return n;
}

static void
wait_for_pace(slow *w)
{
    while (fmq__clock_ns() < w->last_ns + PACE_NS) {
        (void)look_at(w);
        (void)sched_yield();
    }
}

static void
receive(void *arg)
{
    slow *w = arg;
    fmq_msg m = {0};

    REQUIRE(fmq_msg_recv(w->c.s, &m, 0) == 0);
    fmq_msg_close(&m);
}

static atomic_bool has_room;

/* The kernel has room for a piece now and then. */
static ssize_t
take_a_piece(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(atomic_exchange(&has_room, false) ? PIECE : 0, fd, msg, flags);
}

/* Lets a piece pass, and waits until the socket has read or written it. */
static void
pass_piece(slow *w)
{
    uint32_t n = look_at(w);

    if (w->is_sending) {
        atomic_store(&has_room, true);
    } else {
        raw_send(w->c.fd, body, PIECE);
    }
    while (look_at(w) == n && !w->has_slept) {
        (void)sched_yield();
    }
    note(w);
}

static void
begin(slow *w)
{
    uint8_t head[FMQ__FRAME_LONG_HEADER];

    if (w->is_sending) {
        atomic_store(&has_room, false);
        set_hook(take_a_piece);
        REQUIRE(fmq_send(w->c.s, body, sizeof(body), 0) == 0);
    } else {
        raw_send(w->c.fd, head, fmq__frame_put_header(head, 0, sizeof(body)));
    }
}

/* What is left passes at once, and the receiver has its message. */
static void
end(slow *w, size_t n_passed)
{
    if (w->is_sending) {
        raw_frame f;

        set_hook(NULL);
        REQUIRE(raw_read_frame(w->c.fd, &f));
        CHECK_EQ(f.len, sizeof(body));
        raw_free_frame(&f);
        raw_send_text(w->c.fd, 0, "there it is");
    } else {
        raw_send(w->c.fd, body, sizeof(body) - n_passed * PIECE);
    }
}

/* Passes a message slowly. False: a piece was late, or all took so long that signals
 * are asked for, so that a sleep says nothing. */
static bool
pass_slowly(slow *w)
{
    fmq__thread thread;
    size_t n = 0;

    w->has_slept = false;
    w->last_ns = 0;
    w->longest_ns = 0;
    begin(w);
    w->began_ns = fmq__clock_ns();
    start_thread(&thread, receive, w);
    await_callers(w->c.s, 1);
    note(w);
    while (n < N_PIECES && !w->has_slept) {
        pass_piece(w);
        n++;
        wait_for_pace(w);
    }
    note(w);
    end(w, n);
    fmq__thread_join(thread);
    return !w->has_slept ||
           (w->longest_ns < LATE_NS && w->last_ns - w->began_ns < FMQ__NAP_NS);
}

static void
pass_awake(bool is_sending)
{
    slow w = {.is_sending = is_sending};
    int one = 1;
    int n_tries = 0;

    open_couple(&w.c, PAIR, "PAIR", FMQ_SPIN_US, LOOK_US);
    REQUIRE(setsockopt(w.c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    while (!pass_slowly(&w)) {
        REQUIRE(++n_tries < N_TRIES);
    }
    CHECK(!w.has_slept);
    close_couple(&w.c);
}

TEST(while_a_body_comes)
{
    pass_awake(false);
}

/* Who has asked, and waits for the answer, writes the rest of the question. */
TEST(while_a_body_goes)
{
    pass_awake(true);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(while_a_body_comes),
        CASE(while_a_body_goes),
    };

    return CHECK_MAIN(cases);
}
