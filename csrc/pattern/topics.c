/* SPDX-License-Identifier: Apache-2.0 */
/* A node is in the tree because it is in the set, or because at least two children fork
 * there (the root always is). Nothing here recurses: names come from peers and may be
 * as long as they like. */
#include "pattern/topics.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

void
fmq__topics_init(fmq__topics *t)
{
    t->root = NULL;
    t->n = 0;
}

static void
free_topic(fmq__topic *topic)
{
    fmq__free_one(topic->memory, topic->label_len);
    fmq__free_one(topic->child, topic->cap * sizeof(fmq__topic *));
    fmq__free_one(topic, sizeof(*topic));
}

/* A node with a label of its own; NULL: no memory. */
static fmq__topic *
new_topic(const uint8_t *label, size_t len)
{
    fmq__topic *topic = fmq__calloc(1, sizeof(*topic));

    if (topic == NULL) {
        return NULL;
    }
    fmq__list_init(&topic->users);
    if (len != 0) {
        topic->memory = fmq__alloc(len);
        if (topic->memory == NULL) {
            fmq__free(topic);
            return NULL;
        }
        memcpy(topic->memory, label, len);
        topic->label = topic->memory;
        topic->label_len = len;
    }
    return topic;
}

void
fmq__topics_fini(fmq__topics *t)
{
    fmq__topic *at = t->root;

    while (at != NULL) {
        fmq__topic *parent = at->parent;

        if (at->n_children != 0) {
            at = at->child[--at->n_children];
            continue;
        }
        free_topic(at);
        at = parent;
    }
    fmq__topics_init(t);
}

/* --- children --- */

/* Where a label that begins with `first` is, or would be. */
static uint16_t
place_of(const fmq__topic *topic, uint8_t first)
{
    uint16_t low = 0;
    uint16_t high = topic->n_children;

    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);

        if (topic->child[middle]->label[0] < first) {
            low = (uint16_t)(middle + 1);
        } else {
            high = middle;
        }
    }
    return low;
}

static fmq__topic *
child_of(const fmq__topic *topic, uint8_t first)
{
    uint16_t at = place_of(topic, first);

    return at < topic->n_children && topic->child[at]->label[0] == first
               ? topic->child[at]
               : NULL;
}

static int
reserve_child(fmq__topic *topic)
{
    uint16_t cap = topic->cap == 0 ? 2 : (uint16_t)(2 * topic->cap);
    fmq__topic **grown;

    if (topic->n_children < topic->cap) {
        return 0;
    }
    grown = fmq__realloc(topic->child, cap * sizeof(fmq__topic *));
    if (grown == NULL) {
        return ENOMEM;
    }
    topic->child = grown;
    topic->cap = cap;
    return 0;
}

/* There is room for it. */
static void
add_child(fmq__topic *topic, fmq__topic *child)
{
    uint16_t at = place_of(topic, child->label[0]);

    memmove(topic->child + at + 1, topic->child + at,
            (size_t)(topic->n_children - at) * sizeof(fmq__topic *));
    topic->child[at] = child;
    topic->n_children++;
    child->parent = topic;
}

static void
remove_child(fmq__topic *topic, const fmq__topic *child)
{
    uint16_t at = place_of(topic, child->label[0]);

    topic->n_children--;
    memmove(topic->child + at, topic->child + at + 1,
            (size_t)(topic->n_children - at) * sizeof(fmq__topic *));
    if (topic->n_children == 0) {
        fmq__free(topic->child);
        topic->child = NULL;
        topic->cap = 0;
    } else if (topic->n_children <= topic->cap / 4) {
        uint16_t cap = (uint16_t)(topic->cap / 2);
        fmq__topic **less = fmq__realloc(topic->child, cap * sizeof(fmq__topic *));

        if (less != NULL) {
            topic->child = less;
            topic->cap = cap;
        }
    }
}

/* --- finding and putting in --- */

