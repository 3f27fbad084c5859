/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/topics.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "check.h"

static fmq__topic *
add(fmq__topics *t, const char *name)
{
    fmq__topic *topic = NULL;

    REQUIRE(fmq__topics_get(t, (const uint8_t *)name, strlen(name), &topic) == 0);
    (void)fmq__topics_add(t, topic);
    return topic;
}

static fmq__topic *
find(const fmq__topics *t, const char *name)
{
    return fmq__topics_find(t, (const uint8_t *)name, strlen(name));
}

/* The names of all that match, one behind the other. */
static const char *
matches(const fmq__topics *t, const char *text)
{
    static char out[1000];
    fmq__topic_walk walk;
    const fmq__topic *topic;
    size_t at = 0;

    fmq__topics_match(t, (const uint8_t *)text, strlen(text), &walk);
    while ((topic = fmq__topic_walk_next(&walk)) != NULL) {
        REQUIRE(at + fmq__topic_len(topic) + 1 < sizeof(out));
        fmq__topic_name(topic, (uint8_t *)out + at);
        at += fmq__topic_len(topic);
        out[at++] = ' ';
    }
    out[at] = 0;
    return out;
}

TEST(prefixes_match_shortest_first)
{
    fmq__topics t;

    fmq__topics_init(&t);
    CHECK_STR(matches(&t, "anything"), "");
    (void)add(&t, "stock/nyse/ibm");
    (void)add(&t, "stock");
    (void)add(&t, "stock/nasdaq");
    (void)add(&t, "st");
    (void)add(&t, "weather");
    CHECK_STR(matches(&t, "stock/nyse/ibm/price"), "st stock stock/nyse/ibm ");
    CHECK_STR(matches(&t, "stock/nyse/ib"), "st stock ");
    CHECK_STR(matches(&t, "stock/nasdaq"), "st stock stock/nasdaq ");
    CHECK_STR(matches(&t, "s"), "");
    CHECK_STR(matches(&t, ""), "");
    (void)add(&t, "");
    CHECK_STR(matches(&t, ""), " ");
    CHECK_STR(matches(&t, "weather"), " weather ");
    CHECK_EQ(t.n, 6);
    CHECK(find(&t, "stock/") == NULL); /* a fork, but no topic */
    CHECK(find(&t, "stock/nasdaq") != NULL);
    fmq__topics_fini(&t);
}

TEST(topics_are_counted)
{
    fmq__topics t;
    fmq__topic *topic;

    fmq__topics_init(&t);
    topic = add(&t, "abc");
    CHECK(!fmq__topics_add(&t, topic));
    CHECK_EQ(t.n, 1);
    CHECK(!fmq__topics_remove(&t, topic));
    CHECK(fmq__topics_remove(&t, topic));
    CHECK_EQ(t.n, 0);
    CHECK(find(&t, "abc") == NULL);
    CHECK_EQ(t.root->n_children, 0);
    fmq__topics_fini(&t);
}

/* --- against a set that is easy to believe --- */

enum { MAX_NAMES = 600, MAX_LEN = 7 };

typedef struct model {
    char name[MAX_NAMES][MAX_LEN + 1];
    unsigned n[MAX_NAMES];
    size_t n_names;
} model;

static uint32_t state = 7;

static uint32_t
below(uint32_t n)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
}

/* Few letters, so that names share beginnings. */
static const char *
any_name(void)
{
    static char name[MAX_LEN + 1];
    uint32_t len = below(MAX_LEN + 1);

    for (uint32_t i = 0; i < len; i++) {
        name[i] = (char)('a' + below(3));
    }
    name[len] = 0;
    return name;
}

static size_t
place(model *m, const char *name)
{
    size_t i = 0;

    while (i < m->n_names && strcmp(m->name[i], name) != 0) {
        i++;
    }
    if (i == m->n_names && i < MAX_NAMES) {
        strcpy(m->name[i], name);
        m->n[i] = 0;
        m->n_names++;
    }
    return i;
}

static void
check_matches(const fmq__topics *t, const model *m, const char *text)
{
    fmq__topic_walk walk;
    size_t found = 0;
    size_t expected = 0;

    fmq__topics_match(t, (const uint8_t *)text, strlen(text), &walk);
    while (fmq__topic_walk_next(&walk) != NULL) {
        found++;
    }
    for (size_t i = 0; i < m->n_names; i++) {
        expected += m->n[i] != 0 && strncmp(text, m->name[i], strlen(m->name[i])) == 0;
    }
    CHECK_EQ(found, expected);
}

static void
check_all(const fmq__topics *t, model *m)
{
    fmq__topic *topic = NULL;
    size_t n = 0;

    while ((topic = fmq__topics_next(t, topic)) != NULL) {
        char name[MAX_LEN + 1] = {0};

        REQUIRE(fmq__topic_len(topic) <= MAX_LEN);
        fmq__topic_name(topic, (uint8_t *)name);
        CHECK_EQ(m->n[place(m, name)], topic->n);
        n++;
    }
    CHECK_EQ(n, t->n);
}

