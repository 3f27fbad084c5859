/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/metadata.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"
#include "wire_test.h"

#define METADATA(text) (const uint8_t *)(text), sizeof(text) - 1

static fmq__props *
new_props(void)
{
    fmq__props *props;

    REQUIRE(fmq__props_new(&props) == 0);
    return props;
}

static int
to_props(const uint8_t *metadata, size_t len)
{
    fmq__props *props = new_props();
    int err = fmq__metadata_to_props(metadata, len, props);

    fmq__props_drop(props);
    return err;
}

TEST(properties_read_back)
{
    uint8_t p[64];
    size_t len = fmq__metadata_put(p, "Socket-Type", "PUSH", 4);
    fmq__metadata_cursor cursor = {.at = p};
    fmq__property property;

    CHECK_EQ(len, fmq__metadata_property_len("Socket-Type", 4));
    len += fmq__metadata_put(p + len, "Identity", NULL, 0);
    cursor.left = len;
    CHECK_EQ(fmq__metadata_next(&cursor, &property), 0);
    CHECK_EQ(property.name_len, 11);
    CHECK_MEM(property.name, "Socket-Type", 11);
    CHECK_EQ(property.value_len, 4);
    CHECK_MEM(property.value, "PUSH", 4);
    CHECK_EQ(fmq__metadata_next(&cursor, &property), 0);
    CHECK_EQ(property.name_len, 8);
    CHECK_EQ(property.value_len, 0);
    CHECK_EQ(fmq__metadata_next(&cursor, &property), ENOENT);
    CHECK_EQ(fmq__metadata_next(&cursor, &property), ENOENT);
    CHECK_EQ(cursor.left, 0);
}

TEST(metadata_of_libzmq)
{
    static wire_bytes b;
    uint8_t ours[64];
    size_t len = fmq__metadata_put(ours, "Socket-Type", "DEALER", 6);

    len += fmq__metadata_put(ours + len, "Identity", "alice", 5);
    wire_add_vector(&b, "dealer_alice");
    /* Behind the greeting, the frame's header and the name READY. */
    CHECK_EQ(b.len, 64 + 2 + 6 + len);
    CHECK_MEM(ours, b.data + 72, len);
}

TEST(none_at_all_is_fine)
{
    CHECK_EQ(to_props(NULL, 0), 0);
}

TEST(every_cut_is_an_error_except_between_properties)
{
    uint8_t p[64];
    size_t first = fmq__metadata_put(p, "A", "xyz", 3);
    size_t len = first + fmq__metadata_put(p + first, "Bc", "", 0);

    for (size_t n = 0; n <= len; n++) {
        bool is_border = n == 0 || n == first || n == len;
        /* Of its own size, so that a sanitizer sees a read beyond it. */
        uint8_t *exact = fmq__alloc(n);

        REQUIRE(exact != NULL);
        memcpy(exact, p, n);
        CHECK_EQ(to_props(exact, n), is_border ? 0 : EPROTO);
        fmq__free(exact);
    }
}

TEST(lengths_that_overrun)
{
    CHECK_EQ(to_props(METADATA("\1A\0\0\0\1x")), 0);
    CHECK_EQ(to_props(METADATA("\1A\0\0\0\2x")), EPROTO);
    CHECK_EQ(to_props(METADATA("\1A\x7F\xFF\xFF\xFFx")), EPROTO);
    CHECK_EQ(to_props(METADATA("\1A\xFF\xFF\xFF\xFFx")), EPROTO);
    CHECK_EQ(to_props(METADATA("\xFF"
                               "A\0\0\0\1x")),
             EPROTO);
    CHECK_EQ(to_props(METADATA("\1A\0\0\0\1x\1")), EPROTO);
    CHECK_EQ(to_props(METADATA("\0\0\0\0\0")), EPROTO); /* an empty name */
}

