/* SPDX-License-Identifier: Apache-2.0 */
#include "msg/msg.h"

#include "base/alloc.h"
#include "check.h"

static int n_freed;

static void
count_free(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

static void
fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(seed + i * 7);
    }
}

static int
is_empty(fmq__msg *m)
{
    static const fmq__msg zero;

    return memcmp(m, &zero, sizeof(zero)) == 0 && fmq__msg_len(m) == 0;
}

static const size_t sizes[] = {0, 1, 31, 32, 33, 64, 4096, 100000};
enum { N_SIZES = sizeof(sizes) / sizeof(sizes[0]) };

TEST(zeros_are_an_empty_part)
{
    fmq__msg m = {0};
    fmq__msg raw;

    memset(&raw, 0xA5, sizeof(raw));
    fmq__msg_init(&raw);
    CHECK(is_empty(&raw));
    CHECK(is_empty(&m));
    CHECK(fmq__msg_data(&m) != NULL);
    fmq__msg_close(&m);
    CHECK(is_empty(&m));
}

TEST(every_size_is_copied)
{
    static uint8_t bytes[100000];

    fill(bytes, sizeof(bytes), 3);
    for (size_t i = 0; i < N_SIZES; i++) {
        fmq__msg m;

        memset(&m, 0xA5, sizeof(m));
        REQUIRE(fmq__msg_init_copy(&m, bytes, sizes[i]) == 0);
        CHECK_EQ(m.kind,
                 sizes[i] <= FMQ__MSG_INLINE_MAX ? FMQ__MSG_INLINE : FMQ__MSG_BODY);
        CHECK_EQ(fmq__msg_len(&m), sizes[i]);
        CHECK_MEM(fmq__msg_data(&m), bytes, sizes[i]);
        CHECK(m.flags == 0 && m.props == NULL && m.routing_id == 0 && m.group_len == 0);
        fmq__msg_close(&m);
        CHECK(is_empty(&m));
    }
    {
        fmq__msg m;

        CHECK_EQ(fmq__msg_init_copy(&m, NULL, 0), 0);
        CHECK(is_empty(&m));
    }
}

TEST(moving_empties_the_source)
{
    for (size_t i = 0; i < N_SIZES; i++) {
        fmq__msg a;
        fmq__msg b;

        REQUIRE(fmq__msg_init_size(&a, sizes[i]) == 0);
        REQUIRE(fmq__msg_init_size(&b, 5000) == 0);
        fill(fmq__msg_data(&a), sizes[i], 9);
        a.flags = FMQ__MORE;
        fmq__msg_move(&b, &a);
        CHECK(is_empty(&a));
        CHECK_EQ(fmq__msg_len(&b), sizes[i]);
        CHECK_EQ(b.flags, FMQ__MORE);
        fmq__msg_move(&b, &b);
        CHECK_EQ(fmq__msg_len(&b), sizes[i]);
        if (sizes[i] > 0) {
            CHECK_EQ(fmq__msg_data(&b)[sizes[i] - 1],
                     (uint8_t)(9 + (sizes[i] - 1) * 7));
        }
        fmq__msg_close(&b);
    }
}

TEST(bytes_may_be_copied_to_move)
{
    fmq__msg a;
    fmq__msg b;

    REQUIRE(fmq__msg_init_copy(&a, "inline", 6) == 0);
    memcpy(&b, &a, sizeof(a));
    memset(&a, 0xA5, sizeof(a));
    CHECK_EQ(fmq__msg_len(&b), 6);
    CHECK_MEM(fmq__msg_data(&b), "inline", 6);
    fmq__msg_close(&b);
}

TEST(a_copy_shares_a_body_and_copies_an_inline_one)
{
    fmq__msg a;
    fmq__msg b = {0};
    fmq__props *props;

    REQUIRE(fmq__props_new(&props) == 0);
    REQUIRE(fmq__props_add(props, "k", 1, "v", 1) == 0);
    REQUIRE(fmq__msg_init_size(&a, 33) == 0);
    a.flags = FMQ__MORE;
    a.routing_id = 77;
    CHECK_EQ(fmq__msg_set_group(&a, "gr"), 0);
    fmq__msg_set_props(&a, props);
    fmq__props_drop(props);
    fmq__msg_copy(&b, &a);
    CHECK(fmq__msg_data(&a) == fmq__msg_data(&b));
    CHECK(!fmq__body_is_sole(a.u.ref.body));
    CHECK_EQ(b.flags, FMQ__MORE);
    CHECK_EQ(b.routing_id, 77);
    CHECK_STR(fmq__msg_group(&b), "gr");
    CHECK(b.props == a.props);
    /* Once more, over itself and over its own copy. */
    fmq__msg_copy(&b, &b);
    fmq__msg_copy(&b, &a);
    fmq__msg_close(&a);
    CHECK(fmq__body_is_sole(b.u.ref.body));
    CHECK_STR(fmq__props_get(b.props, "K", NULL), "v");
    fmq__msg_close(&b);

    REQUIRE(fmq__msg_init_copy(&a, "12345678901234567890123456789012", 32) == 0);
    fmq__msg_copy(&b, &a);
    CHECK(fmq__msg_data(&a) != fmq__msg_data(&b));
    CHECK_EQ(fmq__msg_len(&b), 32);
    CHECK_MEM(fmq__msg_data(&b), fmq__msg_data(&a), 32);
    fmq__msg_close(&a);
    fmq__msg_close(&b);
}

