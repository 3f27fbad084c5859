/* SPDX-License-Identifier: Apache-2.0 */
/* hub: what all that happens on one socket shares: its lock L, its sessions, those who
 * wait, and when to write.
 *
 * Any thread may take a turn at reading or writing an established session; this is
 * where the turns meet. Split by concern: hub.c (life, notes), wait.c (waiting:
 * leader, followers, edges), set.c (what is waited on), flush.c (when to write),
 * watch.c (what the I/O thread does that nobody is waiting for). Knows no options, no
 * names and no API.
 *
 * Owner:   embedded in a socket's shell, whose memory is type-stable: the lock can be
 *          taken through a stale pointer.
 * Threads: everything here wants the lock held, but for what says otherwise; functions
 *          that drop it meanwhile say so ("drops L"). `io_*` runs on the I/O thread.
 */
#ifndef FMQ_SESSION_HUB_H
#define FMQ_SESSION_HUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errands.h"
#include "base/list.h"
#include "base/lock.h"
#include "loop/io.h"
#include "loop/poller.h"
#include "pattern/pattern.h"
#include "pipe/inbox.h"
#include "pipe/inproc.h"
#include "session/crowd.h"
#include "session/event.h"
#include "session/spin.h"

typedef struct fmq__hub fmq__hub;
typedef struct fmq__session fmq__session;
typedef struct fmq__zap_desk fmq__zap_desk;

/* What the socket hears of. */
typedef struct fmq__hub_events {
    /* A note came for an inproc pipe; under L. */
    void (*on_note)(fmq__hub *h, fmq__inproc *side);
    /* After close: every endpoint and session is gone and nobody is inside. On the I/O
     * thread (or, without one, the closing thread), without L. */
    void (*on_finished)(fmq__hub *h);
    /* A handshake has a question: joins `couple` to the context's ZAP handler. ENOENT:
     * there is none; ENOTSUP: its type is none that answers. On the I/O thread, without
     * L. */
    int (*on_zap)(fmq__hub *h, fmq__couple *couple);
    /* A handshake has something to do that may take long: has it run elsewhere. Errors
     * as of fmq__errands_post. On the I/O thread, without L. */
    int (*on_errand)(fmq__hub *h, fmq__errand *e);
    /* Something happened that somebody wants to be told of; without L. */
    void (*on_event)(fmq__hub *h, const fmq__event *e);
} fmq__hub_events;

enum { FMQ__DIR_IN = 0, FMQ__DIR_OUT = 1 };

/* D3's clock, see flush.c. */
typedef struct fmq__flush {
    fmq__node dirty; /* sessions with something to write */
    size_t n_dirty;
    _Atomic uint64_t last_ns; /* entry of the last send, or the end of its write */
    uint64_t pass_end_ns;     /* end of the last pass */
    uint64_t gap_ns;          /* EWMA of the time between sends */
    uint64_t pass_cost_ns;    /* EWMA of what a pass costs */
    uint64_t spent_ns;        /* on passes since the last rest */
    uint64_t tick_ns;         /* the I/O thread's current tick; 0: none is set */
    unsigned thread_at;       /* where a thread noted this socket last; a hint */
    bool has_turned;          /* the last receive found nothing */
    bool has_answered;        /* and then something was sent, and nothing read since */
    bool is_armed;            /* the I/O thread looks after what is left */
    bool by_turns;            /* the type sends and receives by turns */
    _Atomic uint64_t n_sends; /* changed under L; the I/O thread looks without */
    _Atomic uint64_t n_deferred; /* of them, those that left something; the same */
    uint64_t n_deferred_seen;    /* at the last tick; the I/O thread's */
    fmq__task poke;
    fmq__timer tick;
} fmq__flush;

