/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages a call: pieces that are copied, parts that lie in the queue. */
#include <errno.h>

#include "base/alloc.h"
#include "frames.h"
#include "line.h"

enum { N_MOST = 40, ROOM = 70000, CLIENT = 13, SERVER = 12 };

static const char *const endpoints[] = {"inproc://parts", "tcp://127.0.0.1:*",
                                        "ipc://*"};

/* How long each part is; those that are not named are empty. */
typedef struct shape {
    size_t n;
    size_t len[N_MOST];
} shape;

static const shape shapes[] = {
    {1, {0}},
    {1, {64}},
    {1, {4096}},
    {1, {4097}},
    {1, {70000}},
    {2, {0, 64}},
    {2, {64, 5000}},
    {3, {255, 256, 0}},
    {4, {4096, 4096, 4096, 4096}},
    {FMQ_FEW_PARTS, {1, 2, 3, 40, 50}},
    {FMQ_FEW_PARTS + 1, {1, 2, 3, 40, 50}},
    {16, {1, 33, 64, 1, 33, 64, 1, 33, 64, 1, 33, 64, 1, 33, 64, 1}},
    {17, {1, 33, 64, 1, 33, 64, 1, 33, 64, 1, 33, 64, 1, 33, 64, 1, 7}},
    {N_MOST, {100, 70000, 4096}},
};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static uint8_t bodies[N_MOST][ROOM];

/* The pieces of a message; the bytes stay as they are until the next one is made. */
static void
make(const shape *sh, uint32_t seed, fmq_piece *pieces)
{
    for (size_t i = 0; i < sh->n; i++) {
        fill_body(bodies[i], seed + (uint32_t)i, sh->len[i]);
        pieces[i] = (fmq_piece){bodies[i], sh->len[i]};
    }
}

/* The callers' bytes are not needed any more once they are sent. */
static void
spoil(void)
{
    memset(bodies, 0xee, sizeof(bodies));
}

static void
check_parts(fmq_parts *parts, const shape *sh, uint32_t seed)
{
    REQUIRE(parts->n == sh->n);
    CHECK_EQ(parts->part == parts->few, sh->n <= FMQ_FEW_PARTS);
    for (size_t i = 0; i < sh->n; i++) {
        CHECK_EQ(fmq_msg_size(&parts->part[i]), sh->len[i]);
        CHECK(is_body(fmq_msg_data(&parts->part[i]), seed + (uint32_t)i, sh->len[i]));
        CHECK_EQ(fmq_msg_more(&parts->part[i]), i + 1 < sh->n);
    }
}

TEST(all_shapes)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], -1);
        fmq_piece pieces[N_MOST];
        fmq_parts parts;

        for (uint32_t k = 0; k < N_SHAPES; k++) {
            make(&shapes[k], k, pieces);
            REQUIRE(fmq_send_pieces(l.push, pieces, shapes[k].n, 0) == 0);
            spoil();
            REQUIRE(fmq_recv_parts(l.pull, &parts, 0) == 0);
            check_parts(&parts, &shapes[k], k);
            CHECK_EQ(get_int(l.pull, 13), 0); /* RCVMORE */
            fmq_parts_close(&parts);
            CHECK_EQ(parts.n, 0);
        }
        end_line(&l);
    }
}

/* What was sent with SNDMORE is the beginning of the message. */
TEST(behind_parts_that_were_sent_before)
{
    line l = new_line(endpoints[0], -1);
    fmq_piece pieces[N_MOST];
    fmq_parts parts;

    make(&shapes[5], 1, pieces);
    CHECK_EQ(send_text(l.push, "first", FMQ_SNDMORE), 0);
    CHECK_EQ(fmq_send_pieces(l.push, pieces, 2, FMQ_SNDMORE), 0);
    spoil();
    CHECK_EQ(fmq_recv_parts(l.pull, &parts, FMQ_DONTWAIT), EAGAIN);
    make(&shapes[1], 2, pieces);
    CHECK_EQ(fmq_send_pieces(l.push, pieces, 1, 0), 0);
    expect_text(l.pull, "first");
    REQUIRE(fmq_recv_parts(l.pull, &parts, 0) == 0); /* the rest */
    REQUIRE(parts.n == 3);
    CHECK(is_body(fmq_msg_data(&parts.part[1]), 2, 64));
    CHECK(is_body(fmq_msg_data(&parts.part[2]), 2, 64));
    fmq_parts_close(&parts);
    end_line(&l);
}

