/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a caller offers for a long body, and bodies that are known again. */
#include "raw_peer.h"

#include "frames.h"

enum { LEN = 50000 };

/* Memory that is lent, and how often it was given back. */
typedef struct loan {
    uint8_t bytes[LEN];
    atomic_int n_back;
} loan;

static void
give_back(void *data, void *hint)
{
    loan *l = hint;

    CHECK(data == l->bytes);
    atomic_fetch_add(&l->n_back, 1);
}

static void
give_elsewhere(void *data, void *hint)
{
    (void)data;
    (void)hint;
}

static void
offer(loan *l)
{
    fmq_offer(l->bytes, LEN, give_back, l);
}

/* Waits until it has been given back. */
static void
await_back(loan *l)
{
    while (atomic_load(&l->n_back) == 0) {
        sched_yield();
    }
    CHECK_EQ(atomic_load(&l->n_back), 1);
}

static void
send_body(fmq_socket s, size_t len, uint32_t seed)
{
    fmq_msg m;

    REQUIRE(fmq_msg_init_size(&m, len) == 0);
    fill_body(fmq_msg_data(&m), seed, len);
    CHECK_EQ(fmq_msg_send(s, &m, 0), 0);
    fmq_msg_close(&m);
}

/* Receives one part, which must be the body that belongs to `seed`. */
static void
recv_body(fmq_socket s, size_t len, uint32_t seed, fmq_msg *m)
{
    fmq_msg_init(m);
    REQUIRE(fmq_msg_recv(s, m, 0) == 0);
    CHECK_EQ(fmq_msg_size(m), len);
    CHECK(is_body(fmq_msg_data(m), seed, len));
}

/* --- bodies that are known again --- */

TEST(a_loan_is_known_by_its_function)
{
    static loan l;
    fmq_msg a;
    fmq_msg b;

    CHECK_EQ(fmq_msg_init_data(&a, l.bytes, LEN, give_back, &l), 0);
    CHECK(fmq_msg_lent(&a, give_back) == &l);
    CHECK(fmq_msg_lent(&a, give_elsewhere) == NULL);
    fmq_msg_init(&b);
    CHECK_EQ(fmq_msg_copy(&b, &a), 0);
    CHECK_EQ(fmq_msg_reclaim(&a, give_back), 0); /* b has it, too */
    CHECK_EQ(fmq_msg_size(&a), LEN);
    fmq_msg_close(&a);
    CHECK_EQ(fmq_msg_reclaim(&b, give_elsewhere), 0);
    CHECK_EQ(fmq_msg_reclaim(&b, give_back), 1);
    CHECK_EQ(fmq_msg_size(&b), 0);
    fmq_msg_close(&b);
    CHECK_EQ(atomic_load(&l.n_back), 0);
}

TEST(what_is_not_lent_is_not_reclaimed)
{
    fmq_msg m;

    fmq_msg_init(&m);
    CHECK(fmq_msg_lent(&m, give_back) == NULL);
    CHECK_EQ(fmq_msg_reclaim(&m, give_back), 0);
    CHECK_EQ(fmq_msg_init_size(&m, LEN), 0);
    CHECK(fmq_msg_lent(&m, give_back) == NULL);
    CHECK_EQ(fmq_msg_reclaim(&m, give_back), 0);
    CHECK_EQ(fmq_msg_size(&m), LEN);
    fmq_msg_close(&m);
}

/* --- offers --- */

TEST(a_body_is_read_into_what_is_offered)
{
    static loan l;
    fmq_ctx ctx = new_ctx();
    fmq_socket push = new_brisk(ctx, PUSH);
    fmq_socket pull = new_brisk(ctx, PULL);
    fmq_msg m;

    join(pull, push, "tcp://127.0.0.1:*");
    offer(&l);
    send_body(push, LEN, 1);
    recv_body(pull, LEN, 1, &m);
    /* The I/O thread may have been there first: it has no offer. */
    if (fmq_offer_end() == 0) {
        CHECK(fmq_msg_data(&m) == l.bytes);
        CHECK(fmq_msg_lent(&m, give_back) == &l);
        fmq_msg_close(&m);
        CHECK_EQ(atomic_load(&l.n_back), 1);
    } else {
        fmq_msg_close(&m);
        CHECK_EQ(atomic_load(&l.n_back), 0);
    }
    close_all((fmq_socket[]){push, pull}, 2);
    end_ctx(ctx);
}

TEST(only_its_own_size_takes_an_offer)
{
    static loan l;
    fmq_ctx ctx = new_ctx();
    fmq_socket push = new_brisk(ctx, PUSH);
    fmq_socket pull = new_brisk(ctx, PULL);
    static const size_t other[] = {1, 4096, 4097, LEN - 1, LEN + 1};
    fmq_msg m;

    join(pull, push, "tcp://127.0.0.1:*");
    offer(&l);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        send_body(push, other[i], 2);
        recv_body(pull, other[i], 2, &m);
        CHECK(fmq_msg_lent(&m, give_back) == NULL);
        fmq_msg_close(&m);
    }
    CHECK_EQ(fmq_offer_end(), 1);
    CHECK_EQ(fmq_offer_end(), 0); /* there is none any more */
    close_all((fmq_socket[]){push, pull}, 2);
    end_ctx(ctx);
    CHECK_EQ(atomic_load(&l.n_back), 0);
}

/* A body that was begun in an offer, and whose end never comes. */
TEST(half_a_body_is_given_back)
{
    static loan l;
    static uint8_t wire[LEN + FMQ__FRAME_LONG_HEADER];
    fmq_ctx ctx = new_ctx();
    char endpoint[TEXT_ROOM];
    fmq_socket s = new_brisk(ctx, PULL);
    fmq_msg m = {0};
    size_t len;
    int fd;

    REQUIRE(fmq_bind(s, "tcp://127.0.0.1:*") == 0);
    fd = raw_dial(last_endpoint(s, endpoint));
    raw_greet(fd, "PUSH");
    len = put_frame(wire, 0, l.bytes, LEN);
    raw_send(fd, wire, len / 2);
    offer(&l);
    CHECK_EQ(fmq_msg_recv_until(s, &m, fmq_now_ns() + 50000000), EAGAIN);
    if (fmq_offer_end() == 0) {
        CHECK_EQ(atomic_load(&l.n_back), 0);
        close(fd);
        await_back(&l);
    } else {
        close(fd);
    }
    CHECK_EQ(fmq_socket_close(s), 0);
    end_ctx(ctx);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_loan_is_known_by_its_function),
        CASE(what_is_not_lent_is_not_reclaimed),
        CASE(a_body_is_read_into_what_is_offered),
        CASE(only_its_own_size_takes_an_offer),
        CASE(half_a_body_is_given_back),
    };

    return CHECK_MAIN(cases);
}
