/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

enum { MANDATORY = 33, PROBE_ROUTER = 51, HANDOVER = 56, NOTIFY = 97 };

static int
up(fmq__pattern *p, fakepipe *f, const char *id)
{
    return fmq__pattern_up(p, &f->pipe, (const uint8_t *)id, strlen(id));
}

static fmq__pattern *
open_two(fakepipe *a, fakepipe *b)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_router);

    fake_open(a, 2);
    fake_open(b, 2);
    CHECK_EQ(fmq__pattern_attach(p, &a->pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b->pipe), 0);
    return p;
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

TEST(the_first_frame_is_the_address)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);

    CHECK_EQ(up(p, &a, "a"), 0);
    CHECK_EQ(up(p, &b, "b"), 0);
    CHECK_STR(fake_send(p, "b|to b"), "sent");
    CHECK_STR(fake_send(p, "a||to a|x"), "sent");
    CHECK_STR(fake_send(p, "c|to nobody"), "sent");
    CHECK_STR(fake_send(p, "a"), "sent");
    CHECK_STR(fake_sent(&a), "|to a|x");
    CHECK_STR(fake_sent(&b), "to b");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "nothing");
    fake_give(p, &a, "|from a");
    fake_give(p, &b, "from b");
    CHECK_STR(fake_take(p), "a||from a");
    CHECK_STR(fake_take(p), "b|from b");
    CHECK_STR(fake_take(p), "EAGAIN");
    close_two(p, &a, &b);
}

TEST(what_cannot_be_sent_is_dropped_or_said)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);
    const fmq__outpart to_a = {(const uint8_t *)"a", 1, NULL};
    const fmq__outpart to_c = {(const uint8_t *)"c", 1, NULL};

    CHECK_EQ(up(p, &a, "a"), 0);
    CHECK(p->ops->can_send(p));
    CHECK_STR(fake_send(p, "a|1"), "sent");
    CHECK_STR(fake_send(p, "a|2"), "sent");
    CHECK_STR(fake_send(p, "a|3"), "sent"); /* full: dropped */
    CHECK_EQ(p->ops->check_send(p, &to_c), 0);
    CHECK_EQ(fake_set(p, MANDATORY, 1), 0);
    CHECK_STR(fake_send(p, "a|4"), "EAGAIN");
    CHECK_EQ(p->ops->check_send(p, &to_a), EAGAIN);
    CHECK_STR(fake_send(p, "c|4"), "EHOSTUNREACH");
    CHECK_EQ(p->ops->check_send(p, &to_c), EHOSTUNREACH);
    CHECK(!p->ops->can_send(p));
    CHECK_STR(fake_sent(&a), "1");
    CHECK_STR(fake_sent(&a), "2");
    CHECK_STR(fake_sent(&a), "nothing");
    p->ops->writable(p, &a.pipe);
    CHECK(p->ops->can_send(p));
    CHECK_STR(fake_send(p, "a|5"), "sent");
    fmq__pattern_down(p, &a.pipe);
    CHECK_STR(fake_send(p, "a|6"), "EHOSTUNREACH");
    CHECK_STR(fake_sent(&a), "5");
    close_two(p, &a, &b);
}

TEST(a_peer_without_an_id_gets_one)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);
    fmq__frame f;
    fmq__pipe *from;
    uint8_t id[5];
    fmq__outpart parts[2] = {{id, sizeof(id), NULL}, {(const uint8_t *)"x", 1, NULL}};

    CHECK_EQ(up(p, &a, ""), 0);
    CHECK_EQ(up(p, &b, ""), 0);
    fake_give(p, &a, "m");
    REQUIRE(fmq__pattern_recv(p, &f, &from) == 0);
    CHECK_EQ(f.len, sizeof(id));
    CHECK_EQ(f.data[0], 0);
    CHECK(f.flags & FMQ__MORE);
    memcpy(id, f.data, sizeof(id));
    CHECK_STR(fake_take(p), "m");
    CHECK_EQ(p->ops->send(p, parts, 2), 0);
    CHECK_STR(fake_sent(&a), "x");
    CHECK_STR(fake_sent(&b), "nothing");
    close_two(p, &a, &b);
}

