/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>

#include "base/alloc.h"
#include "check.h"
#include "transport/tcp_addr.h"
#include "transport/transport.h"

#define N_ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))
#define X20 "xxxxxxxxxxxxxxxxxxxx"
#define X106 X20 X20 X20 X20 X20 "xxxxxx"

enum { BIND = FMQ__ADDR_BIND, CONNECT = FMQ__ADDR_CONNECT };

static void
check_note(int is_ok, const char *text)
{
    if (!is_ok) {
        fprintf(stderr, "    with \"%s\"\n", text);
    }
}

TEST(finds_the_transport)
{
    static const struct {
        const char *endpoint;
        int err;
        const fmq__transport *transport;
        const char *rest;
    } rows[] = {
        {"tcp://*:1", 0, &fmq__transport_tcp, "*:1"},
        {"ipc:///tmp/x", 0, &fmq__transport_ipc, "/tmp/x"},
        {"inproc://a://b", 0, NULL, "a://b"},
        {"tcp://", EINVAL, NULL, NULL},
        {"tcp:/x", EINVAL, NULL, NULL},
        {"tcp", EINVAL, NULL, NULL},
        {"", EINVAL, NULL, NULL},
        {"://x", EINVAL, NULL, NULL},
        {"inproc://", EINVAL, NULL, NULL},
        {"TCP://*:1", EPROTONOSUPPORT, NULL, NULL},
        {"tc://x", EPROTONOSUPPORT, NULL, NULL},
        {"tcpx://x", EPROTONOSUPPORT, NULL, NULL},
        {"norm://x", EPROTONOSUPPORT, NULL, NULL},
    };

    for (size_t i = 0; i < N_ROWS(rows); i++) {
        const fmq__transport *transport = &fmq__transport_ipc;
        const char *rest = NULL;
        int err = fmq__transport_find(rows[i].endpoint, &transport, &rest);

        check_note(CHECK_EQ(err, rows[i].err), rows[i].endpoint);
        if (err == 0 && rows[i].err == 0) {
            check_note(CHECK(transport == rows[i].transport), rows[i].endpoint);
            check_note(CHECK_STR(rest, rows[i].rest), rows[i].endpoint);
        } else {
            CHECK(transport == &fmq__transport_ipc && rest == NULL);
        }
    }
}

struct good {
    const char *text;
    const char *host;
    const char *port;
    bool needs_resolver;
    const char *source_host;
    const char *source_port;
};

static int
is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? CHECK(a == b) : CHECK_STR(a, b);
}

static void
check_good(const fmq__transport *transport, int purpose, const struct good *row)
{
    fmq__addr addr;
    int err = transport->parse(row->text, purpose, &addr);

    check_note(CHECK_EQ(err, 0), row->text);
    if (err != 0) {
        return;
    }
    check_note(CHECK(addr.transport == transport), row->text);
    check_note(CHECK_STR(addr.text, row->text), row->text);
    check_note(is_same(addr.host, row->host), row->text);
    check_note(is_same(addr.port, row->port), row->text);
    check_note(is_same(addr.source_host, row->source_host), row->text);
    check_note(is_same(addr.source_port, row->source_port), row->text);
    check_note(CHECK_EQ(addr.needs_resolver, row->needs_resolver), row->text);
    fmq__addr_fini(&addr);
    CHECK(addr.text == NULL && addr.host == NULL);
}

static void
check_bad(const fmq__transport *transport, int purpose, const char *text, int expected)
{
    fmq__addr addr = {.port = "untouched"};

    check_note(CHECK_EQ(transport->parse(text, purpose, &addr), expected), text);
    CHECK(addr.transport == NULL && addr.text == NULL);
    CHECK_STR(addr.port, "untouched");
}

