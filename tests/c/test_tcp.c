/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "deny.h"
#include "endpoint.h"

#define N_ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TCP (&fmq__transport_tcp)

static fmq__stream_opts
default_opts(bool ipv6)
{
    fmq__stream_opts opts;

    fmq__stream_opts_init(&opts);
    opts.ipv6 = ipv6;
    return opts;
}

/* Whether ::1 can be listened at; some machines have no IPv6. */
static bool
has_ipv6(void)
{
    fmq__stream_opts opts = default_opts(true);
    listener l;

    if (listen_at(&l, "tcp://[::1]:*", &opts) != 0) {
        fprintf(stderr, "no IPv6 here, left out\n");
        return false;
    }
    unlisten(&l);
    return true;
}

static const char *
port_of(const listener *l)
{
    return strrchr(l->name, ':') + 1;
}

static void
endpoint_of(const listener *l, const char *host, char *out, size_t cap)
{
    (void)snprintf(out, cap, "tcp://%s:%s", host, port_of(l));
}

/* Whether `name` is `head` followed by a port. */
static bool
is_name_with_port(const char *name, const char *head)
{
    size_t len = strlen(head);

    return strncmp(name, head, len) == 0 && name[len] != '0' &&
           strlen(name + len) == strspn(name + len, "0123456789") &&
           strlen(name + len) > 0;
}

/* Connects both ends, and says as whom the listener sees the dialling one. */
static void
check_connects(const listener *l, const char *host, const fmq__stream_opts *opts,
               const char *seen_as)
{
    char endpoint[ENDPOINT_NAME_ROOM];
    char address[100] = "";
    int near = -1;
    int far = -1;

    endpoint_of(l, host, endpoint, sizeof(endpoint));
    REQUIRE(dial_and_wait(TCP, endpoint, opts, &near) == 0);
    REQUIRE(accept_one(l, opts, &far) == 0);
    CHECK(is_private_and_non_blocking(near));
    CHECK(is_private_and_non_blocking(far));
    CHECK_EQ(TCP->peer_address(far, address, sizeof(address)), 0);
    CHECK_STR(address, seen_as);
    check_passes(near, far);
    check_passes(far, near);
    (void)close(near);
    (void)close(far);
}

TEST(connects_over_ipv4)
{
    static const struct {
        const char *endpoint;
        const char *name;
    } rows[] = {
        {"tcp://*:*", "tcp://0.0.0.0:"},
        {"tcp://*:0", "tcp://0.0.0.0:"},
        {"tcp://127.0.0.1:*", "tcp://127.0.0.1:"},
        {"tcp://localhost:*", "tcp://127.0.0.1:"},
    };
    fmq__stream_opts opts = default_opts(false);

    for (size_t i = 0; i < N_ROWS(rows); i++) {
        listener l;

        REQUIRE(listen_at(&l, rows[i].endpoint, &opts) == 0);
        CHECK(is_name_with_port(l.name, rows[i].name));
        CHECK(is_private_and_non_blocking(l.fd));
        check_connects(&l, "127.0.0.1", &opts, "127.0.0.1");
        unlisten(&l);
    }
}

TEST(connects_to_an_interface)
{
    fmq__stream_opts opts = default_opts(false);
    listener l;
    const char *endpoint = if_nametoindex("lo") != 0 ? "tcp://lo:*" : "tcp://lo0:*";

    REQUIRE(listen_at(&l, endpoint, &opts) == 0);
    CHECK(is_name_with_port(l.name, "tcp://127.0.0.1:"));
    check_connects(&l, "127.0.0.1", &opts, "127.0.0.1");
    unlisten(&l);
}

TEST(connects_over_ipv6)
{
    fmq__stream_opts opts = default_opts(true);
    listener l;

    if (!has_ipv6()) {
        return;
    }
    REQUIRE(listen_at(&l, "tcp://[::1]:*", &opts) == 0);
    CHECK(is_name_with_port(l.name, "tcp://[::1]:"));
    check_connects(&l, "[::1]", &opts, "::1");
    unlisten(&l);
}

TEST(ipv6_listeners_serve_both_families)
{
    fmq__stream_opts opts = default_opts(true);
    listener l;

    if (!has_ipv6()) {
        return;
    }
    REQUIRE(listen_at(&l, "tcp://*:*", &opts) == 0);
    CHECK(is_name_with_port(l.name, "tcp://[::]:"));
    check_connects(&l, "[::1]", &opts, "::1");
    check_connects(&l, "127.0.0.1", &opts, "::ffff:127.0.0.1");
    unlisten(&l);

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    CHECK(is_name_with_port(l.name, "tcp://[::ffff:127.0.0.1]:"));
    check_connects(&l, "127.0.0.1", &opts, "::ffff:127.0.0.1");
    unlisten(&l);
}

