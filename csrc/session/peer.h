/* SPDX-License-Identifier: Apache-2.0 */
/* peer: the network pipe of one peer, with the options of its connections.
 *
 * Owner:   a dialer (it outlives connections) or an accepted connection; freed by the
 * I/O thread. Threads: under L, but for new and free.
 */
#ifndef FMQ_SESSION_PEER_H
#define FMQ_SESSION_PEER_H

#include "pipe/netpipe.h"
#include "security/secrets.h"
#include "session/allow.h"
#include "session/hub.h"
#include "transport/transport.h"

/* A network pipe with what it belongs to; lives under L, freed by the I/O thread. */
typedef struct fmq__peer {
    fmq__netpipe net;
    fmq__hub *hub;
    fmq__session *session; /* the connection; NULL: none now */
    fmq__node node;        /* hub->orphans */
    fmq__node dialled;     /* hub->dialled, as long as its dialer tries */
    const fmq__addr *addr; /* its dialer's; NULL: it was accepted */
    bool is_given_up;      /* the pattern has ended it: no other connection */
} fmq__peer;

typedef struct fmq__link_opts fmq__link_opts;

/* Bytes that do not change, shared by count; `body` NULL: none. */
typedef struct fmq__blob {
    fmq__body *body;
    uint8_t *data;
    size_t len;
} fmq__blob;

static inline void
fmq__blob_hold(const fmq__blob *b)
{
    if (b->body != NULL) {
        fmq__body_hold(b->body);
    }
}

static inline void
fmq__blob_drop(fmq__blob *b)
{
    if (b->body != NULL) {
        fmq__body_drop(b->body);
    }
    *b = (fmq__blob){NULL, NULL, 0};
}

/* When a dialer is not to dial again (bits of RECONNECT_STOP). */
enum {
    FMQ__STOP_REFUSED = 1,      /* nobody listens there */
    FMQ__STOP_SHAKE_FAILED = 2, /* the handshake failed */
    FMQ__STOP_DISCONNECTED = 4  /* a connection stood, and ended */
};

typedef struct fmq__heartbeat_opts {
    int ivl_ms;     /* 0: no PINGs */
    int ttl_ms;     /* what the peer is told */
    int timeout_ms; /* -1: ivl_ms; 0: an answer is not waited for */
} fmq__heartbeat_opts;

/* A SOCKS5 proxy; `proxy`, "host:port", empty: none. */
typedef struct fmq__socks_opts {
    fmq__blob proxy;
    fmq__blob user;
    fmq__blob password;
} fmq__socks_opts;

/* The options that are bytes: the socket's own, and what each connection holds. */
typedef struct fmq__byte_opts {
    fmq__blob metadata;    /* further properties of ours, encoded */
    fmq__blob hello;       /* the first message of each connection */
    fmq__blob goodbye;     /* what an accepted peer seems to say when it has gone */
    fmq__blob hiccup;      /* the same of one that was dialled */
    fmq__blob filters;     /* bind: who is taken, as in transport/filter.h */
    fmq__socks_opts socks; /* connect over tcp: by which proxy */
    fmq__secrets *secrets; /* NULL: those of the mechanism NULL */
    fmq__blob zap_domain;  /* what a ZAP handler is told of us */
    fmq__allow *allow;     /* who may connect; shared, and changes; NULL: no lists */
} fmq__byte_opts;

static inline void
fmq__byte_opts_hold(const fmq__byte_opts *o)
{
    fmq__blob_hold(&o->metadata);
    fmq__blob_hold(&o->hello);
    fmq__blob_hold(&o->goodbye);
    fmq__blob_hold(&o->hiccup);
    fmq__blob_hold(&o->filters);
    fmq__blob_hold(&o->socks.proxy);
    fmq__blob_hold(&o->socks.user);
    fmq__blob_hold(&o->socks.password);
    fmq__secrets_hold(o->secrets);
    fmq__blob_hold(&o->zap_domain);
    fmq__allow_hold(o->allow);
}

static inline void
fmq__byte_opts_drop(fmq__byte_opts *o)
{
    fmq__blob_drop(&o->metadata);
    fmq__blob_drop(&o->hello);
    fmq__blob_drop(&o->goodbye);
    fmq__blob_drop(&o->hiccup);
    fmq__blob_drop(&o->filters);
    fmq__blob_drop(&o->socks.proxy);
    fmq__blob_drop(&o->socks.user);
    fmq__blob_drop(&o->socks.password);
    fmq__secrets_drop(o->secrets);
    o->secrets = NULL;
    fmq__blob_drop(&o->zap_domain);
    fmq__allow_drop(o->allow);
    o->allow = NULL;
}

int fmq__peer_new(fmq__hub *h, const fmq__link_opts *opts, fmq__peer **peer);
/* Not under L; detached before. */
void fmq__peer_free(fmq__peer *p);

/* It has had its last connection: nothing more is sent, and it is freed when what came
 * has been read. On the I/O thread, under L; nobody owns it any more. */
void fmq__peer_orphan(fmq__peer *p);

/* The slice of the socket's options that connections need; copied at bind or connect.
 * Its bytes are the copy's if they were held (fmq__byte_opts_hold). */
struct fmq__link_opts {
    fmq__stream_opts stream;
    uint32_t sndhwm;
    uint32_t rcvhwm;
    int64_t maxmsgsize;        /* -1: no limit */
    int64_t max_message_bytes; /* 0: no limit */
    int max_parts;             /* the same */
    int reconnect_ivl_ms;
    int reconnect_ivl_max_ms;
    int connect_timeout_ms; /* 0: the system's */
    int handshake_ivl_ms;   /* 0: none */
    fmq__heartbeat_opts heartbeat;
    int max_handshakes;        /* bind: at a time; 0: no limit */
    int max_peers_per_address; /* the same */
    int use_fd;                /* bind: adopt this descriptor; -1: none */
    int reconnect_stop;        /* FMQ__STOP_* */
    fmq__byte_opts bytes;
    bool enforces_zap_domain;
    bool is_immediate;
    bool is_raw;        /* STREAM, ROUTER_RAW */
    unsigned conflates; /* FMQ__CONFLATE_* */
    uint8_t identity[255];
    uint8_t identity_len;
    uint8_t connect_id[255]; /* connect: the id its peer gets (CONNECT_ROUTING_ID) */
    uint8_t connect_id_len;
};

#endif
