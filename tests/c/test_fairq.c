/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"
#include "pattern/fairq.h"

enum { N = 4 };

static void
open_all(fakepipe *f)
{
    for (int i = 0; i < N; i++) {
        fake_open(&f[i], 1);
    }
}

static void
close_all(fakepipe *f)
{
    for (int i = 0; i < N; i++) {
        fake_close(&f[i]);
    }
}

/* Takes a message from whose turn it is: its number, or -1. */
static int
take(fmq__fairq *q, const fakepipe *f)
{
    fmq__pipe *p = fmq__fairq_front(q);

    if (p == NULL) {
        return -1;
    }
    CHECK(fmq__fairq_front(q) == p); /* the turn lasts until rotate */
    fmq__pipe_skip_message(p);
    fmq__fairq_rotate(q, p);
    return (int)(FMQ__ITEM(p, fakepipe, pipe) - f);
}

TEST(every_pipe_has_its_turn)
{
    fakepipe f[N];
    fmq__fairq q;

    open_all(f);
    fmq__fairq_init(&q);
    CHECK_EQ(take(&q, f), -1);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 3; k++) {
            fake_put(&f[i], "x");
        }
        fmq__fairq_add(&q, &f[i].pipe);
    }
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < N; i++) {
            CHECK_EQ(take(&q, f), i);
        }
    }
    CHECK_EQ(take(&q, f), -1);
    close_all(f);
}

TEST(a_pipe_that_is_empty_leaves_until_it_is_added_again)
{
    fakepipe f[N];
    fmq__fairq q;

    open_all(f);
    fmq__fairq_init(&q);
    fake_put(&f[1], "x");
    for (int i = 0; i < N; i++) {
        fmq__fairq_add(&q, &f[i].pipe);
    }
    CHECK_EQ(take(&q, f), 1);
    CHECK_EQ(take(&q, f), -1);
    CHECK(!fmq__list_is_linked(&f[0].pipe.in_node));
    fake_put(&f[0], "x");
    CHECK_EQ(take(&q, f), -1); /* nobody was told */
    fmq__fairq_add(&q, &f[0].pipe);
    fmq__fairq_add(&q, &f[0].pipe); /* twice is once */
    CHECK_EQ(take(&q, f), 0);
    CHECK_EQ(take(&q, f), -1);
    close_all(f);
}

TEST(a_newcomer_waits_for_those_before_it)
{
    fakepipe f[N];
    fmq__fairq q;

    open_all(f);
    fmq__fairq_init(&q);
    for (int i = 0; i < 2; i++) {
        fake_put(&f[i], "x");
        fake_put(&f[i], "x");
        fmq__fairq_add(&q, &f[i].pipe);
    }
    CHECK_EQ(take(&q, f), 0);
    fake_put(&f[2], "x");
    fmq__fairq_add(&q, &f[2].pipe);
    CHECK_EQ(take(&q, f), 1);
    CHECK_EQ(take(&q, f), 0);
    CHECK_EQ(take(&q, f), 2);
    CHECK_EQ(take(&q, f), 1);
    CHECK_EQ(take(&q, f), -1);
    close_all(f);
}

TEST(a_pipe_may_go_at_any_place)
{
    for (int gone = 0; gone < 3; gone++) {
        fakepipe f[N];
        fmq__fairq q;

        open_all(f);
        fmq__fairq_init(&q);
        for (int i = 0; i < 3; i++) {
            fake_put(&f[i], "x");
            fmq__fairq_add(&q, &f[i].pipe);
        }
        fmq__fairq_remove(&f[gone].pipe);
        fmq__fairq_remove(&f[gone].pipe);     /* again does no harm */
        fmq__fairq_rotate(&q, &f[gone].pipe); /* nor does a turn that ends late */
        CHECK(!fmq__list_is_linked(&f[gone].pipe.in_node));
        for (int i = 0; i < 3; i++) {
            if (i != gone) {
                CHECK_EQ(take(&q, f), i);
            }
        }
        CHECK_EQ(take(&q, f), -1);
        close_all(f);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(every_pipe_has_its_turn),
        CASE(a_pipe_that_is_empty_leaves_until_it_is_added_again),
        CASE(a_newcomer_waits_for_those_before_it),
        CASE(a_pipe_may_go_at_any_place),
    };

    return CHECK_MAIN(cases);
}
