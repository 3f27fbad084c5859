/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions come and go, and memory is not always there: the tree must agree with a
 * list that is searched from end to end.
 *
 * The input is a sequence of operations: a byte for what to do and how long the name
 * is, then the name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "pattern/topics.h"

enum { MAX_NAMES = 400, LEN_MASK = 31 };

typedef struct name {
    const uint8_t *data; /* in the input */
    size_t len;
    unsigned n;
} name;

typedef struct model {
    name names[MAX_NAMES];
    size_t n_names;
    size_t n_set; /* those with n != 0 */
} model;

static name *
find(model *m, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < m->n_names; i++) {
        if (m->names[i].len == len && memcmp(m->names[i].data, data, len) == 0) {
            return &m->names[i];
        }
    }
    return NULL;
}

static name *
find_or_add(model *m, const uint8_t *data, size_t len)
{
    name *found = find(m, data, len);

    if (found == NULL && m->n_names < MAX_NAMES) {
        found = &m->names[m->n_names++];
        *found = (name){data, len, 0};
    }
    return found;
}

static void
subscribe(fmq__topics *t, model *m, const uint8_t *data, size_t len)
{
    name *known = find_or_add(m, data, len);
    fmq__topic *topic;

    if (known == NULL || fmq__topics_get(t, data, len, &topic) != 0) {
        return;
    }
    require(topic->n == known->n);
    require(fmq__topics_add(t, topic) == (known->n == 0));
    m->n_set += known->n++ == 0;
}

/* A look, as one that thinks better of it. */
static void
touch(fmq__topics *t, const uint8_t *data, size_t len)
{
    fmq__topic *topic;

    if (fmq__topics_get(t, data, len, &topic) == 0) {
        fmq__topics_put_back(t, topic);
    }
}

static void
cancel(fmq__topics *t, model *m, const uint8_t *data, size_t len)
{
    name *known = find(m, data, len);
    fmq__topic *topic = fmq__topics_find(t, data, len);

    require((topic != NULL) == (known != NULL && known->n != 0));
    if (topic != NULL) {
        require(fmq__topics_remove(t, topic) == (known->n == 1));
        m->n_set -= --known->n == 0;
    }
}

/* The topics that match, shortest first, are those of the model that are prefixes. */
static void
match(const fmq__topics *t, const model *m, const uint8_t *text, size_t len)
{
    fmq__topic_walk walk;
    const fmq__topic *topic;
    size_t n = 0;
    size_t expected = 0;
    size_t shortest = 0;

    fmq__topics_match(t, text, len, &walk);
    while ((topic = fmq__topic_walk_next(&walk)) != NULL) {
        uint8_t got[LEN_MASK + 1];
        size_t got_len = fmq__topic_len(topic);

        require(got_len <= len && got_len <= LEN_MASK && got_len >= shortest);
        fmq__topic_name(topic, got);
        require(memcmp(got, text, got_len) == 0);
        shortest = got_len + 1;
        n++;
    }
    for (size_t i = 0; i < m->n_names; i++) {
        const name *a = &m->names[i];

        expected +=
            a->n != 0 && a->len <= len && memcmp(a->data, text, a->len) == 0 ? 1 : 0;
    }
    require(n == expected);
}

static int
compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* All of them, in order. */
static void
check_walk(const fmq__topics *t, model *m)
{
    uint8_t last[LEN_MASK + 1];
    size_t last_len = 0;
    size_t n = 0;

    for (fmq__topic *at = fmq__topics_next(t, NULL); at != NULL;
         at = fmq__topics_next(t, at)) {
        uint8_t here[LEN_MASK + 1];
        size_t len = fmq__topic_len(at);
        const name *known;

        require(len <= LEN_MASK);
        fmq__topic_name(at, here);
        known = find(m, here, len);
        require(known != NULL && known->n == at->n);
        require(n == 0 || compare(last, last_len, here, len) < 0);
        memcpy(last, here, len);
        last_len = len;
        n++;
    }
    require(n == m->n_set && n == t->n);
}

static void
run(fmq__topics *t, model *m, const uint8_t *data, size_t size)
{
    while (size != 0) {
        unsigned what = data[0] >> 5;
        size_t len = data[0] & LEN_MASK;

        data++;
        size--;
        len = len < size ? len : size;
        switch (what) {
        case 0:
        case 1:
        case 2:
            subscribe(t, m, data, len);
            break;
        case 3:
        case 4:
            cancel(t, m, data, len);
            break;
        case 5:
            match(t, m, data, len);
            break;
        case 6:
            touch(t, data, len);
            break;
        default:
            (void)fmq__alloc_fail_at(len, 0); /* soon, or with 0 not at all */
            break;
        }
        data += len;
        size -= len;
    }
    (void)fmq__alloc_fail_at(0, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static model m;
    fmq__topics t;

    if (size > 4096) {
        return 0;
    }
    m.n_names = 0;
    m.n_set = 0;
    fmq__topics_init(&t);
    run(&t, &m, data, size);
    check_walk(&t, &m);
    /* What is all cancelled leaves nothing but the root, if every tidying had its
     * memory, and fini takes what is left. */
    for (size_t i = 0; i < m.n_names; i++) {
        while (m.names[i].n != 0) {
            cancel(&t, &m, m.names[i].data, m.names[i].len);
        }
    }
    check_walk(&t, &m);
    fmq__topics_fini(&t);
    return 0;
}
