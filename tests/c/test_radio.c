/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"
#include "pattern/fan.h"

enum { NODROP = 69 };

static void
open_one(fmq__pattern *p, fakepipe *f, unsigned limit)
{
    fake_open(f, limit);
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

/* A command has come. */
static void
command(fmq__pattern *p, fakepipe *f, const char *text)
{
    CHECK_EQ(fmq__fq_append(&f->in_w, FMQ__COMMAND, text, strlen(text)), 0);
    f->pipe.n_in++;
    p->ops->readable(p, &f->pipe);
}

TEST(messages_go_to_those_who_joined)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_radio);
    fakepipe a;
    fakepipe b;

    open_one(p, &a, 9);
    open_one(p, &b, 9);
    CHECK_STR(fake_send(p, "ab|nobody"), "sent");
    command(p, &a, "\4JOINab");
    command(p, &a, "\4JOINab"); /* twice is once */
    command(p, &b, "\4JOINa");
    command(p, &b, "\4JOIN");
    CHECK_STR(fake_send(p, "ab|1"), "sent");
    CHECK_STR(fake_send(p, "a|2"), "sent");
    CHECK_STR(fake_send(p, "abc|3"), "sent");
    CHECK_STR(fake_send(p, "to no group"), "sent");
    CHECK_STR(fake_sent(&a), "ab|1");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "a|2");
    CHECK_STR(fake_sent(&b), "|to no group");
    CHECK_STR(fake_sent(&b), "nothing");
    command(p, &a, "\5LEAVEab");
    command(p, &a, "\5LEAVEunknown");
    CHECK_STR(fake_send(p, "ab|4"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_take(p), "ENOTSUP");
    CHECK(!p->ops->can_recv(p));
    CHECK(p->ops->can_send(p));
    CHECK_EQ(p->ops->check_send(p, NULL), EINVAL);
    close_two(p, &a, &b);
}

TEST(only_commands_join)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_radio);
    fakepipe a;
    fakepipe b;

    fake_open(&b, 9);
    CHECK_EQ(fmq__fq_append(&b.in_w, FMQ__COMMAND, "\4JOINg", 6), 0);
    b.n_late = 1; /* it was there before it was attached */
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    open_one(p, &a, 9);
    fake_give(p, &a, "\4JOINg");
    fake_give(p, &a, "\1g");
    fake_give(p, &a, "many|parts");
    command(p, &a, "\4PINGg");
    command(p, &a, "");
    CHECK_EQ(a.pipe.n_in, 0);
    CHECK_STR(fake_send(p, "g|x"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "g|x");
    close_two(p, &a, &b);
}

TEST(who_is_full_misses_it_or_holds_all)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_radio);
    fakepipe a;
    fakepipe b;

    open_one(p, &a, 1);
    open_one(p, &b, 9);
    command(p, &a, "\4JOINg");
    command(p, &b, "\4JOINg");
    command(p, &b, "\4JOINh");
    CHECK_STR(fake_send(p, "g|1"), "sent");
    CHECK_STR(fake_send(p, "g|2"), "sent");
    CHECK_STR(fake_sent(&b), "g|1");
    CHECK_STR(fake_sent(&b), "g|2");
    CHECK_EQ(fake_set(p, NODROP, -1), EINVAL);
    CHECK_EQ(fake_set(p, 71, 1), EINVAL);
    CHECK_EQ(fake_set(p, NODROP, 1), 0);
    CHECK_STR(fake_send(p, "g|3"), "EAGAIN");
    CHECK_STR(fake_sent(&b), "nothing");
    CHECK_STR(fake_send(p, "h|4"), "sent");
    CHECK_STR(fake_sent(&b), "h|4");
    CHECK_STR(fake_sent(&a), "g|1");
    CHECK_STR(fake_send(p, "g|3"), "sent");
    CHECK_STR(fake_sent(&a), "g|3");
    CHECK_STR(fake_sent(&b), "g|3");
    close_two(p, &a, &b);
}

TEST(a_lost_connection_has_joined_nothing)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_radio);
    fakepipe a;
    fakepipe b;

    fake_open(&b, 9);
    b.pipe.is_dialed = true;
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    CHECK_EQ(fmq__pattern_up(p, &b.pipe, NULL, 0), 0);
    open_one(p, &a, 9);
    command(p, &a, "\4JOINg");
    command(p, &b, "\4JOINg");
    fmq__pattern_down(p, &a.pipe);
    fmq__pattern_down(p, &b.pipe);
    CHECK_STR(fake_send(p, "g|waits"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "g|waits"); /* a connect's comes back */
    close_two(p, &a, &b);
}

TEST(to_many_it_is_shared)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_radio);
    enum { MANY = FMQ__FAN_WIDE + 1 };
    fakepipe f[MANY];
    fmq__msg m;
    fmq__outpart parts[2] = {{(const uint8_t *)"g", 1, NULL}};

    for (size_t i = 0; i < MANY; i++) {
        fake_open(&f[i], 9);
        f[i].pipe.is_remote = true;
        CHECK_EQ(fmq__pattern_attach(p, &f[i].pipe), 0);
        command(p, &f[i], "\4JOINg");
    }
    for (size_t i = 0; i < MANY; i++) {
        CHECK_EQ(f[i].out_w.form.inline_max, FMQ__FQ_SHARE_MIN);
    }
    REQUIRE(fmq__msg_init_size(&m, 10000) == 0);
    parts[1] = (fmq__outpart){m.u.ref.data, 10000, m.u.ref.body};
    CHECK_EQ(p->ops->send(p, parts, 2), 0);
    CHECK(!fmq__body_is_sole(m.u.ref.body));
    for (size_t i = 0; i < MANY; i++) {
        CHECK_EQ(f[i].n_out, 1);
        fmq__pattern_detach(p, &f[i].pipe);
        fake_close(&f[i]);
    }
    CHECK(fmq__body_is_sole(m.u.ref.body));
    fmq__msg_close(&m);
    fmq__pattern_free(p);
}

TEST(without_memory_who_asked_is_let_go)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_radio);
    fakepipe a;
    fakepipe b;

    fake_open(&b, 9);
    (void)fmq__alloc_fail_at(1, 1);
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), ENOMEM);
    (void)fmq__alloc_fail_at(0, 0);
    open_one(p, &a, 9);
    (void)fmq__alloc_fail_at(1, 1);
    command(p, &a, "\4JOINg");
    (void)fmq__alloc_fail_at(0, 0);
    CHECK(a.pipe.is_closed_out);
    CHECK_STR(fake_send(p, "g|x"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_EQ(fmq__pattern_attach(p, &b.pipe), 0);
    close_two(p, &a, &b);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_go_to_those_who_joined),
        CASE(only_commands_join),
        CASE(who_is_full_misses_it_or_holds_all),
        CASE(a_lost_connection_has_joined_nothing),
        CASE(to_many_it_is_shared),
        CASE(without_memory_who_asked_is_let_go),
    };

    return CHECK_MAIN(cases);
}
