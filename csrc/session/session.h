/* SPDX-License-Identifier: Apache-2.0 */
/* session: one connection to one peer, from a connected descriptor to its end.
 *
 * Phases: HANDSHAKE (the I/O thread alone; patterns do not know of it), then
 * ESTABLISHED (any thread may take the read or the write turn under L), then CLOSING
 * (set under L by whoever saw the end), then gone. Only the I/O thread opens, closes
 * and shakes hands.
 *
 * Owner:   the I/O thread (hub->all_sessions); freed there when both turns are free.
 * Threads: see each field.
 * Errors:  errno values.
 */
#ifndef FMQ_SESSION_SESSION_H
#define FMQ_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/bounds.h"
#include "session/egress.h"
#include "session/endpoint.h"
#include "session/hub.h"
#include "session/old.h"
#include "session/peer.h"
#include "wire/conn.h"

enum fmq__phase { FMQ__HANDSHAKE, FMQ__ESTABLISHED, FMQ__CLOSING };

enum { FMQ__SESSION_CTL_MAX = 256 };

typedef struct fmq__shake_errand fmq__shake_errand;

/* When a peer must be heard of (heartbeat.c); the I/O thread's, but for `node` and
 * `peer_ttl_ms`, which are under L. */
typedef struct fmq__heartbeat {
    fmq__heartbeat_opts opts;
    uint64_t ping_ns;   /* when to send the next PING; FMQ__NEVER: not at all */
    uint64_t answer_ns; /* when something must have come since the last one */
    uint64_t ttl_ns;    /* the same by a PING of the peer */
    uint64_t heard_at_ping;
    uint64_t heard_at_ttl;
    fmq__node node; /* hub->heard */
    uint32_t peer_ttl_ms;
} fmq__heartbeat;

/* A body on its way in that did not lie in the buffer whole; the read turn's. */
typedef struct fmq__bigbody {
    fmq__body *body; /* NULL: none */
    uint8_t *data;
    size_t len;
    size_t filled;
    unsigned flags;
} fmq__bigbody;

/* What lies between the frames in the pipe's queues and the bytes of the connection. */
enum fmq__form {
    FMQ__FORM_FRAMES, /* nothing: as they lie */
    FMQ__FORM_BODIES, /* raw: their bodies alone */
    FMQ__FORM_OLD,    /* those of ZMTP 1.0 */
    FMQ__FORM_SEALED  /* each sealed by a guard */
};

struct fmq__session {
    fmq__hub *hub;
    fmq__endpoint *endpoint; /* where it came from; NULL: that is gone. I/O thread */
    fmq__peer *peer;         /* set when established; under L */
    int fd;
    char *name[2]; /* local, remote: for events; NULL: not monitored when it began */
    bool is_bound; /* by a listener of ours */
    fmq__node io_node;     /* hub->all_sessions; I/O thread */
    fmq__node hub_node;    /* hub->established; under L */
    fmq__node dirty_node;  /* hub->flush.dirty; under L */
    fmq__node resume_node; /* hub->resuming; under L */
    fmq__node turn_node;   /* hub->ready or hub->failed */
    fmq__chore burial;

    bool is_raw;         /* bytes as they are: no handshake, no frames */
    unsigned version;    /* the peer's ZMTP (wire/conn.h); 0: not known, or raw */
    enum fmq__form form; /* from when it is established */

    /* handshake; the I/O thread's */
    bool is_shaking;
    bool is_refused; /* it has failed, and the peer is to hear of it, or to rest */
    fmq__heartbeat beat;
    fmq__conn *conn;           /* NULL: it is over, or (is_raw) there is none */
    fmq__secrets *secrets;     /* what its mechanism goes by */
    fmq__guest guest;          /* accepted: one of hub->crowd */
    fmq__inproc *zap;          /* where ZAP's answer comes; NULL: it is not asked */
    fmq__shake_errand *errand; /* has `conn` at work elsewhere; NULL: it is here */