/* D5's watch, see watch.c; but for what is said to be under L, the I/O thread's own. */
typedef struct fmq__hubwatch {
    fmq__watch watch;
    fmq__timer grace;
    _Atomic uint64_t n_calls; /* see fmq__hub_count_call; changed under L */
    uint64_t n_looks;         /* that read the sessions, or tried to; under L */
    uint64_t n_looks_seen;    /* under L, as the next */
    uint64_t n_calls_limit; /* that one of them asks the I/O thread to look; under L */
    uint64_t n_calls_seen;
    uint64_t n_sends_seen; /* of flush.n_sends */
    uint64_t grace_ns;
    bool is_brief;              /* the grace times are, for wishes; under L */
    bool has_wished;            /* a session since the last one; under L */
    _Atomic uint32_t n_wishing; /* sessions of S that wait for room; changed under L */
    _Atomic bool is_armed;      /* others look under L */
} fmq__hubwatch;

/* The first nap of those who ask for signals, and the one after another. */
#define FMQ__NAP_NS UINT64_C(100000000)

static inline uint64_t
fmq__nap_after(uint64_t length_ns)
{
    return length_ns < UINT64_MAX / 4 ? 2 * length_ns : length_ns;
}

/* For them, see nap.c; under L, or the I/O thread's. */
typedef struct fmq__nap {
    uint32_t seq;               /* how often they were woken to ask */
    uint32_t n_asleep;          /* who ask */
    uint64_t n_calls_back;      /* up to that one a call may be of one who was woken */
    bool is_armed;              /* the I/O thread looks */
    _Atomic uint64_t n_sleeps;  /* not of those woken; changed under L */
    uint64_t n_sleeps_seen;     /* the I/O thread's, as what follows */
    _Atomic uint64_t length_ns; /* others look, under L */
    bool is_over;               /* nobody has begun another sleep meanwhile */
    fmq__timer due;
} fmq__nap;

/* I/O threads that help with what takes long, see help.c. */
enum { FMQ__HELPERS_MAX = 15 };

typedef struct fmq__helper {
    fmq__task task;
    fmq__hub *hub;
    bool is_called; /* and has not begun */
} fmq__helper;

typedef struct fmq__help {
    fmq__io *const *crew; /* the context's I/O threads */
    int n_crew;
    uint64_t affinity; /* a bit for each that may help; 0: all */
    uint32_t n_heavy;  /* sessions that have much to open */
    fmq__helper helper[FMQ__HELPERS_MAX];
} fmq__help;

struct fmq__hub {
    fmq__lock lock;
    fmq__io *io; /* NULL: there is none, and only inproc works */
    fmq__pattern *pattern;
    fmq__inbox *inbox;
    const fmq__hub_events *events;
    uint32_t generation; /* of the shell; odd while it is a socket */

    _Atomic uint64_t monitored; /* the events that are told */
    bool is_closed;
    bool is_terminated;
    fmq__body *dropped; /* lent bodies to give back without L; see fmq__hub_unlock */
    uint32_t n_inside;  /* callers that gave L back in the middle of a call */

    /* waiting (wait.c, set.c) */
    bool is_flat;            /* pollers do not nest: there are no S and E */
    fmq__poller *sessions;   /* S: the established sessions; NULL until one is wanted */
    fmq__poller *waiting;    /* E: S and the edge; NULL until one is wanted */
    _Atomic bool has_leader; /* the I/O thread looks at it without L */
    bool is_leader_asleep;   /* has decided to sleep, and is not back */
    bool is_leader_rung;     /* since then */
    bool is_leader_looking;  /* for messages, awake, and maybe for long */
    bool is_fd_exported;
    bool is_ring_held;      /* something came meanwhile, and FD does not tell yet */
    uint32_t n_edges_taken; /* of the inbox's, or found taken */
    uint32_t n_holding;     /* callers that read, and take what they find */
    uint32_t n_pollers[2];  /* that wait for a direction; some for both */
    uint32_t n_followers[2];
    _Atomic uint32_t follow_seq[2];
    fmq__spin spin;
    uint32_t n_pieces; /* of long messages, see fmq__hub_count_piece; under L */
    fmq__nap nap;

