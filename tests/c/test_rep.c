/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

static fmq__pattern *
open_rep(fakepipe *a, fakepipe *b, unsigned limit)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_rep);

    fake_open(a, limit);
    fake_open(b, limit);
    CHECK_EQ(fmq__pattern_attach(p, &a->pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b->pipe), 0);
    return p;
}

static void
close_rep(fmq__pattern *p, fakepipe *a, fakepipe *b)
{
    fmq__pattern_free(p);
    fake_close(a);
    fake_close(b);
}

TEST(request_and_reply_take_turns)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    CHECK_STR(fake_send(p, "early"), "EFSM");
    CHECK_EQ(p->ops->check_send(p, NULL), FMQ_EFSM);
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &a, "|hello");
    CHECK(p->ops->can_recv(p) && !p->ops->can_send(p));
    CHECK_STR(fake_take(p), "hello");
    CHECK(!p->ops->can_recv(p) && p->ops->can_send(p));
    fake_give(p, &a, "|again");
    CHECK(!p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "EFSM");
    CHECK_EQ(p->ops->check_send(p, NULL), 0);
    CHECK_STR(fake_send(p, "wor|ld"), "sent");
    CHECK_STR(fake_send(p, "twice"), "EFSM");
    CHECK_STR(fake_sent(&a), "|wor|ld");
    CHECK_STR(fake_take(p), "again");
    CHECK_STR(fake_send(p, ""), "sent");
    CHECK_STR(fake_sent(&a), "|");
    CHECK_STR(fake_sent(&b), "nothing");
    CHECK_EQ(fake_set(p, 52, 1), EINVAL);
    close_rep(p, &a, &b);
}

TEST(all_of_a_request_is_taken_before_the_reply)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    fake_give(p, &a, "|1|2|3");
    CHECK_STR(fake_take_frame(p), "1|");
    CHECK_STR(fake_send(p, "x"), "EFSM");
    CHECK(p->ops->can_recv(p) && !p->ops->can_send(p));
    CHECK_STR(fake_take_frame(p), "2|");
    CHECK_STR(fake_send(p, "x"), "EFSM");
    CHECK_STR(fake_take_frame(p), "3");
    CHECK_STR(fake_send(p, "x"), "sent");
    CHECK_STR(fake_sent(&a), "|x");
    close_rep(p, &a, &b);
}

TEST(askers_have_their_turns_and_get_their_own_replies)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    for (int i = 0; i < 3; i++) {
        fake_give(p, &a, "a||from a");
        fake_give(p, &b, "|from b");
    }
    for (int i = 0; i < 3; i++) {
        CHECK_STR(fake_take(p), "from a");
        CHECK_STR(fake_send(p, "to a"), "sent");
        CHECK_STR(fake_sent(&a), "a||to a");
        CHECK_STR(fake_sent(&b), "nothing");
        CHECK_STR(fake_take(p), "from b");
        CHECK_STR(fake_send(p, "to b"), "sent");
        CHECK_STR(fake_sent(&b), "|to b");
        CHECK_STR(fake_sent(&a), "nothing");
    }
    CHECK_STR(fake_take(p), "EAGAIN");
    close_rep(p, &a, &b);
}

TEST(envelopes_of_every_shape_come_back_as_they_were)
{
    static const struct {
        const char *request;
        const char *body;
        const char *reply; /* to "r|2" */
    } rows[] = {
        {"|x", "x", "|r|2"},
        {"||", "|", "|r|2"}, /* the body may be empty, too */
        {"||x", "|x", "|r|2"},
        {"one||x", "x", "one||r|2"},
        {"one|two|three||x|y", "x|y", "one|two|three||r|2"},
        {"one|||", "|", "one||r|2"},
    };
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_give(p, &b, rows[i].request);
        CHECK_STR(fake_take(p), rows[i].body);
        CHECK_STR(fake_send(p, "r|2"), "sent");
        CHECK_STR(fake_sent(&b), rows[i].reply);
    }
    close_rep(p, &a, &b);
}

