/* SPDX-License-Identifier: Apache-2.0 */
#include "raw_couple.h"

#include "base/alloc.h"

enum { BIG = 10000, N_STREAM = 60, SHORT_WRITE = 3000 };

/* --- hooks --- */

static _Atomic size_t budget; /* bytes that may still go to the kernel */

static void
set_budget(size_t n)
{
    atomic_store_explicit(&budget, n, memory_order_relaxed);
}

static ssize_t
spend(int fd, const struct msghdr *msg, int flags)
{
    size_t left = atomic_load_explicit(&budget, memory_order_relaxed);
    ssize_t n = send_at_most(left, fd, msg, flags);

    if (n > 0) {
        atomic_fetch_sub_explicit(&budget, (size_t)n, memory_order_relaxed);
    }
    return n;
}

static ssize_t
write_short(int fd, const struct msghdr *msg, int flags)
{
    return send_at_most(SHORT_WRITE, fd, msg, flags);
}

/* --- tests --- */

static void
send_numbered(fmq_socket s, int n, size_t len)
{
    uint8_t *body = malloc(len);

    REQUIRE(body != NULL);
    memset(body, n, len);
    CHECK_EQ(fmq_send(s, body, len, 0), 0);
    free(body);
}

/* Every write ends inside a message: a PONG still goes out at the next border. */
TEST(a_stream_does_not_starve_a_pong)
{
    couple c;
    int n_messages = 0;
    int before_pong = -1;

    open_couple(&c, PUSH, "PULL", 0, 0);
    set_budget(SHORT_WRITE);
    set_hook(spend);
    for (int i = 0; i < N_STREAM; i++) {
        send_numbered(c.s, i, BIG);
    }
    AWAIT_INSIDE(c.s, i.wants_out);
    raw_send_ping(c.fd, "hi");
    AWAIT_INSIDE(c.s, i.ctl_len != 0);
    set_hook(write_short);
    while (n_messages < N_STREAM) {
        raw_frame f;

        REQUIRE(raw_read_frame(c.fd, &f));
        if (f.flags & FMQ__COMMAND) {
            before_pong = n_messages;
        } else {
            CHECK_EQ(f.len, BIG);
            CHECK_EQ(f.body[0], n_messages);
            CHECK_EQ(f.body[BIG - 1], n_messages);
            n_messages++;
        }
        raw_free_frame(&f);
    }
    CHECK_EQ(before_pong, 1); /* behind the message that was being written */
    close_couple(&c);
}

/* The same where the message that is cut has many frames, long and short. */
TEST(a_pong_waits_for_the_last_frame_of_the_cut_message)
{
    enum { PARTS = 200 };
    static const size_t cuts[] = {1, 5, 700, 4096, 5000, 9000, 20000, 60000};

    for (size_t k = 0; k < sizeof(cuts) / sizeof(cuts[0]); k++) {
        fmq_msg part[PARTS];
        raw_frame f;
        couple c;

        open_couple(&c, PUSH, "PULL", 0, 0);
        set_budget(cuts[k]);
        set_hook(spend);
        for (int i = 0; i < PARTS; i++) {
            size_t len = i % 3 == 0 ? 0 : i % 3 == 1 ? 300 : 5000;

            REQUIRE(fmq_msg_init_size(&part[i], len) == 0);
            memset(fmq_msg_data(&part[i]), i, len);
        }
        CHECK_EQ(fmq_sendv(c.s, part, PARTS, 0), 0);
        CHECK_EQ(send_text(c.s, "next", 0), 0);
        AWAIT_INSIDE(c.s, i.wants_out);
        raw_send_ping(c.fd, "");
        AWAIT_INSIDE(c.s, i.ctl_len != 0);
        set_hook(NULL);
        for (int i = 0; i < PARTS; i++) {
            REQUIRE(raw_read_frame(c.fd, &f));
            CHECK_EQ(f.flags, i == PARTS - 1 ? 0 : FMQ__MORE);
            CHECK(f.len == 0 || (f.body[0] == i && f.body[f.len - 1] == i));
            raw_free_frame(&f);
        }
        raw_expect_pong(c.fd, "");
        raw_expect_text(c.fd, 0, "next");
        close_couple(&c);
    }
}