    /* sessions (hub.c) */
    fmq__session **slot;
    uint32_t n_slots;
    uint32_t slot_hint; /* where to look for a free one */
    uint32_t look_slot; /* where the next look at a flat set begins */
    uint32_t n_established;
    fmq__node established; /* sessions, by hub_node */
    fmq__node dialled;     /* fmq__peer by dialled: what waits for a connection */
    fmq__node resuming;    /* sessions whose pipe came down to its low-water mark */
    uint32_t n_gone;       /* endpoints that are over, and may still be on a list */

    fmq__flush flush;
    fmq__hubwatch watch;
    fmq__help help;

    /* the I/O thread's work, see work.c */
    fmq__task work_task;
    fmq__chore work_chore;
    bool has_asked;      /* for anything, ever: `io` does not change any more */
    uint32_t work;       /* what is to be done; under L */
    uint32_t io_work;    /* the same, asked by the I/O thread without L */
    fmq__node opening;   /* endpoints to open, by post_node */
    fmq__node leaving;   /* endpoints to close, by leave_node */
    fmq__node heard;     /* sessions whose peer's PING has set a time, by beat.node */
    fmq__node failed;    /* sessions that are to end, by turn_node */
    fmq__node orphans;   /* accepted pipes whose connection is gone, unread */
    fmq__node ready;     /* I/O thread: sessions to establish, by turn_node */
    fmq__node seen;      /* I/O thread: those of a flat set that have something */
    fmq__node endpoints; /* I/O thread: dialers and listeners */
    fmq__node all_sessions; /* I/O thread */
    fmq__zap_desk *zap; /* I/O thread: see zap.c; NULL: no handshake has asked yet */
    fmq__crowd crowd;   /* I/O thread: accepted connections */
    fmq__timer linger_timer; /* I/O thread */
    int64_t linger_ms;       /* as it was at close */
    bool is_closing;         /* I/O thread: close has begun there */
    bool is_finished;        /* nothing is left but the shell */
};

/* Once in the life of the memory. */
void fmq__hub_init_shell(fmq__hub *h);

/* Makes an initialised or finished hub ready for a new socket; takes `pattern`. */
int fmq__hub_open(fmq__hub *h, fmq__io *io, fmq__pattern *pattern,
                  const fmq__hub_events *events);

/* Another I/O thread, while nothing has been asked of the first; false: too late. */
bool fmq__hub_move(fmq__hub *h, fmq__io *io);

/* Gives everything back, once on_finished was called; not under L. The lock stays. */
void fmq__hub_fini(fmq__hub *h);

/* Whether a caller is the leader; exact under L. */
static inline bool
fmq__hub_has_leader(const fmq__hub *h)
{
    return atomic_load_explicit(&h->has_leader, memory_order_relaxed);
}

/* The application's calls that are counted (fmq__hub_count_call), so far; exact under
 * L. */
static inline uint64_t
fmq__hub_n_calls(const fmq__hub *h)
{
    return atomic_load_explicit(&h->watch.n_calls, memory_order_relaxed);
}

/* A caller has taken much while the I/O thread was to be woken by it. Under L. */
void fmq__hub_watch_less(fmq__hub *h);

/* Counts a call that receives, that asks for events, or that sends and finds no room;
 * under L, so that no read-modify-write is needed. */
static inline void
fmq__hub_count_call(fmq__hub *h)
{
    uint64_t n_calls = fmq__hub_n_calls(h) + 1;

    atomic_store_explicit(&h->watch.n_calls, n_calls, memory_order_relaxed);
    if (n_calls == h->watch.n_calls_limit) {
        fmq__hub_watch_less(h);
    }
}

/* So much of a long message, read or written, promises more of it soon. */
enum { FMQ__PIECE_BYTES = 8 * 1024 };

/* Counts a piece of one that has others to come: whoever looks for a message goes on.
 */
static inline void
fmq__hub_count_piece(fmq__hub *h, size_t n_bytes)
{
    h->n_pieces += n_bytes >= FMQ__PIECE_BYTES;
}

static inline void
fmq__hub_lock(fmq__hub *h)
{
    fmq__lock_take(&h->lock);
}

/* Answers the I/O thread's wish while L is held; gives L back; calls the lenders of
 * what was dropped meanwhile. */
