/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mpsc.h"

#include "base/thread.h"
#include "check.h"
#include "gate.h"

enum { N_PUSHERS = 3, N_EACH = 20000 };

typedef struct item {
    fmq__mpsc_node node; /* first, so that the node's address is the item's */
    int pusher;
    int number;
} item;

TEST(oldest_first)
{
    fmq__mpsc q;
    fmq__mpsc_node n[3];

    fmq__mpsc_init(&q);
    CHECK(!fmq__mpsc_has_nodes(&q));
    CHECK(fmq__mpsc_take(&q) == NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fmq__mpsc_push(&q, &n[i]), FMQ__MPSC_QUEUED);
    }
    CHECK(fmq__mpsc_has_nodes(&q));
    CHECK(fmq__mpsc_take(&q) == &n[0]);
    CHECK(n[0].next == &n[1]);
    CHECK(n[1].next == &n[2]);
    CHECK(n[2].next == NULL);
    CHECK(!fmq__mpsc_has_nodes(&q));
}

TEST(first_push_after_sleep_wakes)
{
    fmq__mpsc q;
    fmq__mpsc_node n[2];

    fmq__mpsc_init(&q);
    for (int mode = 1; mode <= 2; mode++) {
        CHECK(fmq__mpsc_sleep(&q, mode));
        CHECK(!fmq__mpsc_has_nodes(&q));
        CHECK_EQ(fmq__mpsc_push(&q, &n[0]), mode);
        CHECK_EQ(fmq__mpsc_push(&q, &n[1]), FMQ__MPSC_QUEUED);
        CHECK(!fmq__mpsc_sleep(&q, mode));
        CHECK(fmq__mpsc_take(&q) == &n[0]);
        CHECK(n[0].next == &n[1]);
        CHECK(n[1].next == NULL);
    }
}

TEST(sleep_state_ends)
{
    fmq__mpsc q;
    fmq__mpsc_node n;

    fmq__mpsc_init(&q);
    CHECK(fmq__mpsc_sleep(&q, 1));
    fmq__mpsc_wake(&q);
    CHECK_EQ(fmq__mpsc_push(&q, &n), FMQ__MPSC_QUEUED);
    fmq__mpsc_wake(&q); /* does not lose the node */
    CHECK(fmq__mpsc_take(&q) == &n);

    CHECK(fmq__mpsc_sleep(&q, 2));
    CHECK(fmq__mpsc_take(&q) == NULL);
    CHECK_EQ(fmq__mpsc_push(&q, &n), FMQ__MPSC_QUEUED);
    CHECK(fmq__mpsc_take(&q) == &n);
}

TEST(mode_may_change)
{
    fmq__mpsc q;
    fmq__mpsc_node n;

    fmq__mpsc_init(&q);
    CHECK(fmq__mpsc_sleep(&q, 1));
    CHECK(fmq__mpsc_sleep(&q, 2));
    CHECK_EQ(fmq__mpsc_push(&q, &n), FMQ__MPSC_WAKE_2);
}

TEST(closed)
{
    fmq__mpsc q;
    fmq__mpsc_node n[2];

    fmq__mpsc_init(&q);
    fmq__mpsc_push(&q, &n[0]);
    CHECK(fmq__mpsc_close(&q) == &n[0]);
    n[1].next = &n[0];
    CHECK_EQ(fmq__mpsc_push(&q, &n[1]), FMQ__MPSC_CLOSED);
    CHECK(n[1].next == &n[0]);
    CHECK(fmq__mpsc_take(&q) == NULL);
    CHECK_EQ(fmq__mpsc_push(&q, &n[1]), FMQ__MPSC_CLOSED);
    CHECK(!fmq__mpsc_sleep(&q, 1));
    fmq__mpsc_wake(&q);
    CHECK_EQ(fmq__mpsc_push(&q, &n[1]), FMQ__MPSC_CLOSED);
    CHECK(!fmq__mpsc_has_nodes(&q));
    CHECK(fmq__mpsc_close(&q) == NULL);
}

/* Pushers against an owner that sleeps whenever it finds nothing: nothing is lost,
 * doubled or out of its pusher's order, and the owner is woken each time. */
typedef struct world {
    fmq__mpsc queue;
    gate woken[3]; /* by mode */
    int told;      /* written before each sleep, read by who wakes */
    item items[N_PUSHERS][N_EACH];
} world;

typedef struct pusher {
    world *w;
    int number;
} pusher;

static world the_world;

static void
push_all(void *arg)
{
    pusher *p = arg;
    int sum = 0;

    for (int i = 0; i < N_EACH; i++) {
        item *it = &p->w->items[p->number][i];
        enum fmq__mpsc_result result;

        it->pusher = p->number;
        it->number = i;
        result = fmq__mpsc_push(&p->w->queue, &it->node);
        if (result == FMQ__MPSC_WAKE_1 || result == FMQ__MPSC_WAKE_2) {
            sum += p->w->told;
            gate_pass(&p->w->woken[result]);
        }
    }
    CHECK(sum >= 0);
}

static int
take_some(world *w, int next[N_PUSHERS])
{
    int n_taken = 0;

    for (fmq__mpsc_node *n = fmq__mpsc_take(&w->queue); n != NULL; n = n->next) {
        item *it = (item *)(void *)n;

        CHECK_EQ(it->number, next[it->pusher]);
        next[it->pusher] = it->number + 1;
        n_taken++;
    }
    return n_taken;
}

TEST(many_pushers_and_a_sleepy_owner)
{
    world *w = &the_world;
    fmq__thread threads[N_PUSHERS];
    pusher pushers[N_PUSHERS];
    int next[N_PUSHERS] = {0};
    uint32_t n_sleeps[3] = {0};
    int mode = 1;
    int n_taken = 0;

    fmq__mpsc_init(&w->queue);
    gate_init(&w->woken[1]);
    gate_init(&w->woken[2]);
    for (int i = 0; i < N_PUSHERS; i++) {
        pushers[i] = (pusher){w, i};
        REQUIRE(fmq__thread_open(&threads[i], push_all, &pushers[i], "pusher") == 0);
    }
    while (n_taken < N_PUSHERS * N_EACH) {
        int n = take_some(w, next);

        n_taken += n;
        if (n == 0) {
            w->told++;
            if (fmq__mpsc_sleep(&w->queue, mode)) {
                gate_wait(&w->woken[mode], ++n_sleeps[mode]);
                mode = 3 - mode;
            }
        }
    }
    for (int i = 0; i < N_PUSHERS; i++) {
        fmq__thread_join(threads[i]);
        CHECK_EQ(next[i], N_EACH);
    }
    CHECK_EQ(gate_count(&w->woken[1]), n_sleeps[1]);
    CHECK_EQ(gate_count(&w->woken[2]), n_sleeps[2]);
    CHECK(fmq__mpsc_take(&w->queue) == NULL);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(oldest_first),     CASE(first_push_after_sleep_wakes),
        CASE(sleep_state_ends), CASE(mode_may_change),
        CASE(closed),           CASE(many_pushers_and_a_sleepy_owner),
    };

    return CHECK_MAIN(cases);
}