/* The connection is lost when `cut` bytes have gone: what went whole has gone, the
 * message that was cut goes nowhere, the rest goes to the next connection. */
static void
lose_after(size_t cut)
{
    enum { N = 12, PARTS = 3 };
    /* Message i: three frames, one of them long. */
    static const size_t lens[PARTS] = {3, 5000, 300};
    const size_t wire = (2 + 3) + (9 + 5000) + (9 + 300);
    int n_whole = (int)(cut / wire);
    int next = cut % wire != 0 ? n_whole + 1 : n_whole;
    uint8_t *got = malloc(cut + 1);
    couple c;

    REQUIRE(got != NULL);
    open_couple(&c, PUSH, "PULL", 0, 0);
    set_budget(cut);
    set_hook(spend);
    for (int i = 0; i < N; i++) {
        fmq_msg part[PARTS];

        for (int k = 0; k < PARTS; k++) {
            REQUIRE(fmq_msg_init_size(&part[k], lens[k]) == 0);
            memset(fmq_msg_data(&part[k]), 10 * i + k, lens[k]);
        }
        CHECK_EQ(fmq_sendv(c.s, part, PARTS, 0), 0);
    }
    AWAIT_INSIDE(c.s, i.wants_out);
    CHECK(raw_read(c.fd, got, cut));
    close(c.fd);
    c.fd = raw_accept(c.listen_fd);
    set_hook(NULL);
    raw_greet(c.fd, "PULL");
    for (int i = next; i < N; i++) {
        for (int k = 0; k < PARTS; k++) {
            raw_frame f;

            REQUIRE(raw_read_frame(c.fd, &f));
            CHECK_EQ(f.flags, k == PARTS - 1 ? 0 : FMQ__MORE);
            CHECK_EQ(f.len, lens[k]);
            CHECK_EQ(f.body[0], 10 * i + k);
            CHECK_EQ(f.body[f.len - 1], 10 * i + k);
            raw_free_frame(&f);
        }
    }
    CHECK_EQ(send_text(c.s, "end", 0), 0);
    raw_expect_text(c.fd, 0, "end");
    close_couple(&c);
    free(got);
}

TEST(a_lost_connection_tears_and_doubles_nothing)
{
    static const size_t wire = 5 + 5009 + 309;
    static const size_t in_message[] = {0,    1,    2,    4,    5,    6,
                                        13,   14,   15,   2000, 5013, 5014,
                                        5015, 5022, 5023, 5024, 5300, 5322};

    for (size_t i = 0; i < sizeof(in_message) / sizeof(in_message[0]); i++) {
        lose_after(in_message[i] + (i % 4) * wire);
    }
}

/* Exactly SNDHWM messages are taken for a peer that reads nothing, and room is told of
 * at the low-water mark. */
TEST(the_send_mark_holds_to_the_message)
{
    static const struct {
        int mark;
        int low; /* so many must have gone before there is room */
    } rows[] = {{1, 1}, {2, 1}, {3, 2}, {10, 5}};

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        couple c;

        open_couple(&c, PUSH, "PULL", SNDHWM, rows[k].mark);
        set_budget(0);
        set_hook(spend);
        for (int i = 0; i < rows[k].mark; i++) {
            CHECK_EQ(send_text(c.s, "12345678", FMQ_DONTWAIT), 0);
        }
        CHECK_EQ(send_text(c.s, "12345678", FMQ_DONTWAIT), EAGAIN);
        set_budget((size_t)(10 * (rows[k].low - 1) + 9));
        for (int i = 0; i < rows[k].low - 1; i++) {
            raw_expect_text(c.fd, 0, "12345678");
        }
        CHECK_EQ(send_text(c.s, "12345678", FMQ_DONTWAIT), EAGAIN);
        set_hook(NULL);
        CHECK_EQ(await(c.s, FMQ_POLLOUT), 0);
        CHECK_EQ(send_text(c.s, "last", 0), 0);
        for (int i = rows[k].low - 1; i < rows[k].mark; i++) {
            raw_expect_text(c.fd, 0, "12345678");
        }
        raw_expect_text(c.fd, 0, "last");
        close_couple(&c);
    }
}

