/* SPDX-License-Identifier: Apache-2.0 */
#include "capi/plate.h"

#include "check.h"

TEST(a_plate_has_one_handle)
{
    void *plate = NULL;
    void *other = NULL;

    REQUIRE(fmq__plate_give(4711, &plate) == 0);
    REQUIRE(fmq__plate_give(4712, &other) == 0);
    CHECK(plate != other);
    CHECK_EQ(fmq__plate_read(plate), 4711);
    CHECK_EQ(fmq__plate_clear(plate), 4711);
    CHECK_EQ(fmq__plate_clear(plate), 0);
    CHECK_EQ(fmq__plate_read(plate), 0);
    CHECK_EQ(fmq__plate_read(other), 4712);
    CHECK_EQ(fmq__plate_clear(other), 4712);
}

TEST(what_is_no_plate_has_none)
{
    void *plate = NULL;
    fmq_socket no_plate = 4711;

    REQUIRE(fmq__plate_give(4711, &plate) == 0);
    CHECK_EQ(fmq__plate_read(NULL), 0);
    CHECK_EQ(fmq__plate_read(&no_plate), 0);
    CHECK_EQ(fmq__plate_read((char *)plate + 1), 0);
    CHECK_EQ(fmq__plate_clear((char *)plate + 1), 0);
    CHECK_EQ(fmq__plate_clear(NULL), 0);
    CHECK_EQ(fmq__plate_clear(plate), 4711);
}

/* A program that goes on opening and closing meets an old address only after all. */
TEST(they_are_used_in_turn)
{
    void *first = NULL;
    void *plate = NULL;
    void *kept = NULL;
    size_t n = 0;

    REQUIRE(fmq__plate_give(1, &kept) == 0);
    REQUIRE(fmq__plate_give(2, &first) == 0);
    CHECK_EQ(fmq__plate_clear(first), 2);
    do {
        REQUIRE(fmq__plate_give(3, &plate) == 0);
        CHECK(plate != kept);
        CHECK_EQ(fmq__plate_clear(plate), 3);
        n++;
    } while (plate != first);
    CHECK(n > 200000);
    CHECK_EQ(fmq__plate_clear(kept), 1);
}

TEST(there_are_so_many)
{
    enum { MANY = 1 << 20 };
    void **all = calloc(MANY, sizeof(*all));
    size_t n = 0;

    REQUIRE(all != NULL);
    while (n < MANY && fmq__plate_give(5, &all[n]) == 0) {
        n++;
    }
    CHECK(n >= 65536 && n < MANY);
    CHECK_EQ(fmq__plate_give(5, &all[n]), EMFILE);
    while (n > 0) {
        CHECK_EQ(fmq__plate_clear(all[--n]), 5);
    }
    free(all);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_plate_has_one_handle),
        CASE(what_is_no_plate_has_none),
        CASE(they_are_used_in_turn),
        CASE(there_are_so_many),
    };

    return CHECK_MAIN(cases);
}
