/* SPDX-License-Identifier: Apache-2.0 */
/* SUB and XSUB. */
#include "pattern/subscribe.h"

#include "fakepipe.h"

enum { SUBSCRIBE = 6, UNSUBSCRIBE = 7, INVERT = 74, ONLY_FIRST = 108, TELL_ALL = 115 };

static void
open_one(fmq__pattern *p, fakepipe *f, bool takes_commands)
{
    fake_open(f, 2);
    f->pipe.takes_commands = takes_commands;
    CHECK_EQ(fmq__pattern_attach(p, &f->pipe), 0);
    CHECK_EQ(fmq__pattern_up(p, &f->pipe, NULL, 0), 0);
}

static void
close_two(fmq__pattern *p, fakepipe *a, fakepipe *b)
{
    fmq__pattern_detach(p, &a->pipe);
    fmq__pattern_detach(p, &b->pipe);
    fmq__pattern_free(p);
    fake_close(a);
    fake_close(b);
}

static int
set(fmq__pattern *p, int option, const char *topic)
{
    return fmq__pattern_set_option(p, option, topic, strlen(topic));
}

TEST(publishers_are_told)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_sub);
    fakepipe a;
    fakepipe b;

    CHECK_EQ(set(p, SUBSCRIBE, "early"), 0);
    CHECK_EQ(set(p, SUBSCRIBE, ""), 0);
    open_one(p, &a, false);
    open_one(p, &b, true);
    CHECK_STR(fake_sent(&a), "\1");
    CHECK_STR(fake_sent(&a), "\1early");
    CHECK_STR(fake_sent(&b), "\11SUBSCRIBE");
    CHECK_STR(fake_sent(&b), "\11SUBSCRIBEearly");
    CHECK_EQ(set(p, SUBSCRIBE, "x"), 0);
    CHECK_EQ(set(p, SUBSCRIBE, "x"), 0);
    CHECK_EQ(set(p, UNSUBSCRIBE, "x"), 0);
    CHECK_EQ(set(p, UNSUBSCRIBE, "unknown"), 0);
    CHECK_EQ(set(p, UNSUBSCRIBE, "x"), 0);
    CHECK_STR(fake_sent(&b), "\11SUBSCRIBEx");
    CHECK_STR(fake_sent(&b), "\11SUBSCRIBEx");
    CHECK_STR(fake_sent(&b), "\6CANCELx");
    CHECK_STR(fake_sent(&b), "nothing");
    CHECK_EQ(a.n_out, 3); /* whatever its mark says */
    CHECK_STR(fake_send(p, "x"), "ENOTSUP");
    close_two(p, &a, &b);
}

TEST(only_a_pipe_with_a_connection_is_told_and_each_connection_anew)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_sub);
    fakepipe a;

    fake_open(&a, 9);
    a.pipe.is_dialed = true;
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(set(p, SUBSCRIBE, "t"), 0);
    CHECK_STR(fake_sent(&a), "nothing");
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fmq__pattern_up(p, &a.pipe, NULL, 0), 0);
        CHECK_STR(fake_sent(&a), "\1t");
        fmq__pattern_down(p, &a.pipe);
    }
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(what_is_not_wanted_is_skipped)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_sub);
    fakepipe a;
    fakepipe b;

    open_one(p, &a, true);
    open_one(p, &b, true);
    fake_give(p, &a, "too early");
    CHECK(!p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_EQ(set(p, SUBSCRIBE, "A"), 0);
    fake_give(p, &a, "B|A");
    fake_give(p, &a, "A1|body");
    fake_give(p, &b, "A2");
    fake_give(p, &a, "");
    fake_give(p, &a, "A3");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "A1|body");
    CHECK_STR(fake_take(p), "A2");
    CHECK_STR(fake_take(p), "A3");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_EQ(fake_set(p, INVERT, 1), 0);
    fake_give(p, &a, "A4");
    fake_give(p, &a, "B5");
    CHECK_STR(fake_take(p), "B5");
    CHECK_STR(fake_take(p), "EAGAIN");
    close_two(p, &a, &b);
}