TEST(what_has_no_delimiter_or_no_body_is_skipped)
{
    static const char *const rows[] = {"", "x", "x|y", "x|", "x|y|z|", "x|y|z"};
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_give(p, &a, rows[i]);
    }
    CHECK(!p->ops->can_recv(p)); /* so a poll does not promise them */
    CHECK_EQ(a.pipe.n_in, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_give(p, &a, rows[i]);
        fake_give(p, &a, "|good");
        CHECK_STR(fake_take(p), "good");
        CHECK_STR(fake_send(p, "r"), "sent");
        CHECK_STR(fake_sent(&a), "|r");
    }
    CHECK_STR(fake_take(p), "EAGAIN");
    close_rep(p, &a, &b);
}

TEST(a_poll_begins_a_request_without_losing_it)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    fake_give(p, &a, "id||x");
    for (int i = 0; i < 3; i++) {
        CHECK(p->ops->can_recv(p));
        CHECK_STR(fake_send(p, "r"), "EFSM");
    }
    fake_give(p, &b, "|y");
    CHECK_STR(fake_take(p), "x");
    CHECK_STR(fake_send(p, "r"), "sent");
    CHECK_STR(fake_sent(&a), "id||r");
    CHECK_STR(fake_take(p), "y");
    CHECK_STR(fake_send(p, "r"), "sent");
    CHECK_STR(fake_sent(&b), "|r");
    close_rep(p, &a, &b);
}

TEST(a_reply_to_one_that_is_gone_or_full_is_dropped)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 1);

    fake_give(p, &a, "|1");
    fake_give(p, &a, "|2");
    CHECK_STR(fake_take(p), "1");
    CHECK_STR(fake_send(p, "r1"), "sent");
    CHECK_STR(fake_take(p), "2");
    CHECK_STR(fake_send(p, "r2"), "sent"); /* full: dropped */
    CHECK_STR(fake_sent(&a), "|r1");
    CHECK_STR(fake_sent(&a), "nothing");
    fake_give(p, &a, "|3");
    CHECK_STR(fake_take(p), "3");
    a.pipe.is_closed_out = true;
    CHECK_STR(fake_send(p, "r3"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    fake_give(p, &b, "|4");
    CHECK_STR(fake_take(p), "4");
    fmq__pattern_detach(p, &b.pipe);
    CHECK(p->ops->can_send(p));
    CHECK_STR(fake_send(p, "r4"), "sent");
    CHECK_STR(fake_sent(&a), "nothing");
    CHECK_STR(fake_sent(&b), "nothing");
    CHECK_STR(fake_take(p), "EAGAIN");
    close_rep(p, &a, &b);
}

TEST(an_asker_may_go_at_any_moment)
{
    for (int moment = 0; moment < 4; moment++) {
        fakepipe a;
        fakepipe b;
        fmq__pattern *p = open_rep(&a, &b, 9);

        fake_give(p, &a, "id||1|2|3");
        fake_give(p, &b, "|b");
        if (moment == 1) {
            CHECK(p->ops->can_recv(p)); /* the envelope is off */
        } else if (moment == 2) {
            CHECK_STR(fake_take_frame(p), "1|");
        } else if (moment == 3) {
            CHECK_STR(fake_take(p), "1|2|3");
        }
        fmq__pattern_detach(p, &a.pipe);
        if (moment == 1) {
            CHECK(p->ops->can_recv(p)); /* poll has promised it */
            CHECK_STR(fake_take(p), "1|2|3");
        } else if (moment == 2) {
            CHECK_STR(fake_take(p), "2|3");
        }
        if (moment != 0) {
            CHECK_STR(fake_send(p, "r"), "sent");
        }
        CHECK_STR(fake_take(p), "b");
        CHECK_STR(fake_send(p, "r"), "sent");
        CHECK_STR(fake_sent(&b), "|r");
        CHECK_STR(fake_sent(&a), "nothing");
        close_rep(p, &a, &b);
    }
}

/* One request whose envelope is `n` frames of `len` bytes. */
static void
give_envelope(fmq__pattern *p, fakepipe *f, size_t n, size_t len)
{
    static uint8_t bytes[FMQ__FQ_INLINE_MAX];

    memset(bytes, 'e', sizeof(bytes));
    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(fmq__fq_append(&f->in_w, FMQ__MORE, bytes, len), 0);
    }
    CHECK_EQ(fmq__fq_append(&f->in_w, FMQ__MORE, NULL, 0), 0);
    CHECK_EQ(fmq__fq_append(&f->in_w, 0, "body", 4), 0);
    f->pipe.n_in++;
    p->ops->readable(p, &f->pipe);
}