TEST(bind_tells_what_is_wrong)
{
    static const struct {
        const char *endpoint;
        int err;
    } rows[] = {
        {"tcp://no-such-interface:*", ENODEV},
        {"tcp://fastmq.invalid:*", ENODEV},
        {"tcp://[::1]:*", ENODEV}, /* IPv6 is off */
        {"tcp://203.0.113.1:*", EADDRNOTAVAIL},
        {"tcp://*:65536", EINVAL},
    };
    fmq__stream_opts opts = default_opts(false);
    int fd = next_fd();
    listener l;

    for (size_t i = 0; i < N_ROWS(rows); i++) {
        if (!CHECK_EQ(listen_at(&l, rows[i].endpoint, &opts), rows[i].err)) {
            fprintf(stderr, "    with %s\n", rows[i].endpoint);
        }
        CHECK_EQ(l.fd, -1);
    }
    CHECK_EQ(next_fd(), fd);
}

TEST(a_port_is_bound_once)
{
    fmq__stream_opts opts = default_opts(false);
    listener first;
    listener second;

    REQUIRE(listen_at(&first, "tcp://127.0.0.1:*", &opts) == 0);
    CHECK_EQ(listen_at(&second, first.name, &opts), EADDRINUSE);
    unlisten(&first);
    REQUIRE(listen_at(&second, first.name, &opts) == 0);
    unlisten(&second);
}

TEST(a_port_with_old_connections_is_bound_again)
{
    fmq__stream_opts opts = default_opts(false);
    listener l;
    listener again;
    int near;
    int far;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    REQUIRE(dial_and_wait(TCP, l.name, &opts, &near) == 0);
    REQUIRE(accept_one(&l, &opts, &far) == 0);
    /* The listening side closes first, and keeps the state TIME_WAIT. */
    (void)close(far);
    wait_until(near, POLLIN);
    (void)close(near);
    unlisten(&l);
    REQUIRE(listen_at(&again, l.name, &opts) == 0);
    unlisten(&again);
}

TEST(refused)
{
    fmq__stream_opts opts = default_opts(false);
    int free_fd = next_fd();
    listener l;
    int fd;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    unlisten(&l);
    CHECK_EQ(dial_and_wait(TCP, l.name, &opts, &fd), ECONNREFUSED);
    CHECK_EQ(fd, -1);
    CHECK_EQ(next_fd(), free_fd);
}

TEST(nobody_waits)
{
    fmq__stream_opts opts = default_opts(false);
    listener l;
    int fd = -1;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    CHECK_EQ(TCP->accept(l.fd, &opts, &fd), EAGAIN);
    CHECK_EQ(fd, -1);
    unlisten(&l);
}

TEST(accept_without_descriptors_fails_and_works_later)
{
    fmq__stream_opts opts = default_opts(false);
    rlim_t before;
    listener l;
    int near;
    int far = -1;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    REQUIRE(dial_and_wait(TCP, l.name, &opts, &near) == 0);
    wait_until(l.fd, POLLIN);
    before = deny_descriptors((rlim_t)next_fd());
    CHECK_EQ(TCP->accept(l.fd, &opts, &far), EMFILE);
    (void)deny_descriptors(before);
    CHECK_EQ(far, -1);
    CHECK_EQ(accept_one(&l, &opts, &far), 0);
    check_passes(near, far);
    (void)close(near);
    (void)close(far);
    unlisten(&l);
}

struct expected {
    int level;
    int name;
    int value;
};

static void
check_options(int fd, const struct expected *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int value = -1;
        socklen_t len = sizeof(value);

        CHECK_EQ(getsockopt(fd, rows[i].level, rows[i].name, &value, &len), 0);
        if (!CHECK_EQ(value, rows[i].value)) {
            fprintf(stderr, "    level %d name %d\n", rows[i].level, rows[i].name);
        }
    }
}

static void
check_options_everywhere(const char *endpoint, const fmq__stream_opts *opts,
                         const struct expected *rows, size_t n)
{
    listener l;
    int near;
    int far;

    REQUIRE(listen_at(&l, endpoint, opts) == 0);
    REQUIRE(dial_and_wait(TCP, l.name, opts, &near) == 0);
    REQUIRE(accept_one(&l, opts, &far) == 0);
    check_options(l.fd, rows, n);
    check_options(near, rows, n);
    check_options(far, rows, n);
    (void)close(near);
    (void)close(far);
    unlisten(&l);
}