TEST(error_leaves_the_cursor)
{
    fmq__metadata_cursor cursor = {.at = (const uint8_t *)"\2AB\0", .left = 4};
    fmq__property property = {.name_len = 9};

    CHECK_EQ(fmq__metadata_next(&cursor, &property), EPROTO);
    CHECK_EQ(cursor.left, 4);
    CHECK_EQ(property.name_len, 9);
}

TEST(names_without_regard_to_case_and_the_first_wins)
{
    uint8_t p[64];
    size_t len = fmq__metadata_put(p, "X-Key", "one", 3);
    fmq__props *props = new_props();
    const char *value;
    size_t value_len = 0;

    len += fmq__metadata_put(p + len, "x-kEY", "second", 6);
    CHECK_EQ(fmq__metadata_to_props(p, len, props), 0);
    value = fmq__props_get(props, "x-key", &value_len);
    CHECK_STR(value, "one");
    CHECK_EQ(value_len, 3);
    fmq__props_drop(props);
}

TEST(a_user_id_is_not_the_senders_to_say)
{
    uint8_t p[128];
    size_t len = fmq__metadata_put(p, "User-Id", "root", 4);
    fmq__props *props = new_props();

    len += fmq__metadata_put(p + len, "uSER-iD", "root", 4);
    len += fmq__metadata_put(p + len, "User_Id", "a", 1);
    len += fmq__metadata_put(p + len, "User-Ids", "b", 1);
    CHECK_EQ(fmq__metadata_to_props(p, len, props), 0);
    CHECK(fmq__props_get(props, "User-Id", NULL) == NULL);
    CHECK_STR(fmq__props_get(props, "User_Id", NULL), "a");
    CHECK_STR(fmq__props_get(props, "User-Ids", NULL), "b");
    fmq__props_drop(props);
}

TEST(longest_name)
{
    char name[256];
    uint8_t p[300];
    fmq__props *props = new_props();
    size_t len;

    memset(name, 'n', 255);
    name[255] = '\0';
    len = fmq__metadata_put(p, name, "v", 1);
    CHECK_EQ(len, 261);
    CHECK_EQ(fmq__metadata_to_props(p, len, props), 0);
    CHECK_STR(fmq__props_get(props, name, NULL), "v");
    fmq__props_drop(props);
}

TEST(number_is_bounded)
{
    static uint8_t p[(FMQ__METADATA_MAX_PROPERTIES + 1) * 6];
    size_t len = 0;

    for (int i = 0; i < FMQ__METADATA_MAX_PROPERTIES; i++) {
        len += fmq__metadata_put(p + len, "n", "", 0);
    }
    CHECK_EQ(to_props(p, len), 0);
    len += fmq__metadata_put(p + len, "n", "", 0);
    CHECK_EQ(to_props(p, len), EPROTO);
}

TEST(memory_runs_out)
{
    uint8_t p[64];
    size_t len = fmq__metadata_put(p, "A", "xyz", 3);
    uint64_t n = 1;
    int err = ENOMEM;

    len += fmq__metadata_put(p + len, "B", "", 0);
    for (; err != 0; n++) {
        fmq__props *props = new_props();

        fmq__alloc_fail_at(n, 0);
        err = fmq__metadata_to_props(p, len, props);
        fmq__alloc_fail_at(0, 0);
        CHECK(err == 0 || err == ENOMEM);
        fmq__props_drop(props);
    }
    CHECK(n > 2);
}

int
main(void)
{
    RUN(properties_read_back);
    RUN(metadata_of_libzmq);
    RUN(none_at_all_is_fine);
    RUN(every_cut_is_an_error_except_between_properties);
    RUN(lengths_that_overrun);
    RUN(error_leaves_the_cursor);
    RUN(names_without_regard_to_case_and_the_first_wins);
    RUN(a_user_id_is_not_the_senders_to_say);
    RUN(longest_name);
    RUN(number_is_bounded);
    RUN(memory_runs_out);
    return CHECK_RESULT();
}
