/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

TEST(both_ways_with_one_peer)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pair);
    fakepipe a;

    fake_open(&a, 2);
    CHECK_STR(fake_send(p, "x"), "EAGAIN");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK(!p->ops->can_send(p) && !p->ops->can_recv(p));
    CHECK_EQ(p->ops->check_send(p, NULL), EAGAIN);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK(p->ops->can_send(p) && !p->ops->can_recv(p));
    CHECK_EQ(p->ops->check_send(p, NULL), 0);
    CHECK_STR(fake_send(p, "1||3"), "sent");
    CHECK_STR(fake_send(p, "2"), "sent");
    CHECK_STR(fake_send(p, "3"), "EAGAIN");
    CHECK_STR(fake_sent(&a), "1||3");
    CHECK_STR(fake_send(p, "3"), "sent");
    fake_give(p, &a, "in|1");
    fake_give(p, &a, "in|2");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "in|1");
    CHECK_STR(fake_take_frame(p), "in|");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take_frame(p), "2");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_EQ(fake_set(p, 53, 1), EINVAL);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_second_peer_is_refused_until_the_first_has_gone)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pair);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 9);
    fake_open(&b, 9);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), EBUSY);
    CHECK(!b.pipe.is_attached);
    fake_give(p, &b, "b");
    fmq__pattern_detach(p, &b.pipe); /* of one that was refused: nothing */
    CHECK_STR(fake_send(p, "x"), "sent");
    CHECK_STR(fake_sent(&a), "x");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_detach(p, &a.pipe);
    CHECK_STR(fake_send(p, "x"), "EAGAIN");
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    CHECK_STR(fake_take(p), "b");
    CHECK_STR(fake_send(p, "y"), "sent");
    CHECK_STR(fake_sent(&b), "y");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

TEST(a_message_is_not_mixed_with_the_next_peers)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pair);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 9);
    fake_open(&b, 9);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    fake_give(p, &a, "a1|a2");
    CHECK_STR(fake_take_frame(p), "a1|");
    fmq__pattern_detach(p, &a.pipe);
    fake_close(&a);
    CHECK(p->ops->can_recv(p) && !p->ops->can_send(p));
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    fake_give(p, &b, "b");
    CHECK_STR(fake_take_frame(p), "a2");
    CHECK_STR(fake_take_frame(p), "b");
    fmq__pattern_free(p);
    fake_close(&b);
}

TEST(every_type_is_found_by_its_number)
{
    static const struct {
        int type;
        const char *name;
    } rows[] = {{0, "PAIR"}, {3, "REQ"}, {4, "REP"}, {7, "PULL"}, {8, "PUSH"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const fmq__pattern_ops *ops = fmq__pattern_find(rows[i].type);

        if (CHECK(ops != NULL)) {
            CHECK_STR(ops->name, rows[i].name);
            CHECK_EQ(ops->type, rows[i].type);
        }
    }
    CHECK(fmq__pattern_find(-1) == NULL);
    CHECK(fmq__pattern_find(64) == NULL);
    CHECK(fmq__pattern_find(INT32_MAX) == NULL);
}

/* Who may talk with whom says so in both tables. */
TEST(peer_types_are_mutual)
{
    for (int a = 0; a < 32; a++) {
        for (int b = 0; b < 32; b++) {
            const fmq__pattern_ops *x = fmq__pattern_find(a);
            const fmq__pattern_ops *y = fmq__pattern_find(b);

            if (x != NULL && y != NULL) {
                CHECK_EQ(x->peer_types >> b & 1, y->peer_types >> a & 1);
            }
        }
    }
}

TEST(without_memory_there_is_no_pattern)
{
    fmq__pattern *p = NULL;

    for (int type = 0; type < 32; type++) {
        const fmq__pattern_ops *ops = fmq__pattern_find(type);

        if (ops != NULL) {
            (void)fmq__alloc_fail_at(1, 0);
            CHECK_EQ(fmq__pattern_new(ops, &p), ENOMEM);
            (void)fmq__alloc_fail_at(0, 0);
            CHECK(p == NULL);
        }
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(both_ways_with_one_peer),
        CASE(a_second_peer_is_refused_until_the_first_has_gone),
        CASE(a_message_is_not_mixed_with_the_next_peers),
        CASE(every_type_is_found_by_its_number),
        CASE(peer_types_are_mutual),
        CASE(without_memory_there_is_no_pattern),
    };

    return CHECK_MAIN(cases);
}
