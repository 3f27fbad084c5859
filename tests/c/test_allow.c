/* SPDX-License-Identifier: Apache-2.0 */
#include "session/allow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/alloc.h"
#include "check.h"

static const char z85_of_ones[] = "0rAi40rAi40rAi40rAi40rAi40rAi40rAi40rAi4";

static fmq__allow *
new_lists(void)
{
    fmq__allow *a = NULL;

    REQUIRE(fmq__allow_new(&a) == 0);
    return a;
}

static enum fmq__allow_verdict
judge(fmq__allow *a, const char *mechanism, const void *first, size_t first_len,
      const void *second, size_t second_len, fmq__allow_user *user)
{
    const fmq__mech_credential shown[] = {{first, first_len}, {second, second_len}};
    size_t n = second != NULL ? 2 : first != NULL ? 1 : 0;

    return fmq__allow_judge(a, mechanism, shown, n, user);
}

static enum fmq__allow_verdict
log_in(fmq__allow *a, const char *user, const char *password)
{
    fmq__allow_user who = {.len = 1000};
    enum fmq__allow_verdict v =
        judge(a, "PLAIN", user, strlen(user), password, strlen(password), &who);

    if (v == FMQ__ALLOW_ADMITTED) {
        CHECK_EQ(who.len, strlen(user));
        CHECK_MEM(who.name, user, who.len);
    }
    return v;
}

static bool
admits(fmq__allow *a, const char *address)
{
    struct sockaddr_storage from = {0};
    struct sockaddr_in *v4 = (void *)&from;

    v4->sin_family = AF_INET;
    REQUIRE(inet_pton(AF_INET, address, &v4->sin_addr) == 1);
    return fmq__allow_admits(a, &from);
}

TEST(without_lists_nothing_is_said)
{
    fmq__allow *a = new_lists();
    fmq__allow *each[] = {a, NULL};

    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(log_in(each[i], "joe", "secret"), FMQ__ALLOW_NO_LIST);
        CHECK_EQ(judge(each[i], "NULL", NULL, 0, NULL, 0, NULL), FMQ__ALLOW_NO_LIST);
        CHECK(!fmq__allow_wants_credentials(each[i]));
        CHECK(admits(each[i], "10.0.0.1"));
    }
    fmq__allow_hold(NULL);
    fmq__allow_drop(NULL);
    fmq__allow_drop(a);
}

TEST(keys)
{
    fmq__allow *a = new_lists();
    uint8_t ones[32];
    uint8_t twos[32];
    fmq__allow_user who;

    memset(ones, 1, sizeof(ones));
    memset(twos, 2, sizeof(twos));
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_KEY, ones, 32), 0);
    CHECK(fmq__allow_wants_credentials(a));
    CHECK_EQ(judge(a, "CURVE", ones, 32, NULL, 0, &who), FMQ__ALLOW_ADMITTED);
    CHECK_EQ(who.len, 40);
    CHECK_MEM(who.name, z85_of_ones, 40);
    CHECK_EQ(judge(a, "CURVE", twos, 32, NULL, 0, &who), FMQ__ALLOW_REFUSED);
    CHECK_EQ(judge(a, "CURVE", ones, 31, NULL, 0, &who), FMQ__ALLOW_REFUSED);
    CHECK_EQ(judge(a, "CURVE", NULL, 0, NULL, 0, &who), FMQ__ALLOW_REFUSED);
    CHECK_EQ(judge(a, "CURVE", ones, 32, ones, 32, &who), FMQ__ALLOW_REFUSED);
    CHECK_EQ(judge(a, "GSSAPI", ones, 32, NULL, 0, &who), FMQ__ALLOW_REFUSED);
    CHECK_EQ(judge(a, "NULL", NULL, 0, NULL, 0, &who), FMQ__ALLOW_REFUSED);
    CHECK_EQ(log_in(a, "joe", "secret"), FMQ__ALLOW_REFUSED);
    fmq__allow_end(a, FMQ__ALLOW_KEY);
    CHECK_EQ(judge(a, "CURVE", twos, 32, NULL, 0, &who), FMQ__ALLOW_NO_LIST);
    fmq__allow_drop(a);
}

TEST(keys_as_text)
{
    fmq__allow *a = new_lists();
    uint8_t ones[32];
    fmq__allow_user who;
    char bad[41] = {0};

    memset(ones, 1, sizeof(ones));
    for (size_t len = 40; len <= 41; len++) {
        CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_KEY, z85_of_ones, len), 0);
        CHECK_EQ(judge(a, "CURVE", ones, 32, NULL, 0, &who), FMQ__ALLOW_ADMITTED);
        fmq__allow_end(a, FMQ__ALLOW_KEY);
    }
    memcpy(bad, z85_of_ones, 40);
    bad[40] = 'x';
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_KEY, bad, 41), EINVAL);
    bad[3] = '~';
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_KEY, bad, 40), EINVAL);
    for (size_t len = 1; len < 32; len++) {
        CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_KEY, z85_of_ones, len), EINVAL);
    }
    CHECK(!fmq__allow_wants_credentials(a)); /* what failed made no list */
    fmq__allow_drop(a);
}