void fmq__hub_unlock_slow(fmq__hub *h);

static inline void
fmq__hub_unlock(fmq__hub *h)
{
    uint32_t held = FMQ__LOCK_HELD;

    if (h->dropped != NULL) {
        fmq__hub_unlock_slow(h);
        return;
    }
    /* R1 -> A1 in base/lock.h, as fmq__lock_release, but with nobody to wake. */
    if (!atomic_compare_exchange_strong_explicit(
            &h->lock.word, &held, 0, memory_order_release, memory_order_relaxed)) {
        fmq__hub_unlock_slow(h);
    }
}

/* 0, ENOTSOCK (closed) or FMQ_ETERM. */
static inline int
fmq__hub_state(const fmq__hub *h)
{
    if (h->is_closed) {
        return ENOTSOCK;
    }
    return h->is_terminated ? FMQ_ETERM : 0;
}

/* Which events are told from now on; returns those before. */
static inline uint64_t
fmq__hub_set_monitored(fmq__hub *h, uint64_t events)
{
    return atomic_exchange_explicit(&h->monitored, events, memory_order_relaxed);
}

static inline uint64_t
fmq__hub_monitored(const fmq__hub *h)
{
    return atomic_load_explicit(&h->monitored, memory_order_relaxed);
}

/* Whether any are: what an event will need may be left out else. */
static inline bool
fmq__hub_is_monitored(const fmq__hub *h)
{
    return fmq__hub_monitored(h) != 0;
}

/* Tells an event, if somebody wants it; not under L. */
static inline void
fmq__hub_tell(fmq__hub *h, const fmq__event *e)
{
    if ((fmq__hub_monitored(h) & e->type) != 0) {
        h->events->on_event(h, e);
    }
}

/* A connection of a pipe stands, or is lost; a pipe goes: the pattern hears of it, and
 * whoever waits of what it has to say. */
int fmq__hub_up(fmq__hub *h, fmq__pipe *pipe, const uint8_t *id, size_t id_len);
void fmq__hub_down(fmq__hub *h, fmq__pipe *pipe);
void fmq__hub_detach(fmq__hub *h, fmq__pipe *pipe);

/* A caller that gave L back in the middle of a call (n_inside) is through; the last one
 * lets a closed socket end. */
void fmq__hub_exit(fmq__hub *h);

/* Looks at the notes of inproc peers. */
void fmq__hub_take_notes(fmq__hub *h);

/* The same, for the beginning of every call: mostly there are none. */
static inline void
fmq__hub_check_notes(fmq__hub *h)
{
    if (fmq__mpsc_has_nodes(&h->inbox->notes)) {
        fmq__hub_take_notes(h);
    }
}

/* --- wait.c --- */

enum {
    FMQ__WAIT_LOOKED = 1, /* the sessions were read just before */
    FMQ__WAIT_ASKS = 2,   /* who waits asks for signals by itself: EINTR without one is
                           * welcome where one may have been missed */
};

/* Tries `attempt(arg)` (under L) until it says something else than EAGAIN, or the
 * deadline comes (EAGAIN), a signal (EINTR), close or term. `how`: FMQ__WAIT_*. Drops
 * L.
 */
int fmq__hub_wait(fmq__hub *h, int dir, int (*attempt)(fmq__hub *h, void *arg),
                  void *arg, uint64_t deadline_ns, unsigned how);

/* Reads and writes every session that is ready, without waiting. Drops L. */
void fmq__hub_look(fmq__hub *h);

/* Says that something came (IN) or that there is room (OUT), to whoever waits for it.
 */
void fmq__hub_notify(fmq__hub *h, int dir);

/* After a change that others may wait for: hands it on. Who goes on to wait then sees
 * to `resuming`; the other one is for who does not, and drops L. */
void fmq__hub_hand_on(fmq__hub *h);
void fmq__hub_pass_on(fmq__hub *h);

/* Wakes the leader, if it sleeps: there is something new to sleep on. */
void fmq__hub_ring_leader(fmq__hub *h);

