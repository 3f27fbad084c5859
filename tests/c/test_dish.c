/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

static void
open_one(fmq__pattern *p, fakepipe *f)
{
    fake_open(f, 2);
    CHECK_EQ(fmq__pattern_attach(p, &f->pipe), 0);
    CHECK_EQ(fmq__pattern_up(p, &f->pipe, NULL, 0), 0);
}

static void
close_one(fmq__pattern *p, fakepipe *f)
{
    fmq__pattern_detach(p, &f->pipe);
    fmq__pattern_free(p);
    fake_close(f);
}

/* Takes the next message, and looks at both its parts. */
static void
take(fmq__pattern *p, const char *group, const char *text)
{
    fmq__msg m;

    fmq__msg_init(&m);
    CHECK_STR(fake_take(p), text);
    p->ops->sign(p, &m);
    CHECK_STR(fmq__msg_group(&m), group);
    fmq__msg_close(&m);
}

static const char *
name_of(char *name, size_t len)
{
    memset(name, 'n', len);
    name[len] = '\0';
    return name;
}

TEST(radios_are_told)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_dish);
    fakepipe a;

    CHECK_EQ(p->ops->join(p, "early", true), 0);
    open_one(p, &a);
    CHECK_STR(fake_sent(&a), "\4JOINearly");
    CHECK_EQ(p->ops->join(p, "", true), 0);
    CHECK_EQ(p->ops->join(p, "early", false), 0);
    CHECK_STR(fake_sent(&a), "\4JOIN");
    CHECK_STR(fake_sent(&a), "\5LEAVEearly");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_send(p, "x"), "ENOTSUP");
    CHECK_EQ(p->ops->check_send(p, NULL), ENOTSUP);
    CHECK(p->ops->can_send(p));
    close_one(p, &a);
}

TEST(a_group_is_joined_once_and_left_once)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_dish);
    char name[300];

    CHECK_EQ(p->ops->join(p, "a", false), EINVAL);
    CHECK_EQ(p->ops->join(p, "ab", true), 0);
    CHECK_EQ(p->ops->join(p, "a", false), EINVAL);
    CHECK_EQ(p->ops->join(p, "a", true), 0);
    CHECK_EQ(p->ops->join(p, "a", true), EINVAL);
    CHECK_EQ(p->ops->join(p, "a", false), 0);
    CHECK_EQ(p->ops->join(p, "a", false), EINVAL);
    CHECK_EQ(p->ops->join(p, name_of(name, 255), true), 0);
    CHECK_EQ(p->ops->join(p, name_of(name, 256), true), EINVAL);
    CHECK_EQ(p->ops->join(p, name_of(name, 256), false), EINVAL);
    fmq__pattern_free(p);
}

TEST(only_what_is_for_a_group_is_taken)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_dish);
    char name[300];
    char text[310];
    fakepipe a;

    open_one(p, &a);
    CHECK_EQ(p->ops->join(p, "ab", true), 0);
    CHECK_EQ(p->ops->join(p, name_of(name, 255), true), 0);
    fake_give(p, &a, "a|1");
    fake_give(p, &a, "abc|2");
    CHECK(!p->ops->can_recv(p));
    fake_give(p, &a, "ab|3");
    fake_give(p, &a, "|4");
    (void)snprintf(text, sizeof(text), "%s|5", name);
    fake_give(p, &a, text);
    fake_give(p, &a, "ab|");
    CHECK(p->ops->can_recv(p));
    take(p, "ab", "3");
    take(p, name, "5");
    take(p, "ab", "");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK(!a.pipe.is_closed_out);
    CHECK_EQ(p->ops->join(p, "ab", false), 0);
    fake_give(p, &a, "ab|6");
    CHECK_STR(fake_take(p), "EAGAIN");
    close_one(p, &a);
}

/* libzmq, too, ends such a connection. */
TEST(what_is_no_radio_is_given_up)
{
    static const char *const wrong[] = {"ab", "ab|1|2", "", "long"};
    char name[300];
    char text[310];

    (void)snprintf(text, sizeof(text), "%s|x", name_of(name, 256));
    for (size_t i = 0; i < 4; i++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_dish);
        fakepipe a;

        open_one(p, &a);
        CHECK_EQ(p->ops->join(p, "ab", true), 0);
        CHECK_EQ(p->ops->join(p, "", true), 0);
        fake_give(p, &a, "ab|good");
        fake_give(p, &a, i < 3 ? wrong[i] : text);
        take(p, "ab", "good");
        CHECK(!a.pipe.is_closed_out);
        CHECK(!p->ops->can_recv(p));
        CHECK(a.pipe.is_closed_out);
        fmq__pattern_detach(p, &a.pipe);
        fmq__pattern_free(p);
        fake_close(&a);
    }
}

TEST(without_memory_for_its_name_the_message_stays)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_dish);
    fakepipe a;

    open_one(p, &a);
    CHECK_EQ(p->ops->join(p, "longer than what fits", true), 0);
    fake_give(p, &a, "longer than what fits|1");
    (void)fmq__alloc_fail_at(1, 1);
    CHECK_STR(fake_take(p), "ENOMEM");
    (void)fmq__alloc_fail_at(0, 0);
    take(p, "longer than what fits", "1");
    close_one(p, &a);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(radios_are_told),
        CASE(a_group_is_joined_once_and_left_once),
        CASE(only_what_is_for_a_group_is_taken),
        CASE(what_is_no_radio_is_given_up),
        CASE(without_memory_for_its_name_the_message_stays),
    };

    return CHECK_MAIN(cases);
}