TEST(tcp_bind_text)
{
    static const struct good good[] = {
        {"*:*", "*", "0", false, NULL, NULL},
        {"*:0", "*", "0", false, NULL, NULL},
        {"[*]:1", "*", "1", false, NULL, NULL},
        {"127.0.0.1:5555", "127.0.0.1", "5555", false, NULL, NULL},
        {"127.1:65535", "127.1", "65535", false, NULL, NULL},
        {"0.0.0.0:00080", "0.0.0.0", "80", false, NULL, NULL},
        {"[::]:7", "::", "7", false, NULL, NULL},
        {"::1:7", "::1", "7", false, NULL, NULL},
        {"[fe80::1%eth0]:7", "fe80::1%eth0", "7", false, NULL, NULL},
        {"fe80::1%eth0:7", "fe80::1%eth0", "7", false, NULL, NULL},
        {"localhost:1", "localhost", "1", true, NULL, NULL},
        {"eth0:1", "eth0", "1", true, NULL, NULL},
        {"eth0.7@x:*", "eth0.7@x", "0", true, NULL, NULL},
        {"256.1.1.1:1", "256.1.1.1", "1", true, NULL, NULL},
    };
    static const char *const bad[] = {
        "",        "*",       ":",       ":5",        "*:",
        "*:65536", "*:99999", "*:-1",    "*:+5",      "*: 5",
        "*:5 ",    "*:5x",    "*:0x10",  "*:http",    "*:**",
        "[]:5",    "[::1]",   "[::1:5",  "::1]:5",    "[[::1]]:5",
        "[a]b]:5", "a;b:5",   "*:1;*:2", "127.0.0.1", "*:18446744073709551617",
    };

    for (size_t i = 0; i < N_ROWS(good); i++) {
        check_good(&fmq__transport_tcp, BIND, &good[i]);
    }
    for (size_t i = 0; i < N_ROWS(bad); i++) {
        check_bad(&fmq__transport_tcp, BIND, bad[i], EINVAL);
    }
}

TEST(tcp_connect_text)
{
    static const struct good good[] = {
        {"127.0.0.1:5555", "127.0.0.1", "5555", false, NULL, NULL},
        {"0:1", "0", "1", false, NULL, NULL},
        {"localhost:1", "localhost", "1", true, NULL, NULL},
        {"ho_st-7.example.com:1", "ho_st-7.example.com", "1", true, NULL, NULL},
        {"example.com.:1", "example.com.", "1", true, NULL, NULL},
        {"[host]:5", "host", "5", true, NULL, NULL},
        {"[::1]:5", "::1", "5", false, NULL, NULL},
        {"::ffff:1.2.3.4:5", "::ffff:1.2.3.4", "5", false, NULL, NULL},
        {"[fe80::1%no.such-zone]:5", "fe80::1%no.such-zone", "5", false, NULL, NULL},
        {"127.0.0.1:*;host:5", "host", "5", true, "127.0.0.1", "0"},
        {"127.0.0.1:0;1.2.3.4:5", "1.2.3.4", "5", false, "127.0.0.1", "0"},
        {"[::1]:70;[::1]:5", "::1", "5", false, "::1", "70"},
        {"[::1];[::1]:5", "::1", "5", false, "::1", "0"},
        {"eth0;1.2.3.4:5", "1.2.3.4", "5", false, "eth0", "0"},
        {"eth0:6000;1.2.3.4:5", "1.2.3.4", "5", false, "eth0", "6000"},
    };
    static const char *const bad[] = {
        "",
        "*:5",
        "127.0.0.1:*",
        "127.0.0.1:0",
        "127.0.0.1:",
        "127.0.0.1",
        ":5",
        "a:65536",
        "a:5x",
        "a:-5",
        "a b:5",
        " a:5",
        "a!b:5",
        "-a:5",
        "_a:5",
        ".a:5",
        "*.com:5",
        "a*:5",
        "a/b:5",
        "\xc3\xa4.de:5",
        "[]:5",
        "[a:b]:5",
        "a:b:5",
        "[::1%]:5",
        "[::zz]:5",
        "[1:2:3:4:5:6:7:8:9]:5",
        "[%eth0]:5",
        ";a:5",
        "a:1;",
        "*:1;a:5",
        "a:1;b:2;c:5",
        "a:1;:5",
        "a:x;b:5",
        "a:65536;b:5",
        "::1;a:0",
        "a:;b:5",
        "a%b:5",
        "a;::1%4;1:5",
    };

    for (size_t i = 0; i < N_ROWS(good); i++) {
        check_good(&fmq__transport_tcp, CONNECT, &good[i]);
    }
    for (size_t i = 0; i < N_ROWS(bad); i++) {
        check_bad(&fmq__transport_tcp, CONNECT, bad[i], EINVAL);
    }
}