TEST(every_option_arrives)
{
    fmq__stream_opts opts = {
        .sndbuf = 30000,
        .rcvbuf = 40000,
        .backlog = 5,
        .keepalive = 1,
        .keepalive_cnt = 7,
        .keepalive_idle_s = 77,
        .keepalive_intvl_s = 33,
        .maxrt_ms = 4321,
        .tos = 0x28,
    };
    /* The kernel doubles buffer sizes. */
    static const struct expected rows[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},         {SOL_SOCKET, SO_SNDBUF, 60000},
        {SOL_SOCKET, SO_RCVBUF, 80000},        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPCNT, 7},         {IPPROTO_TCP, TCP_KEEPIDLE, 77},
        {IPPROTO_TCP, TCP_KEEPINTVL, 33},      {IPPROTO_IP, IP_TOS, 0x28},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 4321},
    };
    static const struct expected v6[] = {
        {IPPROTO_IPV6, IPV6_TCLASS, 0x28},
        {IPPROTO_TCP, TCP_NODELAY, 1},
    };

    check_options_everywhere("tcp://127.0.0.1:*", &opts, rows, N_ROWS(rows));
    if (has_ipv6()) {
        opts.ipv6 = true;
        check_options_everywhere("tcp://[::1]:*", &opts, v6, N_ROWS(v6));
    }
}

TEST(defaults_leave_the_system_alone)
{
    fmq__stream_opts opts = default_opts(false);
    static const int names[][2] = {
        {SOL_SOCKET, SO_KEEPALIVE},  {IPPROTO_TCP, TCP_KEEPCNT},
        {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL},
        {IPPROTO_IP, IP_TOS},        {IPPROTO_TCP, TCP_USER_TIMEOUT},
    };
    struct expected rows[N_ROWS(names) + 1];
    int plain = socket(AF_INET, SOCK_STREAM, 0);

    REQUIRE(plain >= 0);
    for (size_t i = 0; i < N_ROWS(names); i++) {
        int value = 0;
        socklen_t len = sizeof(value);

        CHECK_EQ(getsockopt(plain, names[i][0], names[i][1], &value, &len), 0);
        rows[i] = (struct expected){names[i][0], names[i][1], value};
    }
    (void)close(plain);
    rows[N_ROWS(names)] = (struct expected){IPPROTO_TCP, TCP_NODELAY, 1};
    check_options_everywhere("tcp://127.0.0.1:*", &opts, rows, N_ROWS(rows));

    /* Without keep-alive set, its details are not set either. */
    opts.keepalive_cnt = 3;
    check_options_everywhere("tcp://127.0.0.1:*", &opts, rows, N_ROWS(rows));
}

/* The first letters of how a connection's congestion is controlled. */
static const char *
control_of(int fd)
{
    static char name[32];
    socklen_t len = sizeof(name) - 1;

    memset(name, 0, sizeof(name));
    REQUIRE(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0);
    return name;
}

static void
check_control(const listener *l, const char *host, const fmq__stream_opts *opts,
              const char *expected)
{
    char endpoint[ENDPOINT_NAME_ROOM];
    int near;
    int far;

    endpoint_of(l, host, endpoint, sizeof(endpoint));
    REQUIRE(dial_and_wait(TCP, endpoint, opts, &near) == 0);
    REQUIRE(accept_one(l, opts, &far) == 0);
    CHECK_STR(control_of(far), expected); /* else it is the listener's */
    CHECK(strcmp(expected, "reno") != 0 || strncmp(control_of(near), "bbr", 3) != 0);
    check_passes(near, far);
    (void)close(near);
    (void)close(far);
}

/* An address of this machine that is not loopback's: false if there is none. */
static bool
find_own_address(char *text)
{
    struct ifaddrs *list;
    bool is_found = false;

    REQUIRE(getifaddrs(&list) == 0);
    for (const struct ifaddrs *a = list; a != NULL && !is_found; a = a->ifa_next) {
        struct sockaddr_in in;

        if (a->ifa_addr != NULL && a->ifa_addr->sa_family == AF_INET) {
            memcpy(&in, a->ifa_addr, sizeof(in));
            is_found = ntohl(in.sin_addr.s_addr) >> 24 != 127 &&
                       inet_ntop(AF_INET, &in.sin_addr, text, INET_ADDRSTRLEN) != NULL;
        }
    }
    freeifaddrs(list);
    return is_found;
}