/* Whether the next message out has that envelope, and "r" behind it. */
static bool
has_envelope(fakepipe *f, size_t n, size_t len)
{
    bool is_good = f->n_out == 1;
    fmq__frame frame;

    f->n_out = 0;
    for (size_t i = 0; i < n; i++) {
        fmq__fq_pop(&f->out_r, &frame);
        is_good = is_good && frame.len == len && frame.flags == FMQ__MORE &&
                  frame.data[0] == 'e' && frame.data[len - 1] == 'e';
        fmq__pipe_drop(&f->pipe, &frame);
    }
    fmq__fq_pop(&f->out_r, &frame);
    is_good = is_good && frame.len == 0 && frame.flags == FMQ__MORE;
    fmq__fq_pop(&f->out_r, &frame);
    return is_good && frame.len == 1 && frame.flags == 0 && frame.data[0] == 'r' &&
           fmq__fq_is_at(&f->out_r, f->out_w.end);
}

TEST(long_envelopes_come_back_up_to_a_limit)
{
    static const struct {
        size_t n;
        size_t len;
        bool is_kept;
    } rows[] = {{2, 200, true},   {1, 254, true},   {1, 256, true},
                {1, 250, true},   {100, 255, true}, {1, 4096, true},
                {15, 4096, true}, {1, 1, true},     {16, 4096, false}};
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        give_envelope(p, &a, rows[i].n, rows[i].len);
        if (!rows[i].is_kept) {
            CHECK_STR(fake_take(p), "EAGAIN");
            continue;
        }
        CHECK_STR(fake_take(p), "body");
        CHECK_STR(fake_send(p, "r"), "sent");
        CHECK(has_envelope(&a, rows[i].n, rows[i].len));
    }
    close_rep(p, &a, &b);
}

/* The answer before is one that the queue keeps: the frames of an envelope behind it
 * are long for its chunk, or short. */
TEST(an_envelope_behind_what_is_kept)
{
    static uint8_t bytes[4];
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);
    fmq__outpart part = {bytes, sizeof(bytes), NULL};
    fmq__frame f;

    REQUIRE(fmq__body_new_lent(bytes, NULL, NULL, &part.body) == 0);
    fmq__body_keep(part.body);
    for (size_t len = 200; len <= 400; len += 200) {
        give_envelope(p, &a, 3, len);
        CHECK_STR(fake_take(p), "body");
        CHECK_EQ(p->ops->send(p, &part, 1), 0);
        for (int i = 0; i < 5; i++) {
            fmq__fq_pop(&a.out_r, &f);
            CHECK_EQ(f.len, i < 3 ? len : i == 3 ? 0 : sizeof(bytes));
            CHECK(i < 4 || f.body == part.body);
            fmq__pipe_drop(&a.pipe, &f);
        }
        a.n_out = 0;
        give_envelope(p, &a, 3, len);
        CHECK_STR(fake_take(p), "body");
        CHECK_STR(fake_send(p, "r"), "sent");
        CHECK(has_envelope(&a, 3, len));
    }
    CHECK(fmq__body_is_sole(part.body));
    close_rep(p, &a, &b);
    fmq__body_drop(part.body);
}

/* Between short ones, in their place, and given back when the answer has gone. */
TEST(long_frames_of_an_envelope_come_back)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);
    fmq__frame f;
    fmq__body *body;
    uint8_t *data;

    REQUIRE(fmq__body_new(5000, &body, &data) == 0);
    memset(data, 'b', 5000);
    CHECK_EQ(fmq__fq_append(&a.in_w, FMQ__MORE, "id", 2), 0);
    for (int i = 0; i < 2; i++) {
        fmq__body_hold(body);
        CHECK_EQ(fmq__fq_append_ref(&a.in_w, FMQ__MORE, body, data, 5000), 0);
    }
    CHECK_EQ(fmq__fq_append(&a.in_w, FMQ__MORE, "x", 1), 0);
    CHECK_EQ(fmq__fq_append(&a.in_w, FMQ__MORE, "", 0), 0);
    CHECK_EQ(fmq__fq_append(&a.in_w, 0, "q", 1), 0);
    a.pipe.n_in++;
    p->ops->readable(p, &a.pipe);
    CHECK_STR(fake_take(p), "q");
    CHECK_STR(fake_send(p, "r"), "sent");
    for (int i = 0; i < 6; i++) {
        static const size_t lens[] = {2, 5000, 5000, 1, 0, 1};

        fmq__fq_pop(&a.out_r, &f);
        CHECK_EQ(f.len, lens[i]);
        CHECK_EQ(f.flags, i == 5 ? 0 : FMQ__MORE);
        CHECK_EQ(f.is_ref, f.len == 5000);
        if (f.is_ref) {
            CHECK(f.data == data);
            fmq__body_drop(f.body);
        }
    }
    CHECK(fmq__fq_is_at(&a.out_r, a.out_w.end));
    fake_give(p, &a, "|good");
    CHECK_STR(fake_take(p), "good");
    CHECK(fmq__body_is_sole(body));
    fmq__body_drop(body);
    close_rep(p, &a, &b);
}