TEST(tcp_host_of_any_length)
{
    static char text[5000];

    memset(text, 'x', sizeof(text) - 3);
    memcpy(text + sizeof(text) - 3, ":5", 3);
    check_bad(&fmq__transport_tcp, CONNECT, text, EINVAL);
    check_bad(&fmq__transport_tcp, BIND, text, EINVAL);
}

TEST(ipc_text)
{
    static const struct good both[] = {
        {"/tmp/x", "/tmp/x", NULL, false, NULL, NULL},
        {"x", "x", NULL, false, NULL, NULL},
        {"@name", "@name", NULL, false, NULL, NULL},
        {"@*", "@*", NULL, false, NULL, NULL},
        {"a:b;c d", "a:b;c d", NULL, false, NULL, NULL},
        {X106 "x", X106 "x", NULL, false, NULL, NULL},
        {"@" X106, "@" X106, NULL, false, NULL, NULL},
    };
    static const struct good wildcard = {"*", "*", NULL, false, NULL, NULL};
    static const struct {
        const char *text;
        int err;
    } bad[] = {
        {"", EINVAL},
        {"@", EINVAL},
        {X106 "xx", ENAMETOOLONG},
        {"@" X106 "x", ENAMETOOLONG},
    };

    for (int purpose = BIND; purpose <= CONNECT; purpose++) {
        for (size_t i = 0; i < N_ROWS(both); i++) {
            check_good(&fmq__transport_ipc, purpose, &both[i]);
        }
        for (size_t i = 0; i < N_ROWS(bad); i++) {
            check_bad(&fmq__transport_ipc, purpose, bad[i].text, bad[i].err);
        }
    }
    check_good(&fmq__transport_ipc, BIND, &wildcard);
    check_bad(&fmq__transport_ipc, CONNECT, "*", EINVAL);
}

TEST(parse_survives_lack_of_memory)
{
    static const struct {
        const fmq__transport *transport;
        int purpose;
        const char *text;
    } rows[] = {
        {&fmq__transport_tcp, CONNECT, "lo:1;1.2.3.4:5"},
        {&fmq__transport_tcp, BIND, "*:*"},
        {&fmq__transport_ipc, CONNECT, "/x"},
        {&fmq__transport_ipc, BIND, "/x"},
    };

    for (size_t i = 0; i < N_ROWS(rows); i++) {
        fmq__addr addr = {0};
        int err = ENOMEM;
        uint64_t n = 0;

        while (err == ENOMEM && n < 20) {
            n++;
            (void)fmq__alloc_fail_at(n, 0);
            err = rows[i].transport->parse(rows[i].text, rows[i].purpose, &addr);
            (void)fmq__alloc_fail_at(0, 0);
            CHECK(err == 0 || addr.text == NULL);
        }
        CHECK_EQ(err, 0);
        CHECK(n > 2);
        fmq__addr_fini(&addr);
    }
}

/* Resolves `text` and prints what came first, as "ip port". */
static int
resolve(const char *text, int purpose, bool ipv6, char *out, size_t cap)
{
    fmq__stream_opts opts;
    fmq__sockaddr sa[4];
    fmq__addr addr;
    char ip[INET6_ADDRSTRLEN];
    int n = 0;
    int err;

    fmq__stream_opts_init(&opts);
    opts.ipv6 = ipv6;
    if (!CHECK_EQ(fmq__tcp_parse(text, purpose, &addr), 0)) {
        return -1;
    }
    err = fmq__tcp_resolve(&addr, purpose, &opts, sa, 4, &n);
    fmq__addr_fini(&addr);
    if (err != 0) {
        CHECK_EQ(n, 0);
        return err;
    }
    CHECK(n >= 1 && n <= 4);
    if (sa[0].sa.ss_family == AF_INET) {
        struct sockaddr_in in;

        CHECK_EQ(sa[0].len, sizeof(in));
        memcpy(&in, &sa[0].sa, sizeof(in));
        (void)inet_ntop(AF_INET, &in.sin_addr, ip, sizeof(ip));
        (void)snprintf(out, cap, "%s %d", ip, ntohs(in.sin_port));
    } else {
        struct sockaddr_in6 in6;

        CHECK_EQ(sa[0].len, sizeof(in6));
        memcpy(&in6, &sa[0].sa, sizeof(in6));
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, ip, sizeof(ip));
        (void)snprintf(out, cap, "%s %d", ip, ntohs(in6.sin6_port));
    }
    return 0;
}

