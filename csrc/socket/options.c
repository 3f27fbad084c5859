/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "socket/security.h"
#include "socket/value.h"
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
enum {
    OPT_ZAP_ENFORCE_DOMAIN = 93,
    OPT_LOOPBACK_FASTPATH = 94,
    OPT_MULTICAST_LOOP = 96
};

#define ROW(number, field, preset, min, max) \
    {number, offsetof(fmq__options, field), preset, min, max}

static const row rows[] = {
    ROW(8, rate, 100, 1, INT_MAX),                /* RATE, kbit/s */
    ROW(9, recovery_ivl_ms, 10000, 0, INT_MAX),   /* RECOVERY_IVL, ms */
    ROW(25, multicast_hops, 1, 1, INT_MAX),       /* MULTICAST_HOPS */
    ROW(84, multicast_maxtpdu, 1500, 1, INT_MAX), /* MULTICAST_MAXTPDU */
    ROW(89, use_fd, -1, -1, INT_MAX),             /* USE_FD */
    ROW(OPT_ZAP_ENFORCE_DOMAIN, zap_enforce_domain, 0, INT_MIN, INT_MAX),
    ROW(OPT_LOOPBACK_FASTPATH, loopback_fastpath, 1, INT_MIN, INT_MAX),
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
    ROW(FMQ_MAX_HANDSHAKES, max_handshakes, 256, 0, INT_MAX),
    ROW(FMQ_SPIN_US, spin_us, FMQ__SPIN_BY_ITSELF, -1, FMQ__SPIN_MAX_US),
    ROW(FMQ_MAX_PEERS_PER_ADDRESS, max_peers_per_address, 0, 0, INT_MAX),
    ROW(FMQ_MAX_PARTS, max_parts, 1000000, 0, INT_MAX),
};

enum {
    OPT_AFFINITY = 4,
    OPT_MAXMSGSIZE = 22,
    OPT_TCP_ACCEPT_FILTER = 38,
    OPT_ZAP_DOMAIN = 55,
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
    fmq__byte_opts_drop(&o->bytes);
}

static void
replace_blob(fmq__blob *b, fmq__blob by)
{
    fmq__blob_drop(b);
    *b = by;
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
    replace_blob(b, made);
    return 0;
}

/* A copy of `b` with room for `more` bytes behind what it has. */
static int
grow_blob(const fmq__blob *b, size_t more, fmq__blob *grown)
{
    int err;

    *grown = (fmq__blob){NULL, NULL, b->len + more};
    err = fmq__body_new(grown->len, &grown->body, &grown->data);
    if (err == 0 && b->len != 0) {
        memcpy(grown->data, b->data, b->len);
    }
    return err;
}

