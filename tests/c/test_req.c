/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"

enum { OPT_CORRELATE = 52, OPT_RELAXED = 53, ID_LEN = 4 };

static fmq__pattern *
open_req(fakepipe *a, fakepipe *b, unsigned limit)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_req);

    fake_open(a, limit);
    fake_open(b, limit);
    CHECK_EQ(fmq__pattern_attach(p, &a->pipe), 0);
    CHECK_EQ(fmq__pattern_attach(p, &b->pipe), 0);
    return p;
}

static void
close_req(fmq__pattern *p, fakepipe *a, fakepipe *b)
{
    fmq__pattern_free(p);
    fake_close(a);
    fake_close(b);
}

/* The id that the last request of `f` began with; the rest must be `rest`. */
static uint32_t
sent_id(fakepipe *f, const char *rest)
{
    uint32_t id = 0;
    fmq__frame frame;
    size_t at = 0;

    if (!CHECK_EQ(f->n_out, 1)) {
        return 0;
    }
    f->n_out = 0;
    fmq__fq_pop(&f->out_r, &frame);
    CHECK(frame.len == ID_LEN && frame.flags == FMQ__MORE);
    memcpy(&id, frame.data, sizeof(id));
    do {
        fmq__fq_pop(&f->out_r, &frame);
    } while (fake_add(&at, &frame));
    CHECK_STR(fake_text(), rest);
    return id;
}

static void
give_id(fmq__pattern *p, fakepipe *f, uint32_t id, const char *rest)
{
    CHECK_EQ(fmq__fq_append(&f->in_w, FMQ__MORE, &id, sizeof(id)), 0);
    fake_give(p, f, rest);
}

TEST(request_and_reply_take_turns)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 9);

    CHECK_STR(fake_take(p), "EFSM");
    CHECK(!p->ops->can_recv(p) && p->ops->can_send(p));
    CHECK_STR(fake_send(p, "hello|you"), "sent");
    CHECK(!p->ops->can_recv(p) && !p->ops->can_send(p));
    CHECK_STR(fake_send(p, "twice"), "EFSM");
    CHECK_EQ(p->ops->check_send(p, NULL), FMQ_EFSM);
    CHECK_STR(fake_sent(&a), "|hello|you");
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &a, "|world|1");
    CHECK(p->ops->can_recv(p) && !p->ops->can_send(p));
    CHECK_STR(fake_take_frame(p), "world|");
    CHECK_STR(fake_send(p, "too early"), "EFSM");
    CHECK(p->ops->can_recv(p));
    CHECK_STR(fake_take_frame(p), "1");
    CHECK_STR(fake_take(p), "EFSM");
    CHECK_STR(fake_send(p, ""), "sent"); /* the next one in turn */
    CHECK_STR(fake_sent(&b), "|");
    CHECK_STR(fake_sent(&a), "nothing");
    fake_give(p, &b, "||");
    CHECK_STR(fake_take(p), "|");
    close_req(p, &a, &b);
}

TEST(without_room_it_waits)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 0);

    CHECK(!p->ops->can_send(p));
    CHECK_EQ(p->ops->check_send(p, NULL), EAGAIN);
    CHECK_STR(fake_send(p, "x"), "EAGAIN");
    CHECK_STR(fake_take(p), "EFSM");
    b.limit = 1;
    p->ops->writable(p, &b.pipe);
    CHECK(p->ops->can_send(p));
    CHECK_STR(fake_send(p, "x"), "sent");
    CHECK_STR(fake_sent(&b), "|x");
    close_req(p, &a, &b);
}

TEST(what_is_no_reply_is_skipped)
{
    static const char *const rows[] = {"", "x", "x|", "x|y", "x||y", "x|y|z"};
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 9);

    CHECK_STR(fake_send(p, "?"), "sent");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_give(p, &a, rows[i]);
    }
    fake_give(p, &b, "|from another");
    CHECK(!p->ops->can_recv(p)); /* so a poll does not promise them */
    CHECK_EQ(a.pipe.n_in + b.pipe.n_in, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_give(p, &b, "|from another");
        fake_give(p, &a, rows[i]);
    }
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &a, "x|y");
    fake_give(p, &a, "|!");
    CHECK_STR(fake_take(p), "!");
    close_req(p, &a, &b);
}

