/* SPDX-License-Identifier: Apache-2.0 */
/* options: the options of a socket as one table, and the slices that other layers get.
 *
 * Options that are not plain values (RCVMORE, EVENTS, FD, LAST_ENDPOINT, ...) are the
 * socket's own affair.
 *
 * Owner:   embedded in a socket.
 * Threads: under L.
 * Errors:  EINVAL: unknown, read-only or write-only, wrong length, value out of bounds.
 */
#ifndef FMQ_SOCKET_OPTIONS_H
#define FMQ_SOCKET_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "session/peer.h"

enum {
    FMQ__OPT_ROUTING_ID = 5,
    FMQ__OPT_RCVMORE = 13,
    FMQ__OPT_FD = 14,
    FMQ__OPT_EVENTS = 15,
    FMQ__OPT_TYPE = 16,
    FMQ__OPT_LINGER = 17,
    FMQ__OPT_SNDHWM = 23,
    FMQ__OPT_RCVHWM = 24,
    FMQ__OPT_RCVTIMEO = 27,
    FMQ__OPT_SNDTIMEO = 28,
    FMQ__OPT_IPV4ONLY = 31,
    FMQ__OPT_LAST_ENDPOINT = 32,
    FMQ__OPT_CONNECT_ROUTING_ID = 61,
    FMQ__OPT_THREAD_SAFE = 81
};

typedef struct fmq__options {
    int sndhwm;
    int rcvhwm;
    int sndbuf;
    int rcvbuf;
    int linger_ms;
    int reconnect_ivl_ms;
    int reconnect_ivl_max_ms;
    int backlog;
    int64_t maxmsgsize;
    int64_t max_message_bytes;
    int max_parts;
    int rcvtimeo_ms;
    int sndtimeo_ms;
    int tcp_keepalive;
    int tcp_keepalive_cnt;
    int tcp_keepalive_idle_s;
    int tcp_keepalive_intvl_s;
    int tcp_maxrt_ms;
    int conflate;
    int heartbeat_ivl_ms;
    int heartbeat_ttl_ms; /* whole tenths of a second */
    int heartbeat_timeout_ms;
    int tos;
    int immediate;
    int ipv6;
    int handshake_ivl_ms;
    int connect_timeout_ms;
    uint64_t affinity;
    int priority;
    int busy_poll_us;
    int use_fd; /* for the next bind; -1: none */
    int reconnect_stop;
    int zap_enforce_domain;
    int max_handshakes;
    int max_peers_per_address;
    int spin_us;
    /* For transports and engines that are not here: kept, and told. */
    int rate;
    int recovery_ivl_ms;
    int multicast_hops;
    int multicast_maxtpdu;
    int multicast_loop;
    int loopback_fastpath;
    int in_batch_size;
    int out_batch_size;
    char device[17];
    fmq__byte_opts bytes;
    uint8_t routing_id[255];
    uint8_t routing_id_len;
} fmq__options;

void fmq__options_init(fmq__options *o);

void fmq__options_fini(fmq__options *o);

/* Makes the lists of who may connect, if there are none: what is bound or connected
 * shares them from then on. ENOMEM. */
int fmq__options_need_lists(fmq__options *o);

int fmq__options_set(fmq__options *o, int option, const void *value, size_t len);
/* `*len`: the room before, what was written after. Numbers want room of their size. */
int fmq__options_get(const fmq__options *o, int option, void *value, size_t *len);

/* What connections get to see. */
void fmq__options_link(const fmq__options *o, fmq__link_opts *link);

#endif
