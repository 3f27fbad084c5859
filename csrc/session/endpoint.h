/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: what a socket was told to bind or connect to: a listener or a dialer.
 *
 * Owner:   the I/O thread from `open` on; the socket's list of names points to it until
 *          it asks for `close`, after which it must not touch it.
 * Threads: new: any; open and close are posted; `ops` run on the I/O thread without L.
 * Errors:  errno values from new.
 */
#ifndef FMQ_SESSION_ENDPOINT_H
#define FMQ_SESSION_ENDPOINT_H

#include "session/hub.h"
#include "session/peer.h"
#include "transport/resolver.h"
#include "transport/transport.h"

typedef struct fmq__endpoint fmq__endpoint;

typedef struct fmq__endpoint_ops {
    void (*open)(fmq__endpoint *e);
    /* `linger_ms`: -1 for ever. */
    void (*close)(fmq__endpoint *e, int64_t linger_ms);
    /* A session of this endpoint has ended and is being buried; `err` is the session's.
     * Loss comes before any event that tells of it, end behind them. */
    void (*on_session_loss)(fmq__endpoint *e, int err);
    void (*on_session_end)(fmq__endpoint *e, int err);
} fmq__endpoint_ops;

struct fmq__endpoint {
    const fmq__endpoint_ops *ops;
    fmq__hub *hub;
    fmq__node node; /* hub->endpoints; I/O thread */
    fmq__addr addr;
    fmq__link_opts opts;
    fmq__peer *peer;      /* dialers: the pipe; NULL: none (IMMEDIATE, or refused) */
    bool is_bound;        /* a listener */
    bool is_refused;      /* the pattern does not want another peer: never dialled */
    bool is_gone;         /* under L: over, and its name means nothing any more */
    bool is_closing;      /* I/O thread: close was called */
    fmq__node post_node;  /* hub->opening; under L */
    fmq__node leave_node; /* hub->leaving; under L */
    fmq__chore burial;
    int64_t close_linger_ms;
    _Atomic uint32_t
        *closed_word; /* set to 1 and woken when close was called; or NULL */
};

/* Takes `addr`; holds the blobs of `opts`. */
void fmq__endpoint_init(fmq__endpoint *e, const fmq__endpoint_ops *ops, fmq__hub *h,
                        fmq__addr *addr, const fmq__link_opts *opts);

/* Hands it to the I/O thread; under L. */
void fmq__endpoint_post_open(fmq__endpoint *e);

/* Has the I/O thread close it; under L. The pointer is dead afterwards. `done` (0 now)
 * becomes 1 when nothing listens or dials there any more; NULL: nobody waits. */
void fmq__endpoint_post_close(fmq__endpoint *e, int64_t linger_ms,
                              _Atomic uint32_t *done);

/* Waits for that; not under L, not on the I/O thread. */
void fmq__endpoint_await_close(_Atomic uint32_t *done);

/* Listens on `fd` (taken), whose name is `bound_name`. */
int fmq__listener_new(fmq__hub *h, fmq__addr *addr, const fmq__link_opts *opts, int fd,
                      const char *bound_name, fmq__endpoint **e);

/* Dials; takes `peer` (NULL with IMMEDIATE). */
int fmq__dialer_new(fmq__hub *h, fmq__addr *addr, const fmq__link_opts *opts,
                    fmq__peer *peer, fmq__resolver *resolver, fmq__endpoint **e);

#endif