/* So is one that is the end of a message, which then has no delimiter. */
TEST(too_many_long_frames_are_given_back)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);
    fmq__body *body;
    uint8_t *data;

    REQUIRE(fmq__body_new(5000, &body, &data) == 0);
    for (int i = 0; i < 65; i++) {
        fmq__body_hold(body);
        CHECK_EQ(fmq__fq_append_ref(&a.in_w, FMQ__MORE, body, data, 5000), 0);
    }
    CHECK_EQ(fmq__fq_append(&a.in_w, FMQ__MORE, "", 0), 0);
    CHECK_EQ(fmq__fq_append(&a.in_w, 0, "x", 1), 0);
    a.pipe.n_in++;
    CHECK_EQ(fmq__fq_append(&a.in_w, FMQ__MORE, "id", 2), 0);
    fmq__body_hold(body);
    CHECK_EQ(fmq__fq_append_ref(&a.in_w, 0, body, data, 5000), 0);
    a.pipe.n_in++;
    fake_give(p, &a, "|good");
    p->ops->readable(p, &a.pipe);
    CHECK_STR(fake_take(p), "good");
    CHECK(fmq__body_is_sole(body));
    fmq__body_drop(body);
    close_rep(p, &a, &b);
}

TEST(a_reply_that_finds_no_memory_may_be_tried_again)
{
    uint64_t n_failed = 0;
    bool has_failed = true;

    for (uint64_t n = 1; has_failed; n++) {
        fakepipe a;
        fakepipe b;
        fmq__pattern *p = open_rep(&a, &b, 9);
        const char *reply;

        give_envelope(p, &a, 3, 3000);
        CHECK_STR(fake_take(p), "body");
        (void)fmq__alloc_fail_at(n, 0);
        reply = fake_send(p, "r");
        has_failed = strcmp(reply, "ENOMEM") == 0;
        (void)fmq__alloc_fail_at(0, 0);
        if (has_failed) {
            n_failed++;
            CHECK_STR(fake_sent(&a), "nothing");
            CHECK_STR(fake_take(p), "EFSM");
            CHECK_STR(fake_send(p, "r"), "sent");
        } else {
            CHECK_STR(reply, "sent");
        }
        CHECK(has_envelope(&a, 3, 3000));
        close_rep(p, &a, &b);
    }
    CHECK(n_failed != 0);
}

TEST(usual_requests_need_no_memory)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_rep(&a, &b, 9);

    fake_give(p, &a, "first|second|third||x");
    (void)fmq__alloc_fail_at(1, 1);
    CHECK_STR(fake_take(p), "x");
    CHECK_STR(fake_send(p, "r"), "sent");
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 0);
    CHECK_STR(fake_sent(&a), "first|second|third||r");
    close_rep(p, &a, &b);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(request_and_reply_take_turns),
        CASE(all_of_a_request_is_taken_before_the_reply),
        CASE(askers_have_their_turns_and_get_their_own_replies),
        CASE(envelopes_of_every_shape_come_back_as_they_were),
        CASE(what_has_no_delimiter_or_no_body_is_skipped),
        CASE(a_poll_begins_a_request_without_losing_it),
        CASE(a_reply_to_one_that_is_gone_or_full_is_dropped),
        CASE(an_asker_may_go_at_any_moment),
        CASE(long_envelopes_come_back_up_to_a_limit),
        CASE(an_envelope_behind_what_is_kept),
        CASE(long_frames_of_an_envelope_come_back),
        CASE(too_many_long_frames_are_given_back),
        CASE(a_reply_that_finds_no_memory_may_be_tried_again),
        CASE(usual_requests_need_no_memory),
    };

    return CHECK_MAIN(cases);
}