/* Wakes everybody: the state has changed. */
void fmq__hub_wake_all(fmq__hub *h);

/* Wakes those who sleep in fmq__hub_wait. */
void fmq__hub_wake_sleepers(fmq__hub *h);

static inline bool
fmq__hub_has_pollers(const fmq__hub *h)
{
    return (h->n_pollers[0] | h->n_pollers[1]) != 0;
}

/* Whether somebody waits, so that fmq__hub_hand_on has something to do. */
static inline bool
fmq__hub_has_waiters(const fmq__hub *h)
{
    return fmq__hub_has_pollers(h) || (h->n_followers[0] | h->n_followers[1]) != 0;
}

/* Enters and leaves a wait from outside (poll) for `events` (FMQ_POLLIN, FMQ_POLLOUT),
 * the same ones for both, on `*fd` (fmq__hub_waiting_fd). Between the two L is not
 * held. */
int fmq__hub_enter_poll(fmq__hub *h, unsigned events, int *fd);
void fmq__hub_leave_poll(fmq__hub *h, unsigned events);

/* The descriptor for good (option FD). It begins readable if there are events. May drop
 * L. */
int fmq__hub_export_fd(fmq__hub *h, int *fd);

/* Around a read whose caller takes what came: FD tells of it at the end, and only if
 * something is left. */
void fmq__hub_hold_rings(fmq__hub *h);
void fmq__hub_give_rings(fmq__hub *h);

/* Takes the descriptor's edge, and gives it on to those it was meant for as well. Look
 * for events after this: what comes later makes a new edge. */
void fmq__hub_answer_ring(fmq__hub *h);

/* The events now, with the descriptor's edge taken and each ready session read once.
 * Drops L. */
unsigned fmq__hub_harvest(fmq__hub *h);

/* The events now, by what is in memory. May drop L. */
unsigned fmq__hub_peek(fmq__hub *h);

/* --- flush.c --- */

void fmq__flush_init(fmq__hub *h);

/* After a message was committed at `now_ns`: writes, or leaves it to later. Drops L. */
void fmq__hub_sent(fmq__hub *h, uint64_t now_ns);

/* Leaves what is dirty to the I/O thread: it writes at once, and ticks. */
void fmq__hub_write_later(fmq__hub *h);

/* Writes every dirty session. Drops L. */
void fmq__hub_write_dirty(fmq__hub *h);

/* Writes all that this thread has left unwritten, on whichever socket. Not under L. */
void fmq__flush_thread(void);

/* Forgets it: in the child of a fork. */
void fmq__flush_forget(void);

/* --- nap.c --- */

void fmq__nap_init(fmq__hub *h);

/* Around a sleep with FMQ__WAIT_ASKS. */
void fmq__nap_begin(fmq__hub *h);
void fmq__nap_end(fmq__hub *h);

/* --- help.c; under L --- */

void fmq__help_init(fmq__hub *h);

/* Whether it takes long to write what is dirty: it is the I/O thread's. */
bool fmq__help_is_long(const fmq__hub *h);

/* Has others write with the caller, who is about to write what is dirty; and read with
 * the caller, who is about to look at all sessions. */
void fmq__help_write(fmq__hub *h);
void fmq__help_read(fmq__hub *h);

/* Whether the session has much to open at a time; after each read turn, and (false)
 * when it leaves. */
void fmq__help_weigh(fmq__session *s, bool is_heavy);

/* Whether looking at the sessions, or writing to them, may take long: not with
 * FMQ_TRY. */
bool fmq__help_is_needed(const fmq__hub *h);

/* --- watch.c --- */

void fmq__hubwatch_init(fmq__hub *h);
/* One more session of S waits for room, or one less. */
void fmq__hub_wish(fmq__hub *h, bool wishes);
/* On the I/O thread: begins or ends to watch S. */
int fmq__hub_io_watch(fmq__hub *h);
void fmq__hub_io_unwatch(fmq__hub *h);

/* --- set.c: the set of established sessions, and what callers sleep on --- */

