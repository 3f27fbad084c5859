/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "transport/filter.h"
#include "wire/metadata.h"

/* One plain integer option. All but the high-water marks, time-outs and LINGER take
 * effect at the next bind or connect. */
typedef struct row {
    int number;
    size_t offset;
    int preset;
    int min;
    int max;
} row;

/* The longest TTL that a PING can tell, in ms. */
enum { OPT_HEARTBEAT_TTL = 76, TTL_MAX = 6553599 };

/* Of these any number but 0 is a yes. */
enum { OPT_LOOPBACK_FASTPATH = 94, OPT_MULTICAST_LOOP = 96 };

#define ROW(number, field, preset, min, max) \
    {number, offsetof(fmq__options, field), preset, min, max}

static const row rows[] = {
    ROW(8, rate, 100, 1, INT_MAX),                /* RATE, kbit/s */
    ROW(9, recovery_ivl_ms, 10000, 0, INT_MAX),   /* RECOVERY_IVL, ms */
    ROW(25, multicast_hops, 1, 1, INT_MAX),       /* MULTICAST_HOPS */
    ROW(84, multicast_maxtpdu, 1500, 1, INT_MAX), /* MULTICAST_MAXTPDU */
    ROW(89, use_fd, -1, -1, INT_MAX),             /* USE_FD */
    ROW(OPT_LOOPBACK_FASTPATH, loopback_fastpath, 0, INT_MIN,
        INT_MAX), /* LOOPBACK_FASTPATH */
    ROW(OPT_MULTICAST_LOOP, multicast_loop, 1, INT_MIN, INT_MAX), /* MULTICAST_LOOP */
    ROW(101, in_batch_size, 8192, 1, INT_MAX),        /* IN_BATCH_SIZE, bytes */
    ROW(102, out_batch_size, 8192, 1, INT_MAX),       /* OUT_BATCH_SIZE, bytes */
    ROW(109, reconnect_stop, 0, INT_MIN, INT_MAX),    /* RECONNECT_STOP */
    ROW(112, priority, 0, 0, INT_MAX),                /* PRIORITY */
    ROW(113, busy_poll_us, 0, INT_MIN, INT_MAX),      /* BUSY_POLL, us */
    ROW(11, sndbuf, -1, -1, INT_MAX),                 /* SNDBUF, bytes */
    ROW(12, rcvbuf, -1, -1, INT_MAX),                 /* RCVBUF, bytes */
    ROW(FMQ__OPT_LINGER, linger_ms, -1, -1, INT_MAX), /* at close, ms */
    ROW(18, reconnect_ivl_ms, 100, -1, INT_MAX),      /* RECONNECT_IVL, ms */
    ROW(19, backlog, 100, 0, INT_MAX),                /* BACKLOG */
    ROW(21, reconnect_ivl_max_ms, 0, 0, INT_MAX),     /* RECONNECT_IVL_MAX, ms */
    ROW(FMQ__OPT_SNDHWM, sndhwm, 1000, 0, INT_MAX),   /* messages */
    ROW(FMQ__OPT_RCVHWM, rcvhwm, 1000, 0, INT_MAX),   /* messages */
    ROW(FMQ__OPT_RCVTIMEO, rcvtimeo_ms, -1, -1, INT_MAX),
    ROW(FMQ__OPT_SNDTIMEO, sndtimeo_ms, -1, -1, INT_MAX),
    ROW(34, tcp_keepalive, -1, -1, 1),               /* TCP_KEEPALIVE */
    ROW(35, tcp_keepalive_cnt, -1, -1, INT_MAX),     /* TCP_KEEPALIVE_CNT */
    ROW(36, tcp_keepalive_idle_s, -1, -1, INT_MAX),  /* TCP_KEEPALIVE_IDLE, s */
    ROW(37, tcp_keepalive_intvl_s, -1, -1, INT_MAX), /* TCP_KEEPALIVE_INTVL, s */
    ROW(39, immediate, 0, 0, 1),                     /* IMMEDIATE */
    ROW(42, ipv6, 0, 0, 1),                          /* IPV6 */
    ROW(54, conflate, 0, 0, 1),                      /* CONFLATE */
    ROW(57, tos, 0, 0, INT_MAX),                     /* TOS */
    ROW(66, handshake_ivl_ms, 30000, 0, INT_MAX),    /* HANDSHAKE_IVL, ms */
    ROW(75, heartbeat_ivl_ms, 0, 0, INT_MAX),        /* HEARTBEAT_IVL, ms */
    ROW(OPT_HEARTBEAT_TTL, heartbeat_ttl_ms, 0, -99, TTL_MAX), /* tenths, in ms */
    ROW(77, heartbeat_timeout_ms, -1, 0, INT_MAX), /* HEARTBEAT_TIMEOUT, ms */
    ROW(79, connect_timeout_ms, 0, 0, INT_MAX),    /* CONNECT_TIMEOUT, ms */
    ROW(80, tcp_maxrt_ms, 0, 0, INT_MAX),          /* TCP_MAXRT, ms */
};

