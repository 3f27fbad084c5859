/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "check.h"
#include "gate.h"

enum { N_ROUNDS = 2000 };

typedef struct seen {
    char name[16];
    sigset_t blocked;
    bool is_other;
    pthread_t parent;
} seen;

static void
look_round(void *arg)
{
    seen *s = arg;

    s->is_other = !pthread_equal(pthread_self(), s->parent);
    pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
    pthread_sigmask(SIG_SETMASK, NULL, &s->blocked);
}

TEST(thread_blocks_signals_and_has_a_name)
{
    seen s = {.parent = pthread_self()};
    sigset_t own;
    fmq__thread t;

    REQUIRE(fmq__thread_open(&t, look_round, &s, "a-rather-long-name-for-a-thread") ==
            0);
    fmq__thread_join(t);
    CHECK(s.is_other);
    CHECK_STR(s.name, "a-rather-long-n");
    CHECK(sigismember(&s.blocked, SIGINT));
    CHECK(sigismember(&s.blocked, SIGUSR1));
    CHECK(sigismember(&s.blocked, SIGTERM));

    /* The caller's own mask is as it was. */
    pthread_sigmask(SIG_SETMASK, NULL, &own);
    CHECK(!sigismember(&own, SIGINT));
    CHECK(!sigismember(&own, SIGUSR1));
}

TEST(thread_without_memory)
{
    seen s;
    fmq__thread t;

    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__thread_open(&t, look_round, &s, "x"), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

/* Two threads hand a ball to and fro under a mutex. */
typedef struct table {
    fmq__mutex mutex;
    fmq__cond cond;
    int turn;
    int n_hits;
} table;

static void
play(table *t, int own)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        fmq__mutex_lock(&t->mutex);
        while (t->turn != own) {
            CHECK_EQ(fmq__cond_wait(&t->cond, &t->mutex, FMQ__NEVER), 0);
        }
        t->turn = 1 - own;
        t->n_hits++;
        fmq__cond_broadcast(&t->cond);
        fmq__mutex_unlock(&t->mutex);
    }
}

static void
play_other(void *arg)
{
    play(arg, 1);
}

TEST(mutex_and_condition)
{
    table t = {.turn = 0, .n_hits = 0};
    fmq__thread other;

    REQUIRE(fmq__mutex_init(&t.mutex) == 0);
    REQUIRE(fmq__cond_init(&t.cond) == 0);
    REQUIRE(fmq__thread_open(&other, play_other, &t, "other") == 0);
    play(&t, 0);
    fmq__thread_join(other);
    CHECK_EQ(t.n_hits, 2 * N_ROUNDS);
    fmq__cond_fini(&t.cond);
    fmq__mutex_fini(&t.mutex);
}

TEST(condition_times_out)
{
    fmq__mutex m;
    fmq__cond c;
    uint64_t deadline = fmq__clock_ns() + 100000;
    int error = 0;

    REQUIRE(fmq__mutex_init(&m) == 0);
    REQUIRE(fmq__cond_init(&c) == 0);
    fmq__mutex_lock(&m);
    CHECK_EQ(fmq__cond_wait(&c, &m, 0), ETIMEDOUT);
    while (error == 0) {
        error = fmq__cond_wait(&c, &m, deadline);
    }
    CHECK_EQ(error, ETIMEDOUT);
    CHECK(fmq__clock_ns() >= deadline);
    fmq__mutex_unlock(&m);
    fmq__cond_fini(&c);
    fmq__mutex_fini(&m);
}

TEST(futex_does_not_wait_on_another_value)
{
    _Atomic uint32_t word = 1;

    CHECK_EQ(fmq__futex_wait(&word, 2, FMQ__NEVER), 0);
    CHECK_EQ(fmq__futex_wait(&word, 2, 0), 0);
    fmq__futex_wake(&word, 1);
}

TEST(futex_times_out)
{
    _Atomic uint32_t word = 1;
    uint64_t deadline = fmq__clock_ns() + 100000;
    int error = 0;

    CHECK_EQ(fmq__futex_wait(&word, 1, 0), ETIMEDOUT);
    while (error == 0) {
        error = fmq__futex_wait(&word, 1, deadline);
    }
    CHECK_EQ(error, ETIMEDOUT);
    CHECK(fmq__clock_ns() >= deadline);
}

typedef struct pair {
    gate ping;
    gate pong;
} pair;

static void
answer(void *arg)
{
    pair *p = arg;

    for (uint32_t i = 1; i <= N_ROUNDS; i++) {
        gate_wait(&p->ping, i);
        gate_pass(&p->pong);
    }
}

TEST(futex_wakes)
{
    pair p;
    fmq__thread other;

    gate_init(&p.ping);
    gate_init(&p.pong);
    REQUIRE(fmq__thread_open(&other, answer, &p, "answer") == 0);
    for (uint32_t i = 1; i <= N_ROUNDS; i++) {
        gate_pass(&p.ping);
        gate_wait(&p.pong, i);
    }
    fmq__thread_join(other);
}

#if !defined(FMQ_PORTABLE_FUTEX)

static void
on_signal(int number)
{
    (void)number;
}

typedef struct sleeper {
    _Atomic uint32_t word; /* never changes */
    _Atomic int result;
} sleeper;

static void
sleep_till_signalled(void *arg)
{
    sleeper *s = arg;
    sigset_t none;
    int error = 0;

    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    while (error == 0) {
        error = fmq__futex_wait(&s->word, 0, FMQ__NEVER);
    }
    atomic_store_explicit(&s->result, error, memory_order_relaxed);
}

/* Also with SA_RESTART, and without a deadline. */
TEST(futex_reports_a_signal)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction before;
    sleeper s = {.word = 0, .result = 0};
    fmq__thread t;

    sigaction(SIGUSR1, &action, &before);
    REQUIRE(fmq__thread_open(&t, sleep_till_signalled, &s, "sleeper") == 0);
    while (atomic_load_explicit(&s.result, memory_order_relaxed) == 0) {
        pthread_kill(t, SIGUSR1);
        sched_yield();
    }
    fmq__thread_join(t);
    CHECK_EQ(s.result, EINTR);
    sigaction(SIGUSR1, &before, NULL);
}

#endif

int
main(void)
{
    static const check_case cases[] = {
        CASE(thread_blocks_signals_and_has_a_name),
        CASE(thread_without_memory),
        CASE(mutex_and_condition),
        CASE(condition_times_out),
        CASE(futex_does_not_wait_on_another_value),
        CASE(futex_times_out),
        CASE(futex_wakes),
#if !defined(FMQ_PORTABLE_FUTEX)
        CASE(futex_reports_a_signal),
#endif
    };

    return CHECK_MAIN(cases);
}
