/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <sched.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "check.h"

enum { N_THREADS = 4, N_ROUNDS = 20000 };

TEST(a_block_comes_back)
{
    uint32_t c = 77;
    uint32_t again = 78;
    void *block = fmq__pool_take(FMQ__POOL_MIN, &c);
    void *other;

    REQUIRE(block != NULL);
    memset(block, 1, FMQ__POOL_MIN);
    fmq__pool_give(block, c);
    other = fmq__pool_take(FMQ__POOL_MIN - 100, &again);
    CHECK(other == block);
    CHECK_EQ(again, c);
    fmq__pool_give(other, again);
}

/* Every size there is gets a block that is long enough, and not much too long. */
TEST(every_size)
{
    for (size_t size = FMQ__POOL_MIN; size <= FMQ__POOL_MAX; size += size / 50 + 1) {
        uint32_t c;
        uint8_t *block = fmq__pool_take(size, &c);

        REQUIRE(block != NULL);
        CHECK_EQ((uintptr_t)block % 16, 0);
        block[0] = 1;
        block[size - 1] = 1;
        fmq__pool_give(block, c);
    }
}

/* What is given beyond the limit goes back to the system: asked of the sanitizers. */
TEST(no_more_than_it_may_keep)
{
    enum { N = 40 };
    void *block[N];
    uint32_t c[N];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            block[i] = fmq__pool_take(FMQ__POOL_MAX - 1000U * (unsigned)i, &c[i]);
            REQUIRE(block[i] != NULL);
        }
        for (int i = 0; i < N; i++) {
            fmq__pool_give(block[i], c[i]);
        }
    }
}

TEST(without_memory)
{
    uint32_t c;
    void *block = fmq__pool_take(FMQ__POOL_MIN, &c);

    REQUIRE(block != NULL);
    fmq__pool_give(block, c);
    (void)fmq__alloc_fail_at(1, 1);
    CHECK(fmq__pool_take(FMQ__POOL_MIN, &c) == NULL); /* one that is kept */
    CHECK(fmq__pool_take(FMQ__POOL_MAX, &c) == NULL);
    (void)fmq__alloc_fail_at(0, 0);
    CHECK(fmq__pool_take(FMQ__POOL_MIN, &c) == block);
    fmq__pool_give(block, c);
}

/* Nobody ever has a block that somebody else has. */
static void
take_and_give(void *arg)
{
    uint8_t mark = *(const uint8_t *)arg;

    for (int i = 0; i < N_ROUNDS; i++) {
        size_t size = (size_t)FMQ__POOL_MIN + (size_t)(i % 3) * 20000;
        uint32_t c;
        uint8_t *block = fmq__pool_take(size, &c);

        REQUIRE(block != NULL);
        block[0] = mark;
        block[size - 1] = mark;
        if (i % 16 == 0) {
            sched_yield();
        }
        CHECK_EQ(block[0], mark);
        CHECK_EQ(block[size - 1], mark);
        fmq__pool_give(block, c);
    }
}

TEST(several_threads)
{
    static uint8_t marks[N_THREADS] = {1, 2, 3, 4};
    fmq__thread thread[N_THREADS];

    for (int i = 0; i < N_THREADS; i++) {
        REQUIRE(fmq__thread_open(&thread[i], take_and_give, &marks[i], "taker") == 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        fmq__thread_join(thread[i]);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_block_comes_back), CASE(every_size),      CASE(no_more_than_it_may_keep),
        CASE(without_memory),     CASE(several_threads),
    };

    return CHECK_MAIN(cases);
}
