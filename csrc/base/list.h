/* SPDX-License-Identifier: Apache-2.0 */
/* list: intrusive, doubly linked, circular.
 *
 * A node is embedded in the object that it links; a node out of any list points to
 * itself, so leaving twice is harmless. FMQ__ITEM goes from the node to the object.
 *
 * Owner:   the list owns nothing.
 * Threads: whoever owns or locks the list.
 */
#ifndef FMQ_BASE_LIST_H
#define FMQ_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fmq__node fmq__node;
struct fmq__node {
    fmq__node *next;
    fmq__node *prev;
};

#define FMQ__ITEM(node, type, member) \
    ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void
fmq__list_init(fmq__node *n)
{
    n->next = n;
    n->prev = n;
}

static inline bool
fmq__list_is_empty(const fmq__node *head)
{
    return head->next == head;
}

/* Whether this node is in a list. */
static inline bool
fmq__list_is_linked(const fmq__node *n)
{
    return n->next != n;
}

static inline void
fmq__list_push_back(fmq__node *head, fmq__node *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

static inline void
fmq__list_push_front(fmq__node *head, fmq__node *n)
{
    fmq__list_push_back(head->next, n);
}

static inline void
fmq__list_remove(fmq__node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    fmq__list_init(n);
}

/* The first node, taken out; NULL if there is none. */
static inline fmq__node *
fmq__list_pop_front(fmq__node *head)
{
    fmq__node *n = head->next;

    if (n == head) {
        return NULL;
    }
    fmq__list_remove(n);
    return n;
}

/* Moves everything of `from` to the end of `to`. */
static inline void
fmq__list_splice_back(fmq__node *to, fmq__node *from)
{
    if (fmq__list_is_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev->next = from->next;
    to->prev = from->prev;
    fmq__list_init(from);
}

#endif