enum {
    OPT_AFFINITY = 4,
    OPT_MAXMSGSIZE = 22,
    OPT_TCP_ACCEPT_FILTER = 38,
    OPT_IPC_FILTER_PID = 58,
    OPT_IPC_FILTER_UID = 59,
    OPT_IPC_FILTER_GID = 60,
    OPT_SOCKS_PROXY = 68,
    OPT_BINDTODEVICE = 92,
    OPT_METADATA = 95,
    OPT_SOCKS_USERNAME = 99,
    OPT_SOCKS_PASSWORD = 100,
    OPT_HELLO_MSG = 110,
    OPT_DISCONNECT_MSG = 111,
    OPT_HICCUP_MSG = 114
};

static const row *
find_row(int option)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].number == option) {
            return &rows[i];
        }
    }
    return NULL;
}

static int *
field(fmq__options *o, const row *r)
{
    return (int *)(void *)((char *)o + r->offset);
}

void
fmq__options_init(fmq__options *o)
{
    memset(o, 0, sizeof(*o));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        *field(o, &rows[i]) = rows[i].preset;
    }
    o->maxmsgsize = -1;
}

void
fmq__options_fini(fmq__options *o)
{
    fmq__blob_drop(&o->metadata);
    fmq__blob_drop(&o->hello);
    fmq__blob_drop(&o->goodbye);
    fmq__blob_drop(&o->hiccup);
    fmq__blob_drop(&o->filters);
    fmq__blob_drop(&o->socks.proxy);
    fmq__blob_drop(&o->socks.user);
    fmq__blob_drop(&o->socks.password);
}

/* Bytes of any length; none: as if it had not been set. */
static int
set_blob(fmq__blob *b, const void *value, size_t len)
{
    fmq__blob made = {NULL, NULL, len};
    int err;

    if (len != 0) {
        err = fmq__body_new(len, &made.body, &made.data);
        if (err != 0) {
            return err;
        }
        memcpy(made.data, value, len);
    }
    fmq__blob_drop(b);
    *b = made;
    return 0;
}

/* "host:port"; none at all ends it. Kept with a NUL. */
static int
set_proxy(fmq__options *o, const char *text, size_t len)
{
    char copy[512];
    fmq__addr addr;
    int err;

    if (text == NULL) {
        return set_blob(&o->socks.proxy, NULL, 0);
    }
    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len) != NULL ||
        memchr(text, ';', len) != NULL) {
        return EINVAL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    err = fmq__transport_tcp.parse(copy, FMQ__ADDR_CONNECT, &addr);
    if (err == 0) {
        fmq__addr_fini(&addr);
        err = set_blob(&o->socks.proxy, copy, len + 1);
    }
    return err;
}

static bool
has_property(const fmq__blob *metadata, const char *name)
{
    fmq__metadata_cursor at = {metadata->data, metadata->len};
    fmq__property p;

    while (fmq__metadata_next(&at, &p) == 0) {
        if (p.name_len == strlen(name) && memcmp(p.name, name, p.name_len) == 0) {
            return true;
        }
    }
    return false;
}

/* "X-name:value" is one property more; the first of a name counts. */
static int
add_metadata(fmq__options *o, const char *text, size_t len)
{
    const char *colon = len != 0 ? memchr(text, ':', len) : NULL;
    size_t name_len = colon != NULL ? (size_t)(colon - text) : 0;
    fmq__blob grown = {NULL, NULL, 0};
    char name[256];
    int err;

    if (name_len < 2 || name_len > 255 || memcmp(text, "X-", 2) != 0 ||
        name_len + 1 == len || memchr(text, '\0', name_len) != NULL) {
        return EINVAL;
    }
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    if (has_property(&o->metadata, name)) {
        return 0;
    }
    len -= name_len + 1;
    grown.len = o->metadata.len + fmq__metadata_property_len(name, len);
    err = fmq__body_new(grown.len, &grown.body, &grown.data);
    if (err != 0) {
        return err;
    }
    if (o->metadata.len != 0) {
        memcpy(grown.data, o->metadata.data, o->metadata.len);
    }
    (void)fmq__metadata_put(grown.data + o->metadata.len, name, colon + 1, len);
    fmq__blob_drop(&o->metadata);
    o->metadata = grown;
    return 0;
}

static int
set_device(fmq__options *o, const char *name, size_t len)
{
    if (len >= sizeof(o->device) || (len != 0 && memchr(name, '\0', len) != NULL)) {
        return EINVAL;
    }
    memset(o->device, 0, sizeof(o->device));
    if (len != 0) {
        memcpy(o->device, name, len);
    }
    return 0;
}

