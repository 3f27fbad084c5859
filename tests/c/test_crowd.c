/* SPDX-License-Identifier: Apache-2.0 */
#include "session/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/alloc.h"
#include "check.h"

static struct sockaddr_storage
address(const char *text)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in *v4 = (void *)&a;
    struct sockaddr_in6 *v6 = (void *)&a;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        a.ss_family = AF_INET;
    } else {
        REQUIRE(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1);
        a.ss_family = AF_INET6;
    }
    return a;
}

static int
take(fmq__crowd *c, const char *text, uint32_t max, fmq__place **place)
{
    struct sockaddr_storage from = address(text);

    return fmq__crowd_take_seat(c, &from, max, place);
}

TEST(seats)
{
    static const char *const same[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1", "::ffff:192.0.2.1"},
        {"2001:db8::1", "2001:db8::2:3:4:5"},
    };
    static const char *const other[][2] = {
        {"192.0.2.1", "192.0.2.2"},
        {"2001:db8::1", "2001:db8:0:1::1"},
        {"::", "0.0.0.0"},
        {"::ffff:192.0.2.1", "::fffe:192.0.2.1"},
    };

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        fmq__crowd c;
        fmq__place *seat[3];

        fmq__crowd_init(&c);
        CHECK_EQ(take(&c, same[i][0], 2, &seat[0]), 0);
        CHECK_EQ(take(&c, same[i][1], 2, &seat[1]), 0);
        CHECK(seat[0] != NULL && seat[0] == seat[1]);
        CHECK_EQ(take(&c, same[i][0], 2, &seat[2]), EUSERS);
        fmq__crowd_give_seat(&c, seat[0]);
        CHECK_EQ(take(&c, same[i][0], 2, &seat[2]), 0);
        fmq__crowd_give_seat(&c, seat[1]);
        fmq__crowd_give_seat(&c, seat[2]);
        CHECK_EQ(c.places.n_items, 0);
        fmq__crowd_fini(&c);
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        fmq__crowd c;
        fmq__place *seat[2];

        fmq__crowd_init(&c);
        CHECK_EQ(take(&c, other[i][0], 1, &seat[0]), 0);
        CHECK_EQ(take(&c, other[i][1], 1, &seat[1]), 0);
        fmq__crowd_give_seat(&c, seat[0]);
        fmq__crowd_give_seat(&c, seat[1]);
        fmq__crowd_fini(&c);
    }
}

TEST(who_is_not_counted)
{
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    fmq__crowd c;
    fmq__place *place;

    fmq__crowd_init(&c);
    CHECK_EQ(take(&c, "192.0.2.1", 0, &place), 0);
    CHECK(place == NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(fmq__crowd_take_seat(&c, &local, 1, &place), 0);
        CHECK(place == NULL);
    }
    fmq__crowd_give_seat(&c, NULL);
    fmq__crowd_fini(&c);
}

TEST(guests)
{
    fmq__crowd c;
    fmq__guest g[3];
    fmq__place *place;

    fmq__crowd_init(&c);
    CHECK(fmq__crowd_oldest(&c, 1000, 0) == NULL);
    for (int i = 0; i < 3; i++) {
        fmq__guest_init(&g[i]);
        CHECK_EQ(take(&c, "192.0.2.1", 3, &place), 0);
        fmq__crowd_enter(&c, &g[i], place, 100 + (uint64_t)i);
    }
    CHECK_EQ(c.n_shaking, 3);
    CHECK(fmq__crowd_oldest(&c, 149, 50) == NULL);
    CHECK(fmq__crowd_oldest(&c, 150, 50) == &g[0]);
    fmq__crowd_settle(&c, &g[0]);
    fmq__crowd_settle(&c, &g[0]);
    CHECK_EQ(c.n_shaking, 2);
    CHECK(fmq__crowd_oldest(&c, 150, 50) == NULL);
    CHECK(fmq__crowd_oldest(&c, 151, 50) == &g[1]);
    CHECK_EQ(take(&c, "192.0.2.1", 3, &place), EUSERS); /* it still sits there */
    fmq__crowd_leave(&c, &g[0]);
    CHECK_EQ(take(&c, "192.0.2.1", 3, &place), 0);
    fmq__crowd_give_seat(&c, place);
    for (int i = 0; i < 3; i++) {
        fmq__crowd_leave(&c, &g[i]);
        fmq__crowd_leave(&c, &g[i]);
    }
    CHECK_EQ(c.n_shaking, 0);
    CHECK_EQ(c.places.n_items, 0);
    fmq__crowd_fini(&c);
}

TEST(without_memory)
{
    fmq__crowd c;
    fmq__place *place = NULL;
    int err = ENOMEM;
    uint64_t n = 0;

    fmq__crowd_init(&c);
    while (err == ENOMEM) {
        fmq__alloc_fail_at(++n, 0);
        err = take(&c, "192.0.2.1", 1, &place);
        fmq__alloc_fail_at(0, 0);
        CHECK((place != NULL) == (err == 0));
    }
    CHECK_EQ(err, 0);
    CHECK(n > 1);
    fmq__crowd_give_seat(&c, place);
    fmq__crowd_fini(&c);
}

int
main(void)
{
    static const check_case cases[] = {CASE(seats), CASE(who_is_not_counted),
                                       CASE(guests), CASE(without_memory)};

    return CHECK_MAIN(cases);
}