    /* Of the handshake, then of the set (set.c): the I/O thread's, but that in a flat
     * set it is set anew by anybody, under L, while the session is established. */
    fmq__watch watch;
    fmq__node seen_node; /* hub->seen; I/O thread */
    unsigned seen;       /* what was seen */
    fmq__timer timer;    /* of the handshake, then of the heartbeat */

    /* under L */
    enum fmq__phase phase;
    int error;           /* why it ended; 0: the peer closed, or we did */
    bool is_lasting;     /* ends when its queue is written: reads no more (linger) */
    uint64_t n_heard;    /* reads that brought something */
    bool is_given_up;    /* a dialer is not to dial again */
    bool is_reading;     /* the read turn is out */
    bool is_writing;     /* the write turn is out */
    bool is_in_set;      /* in S */
    bool wants_out;      /* the set is to watch for room */
    size_t retry_bytes;  /* then write although wants_out: so much is queued */
    unsigned set_events; /* what the set watches for, unless it has fallen silent */
    bool is_out_broken;  /* a write failed: what is left waits for another connection */
    uint32_t slot;
    uint32_t slot_generation;
    uint8_t ctl[FMQ__SESSION_CTL_MAX]; /* control frames to send */
    size_t ctl_len;

    /* the write turn's */
    bool has_extra;    /* there is something to write that is not in the queue */
    fmq__blob hello;   /* HELLO_MSG */
    size_t hello_sent; /* of its wire form */
    fmq__old *old;     /* FORM_OLD; else NULL */
    fmq__egress
        *egress; /* FORM_SEALED, else NULL; its guard serves the read turn, too */

    fmq__blob farewell; /* comes from the peer when it has gone; of the I/O thread */

    /* the read turn's */
    uint8_t *stash; /* bytes read and not decoded */
    size_t stash_at;
    size_t stash_len; /* behind stash_at */
    size_t stash_cap;
    fmq__bigbody big;
    bool is_big_row;    /* behind a very long body came nothing else so far */
    bool can_gather;    /* its transport can */
    bool is_gathering;  /* pollers are to be quiet until much of `big` is there */
    fmq__fq_pos mark;   /* in the pipe's queue: the end of the last whole message */
    fmq__bounds bounds; /* is_inside: frames lie behind the mark */
    bool is_heavy;      /* one of hub->help.n_heavy; under L */
    unsigned violation; /* what the peer got wrong in a sealed frame; 0: nothing */
    int handshake_ivl_ms;
};

/* --- session.c; on the I/O thread --- */

/* Begins the handshake on `fd`, which it takes. */
int fmq__session_open(fmq__hub *h, fmq__endpoint *from, int fd, const fmq__link_opts *o,
                      fmq__session **session);

/* On the I/O thread, not under L: tells an event of this connection. */
void fmq__session_tell(fmq__session *s, uint64_t type, uint64_t value);

/* On the I/O thread, which need not have L: whether its handshake is not over. */
static inline bool
fmq__session_is_shaking(const fmq__session *s)
{
    return s->is_shaking;
}

/* On the I/O thread, when it is being buried: whether its handshake had succeeded. */
static inline bool
fmq__session_was_established(const fmq__session *s)
{
    return s->phase != FMQ__HANDSHAKE;
}

/* Under L, on the I/O thread: makes an established session of a ready one (drops L),
 * and takes one that is over off its pipe, if no turn is out. False: not yet. */
void fmq__session_io_establish(fmq__session *s);
bool fmq__session_io_end(fmq__session *s);

/* Under L, any thread: the connection is over; the I/O thread will end it. */
void fmq__session_fail(fmq__session *s, int err);

/* Closes its descriptor, tells its endpoint, and frees it at the end of the I/O
 * thread's turn. Not under L; ended before, if it was established. */
void fmq__session_io_bury(fmq__session *s);

/* On the I/O thread: ends it at once, or (linger) when its queue is written. Takes L.
 */
