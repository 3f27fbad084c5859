/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of long messages are counted, as they come and as they go: whoever looks
 * for a message then goes on (test_spin.c has the rule). */
#include "raw_couple.h"

enum { N_PIECES = 20, PIECE = 16384 };

static uint8_t body[(N_PIECES + 1) * PIECE];

/* A peer that does not wait for acknowledgements. */
static void
open_pair(couple *c)
{
    int one = 1;

    open_couple(c, PAIR, "PAIR", 0, 0);
    REQUIRE(setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
}

static uint32_t
count(fmq_socket handle)
{
    fmq__socket *s;
    uint32_t n;

    REQUIRE(fmq__socket_enter(handle, false, &s) == 0);
    n = s->hub.n_pieces;
    fmq__socket_leave(s);
    return n;
}

/* Looks for a message, which is not there yet, until a piece more has passed. */
static void
look_for_a_piece(fmq_socket s, uint32_t n_before)
{
    uint64_t deadline = fmq__deadline_ns(PATIENCE_MS);
    char text[TEXT_ROOM];

    while (count(s) == n_before) {
        REQUIRE(fmq__clock_ns() < deadline);
        CHECK_EQ(recv_text(s, text, FMQ_DONTWAIT), EAGAIN);
        (void)sched_yield();
    }
}

TEST(as_they_come)
{
    uint8_t head[FMQ__FRAME_LONG_HEADER];
    fmq_msg m = {0};
    couple c;

    open_pair(&c);
    raw_send(c.fd, head, fmq__frame_put_header(head, 0, sizeof(body)));
    for (int i = 0; i < N_PIECES; i++) {
        uint32_t n = count(c.s);

        raw_send(c.fd, body, PIECE);
        look_for_a_piece(c.s, n);
    }
    raw_send(c.fd, body, PIECE);
    REQUIRE(fmq_msg_recv(c.s, &m, 0) == 0);
    CHECK_EQ(fmq_msg_size(&m), sizeof(body));
    fmq_msg_close(&m);
    close_couple(&c);
}

static atomic_bool has_room;

/* The kernel has room for a piece now and then. */
static ssize_t
take_a_piece(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(atomic_exchange(&has_room, false) ? PIECE : 0, fd, msg, flags);
}

/* Who has asked, and looks for the answer, writes the rest of the question. */
TEST(as_they_go)
{
    raw_frame f;
    couple c;

    open_pair(&c);
    set_hook(take_a_piece);
    REQUIRE(fmq_send(c.s, body, sizeof(body), 0) == 0);
    for (int i = 0; i < N_PIECES; i++) {
        uint32_t n = count(c.s);

        atomic_store(&has_room, true);
        look_for_a_piece(c.s, n);
    }
    set_hook(NULL);
    REQUIRE(raw_read_frame(c.fd, &f));
    CHECK_EQ(f.len, sizeof(body));
    raw_free_frame(&f);
    close_couple(&c);
}

/* Short messages have none. */
TEST(what_is_whole_is_no_piece)
{
    couple c;

    open_pair(&c);
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(send_text(c.s, "there", 0), 0);
        raw_expect_text(c.fd, 0, "there");
        raw_send_text(c.fd, 0, "and back");
        expect_text(c.s, "and back");
    }
    CHECK_EQ(count(c.s), 0);
    close_couple(&c);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(as_they_come),
        CASE(as_they_go),
        CASE(what_is_whole_is_no_piece),
    };

    return CHECK_MAIN(cases);
}
