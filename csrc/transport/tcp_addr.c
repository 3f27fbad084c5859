/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoint text is "host:port", with "source;" before it on connect, "source" being
 * "host:port" or "host". The last colon ends the host, so brackets around an IPv6
 * address are usual but not needed.
 *
 * What a host may be depends on the side. To listen on: "*", a number, an interface, a
 * name. To connect to: a number or a name, of the characters that names are made of. To
 * come from: a number or an interface. Numbers are whatever getaddrinfo takes for one
 * ("127.1" too); text with a colon in it is never a name.
 *
 * With IPv6 on, listeners are AF_INET6 for both families, and IPv4 addresses are mapped
 * (::ffff:127.0.0.1). Outgoing connections are of the family of their address. */
#include "transport/tcp_addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { HOST_MAX = NI_MAXHOST - 1 };

/* A piece of the endpoint's text. */
typedef struct span {
    const char *at;
    size_t len;
} span;

/* Which of the three sides a host is for. */
enum side { LOCAL, REMOTE, SOURCE };

static bool
has_char(span s, char c)
{
    return memchr(s.at, c, s.len) != NULL;
}

static char *
copy_span(span s)
{
    char *copy = fmq__alloc(s.len + 1);

    if (copy != NULL) {
        memcpy(copy, s.at, s.len);
        copy[s.len] = '\0';
    }
    return copy;
}

static int
strip_brackets(span *host)
{
    bool is_open = host->len > 0 && host->at[0] == '[';
    bool is_closed = host->len > 0 && host->at[host->len - 1] == ']';

    if (is_open != is_closed) {
        return EINVAL;
    }
    if (is_open) {
        host->at++;
        host->len -= 2;
    }
    if (host->len == 0 || host->len > HOST_MAX || has_char(*host, '[') ||
        has_char(*host, ']')) {
        return EINVAL;
    }
    return 0;
}

static const char *
last_colon(span text)
{
    for (size_t i = text.len; i-- > 0;) {
        if (text.at[i] == ':') {
            return text.at + i;
        }
    }
    return NULL;
}

static int
split_host_port(span text, enum side side, span *host, span *port)
{
    const char *colon = last_colon(text);
    bool ends_in_bracket = text.len > 0 && text.at[text.len - 1] == ']';

    if (colon == NULL || ends_in_bracket) {
        if (side != SOURCE) {
            return EINVAL;
        }
        *host = text;
        *port = (span){"0", 1};
        return strip_brackets(host);
    }
    *host = (span){text.at, (size_t)(colon - text.at)};
    *port = (span){colon + 1, text.len - host->len - 1};
    return strip_brackets(host);
}

/* "*" is 0, which one cannot connect to. */
static int
parse_port(span text, enum side side, unsigned *port)
{
    unsigned value = 0;

    if (text.len == 1 && text.at[0] == '*' && side != REMOTE) {
        *port = 0;
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return EINVAL;
        }
        value = value * 10 + (unsigned)(text.at[i] - '0');
        if (value > UINT16_MAX) {
            return EINVAL;
        }
    }
    if (text.len == 0 || (value == 0 && side == REMOTE)) {
        return EINVAL;
    }
    *port = value;
    return 0;
}

/* Whether it is an IPv6 address, perhaps with a zone, which is not looked at. */
static bool
looks_like_v6(span host)
{
    char digits[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    const char *percent = memchr(host.at, '%', host.len);
    size_t len = percent != NULL ? (size_t)(percent - host.at) : host.len;

    if (len >= sizeof(digits) || (percent != NULL && len + 1 == host.len)) {
        return false;
    }
    memcpy(digits, host.at, len);
    digits[len] = '\0';
    return inet_pton(AF_INET6, digits, &ignored) == 1;
}

/* Whether it could be a name or number to connect to. */
static bool
looks_like_host(span host)
{
    if (has_char(host, ':')) {
        return looks_like_v6(host);
    }
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.at[i];
        bool is_inner = c == '-' || c == '.' || c == '_';

        if (c >= 0x80 || !(isalnum(c) || (is_inner && i > 0))) {
            return false;
        }
    }
    return true;
}

static int
check_host(span host, enum side side)
{
    if (has_char(host, ';')) {
        return EINVAL;
    }
    switch (side) {
    case LOCAL:
        return 0;
    case REMOTE:
        return looks_like_host(host) ? 0 : EINVAL;
    case SOURCE:
    default:
        return host.at[0] == '*' ? EINVAL : 0;
    }
}

/* Gives the two strings. */
static int
parse_half(span text, enum side side, char **host_text, char **port_text)
{
    static const char digit[] = "0123456789";
    char digits[5];
    size_t n_digits = 0;
    unsigned value;
    span host;
    span port;
    int err = split_host_port(text, side, &host, &port);

    if (err == 0) {
        err = check_host(host, side);
    }
    if (err == 0) {
        err = parse_port(port, side, &value);
    }
    if (err != 0) {
        return err;
    }
    do {
        n_digits++;
        digits[sizeof(digits) - n_digits] = digit[value % 10];
        value /= 10;
    } while (value != 0);
    *host_text = copy_span(host);
    *port_text = copy_span((span){digits + sizeof(digits) - n_digits, n_digits});
    return *host_text != NULL && *port_text != NULL ? 0 : ENOMEM;
}

