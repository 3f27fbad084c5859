/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"
#include "pattern/numbered.h"

static const fmq__pattern_ops *const types[] = {&fmq__pattern_server,
                                                &fmq__pattern_peer};

/* Takes the next message: its text, and the number it came with. */
static uint32_t
take(fmq__pattern *p, const char *text)
{
    fmq__msg m;

    fmq__msg_init(&m);
    CHECK_STR(fake_take(p), text);
    p->ops->sign(p, &m);
    return m.routing_id;
}

static int
send_to(fmq__pattern *p, uint32_t number, const char *text)
{
    fmq__msg m;
    fmq__outpart parts[2];

    fmq__msg_init(&m);
    m.routing_id = number;
    parts[0] = p->ops->address(&m);
    parts[1] = (fmq__outpart){(const uint8_t *)text, strlen(text), NULL};
    return p->ops->send(p, parts, 2);
}

TEST(messages_bring_a_number_and_go_by_it)
{
    for (size_t i = 0; i < 2; i++) {
        fmq__pattern *p = fake_pattern(types[i]);
        fakepipe a;
        fakepipe b;
        uint32_t to_a;
        uint32_t to_b;

        fake_open(&a, 1);
        fake_open(&b, 1);
        CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
        CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
        CHECK_EQ(fmq__pattern_up(p, &a.pipe, NULL, 0), 0);
        CHECK_EQ(fmq__pattern_up(p, &b.pipe, NULL, 0), 0);
        CHECK(!p->ops->can_recv(p));
        fake_give(p, &a, "1");
        fake_give(p, &b, "2");
        CHECK(p->ops->can_recv(p));
        to_a = take(p, "1");
        to_b = take(p, "2");
        CHECK(to_a != 0);
        CHECK(to_b != 0);
        CHECK(to_a != to_b);
        CHECK_EQ(send_to(p, to_b, "to b"), 0);
        CHECK_EQ(send_to(p, to_b, "no room"), EAGAIN);
        CHECK_EQ(send_to(p, to_a, "to a"), 0);
        CHECK_EQ(send_to(p, to_a + to_b, "nobody"), EHOSTUNREACH);
        CHECK_EQ(send_to(p, 0, "nobody"), EHOSTUNREACH);
        CHECK_STR(fake_send(p, "without a number"), "EHOSTUNREACH");
        CHECK_EQ(p->ops->check_send(p, NULL), EINVAL);
        CHECK(p->ops->can_send(p));
        CHECK_STR(fake_sent(&a), "to a");
        CHECK_STR(fake_sent(&b), "to b");

        fake_give(p, &a, "last");
        fmq__pattern_down(p, &a.pipe); /* what has come is still read */
        CHECK_EQ(send_to(p, to_a, "gone"), EHOSTUNREACH);
        CHECK_EQ(take(p, "last"), to_a);
        fmq__pattern_detach(p, &a.pipe);
        fmq__pattern_detach(p, &b.pipe);
        fmq__pattern_free(p);
        fake_close(&a);
        fake_close(&b);
    }
}

TEST(messages_of_several_parts_are_dropped)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_server);
    fakepipe a;

    fake_open(&a, 1);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    fake_give(p, &a, "two|parts");
    CHECK(!p->ops->can_recv(p));
    fake_give(p, &a, "three|parts|more");
    fake_give(p, &a, "one");
    fake_give(p, &a, "|");
    fake_give(p, &a, "");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "one");
    CHECK_STR(fake_take(p), "");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_connect_keeps_its_number)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_peer);
    uint32_t number = p->ops->next_number(p);
    fakepipe a;

    fake_open(&a, 4);
    a.pipe.is_dialed = true;
    a.pipe.preset = (const uint8_t *)&number;
    a.pipe.preset_len = sizeof(number);
    CHECK(number != 0);
    CHECK(p->ops->next_number(p) != number);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(send_to(p, number, "early"), 0);
    CHECK_EQ(fmq__pattern_up(p, &a.pipe, NULL, 0), 0);
    fmq__pattern_down(p, &a.pipe);
    CHECK_EQ(send_to(p, number, "between"), 0);
    CHECK_STR(fake_sent(&a), "early");
    CHECK_STR(fake_sent(&a), "between");
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_number_is_never_0_and_never_taken)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_peer);
    fmq__routes *r = &FMQ__ITEM(p, fmq__numbered, base)->routes;
    fakepipe a;

    fake_open(&a, 1);
    r->next_id = 1;
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    r->next_id = 0;
    CHECK_EQ(p->ops->next_number(p), 2);
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_peer_that_is_dropped_is_not_heard_any_more)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_server);
    fakepipe a;
    uint32_t number;

    fake_open(&a, 1);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    fake_give(p, &a, "1");
    fake_give(p, &a, "2");
    number = take(p, "1");
    CHECK_EQ(p->ops->drop_peer(p, number + 1), EHOSTUNREACH);
    CHECK_EQ(p->ops->drop_peer(p, number), 0);
    CHECK(a.pipe.is_closed_out);
    CHECK_EQ(p->ops->drop_peer(p, number), EHOSTUNREACH);
    CHECK_EQ(send_to(p, number, "gone"), EHOSTUNREACH);
    fake_give(p, &a, "3");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(without_memory_nothing_is_attached)
{
    fakepipe a;

    fake_open(&a, 1);
    for (uint64_t n = 1; n < 10; n++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_server);
        int err;

        (void)fmq__alloc_fail_at(n, 1);
        err = fmq__pattern_attach(p, &a.pipe);
        (void)fmq__alloc_fail_at(0, 0);
        if (err == 0) {
            fmq__pattern_detach(p, &a.pipe);
            fmq__pattern_free(p);
            break;
        }
        CHECK_EQ(err, ENOMEM);
        fmq__pattern_free(p);
    }
    fake_close(&a);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_bring_a_number_and_go_by_it),
        CASE(messages_of_several_parts_are_dropped),
        CASE(a_connect_keeps_its_number),
        CASE(a_number_is_never_0_and_never_taken),
        CASE(a_peer_that_is_dropped_is_not_heard_any_more),
        CASE(without_memory_nothing_is_attached),
    };

    return CHECK_MAIN(cases);
}