/* All filters but those of a kind, and one more (NULL: none). */
static int
set_filters(fmq__options *o, enum fmq__filter_kind without, const fmq__filter *more)
{
    fmq__blob made = {NULL, NULL, 0};
    size_t room = o->filters.len + sizeof(*more);
    int err = fmq__body_new(room, &made.body, &made.data);

    if (err != 0) {
        return err;
    }
    for (size_t at = 0; at < o->filters.len; at += sizeof(fmq__filter)) {
        fmq__filter f;

        memcpy(&f, o->filters.data + at, sizeof(f));
        if (more != NULL || f.kind != without) {
            memcpy(made.data + made.len, &f, sizeof(f));
            made.len += sizeof(f);
        }
    }
    if (more != NULL) {
        memcpy(made.data + made.len, more, sizeof(*more));
        made.len += sizeof(*more);
    }
    fmq__blob_drop(&o->filters);
    o->filters = made;
    return 0;
}

/* One value is one more filter; none at all ends those of its kind. */
static int
set_filter(fmq__options *o, int option, const void *value, size_t len)
{
    fmq__filter f = {.kind = option == OPT_TCP_ACCEPT_FILTER ? FMQ__FILTER_NETWORK
                             : option == OPT_IPC_FILTER_PID  ? FMQ__FILTER_PID
                             : option == OPT_IPC_FILTER_UID  ? FMQ__FILTER_UID
                                                             : FMQ__FILTER_GID};
    int id;

    if (value == NULL) {
        return set_filters(o, f.kind, NULL);
    }
    if (f.kind == FMQ__FILTER_NETWORK) {
        int err = fmq__filter_parse(value, len, &f);

        return err != 0 ? err : set_filters(o, f.kind, &f);
    }
    if (len != sizeof(id)) {
        return EINVAL;
    }
    memcpy(&id, value, sizeof(id));
    /* A uid_t or gid_t is unsigned; a process has a positive number. */
    f.id = f.kind == FMQ__FILTER_PID ? (int64_t)id : (int64_t)(uint32_t)id;
    return f.kind == FMQ__FILTER_PID && id <= 0 ? EINVAL : set_filters(o, f.kind, &f);
}

/* The options that are bytes; EINVAL: not one of them, or a bad value. */
static int
set_bytes(fmq__options *o, int option, const void *value, size_t len)
{
    switch (option) {
    case OPT_BINDTODEVICE:
        return set_device(o, value, len);
    case OPT_METADATA:
        return add_metadata(o, value, len);
    case OPT_HELLO_MSG:
        return set_blob(&o->hello, value, len);
    case OPT_DISCONNECT_MSG:
        return set_blob(&o->goodbye, value, len);
    case OPT_SOCKS_PROXY:
        return set_proxy(o, value, len);
    case OPT_SOCKS_USERNAME:
        return len > 255 ? EINVAL : set_blob(&o->socks.user, value, len);
    case OPT_SOCKS_PASSWORD:
        return len > 255 ? EINVAL : set_blob(&o->socks.password, value, len);
    case OPT_TCP_ACCEPT_FILTER:
    case OPT_IPC_FILTER_PID:
    case OPT_IPC_FILTER_UID:
    case OPT_IPC_FILTER_GID:
        return set_filter(o, option, value, len);
    case OPT_HICCUP_MSG:
        return set_blob(&o->hiccup, value, len);
    default:
        return EINVAL;
    }
}

static int
set_routing_id(fmq__options *o, const void *value, size_t len)
{
    if (len == 0 || len > sizeof(o->routing_id)) {
        return EINVAL;
    }
    memcpy(o->routing_id, value, len);
    o->routing_id_len = (uint8_t)len;
    return 0;
}

int
fmq__options_set(fmq__options *o, int option, const void *value, size_t len)
{
    const row *r = find_row(option);
    int n;

    if (option == FMQ__OPT_ROUTING_ID) {
        return set_routing_id(o, value, len);
    }
    if (option == OPT_AFFINITY || option == OPT_MAXMSGSIZE) {
        if (len != sizeof(int64_t)) {
            return EINVAL;
        }
        memcpy(option == OPT_AFFINITY ? (void *)&o->affinity : (void *)&o->maxmsgsize,
               value, len);
        return 0;
    }
    if (r == NULL && option != FMQ__OPT_IPV4ONLY) {
        return set_bytes(o, option, value, len);
    }
    if (len != sizeof(n)) {
        return EINVAL;
    }
    memcpy(&n, value, sizeof(n));
    if (option == FMQ__OPT_IPV4ONLY) {
        if (n != 0 && n != 1) {
            return EINVAL;
        }
        o->ipv6 = !n;
        return 0;
    }
    if (n < r->min || n > r->max) {
        return EINVAL;
    }
    if (option == OPT_HEARTBEAT_TTL) {
        n = n / 100 * 100;
    } else if (option == OPT_LOOPBACK_FASTPATH || option == OPT_MULTICAST_LOOP) {
        n = n != 0;
    }
    *field(o, r) = n;
    return 0;
}