TEST(nothing_is_paced_over_loopback)
{
    fmq__stream_opts fast = default_opts(false);
    fmq__stream_opts given = default_opts(false);
    fmq__stream_opts v6 = default_opts(true);
    char preset[32];
    char own[INET_ADDRSTRLEN];
    listener l;

    given.is_loopback_fast = false;
    REQUIRE(listen_at(&l, "tcp://*:*", &fast) == 0);
    (void)snprintf(preset, sizeof(preset), "%s", control_of(l.fd));
    check_control(&l, "127.0.0.1", &given, preset);
    if (setsockopt(l.fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3) != 0) {
        fprintf(stderr, "no bbr here, left out\n");
        unlisten(&l);
        return;
    }
    check_control(&l, "127.0.0.1", &given, "bbr");
    check_control(&l, "127.0.0.1", &fast, "reno");
    check_control(&l, "127.8.9.10", &fast, "reno");
    if (find_own_address(own)) {
        check_control(&l, own, &fast, "bbr"); /* networks may need it */
    }
    unlisten(&l);
    if (!has_ipv6()) {
        return;
    }
    REQUIRE(listen_at(&l, "tcp://*:*", &v6) == 0);
    REQUIRE(setsockopt(l.fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3) == 0);
    check_control(&l, "[::1]", &v6, "reno");
    check_control(&l, "127.0.0.1", &v6, "reno"); /* ::ffff:127.0.0.1 there */
    unlisten(&l);
}

TEST(listeners_reuse_addresses_and_are_dual_stack)
{
    static const struct expected v4[] = {{SOL_SOCKET, SO_REUSEADDR, 1},
                                         {SOL_SOCKET, SO_REUSEPORT, 0}};
    static const struct expected v6[] = {{SOL_SOCKET, SO_REUSEADDR, 1},
                                         {IPPROTO_IPV6, IPV6_V6ONLY, 0}};
    fmq__stream_opts opts = default_opts(false);
    listener l;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    check_options(l.fd, v4, N_ROWS(v4));
    unlisten(&l);
    if (has_ipv6()) {
        opts.ipv6 = true;
        REQUIRE(listen_at(&l, "tcp://[::]:*", &opts) == 0);
        check_options(l.fd, v6, N_ROWS(v6));
        unlisten(&l);
    }
}

TEST(a_value_the_kernel_refuses_is_an_error)
{
    fmq__stream_opts bad = default_opts(false);
    fmq__stream_opts good = default_opts(false);
    int free_fd = next_fd();
    listener l;
    int near;
    int far = -1;

    bad.keepalive = 1;
    bad.keepalive_cnt = 100000;
    CHECK_EQ(listen_at(&l, "tcp://127.0.0.1:*", &bad), EINVAL);
    CHECK_EQ(dial("tcp://127.0.0.1:1", &bad, &near), EINVAL);
    CHECK_EQ(near, -1);

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &good) == 0);
    REQUIRE(dial_and_wait(TCP, l.name, &good, &near) == 0);
    CHECK_EQ(accept_one(&l, &bad, &far), ECONNABORTED);
    CHECK_EQ(far, -1);
    (void)close(near);
    unlisten(&l);
    CHECK_EQ(next_fd(), free_fd);
}

TEST(comes_from_where_it_is_told)
{
    fmq__stream_opts opts = default_opts(false);
    char endpoint[ENDPOINT_NAME_ROOM];
    char own[ENDPOINT_NAME_ROOM];
    char expected[ENDPOINT_NAME_ROOM];
    char address[100] = "";
    fmq__addr unused = {0};
    listener source;
    listener l;
    int near;
    int far;

    /* A port that is free: somebody just had it. */
    REQUIRE(listen_at(&source, "tcp://127.0.0.2:*", &opts) == 0);
    unlisten(&source);
    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.2:%s;127.0.0.1:%s",
                   port_of(&source), port_of(&l));
    REQUIRE(dial_and_wait(TCP, endpoint, &opts, &near) == 0);
    REQUIRE(accept_one(&l, &opts, &far) == 0);
    CHECK_EQ(TCP->peer_address(far, address, sizeof(address)), 0);
    CHECK_STR(address, "127.0.0.2");
    CHECK_EQ(TCP->local_name(&unused, near, own, sizeof(own)), 0);
    (void)snprintf(expected, sizeof(expected), "tcp://127.0.0.2:%s", port_of(&source));
    CHECK_STR(own, expected);
    (void)close(near);
    (void)close(far);

    (void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.3;127.0.0.1:%s",
                   port_of(&l));
    REQUIRE(dial_and_wait(TCP, endpoint, &opts, &near) == 0);
    REQUIRE(accept_one(&l, &opts, &far) == 0);
    CHECK_EQ(TCP->peer_address(far, address, sizeof(address)), 0);
    CHECK_STR(address, "127.0.0.3");
    (void)close(near);
    (void)close(far);
    unlisten(&l);
}

