/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/chunk.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void
take(fmq__chunk **c, int n)
{
    for (int i = 0; i < n; i++) {
        c[i] = fmq__chunk_new(FMQ__CHUNK_MAX);
        REQUIRE(c[i] != NULL);
    }
}

static void
drop(fmq__chunk **c, int n)
{
    for (int i = 0; i < n; i++) {
        fmq__chunk_drop(c[i]);
    }
}

TEST(some_large_chunks_are_kept)
{
    enum { N = 80, KEPT = 4 + 64 };
    fmq__chunk *c[N];

    take(c, N);
    drop(c, N);
    (void)fmq__alloc_fail_at(UINT64_MAX, 0); /* counts */
    take(c, N);
    CHECK_EQ(fmq__alloc_fail_at(1, 1), N - KEPT);
    CHECK(fmq__chunk_new(FMQ__CHUNK_MAX) == NULL);
    CHECK(fmq__chunk_new(FMQ__CHUNK_MIN) == NULL);
    fmq__chunk_drop(c[0]);
    c[0] = fmq__chunk_new(FMQ__CHUNK_MAX);
    CHECK(c[0] != NULL);
    fmq__alloc_fail_at(0, 0);
    drop(c, N);
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

/* What one thread fills and another frees comes back to the first. */
TEST(threads_share_what_they_keep)
{
    enum { N = 5 };
    fmq__chunk *c[N];
    pthread_t thread;

    take(c, N);
    (void)fmq__alloc_fail_at(UINT64_MAX, 0);
    for (int i = 0; i < N; i++) {
        REQUIRE(pthread_create(&thread, NULL, drop_chunk, c[i]) == 0);
        pthread_join(thread, NULL);
    }
    take(c, N);
    CHECK_EQ(fmq__alloc_fail_at(0, 0), 0);
    drop(c, N);
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define KEEPS_SHADOWS 1 /* of memory that was freed */
#else
#define KEEPS_SHADOWS 0
#endif

/* Pages of this process that are in memory. */
static long
resident_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long all;
    long resident = -1;

    if (f != NULL) {
        if (fscanf(f, "%ld %ld", &all, &resident) != 2) {
            resident = -1;
        }
        fclose(f);
    }
    return resident;
}

TEST(the_system_has_the_others_again)
{
    enum { N = 1000, BYTES_KEPT = 24 * 1024 * 1024 };
    static fmq__chunk *c[N];
    long page = sysconf(_SC_PAGESIZE);
    long before = resident_pages();
    void *between[N];

    if (before < 0 || KEEPS_SHADOWS) {
        fprintf(stderr, "no /proc here, or a sanitizer, left out\n");
        return;
    }
    for (int i = 0; i < N; i++) {
        take(&c[i], 1);
        memset(c[i]->data, 1, c[i]->cap);
        between[i] = fmq__alloc(100); /* no heap shrinks below this */
        REQUIRE(between[i] != NULL);
    }
    CHECK((resident_pages() - before) * page > (long)(N - 100) * FMQ__CHUNK_MAX);
    drop(c, N);
    CHECK((resident_pages() - before) * page < BYTES_KEPT);
    for (int i = 0; i < N; i++) {
        fmq__free(between[i]);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_new_chunk_is_empty_and_open),
        CASE(some_large_chunks_are_kept),
        CASE(a_thread_that_ends_gives_its_chunks_back),
        CASE(threads_share_what_they_keep),
        CASE(the_system_has_the_others_again),
    };

    return CHECK_MAIN(cases);
}