TEST(wrong_arguments)
{
    line l = new_line(endpoints[0], 1);
    fmq_piece piece = {"x", 1};
    fmq_parts parts;

    CHECK_EQ(fmq_send_pieces(l.push, &piece, 0, 0), EINVAL);
    CHECK_EQ(fmq_send_pieces(l.push, NULL, 1, 0), EFAULT);
    CHECK_EQ(fmq_send_pieces(l.pull, &piece, 1, 0), ENOTSUP);
    CHECK_EQ(fmq_recv_parts(l.push, &parts, 0), ENOTSUP);
    CHECK_EQ(parts.n, 0);
    fmq_parts_close(&parts);
    CHECK_EQ(fmq_send_pieces(0, &piece, 1, 0), ENOTSOCK);
    CHECK_EQ(fmq_recv_parts(0, &parts, 0), ENOTSOCK);
    CHECK_EQ(parts.n, 0);
    CHECK_EQ(fmq_recv_parts(l.pull, &parts, FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(fmq_recv_parts_until(l.pull, &parts, 0), EAGAIN);
    CHECK_EQ(parts.n, 0);
    while (fmq_send_pieces(l.push, &piece, 1, FMQ_DONTWAIT) == 0) {
    }
    CHECK_EQ(fmq_send_pieces(l.push, &piece, 1, FMQ_TRY), FMQ_EBUSY_TRY);
    CHECK_EQ(fmq_send_pieces(l.push, &piece, 1, FMQ_DONTWAIT), EAGAIN);
    end_line(&l);
}

/* A type whose messages have one part says what it always says of others. */
TEST(types_of_one_part)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket server = new_brisk(ctx, SERVER);
    fmq_socket client = new_brisk(ctx, CLIENT);
    fmq_piece two[2] = {{"a", 1}, {"b", 1}};
    fmq_parts parts;

    join(server, client, endpoints[0]);
    CHECK_EQ(fmq_send_pieces(client, two, 2, 0), EINVAL);
    CHECK_EQ(fmq_send_pieces(client, two, 1, 0), 0);
    REQUIRE(fmq_recv_parts(server, &parts, 0) == 0);
    REQUIRE(parts.n == 1);
    CHECK(fmq_msg_routing_id(&parts.part[0]) != 0);
    fmq_parts_close(&parts);
    close_all((fmq_socket[]){client, server}, 2);
    end_ctx(ctx);
}

/* A part that was settled keeps no queue's memory. */
TEST(parts_outlive_the_socket)
{
    for (size_t e = 0; e < 3; e++) {
        line l = new_line(endpoints[e], -1);
        fmq_piece pieces[N_MOST];
        fmq_parts parts;

        make(&shapes[7], 7, pieces);
        REQUIRE(fmq_send_pieces(l.push, pieces, 3, 0) == 0);
        REQUIRE(fmq_recv_parts(l.pull, &parts, 0) == 0);
        fmq_msg_settle(&parts.part[0]);
        CHECK_EQ(fmq_msg_is_shared(&parts.part[0]), 0);
        end_line(&l);
        check_parts(&parts, &shapes[7], 7);
        fmq_parts_close(&parts);
    }
}

/* Sends a message with the k-th request for memory failing, from the first on until
 * none fails: all or nothing. */
static void
send_without_memory(const line *l, const shape *sh, uint32_t seed)
{
    fmq_piece pieces[N_MOST];
    fmq_parts parts;
    int err = ENOMEM;

    for (uint64_t k = 1; err != 0; k++) {
        make(sh, seed, pieces);
        fmq__alloc_fail_at(k, 0);
        err = fmq_send_pieces(l->push, pieces, sh->n, 0);
        fmq__alloc_fail_at(0, 0);
        CHECK(err == 0 || err == ENOMEM);
        if (err != 0) {
            CHECK_EQ(fmq_recv_parts(l->pull, &parts, FMQ_DONTWAIT), EAGAIN);
        }
    }
}

/* The same for receiving: it stays where it is. */
static void
receive_without_memory(const line *l, const shape *sh, uint32_t seed)
{
    fmq_parts parts;
    int err = ENOMEM;

    for (uint64_t k = 1; err != 0; k++) {
        fmq__alloc_fail_at(k, 0);
        err = fmq_recv_parts(l->pull, &parts, FMQ_DONTWAIT);
        fmq__alloc_fail_at(0, 0);
        CHECK(err == 0 || (err == ENOMEM && parts.n == 0));
    }
    check_parts(&parts, sh, seed);
    fmq_parts_close(&parts);
}

TEST(without_memory)
{
    line l = new_line(endpoints[0], -1);

    for (uint32_t k = 0; k < N_SHAPES; k++) {
        send_without_memory(&l, &shapes[k], k);
        receive_without_memory(&l, &shapes[k], k);
    }
    end_line(&l);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(all_shapes),
        CASE(behind_parts_that_were_sent_before),
        CASE(wrong_arguments),
        CASE(types_of_one_part),
        CASE(parts_outlive_the_socket),
        CASE(without_memory),
    };

    return CHECK_MAIN(cases);
}
