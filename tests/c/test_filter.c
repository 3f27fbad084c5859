/* SPDX-License-Identifier: Apache-2.0 */
/* Which peers a listener takes: networks, processes, users, groups. */
#include "transport/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

static struct sockaddr_storage
address(const char *text)
{
    struct sockaddr_storage sa = {0};
    struct sockaddr_in *v4 = (void *)&sa;
    struct sockaddr_in6 *v6 = (void *)&sa;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        sa.ss_family = AF_INET;
    } else {
        REQUIRE(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1);
        sa.ss_family = AF_INET6;
    }
    return sa;
}

TEST(networks)
{
    static const struct {
        const char *filter;
        const char *peer;
        bool is_covered;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1/32", "127.0.0.1", true},
        {"127.0.0.0/8", "127.255.255.255", true},
        {"127.0.0.0/8", "128.0.0.0", false},
        {"10.9.8.7/15", "10.8.0.1", true}, /* the rest of the address counts not */
        {"10.9.8.7/15", "10.10.0.1", false},
        {"10.9.8.7/16", "10.8.0.1", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"::ffff:127.0.0.0/104", "127.1.2.3", true},
        {"::1", "::1", true},
        {"::1/128", "::2", false},
        {"[::1]", "::1", true},
        {"[2001:db8::]/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", true},
        {"::1", "127.0.0.1", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sockaddr_storage peer = address(cases[i].peer);
        fmq__filter f;

        REQUIRE(fmq__filter_parse(cases[i].filter, strlen(cases[i].filter), &f) == 0);
        CHECK_EQ(fmq__filter_covers(&f, &peer), cases[i].is_covered);
    }
}

TEST(text_that_is_no_network)
{
    static const char *const cases[] = {
        "",
        "/",
        "/8",
        "127.0.0.1/",
        "127.0.0.1/33",
        "127.0.0.1/-1",
        "127.0.0.1/8 ",
        " 127.0.0.1",
        "127.0.0",
        "localhost",
        "::1/129",
        "[::1",
        "::1]",
        "[]",
        "127.0.0.1/+8",
        "[127.0.0.1]",
        "::1/0x10",
        "1.2.3.4/99999999999999999999",
        "::g",
    };
    char much[256];
    fmq__filter f = {.id = 4711};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ(fmq__filter_parse(cases[i], strlen(cases[i]), &f), EINVAL);
    }
    memset(much, '1', sizeof(much));
    CHECK_EQ(fmq__filter_parse(much, sizeof(much), &f), EINVAL);
    CHECK_EQ(fmq__filter_parse("127.0.0.1\0", 10, &f), EINVAL);
    CHECK_EQ(f.id, 4711);
}

static bool
admits(enum fmq__filter_kind kind, int64_t id, int fd)
{
    fmq__filter list[] = {
        {.kind = kind, .id = id == 0 ? 1 << 30 : id - 1},
        {.kind = kind, .id = id},
        {.kind = FMQ__FILTER_NETWORK},
    };

    CHECK(!fmq__filter_admits((const uint8_t *)list, 1, fd));
    return fmq__filter_admits((const uint8_t *)list, 3, fd);
}

TEST(processes_users_and_groups)
{
    fmq__filter nets[1] = {{.kind = FMQ__FILTER_NETWORK, .n_bits = 128}};
    gid_t groups[64];
    int pair[2];
    int n;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(fmq__filter_admits(NULL, 0, pair[0]));
    CHECK(fmq__filter_admits((const uint8_t *)nets, 1, pair[0])); /* not about it */
    CHECK(admits(FMQ__FILTER_PID, getpid(), pair[0]));
    CHECK(admits(FMQ__FILTER_UID, getuid(), pair[0]));
    CHECK(admits(FMQ__FILTER_GID, getgid(), pair[0]));
    n = getgroups(64, groups);
    for (int i = 0; i < n; i++) {
        const fmq__filter f = {.kind = FMQ__FILTER_GID, .id = groups[i]};

        CHECK(fmq__filter_admits((const uint8_t *)&f, 1, pair[0]));
    }
    close(pair[0]);
    close(pair[1]);
    CHECK(!fmq__filter_admits((const uint8_t *)nets, 1, -1)); /* nobody knows who */
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(networks),
        CASE(text_that_is_no_network),
        CASE(processes_users_and_groups),
    };

    return CHECK_MAIN(cases);
}