static size_t
common_len(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t max = a_len < b_len ? a_len : b_len;
    size_t n = 0;

    while (n < max && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* Makes a fork of the first `len` bytes of the label, and a child of the rest. */
static fmq__topic *
split(fmq__topic *topic, size_t len)
{
    fmq__topic *parent = topic->parent;
    fmq__topic *fork = new_topic(topic->label, len);

    if (fork == NULL) {
        return NULL;
    }
    if (reserve_child(fork) != 0) {
        free_topic(fork);
        return NULL;
    }
    parent->child[place_of(parent, topic->label[0])] = fork;
    fork->parent = parent;
    topic->label += len;
    topic->label_len -= len;
    add_child(fork, topic);
    return fork;
}

/* Undoes what is of no use: a fork that does not fork. */
static void
tidy(fmq__topic *topic)
{
    fmq__topic *parent = topic->parent;
    fmq__topic *child;
    uint8_t *label;

    if (topic->n != 0 || parent == NULL || topic->n_children > 1) {
        return;
    }
    if (topic->n_children == 0) {
        remove_child(parent, topic);
        free_topic(topic);
        tidy(parent); /* which had two: it goes no further */
        return;
    }
    child = topic->child[0];
    label = fmq__alloc(topic->label_len + child->label_len);
    if (label == NULL) {
        return; /* it only costs a step */
    }
    memcpy(label, topic->label, topic->label_len);
    memcpy(label + topic->label_len, child->label, child->label_len);
    parent->child[place_of(parent, topic->label[0])] = child;
    child->parent = parent;
    fmq__free(child->memory);
    child->memory = label;
    child->label = label;
    child->label_len += topic->label_len;
    free_topic(topic);
}

static int
put_leaf(fmq__topic *parent, const uint8_t *label, size_t len, fmq__topic **leaf)
{
    fmq__topic *topic = reserve_child(parent) == 0 ? new_topic(label, len) : NULL;

    if (topic == NULL) {
        tidy(parent);
        return ENOMEM;
    }
    add_child(parent, topic);
    *leaf = topic;
    return 0;
}

int
fmq__topics_get(fmq__topics *t, const uint8_t *name, size_t len, fmq__topic **topic)
{
    fmq__topic *at = t->root;

    if (at == NULL) {
        at = new_topic(NULL, 0);
        if (at == NULL) {
            return ENOMEM;
        }
        t->root = at;
    }
    while (len != 0) {
        fmq__topic *child = child_of(at, name[0]);
        size_t n;

        if (child == NULL) {
            return put_leaf(at, name, len, topic);
        }
        n = common_len(child->label, child->label_len, name, len);
        if (n < child->label_len) {
            child = split(child, n);
            if (child == NULL) {
                return ENOMEM;
            }
        }
        at = child;
        name += n;
        len -= n;
    }
    *topic = at;
    return 0;
}

fmq__topic *
fmq__topics_find(const fmq__topics *t, const uint8_t *name, size_t len)
{
    fmq__topic *at = t->root;

    while (at != NULL && len != 0) {
        fmq__topic *child = child_of(at, name[0]);

        if (child == NULL || child->label_len > len ||
            memcmp(child->label, name, child->label_len) != 0) {
            return NULL;
        }
        name += child->label_len;
        len -= child->label_len;
        at = child;
    }
    return at != NULL && at->n != 0 ? at : NULL;
}

bool
fmq__topics_add(fmq__topics *t, fmq__topic *topic)
{
    bool is_first = topic->n++ == 0;

    t->n += is_first ? 1 : 0;
    return is_first;
}

void
fmq__topics_put_back(fmq__topics *t, fmq__topic *topic)
{
    (void)t;
    tidy(topic);
}

bool
fmq__topics_remove(fmq__topics *t, fmq__topic *topic)
{
    if (--topic->n != 0) {
        return false;
    }
    t->n--;
    tidy(topic);
    return true;
}

/* --- walks --- */

/* Goes on to the next topic of the set on the way down. */
static void
descend(fmq__topic_walk *w, fmq__topic *at)
{
    while (w->len != 0) {
        at = child_of(at, w->text[0]);
        if (at == NULL || at->label_len > w->len ||
            memcmp(at->label, w->text, at->label_len) != 0) {
            break;
        }
        w->text += at->label_len;
        w->len -= at->label_len;
        if (at->n != 0) {
            w->next = at;
            return;
        }
    }
    w->next = NULL;
}

void
fmq__topics_match(const fmq__topics *t, const uint8_t *text, size_t len,
                  fmq__topic_walk *walk)
{
    walk->text = text;
    walk->len = len;
    walk->next = NULL;
    if (t->root == NULL) {
        return;
    }
    if (t->root->n != 0) {
        walk->next = t->root;
    } else {
        descend(walk, t->root);
    }
}

fmq__topic *
fmq__topic_walk_next(fmq__topic_walk *walk)
{
    fmq__topic *topic = walk->next;

    if (topic != NULL) {
        descend(walk, topic);
    }
    return topic;
}

/* The node after `at` in preorder. */
static fmq__topic *
after(fmq__topic *at)
{
    if (at->n_children != 0) {
        return at->child[0];
    }
    while (at->parent != NULL) {
        const fmq__topic *parent = at->parent;
        uint16_t next = (uint16_t)(place_of(parent, at->label[0]) + 1);

        if (next < parent->n_children) {
            return parent->child[next];
        }
        at = at->parent;
    }
    return NULL;
}

fmq__topic *
fmq__topics_next(const fmq__topics *t, fmq__topic *topic)
{
    fmq__topic *at = topic == NULL ? t->root : after(topic);

    while (at != NULL && at->n == 0) {
        at = after(at);
    }
    return at;
}

size_t
fmq__topic_len(const fmq__topic *topic)
{
    size_t len = 0;

    for (; topic != NULL; topic = topic->parent) {
        len += topic->label_len;
    }
    return len;
}

void
fmq__topic_name(const fmq__topic *topic, uint8_t *name)
{
    size_t at = fmq__topic_len(topic);

    for (; topic->parent != NULL; topic = topic->parent) {
        at -= topic->label_len;
        memcpy(name + at, topic->label, topic->label_len);
    }
}