TEST(it_is_the_set_it_should_be)
{
    static model m;
    fmq__topics t;
    size_t n_topics;

    fmq__topics_init(&t);
    for (int step = 0; step < 20000 / CHECK_SLOWNESS; step++) {
        const char *name = any_name();
        size_t i = place(&m, name);
        fmq__topic *topic;

        if (i == MAX_NAMES) {
            continue;
        }
        topic = find(&t, name);
        CHECK_EQ(topic != NULL, m.n[i] != 0);
        if (below(2) == 0) {
            topic = add(&t, name);
            m.n[i]++;
        } else if (topic != NULL) {
            m.n[i]--;
            CHECK_EQ(fmq__topics_remove(&t, topic), m.n[i] == 0);
        }
        check_matches(&t, &m, any_name());
    }
    check_all(&t, &m);
    n_topics = t.n;
    CHECK(n_topics > 20);
    for (size_t i = 0; i < m.n_names; i++) {
        while (m.n[i] != 0) {
            (void)fmq__topics_remove(&t, find(&t, m.name[i]));
            m.n[i]--;
        }
    }
    CHECK_EQ(t.n, 0);
    CHECK_EQ(t.root->n_children, 0); /* it has given everything back */
    fmq__topics_fini(&t);
}

TEST(a_million_topics)
{
    enum { N = 1000 * 1000 / CHECK_SLOWNESS };
    fmq__topics t;
    char name[32];

    fmq__topics_init(&t);
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(name, sizeof(name), "%u/%08x", i % 10, i * 2654435761U);
        (void)add(&t, name);
    }
    CHECK_EQ(t.n, N);
    CHECK_STR(matches(&t, "0/00000000 and more"), "0/00000000 ");
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(name, sizeof(name), "%u/%08x", i % 10, i * 2654435761U);
        CHECK(fmq__topics_remove(&t, find(&t, name)));
    }
    CHECK_EQ(t.root->n_children, 0);
    fmq__topics_fini(&t);
}

/* What the tree does for a text, counted: children looked at and bytes compared. */
static size_t
work_for(const fmq__topics *t, const char *text)
{
    const fmq__topic *at = t->root;
    size_t len = strlen(text);
    size_t work = 0;

    while (at != NULL && len != 0) {
        const fmq__topic *next = NULL;

        for (size_t n = at->n_children; n != 0; n /= 2) {
            work++;
        }
        for (uint16_t i = 0; i < at->n_children; i++) {
            if (at->child[i]->label[0] == (uint8_t)text[0]) {
                next = at->child[i];
            }
        }
        if (next == NULL || next->label_len > len ||
            memcmp(next->label, text, next->label_len) != 0) {
            break;
        }
        CHECK(next->label_len != 0);
        work += next->label_len;
        text += next->label_len;
        len -= next->label_len;
        at = next;
    }
    return work;
}

TEST(a_match_costs_what_the_text_is_long)
{
    enum {
        FEW = 1000,
        MANY = 300 * 1000 / CHECK_SLOWNESS,
        BITS = 9
    }; /* of 256 children */
    static const char *const texts[] = {"topic/00000000/", "topic/9e3779b1/x",
                                        "topic/9e3779b1", "top", "nothing"};
    fmq__topics t;
    char name[32];

    fmq__topics_init(&t);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "topic/%08x/", i * 2654435761U);
        (void)add(&t, name);
        if (i + 1 != FEW && i + 1 != MANY) {
            continue;
        }
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            size_t len = strlen(texts[k]);
            size_t work = work_for(&t, texts[k]);

            CHECK(work <= len * (BITS + 1));
            /* 300 times as many topics are two or three forks of 16 more. */
            CHECK(work <= len + (i + 1 == FEW ? 20 : 40));
        }
    }
    fmq__topics_fini(&t);
}

TEST(a_name_may_be_as_long_as_it_likes)
{
    enum { LEN = 64 * (64 * 1024 / CHECK_SLOWNESS) };
    static uint8_t name[LEN];
    fmq__topics t;
    fmq__topic *topic;

    fmq__topics_init(&t);
    for (size_t len = LEN; len > 0; len -= LEN / 64) {
        CHECK_EQ(fmq__topics_get(&t, name, len, &topic), 0);
        (void)fmq__topics_add(&t, topic);
    }
    CHECK_EQ(t.n, 64);
    topic = fmq__topics_find(&t, name, LEN);
    REQUIRE(topic != NULL);
    CHECK_EQ(fmq__topic_len(topic), LEN);
    fmq__topics_fini(&t);
}

TEST(without_memory_nothing_changes)
{
    static const char *const names[] = {"abcdef", "abcxyz", "abc", "", "b", "bcd"};
    uint64_t n_failed = 0;
    bool is_done = false;

    for (uint64_t n = 1; !is_done; n++) {
        fmq__topics t;
        fmq__topic *topic;
        size_t n_made = 0;
        int err = 0;

        fmq__topics_init(&t);
        (void)fmq__alloc_fail_at(n, 0);
        for (size_t i = 0; i < 6 && err == 0; i++) {
            err = fmq__topics_get(&t, (const uint8_t *)names[i], strlen(names[i]),
                                  &topic);
            if (err == 0) {
                (void)fmq__topics_add(&t, topic);
                n_made++;
            }
        }
        (void)fmq__alloc_fail_at(0, 0);
        is_done = err == 0;
        n_failed += err != 0;
        CHECK(err == 0 || err == ENOMEM);
        CHECK_EQ(t.n, n_made);
        for (size_t i = 0; i < 6; i++) {
            CHECK_EQ(find(&t, names[i]) != NULL, i < n_made);
        }
        fmq__topics_fini(&t);
    }
    CHECK(n_failed > 6);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(prefixes_match_shortest_first),
        CASE(topics_are_counted),
        CASE(it_is_the_set_it_should_be),
        CASE(a_million_topics),
        CASE(a_match_costs_what_the_text_is_long),
        CASE(a_name_may_be_as_long_as_it_likes),
        CASE(without_memory_nothing_changes),
    };

    return CHECK_MAIN(cases);
}
