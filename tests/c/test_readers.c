/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/readers.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"

static enum fmq__want
add(fmq__readers *r, fmq__reader *reader, const char *topic)
{
    enum fmq__want what = FMQ__WANT_SAME;

    CHECK_EQ(fmq__readers_add(r, reader, (const uint8_t *)topic, strlen(topic), &what),
             0);
    return what;
}

static enum fmq__want
del(fmq__readers *r, fmq__reader *reader, const char *topic)
{
    return fmq__readers_remove(r, reader, (const uint8_t *)topic, strlen(topic));
}

static void
count(fmq__reader *reader, void *arg)
{
    (void)reader;
    (*(int *)arg)++;
}

static int
n_matches(fmq__readers *r, const char *text)
{
    int n = 0;

    fmq__readers_match(r, (const uint8_t *)text, strlen(text), count, &n);
    return n;
}

static void
drop_all(fmq__readers *r, fmq__reader *reader)
{
    enum fmq__want what;
    size_t len;

    while (fmq__readers_drop_one(r, reader, NULL, 0, &len, &what)) {
    }
}

TEST(each_reader_is_matched_once)
{
    fmq__readers r;
    fmq__reader a;
    fmq__reader b;

    fmq__readers_init(&r);
    fmq__reader_init(&a, NULL);
    fmq__reader_init(&b, NULL);
    CHECK_EQ(add(&r, &a, ""), FMQ__WANT_TURN);
    CHECK_EQ(add(&r, &a, "x"), FMQ__WANT_TURN);
    CHECK_EQ(add(&r, &a, "x"), FMQ__WANT_SAME);
    CHECK_EQ(add(&r, &b, "x"), FMQ__WANT_MORE);
    CHECK_EQ(n_matches(&r, "xyz"), 2);
    CHECK_EQ(n_matches(&r, "y"), 1);
    CHECK_EQ(del(&r, &a, "y"), FMQ__WANT_SAME);
    CHECK_EQ(del(&r, &b, ""), FMQ__WANT_SAME);
    CHECK_EQ(del(&r, &a, "x"), FMQ__WANT_MORE);
    CHECK_EQ(del(&r, &a, "x"), FMQ__WANT_SAME);
    CHECK_EQ(del(&r, &b, "x"), FMQ__WANT_TURN);
    CHECK_EQ(n_matches(&r, "xyz"), 1);
    drop_all(&r, &a);
    CHECK_EQ(n_matches(&r, "xyz"), 0);
    CHECK_EQ(r.topics.n, 0);
    fmq__readers_fini(&r);
}

TEST(what_a_reader_wanted_can_be_taken_back_one_by_one)
{
    fmq__readers r;
    fmq__reader a;
    fmq__reader b;
    uint8_t name[10];
    enum fmq__want what;
    size_t len;

    fmq__readers_init(&r);
    fmq__reader_init(&a, NULL);
    fmq__reader_init(&b, NULL);
    (void)add(&r, &a, "shared");
    (void)add(&r, &b, "shared");
    (void)add(&r, &a, "own");
    CHECK_EQ(fmq__readers_next_len(&a), 6);
    CHECK(fmq__readers_drop_one(&r, &a, name, sizeof(name), &len, &what));
    CHECK_EQ(len, 6);
    CHECK_MEM(name, "shared", 6);
    CHECK_EQ(what, FMQ__WANT_MORE);
    CHECK(fmq__readers_drop_one(&r, &a, name, sizeof(name), &len, &what));
    CHECK_MEM(name, "own", 3);
    CHECK_EQ(what, FMQ__WANT_TURN);
    CHECK(!fmq__readers_drop_one(&r, &a, name, sizeof(name), &len, &what));
    CHECK_EQ(fmq__readers_next_len(&a), 0);
    drop_all(&r, &b);
    fmq__readers_fini(&r);
}

/* Either list may be the shorter one. */
TEST(many_readers_of_one_topic_and_one_of_many)
{
    enum { N = 300 };
    static fmq__reader readers[N];
    fmq__readers r;
    char name[3] = {0};

    fmq__readers_init(&r);
    for (int i = 0; i < N; i++) {
        fmq__reader_init(&readers[i], NULL);
        (void)add(&r, &readers[i], "all");
        name[0] = (char)('a' + i % 26);
        name[1] = (char)('a' + i / 26);
        CHECK_EQ(add(&r, &readers[0], name), FMQ__WANT_TURN);
    }
    CHECK_EQ(n_matches(&r, "all"), N);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(add(&r, &readers[i], "all"), FMQ__WANT_SAME);
        CHECK_EQ(del(&r, &readers[i], "all"),
                 i + 1 < N ? FMQ__WANT_MORE : FMQ__WANT_TURN);
    }
    CHECK_EQ(n_matches(&r, "al"), 1);
    drop_all(&r, &readers[0]);
    CHECK_EQ(r.topics.n, 0);
    fmq__readers_fini(&r);
}

TEST(without_memory_nothing_changes)
{
    int err = ENOMEM;

    for (uint64_t n = 1; err != 0; n++) {
        fmq__readers r;
        fmq__reader a;
        enum fmq__want what;

        fmq__readers_init(&r);
        fmq__reader_init(&a, NULL);
        (void)add(&r, &a, "abcd");
        (void)fmq__alloc_fail_at(n, 0);
        err = fmq__readers_add(&r, &a, (const uint8_t *)"abxy", 4, &what);
        (void)fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            CHECK_EQ(r.topics.n, 1);
            CHECK_EQ(n_matches(&r, "abxy"), 0);
        }
        CHECK_EQ(n_matches(&r, "abcd"), 1);
        drop_all(&r, &a);
        fmq__readers_fini(&r);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(each_reader_is_matched_once),
        CASE(what_a_reader_wanted_can_be_taken_back_one_by_one),
        CASE(many_readers_of_one_topic_and_one_of_many),
        CASE(without_memory_nothing_changes),
    };

    return CHECK_MAIN(cases);
}
