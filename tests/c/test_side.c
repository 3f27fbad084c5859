/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/side.h"

#include "fakepipe.h"

static fmq__props *
props_named(const char *value)
{
    fmq__props *props = NULL;

    REQUIRE(fmq__props_new(&props) == 0);
    REQUIRE(fmq__props_add_first(props, "name", value) == 0);
    return props;
}

static int
put(fmq__side *s, const char *text, fmq__props *props)
{
    fmq__outpart parts[FAKE_PARTS_MAX];
    size_t n = fake_split(text, parts);

    return fmq__side_put(s, parts, n, props, NULL);
}

/* The next message, and whose it is. */
static const char *
take(fmq__side *s, const char **name)
{
    fmq__frame f;
    size_t at = 0;

    REQUIRE(s->pipe.n_in != 0);
    fmq__side_begin(s);
    *name = s->pipe.props != NULL ? fmq__props_get(s->pipe.props, "name", NULL) : "-";
    do {
        fmq__pipe_pop(&s->pipe, &f);
    } while (fake_add(&at, &f));
    return fake_text();
}

TEST(messages_keep_their_properties)
{
    fmq__props *a = props_named("a");
    fmq__props *b = props_named("b");
    const char *name;
    fmq__side s;

    REQUIRE(fmq__side_init(&s) == 0);
    CHECK_EQ(put(&s, "one", a), 0);
    CHECK_EQ(put(&s, "two|2", a), 0);
    CHECK_EQ(put(&s, "", b), 0);
    CHECK_EQ(put(&s, "four", NULL), 0);
    fmq__props_drop(a);
    fmq__props_drop(b);
    CHECK_STR(take(&s, &name), "one");
    CHECK_STR(name, "a");
    CHECK_STR(take(&s, &name), "two|2");
    CHECK_STR(name, "a");
    CHECK_STR(take(&s, &name), "");
    CHECK_STR(name, "b");
    CHECK_STR(take(&s, &name), "four");
    CHECK_STR(name, "-");
    CHECK_EQ(s.pipe.n_in, 0);
    fmq__side_fini(&s);
}

TEST(a_message_is_moved_with_a_head)
{
    const fmq__outpart head = {(const uint8_t *)"head", 4, NULL};
    fakepipe from;
    const char *name;
    fmq__frame f;
    fmq__side s;

    fake_open(&from, 10);
    from.pipe.props = props_named("from");
    fake_put(&from, "a|b|c");
    REQUIRE(fmq__pipe_can_read(&from.pipe));
    fmq__pipe_pop(&from.pipe, &f);
    REQUIRE(fmq__side_init(&s) == 0);
    CHECK_EQ(fmq__side_move(&s, &head, &from.pipe), 0);
    CHECK_EQ(from.pipe.n_in, 0);
    CHECK_STR(take(&s, &name), "head|b|c");
    CHECK_STR(name, "from");
    fmq__side_fini(&s);
    fmq__props_drop(from.pipe.props);
    fake_close(&from);
}

/* A short frame that is a reference stays one, and a longer one behind it has its place
 * all the same. */
TEST(kept_frames_are_moved_as_they_are)
{
    static const size_t lens[] = {4, 300, 0, 4};
    static uint8_t bytes[300];
    enum { N = sizeof(lens) / sizeof(lens[0]) };
    fmq__body *body;
    fakepipe from;
    fmq__frame f;
    fmq__side s;

    fake_open(&from, 10);
    REQUIRE(fmq__body_new_lent(bytes, NULL, NULL, &body) == 0);
    for (size_t i = 0; i < N; i++) {
        unsigned flags = i + 1 < N ? FMQ__MORE : 0;

        if (i % 2 == 0) {
            fmq__body_hold(body);
            CHECK_EQ(fmq__fq_append_ref(&from.in_w, flags, body, bytes, lens[i]), 0);
        } else {
            CHECK_EQ(fmq__fq_append_copy(&from.in_w, flags, bytes, lens[i]), 0);
        }
    }
    from.n_late = 1;
    REQUIRE(fmq__pipe_can_read(&from.pipe));
    REQUIRE(fmq__side_init(&s) == 0);
    CHECK_EQ(fmq__side_move(&s, NULL, &from.pipe), 0);
    fmq__side_begin(&s);
    for (size_t i = 0; i < N; i++) {
        fmq__pipe_pop(&s.pipe, &f);
        CHECK_EQ(f.len, lens[i]);
        CHECK(i % 2 == 0 ? f.is_ref && f.body == body : f.body != body);
        fmq__pipe_drop(&s.pipe, &f);
    }
    CHECK(fmq__body_is_sole(body));
    fmq__body_drop(body);
    fmq__side_fini(&s);
    fake_close(&from);
}

TEST(without_memory_it_is_as_it_was)
{
    uint64_t n_failed = 0;
    int err = ENOMEM;

    for (uint64_t n = 1; err != 0; n++) {
        fmq__props *a = props_named("a");
        const char *name;
        fmq__side s;

        REQUIRE(fmq__side_init(&s) == 0);
        CHECK_EQ(put(&s, "first", NULL), 0);
        (void)fmq__alloc_fail_at(n, 0);
        err = put(&s,
                  "second|message that needs another chunk, being longer than the "
                  "first one has room for - 256 bytes are not many, but they are "
                  "more than one line of such a text, so that here stands another "
                  "one, and then the last one which makes the whole long enough",
                  a);
        (void)fmq__alloc_fail_at(0, 0);
        CHECK_STR(take(&s, &name), "first");
        CHECK_STR(name, "-");
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            CHECK_EQ(s.pipe.n_in, 0);
            CHECK(fmq__list_is_empty(&s.origins));
            n_failed++;
        }
        fmq__side_fini(&s);
        fmq__props_drop(a);
    }
    CHECK(n_failed >= 2);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(messages_keep_their_properties),
        CASE(a_message_is_moved_with_a_head),
        CASE(kept_frames_are_moved_as_they_are),
        CASE(without_memory_it_is_as_it_was),
    };

    return CHECK_MAIN(cases);
}
