/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/chunk.h"

#include <pthread.h>

#include "base/alloc.h"
#include "check.h"

TEST(a_new_chunk_is_empty_and_open)
{
    static const uint32_t caps[] = {FMQ__CHUNK_MIN, 4096, FMQ__CHUNK_MAX, 100000};

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
            fmq__chunk *c = fmq__chunk_new(caps[i]);

            REQUIRE(c != NULL);
            CHECK_EQ(c->cap, caps[i]);
            CHECK_EQ((uintptr_t)c->data % 8, 0);
            CHECK_EQ(c->body.kind, FMQ__BODY_CHUNK);
            CHECK(fmq__body_is_sole(&c->body));
            CHECK(c->next == NULL && c->first_ref == 0 && c->last_ref == 0);
            CHECK_EQ(c->sealed, FMQ__CHUNK_OPEN);
            memset(c->data, 0xA5, c->cap);
            c->next = c;
            c->sealed = 7;
            c->first_ref = 8;
            c->last_ref = 8;
            fmq__chunk_drop(c);
        }
    }
}

TEST(a_thread_keeps_a_few_large_chunks)
{
    enum { N = 10 };
    fmq__chunk *c[N];

    for (int i = 0; i < N; i++) {
        c[i] = fmq__chunk_new(FMQ__CHUNK_MAX);
        REQUIRE(c[i] != NULL);
    }
    for (int i = 0; i < N; i++) {
        fmq__chunk_drop(c[i]);
    }
    (void)fmq__alloc_fail_at(UINT64_MAX, 0); /* counts */
    for (int i = 0; i < N; i++) {
        c[i] = fmq__chunk_new(FMQ__CHUNK_MAX);
        REQUIRE(c[i] != NULL);
    }
    CHECK_EQ(fmq__alloc_fail_at(1, 1), N - 4);
    CHECK(fmq__chunk_new(FMQ__CHUNK_MAX) == NULL);
    CHECK(fmq__chunk_new(FMQ__CHUNK_MIN) == NULL);
    fmq__chunk_drop(c[0]);
    c[0] = fmq__chunk_new(FMQ__CHUNK_MAX);
    CHECK(c[0] != NULL);
    fmq__alloc_fail_at(0, 0);
    for (int i = 0; i < N; i++) {
        fmq__chunk_drop(c[i]);
    }
}

static void *
drop_chunk(void *arg)
{
    fmq__chunk_drop(arg);
    return NULL;
}

/* A leak would be the leak checker's to find. */
TEST(a_thread_that_ends_gives_its_chunks_back)
{
    for (int i = 0; i < 5; i++) {
        fmq__chunk *c = fmq__chunk_new(FMQ__CHUNK_MAX);
        pthread_t thread;

        REQUIRE(c != NULL);
        REQUIRE(pthread_create(&thread, NULL, drop_chunk, c) == 0);
        pthread_join(thread, NULL);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_new_chunk_is_empty_and_open),
        CASE(a_thread_keeps_a_few_large_chunks),
        CASE(a_thread_that_ends_gives_its_chunks_back),
    };

    return CHECK_MAIN(cases);
}
