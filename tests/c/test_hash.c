/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <errno.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "check.h"

enum { N = 1000 };

typedef struct item {
    fmq__hash_node node;
    char key[20];
    bool is_seen;
} item;

static item items[N];

static void
name_items(void)
{
    for (int i = 0; i < N; i++) {
        snprintf(items[i].key, sizeof(items[i].key), "peer-%d", i);
        items[i].is_seen = false;
    }
}

static int
put(fmq__hash *h, item *it)
{
    return fmq__hash_put(h, &it->node, it->key, strlen(it->key));
}

static fmq__hash_node *
get(const fmq__hash *h, const char *key)
{
    return fmq__hash_get(h, key, strlen(key));
}

/* Made with CPython's own SipHash-1-3 under PYTHONHASHSEED 0 and 42. */
TEST(siphash_vectors)
{
    static const uint64_t keys[2][2] = {
        {0, 0},
        {UINT64_C(0xdc504fd368cd90af), UINT64_C(0xb920bb9ffe99e9c1)},
    };
    static const struct {
        int key;
        const char *text;
        uint64_t hash;
    } rows[] = {
        {0, "a", UINT64_C(0x407448d2b89b1813)},
        {0, "abcdefgh", UINT64_C(0x3f7b849c0b8e35ea)},
        {0, "abcdefghijklmno", UINT64_C(0x1fd27a29b0e9dc7a)},
        {0, "The quick brown fox", UINT64_C(0x975e410714568333)},
        {1, "a", UINT64_C(0xfe4a47335692551e)},
        {1, "abcdefgh", UINT64_C(0xb441be6d79f21056)},
        {1, "abcdefghijklmno", UINT64_C(0xbaed8ce4a6c84f95)},
        {1, "The quick brown fox", UINT64_C(0x93d27b6cade092c0)},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(fmq__hash_bytes(keys[rows[i].key], rows[i].text, strlen(rows[i].text)) ==
              rows[i].hash);
    }
}

TEST(finds_what_was_put)
{
    fmq__hash h;

    name_items();
    fmq__hash_init(&h);
    CHECK(get(&h, "peer-0") == NULL);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(put(&h, &items[i]), 0);
    }
    CHECK_EQ(h.n_items, N);
    CHECK(h.n_buckets >= N);
    for (int i = 0; i < N; i++) {
        CHECK(get(&h, items[i].key) == &items[i].node);
    }
    CHECK(get(&h, "peer-1000") == NULL);
    CHECK(get(&h, "peer") == NULL);
    for (int i = 0; i < N; i += 2) {
        fmq__hash_remove(&h, &items[i].node);
    }
    CHECK_EQ(h.n_items, N / 2);
    for (int i = 0; i < N; i++) {
        CHECK((get(&h, items[i].key) != NULL) == (i % 2 == 1));
    }
    fmq__hash_fini(&h);
}

TEST(keys_are_bytes)
{
    static const char zeros[2] = {0, 0};
    fmq__hash h;
    fmq__hash_node none;
    fmq__hash_node one;
    fmq__hash_node two;

    fmq__hash_init(&h);
    CHECK_EQ(fmq__hash_put(&h, &none, NULL, 0), 0);
    CHECK_EQ(fmq__hash_put(&h, &one, zeros, 1), 0);
    CHECK_EQ(fmq__hash_put(&h, &two, zeros, 2), 0);
    CHECK(fmq__hash_get(&h, "", 0) == &none);
    CHECK(fmq__hash_get(&h, zeros, 1) == &one);
    CHECK(fmq__hash_get(&h, zeros, 2) == &two);
    fmq__hash_fini(&h);
}

/* Visits every one once, also if each is removed after the next was fetched. */
TEST(walks)
{
    fmq__hash h;
    fmq__hash_node *n;
    fmq__hash_node *next;
    int n_seen = 0;

    name_items();
    fmq__hash_init(&h);
    CHECK(fmq__hash_next(&h, NULL) == NULL);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(put(&h, &items[i]), 0);
    }
    for (n = fmq__hash_next(&h, NULL); n != NULL; n = next) {
        item *it = (item *)(void *)n;

        next = fmq__hash_next(&h, n);
        CHECK(!it->is_seen);
        it->is_seen = true;
        n_seen++;
        fmq__hash_remove(&h, n);
    }
    CHECK_EQ(n_seen, N);
    CHECK_EQ(h.n_items, 0);
    fmq__hash_fini(&h);
}

TEST(only_the_first_array_can_fail)
{
    fmq__hash h;

    name_items();
    fmq__hash_init(&h);
    fmq__alloc_fail_at(1, 1);
    CHECK_EQ(put(&h, &items[0]), ENOMEM);
    CHECK_EQ(h.n_items, 0);
    CHECK(get(&h, items[0].key) == NULL);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(put(&h, &items[0]), 0);
    fmq__alloc_fail_at(1, 1);
    for (int i = 1; i < N; i++) {
        CHECK_EQ(put(&h, &items[i]), 0);
    }
    fmq__alloc_fail_at(0, 0);
    CHECK(h.n_buckets < N);
    for (int i = 0; i < N; i++) {
        CHECK(get(&h, items[i].key) == &items[i].node);
    }
    fmq__hash_fini(&h);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(siphash_vectors),
        CASE(finds_what_was_put),
        CASE(keys_are_bytes),
        CASE(walks),
        CASE(only_the_first_array_can_fail),
    };

    return CHECK_MAIN(cases);
}
