/* SPDX-License-Identifier: Apache-2.0 */
/* A pairing heap: every node's key is at least its parent's; children form a list, the
 * latest first. Joining two heaps puts the larger root in front of the other's
 * children; removing a node joins its children in pairs, left to right, and the pairs
 * right to left, which makes a removal O(log n) on average.
 */
#include "base/heap.h"

/* Both are roots: no prev, no next. */
static fmq__heap_node *
join(fmq__heap_node *a, fmq__heap_node *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    if (b->key < a->key) {
        fmq__heap_node *t = a;

        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child != NULL) {
        a->child->prev = b;
    }
    a->child = b;
    return a;
}

static void
make_root(fmq__heap_node *n)
{
    n->next = NULL;
    n->prev = NULL;
}

/* One heap of a list of siblings; NULL for none. */
static fmq__heap_node *
join_siblings(fmq__heap_node *first)
{
    fmq__heap_node *pairs = NULL; /* linked by next, the rightmost first */
    fmq__heap_node *all = NULL;

    while (first != NULL) {
        fmq__heap_node *a = first;
        fmq__heap_node *b = a->next;

        first = b != NULL ? b->next : NULL;
        make_root(a);
        if (b != NULL) {
            make_root(b);
        }
        a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        fmq__heap_node *a = pairs;

        pairs = a->next;
        make_root(a);
        all = join(all, a);
    }
    return all;
}

void
fmq__heap_push(fmq__heap *h, fmq__heap_node *n)
{
    n->child = NULL;
    make_root(n);
    h->root = join(h->root, n);
}

void
fmq__heap_remove(fmq__heap *h, fmq__heap_node *n)
{
    fmq__heap_node *orphans = join_siblings(n->child);

    n->child = NULL;
    if (n == h->root) {
        h->root = orphans;
        return;
    }
    if (n->prev->child == n) {
        n->prev->child = n->next;
    } else {
        n->prev->next = n->next;
    }
    if (n->next != NULL) {
        n->next->prev = n->prev;
    }
    make_root(n);
    h->root = join(h->root, orphans);
}
