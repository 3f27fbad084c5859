/* SPDX-License-Identifier: Apache-2.0 */
/* Long bodies are gathered by the kernel: who waits for one is woken for much of it at
 * a time, and everything else is heard at once. */
#include "raw_couple.h"

enum {
    BODY = 1024 * 1024,
    MARK = 256 * 1024,
    HEARTBEAT_IVL = 75,
    RCVBUF = 12,
    FRAME_HEADER = 9
};

/* A frame of BODY bytes; its header is there, the body is made in main. */
static uint8_t frame[FRAME_HEADER + BODY] = {FMQ__LONG, 0, 0, 0, 0, 0, 0x10, 0, 0};

static void
expect_body(fmq_socket s)
{
    fmq_msg m = {0};

    REQUIRE(fmq_msg_recv(s, &m, 0) == 0);
    if (CHECK_EQ(fmq_msg_size(&m), BODY)) {
        const uint8_t *p = fmq_msg_data(&m);

        CHECK(p[0] == 'g' && p[BODY - 1] == 'g');
    }
    fmq_msg_close(&m);
}

static int
mark_of(inside i)
{
    int mark = 0;
    socklen_t len = sizeof(mark);

    return getsockopt(i.fd, SOL_SOCKET, SO_RCVLOWAT, &mark, &len) == 0 ? mark : -1;
}

/* Sends these bytes, and waits until they were read. */
static void
send_heard(couple *c, const uint8_t *bytes, size_t len)
{
    uint64_t before = look_inside(c->s).n_heard;

    raw_send(c->fd, bytes, len);
    AWAIT_INSIDE(c->s, i.n_heard > before);
}

TEST(much_of_a_long_body_is_waited_for)
{
    couple c;

    open_couple(&c, PULL, "PUSH", 0, 0);
    CHECK_EQ(mark_of(look_inside(c.s)), 1);
    for (int round = 0; round < 3; round++) {
        send_heard(&c, frame, FRAME_HEADER + 10);
        AWAIT_INSIDE(c.s, mark_of(i) == MARK);
        raw_send(c.fd, frame + FRAME_HEADER + 10, BODY - 10);
        AWAIT_INSIDE(c.s, i.n_in == 1 && mark_of(i) == 1);
        expect_body(c.s);
        raw_send_text(c.fd, 0, "short");
        expect_text(c.s, "short");
    }
    close_couple(&c);
}

TEST(bodies_in_a_row_and_what_is_behind_them_are_heard)
{
    couple c;

    open_couple(&c, PULL, "PUSH", 0, 0);
    for (int round = 0; round < 5; round++) {
        for (int k = 0; k < 3; k++) {
            raw_send(c.fd, frame, FRAME_HEADER + BODY);
        }
        raw_send_text(c.fd, 0, "behind");
        for (int k = 0; k < 3; k++) {
            expect_body(c.s);
        }
        expect_text(c.s, "behind");
    }
    close_couple(&c);
}

/* Who has read the header of the next one goes on waiting for much: nobody has begun to
 * read its body, which the next receiver may have a place for. */
TEST(a_row_is_gathered_from_body_to_body)
{
    couple c;

    open_couple(&c, PULL, "PUSH", 0, 0);
    raw_send(c.fd, frame, FRAME_HEADER + BODY);
    for (int round = 0; round < 3; round++) {
        raw_send(c.fd, frame, FRAME_HEADER);
        AWAIT_INSIDE(c.s, i.n_in == 1 && mark_of(i) == MARK);
        expect_body(c.s);
        raw_send(c.fd, frame + FRAME_HEADER, BODY);
    }
    expect_body(c.s);
    close_couple(&c);
}

/* The kernel takes no mark that its buffer could not reach. */
TEST(a_small_buffer_does_not_stall_a_long_body)
{
    couple c;

    open_couple(&c, PULL, "PUSH", RCVBUF, 4096);
    raw_send(c.fd, frame, FRAME_HEADER + BODY);
    expect_body(c.s);
    close_couple(&c);
}

TEST(the_end_is_heard_within_a_long_body)
{
    couple c;

    open_couple(&c, PULL, "PUSH", 0, 0);
    send_heard(&c, frame, FRAME_HEADER + 10);
    AWAIT_INSIDE(c.s, mark_of(i) == MARK);
    raw_send(c.fd, frame, 1000);
    REQUIRE(shutdown(c.fd, SHUT_WR) == 0);
    AWAIT_INSIDE(c.s, !i.is_there);
    close_couple(&c);
}

/* Pollers do not heed the mark there, so it would cost calls for nothing. */
TEST(over_ipc_the_mark_stays)
{
    char endpoint[TEXT_ROOM];
    couple c;

    c.listen_fd = raw_listen_ipc(endpoint);
    open_couple_at(&c, endpoint, PULL, "PUSH", 0, 0);
    for (int round = 0; round < 3; round++) {
        send_heard(&c, frame, FRAME_HEADER + 10);
        CHECK_EQ(mark_of(look_inside(c.s)), 1);
        raw_send(c.fd, frame + FRAME_HEADER + 10, BODY - 10);
        expect_body(c.s);
    }
    close_couple(&c);
}

/* What a silent peer has left unread would count as a sign of life. */
TEST(with_heartbeats_every_byte_counts)
{
    uint8_t ping[FMQ__FRAME_SHORT_HEADER + FMQ__PING_MAX];
    size_t len = fmq__command_put_ping(ping + FMQ__FRAME_SHORT_HEADER, 60000, NULL, 0);
    uint8_t both[sizeof(ping) + FRAME_HEADER + 10];
    couple c;

    open_couple(&c, PULL, "PUSH", HEARTBEAT_IVL, 100 * 1000);
    send_heard(&c, frame, FRAME_HEADER + 10);
    CHECK_EQ(mark_of(look_inside(c.s)), 1);
    close_couple(&c);

    open_couple(&c, PULL, "PUSH", 0, 0);
    len += fmq__frame_put_header(ping, FMQ__COMMAND, len);
    memcpy(both, ping, len);
    memcpy(both + len, frame, FRAME_HEADER + 10);
    send_heard(&c, both, len + FRAME_HEADER + 10); /* asks for some by its time */
    CHECK_EQ(mark_of(look_inside(c.s)), 1);
    raw_send(c.fd, frame + FRAME_HEADER, BODY - 10);
    expect_body(c.s);
    send_heard(&c, frame, FRAME_HEADER + 10);
    CHECK_EQ(mark_of(look_inside(c.s)), 1);
    close_couple(&c);
}

int
main(void)
{
    memset(frame + FRAME_HEADER, 'g', BODY);
    RUN(much_of_a_long_body_is_waited_for);
    RUN(bodies_in_a_row_and_what_is_behind_them_are_heard);
    RUN(a_row_is_gathered_from_body_to_body);
    RUN(a_small_buffer_does_not_stall_a_long_body);
    RUN(the_end_is_heard_within_a_long_body);
    RUN(over_ipc_the_mark_stays);
    RUN(with_heartbeats_every_byte_counts);
    return CHECK_RESULT();
}
