/* SPDX-License-Identifier: Apache-2.0 */
/* Also what holds for every pattern that reads: a message that is being taken is read
 * to its end, whatever becomes of its pipe. */
#include "fakepipe.h"

static int n_returned;

static void
count_return(void *data, void *hint)
{
    (void)data;
    (void)hint;
    n_returned++;
}

TEST(messages_come_from_all_in_turn)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 1);
    fake_open(&b, 1);
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_put(&b, "b0"); /* there before it is attached */
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "b0");
    CHECK(!p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &a, "a1|and|more");
    fake_give(p, &a, "a2");
    fake_give(p, &b, "");
    CHECK_STR(fake_take(p), "a1|and|more");
    CHECK_STR(fake_take(p), "");
    CHECK_STR(fake_take(p), "a2");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

TEST(a_message_is_read_to_its_end_before_the_next)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 1);
    fake_open(&b, 1);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    fake_give(p, &a, "a|b|c");
    CHECK_STR(fake_take_frame(p), "a|");
    fake_give(p, &b, "x|y");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take_frame(p), "b|");
    CHECK_STR(fake_take_frame(p), "c");
    CHECK_STR(fake_take_frame(p), "x|");
    CHECK_STR(fake_take_frame(p), "y");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

TEST(it_sends_nothing)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
    fakepipe a;

    fake_open(&a, 1);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_STR(fake_send(p, "x"), "ENOTSUP");
    CHECK_EQ(p->ops->check_send(p, NULL), ENOTSUP);
    CHECK(!p->ops->can_send(p));
    CHECK_STR(fake_sent(&a), "nothing");
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_peer_that_goes_takes_along_what_was_not_begun)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
    fakepipe a;
    fakepipe b;

    fake_open(&a, 1);
    fake_open(&b, 1);
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    fake_give(p, &a, "a");
    fake_give(p, &b, "b");
    fmq__pattern_detach(p, &a.pipe);
    CHECK(!a.pipe.is_attached);
    CHECK_STR(fake_take(p), "b");
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &a, "late");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&b);
}

TEST(a_message_outlives_its_peer_once_it_was_begun)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
    fakepipe b;

    fake_open(&b, 1);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    for (int i = 0; i < 3; i++) {
        fakepipe a;

        fake_open(&a, 1);
        CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
        fake_give(p, &a, "1|2||4");
        CHECK_STR(fake_take_frame(p), "1|");
        fake_give(p, &a, "not begun");
        fmq__pattern_detach(p, &a.pipe);
        fake_close(&a);
        CHECK(p->ops->can_recv(p));
        fake_give(p, &b, "x");
        CHECK_STR(fake_take_frame(p), "2|");
        CHECK_STR(fake_take_frame(p), "|");
        fmq__pattern_detach(p, &a.pipe); /* again */
        CHECK_STR(fake_take_frame(p), "4");
        CHECK_STR(fake_take(p), "x");
        CHECK_STR(fake_take(p), "EAGAIN");
    }
    fmq__pattern_free(p);
    fake_close(&b);
}

/* A message of a small, a lent and a small frame. */
static void
give_lent(fmq__pattern *p, fakepipe *f)
{
    static uint8_t bytes[5000];
    fmq__body *body;

    REQUIRE(fmq__body_new_lent(bytes, count_return, NULL, &body) == 0);
    CHECK_EQ(fmq__fq_append(&f->in_w, FMQ__MORE, "1", 1), 0);
    CHECK_EQ(fmq__fq_append_ref(&f->in_w, FMQ__MORE, body, bytes, sizeof(bytes)), 0);
    CHECK_EQ(fmq__fq_append(&f->in_w, 0, "3", 1), 0);
    f->pipe.n_in++;
    p->ops->readable(p, &f->pipe);
}

TEST(what_is_left_of_a_message_carries_bodies_and_properties)
{
    for (int is_read = 0; is_read < 2; is_read++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
        fmq__body *list = NULL;
        fmq__props *props = NULL;
        fmq__pipe *from = NULL;
        fmq__frame f;
        fakepipe a;

        n_returned = 0;
        fake_open(&a, 1);
        a.in_r.dropped = &list;
        REQUIRE(fmq__props_new(&props) == 0);
        a.pipe.props = props;
        CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
        give_lent(p, &a);
        CHECK_STR(fake_take_frame(p), "1|");
        fmq__pattern_detach(p, &a.pipe);
        fake_close(&a);
        fmq__props_drop(props);
        CHECK_EQ(n_returned, 0);
        if (is_read) {
            CHECK_EQ(fmq__pattern_recv(p, &f, &from), 0);
            CHECK(f.is_ref && f.len == 5000 && f.flags == FMQ__MORE);
            CHECK(from->props == props);
            fmq__pipe_drop(from, &f);
            CHECK_EQ(n_returned, 0); /* not here: a lock may be held */
            fmq__body_flush(&list);
            CHECK_EQ(n_returned, 1);
            CHECK_STR(fake_take(p), "3");
            CHECK_STR(fake_take(p), "EAGAIN");
        }
        fmq__pattern_free(p);
        CHECK_EQ(n_returned, 1);
    }
}

/* Then it is torn: that is all that can be done, and nothing leaks. */
TEST(without_memory_the_rest_of_a_message_is_lost)
{
    uint64_t n;
    bool has_failed = true;

    for (n = 1; has_failed; n++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_pull);
        fmq__body *list = NULL;
        fakepipe a;
        fakepipe b;

        n_returned = 0;
        fake_open(&a, 1);
        fake_open(&b, 1);
        a.in_r.dropped = &list;
        CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
        CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
        give_lent(p, &a);
        CHECK_STR(fake_take_frame(p), "1|");
        (void)fmq__alloc_fail_at(n, 1);
        fmq__pattern_detach(p, &a.pipe);
        has_failed = fmq__alloc_fail_at(0, 0) >= n;
        fake_close(&a);
        fake_give(p, &b, "x");
        if (has_failed) {
            CHECK_STR(fake_take(p), "x");
            CHECK_STR(fake_take(p), "EAGAIN");
            fmq__body_flush(&list);
            CHECK_EQ(n_returned, 1);
        }
        fmq__pattern_free(p);
        CHECK_EQ(n_returned, 1);
        fake_close(&b);
    }
    CHECK(n >= 4);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_come_from_all_in_turn),
        CASE(a_message_is_read_to_its_end_before_the_next),
        CASE(it_sends_nothing),
        CASE(a_peer_that_goes_takes_along_what_was_not_begun),
        CASE(a_message_outlives_its_peer_once_it_was_begun),
        CASE(what_is_left_of_a_message_carries_bodies_and_properties),
        CASE(without_memory_the_rest_of_a_message_is_lost),
    };

    return CHECK_MAIN(cases);
}