TEST(tcp_resolves_numbers)
{
    static const struct {
        const char *text;
        int purpose;
        bool ipv6;
        int err;
        const char *found;
    } rows[] = {
        {"*:5", BIND, false, 0, "0.0.0.0 5"},
        {"*:*", BIND, true, 0, ":: 0"},
        {"127.0.0.1:5", BIND, false, 0, "127.0.0.1 5"},
        {"127.0.0.1:5", BIND, true, 0, "::ffff:127.0.0.1 5"},
        {"127.1:5", BIND, false, 0, "127.0.0.1 5"},
        {"[::1]:5", BIND, true, 0, "::1 5"},
        {"[::1]:5", BIND, false, ENODEV, NULL},
        {"[::ffff:127.0.0.1]:5", BIND, false, 0, "127.0.0.1 5"},
        {"[::ffff:127.0.0.1]:5", BIND, true, 0, "::ffff:127.0.0.1 5"},
        {"[fe80::1%no-such-zone]:5", BIND, true, ENODEV, NULL},
        {"nothing:here:5", BIND, true, ENODEV, NULL},
        {"1.2.3.4:65535", CONNECT, false, 0, "1.2.3.4 65535"},
        {"1.2.3.4:5", CONNECT, true, 0, "1.2.3.4 5"},
        {"[::1]:5", CONNECT, true, 0, "::1 5"},
        {"[::1]:5", CONNECT, false, EADDRNOTAVAIL, NULL},
        {"[::ffff:1.2.3.4]:5", CONNECT, true, 0, "1.2.3.4 5"},
        {"[::ffff:1.2.3.4]:5", CONNECT, false, 0, "1.2.3.4 5"},
        {"[fe80::1%no-such-zone]:5", CONNECT, true, EADDRNOTAVAIL, NULL},
    };

    for (size_t i = 0; i < N_ROWS(rows); i++) {
        char found[80] = "";
        int err =
            resolve(rows[i].text, rows[i].purpose, rows[i].ipv6, found, sizeof(found));

        check_note(CHECK_EQ(err, rows[i].err), rows[i].text);
        if (err == 0 && rows[i].err == 0) {
            check_note(CHECK_STR(found, rows[i].found), rows[i].text);
        }
    }
}

TEST(tcp_resolves_interfaces_to_bind_and_to_come_from)
{
    const char *name = if_nametoindex("lo") != 0 ? "lo" : "lo0";
    char text[40];
    char found[80];
    fmq__sockaddr sa;
    fmq__addr addr;

    (void)snprintf(text, sizeof(text), "%s:5", name);
    CHECK_EQ(resolve(text, BIND, false, found, sizeof(found)), 0);
    CHECK_STR(found, "127.0.0.1 5");
    CHECK_EQ(resolve(text, BIND, true, found, sizeof(found)), 0);
    CHECK(strcmp(found, "::1 5") == 0 || strcmp(found, "::ffff:127.0.0.1 5") == 0);

    (void)snprintf(text, sizeof(text), "%s:7;1.2.3.4:5", name);
    CHECK_EQ(fmq__tcp_parse(text, CONNECT, &addr), 0);
    CHECK_EQ(fmq__tcp_resolve_source(&addr, AF_INET, &sa), 0);
    CHECK_EQ(sa.sa.ss_family, AF_INET);
    fmq__addr_fini(&addr);

    CHECK_EQ(fmq__tcp_parse("127.0.0.1:7;[::1]:5", CONNECT, &addr), 0);
    CHECK_EQ(fmq__tcp_resolve_source(&addr, AF_INET6, &sa), EADDRNOTAVAIL);
    fmq__addr_fini(&addr);

    CHECK_EQ(fmq__tcp_parse("no-such-if:7;1.2.3.4:5", CONNECT, &addr), 0);
    CHECK_EQ(fmq__tcp_resolve_source(&addr, AF_INET, &sa), ENODEV);
    fmq__addr_fini(&addr);
}