void fmq__session_io_close(fmq__session *s, int64_t linger_ms);

/* Nothing can be written any more; what the peer sent before is still read. */
void fmq__session_break_out(fmq__session *s);

/* Whether the peer's frames are those of ZMTP 1.0. */
static inline bool
fmq__session_is_old(const fmq__session *s)
{
    return s->version == 0x0100;
}

/* --- set.c --- */

/* Puts a session with its slot into the set of its hub, and takes it out. */
int fmq__session_enter_set(fmq__session *s);
void fmq__session_leave_set(fmq__session *s);

/* On the I/O thread: begins to watch an established session, to the end. */
int fmq__session_io_watch(fmq__session *s);

/* Has the set watch for what the session waits for now. */
void fmq__session_update(fmq__session *s);

/* --- handshake.c; on the I/O thread --- */

int fmq__handshake_begin(fmq__session *s, const fmq__conn_config *config,
                         int handshake_ivl_ms);
/* The same where there is nothing to shake: it is over in the next turn. */
int fmq__handshake_skip(fmq__session *s);
void fmq__handshake_end(fmq__session *s);
/* It has failed. */
void fmq__handshake_fail(fmq__session *s, int err);
/* Something may have come that it waited for. */
void fmq__handshake_go_on(fmq__session *s);
/* The work is done; `err`: what came of it. */
void fmq__handshake_worked(fmq__session *s, int err);

/* --- errand.c; on the I/O thread --- */

/* Has the work of the mechanism done elsewhere; its end is fmq__handshake_worked. */
int fmq__shake_errand_begin(fmq__session *s);
/* Nobody waits for that any more; `conn` is not the session's then. */
void fmq__shake_errand_leave(fmq__session *s);

/* --- zap.c; on the I/O thread --- */

/* Asks the ZAP handler, if the connection waits for its answer, or takes the answer if
 * it has come. EFAULT: there is nobody to ask, and there has to be; and why the
 * connection failed. */
int fmq__zap_run(fmq__session *s);
/* No answer is wanted any more. */
void fmq__zap_end(fmq__session *s);

/* --- heartbeat.c --- */

/* On the I/O thread, under L: an established session begins to send PINGs. */
void fmq__heartbeat_io_start(fmq__session *s);

/* Under L, any thread: a PING came whose sender is to be heard of again within
 * `ttl_ms`. */
void fmq__heartbeat_hear(fmq__session *s, uint32_t ttl_ms);

/* --- read.c; under L, drop it --- */

/* Takes the read turn, if it is free, and reads once; not if its pipe is full. */
void fmq__session_read(fmq__session *s);
/* What the set said of it: writes, reads, hears of a hang-up. */
void fmq__session_serve(fmq__session *s, unsigned events);
/* Decodes what the handshake left, or what a full pipe left; then reads are on again.
 */
void fmq__session_resume(fmq__session *s);
/* Puts a message in behind all whole ones, as if the peer had sent it; with the read
 * turn free. Does not drop L. */
int fmq__session_inject(fmq__session *s, const void *data, size_t len);
int fmq__session_inject_blob(fmq__session *s, const fmq__blob *b);
/* The state of a session's decoder, given back. */
void fmq__session_drop_input(fmq__session *s);
/* Keeps bytes that came behind the handshake. */
int fmq__session_stash(fmq__session *s, const uint8_t *data, size_t len);

/* --- write.c; under L, drop it --- */

/* Takes the write turn, if it is free, and writes until all is written or the kernel
 * has enough. */
void fmq__session_write(fmq__session *s);
/* Puts it on the dirty list, if there is something to write and a way to. */
void fmq__session_mark_dirty(fmq__session *s);
/* Ends it, for good, as soon as all is written; does not drop L. */
void fmq__session_finish(fmq__session *s);
/* Queues a control frame; dropped if too many wait. */
void fmq__session_control(fmq__session *s, const uint8_t *frame, size_t len);

#endif
