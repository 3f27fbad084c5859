/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "check.h"

enum { N = 200, N_STEPS = 20000 };

/* The same sequence every time. */
static uint32_t
next_random(void)
{
    static uint32_t x = 2463534242;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static void
push_key(fmq__heap *h, fmq__heap_node *n, uint64_t key)
{
    n->key = key;
    fmq__heap_push(h, n);
}

TEST(empty)
{
    fmq__heap h;
    fmq__heap_node n;

    fmq__heap_init(&h);
    CHECK(fmq__heap_min(&h) == NULL);
    push_key(&h, &n, 5);
    CHECK(fmq__heap_min(&h) == &n);
    fmq__heap_remove(&h, &n);
    CHECK(fmq__heap_min(&h) == NULL);
}

TEST(comes_out_sorted)
{
    fmq__heap h;
    fmq__heap_node nodes[N];
    uint64_t last = 0;

    fmq__heap_init(&h);
    for (int i = 0; i < N; i++) {
        push_key(&h, &nodes[i], next_random() % 50);
    }
    for (int i = 0; i < N; i++) {
        fmq__heap_node *n = fmq__heap_min(&h);

        REQUIRE(n != NULL);
        CHECK(n->key >= last);
        last = n->key;
        fmq__heap_remove(&h, n);
    }
    CHECK(fmq__heap_min(&h) == NULL);
}

TEST(keys_may_be_as_large_as_they_like)
{
    fmq__heap h;
    fmq__heap_node a;
    fmq__heap_node b;

    fmq__heap_init(&h);
    push_key(&h, &a, UINT64_MAX);
    push_key(&h, &b, UINT64_MAX - 1);
    CHECK(fmq__heap_min(&h) == &b);
}

/* Pushes, and removals of any node, against a plain array. */
TEST(agrees_with_a_search)
{
    fmq__heap h;
    fmq__heap_node nodes[N];
    bool is_in[N] = {false};

    fmq__heap_init(&h);
    for (int step = 0; step < N_STEPS; step++) {
        uint32_t i = next_random() % N;
        uint64_t min = UINT64_MAX;

        if (is_in[i]) {
            fmq__heap_remove(&h, &nodes[i]);
        } else {
            push_key(&h, &nodes[i], next_random() % 1000);
        }
        is_in[i] = !is_in[i];
        for (int k = 0; k < N; k++) {
            if (is_in[k] && nodes[k].key < min) {
                min = nodes[k].key;
            }
        }
        REQUIRE((fmq__heap_min(&h) == NULL) == (min == UINT64_MAX));
        if (min != UINT64_MAX) {
            REQUIRE(fmq__heap_min(&h)->key == min);
        }
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(empty),
        CASE(comes_out_sorted),
        CASE(keys_may_be_as_large_as_they_like),
        CASE(agrees_with_a_search),
    };

    return CHECK_MAIN(cases);
}