TEST(a_source_that_is_not_there)
{
    fmq__stream_opts opts = default_opts(true);
    int free_fd = next_fd();
    int fd;

    CHECK_EQ(dial("tcp://no-such-if:0;127.0.0.1:9", &opts, &fd), ENODEV);
    CHECK_EQ(fd, -1);
    CHECK_EQ(dial("tcp://203.0.113.1:0;127.0.0.1:9", &opts, &fd), EADDRNOTAVAIL);
    CHECK_EQ(fd, -1);
    CHECK_EQ(dial("tcp://[::1]:0;127.0.0.1:9", &opts, &fd), EADDRNOTAVAIL);
    CHECK_EQ(fd, -1);
    CHECK_EQ(next_fd(), free_fd);
}

TEST(a_socket_joined_to_itself_is_refused)
{
    fmq__stream_opts opts = default_opts(false);
    char endpoint[ENDPOINT_NAME_ROOM];
    listener l;
    int fd;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    unlisten(&l);
    (void)snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%s;127.0.0.1:%s",
                   port_of(&l), port_of(&l));
    CHECK_EQ(dial_and_wait(TCP, endpoint, &opts, &fd), ECONNREFUSED);
    CHECK_EQ(fd, -1);
}

TEST(texts_need_room)
{
    fmq__stream_opts opts = default_opts(false);
    char buf[100];
    listener l;
    int near;
    int far;

    REQUIRE(listen_at(&l, "tcp://127.0.0.1:*", &opts) == 0);
    CHECK_EQ(TCP->local_name(&l.addr, l.fd, buf, strlen(l.name)), ERANGE);
    CHECK_EQ(TCP->local_name(&l.addr, l.fd, buf, strlen(l.name) + 1), 0);
    CHECK_STR(buf, l.name);
    CHECK_EQ(TCP->local_name(&l.addr, -1, buf, sizeof(buf)), EBADF);

    REQUIRE(dial_and_wait(TCP, l.name, &opts, &near) == 0);
    REQUIRE(accept_one(&l, &opts, &far) == 0);
    CHECK_EQ(TCP->peer_address(far, buf, 9), ERANGE);
    CHECK_EQ(TCP->peer_address(far, buf, 10), 0);
    CHECK_STR(buf, "127.0.0.1");
    CHECK_EQ(TCP->peer_address(l.fd, buf, sizeof(buf)), ENOTCONN);
    (void)close(near);
    (void)close(far);
    unlisten(&l);
}

/* From now on socket(AF_INET6, ...) fails with EAFNOSUPPORT, as on a kernel without it:
 * false if this kernel does not let us have that. */
static bool
deny_ipv6(void)
{
    const unsigned first = offsetof(struct seccomp_data, args[0]);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, first),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {N_ROWS(code), code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* Denies for good, so it comes last. */
TEST(a_kernel_without_ipv6_serves_ipv4)
{
    fmq__stream_opts opts = default_opts(true);
    listener l;

    if (!deny_ipv6()) {
        fprintf(stderr, "cannot deny IPv6 here, left out\n");
        return;
    }
    CHECK_EQ(listen_at(&l, "tcp://[::1]:*", &opts), EAFNOSUPPORT);
    REQUIRE(listen_at(&l, "tcp://*:*", &opts) == 0);
    CHECK(is_name_with_port(l.name, "tcp://0.0.0.0:"));
    check_connects(&l, "127.0.0.1", &opts, "127.0.0.1");
    unlisten(&l);
}

static const check_case cases[] = {
    CASE(connects_over_ipv4),
    CASE(connects_to_an_interface),
    CASE(connects_over_ipv6),
    CASE(ipv6_listeners_serve_both_families),
    CASE(bind_tells_what_is_wrong),
    CASE(a_port_is_bound_once),
    CASE(a_port_with_old_connections_is_bound_again),
    CASE(refused),
    CASE(nobody_waits),
    CASE(accept_without_descriptors_fails_and_works_later),
    CASE(every_option_arrives),
    CASE(defaults_leave_the_system_alone),
    CASE(nothing_is_paced_over_loopback),
    CASE(listeners_reuse_addresses_and_are_dual_stack),
    CASE(a_value_the_kernel_refuses_is_an_error),
    CASE(comes_from_where_it_is_told),
    CASE(a_source_that_is_not_there),
    CASE(a_socket_joined_to_itself_is_refused),
    CASE(texts_need_room),
    CASE(a_kernel_without_ipv6_serves_ipv4),
};

int
main(void)
{
    return CHECK_MAIN(cases);
}
