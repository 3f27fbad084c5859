/* SPDX-License-Identifier: Apache-2.0 */
/* PUB and XPUB. */
#include "pattern/publish.h"

#include "fakepipe.h"

enum { SUBSCRIBE = 6, VERBOSE = 40, NODROP = 69, MANUAL = 71, VERBOSER = 78 };

static void
open_one(fmq__pattern *p, fakepipe *f)
{
    fake_open(f, 2);
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

TEST(messages_go_to_those_who_want_them)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pub);
    fakepipe a;
    fakepipe b;

    CHECK_STR(fake_send(p, "to nobody"), "sent");
    open_one(p, &a);
    open_one(p, &b);
    fake_give(p, &a, "\1A");
    fake_give(p, &b, "\1");
    CHECK_STR(fake_send(p, "AB|body"), "sent");
    CHECK_STR(fake_send(p, "B"), "sent");
    CHECK_STR(fake_sent(&a), "AB|body");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "AB|body");
    CHECK_STR(fake_sent(&b), "B");
    fake_give(p, &b, "\1B|\1C|data");
    fake_give(p, &a, "\1B");
    fake_give(p, &a, "\1A"); /* again: it is a set */
    fake_give(p, &a, "data");
    CHECK_STR(fake_send(p, "B"), "sent");
    CHECK_STR(fake_sent(&a), "B");
    CHECK_STR(fake_sent(&b), "B");
    CHECK_STR(fake_take(p), "ENOTSUP");
    close_two(p, &a, &b);
}

TEST(who_is_full_misses_it_unless_told_otherwise)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_pub);
    fakepipe a;
    fakepipe b;

    open_one(p, &a);
    open_one(p, &b);
    b.limit = 9;
    fake_give(p, &a, "\1");
    fake_give(p, &b, "\1");
    for (int i = 0; i < 3; i++) {
        CHECK_STR(fake_send(p, "x"), "sent");
    }
    CHECK_EQ(a.n_out, 2);
    CHECK_EQ(b.n_out, 3);
    CHECK_EQ(fake_set(p, NODROP, 1), 0);
    CHECK_STR(fake_send(p, "y"), "EAGAIN");
    CHECK_EQ(p->ops->check_send(p, &(fmq__outpart){(const uint8_t *)"y", 1, NULL}),
             EAGAIN);
    CHECK_EQ(b.n_out, 3);
    CHECK_STR(fake_sent(&a), "x");
    CHECK_STR(fake_send(p, "y"), "sent");
    CHECK_EQ(b.n_out, 4);
    close_two(p, &a, &b);
}

TEST(xpub_hears_of_changes)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_xpub);
    fakepipe a;
    fakepipe b;

    open_one(p, &a);
    open_one(p, &b);
    CHECK(!p->ops->can_recv(p));
    fake_give(p, &a, "\1t");
    fake_give(p, &b, "\1t");
    fake_give(p, &b, "user|message");
    fake_give(p, &b, "\1own");
    fake_give(p, &a, "");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "\1t");
    CHECK_STR(fake_take(p), "user|message");
    CHECK_STR(fake_take(p), "\1own");
    CHECK_STR(fake_take(p), "");
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_down(p, &a.pipe);
    CHECK_STR(fake_take(p), "EAGAIN");
    fmq__pattern_detach(p, &b.pipe);
    CHECK_EQ(fake_set(p, VERBOSER, 1), 0);
    CHECK_EQ(fake_take(p)[1] == 't', true);
    CHECK_STR(fake_take_frame(p), ""); /* 00 own, as text */
    CHECK_STR(fake_take(p), "EAGAIN");
    close_two(p, &a, &b);
}

TEST(messages_of_users_wait_in_their_pipe)
{
    enum { N = 1500 };
    fmq__pattern *p = fake_pattern(&fmq__pattern_xpub);
    fakepipe a;
    fakepipe b;
    int n = 0;

    open_one(p, &a);
    open_one(p, &b);
    for (int i = 0; i < N; i++) {
        fake_give(p, &a, "flood");
    }
    CHECK_EQ(a.pipe.n_in, N - 1000);
    fake_give(p, &b, "\1t");
    while (strcmp(fake_take(p), "EAGAIN") != 0) {
        n++;
    }
    CHECK_EQ(n, N + 1);
    close_two(p, &a, &b);
}

TEST(with_manual_the_application_decides)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_xpub);
    fakepipe a;
    fakepipe b;

    CHECK_EQ(fmq__pattern_set_option(p, SUBSCRIBE, "x", 1), EINVAL);
    CHECK_EQ(fake_set(p, MANUAL, 1), 0);
    CHECK_EQ(fmq__pattern_set_option(p, SUBSCRIBE, "x", 1), 0); /* for nobody */
    open_one(p, &a);
    open_one(p, &b);
    fake_give(p, &a, "\1t");
    fake_give(p, &b, "\1t");
    CHECK_STR(fake_take(p), "\1t");
    CHECK_EQ(fmq__pattern_set_option(p, SUBSCRIBE, "a/t", 3), 0);
    CHECK_STR(fake_take(p), "\1t");
    CHECK_EQ(fmq__pattern_set_option(p, SUBSCRIBE, "b/t", 3), 0);
    CHECK_STR(fake_send(p, "t"), "sent");
    CHECK_STR(fake_send(p, "a/t"), "sent");
    CHECK_STR(fake_sent(&a), "a/t");
    CHECK_STR(fake_sent(&b), "nothing");
    fmq__pattern_detach(p, &b.pipe);
    CHECK_EQ(fmq__pattern_set_option(p, SUBSCRIBE, "y", 1), 0); /* it has gone */
    CHECK_STR(fake_send(p, "b/t"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    close_two(p, &a, &b);
}

TEST(without_memory_for_a_subscription_the_connection_ends)
{
    bool is_kept = false;

    for (uint64_t n = 1; !is_kept; n++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_xpub);
        fakepipe a;

        open_one(p, &a);
        fake_put(&a, "\1topic");
        a.pipe.n_in = a.n_late;
        a.n_late = 0;
        (void)fmq__alloc_fail_at(n, 1);
        p->ops->readable(p, &a.pipe);
        (void)fmq__alloc_fail_at(0, 0);
        is_kept = p->ops->can_recv(p);
        CHECK_STR(fake_send(p, "topic"), "sent");
        CHECK_EQ(a.n_out == 1, !a.pipe.is_closed_out);
        fmq__pattern_detach(p, &a.pipe);
        fmq__pattern_free(p);
        fake_close(&a);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_go_to_those_who_want_them),
        CASE(who_is_full_misses_it_unless_told_otherwise),
        CASE(xpub_hears_of_changes),
        CASE(messages_of_users_wait_in_their_pipe),
        CASE(with_manual_the_application_decides),
        CASE(without_memory_for_a_subscription_the_connection_ends),
    };

    return CHECK_MAIN(cases);
}