TEST(passwords)
{
    fmq__allow *a = new_lists();
    char longest[511];
    char user[256] = {0};
    char password[256] = {0};

    memset(longest, 'x', sizeof(longest));
    longest[255] = '\0';
    memset(user, 'x', 255);
    memset(password, 'x', 255);
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, "joe\0secret", 10), 0);
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, "joe\0other", 9), 0);
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, "ann\0", 4), 0);
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, longest, 511), 0);
    CHECK_EQ(log_in(a, "joe", "secret"), FMQ__ALLOW_ADMITTED);
    CHECK_EQ(log_in(a, "joe", "other"), FMQ__ALLOW_ADMITTED);
    CHECK_EQ(log_in(a, "ann", ""), FMQ__ALLOW_ADMITTED);
    CHECK_EQ(log_in(a, user, password), FMQ__ALLOW_ADMITTED);
    user[254] = '\0';
    CHECK_EQ(log_in(a, user, password), FMQ__ALLOW_REFUSED);
    CHECK_EQ(log_in(a, "ann", "secret"), FMQ__ALLOW_REFUSED);
    CHECK_EQ(log_in(a, "joe", "secre"), FMQ__ALLOW_REFUSED);
    CHECK_EQ(log_in(a, "joesecret", ""), FMQ__ALLOW_REFUSED);
    CHECK_EQ(log_in(a, "", ""), FMQ__ALLOW_REFUSED);
    CHECK_EQ(judge(a, "PLAIN", "joe", 3, NULL, 0, NULL), FMQ__ALLOW_REFUSED);
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, "joe", 3), EINVAL);
    longest[255] = 'x';
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, longest, 511), EINVAL);
    fmq__allow_drop(a);
}

TEST(addresses)
{
    fmq__allow *a = new_lists();
    struct sockaddr_storage local = {.ss_family = AF_UNIX};

    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_ADDRESS, "", 0), 0);
    CHECK(!admits(a, "10.0.0.1"));
    CHECK(fmq__allow_admits(a, &local));
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_ADDRESS, "10.0.0.0/8", 10), 0);
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_ADDRESS, "192.0.2.7", 9), 0);
    CHECK(admits(a, "10.0.0.1"));
    CHECK(admits(a, "192.0.2.7"));
    CHECK(!admits(a, "192.0.2.8"));
    CHECK(!fmq__allow_wants_credentials(a));
    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_ADDRESS, "host", 4), EINVAL);
    fmq__allow_end(a, FMQ__ALLOW_ADDRESS);
    CHECK(admits(a, "192.0.2.8"));
    fmq__allow_drop(a);
}

TEST(lists_of_nobody)
{
    fmq__allow *a = new_lists();

    CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_PASSWORD, "", 0), 0);
    CHECK(fmq__allow_wants_credentials(a));
    CHECK_EQ(log_in(a, "joe", "secret"), FMQ__ALLOW_REFUSED);
    CHECK_EQ(log_in(a, "", ""), FMQ__ALLOW_REFUSED);
    fmq__allow_drop(a);
}

TEST(many_and_without_memory)
{
    fmq__allow *a = new_lists();
    uint8_t key[32] = {0};
    fmq__allow_user who;

    for (int i = 0; i < 1000; i++) {
        memcpy(key, &i, sizeof(i));
        fmq__alloc_fail_at(1, 0);
        if (fmq__allow_add(a, FMQ__ALLOW_KEY, key, 32) == ENOMEM) {
            fmq__alloc_fail_at(0, 0);
            CHECK_EQ(fmq__allow_add(a, FMQ__ALLOW_KEY, key, 32), 0);
        }
        fmq__alloc_fail_at(0, 0);
    }
    for (int i = 0; i < 1100; i++) {
        memcpy(key, &i, sizeof(i));
        CHECK_EQ(judge(a, "CURVE", key, 32, NULL, 0, &who),
                 i < 1000 ? FMQ__ALLOW_ADMITTED : FMQ__ALLOW_REFUSED);
    }
    fmq__allow_drop(a);
    fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__allow_new(&a), ENOMEM);
    fmq__alloc_fail_at(0, 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(without_lists_nothing_is_said),
        CASE(keys),
        CASE(keys_as_text),
        CASE(passwords),
        CASE(addresses),
        CASE(lists_of_nobody),
        CASE(many_and_without_memory),
    };

    return CHECK_MAIN(cases);
}
