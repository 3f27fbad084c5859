/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

static int n_returned;

static void
count_return(void *data, void *hint)
{
    (void)data;
    (void)hint;
    n_returned++;
}

TEST(messages_go_round_and_stop_at_the_marks)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_push);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 2);
    fake_open(&b, 1);
    CHECK(!p->ops->can_send(p));
    CHECK_EQ(p->ops->check_send(p, NULL), EAGAIN);
    CHECK_STR(fake_send(p, "0"), "EAGAIN");
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    CHECK(p->ops->can_send(p));
    CHECK_EQ(p->ops->check_send(p, NULL), 0);
    CHECK_STR(fake_send(p, "1"), "sent");
    CHECK_STR(fake_send(p, "2|two"), "sent");
    CHECK_STR(fake_send(p, "3||"), "sent");
    CHECK(!p->ops->can_send(p));
    CHECK_STR(fake_send(p, "4"), "EAGAIN");
    CHECK_STR(fake_sent(&a), "1");
    CHECK_STR(fake_sent(&a), "3||");
    CHECK_STR(fake_sent(&b), "2|two");
    CHECK_STR(fake_send(p, "4"), "EAGAIN"); /* there is room, but nobody said so */
    p->ops->writable(p, &b.pipe);
    CHECK_STR(fake_send(p, "4"), "sent");
    CHECK_STR(fake_sent(&b), "4");
    CHECK_STR(fake_sent(&a), "nothing");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

TEST(it_receives_nothing_and_keeps_nothing)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_push);
    fakepipe a;

    fake_open(&a, 2);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_STR(fake_take(p), "ENOTSUP");
    CHECK(!p->ops->can_recv(p));
    fake_put(&a, "both");
    fake_give(p, &a, "what|for");
    fake_give(p, &a, "again");
    CHECK_EQ(a.pipe.n_in, 0);
    CHECK_EQ(a.n_popped, 3);
    CHECK_STR(fake_take(p), "ENOTSUP");
    CHECK_EQ(fake_set(p, 52, 1), EINVAL);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(what_a_peer_lends_is_put_aside)
{
    static uint8_t bytes[5000];
    fmq__pattern *p = fake_pattern(&fmq__pattern_push);
    fmq__body *list = NULL;
    fmq__body *body;
    fakepipe a;

    n_returned = 0;
    fake_open(&a, 2);
    a.in_r.dropped = &list;
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    REQUIRE(fmq__body_new_lent(bytes, count_return, NULL, &body) == 0);
    CHECK_EQ(fmq__fq_append_ref(&a.in_w, 0, body, bytes, sizeof(bytes)), 0);
    a.pipe.n_in = 1;
    p->ops->readable(p, &a.pipe);
    CHECK_EQ(n_returned, 0);
    fmq__body_flush(&list);
    CHECK_EQ(n_returned, 1);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_peer_that_goes_gets_nothing_more)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_push);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 9);
    fake_open(&b, 9);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    CHECK_STR(fake_send(p, "1"), "sent");
    fmq__pattern_detach(p, &b.pipe);
    fmq__pattern_detach(p, &b.pipe);
    CHECK_STR(fake_send(p, "2"), "sent");
    CHECK_STR(fake_sent(&a), "1");
    CHECK_STR(fake_sent(&a), "2");
    fmq__pattern_detach(p, &a.pipe);
    CHECK_STR(fake_send(p, "3"), "EAGAIN");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "nothing");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

/* Large enough for every kind of append to ask for memory somewhere. */
static size_t
make_parts(fmq__outpart *parts, fmq__body **body)
{
    static uint8_t small[4096];
    uint8_t *data;

    REQUIRE(fmq__body_new(5000, body, &data) == 0);
    memset(data, 7, 5000);
    parts[0] = (fmq__outpart){small, 10, NULL};
    parts[1] = (fmq__outpart){data, 5000, *body};
    parts[2] = (fmq__outpart){small, 4096, NULL};
    parts[3] = (fmq__outpart){data, 4999, *body};
    parts[4] = (fmq__outpart){small, 4000, NULL};
    parts[5] = (fmq__outpart){small, 4096, NULL};
    return 6;
}

TEST(without_memory_nothing_has_happened)
{
    uint64_t n_failed = 0;
    int err = ENOMEM;

    for (uint64_t n = 1; err != 0; n++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_push);
        fmq__outpart parts[6];
        fmq__body *body;
        size_t n_parts = make_parts(parts, &body);
        fakepipe a;
        fakepipe b;

        fake_open(&a, 9);
        fake_open(&b, 9);
        CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
        CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
        (void)fmq__alloc_fail_at(n, 0);
        err = p->ops->send(p, parts, n_parts);
        (void)fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            CHECK_EQ(a.n_out, 0);
            CHECK(fmq__fq_is_at(&a.out_r, a.out_w.end));
            CHECK(fmq__body_is_sole(body));
            CHECK_STR(fake_send(p, "next"), "sent");
            CHECK_STR(fake_sent(&a), "next"); /* it was not a turn */
            n_failed++;
        }
        CHECK_STR(fake_sent(&b), "nothing");
        fmq__pattern_free(p);
        fake_close(&a);
        fake_close(&b);
        CHECK(fmq__body_is_sole(body));
        fmq__body_drop(body);
    }
    CHECK(n_failed >= 2);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_go_round_and_stop_at_the_marks),
        CASE(it_receives_nothing_and_keeps_nothing),
        CASE(what_a_peer_lends_is_put_aside),
        CASE(a_peer_that_goes_gets_nothing_more),
        CASE(without_memory_nothing_has_happened),
    };

    return CHECK_MAIN(cases);
}
