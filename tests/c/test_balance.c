/* SPDX-License-Identifier: Apache-2.0 */
#include "fakepipe.h"
#include "pattern/balance.h"

enum { N = 4 };

static void
open_all(fakepipe *f, unsigned limit)
{
    for (int i = 0; i < N; i++) {
        fake_open(&f[i], limit);
    }
}

static void
close_all(fakepipe *f)
{
    for (int i = 0; i < N; i++) {
        fake_close(&f[i]);
    }
}

/* Sends a message to whose turn it is: its number, or -1. */
static int
put(fmq__balance *b, const fakepipe *f)
{
    const fmq__outpart part = {(const uint8_t *)"x", 1, NULL};
    fmq__pipe *p = fmq__balance_front(b);

    if (p == NULL) {
        return -1;
    }
    CHECK(fmq__balance_front(b) == p); /* the turn lasts until rotate */
    CHECK_EQ(fmq__pipe_send(p, p->out->end, &part, 1), 0);
    fmq__balance_rotate(b, p);
    return (int)(FMQ__ITEM(p, fakepipe, pipe) - f);
}

TEST(every_pipe_has_its_turn_until_it_is_full)
{
    fakepipe f[N];
    fmq__balance b;

    open_all(f, 2);
    fmq__balance_init(&b);
    CHECK_EQ(put(&b, f), -1);
    for (int i = 0; i < N; i++) {
        fmq__balance_add(&b, &f[i].pipe);
    }
    f[2].limit = 1;
    for (int i = 0; i < N; i++) {
        CHECK_EQ(put(&b, f), i);
    }
    CHECK_EQ(put(&b, f), 0);
    CHECK_EQ(put(&b, f), 1);
    CHECK_EQ(put(&b, f), 3);
    CHECK_EQ(put(&b, f), -1);
    close_all(f);
}

TEST(a_full_pipe_is_not_asked_again_until_it_is_added)
{
    fakepipe f[N];
    fmq__balance b;
    unsigned n_asked;

    open_all(f, 1);
    fmq__balance_init(&b);
    fmq__balance_add(&b, &f[0].pipe);
    fmq__balance_add(&b, &f[0].pipe);
    CHECK_EQ(put(&b, f), 0);
    CHECK_EQ(put(&b, f), -1);
    n_asked = f[0].n_asked;
    CHECK_STR(fake_sent(&f[0]), "x");
    CHECK_EQ(put(&b, f), -1); /* nobody was told */
    CHECK_EQ(f[0].n_asked, n_asked);
    fmq__balance_add(&b, &f[0].pipe);
    CHECK_EQ(put(&b, f), 0);
    close_all(f);
}

TEST(a_pipe_that_takes_nothing_more_is_left_out)
{
    fakepipe f[N];
    fmq__balance b;

    open_all(f, 9);
    fmq__balance_init(&b);
    for (int i = 0; i < 3; i++) {
        fmq__balance_add(&b, &f[i].pipe);
    }
    f[0].pipe.is_closed_out = true;
    CHECK_EQ(put(&b, f), 1);
    f[2].pipe.is_closed_out = true;
    CHECK_EQ(put(&b, f), 1);
    f[1].pipe.is_closed_out = true;
    CHECK_EQ(put(&b, f), -1);
    CHECK_EQ(f[0].n_asked, 0);
    close_all(f);
}

TEST(a_pipe_may_go_at_any_place)
{
    for (int gone = 0; gone < 3; gone++) {
        fakepipe f[N];
        fmq__balance b;

        open_all(f, 1);
        fmq__balance_init(&b);
        for (int i = 0; i < 3; i++) {
            fmq__balance_add(&b, &f[i].pipe);
        }
        fmq__balance_remove(&f[gone].pipe);
        fmq__balance_remove(&f[gone].pipe);
        fmq__balance_rotate(&b, &f[gone].pipe);
        CHECK(!fmq__list_is_linked(&f[gone].pipe.out_node));
        for (int i = 0; i < 3; i++) {
            if (i != gone) {
                CHECK_EQ(put(&b, f), i);
            }
        }
        CHECK_EQ(put(&b, f), -1);
        close_all(f);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(every_pipe_has_its_turn_until_it_is_full),
        CASE(a_full_pipe_is_not_asked_again_until_it_is_added),
        CASE(a_pipe_that_takes_nothing_more_is_left_out),
        CASE(a_pipe_may_go_at_any_place),
    };

    return CHECK_MAIN(cases);
}