/* While one thread writes, another changes what S watches for (its pipe is full):
 * the wish to hear of room must survive that. */
static fmq_socket watched;

static ssize_t
update_meanwhile(int fd, const struct msghdr *msg, int flags)
{
    fmq__socket *s;

    (void)fd;
    (void)msg;
    (void)flags;
    REQUIRE(fmq__socket_enter(watched, false, &s) == 0);
    if (s->hub.n_established == 1) {
        fmq__session_update(FMQ__ITEM(s->hub.established.next, fmq__session, hub_node));
    }
    fmq__socket_leave(s);
    errno = EAGAIN;
    return -1;
}

TEST(the_wish_for_room_survives_other_changes)
{
    couple c;

    open_couple(&c, PUSH, "PULL", 0, 0);
    watched = c.s;
    set_budget(0);
    set_hook(spend);
    CHECK_EQ(send_text(c.s, "one", 0), 0);
    AWAIT_INSIDE(c.s, i.wants_out);
    set_hook(update_meanwhile);
    AWAIT_INSIDE(c.s, i.wants_out);
    for (int i = 0; i < 3; i++) {
        /* A call that writes: S names it, since there is room. */
        (void)get_int(c.s, 15); /* EVENTS */
    }
    AWAIT_INSIDE(c.s, i.wants_out);
    set_hook(NULL);
    raw_expect_text(c.fd, 0, "one"); /* the application never calls again */
    close_couple(&c);
}

/* An error of a write that no read would ever tell of ends the connection. */
static ssize_t
fail_write(int fd, const struct msghdr *msg, int flags)
{
    (void)fd;
    (void)msg;
    (void)flags;
    set_hook(NULL);
    errno = EPIPE;
    return -1;
}

TEST(a_write_that_fails_leads_to_another_connection)
{
    couple c;

    open_couple(&c, PUSH, "PULL", 0, 0);
    set_hook(fail_write);
    CHECK_EQ(send_text(c.s, "again", 0), 0);
    raw_expect_end(c.fd);
    close(c.fd);
    c.fd = raw_accept(c.listen_fd);
    raw_greet(c.fd, "PULL");
    raw_expect_text(c.fd, 0, "again");
    close_couple(&c);
}

/* A message that send() has left unwritten goes out although the application never
 * calls again, or calls for something else. */
TEST(what_send_leaves_is_written)
{
    enum { BURST = 3000 };
    couple c;

    open_couple(&c, PAIR, "PAIR", SNDHWM, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < BURST; i++) {
            CHECK_EQ(send_text(c.s, "x", 0), 0);
        }
        for (int i = 0; i < BURST; i++) {
            raw_expect_text(c.fd, 0, "x");
        }
    }
    for (int i = 0; i < BURST; i++) {
        CHECK_EQ(send_text(c.s, "y", 0), 0);
    }
    for (int i = 0; i < BURST;) {
        struct pollfd item = {.fd = c.fd, .events = POLLIN};
        char text[TEXT_ROOM];

        CHECK_EQ(recv_text(c.s, text, FMQ_DONTWAIT), EAGAIN); /* busy, not sending */
        if (poll(&item, 1, 0) == 1) {
            raw_expect_text(c.fd, 0, "y");
            i++;
        }
    }
    close_couple(&c);
}

/* One thread sends on more sockets by turns than it can note: what it leaves on each
 * goes out, when it waits and when it does not. */