TEST(stale_replies_go_when_a_request_does)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 9);

    fake_give(p, &a, "|before any request");
    fake_give(p, &b, "|another");
    CHECK(!p->ops->can_recv(p));
    CHECK_STR(fake_take(p), "EFSM");
    CHECK_STR(fake_send(p, "?"), "sent");
    CHECK_EQ(a.pipe.n_in + b.pipe.n_in, 0);
    fake_give(p, &a, "|!");
    fake_give(p, &a, "|twice");
    CHECK_STR(fake_take(p), "!");
    CHECK_STR(fake_send(p, "?"), "sent");
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &b, "|!");
    CHECK_STR(fake_take(p), "!");
    close_req(p, &a, &b);
}

/* A pipe whose peer replies as soon as the request is committed, as an inproc peer on
 * another thread may. */
static void
commit_and_reply(fmq__pipe *pipe, size_t bytes)
{
    fakepipe *f = FMQ__ITEM(pipe, fakepipe, pipe);

    fake_commit(pipe, bytes);
    fake_put(f, "|at once");
}

TEST(a_reply_may_come_at_once)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 9);
    fmq__pipe_ops ops = *a.pipe.ops;

    ops.commit = commit_and_reply;
    a.pipe.ops = &ops;
    fake_give(p, &a, "|stale");
    CHECK_STR(fake_send(p, "?"), "sent");
    p->ops->readable(p, &a.pipe);
    CHECK_STR(fake_take(p), "at once");
    close_req(p, &a, &b);
}

TEST(relaxed_it_may_ask_again)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 9);

    CHECK_EQ(fake_set(p, OPT_RELAXED, 1), 0);
    CHECK_STR(fake_send(p, "1"), "sent");
    CHECK_STR(fake_sent(&a), "|1");
    CHECK(p->ops->can_send(p));
    CHECK_EQ(p->ops->check_send(p, NULL), 0);
    fake_give(p, &a, "|first|half");
    CHECK_STR(fake_take_frame(p), "first|");
    CHECK_STR(fake_send(p, "2"), "sent"); /* the rest of that reply is stale */
    CHECK_STR(fake_sent(&b), "|2");
    CHECK_STR(fake_take(p), "EAGAIN");
    fake_give(p, &a, "|late");
    fake_give(p, &b, "|second");
    CHECK(p->ops->can_recv(p)); /* begun by poll, and then given up */
    CHECK_STR(fake_send(p, "3"), "sent");
    CHECK_STR(fake_sent(&a), "|3");
    CHECK(!p->ops->can_recv(p));
    fake_give(p, &a, "|third");
    CHECK_STR(fake_take(p), "third");
    CHECK_EQ(fake_set(p, OPT_RELAXED, 0), 0);
    CHECK_STR(fake_send(p, "4"), "sent");
    CHECK_STR(fake_send(p, "5"), "EFSM");
    close_req(p, &a, &b);
}

TEST(correlated_only_its_own_reply_will_do)
{
    fakepipe a;
    fakepipe b;
    fmq__pattern *p = open_req(&a, &b, 9);
    uint32_t id;
    uint32_t next;

    CHECK_EQ(fake_set(p, OPT_CORRELATE, 1), 0);
    CHECK_EQ(fake_set(p, OPT_RELAXED, 1), 0);
    fmq__pattern_detach(p, &b.pipe);
    CHECK_STR(fake_send(p, "1"), "sent");
    id = sent_id(&a, "|1");
    CHECK_STR(fake_send(p, "2|two"), "sent");
    next = sent_id(&a, "|2|two");
    CHECK_EQ(next, (uint32_t)(id + 1));
    give_id(p, &a, id, "|late");
    give_id(p, &a, next + 1, "|early");
    fake_give(p, &a, "|none");
    fake_give(p, &a, "abc||short");
    fake_give(p, &a, "abcde||long");
    fake_give(p, &a, "abcd"); /* not even a delimiter */
    give_id(p, &a, next, "no delimiter|x");
    give_id(p, &a, next, ""); /* no body */
    CHECK(!p->ops->can_recv(p));
    CHECK_EQ(a.pipe.n_in, 0);
    give_id(p, &a, next, "|two|2");
    CHECK_STR(fake_take(p), "two|2");
    CHECK_STR(fake_send(p, "3"), "sent");
    CHECK_EQ(sent_id(&a, "|3"), (uint32_t)(next + 1));
    close_req(p, &a, &b);
}