/* S, made when first wanted, for the first endpoint. */
int fmq__hub_need_sessions(fmq__hub *h);

/* What those outside wait on (E, or the inbox's edge), made when first wanted, and its
 * descriptor. */
int fmq__hub_need_waiting(fmq__hub *h);
int fmq__hub_waiting_fd(const fmq__hub *h);

/* Sleeps on E until the deadline, not under L: 0, and whether sessions are ready;
 * ETIMEDOUT, EINTR. Not where the set is flat. */
int fmq__hub_sleep(fmq__hub *h, uint64_t deadline_ns, bool *has_sessions);

/* Whether that sees what is there already, so that there is no need to look before. */
static inline bool
fmq__hub_sleep_looks(const fmq__hub *h)
{
    return h->waiting != NULL && h->sessions != NULL;
}

/* Takes the edge, if it is there: whether it was. */
bool fmq__hub_take_edge(fmq__hub *h);

/* Serves what is ready of the set, up to a number, without waiting. Drops L. */
void fmq__hub_look_at_all(fmq__hub *h);

/* On the I/O thread: serves what it has seen of a flat set. Drops L. */
void fmq__hub_io_serve_flat(fmq__hub *h);

/* --- slots.c: sessions; work.c: the I/O thread's work --- */

/* Gives a session its slot in the set, and takes it out. */
int fmq__hub_add_session(fmq__hub *h, fmq__session *s);
void fmq__hub_remove_session(fmq__hub *h, fmq__session *s);
/* The session of an event of the set; NULL: it is gone. */
fmq__session *fmq__hub_find_session(fmq__hub *h, uint64_t token);

/* Lets the sessions of `resuming` read again; false: there was none. Drops L. Whoever
 * had a pattern take messages calls it before L is given back, or before it sleeps. */
bool fmq__hub_resume_all(fmq__hub *h);

/* Gives the pipes of all established sessions new marks. */
void fmq__hub_set_marks(fmq__hub *h, uint32_t sndhwm, uint32_t rcvhwm);

/* What the I/O thread can be asked to do (bits of `work`). */
enum {
    FMQ__WORK_FLUSH = 1,       /* write what is dirty, and tick */
    FMQ__WORK_TICK = 2,        /* the tick has come */
    FMQ__WORK_WATCH = 4,       /* the set has something */
    FMQ__WORK_GRACE = 8,       /* the grace time is over */
    FMQ__WORK_SESSIONS = 16,   /* sessions to establish, or to end */
    FMQ__WORK_ORPHANS = 32,    /* orphaned pipes have been read to their end */
    FMQ__WORK_CLOSE = 64,      /* the socket was closed, or its linger time is over */
    FMQ__WORK_ENDPOINTS = 128, /* endpoints to open, or to close */
    FMQ__WORK_HEARD = 256,     /* times that PINGs have set */
    FMQ__WORK_NAP = 512,       /* who asks for signals sleeps, or has slept long */
    FMQ__WORK_WISH = 1024,     /* a session waits for room while S is not watched */
};

void fmq__hub_work_init(fmq__hub *h);

/* Asks for work, from any thread, under L. */
void fmq__hub_ask(fmq__hub *h, uint32_t work);

/* The same on the I/O thread, without L: does it now, or when L is free. */
void fmq__hub_io_do(fmq__hub *h, uint32_t work);

/* The parts of the work that live elsewhere; on the I/O thread, under L, may drop it.
 */
void fmq__hub_io_flush(fmq__hub *h, bool is_tick);       /* flush.c */
void fmq__hub_io_nap(fmq__hub *h);                       /* nap.c */
void fmq__hub_io_serve(fmq__hub *h, bool is_grace_over); /* watch.c */
void fmq__hub_io_wish(fmq__hub *h);                      /* watch.c */
void fmq__hub_io_close(fmq__hub *h);                     /* closing.c */
void fmq__hub_io_heard(fmq__hub *h);                     /* heartbeat.c */

/* --- zap.c --- */

/* On the I/O thread, when the last session is gone. */
void fmq__zap_close(fmq__hub *h);

#endif