/* The first address getaddrinfo has, with whatever port. */
static int
look_up_one(const char *host, int family, int flags, fmq__sockaddr *out)
{
    struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = flags,
    };
    struct addrinfo *list;
    int err = getaddrinfo(host, NULL, &hints, &list);

    if (err != 0) {
        return err == EAI_MEMORY ? ENOMEM : ENODEV;
    }
    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, list->ai_addr, list->ai_addrlen);
    out->len = list->ai_addrlen;
    freeaddrinfo(list);
    return 0;
}

static bool
is_numeric(const char *host)
{
    fmq__sockaddr ignored;

    return strchr(host, ':') != NULL ||
           look_up_one(host, AF_INET, AI_NUMERICHOST, &ignored) == 0;
}

int
fmq__tcp_parse(const char *text, int purpose, fmq__addr *addr)
{
    fmq__addr made = {.transport = &fmq__transport_tcp};
    span rest = {text, strlen(text)};
    const char *semicolon = memchr(text, ';', rest.len);
    enum side side = purpose == FMQ__ADDR_BIND ? LOCAL : REMOTE;
    int err = 0;

    if (side == REMOTE && semicolon != NULL) {
        span source = {text, (size_t)(semicolon - text)};

        err = parse_half(source, SOURCE, &made.source_host, &made.source_port);
        rest = (span){semicolon + 1, rest.len - source.len - 1};
    }
    if (err == 0) {
        err = parse_half(rest, side, &made.host, &made.port);
    }
    if (err == 0) {
        made.text = fmq__strdup(text);
        err = made.text != NULL ? 0 : ENOMEM;
    }
    if (err != 0) {
        fmq__addr_fini(&made);
        return err;
    }
    made.needs_resolver = strcmp(made.host, "*") != 0 && !is_numeric(made.host);
    *addr = made;
    return 0;
}

static void
set_v4(fmq__sockaddr *out, struct in_addr ip)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = ip};

    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, &in, sizeof(in));
    out->len = sizeof(in);
}

static void
set_v6(fmq__sockaddr *out, struct in6_addr ip)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = ip};

    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, &in6, sizeof(in6));
    out->len = sizeof(in6);
}

static struct in_addr
get_v4(const fmq__sockaddr *sa)
{
    struct sockaddr_in in;

    memcpy(&in, &sa->sa, sizeof(in));
    return in.sin_addr;
}

static struct in6_addr
get_v6(const fmq__sockaddr *sa)
{
    struct sockaddr_in6 in6;

    memcpy(&in6, &sa->sa, sizeof(in6));
    return in6.sin6_addr;
}

static void
set_port(fmq__sockaddr *sa, const char *port)
{
    /* sin_port and sin6_port lie at the same place. */
    in_port_t value = htons((uint16_t)strtoul(port, NULL, 10));

    memcpy((char *)&sa->sa + offsetof(struct sockaddr_in, sin_port), &value,
           sizeof(value));
}

bool
fmq__tcp_to_v4(fmq__sockaddr *sa)
{
    struct sockaddr_in6 in6;
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (sa->sa.ss_family == AF_INET) {
        return true;
    }
    memcpy(&in6, &sa->sa, sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
    } else if (!IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr)) {
        return false;
    }
    in.sin_port = in6.sin6_port;
    memset(sa, 0, sizeof(*sa));
    memcpy(&sa->sa, &in, sizeof(in));
    sa->len = sizeof(in);
    return true;
}

static bool
is_mapped(const fmq__sockaddr *sa)
{
    struct in6_addr ip;

    if (sa->sa.ss_family != AF_INET6) {
        return false;
    }
    ip = get_v6(sa);
    return IN6_IS_ADDR_V4MAPPED(&ip);
}

static void
map_v4(fmq__sockaddr *sa)
{
    struct in_addr ip = get_v4(sa);
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(&mapped.s6_addr[12], &ip, sizeof(ip));
    set_v6(sa, mapped);
}

/* A number; IPv4 ones as AF_INET, however they were written. */
static int
look_up_number(const char *host, fmq__sockaddr *out)
{
    int err = look_up_one(host, AF_UNSPEC, AI_NUMERICHOST, out);

    if (err == 0 && is_mapped(out)) {
        (void)fmq__tcp_to_v4(out);
    }
    return err;
}

