/* SPDX-License-Identifier: Apache-2.0 */
/* Four classes of sizes to a doubling, so that a block is at most a quarter longer than
 * it was asked to be; a few places for blocks to a class, each an atomic word:
 *
 *   P1 give: compare-exchange (release) -> P2 take: exchange (acquire)
 *      Who takes a block sees that its last owner is through with it.
 */
#include "base/pool.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/alloc.h"

enum { STEPS = 4, DOUBLINGS = 6, CLASSES = STEPS * DOUBLINGS + 1, PLACES = 4 };

_Static_assert((uint64_t)FMQ__POOL_MIN << DOUBLINGS == FMQ__POOL_MAX, "the classes");

static _Atomic(void *) places[CLASSES][PLACES];
static _Atomic size_t n_bytes; /* kept; about right is right enough */

static size_t
size_of(uint32_t size_class)
{
    size_t base = (size_t)FMQ__POOL_MIN << (size_class / STEPS);

    return base + base / STEPS * (size_class % STEPS);
}

static uint32_t
class_of(size_t size)
{
    uint32_t c = 0;

    while (size_of(c) < size) {
        c++;
    }
    return c;
}

/* A block that was kept; NULL: none. */
static void *
find(uint32_t c)
{
    for (int i = 0; i < PLACES; i++) {
        void *block;

        /* Relaxed: a look, so that empty places are only read. */
        if (atomic_load_explicit(&places[c][i], memory_order_relaxed) == NULL) {
            continue;
        }
        block = atomic_exchange_explicit(&places[c][i], NULL,
                                         memory_order_acquire); /* P2 */
        if (block != NULL) {
            atomic_fetch_sub_explicit(&n_bytes, size_of(c), memory_order_relaxed);
            return block;
        }
    }
    return NULL;
}

void *
fmq__pool_take(size_t size, uint32_t *size_class)
{
    uint32_t c = class_of(size);
    void *block = find(c);

    *size_class = c;
    if (block == NULL) {
        return fmq__alloc(size_of(c));
    }
    if (fmq__alloc_refuses()) {
        fmq__pool_give(block, c);
        return NULL;
    }
    return block;
}

/* Makes room in the books for a block; false: enough are kept. */
static bool
reserve(size_t size)
{
    if (atomic_fetch_add_explicit(&n_bytes, size, memory_order_relaxed) + size <=
        FMQ__POOL_BYTES) {
        return true;
    }
    atomic_fetch_sub_explicit(&n_bytes, size, memory_order_relaxed);
    return false;
}

void
fmq__pool_give(void *block, uint32_t size_class)
{
    size_t size = size_of(size_class);

    if (!reserve(size)) {
        fmq__free(block);
        return;
    }
    for (int i = 0; i < PLACES; i++) {
        void *none = NULL;

        if (atomic_compare_exchange_strong_explicit(&places[size_class][i], &none,
                                                    block, memory_order_release,
                                                    memory_order_relaxed)) { /* P1 */
            return;
        }
    }
    atomic_fetch_sub_explicit(&n_bytes, size, memory_order_relaxed);
    fmq__free(block);
}
