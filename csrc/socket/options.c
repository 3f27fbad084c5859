/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

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

#define ROW(number, field, preset, min, max) \
    {number, offsetof(fmq__options, field), preset, min, max}

static const row rows[] = {
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

enum { OPT_AFFINITY = 4, OPT_MAXMSGSIZE = 22 };

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
    if (r == NULL || n < r->min || n > r->max) {
        return EINVAL;
    }
    *field(o, r) = option == OPT_HEARTBEAT_TTL ? n / 100 * 100 : n;
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
