/* SPDX-License-Identifier: Apache-2.0 */
#include "session/bounds.h"

#include "check.h"

TEST(without_limits_everything_may_come)
{
    fmq__bounds b;

    fmq__bounds_init(&b, -1, 0, 0);
    CHECK(!fmq__bounds_refuse(&b, 0, UINT64_MAX));
    CHECK(!fmq__bounds_refuse_sealed(&b, UINT64_MAX));
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1ULL << 50), 0);
        CHECK(b.is_inside);
    }
    CHECK(!fmq__bounds_refuse(&b, FMQ__MORE, 1ULL << 50));
    CHECK_EQ(fmq__bounds_take(&b, 0, 1), 0);
    CHECK(!b.is_inside);
}

TEST(each_part_by_itself)
{
    fmq__bounds b;

    fmq__bounds_init(&b, 10, 0, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(!fmq__bounds_refuse(&b, 0, 10));
        CHECK(fmq__bounds_refuse(&b, 0, 11));
        CHECK(fmq__bounds_refuse(&b, FMQ__COMMAND, 11));
        CHECK(fmq__bounds_refuse_sealed(&b, 11));
        CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 10), 0);
    }
    fmq__bounds_init(&b, 0, 0, 0);
    CHECK(fmq__bounds_refuse(&b, 0, 1));
}

TEST(all_parts_together)
{
    fmq__bounds b;

    fmq__bounds_init(&b, 10, 15, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(fmq__bounds_refuse(&b, 0, 11));
        CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 9), 0);
        CHECK(!fmq__bounds_refuse(&b, 0, 6));
        CHECK(fmq__bounds_refuse(&b, 0, 7));
        CHECK(!fmq__bounds_refuse(&b, FMQ__COMMAND, 10));
        CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 6), 0);
        CHECK(!fmq__bounds_refuse(&b, 0, 0));
        CHECK(fmq__bounds_refuse(&b, FMQ__MORE, 1));
        CHECK_EQ(fmq__bounds_take(&b, 0, 0), 0); /* and the next is a new one */
    }
    fmq__bounds_init(&b, -1, 15, 0);
    CHECK(!fmq__bounds_refuse_sealed(&b, 15 + FMQ__BOUNDS_SEAL));
    CHECK(fmq__bounds_refuse_sealed(&b, 16 + FMQ__BOUNDS_SEAL));
}

TEST(how_many_parts)
{
    fmq__bounds b;

    fmq__bounds_init(&b, -1, 0, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fmq__bounds_take(&b, 0, 1), 0);
        CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1), 0);
        CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1), 0);
        CHECK_EQ(fmq__bounds_take(&b, 0, 1), 0);
    }
    CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1), 0);
    CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1), 0);
    CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1), EMSGSIZE);
    fmq__bounds_init(&b, -1, 0, 1);
    CHECK_EQ(fmq__bounds_take(&b, 0, 1), 0);
    CHECK_EQ(fmq__bounds_take(&b, FMQ__MORE, 1), EMSGSIZE);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(without_limits_everything_may_come),
        CASE(each_part_by_itself),
        CASE(all_parts_together),
        CASE(how_many_parts),
    };

    return CHECK_MAIN(cases);
}
