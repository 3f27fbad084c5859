/* SPDX-License-Identifier: Apache-2.0 */
/* heap: intrusive pairing heap of 64-bit keys, smallest first.
 *
 * Owner:   the heap owns nothing; nodes are embedded in their objects.
 * Threads: whoever owns the heap.
 * Errors:  none: no memory is needed to insert.
 */
#ifndef FMQ_BASE_HEAP_H
#define FMQ_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fmq__heap_node fmq__heap_node;
struct fmq__heap_node {
    uint64_t key;
    fmq__heap_node *child;
    fmq__heap_node *next;
    fmq__heap_node *prev; /* the left sibling, or the parent of a first child */
};

typedef struct fmq__heap {
    fmq__heap_node *root;
} fmq__heap;

static inline void
fmq__heap_init(fmq__heap *h)
{
    h->root = NULL;
}

/* The smallest, or NULL. */
static inline fmq__heap_node *
fmq__heap_min(const fmq__heap *h)
{
    return h->root;
}

/* Joins `n`, which must be in no heap, under `n->key`. */
void fmq__heap_push(fmq__heap *h, fmq__heap_node *n);

/* Takes `n`, which must be in this heap, out of it. */
void fmq__heap_remove(fmq__heap *h, fmq__heap_node *n);

#endif