/* "host:port", with "source;" before it or not; none at all ends it. */
static int
set_proxy(fmq__options *o, const char *text, size_t len)
{
    char copy[512];
    fmq__addr addr;
    int err;

    if (text == NULL) {
        return set_blob(&o->bytes.socks.proxy, NULL, 0);
    }
    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        return EINVAL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    err = fmq__transport_tcp.parse(copy, FMQ__ADDR_CONNECT, &addr);
    if (err == 0) {
        fmq__addr_fini(&addr);
        err = set_blob(&o->bytes.socks.proxy, text, len);
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
    fmq__blob grown;
    char name[256];
    int err;

    if (name_len < 2 || name_len > 255 || memcmp(text, "X-", 2) != 0 ||
        name_len + 1 == len || memchr(text, '\0', name_len) != NULL) {
        return EINVAL;
    }
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    if (has_property(&o->bytes.metadata, name)) {
        return 0;
    }
    len -= name_len + 1;
    err = grow_blob(&o->bytes.metadata, fmq__metadata_property_len(name, len), &grown);
    if (err != 0) {
        return err;
    }
    (void)fmq__metadata_put(grown.data + o->bytes.metadata.len, name, colon + 1, len);
    replace_blob(&o->bytes.metadata, grown);
    return 0;
}

/* It cannot be taken away again. */
static int
set_zap_domain(fmq__options *o, const char *text, size_t len)
{
    return len == 0 || len > 255 ? EINVAL : set_blob(&o->bytes.zap_domain, text, len);
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

static int
add_filter(fmq__options *o, const fmq__filter *f)
{
    fmq__blob grown;
    int err = grow_blob(&o->bytes.filters, sizeof(*f), &grown);

    if (err == 0) {
        memcpy(grown.data + o->bytes.filters.len, f, sizeof(*f));
        replace_blob(&o->bytes.filters, grown);
    }
    return err;
}

/* Keeps those of other kinds; the list that connections hold stays as it is. */
static int
clear_filters(fmq__options *o, enum fmq__filter_kind kind)
{
    fmq__blob kept = {NULL, NULL, 0};
    size_t n = 0;
    int err = o->bytes.filters.len != 0 ? grow_blob(&o->bytes.filters, 0, &kept) : 0;

    if (err != 0) {
        return err;
    }
    for (size_t at = 0; at < kept.len; at += sizeof(fmq__filter)) {
        fmq__filter f;

        memcpy(&f, kept.data + at, sizeof(f));
        if (f.kind != kind) {
            memcpy(kept.data + n, &f, sizeof(f));
            n += sizeof(f);
        }
    }
    kept.len = n;
    replace_blob(&o->bytes.filters, kept);
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
        return clear_filters(o, f.kind);
    }
    if (f.kind == FMQ__FILTER_NETWORK) {
        int err = fmq__filter_parse(value, len, &f);

        return err != 0 ? err : add_filter(o, &f);
    }
    if (len != sizeof(id)) {
        return EINVAL;
    }
    memcpy(&id, value, sizeof(id));
    /* A uid_t or gid_t is unsigned; a process has a positive number. */
    f.id = f.kind == FMQ__FILTER_PID ? (int64_t)id : (int64_t)(uint32_t)id;
    return f.kind == FMQ__FILTER_PID && id <= 0 ? EINVAL : add_filter(o, &f);
}

int
fmq__options_need_lists(fmq__options *o)
{
    return o->bytes.allow != NULL ? 0 : fmq__allow_new(&o->bytes.allow);
}

/* One value is one more who may connect; none at all (NULL) ends the list. */
static int
set_allow(fmq__options *o, enum fmq__allow_kind kind, const void *value, size_t len)
{
    int err = fmq__options_need_lists(o);

    if (err != 0) {
        return err;
    }
    if (value == NULL) {
        fmq__allow_end(o->bytes.allow, kind);
        return 0;
    }
    return fmq__allow_add(o->bytes.allow, kind, value, len);
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
    case OPT_ZAP_DOMAIN:
        return set_zap_domain(o, value, len);
    case OPT_HELLO_MSG:
        return set_blob(&o->bytes.hello, value, len);
    case OPT_DISCONNECT_MSG:
        return set_blob(&o->bytes.goodbye, value, len);
    case OPT_SOCKS_PROXY:
        return set_proxy(o, value, len);
    case OPT_SOCKS_USERNAME:
        return len > 255 ? EINVAL : set_blob(&o->bytes.socks.user, value, len);
    case OPT_SOCKS_PASSWORD:
        return len > 255 ? EINVAL : set_blob(&o->bytes.socks.password, value, len);
    case OPT_TCP_ACCEPT_FILTER:
    case OPT_IPC_FILTER_PID:
    case OPT_IPC_FILTER_UID:
    case OPT_IPC_FILTER_GID:
        return set_filter(o, option, value, len);
    case FMQ_ALLOW_KEY:
        return set_allow(o, FMQ__ALLOW_KEY, value, len);
    case FMQ_ALLOW_PASSWORD:
        return set_allow(o, FMQ__ALLOW_PASSWORD, value, len);
    case FMQ_ALLOW_ADDRESS:
        return set_allow(o, FMQ__ALLOW_ADDRESS, value, len);
    case OPT_HICCUP_MSG:
        return set_blob(&o->bytes.hiccup, value, len);
    default:
        return fmq__security_set(&o->bytes.secrets, option, value, len);
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

/* Those that are of 64 bits. */
static bool
is_wide(int option)
{
    return option == OPT_AFFINITY || option == OPT_MAXMSGSIZE ||
           option == FMQ_MAX_MESSAGE_BYTES;
}

static int
set_wide(fmq__options *o, int option, const void *value, size_t len)
{
    int64_t n;

    if (len != sizeof(n)) {
        return EINVAL;
    }
    memcpy(&n, value, sizeof(n));
    if (option == FMQ_MAX_MESSAGE_BYTES && n < 0) {
        return EINVAL;
    }
    if (option == OPT_AFFINITY) {
        o->affinity = (uint64_t)n;
    } else if (option == OPT_MAXMSGSIZE) {
        o->maxmsgsize = n;
    } else {
        o->max_message_bytes = n;
    }
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
    if (is_wide(option)) {
        return set_wide(o, option, value, len);
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
    } else if (option == OPT_ZAP_ENFORCE_DOMAIN || option == OPT_LOOPBACK_FASTPATH ||
               option == OPT_MULTICAST_LOOP) {
        n = n != 0;
    }
    *field(o, r) = n;
    return 0;
}

/* Text, with a NUL at its end. */
static int
put_text(const fmq__blob *b, void *value, size_t *len)
{
    int err = *len > b->len ? 0 : EINVAL;

    if (err == 0) {
        (void)fmq__value_put(b->len != 0 ? (const char *)b->data : "", b->len, value,
                             len);
        *len = b->len + 1; /* zeros are behind it */
    }
    return err;
}

int
fmq__options_get(const fmq__options *o, int option, void *value, size_t *len)
{
    const row *r = find_row(option);
    int is_ipv4_only = !o->ipv6;

    switch (option) {
    case FMQ__OPT_ROUTING_ID:
        return fmq__value_put(o->routing_id, o->routing_id_len, value, len);
    case OPT_BINDTODEVICE:
        return fmq__value_put(o->device, strlen(o->device) + 1, value, len);
    case OPT_ZAP_DOMAIN:
        return put_text(&o->bytes.zap_domain, value, len);
    case OPT_SOCKS_PROXY:
        return put_text(&o->bytes.socks.proxy, value, len);
    case OPT_SOCKS_USERNAME:
        return put_text(&o->bytes.socks.user, value, len);
    case OPT_SOCKS_PASSWORD:
        return put_text(&o->bytes.socks.password, value, len);
    case OPT_AFFINITY:
        return fmq__value_put_exact(&o->affinity, sizeof(o->affinity), value, len);
    case OPT_MAXMSGSIZE:
        return fmq__value_put_exact(&o->maxmsgsize, sizeof(o->maxmsgsize), value, len);
    case FMQ_MAX_MESSAGE_BYTES:
        return fmq__value_put_exact(&o->max_message_bytes, sizeof(o->max_message_bytes),
                                    value, len);
    case FMQ__OPT_IPV4ONLY:
        return fmq__value_put_exact(&is_ipv4_only, sizeof(is_ipv4_only), value, len);
    default:
        break;
    }
    return r != NULL ? fmq__value_put_exact((const char *)o + r->offset, sizeof(int),
                                            value, len)
                     : fmq__security_get(o->bytes.secrets, option, value, len);
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
    link->stream.is_loopback_fast = o->loopback_fastpath != 0;
    link->stream.busy_poll_us = o->busy_poll_us;
    memcpy(link->stream.device, o->device, sizeof(o->device));
    link->use_fd = o->use_fd;
    link->reconnect_stop = o->reconnect_stop;
    link->bytes = o->bytes;
    link->stream.ipv6 = o->ipv6 != 0;
    link->sndhwm = (uint32_t)o->sndhwm;
    link->rcvhwm = (uint32_t)o->rcvhwm;
    link->maxmsgsize = o->maxmsgsize;
    link->max_message_bytes = o->max_message_bytes;
    link->max_parts = o->max_parts;
    link->reconnect_ivl_ms = o->reconnect_ivl_ms;
    link->reconnect_ivl_max_ms = o->reconnect_ivl_max_ms;
    link->connect_timeout_ms = o->connect_timeout_ms;
    link->handshake_ivl_ms = o->handshake_ivl_ms;
    link->heartbeat.ivl_ms = o->heartbeat_ivl_ms;
    link->heartbeat.ttl_ms = o->heartbeat_ttl_ms;
    link->heartbeat.timeout_ms = o->heartbeat_timeout_ms;
    link->max_handshakes = o->max_handshakes;
    link->max_peers_per_address = o->max_peers_per_address;
    link->enforces_zap_domain = o->zap_enforce_domain != 0;
    link->is_immediate = o->immediate != 0;
    memcpy(link->identity, o->routing_id, o->routing_id_len);
    link->identity_len = o->routing_id_len;
}