TEST(props_are_replaced)
{
    fmq__msg m = {0};
    fmq__props *one;
    fmq__props *two;

    REQUIRE(fmq__props_new(&one) == 0 && fmq__props_new(&two) == 0);
    fmq__msg_set_props(&m, one);
    fmq__msg_set_props(&m, one);
    fmq__msg_set_props(&m, two);
    CHECK(m.props == two);
    fmq__props_drop(one);
    fmq__props_drop(two);
    fmq__msg_set_props(&m, NULL);
    CHECK(is_empty(&m));
    fmq__msg_close(&m);
}

TEST(lent_bytes_go_back_once)
{
    uint8_t bytes[100] = {1, 2, 3};
    fmq__msg a;
    fmq__msg b = {0};

    for (size_t len = 0; len <= sizeof(bytes); len += 50) {
        n_freed = 0;
        REQUIRE(fmq__msg_init_lent(&a, bytes, len, count_free, &n_freed) == 0);
        CHECK(fmq__msg_data(&a) == bytes);
        CHECK_EQ(fmq__msg_len(&a), len);
        fmq__msg_copy(&b, &a);
        fmq__msg_close(&a);
        CHECK_EQ(n_freed, 0);
        fmq__msg_move(&a, &b);
        fmq__msg_close(&b);
        CHECK_EQ(n_freed, 0);
        fmq__msg_close(&a);
        CHECK_EQ(n_freed, 1);
        fmq__msg_close(&a);
        CHECK_EQ(n_freed, 1);
    }
    REQUIRE(fmq__msg_init_lent(&a, bytes, sizeof(bytes), NULL, NULL) == 0);
    fmq__msg_copy(&b, &a);
    fmq__msg_close(&a);
    CHECK_EQ(fmq__msg_data(&b)[2], 3);
    fmq__msg_close(&b);
}

TEST(without_memory_nothing_changes)
{
    uint8_t bytes[100] = {0};
    fmq__msg m;
    fmq__msg before;

    memset(&m, 0xA5, sizeof(m));
    memcpy(&before, &m, sizeof(m));
    n_freed = 0;
    fmq__alloc_fail_at(1, 1);
    CHECK_EQ(fmq__msg_init_size(&m, 33), ENOMEM);
    CHECK_EQ(fmq__msg_init_copy(&m, bytes, 100), ENOMEM);
    CHECK_EQ(fmq__msg_init_lent(&m, bytes, 100, count_free, &n_freed), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_MEM(&m, &before, sizeof(m));
    CHECK_EQ(n_freed, 0);
    CHECK_EQ(fmq__msg_init_size(&m, SIZE_MAX), ENOMEM);
}

TEST(groups_are_short_or_long)
{
    char longest[FMQ__GROUP_MAX + 2];
    fmq__msg a = {0};
    fmq__msg b = {0};

    CHECK_STR(fmq__msg_group(&a), "");
    CHECK_EQ(fmq__msg_set_group(&a, "fifteen letters"), 0);
    CHECK_STR(fmq__msg_group(&a), "fifteen letters");
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__msg_set_group(&a, "sixteen letters!"), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_STR(fmq__msg_group(&a), "fifteen letters");
    CHECK_EQ(fmq__msg_set_group(&a, "sixteen letters!"), 0);
    fmq__msg_copy(&b, &a);
    fmq__msg_close(&a);
    CHECK_STR(fmq__msg_group(&a), "");
    fmq__msg_move(&a, &b);
    CHECK_STR(fmq__msg_group(&a), "sixteen letters!");
    CHECK_STR(fmq__msg_group(&b), "");
    /* Its own, and a part of it. */
    CHECK_EQ(fmq__msg_set_group(&a, fmq__msg_group(&a)), 0);
    CHECK_STR(fmq__msg_group(&a), "sixteen letters!");
    CHECK_EQ(fmq__msg_set_group(&a, fmq__msg_group(&a) + 8), 0);
    CHECK_STR(fmq__msg_group(&a), "letters!");

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK_EQ(fmq__msg_set_group(&a, longest), 0);
    CHECK_EQ(strlen(fmq__msg_group(&a)), FMQ__GROUP_MAX);
    fmq__msg_close(&a);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(zeros_are_an_empty_part),
        CASE(every_size_is_copied),
        CASE(moving_empties_the_source),
        CASE(bytes_may_be_copied_to_move),
        CASE(a_copy_shares_a_body_and_copies_an_inline_one),
        CASE(props_are_replaced),
        CASE(groups_are_short_or_long),
        CASE(lent_bytes_go_back_once),
        CASE(without_memory_nothing_changes),
    };

    return CHECK_MAIN(cases);
}
