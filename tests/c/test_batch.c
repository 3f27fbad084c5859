/* SPDX-License-Identifier: Apache-2.0 */
/* Many messages a call: the same as one by one, also where that stops half-way. */
#include <errno.h>

#include "base/alloc.h"
#include "frames.h"
#include "gate.h"
#include "line.h"
#include "raw_couple.h"

enum { N = 1000, ROOM = 4096, AT_ONCE = 100, LONG = 10000, REQ_TYPE = 3 };

static size_t
len_of(uint32_t seed)
{
    return seed % 97 == 13 ? LONG : seed % 600;
}

/* Messages `first` to `first + n`, whose bodies are in `room`. */
static void
fill(fmq_piece *piece, uint8_t *room, uint32_t first, size_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        piece[i] = (fmq_piece){room, len_of(first + i)};
        fill_body(room, first + i, piece[i].len);
        room += piece[i].len;
    }
}

/* Receives messages from `first` on, some `max` a call; returns the next one's number.
 */
static uint32_t
take_some(fmq_socket s, uint32_t first, size_t max, size_t room)
{
    uint8_t buf[ROOM];
    fmq_msg m[AT_ONCE];
    fmq_part part[AT_ONCE];
    const uint8_t *next = buf;
    size_t n;

    REQUIRE(max <= AT_ONCE && room <= ROOM);
    memset(m, 0xee, sizeof(m)); /* nobody needs to have initialised them */
    REQUIRE(fmq_recv_many(s, buf, room, m, part, max, &n, 0) == 0);
    CHECK(n >= 1 && n <= max);
    for (size_t i = 0; i < n; i++) {
        uint32_t seed = first + (uint32_t)i;

        CHECK_EQ(part[i].len, len_of(seed));
        CHECK_EQ(part[i].more, 0);
        if (part[i].is_in_buf) {
            CHECK(is_body(next, seed, part[i].len));
            next += part[i].len;
        } else {
            CHECK_EQ(fmq_msg_size(&m[i]), part[i].len);
            CHECK(is_body(fmq_msg_data(&m[i]), seed, part[i].len));
            fmq_msg_close(&m[i]);
        }
    }
    CHECK(next <= buf + room);
    return first + (uint32_t)n;
}

typedef struct sender {
    fmq_socket s;
    fmq_piece *piece;
} sender;

static void *
send_all(void *arg)
{
    const sender *p = arg;
    size_t n;

    CHECK_EQ(fmq_send_many(p->s, p->piece, N, 0, &n), 0);
    CHECK_EQ(n, N);
    return NULL;
}

/* A mark far below the batch: it waits in between, and nothing is lost or doubled. */
static void
pass_over(const char *endpoint, int mark, size_t max, size_t room)
{
    line l = new_line(endpoint, mark);
    fmq_piece *piece = calloc(N, sizeof(*piece));
    uint8_t *bodies = malloc((size_t)N * LONG);
    sender p = {l.push, piece};
    pthread_t thread;
    uint32_t next = 0;

    fill(piece, bodies, 0, N);
    REQUIRE(pthread_create(&thread, NULL, send_all, &p) == 0);
    while (next < N) {
        next = take_some(l.pull, next, max, room);
    }
    pthread_join(thread, NULL);
    free(bodies);
    free(piece);
    end_line(&l);
}

TEST(as_one_by_one)
{
    pass_over("inproc://batch", 0, AT_ONCE, ROOM);
    pass_over("inproc://batch", 10, 7, ROOM);
    pass_over("tcp://127.0.0.1:*", 0, AT_ONCE, ROOM);
    pass_over("tcp://127.0.0.1:*", 5, AT_ONCE, 600);
    pass_over("tcp://127.0.0.1:*", 1000, 1, 0);
}

TEST(a_full_queue_says_how_many_went)
{
    line l = new_line("inproc://full", 4);
    fmq_piece piece[N];
    size_t n = 99;
    uint32_t next = 0;
    int timeout_ms = 5;

    for (size_t i = 0; i < N; i++) {
        piece[i] = (fmq_piece){"x", 1};
    }
    CHECK_EQ(fmq_send_many(l.push, piece, N, FMQ_DONTWAIT, &n), EAGAIN);
    CHECK_EQ(n, 8); /* what each side may hold */
    CHECK_EQ(fmq_send_many(l.push, piece, N, FMQ_DONTWAIT, &n), EAGAIN);
    CHECK_EQ(n, 0);
    set_int(l.push, SNDTIMEO, timeout_ms);
    CHECK_EQ(fmq_send_many(l.push, piece, N, 0, &n), EAGAIN);
    CHECK_EQ(n, 0);
    CHECK_EQ(fmq_send_many_until(l.push, piece, N, &n, fmq_now_ns() + 1), EAGAIN);
    for (char text[TEXT_ROOM]; recv_text(l.pull, text, FMQ_DONTWAIT) == 0;) {
        CHECK_STR(text, "x");
        next++;
    }
    CHECK_EQ(next, 8);
    end_line(&l);
}

TEST(an_error_in_the_middle)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket req = new_brisk(ctx, REQ_TYPE);
    fmq_piece piece[3] = {{"1", 1}, {"2", 1}, {"3", 1}};
    size_t n;

    CHECK_EQ(fmq_bind(req, "inproc://req"), 0);
    {
        fmq_socket rep = new_brisk(ctx, 4);

        CHECK_EQ(fmq_connect(rep, "inproc://req"), 0);
        CHECK_EQ(fmq_send_many(req, piece, 3, 0, &n), FMQ_EFSM);
        CHECK_EQ(n, 1);
        expect_text(rep, "1");
        CHECK_EQ(fmq_socket_close(rep), 0);
    }
    CHECK_EQ(fmq_socket_close(req), 0);
    CHECK_EQ(fmq_send_many(req, piece, 3, 0, &n), FMQ_ENOTSOCK);
    CHECK_EQ(n, 0);
    end_ctx(ctx);
}

