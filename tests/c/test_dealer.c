/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

enum { PROBE_ROUTER = 51 };

TEST(messages_go_and_come_in_turn)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_dealer);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 2);
    fake_open(&b, 2);
    CHECK_STR(fake_send(p, "nobody"), "EAGAIN");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK(!p->ops->can_send(p));
    CHECK_EQ(p->ops->check_send(p, NULL), EAGAIN);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    CHECK_EQ(p->ops->check_send(p, NULL), 0);
    CHECK_STR(fake_send(p, "1|x"), "sent");
    CHECK_STR(fake_send(p, "2"), "sent");
    CHECK_STR(fake_send(p, "3"), "sent");
    CHECK_STR(fake_send(p, "4"), "sent");
    CHECK_STR(fake_send(p, "5"), "EAGAIN");
    CHECK_STR(fake_sent(&a), "1|x");
    CHECK_STR(fake_sent(&a), "3");
    CHECK_STR(fake_sent(&b), "2");
    p->ops->writable(p, &a.pipe);
    CHECK(p->ops->can_send(p));
    fake_give(p, &a, "a1");
    fake_give(p, &a, "a2|more");
    fake_give(p, &b, "b1");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "a1");
    CHECK_STR(fake_take(p), "b1");
    CHECK_STR(fake_take(p), "a2|more");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_detach(p, &a.pipe);
    CHECK_STR(fake_sent(&b), "4");
    p->ops->writable(p, &b.pipe);
    CHECK_STR(fake_send(p, "6"), "sent");
    CHECK_STR(fake_sent(&b), "6");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

TEST(a_probe_is_the_first_message_of_a_pipe)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_dealer);
    fakepipe a;

    fake_open(&a, 5);
    CHECK_EQ(fake_set(p, PROBE_ROUTER, -1), EINVAL);
    CHECK_EQ(fake_set(p, PROBE_ROUTER, 1), 0);
    CHECK_EQ(fake_set(p, 33, 1), EINVAL);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_STR(fake_send(p, "first"), "sent");
    CHECK_STR(fake_sent(&a), "");
    CHECK_STR(fake_sent(&a), "first");
    fmq__pattern_free(p);
    fake_close(&a);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_go_and_come_in_turn),
        CASE(a_probe_is_the_first_message_of_a_pipe),
    };

    return CHECK_MAIN(cases);
}
