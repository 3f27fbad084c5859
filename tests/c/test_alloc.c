/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include "check.h"

TEST(gives_memory)
{
    char *p = fmq__alloc(100);
    char *q;

    REQUIRE(p != NULL);
    CHECK_EQ((uintptr_t)p % 16, 0);
    memset(p, 'x', 100);
    q = fmq__realloc(p, 100000);
    REQUIRE(q != NULL);
    CHECK_EQ(q[99], 'x');
    fmq__free(q);
    fmq__free(NULL);
}

TEST(nothing_asked_is_something_given)
{
    void *p = fmq__alloc(0);
    void *q = fmq__calloc(0, 8);
    void *r = fmq__realloc(NULL, 0);

    CHECK(p != NULL);
    CHECK(q != NULL);
    CHECK(r != NULL);
    fmq__free(p);
    fmq__free(q);
    p = fmq__realloc(r, 0);
    CHECK(p != NULL);
    fmq__free(p);
}

TEST(calloc_zeroes_and_knows_overflow)
{
    unsigned char *p = fmq__calloc(3, 5);
    unsigned char zero[15] = {0};

    REQUIRE(p != NULL);
    CHECK_MEM(p, zero, 15);
    fmq__free(p);
    CHECK(fmq__calloc(SIZE_MAX / 2, 3) == NULL);
}

TEST(strdup_copies)
{
    char *copy = fmq__strdup("tcp://a:1");

    CHECK_STR(copy, "tcp://a:1");
    fmq__free(copy);
}

TEST(nth_request_fails)
{
    void *p;
    void *q;

    fmq__alloc_fail_at(3, 0);
    p = fmq__alloc(8);
    q = fmq__calloc(1, 8);
    CHECK(p != NULL);
    CHECK(q != NULL);
    CHECK(fmq__realloc(p, 16) == NULL);
    fmq__free(p);
    p = fmq__alloc(8);
    CHECK(p != NULL);
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 4);
    fmq__free(p);
    fmq__free(q);
}

TEST(every_request_fails)
{
    fmq__alloc_fail_at(1, 1);
    CHECK(fmq__alloc(8) == NULL);
    CHECK(fmq__calloc(1, 8) == NULL);
    CHECK(fmq__strdup("x") == NULL);
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 3);
}

TEST(counts_without_failing)
{
    fmq__alloc_fail_at(UINT64_MAX, 0);
    fmq__free(fmq__alloc(1));
    fmq__free(fmq__alloc(1));
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 2);
    fmq__free(fmq__alloc(1));
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 0);
}

/* What glibc says that it has from the system for small blocks. */
static size_t
arena_bytes(void)
{
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
    FILE *f = fopen("/proc/self/statm", "r");
    size_t all;
    size_t resident = 0;

    REQUIRE(f != NULL && fscanf(f, "%zu %zu", &all, &resident) == 2);
    fclose(f);
    return resident * 4096;
#else
    return 0;
#endif
}

/* Small blocks go back to the system, but only when they are many. */
TEST(many_small_blocks_are_given_back)
{
    enum { N = 400000, SIZE = 80 };
    static void *block[N];
    size_t before;
    size_t full;

    memset(block, 1, sizeof(block));
    before = arena_bytes();
    for (size_t i = 0; i < N; i++) {
        block[i] = fmq__alloc(SIZE);
        REQUIRE(block[i] != NULL);
        memset(block[i], 1, SIZE);
    }
    void *last = fmq__alloc(SIZE); /* which keeps the others from being at the end */
    full = arena_bytes();
    for (size_t i = 0; i < N; i++) {
        fmq__free_one(block[i], SIZE);
    }
    fmq__free_one(NULL, SIZE);
    fmq__alloc_tidy();
    CHECK(full == 0 || arena_bytes() < before + (full - before) / 4);
    fmq__free(last);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(gives_memory),
        CASE(nothing_asked_is_something_given),
        CASE(calloc_zeroes_and_knows_overflow),
        CASE(strdup_copies),
        CASE(nth_request_fails),
        CASE(every_request_fails),
        CASE(counts_without_failing),
        CASE(many_small_blocks_are_given_back),
    };

    return CHECK_MAIN(cases);
}