TEST(ids_begin_anywhere)
{
    uint32_t first = 0;
    bool is_random = false;

    for (int i = 0; i < 8; i++) {
        fakepipe a;
        fakepipe b;
        fmq__pattern *p = open_req(&a, &b, 9);
        uint32_t id;

        CHECK_EQ(fake_set(p, OPT_CORRELATE, 1), 0);
        CHECK_STR(fake_send(p, "?"), "sent");
        id = sent_id(&a, "|?");
        is_random = is_random || (i != 0 && id != first);
        first = i == 0 ? id : first;
        close_req(p, &a, &b);
    }
    CHECK(is_random);
}

TEST(the_one_that_was_asked_may_go_at_any_moment)
{
    for (int moment = 0; moment < 4; moment++) {
        fakepipe a;
        fakepipe b;
        fmq__pattern *p = open_req(&a, &b, 9);

        CHECK_STR(fake_send(p, "?"), "sent");
        if (moment != 0) {
            fake_give(p, &a, "|1|2|3");
        }
        if (moment == 2) {
            CHECK(p->ops->can_recv(p)); /* the head is off */
        } else if (moment == 3) {
            CHECK_STR(fake_take_frame(p), "1|");
        }
        fmq__pattern_detach(p, &a.pipe);
        CHECK_STR(fake_send(p, "?"), "EFSM");
        if (moment == 2) {
            CHECK_STR(fake_take(p), "1|2|3");
        } else if (moment == 3) {
            CHECK_STR(fake_take(p), "2|3");
        } else {
            CHECK_STR(fake_take(p), "EAGAIN");
            fake_give(p, &b, "|from another");
            CHECK_STR(fake_take(p), "from another");
        }
        CHECK_STR(fake_send(p, "?"), "sent");
        CHECK_STR(fake_sent(&b), "|?");
        close_req(p, &a, &b);
    }
}

TEST(options_are_its_own_two)
{
    fmq__pattern *p = fake_pattern(&fmq__pattern_req);

    CHECK_EQ(fake_set(p, OPT_CORRELATE, -1), EINVAL);
    CHECK_EQ(fake_set(p, OPT_RELAXED, -1), EINVAL);
    CHECK_EQ(fake_set(p, 17, 1), EINVAL);
    CHECK_EQ(fake_set(p, OPT_CORRELATE, 5), 0);
    CHECK_EQ(fake_set(p, OPT_RELAXED, 0), 0);
    fmq__pattern_free(p);
}

/* Six parts that need several chunks. */
static int
send_large(fmq__pattern *p)
{
    static uint8_t bytes[4096];
    fmq__outpart parts[6];

    for (size_t i = 0; i < 6; i++) {
        parts[i] = (fmq__outpart){bytes, sizeof(bytes), NULL};
    }
    return p->ops->send(p, parts, 6);
}

TEST(without_memory_nothing_has_happened)
{
    uint64_t n_failed = 0;
    int err = ENOMEM;

    for (uint64_t n = 1; err != 0; n++) {
        fakepipe a;
        fakepipe b;
        fmq__pattern *p = open_req(&a, &b, 9);

        CHECK_EQ(fake_set(p, OPT_RELAXED, 1), 0);
        CHECK_STR(fake_send(p, "1"), "sent");
        CHECK_STR(fake_sent(&a), "|1");
        fake_give(p, &a, "|reply|to|1");
        CHECK_STR(fake_take_frame(p), "reply|");
        (void)fmq__alloc_fail_at(n, 0);
        err = send_large(p);
        (void)fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            n_failed++;
            CHECK_STR(fake_sent(&b), "nothing");
            CHECK_STR(fake_take(p), "to|1"); /* that reply is still the reply */
            CHECK_STR(fake_send(p, "2"), "sent");
            CHECK_STR(fake_sent(&b), "|2");
        } else {
            CHECK_STR(fake_take(p), "EAGAIN");
        }
        close_req(p, &a, &b);
    }
    CHECK(n_failed >= 2);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(request_and_reply_take_turns),
        CASE(without_room_it_waits),
        CASE(what_is_no_reply_is_skipped),
        CASE(stale_replies_go_when_a_request_does),
        CASE(a_reply_may_come_at_once),
        CASE(relaxed_it_may_ask_again),
        CASE(correlated_only_its_own_reply_will_do),
        CASE(ids_begin_anywhere),
        CASE(the_one_that_was_asked_may_go_at_any_moment),
        CASE(options_are_its_own_two),
        CASE(without_memory_nothing_has_happened),
    };

    return CHECK_MAIN(cases);
}