/* How well an interface's address suits; 0: not at all. */
static int
rank_address(const struct ifaddrs *entry, bool want_v4, bool want_v6)
{
    struct sockaddr_in6 in6;

    if (entry->ifa_addr == NULL) {
        return 0;
    }
    if (entry->ifa_addr->sa_family == AF_INET) {
        return want_v4 ? 1 : 0;
    }
    if (entry->ifa_addr->sa_family != AF_INET6 || !want_v6) {
        return 0;
    }
    memcpy(&in6, entry->ifa_addr, sizeof(in6));
    return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? 2 : 3;
}

static int
look_up_interface(const char *name, bool want_v4, bool want_v6, fmq__sockaddr *out)
{
    struct ifaddrs *list;
    int best = 0;

    if (getifaddrs(&list) != 0) {
        return errno;
    }
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        int rank = 0;

        if (strcmp(entry->ifa_name, name) == 0) {
            rank = rank_address(entry, want_v4, want_v6);
        }
        if (rank > best) {
            best = rank;
            out->len = entry->ifa_addr->sa_family == AF_INET
                           ? sizeof(struct sockaddr_in)
                           : sizeof(struct sockaddr_in6);
            memset(&out->sa, 0, sizeof(out->sa));
            memcpy(&out->sa, entry->ifa_addr, out->len);
        }
    }
    freeifaddrs(list);
    return best > 0 ? 0 : ENODEV;
}

static int
resolve_local(const fmq__addr *addr, bool ipv6, fmq__sockaddr *out)
{
    int err;

    if (strcmp(addr->host, "*") == 0) {
        if (ipv6) {
            set_v6(out, in6addr_any);
        } else {
            set_v4(out, (struct in_addr){.s_addr = htonl(INADDR_ANY)});
        }
        return 0;
    }
    err = look_up_number(addr->host, out);
    if (err == ENODEV) {
        err = look_up_interface(addr->host, true, ipv6, out);
    }
    if (err == ENODEV && addr->needs_resolver) {
        err = look_up_one(addr->host, ipv6 ? AF_INET6 : AF_INET,
                          AI_PASSIVE | (ipv6 ? AI_V4MAPPED : 0), out);
    }
    if (err == 0 && ipv6 && out->sa.ss_family == AF_INET) {
        map_v4(out);
    }
    if (err == 0 && !ipv6 && out->sa.ss_family == AF_INET6) {
        return ENODEV;
    }
    return err;
}

static int
remote_error(int err)
{
    switch (err) {
    case EAI_MEMORY:
        return ENOMEM;
    case EAI_AGAIN:
    case EAI_FAIL:
        return EHOSTUNREACH;
    default:
        return EADDRNOTAVAIL;
    }
}

static int
resolve_remote(const fmq__addr *addr, bool ipv6, fmq__sockaddr *out, int max, int *n)
{
    struct addrinfo hints = {
        .ai_family = ipv6 ? AF_UNSPEC : AF_INET,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *list;
    int n_found = 0;
    int err = getaddrinfo(addr->host, NULL, &hints, &list);

    if (err != 0) {
        return remote_error(err);
    }
    for (const struct addrinfo *entry = list; entry != NULL && n_found < max;
         entry = entry->ai_next) {
        fmq__sockaddr *sa = &out[n_found];

        memset(sa, 0, sizeof(*sa));
        memcpy(&sa->sa, entry->ai_addr, entry->ai_addrlen);
        sa->len = entry->ai_addrlen;
        n_found++;
    }
    freeaddrinfo(list);
    *n = n_found;
    return 0;
}

static int
resolve_remote_number(const fmq__addr *addr, bool ipv6, fmq__sockaddr *out, int *n)
{
    int err = look_up_number(addr->host, out);

    if (err == ENODEV || (err == 0 && !ipv6 && out->sa.ss_family == AF_INET6)) {
        return EADDRNOTAVAIL;
    }
    *n = 1;
    return err;
}

int
fmq__tcp_resolve(const fmq__addr *addr, int purpose, const fmq__stream_opts *opts,
                 fmq__sockaddr *out, int max, int *n)
{
    int n_found = 0;
    int err;

    if (max < 1) {
        return EINVAL;
    }
    if (purpose == FMQ__ADDR_BIND) {
        err = resolve_local(addr, opts->ipv6, out);
        n_found = 1;
    } else if (addr->needs_resolver) {
        err = resolve_remote(addr, opts->ipv6, out, max, &n_found);
    } else {
        err = resolve_remote_number(addr, opts->ipv6, out, &n_found);
    }
    if (err != 0) {
        return err;
    }
    for (int i = 0; i < n_found; i++) {
        set_port(&out[i], addr->port);
    }
    *n = n_found;
    return 0;
}

int
fmq__tcp_resolve_source(const fmq__addr *addr, int family, fmq__sockaddr *out)
{
    int err = look_up_number(addr->source_host, out);

    if (err == ENODEV) {
        err = look_up_interface(addr->source_host, family == AF_INET,
                                family == AF_INET6, out);
    }
    if (err != 0) {
        return err;
    }
    if (out->sa.ss_family != family) {
        return EADDRNOTAVAIL;
    }
    set_port(out, addr->source_port);
    return 0;
}
