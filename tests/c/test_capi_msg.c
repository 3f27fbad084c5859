/* SPDX-License-Identifier: Apache-2.0 */
#include "fastmq.h"

#include "base/alloc.h"
#include "check.h"
#include "msg/msg.h"

static void
count_free(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

TEST(a_part_from_birth_to_close)
{
    fmq_msg a;
    fmq_msg b;

    memset(&a, 0xA5, sizeof(a));
    fmq_msg_init(&a);
    fmq_msg_init(&b);
    CHECK_EQ(fmq_msg_size(&a), 0);
    CHECK_EQ(fmq_msg_more(&a), 0);
    CHECK(fmq_msg_gets(&a, "Socket-Type") == NULL);
    fmq_msg_close(&a);

    CHECK_EQ(fmq_msg_init_copy(&a, "hello", 5), 0);
    fmq_msg_move(&b, &a);
    CHECK_EQ(fmq_msg_size(&a), 0);
    CHECK_EQ(fmq_msg_size(&b), 5);
    CHECK_MEM(fmq_msg_data(&b), "hello", 5);

    CHECK_EQ(fmq_msg_init_size(&a, 1000), 0);
    memset(fmq_msg_data(&a), 'x', 1000);
    CHECK_EQ(fmq_msg_copy(&b, &a), 0);
    fmq_msg_close(&a);
    CHECK_EQ(fmq_msg_size(&a), 0);
    CHECK_EQ(fmq_msg_size(&b), 1000);
    CHECK_EQ(((char *)fmq_msg_data(&b))[999], 'x');
    fmq_msg_close(&b);
}

TEST(lent_bytes_are_not_copied)
{
    static char bytes[] = "lent";
    fmq_msg a;
    int n_freed = 0;

    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq_msg_init_data(&a, bytes, 4, count_free, &n_freed), ENOMEM);
    fmq__alloc_fail_at(0, 0);
    CHECK_EQ(n_freed, 0);
    CHECK_EQ(fmq_msg_init_data(&a, bytes, 4, count_free, &n_freed), 0);
    CHECK(fmq_msg_data(&a) == bytes);
    fmq_msg_close(&a);
    CHECK_EQ(n_freed, 1);
    CHECK_EQ(fmq_msg_init_data(&a, bytes, 4, NULL, NULL), 0);
    fmq_msg_close(&a);
}

TEST(more_and_properties_show)
{
    fmq_msg a;
    fmq__props *props;

    fmq_msg_init(&a);
    REQUIRE(fmq__props_new(&props) == 0);
    REQUIRE(fmq__props_add(props, "Socket-Type", 11, "PUSH", 4) == 0);
    fmq__msg_set_props(fmq__msg_from(&a), props);
    fmq__props_drop(props);
    fmq__msg_from(&a)->flags = FMQ__MORE;
    CHECK_EQ(fmq_msg_more(&a), 1);
    CHECK_STR(fmq_msg_gets(&a, "socket-type"), "PUSH");
    CHECK(fmq_msg_gets(&a, "Identity") == NULL);
    fmq_msg_close(&a);
    CHECK_EQ(fmq_msg_more(&a), 0);
}

TEST(bodies_are_shared_by_copies)
{
    fmq_msg a;
    fmq_msg b;

    fmq_msg_init(&b);
    CHECK_EQ(fmq_msg_init_size(&a, 1000), 0);
    CHECK_EQ(fmq_msg_is_shared(&a), 0);
    CHECK_EQ(fmq_msg_copy(&b, &a), 0);
    CHECK_EQ(fmq_msg_is_shared(&a), 1);
    CHECK_EQ(fmq_msg_is_shared(&b), 1);
    fmq_msg_close(&a);
    CHECK_EQ(fmq_msg_is_shared(&b), 0);
    fmq_msg_close(&b);
    /* What is inside the message is copied with it. */
    CHECK_EQ(fmq_msg_init_copy(&a, "x", 1), 0);
    CHECK_EQ(fmq_msg_copy(&b, &a), 0);
    CHECK_EQ(fmq_msg_is_shared(&a), 0);
    fmq_msg_close(&a);
    fmq_msg_close(&b);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_part_from_birth_to_close),
        CASE(lent_bytes_are_not_copied),
        CASE(more_and_properties_show),
        CASE(bodies_are_shared_by_copies),
    };

    return CHECK_MAIN(cases);
}
