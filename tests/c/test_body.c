/* SPDX-License-Identifier: Apache-2.0 */
#include "msg/body.h"

#include "base/alloc.h"
#include "base/thread.h"
#include "check.h"

static _Atomic int n_freed;
static void *last_data;

static void
count_free(void *data, void *hint)
{
    CHECK(hint == &n_freed);
    last_data = data;
    atomic_fetch_add_explicit(&n_freed, 1, memory_order_relaxed);
}

static int
freed(void)
{
    return atomic_load_explicit(&n_freed, memory_order_relaxed);
}

TEST(a_heap_body_holds_its_bytes)
{
    fmq__body *b;
    uint8_t *data;

    REQUIRE(fmq__body_new(1000, &b, &data) == 0);
    CHECK_EQ(b->kind, FMQ__BODY_HEAP);
    CHECK_EQ((uintptr_t)data % 16, 0);
    memset(data, 7, 1000);
    CHECK(fmq__body_is_sole(b));
    fmq__body_hold(b);
    CHECK(!fmq__body_is_sole(b));
    fmq__body_drop(b);
    CHECK(fmq__body_is_sole(b));
    CHECK_EQ(data[999], 7);
    fmq__body_drop(b);

    REQUIRE(fmq__body_new(0, &b, &data) == 0);
    fmq__body_drop(b);
}

TEST(a_size_that_overflows_is_refused)
{
    fmq__body *b = NULL;
    uint8_t *data = NULL;

    CHECK_EQ(fmq__body_new(SIZE_MAX, &b, &data), ENOMEM);
    CHECK_EQ(fmq__body_new(SIZE_MAX - 8, &b, &data), ENOMEM);
    CHECK(b == NULL && data == NULL);
}

TEST(a_lender_is_called_once_at_the_last_drop)
{
    char bytes[8];
    fmq__body *b;
    int before = freed();

    REQUIRE(fmq__body_new_lent(bytes, count_free, &n_freed, &b) == 0);
    CHECK_EQ(b->kind, FMQ__BODY_LENT);
    fmq__body_hold(b);
    fmq__body_drop(b);
    CHECK_EQ(freed(), before);
    fmq__body_drop(b);
    CHECK_EQ(freed(), before + 1);
    CHECK(last_data == bytes);

    REQUIRE(fmq__body_new_lent(bytes, NULL, NULL, &b) == 0);
    fmq__body_drop(b);
}

TEST(only_what_is_lent_is_kept)
{
    char bytes[1];
    fmq__body *b;
    fmq__body *list = NULL;
    uint8_t *data;
    int before = freed();

    REQUIRE(fmq__body_new(10, &b, &data) == 0);
    fmq__body_keep(b);
    CHECK_EQ(b->kind, FMQ__BODY_HEAP);
    fmq__body_drop(b);

    REQUIRE(fmq__body_new_lent(bytes, count_free, &n_freed, &b) == 0);
    fmq__body_keep(b);
    CHECK_EQ(b->kind, FMQ__BODY_KEPT);
    CHECK(fmq__body_lent_by(b, count_free) == &n_freed);
    CHECK(!fmq__body_is_constant(b));
    fmq__body_hold(b);
    fmq__body_drop(b);
    CHECK_EQ(freed(), before);
    fmq__body_drop_later(b, &list);
    CHECK_EQ(freed(), before);
    fmq__body_flush(&list);
    CHECK_EQ(freed(), before + 1);
}

TEST(a_secret_is_a_copy_that_is_kept)
{
    char bytes[] = "secret";
    fmq__body *b = NULL;
    uint8_t *copy = NULL;

    REQUIRE(fmq__body_new_secret(bytes, sizeof(bytes), &b, &copy) == 0);
    CHECK_EQ(b->kind, FMQ__BODY_KEPT);
    CHECK((char *)copy != bytes);
    CHECK_MEM(copy, bytes, sizeof(bytes));
    fmq__body_hold(b);
    fmq__body_drop(b);
    CHECK_MEM(copy, bytes, sizeof(bytes));
    fmq__body_drop(b); /* test_secrets_left looks for what is left */
    REQUIRE(fmq__body_new_secret(NULL, 0, &b, &copy) == 0);
    fmq__body_drop(b);
    for (uint64_t n = 1; n <= 2; n++) {
        (void)fmq__alloc_fail_at(n, 0);
        CHECK_EQ(fmq__body_new_secret(bytes, sizeof(bytes), &b, &copy), ENOMEM);
        (void)fmq__alloc_fail_at(0, 0);
    }
}

TEST(drop_later_keeps_lenders_for_flush)
{
    char bytes[3];
    fmq__body *lent[3];
    fmq__body *heap;
    fmq__body *list = NULL;
    uint8_t *data;
    int before = freed();

    for (int i = 0; i < 3; i++) {
        REQUIRE(fmq__body_new_lent(bytes + i, count_free, &n_freed, &lent[i]) == 0);
    }
    REQUIRE(fmq__body_new(10, &heap, &data) == 0);
    fmq__body_hold(lent[1]);
    for (int i = 0; i < 3; i++) {
        fmq__body_drop_later(lent[i], &list);
    }
    fmq__body_drop_later(heap, &list);
    CHECK_EQ(freed(), before);
    fmq__body_flush(&list);
    CHECK(list == NULL);
    CHECK_EQ(freed(), before + 2);
    fmq__body_flush(&list);
    CHECK_EQ(freed(), before + 2);
    fmq__body_drop_later(lent[1], NULL);
    CHECK_EQ(freed(), before + 3);
}

TEST(without_memory_nothing_happens)
{
    char bytes[1];
    fmq__body *b = NULL;
    uint8_t *data = NULL;
    int before = freed();

    fmq__alloc_fail_at(1, 1);
    CHECK_EQ(fmq__body_new(10, &b, &data), ENOMEM);
    CHECK_EQ(fmq__body_new_lent(bytes, count_free, &n_freed, &b), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK(b == NULL && data == NULL);
    CHECK_EQ(freed(), before);
}

static void *
write_hold_and_drop(void *arg)
{
    fmq__body *b = arg;

    for (int i = 0; i < 10000; i++) {
        fmq__body_hold(b);
        fmq__body_drop(b);
    }
    fmq__body_drop(b);
    return NULL;
}

TEST(threads_share_a_body)
{
    enum { N = 3 };
    char bytes[1];
    pthread_t thread[N];
    fmq__body *b;
    int before = freed();

    REQUIRE(fmq__body_new_lent(bytes, count_free, &n_freed, &b) == 0);
    for (int i = 0; i < N; i++) {
        fmq__body_hold(b);
        REQUIRE(pthread_create(&thread[i], NULL, write_hold_and_drop, b) == 0);
    }
    fmq__body_drop(b);
    for (int i = 0; i < N; i++) {
        pthread_join(thread[i], NULL);
    }
    CHECK_EQ(freed(), before + 1);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_heap_body_holds_its_bytes),
        CASE(a_size_that_overflows_is_refused),
        CASE(a_lender_is_called_once_at_the_last_drop),
        CASE(only_what_is_lent_is_kept),
        CASE(a_secret_is_a_copy_that_is_kept),
        CASE(drop_later_keeps_lenders_for_flush),
        CASE(without_memory_nothing_happens),
        CASE(threads_share_a_body),
    };

    return CHECK_MAIN(cases);
}