int
fmq__options_put(const void *bytes, size_t n, void *value, size_t *len)
{
    if (*len < n) {
        return EINVAL;
    }
    memset(value, 0, *len);
    memcpy(value, bytes, n);
    *len = n;
    return 0;
}

/* Text, with a NUL at its end. */
static int
put_text(const fmq__blob *b, size_t n, void *value, size_t *len)
{
    size_t room = *len;

    if (room < n + 1) {
        return EINVAL;
    }
    memset(value, 0, room);
    if (n != 0) {
        memcpy(value, b->data, n);
    }
    *len = n + 1;
    return 0;
}

static int
put_number(const void *number, size_t size, void *value, size_t *len)
{
    return *len == size ? fmq__options_put(number, size, value, len) : EINVAL;
}

int
fmq__options_get(const fmq__options *o, int option, void *value, size_t *len)
{
    const row *r = find_row(option);
    int is_ipv4_only = !o->ipv6;

    switch (option) {
    case FMQ__OPT_ROUTING_ID:
        return fmq__options_put(o->routing_id, o->routing_id_len, value, len);
    case OPT_BINDTODEVICE:
        return fmq__options_put(o->device, strlen(o->device) + 1, value, len);
    case OPT_SOCKS_PROXY:
        return put_text(&o->socks.proxy, o->socks.proxy.len - (o->socks.proxy.len != 0),
                        value, len);
    case OPT_SOCKS_USERNAME:
        return put_text(&o->socks.user, o->socks.user.len, value, len);
    case OPT_SOCKS_PASSWORD:
        return put_text(&o->socks.password, o->socks.password.len, value, len);
    case OPT_AFFINITY:
        return put_number(&o->affinity, sizeof(o->affinity), value, len);
    case OPT_MAXMSGSIZE:
        return put_number(&o->maxmsgsize, sizeof(o->maxmsgsize), value, len);
    case FMQ__OPT_IPV4ONLY:
        return put_number(&is_ipv4_only, sizeof(is_ipv4_only), value, len);
    default:
        break;
    }
    return r != NULL ? put_number((const char *)o + r->offset, sizeof(int), value, len)
                     : EINVAL;
}

void
fmq__options_link(const fmq__options *o, fmq__link_opts *link)
{
    memset(link, 0, sizeof(*link));
    fmq__stream_opts_init(&link->stream);
    link->stream.sndbuf = o->sndbuf;
    link->stream.rcvbuf = o->rcvbuf;
    link->stream.backlog = o->backlog;
    link->stream.keepalive = o->tcp_keepalive;
    link->stream.keepalive_cnt = o->tcp_keepalive_cnt;
    link->stream.keepalive_idle_s = o->tcp_keepalive_idle_s;
    link->stream.keepalive_intvl_s = o->tcp_keepalive_intvl_s;
    link->stream.maxrt_ms = o->tcp_maxrt_ms;
    link->stream.tos = o->tos;
    link->stream.priority = o->priority;
    link->stream.busy_poll_us = o->busy_poll_us;
    memcpy(link->stream.device, o->device, sizeof(o->device));
    link->use_fd = o->use_fd;
    link->reconnect_stop = o->reconnect_stop;
    link->metadata = o->metadata;
    link->hello = o->hello;
    link->goodbye = o->goodbye;
    link->hiccup = o->hiccup;
    link->filters = o->filters;
    link->socks = o->socks;
    link->stream.ipv6 = o->ipv6 != 0;
    link->sndhwm = (uint32_t)o->sndhwm;
    link->rcvhwm = (uint32_t)o->rcvhwm;
    link->maxmsgsize = o->maxmsgsize;
    link->reconnect_ivl_ms = o->reconnect_ivl_ms;
    link->reconnect_ivl_max_ms = o->reconnect_ivl_max_ms;
    link->connect_timeout_ms = o->connect_timeout_ms;
    link->handshake_ivl_ms = o->handshake_ivl_ms;
    link->heartbeat.ivl_ms = o->heartbeat_ivl_ms;
    link->heartbeat.ttl_ms = o->heartbeat_ttl_ms;
    link->heartbeat.timeout_ms = o->heartbeat_timeout_ms;
    link->is_immediate = o->immediate != 0;
    memcpy(link->identity, o->routing_id, o->routing_id_len);
    link->identity_len = o->routing_id_len;
}
