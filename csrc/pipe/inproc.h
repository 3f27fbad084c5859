/* SPDX-License-Identifier: Apache-2.0 */
/* inproc: a couple of sockets of one process, joined by two ducts.
 *
 * Each side has a pipe for its pattern, and one note (mpsc node) by which the other
 * side says, in its inbox, "something happened: look at your pipe". No thread in
 * between.
 *
 * Owner:   counted: one for each side that is open, one for each note on its way.
 * Threads: a side is used under its own socket's lock. Notes travel without any.
 * Errors:  ENOMEM from new.
 */
#ifndef FMQ_PIPE_INPROC_H
#define FMQ_PIPE_INPROC_H

#include "pipe/duct.h"
#include "pipe/inbox.h"
#include "pipe/pipe.h"

typedef struct fmq__couple fmq__couple;

/* One side. */
typedef struct fmq__inproc {
    fmq__pipe pipe;
    fmq__couple *couple;
    fmq__duct *tx;
    fmq__duct *rx;
    fmq__inbox *inbox;       /* of this side's socket; NULL: not joined yet. Held */
    fmq__mpsc_node note;     /* to this side */
    _Atomic bool is_noted;   /* the note is on its way */
    bool is_open;            /* this side is attached (under its own lock) */
    bool is_ended;           /* given up by its pattern: fmq__pipe_end */
    bool is_joined;          /* there is another one */
    uint32_t sndhwm;         /* this side's share of what it may send */
    _Atomic uint32_t rcvhwm; /* and of what the other one may */
    fmq__fq_pos last_mark;   /* conflating: where the last message to the peer begins */
    fmq__node node;          /* the socket's list of inproc pipes; the pending list */
    void *owner;             /* the socket's own mark for this side */
    uint8_t *id;             /* the routing id of this side's socket; NULL: none */
    uint8_t id_len;
    fmq__outpart goodbye; /* side 0: its last message, as the binder wishes; held */
} fmq__inproc;

struct fmq__couple {
    _Atomic uint32_t refs;
    fmq__inproc side[2]; /* 0: connected, 1: bound */
};

/* A new couple; side 0 may be attached and written to. `limit`: the mark of both
 * directions until the other side joins (0: none). `conflates`: FMQ__CONFLATE_*, as
 * side 0 sees it. */
int fmq__couple_new(fmq__inbox *connecter, uint32_t limit, unsigned conflates,
                    fmq__couple **couple);

/* Says under which routing id a side's socket goes (`id_len` 0: none): side 0 before
 * anybody knows of the couple, side 1 before it joins. */
int fmq__inproc_set_id(fmq__inproc *side, const uint8_t *id, uint8_t id_len);

/* Gives side 1 its inbox, and both directions their marks, and tells it. False: its
 * socket is closed, and side 1 is the caller's to close. With side 0's lock held, and
 * before side 0 is given up. */
bool fmq__couple_join(fmq__couple *c, fmq__inbox *binder, uint32_t limit_from_0,
                      uint32_t limit_from_1);

/* What side 0 is to seem to say when it goes; with its lock held. */
void fmq__inproc_set_goodbye(fmq__inproc *side, const fmq__outpart *goodbye);
/* Says it, if anybody is there to hear; before it is detached. */
void fmq__inproc_say_goodbye(fmq__inproc *side);

/* Tells `side` to look at its pipe; false: its socket is closed. */
bool fmq__inproc_tell(fmq__inproc *side);

/* RCVHWM of a side: the other one is to be told of a change, and N1 -> N2 has it see
 * the value. */
static inline void
fmq__inproc_set_rcvhwm(fmq__inproc *side, uint32_t rcvhwm)
{
    atomic_store_explicit(&side->rcvhwm, rcvhwm, memory_order_relaxed);
}

static inline uint32_t
fmq__inproc_rcvhwm(const fmq__inproc *side)
{
    return atomic_load_explicit(&side->rcvhwm, memory_order_relaxed);
}

static inline fmq__inproc *
fmq__inproc_peer(fmq__inproc *side)
{
    fmq__couple *c = side->couple;

    return side == &c->side[0] ? &c->side[1] : &c->side[0];
}

static inline fmq__inproc *
fmq__inproc_from_note(fmq__mpsc_node *note)
{
    return FMQ__ITEM(note, fmq__inproc, note);
}

/* Begins to look at what a note spoke of: call before looking. */
void fmq__inproc_take_note(fmq__inproc *side);
/* Ends it: gives back the note's reference. */
void fmq__inproc_end_note(fmq__inproc *side);

/* Whether the peer closed and everything it sent has been read, or we have given it up.
 */
static inline bool
fmq__inproc_is_finished(const fmq__inproc *side)
{
    return side->is_ended || fmq__duct_is_finished(side->rx);
}

/* Closes this side, which is not attached (any more), and tells the other one: what was
 * sent stays readable for the peer, what was not read is dropped. Lent bodies go to
 * `dropped` (under a lock), or back to their lenders at once (NULL). Gives back the
 * side's reference. */
void fmq__inproc_close(fmq__inproc *side, fmq__body **dropped);

#endif