TEST(a_second_peer_of_a_name_has_no_say)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);

    CHECK_EQ(up(p, &a, "twin"), 0);
    CHECK_EQ(up(p, &b, "twin"), 0);
    fake_give(p, &b, "unheard");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_STR(fake_send(p, "twin|x"), "sent");
    CHECK_STR(fake_sent(&a), "x");
    fmq__pattern_down(p, &b.pipe);
    CHECK_EQ(b.pipe.n_in, 0); /* else its pipe would never go */
    fmq__pattern_down(p, &a.pipe);
    CHECK_EQ(up(p, &b, "twin"), 0);
    CHECK_STR(fake_send(p, "twin|y"), "sent");
    CHECK_STR(fake_sent(&b), "y");
    close_two(p, &a, &b);
}

TEST(with_handover_it_takes_over)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);
    fmq__frame f;
    fmq__pipe *from;

    CHECK_EQ(fake_set(p, HANDOVER, 1), 0);
    CHECK_EQ(up(p, &a, "twin"), 0);
    fake_give(p, &a, "old|message");
    fake_give(p, &a, "older");
    CHECK_STR(fake_take_frame(p), "twin|");
    CHECK_EQ(up(p, &b, "twin"), 0);
    CHECK(a.pipe.is_closed_out);
    CHECK_STR(fake_take(p), "old|message"); /* is not torn */
    REQUIRE(fmq__pattern_recv(p, &f, &from) == 0);
    CHECK_EQ(f.len, 5);
    CHECK_STR(fake_take(p), "older");
    CHECK_STR(fake_send(p, "twin|x"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "x");
    close_two(p, &a, &b);
}

TEST(a_name_given_here_counts_whatever_the_peer_says)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_router);
    fakepipe a;

    fake_open(&a, 5);
    a.pipe.is_dialed = true;
    a.pipe.preset = (const uint8_t *)"given";
    a.pipe.preset_len = 5;
    CHECK(p->ops->can_name(p, (const uint8_t *)"given", 5));
    CHECK_EQ(fmq__pattern_attach(p, &a.pipe), 0);
    CHECK(!p->ops->can_name(p, (const uint8_t *)"given", 5));
    CHECK_STR(fake_send(p, "given|before it is connected"), "sent");
    CHECK_EQ(up(p, &a, "announced"), 0);
    fmq__pattern_down(p, &a.pipe);
    CHECK_STR(fake_send(p, "given|while it is away"), "sent");
    CHECK_EQ(up(p, &a, "another"), 0);
    fake_give(p, &a, "x");
    CHECK_STR(fake_take(p), "given|x");
    CHECK_STR(fake_sent(&a), "before it is connected");
    CHECK_STR(fake_sent(&a), "while it is away");
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
}

TEST(a_message_begun_is_read_to_its_end_with_its_address)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);

    CHECK_EQ(up(p, &a, "a"), 0);
    fake_give(p, &a, "1|2");
    CHECK(p->ops->can_recv(p));
    REQUIRE(fmq__pattern_begin(p, &(fmq__pipe *){NULL}) == 0);
    CHECK_EQ(fmq__pattern_count_parts(p), 3);
    fmq__pattern_detach(p, &a.pipe);
    CHECK_EQ(fmq__pattern_count_parts(p), 3);
    CHECK_STR(fake_take(p), "a|1|2");
    CHECK_STR(fake_take(p), "EAGAIN");
    close_two(p, &a, &b);
}

TEST(options_have_their_bounds)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_router);
    int n = 0;
    size_t len = sizeof(n);

    CHECK_EQ(fake_set(p, MANDATORY, -1), EINVAL);
    CHECK_EQ(fake_set(p, HANDOVER, -1), EINVAL);
    CHECK_EQ(fake_set(p, PROBE_ROUTER, -1), EINVAL);
    CHECK_EQ(fake_set(p, NOTIFY, -1), EINVAL);
    CHECK_EQ(fake_set(p, NOTIFY, 4), EINVAL);
    CHECK_EQ(fake_set(p, NOTIFY, 3), 0);
    CHECK_EQ(fmq__pattern_get_option(p, NOTIFY, &n, &len), 0);
    CHECK_EQ(n, 3);
    CHECK_EQ(fmq__pattern_get_option(p, MANDATORY, &n, &len), EINVAL);
    CHECK_EQ(fmq__pattern_set_option(p, MANDATORY, "x", 1), EINVAL);
    fmq__pattern_free(p);
}