/* The first one of a batch ends a message that was begun. */
TEST(behind_a_part_that_was_staged)
{
    line l = new_line("inproc://staged", 0);
    fmq_piece piece[2] = {{"end", 3}, {"alone", 5}};
    fmq_msg m[4];
    fmq_part part[4];
    uint8_t buf[ROOM];
    size_t n;

    CHECK_EQ(send_text(l.push, "begin", FMQ_SNDMORE), 0);
    CHECK_EQ(fmq_send_many(l.push, piece, 2, FMQ_SNDMORE, &n), 0);
    CHECK_EQ(n, 2);
    REQUIRE(fmq_recv_many(l.pull, buf, sizeof(buf), m, part, 4, &n, 0) == 0);
    REQUIRE(n == 3);
    CHECK_MEM(buf, "beginendalone", 13);
    CHECK_EQ(part[0].more, 1);
    CHECK_EQ(part[1].more, 0);
    CHECK_EQ(part[2].more, 0);
    end_line(&l);
}

TEST(a_message_may_be_cut_by_the_end_of_a_batch)
{
    line l = new_line("inproc://cut", 0);
    fmq_msg m[2];
    fmq_part part[2];
    uint8_t buf[ROOM];
    int more = 0;
    size_t len = sizeof(more);
    size_t n;

    CHECK_EQ(send_text(l.push, "1", FMQ_SNDMORE), 0);
    CHECK_EQ(send_text(l.push, "2", FMQ_SNDMORE), 0);
    CHECK_EQ(send_text(l.push, "3", 0), 0);
    REQUIRE(fmq_recv_many(l.pull, buf, sizeof(buf), m, part, 2, &n, 0) == 0);
    CHECK_EQ(n, 2);
    CHECK_EQ(fmq_getsockopt(l.pull, 13, &more, &len), 0);
    CHECK_EQ(more, 1);
    expect_text(l.pull, "3");
    CHECK_EQ(fmq_recv_many(l.pull, buf, sizeof(buf), m, part, 2, &n, FMQ_DONTWAIT),
             EAGAIN);
    CHECK_EQ(n, 0);
    CHECK_EQ(
        fmq_recv_many_until(l.pull, buf, sizeof(buf), m, part, 2, &n, fmq_now_ns() + 1),
        EAGAIN);
    end_line(&l);
}

/* The core lets go of the socket every 32 messages, and only writes behind the last
 * ones: if then it gets no further, those before are on their way all the same. */
TEST(what_went_before_an_error_is_written)
{
    enum { BEFORE = 32 };
    static const uint8_t body[LONG];
    fmq_piece piece[BEFORE + 1];
    size_t n = 99;
    couple c;

    open_couple(&c, PUSH, "PULL", 0, 0);
    for (size_t i = 0; i < BEFORE; i++) {
        piece[i] = (fmq_piece){"x", 1};
    }
    piece[BEFORE] = (fmq_piece){body, LONG};
    CHECK_EQ(fmq_send_many(c.s, piece, 1, 0, &n), 0); /* the queue has its memory */
    raw_expect_text(c.fd, 0, "x");
    fmq__alloc_fail_at(1, 1);
    CHECK_EQ(fmq_send_many(c.s, piece, BEFORE + 1, 0, &n), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(n, BEFORE);
    for (size_t i = 0; i < BEFORE; i++) {
        raw_expect_text(c.fd, 0, "x");
    }
    close_couple(&c);
}

TEST(bad_arguments)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket s = new_brisk(ctx, PULL);
    fmq_piece piece = {"x", 1};
    fmq_msg m = {0};
    fmq_part part;
    uint8_t byte;
    size_t n;

    CHECK_EQ(fmq_send_many(s, NULL, 1, 0, &n), EFAULT);
    CHECK_EQ(fmq_send_many(s, &piece, 1, 0, NULL), EFAULT);
    CHECK_EQ(fmq_send_many(s, &piece, 1, 0, &n), ENOTSUP);
    CHECK_EQ(fmq_send_many(s, NULL, 0, 0, &n), 0);
    CHECK_EQ(n, 0);
    CHECK_EQ(fmq_recv_many(s, NULL, 1, &m, &part, 1, &n, 0), EFAULT);
    CHECK_EQ(fmq_recv_many(s, &byte, 1, NULL, &part, 1, &n, 0), EFAULT);
    CHECK_EQ(fmq_recv_many(s, &byte, 1, &m, NULL, 1, &n, 0), EFAULT);
    CHECK_EQ(fmq_recv_many(s, &byte, 1, &m, &part, 1, NULL, 0), EFAULT);
    CHECK_EQ(fmq_recv_many(s, &byte, 1, &m, &part, 0, &n, 0), EINVAL);
    CHECK_EQ(fmq_recv_many(0, &byte, 1, &m, &part, 1, &n, 0), FMQ_ENOTSOCK);
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

int
main(void)
{
    RUN(as_one_by_one);
    RUN(a_full_queue_says_how_many_went);
    RUN(an_error_in_the_middle);
    RUN(behind_a_part_that_was_staged);
    RUN(a_message_may_be_cut_by_the_end_of_a_batch);
    RUN(what_went_before_an_error_is_written);
    RUN(bad_arguments);
    return CHECK_RESULT();
}