TEST(what_send_leaves_on_many_sockets_is_written)
{
    enum { N_PUSHES = 300, N_TURNS = 30 };
    fmq_ctx ctx = new_ctx();
    fmq_socket pull = new_brisk(ctx, PULL);
    fmq_socket idle = new_brisk(ctx, PULL);
    static fmq_socket push[N_PUSHES];
    char endpoint[TEXT_ROOM];
    char text[TEXT_ROOM];
    int n = 0;

    set_int(pull, RCVHWM, 0);
    set_int(idle, RCVTIMEO, 1);
    REQUIRE(fmq_bind(pull, "tcp://127.0.0.1:*") == 0);
    (void)last_endpoint(pull, endpoint);
    for (int i = 0; i < N_PUSHES; i++) {
        push[i] = new_brisk(ctx, PUSH);
        REQUIRE(fmq_connect(push[i], endpoint) == 0);
        CHECK_EQ(send_text(push[i], "first", 0), 0);
        expect_text(pull, "first");
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N_TURNS * N_PUSHES; i++) {
            CHECK_EQ(send_text(push[i % N_PUSHES], "x", 0), 0);
        }
        if (round == 0) {
            CHECK_EQ(recv_text(idle, text, 0), EAGAIN); /* waits, on another socket */
        }
        for (n = 0; n < N_TURNS * N_PUSHES; n++) {
            while (recv_text(pull, text, FMQ_DONTWAIT) == EAGAIN) {
                sched_yield(); /* never waits */
            }
            CHECK_STR(text, "x");
        }
    }
    close_all(push, N_PUSHES);
    close_all((fmq_socket[]){pull, idle}, 2);
    end_ctx(ctx);
}

/* Without memory a send fails and leaves everything as it was. */
TEST(sends_without_memory_are_refused_whole)
{
    couple c;
    int err = 0;

    open_couple(&c, PUSH, "PULL", 0, 0);
    for (uint64_t n = 1; n < 20; n++) {
        fmq_msg part[2];

        REQUIRE(fmq_msg_init_size(&part[0], 6000) == 0);
        REQUIRE(fmq_msg_init_size(&part[1], 40) == 0);
        memset(fmq_msg_data(&part[0]), 'a', 6000);
        memset(fmq_msg_data(&part[1]), 'b', 40);
        (void)fmq__alloc_fail_at(n, 0);
        err = fmq_sendv(c.s, part, 2, FMQ_DONTWAIT);
        (void)fmq__alloc_fail_at(0, 0);
        CHECK(err == 0 || err == ENOMEM);
        if (err == 0) {
            raw_frame f;

            REQUIRE(raw_read_frame(c.fd, &f));
            CHECK_EQ(f.len, 6000);
            CHECK_EQ(f.flags, FMQ__MORE);
            raw_free_frame(&f);
            REQUIRE(raw_read_frame(c.fd, &f));
            CHECK_EQ(f.len, 40);
            CHECK_EQ(f.flags, 0);
            raw_free_frame(&f);
        } else {
            CHECK_EQ(fmq_msg_size(&part[0]), 6000);
            fmq_msg_close(&part[0]);
            fmq_msg_close(&part[1]);
        }
    }
    CHECK_EQ(err, 0);
    close_couple(&c);
}

int
main(void)
{
    RUN(a_stream_does_not_starve_a_pong);
    RUN(a_pong_waits_for_the_last_frame_of_the_cut_message);
    RUN(a_lost_connection_tears_and_doubles_nothing);
    RUN(the_send_mark_holds_to_the_message);
    RUN(the_wish_for_room_survives_other_changes);
    RUN(a_write_that_fails_leads_to_another_connection);
    RUN(what_send_leaves_is_written);
    RUN(what_send_leaves_on_many_sockets_is_written);
    RUN(sends_without_memory_are_refused_whole);
    return CHECK_RESULT();
}
