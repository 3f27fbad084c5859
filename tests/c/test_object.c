/* SPDX-License-Identifier: Apache-2.0 */
#include "capi/object.h"

#include <errno.h>

#include "base/alloc.h"
#include "check.h"

typedef struct thing {
    fmq__object object;
    int n_freed;
} thing;

static void
count_free(fmq__object *o)
{
    ((thing *)(void *)o)->n_freed++;
}

static const fmq__object_kind kind = {count_free};
static const fmq__object_kind other_kind = {count_free};

TEST(a_handle_is_stale_once_it_is_destroyed)
{
    thing t = {.n_freed = 0};
    void *handle;
    void *gone;
    fmq__object *o;

    REQUIRE(fmq__object_enter(&t.object, &kind, &handle) == 0);
    gone = handle;
    o = fmq__object_hold(handle, &kind);
    CHECK(o == &t.object);
    CHECK(fmq__object_hold(handle, &other_kind) == NULL);
    CHECK(!fmq__object_is_destroyed(o));
    CHECK_EQ(fmq__object_destroy(&handle, &other_kind), EFAULT);
    CHECK_EQ(fmq__object_destroy(&handle, &kind), 0);
    CHECK(handle == NULL);
    CHECK(fmq__object_hold(gone, &kind) == NULL);
    CHECK(fmq__object_is_destroyed(o));
    CHECK_EQ(t.n_freed, 0); /* it is held */
    fmq__object_drop(o);
    CHECK_EQ(t.n_freed, 1);
    CHECK_EQ(fmq__object_destroy(&gone, &kind), EFAULT);

    /* The same place, and another handle. */
    REQUIRE(fmq__object_enter(&t.object, &kind, &handle) == 0);
    CHECK(handle != gone);
    CHECK(fmq__object_hold(gone, &kind) == NULL);
    CHECK_EQ(fmq__object_destroy(&handle, &kind), 0);
    CHECK_EQ(t.n_freed, 2);
}

TEST(the_table_grows)
{
    enum { N = 100 };
    static thing things[N];
    void *handle[N];
    int n_failed = 0;

    for (int i = 0; i < N; i++) {
        int err;

        fmq__alloc_fail_at(1, 0);
        err = fmq__object_enter(&things[i].object, &kind, &handle[i]);
        fmq__alloc_fail_at(0, 0);
        if (err != 0) {
            CHECK_EQ(err, ENOMEM);
            n_failed++;
            REQUIRE(fmq__object_enter(&things[i].object, &kind, &handle[i]) == 0);
        }
    }
    CHECK(n_failed > 0);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(fmq__object_destroy(&handle[i], &kind), 0);
        CHECK_EQ(things[i].n_freed, 1);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_handle_is_stale_once_it_is_destroyed),
        CASE(the_table_grows),
    };

    return CHECK_MAIN(cases);
}
