/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "check.h"

typedef struct item {
    int value;
    fmq__node node;
} item;

/* The values from the front as decimal digits. */
static int
digits(const fmq__node *head)
{
    int sum = 0;

    for (const fmq__node *n = head->next; n != head; n = n->next) {
        CHECK(n->next->prev == n);
        sum = sum * 10 + FMQ__ITEM(n, const item, node)->value;
    }
    return sum;
}

static void
init_items(item *items, int n)
{
    for (int i = 0; i < n; i++) {
        items[i].value = i + 1;
        fmq__list_init(&items[i].node);
    }
}

TEST(pushes_at_both_ends)
{
    fmq__node head;
    item items[3];

    fmq__list_init(&head);
    init_items(items, 3);
    CHECK(fmq__list_is_empty(&head));
    CHECK(!fmq__list_is_linked(&items[0].node));
    fmq__list_push_back(&head, &items[0].node);
    fmq__list_push_back(&head, &items[1].node);
    fmq__list_push_front(&head, &items[2].node);
    CHECK(!fmq__list_is_empty(&head));
    CHECK(fmq__list_is_linked(&items[0].node));
    CHECK_EQ(digits(&head), 312);
}

TEST(leaves_twice)
{
    fmq__node head;
    item items[3];

    fmq__list_init(&head);
    init_items(items, 3);
    for (int i = 0; i < 3; i++) {
        fmq__list_push_back(&head, &items[i].node);
    }
    fmq__list_remove(&items[1].node);
    fmq__list_remove(&items[1].node);
    CHECK(!fmq__list_is_linked(&items[1].node));
    CHECK_EQ(digits(&head), 13);
}

TEST(pops_in_order)
{
    fmq__node head;
    item items[2];

    fmq__list_init(&head);
    init_items(items, 2);
    fmq__list_push_back(&head, &items[0].node);
    fmq__list_push_back(&head, &items[1].node);
    CHECK(fmq__list_pop_front(&head) == &items[0].node);
    CHECK(!fmq__list_is_linked(&items[0].node));
    CHECK(fmq__list_pop_front(&head) == &items[1].node);
    CHECK(fmq__list_pop_front(&head) == NULL);
}

TEST(splices)
{
    fmq__node to;
    fmq__node from;
    item items[4];

    fmq__list_init(&to);
    fmq__list_init(&from);
    init_items(items, 4);
    fmq__list_splice_back(&to, &from);
    CHECK(fmq__list_is_empty(&to));
    fmq__list_push_back(&from, &items[0].node);
    fmq__list_push_back(&from, &items[1].node);
    fmq__list_splice_back(&to, &from);
    CHECK(fmq__list_is_empty(&from));
    fmq__list_push_back(&from, &items[2].node);
    fmq__list_push_back(&from, &items[3].node);
    fmq__list_splice_back(&to, &from);
    CHECK_EQ(digits(&to), 1234);
    CHECK(fmq__list_is_empty(&from));
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(pushes_at_both_ends),
        CASE(leaves_twice),
        CASE(pops_in_order),
        CASE(splices),
    };

    return CHECK_MAIN(cases);
}