TEST(xsub_subscribes_by_sending)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_xsub);
    fakepipe a;
    fakepipe b;

    CHECK_STR(fake_send(p, "\1A"), "sent");
    open_one(p, &a, false);
    open_one(p, &b, false);
    CHECK_STR(fake_sent(&a), "\1A");
    CHECK_STR(fake_sent(&b), "\1A");
    a.limit = 9;
    CHECK_STR(fake_send(p, "user|message"), "sent");
    CHECK_STR(fake_sent(&a), "user|message");
    CHECK_STR(fake_sent(&b), "user|message");
    CHECK_STR(fake_send(p, "\1B|data|\1C"), "sent");
    CHECK_STR(fake_sent(&a), "\1B");
    CHECK_STR(fake_sent(&a), "\1C");
    CHECK_STR(fake_sent(&a), "data");
    CHECK_EQ(fake_set(p, ONLY_FIRST, 1), 0);
    CHECK_STR(fake_send(p, "data|\1D"), "sent");
    CHECK_STR(fake_sent(&a), "data|\1D");
    CHECK_STR(fake_send(p, "\1E|\1F|data|\1G"), "sent");
    CHECK_STR(fake_sent(&a), "\1E");
    CHECK_STR(fake_sent(&a), "\1F");
    CHECK_STR(fake_sent(&a), "data|\1G");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_EQ(fake_set(p, TELL_ALL, 1), 0);
    CHECK_EQ(fake_set(p, SUBSCRIBE, 1), EINVAL);
    fake_give(p, &a, "whatever");
    CHECK_STR(fake_take(p), "whatever");
    close_two(p, &a, &b);
}

TEST(long_topics_go_by_reference)
{
    static uint8_t topic[2 * FMQ__FQ_INLINE_MAX];
    fmq__pattern *p = fake_pattern(&fmq__pattern_sub);
    fakepipe a;
    fakepipe b;
    fmq__frame f;

    memset(topic, 't', sizeof(topic));
    open_one(p, &a, false);
    open_one(p, &b, true);
    for (size_t len = FMQ__FQ_INLINE_MAX - 12; len < FMQ__FQ_INLINE_MAX + 3; len++) {
        CHECK_EQ(fmq__pattern_set_option(p, SUBSCRIBE, topic, len), 0);
        fmq__fq_pop(&a.out_r, &f);
        CHECK_EQ(f.len, len + 1);
        CHECK_EQ(f.data[0], 1);
        CHECK_MEM(f.data + 1, topic, len);
        fmq__pipe_drop(&a.pipe, &f);
        fmq__fq_pop(&b.out_r, &f);
        CHECK_EQ(f.len, len + 10);
        CHECK_EQ(f.flags, FMQ__COMMAND);
        CHECK_MEM(f.data + 10, topic, len);
        fmq__pipe_drop(&b.pipe, &f);
    }
    close_two(p, &a, &b);
}

/* Behind what a user of XSUB has sent and the queue keeps. */
TEST(topics_behind_what_is_kept)
{
    static uint8_t want[300] = {1, 't'};
    static uint8_t bytes[4] = {'k'};
    fmq__pattern *p = fake_pattern(&fmq__pattern_xsub);
    fmq__outpart part = {bytes, sizeof(bytes), NULL};
    const fmq__outpart topic = {want, sizeof(want), NULL};
    fakepipe a;
    fakepipe b;
    fmq__frame f;

    REQUIRE(fmq__body_new_lent(bytes, NULL, NULL, &part.body) == 0);
    fmq__body_keep(part.body);
    open_one(p, &a, false);
    open_one(p, &b, true);
    CHECK_EQ(p->ops->send(p, &part, 1), 0);
    CHECK_EQ(p->ops->send(p, &topic, 1), 0);
    fmq__fq_pop(&a.out_r, &f);
    CHECK(f.is_ref && f.len == sizeof(bytes));
    fmq__pipe_drop(&a.pipe, &f);
    fmq__fq_pop(&a.out_r, &f);
    CHECK_EQ(f.len, sizeof(want));
    fmq__pipe_drop(&a.pipe, &f);
    close_two(p, &a, &b);
    CHECK(fmq__body_is_sole(part.body));
    fmq__body_drop(part.body);
}

TEST(without_memory_nothing_is_subscribed)
{
    uint64_t n_failed = 0;
    int err = ENOMEM;

    for (uint64_t n = 1; err != 0; n++) {
        static uint8_t topic[5000];
        fmq__pattern *p = fake_pattern(&fmq__pattern_sub);
        fakepipe a;
        fakepipe b;

        open_one(p, &a, true);
        open_one(p, &b, true);
        (void)fmq__alloc_fail_at(n, 0);
        err = fmq__pattern_set_option(p, SUBSCRIBE, topic, sizeof(topic));
        (void)fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            CHECK_EQ(FMQ__ITEM(p, fmq__subscriber, base)->topics.n, 0);
            n_failed++;
        }
        close_two(p, &a, &b);
    }
    CHECK(n_failed > 3);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(publishers_are_told),
        CASE(only_a_pipe_with_a_connection_is_told_and_each_connection_anew),
        CASE(what_is_not_wanted_is_skipped),
        CASE(xsub_subscribes_by_sending),
        CASE(long_topics_go_by_reference),
        CASE(topics_behind_what_is_kept),
        CASE(without_memory_nothing_is_subscribed),
    };

    return CHECK_MAIN(cases);
}