TEST(tcp_resolves_names)
{
    char found[80] = "";
    int err;

    CHECK_EQ(resolve("localhost:5", BIND, false, found, sizeof(found)), 0);
    CHECK_STR(found, "127.0.0.1 5");
    CHECK_EQ(resolve("localhost:5", CONNECT, false, found, sizeof(found)), 0);
    CHECK_STR(found, "127.0.0.1 5");
    CHECK_EQ(resolve("localhost:5", BIND, true, found, sizeof(found)), 0);
    CHECK(strcmp(found, "::1 5") == 0 || strcmp(found, "::ffff:127.0.0.1 5") == 0);
    CHECK_EQ(resolve("localhost:5", CONNECT, true, found, sizeof(found)), 0);
    CHECK(strcmp(found, "::1 5") == 0 || strcmp(found, "127.0.0.1 5") == 0);
    CHECK_EQ(resolve("fastmq.invalid:5", BIND, false, found, sizeof(found)), ENODEV);
    err = resolve("fastmq.invalid:5", CONNECT, true, found, sizeof(found));
    CHECK(err == EADDRNOTAVAIL || err == EHOSTUNREACH);
}

TEST(resolve_needs_room)
{
    const fmq__transport *transports[] = {&fmq__transport_tcp, &fmq__transport_ipc};
    fmq__stream_opts opts;
    fmq__sockaddr sa;
    int n = 7;

    fmq__stream_opts_init(&opts);
    for (size_t i = 0; i < N_ROWS(transports); i++) {
        fmq__addr addr;

        CHECK_EQ(transports[i]->parse("1.2.3.4:5", CONNECT, &addr), 0);
        CHECK_EQ(transports[i]->resolve(&addr, CONNECT, &opts, &sa, 0, &n), EINVAL);
        CHECK_EQ(n, 7);
        CHECK_EQ(transports[i]->resolve(&addr, CONNECT, &opts, &sa, 1, &n), 0);
        CHECK_EQ(n, 1);
        fmq__addr_fini(&addr);
        n = 7;
    }
}

TEST(addresses_that_have_a_v4_form)
{
    static const struct {
        const char *v6;
        const char *v4; /* NULL: none */
    } rows[] = {
        {"::", "0.0.0.0"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"::1", NULL},
        {"fe80::1", NULL},
    };

    for (size_t i = 0; i < N_ROWS(rows); i++) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(77)};
        struct sockaddr_in in;
        fmq__sockaddr sa = {.len = sizeof(in6)};
        char ip[INET_ADDRSTRLEN];

        CHECK_EQ(inet_pton(AF_INET6, rows[i].v6, &in6.sin6_addr), 1);
        memcpy(&sa.sa, &in6, sizeof(in6));
        CHECK_EQ(fmq__tcp_to_v4(&sa), rows[i].v4 != NULL);
        if (rows[i].v4 == NULL) {
            CHECK_MEM(&sa.sa, &in6, sizeof(in6));
            continue;
        }
        CHECK_EQ(sa.len, sizeof(in));
        memcpy(&in, &sa.sa, sizeof(in));
        CHECK_EQ(in.sin_family, AF_INET);
        CHECK_EQ(in.sin_port, htons(77));
        CHECK_STR(inet_ntop(AF_INET, &in.sin_addr, ip, sizeof(ip)), rows[i].v4);
        CHECK(fmq__tcp_to_v4(&sa));
    }
}

static const check_case cases[] = {
    CASE(finds_the_transport),
    CASE(tcp_bind_text),
    CASE(tcp_connect_text),
    CASE(tcp_host_of_any_length),
    CASE(ipc_text),
    CASE(parse_survives_lack_of_memory),
    CASE(tcp_resolves_numbers),
    CASE(tcp_resolves_interfaces_to_bind_and_to_come_from),
    CASE(tcp_resolves_names),
    CASE(resolve_needs_room),
    CASE(addresses_that_have_a_v4_form),
};

int
main(void)
{
    return CHECK_MAIN(cases);
}