/* Who has an id keeps it; the others are heard in turn, when it is free. */
TEST(a_taken_id_is_waited_for)
{
    fakepipe a;
    fakepipe b;
    fakepipe c;
    fmq__pattern *p = open_two(&a, &b);

    fake_open(&c, 2);
    CHECK_EQ(fmq__pattern_attach(p, &c.pipe), 0);
    CHECK_EQ(up(p, &a, "x"), 0);
    CHECK_EQ(up(p, &b, "x"), 0);
    CHECK_EQ(up(p, &c, "x"), 0);
    fake_give(p, &b, "from b");
    fake_give(p, &c, "from c");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_STR(fake_send(p, "x|1"), "sent");
    CHECK_STR(fake_sent(&a), "1");
    fmq__pattern_down(p, &a.pipe);
    CHECK_STR(fake_take(p), "x|from b");
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_STR(fake_send(p, "x|2"), "sent");
    CHECK_STR(fake_sent(&b), "2");
    CHECK_STR(fake_sent(&c), "nothing");
    fmq__pattern_detach(p, &b.pipe);
    CHECK_STR(fake_take(p), "x|from c");
    CHECK_STR(fake_send(p, "x|3"), "sent");
    CHECK_STR(fake_sent(&c), "3");
    fake_close(&b);
    fmq__pattern_detach(p, &a.pipe);
    fmq__pattern_detach(p, &c.pipe);
    fmq__pattern_free(p);
    fake_close(&a);
    fake_close(&c);
}

TEST(who_waits_for_an_id_may_go)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_two(&a, &b);

    CHECK_EQ(up(p, &a, "x"), 0);
    CHECK_EQ(up(p, &b, "x"), 0);
    fake_give(p, &b, "never read");
    fmq__pattern_down(p, &b.pipe);
    fmq__pattern_down(p, &a.pipe);
    CHECK_STR(fake_take(p), "EAGAIN");
    CHECK_EQ(fake_set(p, MANDATORY, 1), 0);
    CHECK_STR(fake_send(p, "x|1"), "EHOSTUNREACH");
    CHECK_EQ(up(p, &b, "y"), 0); /* under another one it is heard */
    fake_give(p, &b, "now");
    CHECK_STR(fake_take(p), "y|now");
    close_two(p, &a, &b);
}

TEST(without_memory_a_pipe_is_not_taken)
{
    bool is_up = false;

    for (uint64_t n = 1; !is_up; n++) {
        fmq__pattern *p = fake_pattern(&fmq__pattern_router);
        fakepipe a;
        int err = ENOMEM;

        fake_open(&a, 2);
        CHECK_EQ(fake_set(p, PROBE_ROUTER, 1), 0);
        (void)fmq__alloc_fail_at(n, 0);
        if (fmq__pattern_attach(p, &a.pipe) == 0) {
            err = up(p, &a, "a");
        }
        (void)fmq__alloc_fail_at(0, 0);
        is_up = err == 0;
        if (!is_up) {
            CHECK_EQ(err, ENOMEM);
            CHECK_STR(fake_send(p, "a|x"), "sent");
            CHECK_STR(fake_take(p), "EAGAIN");
        }
        fmq__pattern_detach(p, &a.pipe);
        fmq__pattern_free(p);
        fake_close(&a);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(the_first_frame_is_the_address),
        CASE(what_cannot_be_sent_is_dropped_or_said),
        CASE(a_peer_without_an_id_gets_one),
        CASE(a_second_peer_of_a_name_has_no_say),
        CASE(with_handover_it_takes_over),
        CASE(a_name_given_here_counts_whatever_the_peer_says),
        CASE(a_message_begun_is_read_to_its_end_with_its_address),
        CASE(options_have_their_bounds),
        CASE(a_taken_id_is_waited_for),
        CASE(who_waits_for_an_id_may_go),
        CASE(without_memory_a_pipe_is_not_taken),
    };

    return CHECK_MAIN(cases);
}
