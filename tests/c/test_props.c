/* SPDX-License-Identifier: Apache-2.0 */
#include "msg/props.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"

static int
add(fmq__props *p, const char *name, const char *value)
{
    return fmq__props_add(p, name, strlen(name), value, strlen(value));
}

TEST(names_compare_without_case)
{
    fmq__props *p;
    size_t len = 0;

    REQUIRE(fmq__props_new(&p) == 0);
    CHECK(fmq__props_get(p, "Socket-Type", NULL) == NULL);
    CHECK_EQ(add(p, "Socket-Type", "PUSH"), 0);
    CHECK_EQ(add(p, "Identity", ""), 0);
    CHECK_STR(fmq__props_get(p, "socket-TYPE", &len), "PUSH");
    CHECK_EQ(len, 4);
    CHECK_STR(fmq__props_get(p, "Identity", &len), "");
    CHECK_EQ(len, 0);
    CHECK(fmq__props_get(p, "Socket-Typ", &len) == NULL);
    CHECK(fmq__props_get(p, "Socket-Types", &len) == NULL);
    CHECK(fmq__props_get(p, "", &len) == NULL);
    /* Not letters that differ in the same bit: '@' and '`', '[' and '{'. */
    CHECK_EQ(add(p, "X@[", "1"), 0);
    CHECK(fmq__props_get(p, "x`{", NULL) == NULL);
    CHECK_STR(fmq__props_get(p, "x@[", NULL), "1");
    fmq__props_drop(p);
}

TEST(the_first_value_wins)
{
    fmq__props *p;

    REQUIRE(fmq__props_new(&p) == 0);
    CHECK_EQ(add(p, "X", "one"), 0);
    CHECK_EQ(add(p, "x", "two"), 0);
    CHECK_STR(fmq__props_get(p, "X", NULL), "one");
    CHECK_STR(fmq__props_get(p, "x", NULL), "one");
    fmq__props_drop(p);
}

TEST(what_is_put_first_wins)
{
    fmq__props *p;

    REQUIRE(fmq__props_new(&p) == 0);
    CHECK_EQ(fmq__props_add_first(p, "X", "one"), 0);
    CHECK_EQ(add(p, "Y", "two"), 0);
    CHECK_EQ(fmq__props_add_first(p, "y", "three"), 0);
    CHECK_EQ(add(p, "Z", "four"), 0);
    CHECK_STR(fmq__props_get(p, "X", NULL), "one");
    CHECK_STR(fmq__props_get(p, "Y", NULL), "three");
    CHECK_STR(fmq__props_get(p, "Z", NULL), "four");
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__props_add_first(p, "X", "five"), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_STR(fmq__props_get(p, "X", NULL), "one");
    fmq__props_drop(p);
}

TEST(one_before_the_other)
{
    fmq__props *p;
    fmq__props *first;

    REQUIRE(fmq__props_new(&p) == 0 && fmq__props_new(&first) == 0);
    fmq__props_prepend(p, first);
    CHECK_EQ(add(first, "A", "1"), 0);
    CHECK_EQ(add(first, "a", "2"), 0);
    fmq__props_prepend(p, first);
    CHECK(fmq__props_get(first, "A", NULL) == NULL);
    CHECK_STR(fmq__props_get(p, "A", NULL), "1");
    CHECK_EQ(add(p, "B", "3"), 0);
    CHECK_EQ(add(first, "B", "4"), 0);
    CHECK_EQ(add(first, "A", "5"), 0);
    fmq__props_prepend(p, first);
    CHECK_STR(fmq__props_get(p, "A", NULL), "5");
    CHECK_STR(fmq__props_get(p, "B", NULL), "4");
    fmq__props_drop(first);
    fmq__props_drop(p);
}

TEST(a_value_may_hold_any_bytes)
{
    static const char value[] = {0, 1, (char)255, 0};
    fmq__props *p;
    const char *got;
    size_t len = 0;

    REQUIRE(fmq__props_new(&p) == 0);
    CHECK_EQ(fmq__props_add(p, "n", 1, value, sizeof(value)), 0);
    CHECK_EQ(fmq__props_add(p, "e", 1, NULL, 0), 0);
    got = fmq__props_get(p, "N", &len);
    REQUIRE(got != NULL);
    CHECK_EQ(len, sizeof(value));
    CHECK_MEM(got, value, sizeof(value));
    CHECK_EQ(got[sizeof(value)], 0);
    CHECK_STR(fmq__props_get(p, "e", &len), "");
    CHECK_EQ(len, 0);
    fmq__props_hold(p);
    fmq__props_drop(p);
    CHECK(fmq__props_get(p, "n", NULL) == got);
    fmq__props_drop(p);
}

TEST(without_memory_nothing_changes)
{
    fmq__props *p = NULL;

    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__props_new(&p), ENOMEM);
    CHECK(p == NULL);
    REQUIRE(fmq__props_new(&p) == 0);
    CHECK_EQ(add(p, "a", "1"), 0);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(add(p, "b", "2"), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK(fmq__props_get(p, "b", NULL) == NULL);
    CHECK_EQ(fmq__props_add(p, "b", 1, "2", SIZE_MAX - 2), ENOMEM);
    CHECK_EQ(add(p, "b", "3"), 0);
    CHECK_STR(fmq__props_get(p, "a", NULL), "1");
    CHECK_STR(fmq__props_get(p, "b", NULL), "3");
    fmq__props_drop(p);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(names_compare_without_case), CASE(the_first_value_wins),
        CASE(what_is_put_first_wins),     CASE(one_before_the_other),
        CASE(a_value_may_hold_any_bytes), CASE(without_memory_nothing_changes),
    };

    return CHECK_MAIN(cases);
}
