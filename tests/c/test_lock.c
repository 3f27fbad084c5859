/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <sched.h>

#include "base/thread.h"
#include "check.h"
#include "gate.h"

enum { N_CALLERS = 3, N_EACH = 2500 };

TEST(one_at_a_time)
{
    fmq__lock l;

    fmq__lock_init(&l);
    fmq__lock_take(&l);
    CHECK(!fmq__lock_try_once(&l));
    CHECK(!fmq__lock_try(&l));
    CHECK(!fmq__lock_release(&l));
    CHECK(fmq__lock_try(&l));
    CHECK(!fmq__lock_release(&l));
}

TEST(want_is_told_to_the_releaser_once)
{
    fmq__lock l;

    fmq__lock_init(&l);
    CHECK(fmq__lock_try_or_want(&l));
    CHECK(!fmq__lock_release(&l));

    fmq__lock_take(&l);
    CHECK(!fmq__lock_try_or_want(&l));
    CHECK(!fmq__lock_try_or_want(&l));
    CHECK(fmq__lock_release(&l));
    CHECK(fmq__lock_try_or_want(&l));
    CHECK(!fmq__lock_release(&l));
}

TEST(a_failed_try_leaves_nothing)
{
    fmq__lock l;

    fmq__lock_init(&l);
    fmq__lock_take(&l);
    CHECK(!fmq__lock_try(&l));
    CHECK_EQ(l.word, FMQ__LOCK_HELD);
    CHECK(!fmq__lock_release(&l));
    CHECK_EQ(l.word, 0);
}

typedef struct sleepers {
    fmq__lock lock;
    gate in;
} sleepers;

static void
take_once(void *arg)
{
    sleepers *s = arg;

    fmq__lock_take(&s->lock);
    gate_pass(&s->in);
    fmq__lock_release(&s->lock);
}

static void
await_bits(fmq__lock *l, uint32_t bits)
{
    while ((atomic_load_explicit(&l->word, memory_order_relaxed) & bits) != bits) {
        sched_yield();
    }
}

/* The release wakes one; the others follow because it passes the news on. */
TEST(all_sleepers_get_in)
{
    sleepers s;
    fmq__thread threads[N_CALLERS];

    fmq__lock_init(&s.lock);
    gate_init(&s.in);
    fmq__lock_take(&s.lock);
    for (int i = 0; i < N_CALLERS; i++) {
        REQUIRE(fmq__thread_open(&threads[i], take_once, &s, "sleeper") == 0);
    }
    await_bits(&s.lock, FMQ__LOCK_SLEEPERS);
    CHECK_EQ(gate_count(&s.in), 0);
    CHECK(!fmq__lock_try_or_want(&s.lock));
    CHECK(fmq__lock_release(&s.lock));
    gate_wait(&s.in, N_CALLERS);
    for (int i = 0; i < N_CALLERS; i++) {
        fmq__thread_join(threads[i]);
    }
    CHECK_EQ(s.lock.word, 0);
}

/* Three callers and an I/O thread that never sleeps on the lock: when it cannot have
 * it, it waits for the wake-up that its wish stands for. A lost wish hangs the test. */
typedef struct world {
    fmq__lock lock;
    gate start;
    gate wakes; /* the I/O thread's bed */
    _Atomic int n_callers_left;
    long n_sections; /* guarded by the lock, with the next */
    int holder;
    long n_visits; /* the I/O thread's own, with the next */
    long n_wants;
} world;

typedef struct caller {
    world *w;
    int number;
} caller;

/* Now and then longer than anybody spins. */
static void
enter_section(world *w, int number, int i)
{
    w->holder = number;
    if (i % 8 == 0) {
        sched_yield();
    }
    for (int k = 0; i % 3 == 0 && k < 100; k++) {
        fmq__cpu_relax();
    }
    CHECK_EQ(w->holder, number);
    w->n_sections++;
}

static void
call_many_times(void *arg)
{
    caller *c = arg;
    world *w = c->w;

    gate_wait(&w->start, 1);
    for (int i = 0; i < N_EACH; i++) {
        if (c->number != 0 || !fmq__lock_try(&w->lock)) {
            fmq__lock_take(&w->lock);
        }
        enter_section(w, c->number, i);
        if (fmq__lock_release(&w->lock)) {
            gate_pass(&w->wakes);
        }
    }
    atomic_fetch_sub_explicit(&w->n_callers_left, 1, memory_order_relaxed);
}

/* Like an I/O thread with a single chore, as long as there are callers. */
static void
retry_many_times(void *arg)
{
    world *w = arg;
    uint32_t n_woken = 0;

    gate_wait(&w->start, 1);
    while (atomic_load_explicit(&w->n_callers_left, memory_order_relaxed) > 0) {
        while (!fmq__lock_try_or_want(&w->lock)) {
            w->n_wants++;
            gate_wait(&w->wakes, ++n_woken);
        }
        enter_section(w, N_CALLERS, 1);
        CHECK(!fmq__lock_release(&w->lock));
        w->n_visits++;
        sched_yield();
    }
    CHECK_EQ(gate_count(&w->wakes), n_woken);
}

TEST(no_wish_is_lost)
{
    world w = {.n_callers_left = N_CALLERS};
    caller callers[N_CALLERS];
    fmq__thread threads[N_CALLERS];
    fmq__thread io;

    fmq__lock_init(&w.lock);
    gate_init(&w.start);
    gate_init(&w.wakes);
    REQUIRE(fmq__thread_open(&io, retry_many_times, &w, "io") == 0);
    for (int i = 0; i < N_CALLERS; i++) {
        callers[i] = (caller){&w, i};
        REQUIRE(fmq__thread_open(&threads[i], call_many_times, &callers[i], "caller") ==
                0);
    }
    gate_pass(&w.start);
    for (int i = 0; i < N_CALLERS; i++) {
        fmq__thread_join(threads[i]);
    }
    fmq__thread_join(io);
    CHECK_EQ(w.n_sections, N_CALLERS * (long)N_EACH + w.n_visits);
    CHECK_EQ(w.lock.word, 0);
    if (getenv("FMQ_TEST_VERBOSE") != NULL) {
        printf("%ld wishes in %ld visits\n", w.n_wants, w.n_visits);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(one_at_a_time),
        CASE(want_is_told_to_the_releaser_once),
        CASE(a_failed_try_leaves_nothing),
        CASE(all_sleepers_get_in),
        CASE(no_wish_is_lost),
    };

    return CHECK_MAIN(cases);
}
