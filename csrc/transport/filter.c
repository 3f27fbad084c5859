/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "transport/os.h"

enum { TEXT_MAX = 64, V4_SHIFT = 96, V6_BITS = 128 };

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Decimal digits and nothing else, at most `max`. */
static int
parse_bits(const char *text, unsigned max, unsigned *bits)
{
    unsigned n = 0;

    if (*text == '\0') {
        return EINVAL;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return EINVAL;
        }
        n = 10 * n + (unsigned)(*text - '0');
        if (n > max) {
            return EINVAL;
        }
    }
    *bits = n;
    return 0;
}

static int
parse_address(char *text, uint8_t net[16], unsigned *shift)
{
    size_t len = strlen(text);

    if (inet_pton(AF_INET, text, net + sizeof(mapped_prefix)) == 1) {
        memcpy(net, mapped_prefix, sizeof(mapped_prefix));
        *shift = V4_SHIFT;
        return 0;
    }
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text[len - 1] = '\0';
        text++;
    }
    *shift = 0;
    return inet_pton(AF_INET6, text, net) == 1 ? 0 : EINVAL;
}

int
fmq__filter_parse(const char *text, size_t len, fmq__filter *f)
{
    fmq__filter made = {.kind = FMQ__FILTER_NETWORK};
    char copy[TEXT_MAX];
    char *slash;
    unsigned shift;
    unsigned bits;
    int err = 0;

    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        return EINVAL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    err = parse_address(copy, made.net, &shift);
    bits = V6_BITS - shift;
    if (err == 0 && slash != NULL) {
        err = parse_bits(slash + 1, V6_BITS - shift, &bits);
    }
    if (err == 0) {
        made.n_bits = (uint8_t)(bits + shift);
        *f = made;
    }
    return err;
}

static bool
has_prefix(const uint8_t *address, const uint8_t *net, unsigned n_bits)
{
    unsigned n = n_bits / 8;
    unsigned rest = n_bits % 8;

    return memcmp(address, net, n) == 0 &&
           (rest == 0 || (address[n] ^ net[n]) >> (8 - rest) == 0);
}

bool
fmq__filter_covers(const fmq__filter *f, const struct sockaddr_storage *peer)
{
    uint8_t address[16];

    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)peer;

        memcpy(address, mapped_prefix, sizeof(mapped_prefix));
        memcpy(address + sizeof(mapped_prefix), &v4->sin_addr, 4);
    } else if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)peer;

        memcpy(address, &v6->sin6_addr, sizeof(address));
    } else {
        return false;
    }
    return has_prefix(address, f->net, f->n_bits);
}

static bool
is_known(const fmq__filter *f, int fd, const fmq__peer_identity *peer)
{
    switch (f->kind) {
    case FMQ__FILTER_PID:
        return peer->pid != 0 && f->id == (int64_t)peer->pid;
    case FMQ__FILTER_UID:
        return f->id == (int64_t)peer->uid;
    case FMQ__FILTER_GID:
        return f->id == (int64_t)peer->gid || fmq__os_peer_has_group(fd, (gid_t)f->id);
    default:
        return false;
    }
}

bool
fmq__filter_admits(const uint8_t *list, size_t n, int fd)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof(peer);
    fmq__peer_identity who = {0};
    bool is_asked = false; /* who it is */
    bool is_restricted = false;

    if (n == 0) {
        return true;
    }
    if (getpeername(fd, (struct sockaddr *)(void *)&peer, &len) != 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        fmq__filter f;

        memcpy(&f, list + i * sizeof(f), sizeof(f));
        if ((f.kind == FMQ__FILTER_NETWORK) != (peer.ss_family != AF_UNIX)) {
            continue;
        }
        is_restricted = true;
        if (f.kind == FMQ__FILTER_NETWORK) {
            if (fmq__filter_covers(&f, &peer)) {
                return true;
            }
            continue;
        }
        if (!is_asked && fmq__os_identify_peer(fd, &who) != 0) {
            return false;
        }
        is_asked = true;
        if (is_known(&f, fd, &who)) {
            return true;
        }
    }
    return !is_restricted;
}
