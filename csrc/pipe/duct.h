/* SPDX-License-Identifier: Apache-2.0 */
/* duct: one direction of an inproc pipe: an fq whose halves meet in two atomic words.
 *
 * Does not know sockets: it says when the other side has to be told, and the caller
 * tells it. The tail word (messages written, writer closed, reader asleep) is the
 * writer's to publish with, the head word (messages read, reader closed, writer asleep)
 * the reader's. A side that finds nothing (no message, no room) falls asleep in the
 * word of the other, which fails if something has come meanwhile; so no wake-up is lost
 * and no fence is needed.
 *
 * Owner:   shared by its two sides: the second of the two closes frees it. Lenders of
 *          what a close drops are called at once, or go to `dropped` of its own half.
 * Threads: each side one at a time.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_PIPE_DUCT_H
#define FMQ_PIPE_DUCT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipe/fq.h"

/* Bits of both words, below the count. */
enum {
    FMQ__DUCT_ASLEEP = 1, /* the other side waits for this word to change */
    FMQ__DUCT_CLOSED = 2, /* this word's side is closed */
    FMQ__DUCT_TAKEN = 4,  /* tail, while conflating: the reader knows of all of it */
    FMQ__DUCT_SHIFT = 3,  /* count << FMQ__DUCT_SHIFT */
};

/* Each side's own fields and each word are some cache lines apart. */
#define FMQ__DUCT_GAP(n) uint8_t gap_##n[128]

typedef struct fmq__duct fmq__duct;
struct fmq__duct {
    struct {
        fmq__fq_writer fq;
        uint64_t written;    /* messages */
        uint64_t room_until; /* `written` may rise to this, as far as is known */
        uint32_t limit;
        uint64_t lag;      /* see fmq__duct_set_limit in duct.c */
        uint64_t lag_head; /* `lag` counts until the head word shows another count */
        bool is_conflating;
    } w;
    FMQ__DUCT_GAP(1);
    _Atomic uint64_t tail; /* written by the writer; the reader falls asleep in it */
    FMQ__DUCT_GAP(2);
    struct {
        fmq__fq_reader fq;
        uint64_t read;      /* messages */
        uint64_t tail_seen; /* of the tail word */
        uint64_t reported;  /* in the head word */
        bool is_conflating;
    } r;
    FMQ__DUCT_GAP(3);
    _Atomic uint64_t head; /* written by the reader; the writer falls asleep in it */
    FMQ__DUCT_GAP(4);
    /* Seldom written. */
    _Atomic uint32_t
        low_water;            /* the reader reports after so many messages; 0: never */
    _Atomic uint32_t n_sides; /* not yet closed */
    fmq__fq_spare spare;
};

/* A duct for at most `limit` messages (0: no limit). */
int fmq__duct_new(uint32_t limit, fmq__duct **d);

/* Before it is shared: it has no limit, and its writer takes back what was not taken.
 */
void fmq__duct_conflate(fmq__duct *d);

/* --- the writer's side --- */

/* The half to append to; nothing is seen by the reader before fmq__duct_publish. */
static inline fmq__fq_writer *
fmq__duct_writer(fmq__duct *d)
{
    return &d->w.fq;
}

/* Shows the message just appended to the reader. True: the reader slept; tell it. */
static inline bool
fmq__duct_publish(fmq__duct *d)
{
    uint64_t next = ++d->w.written << FMQ__DUCT_SHIFT;

    /* T1 -> T2: the reader that sees the count sees the frames.
     * T1 <- T3: who finds the reader asleep sees what it did before. */
    return (atomic_exchange_explicit(&d->tail, next, memory_order_acq_rel) &
            FMQ__DUCT_ASLEEP) != 0;
}

/* Conflating: makes the last message unseen again, if the reader does not know of it.
 * True: it is the writer's, to roll back. */
bool fmq__duct_take_back(fmq__duct *d);

bool fmq__duct_has_room_slow(fmq__duct *d);

/* Whether there is room for one more message. */
static inline bool
fmq__duct_has_room(fmq__duct *d)
{
    return d->w.written < d->w.room_until || fmq__duct_has_room_slow(d);
}

/* Sleeps until there is room: true; or false, there is room or the reader has gone.
 * After true, the reader's fmq__duct_report at the low-water mark, or its close, says
 * "tell the writer", once. */
bool fmq__duct_sleep_writer(fmq__duct *d);

/* Changes the limit (writer's side). A writer that sleeps may have room afterwards. */
void fmq__duct_set_limit(fmq__duct *d, uint32_t limit);

/* Messages that the reader has not said it has read: it does so at the low-water mark.
 */
uint64_t fmq__duct_n_unreported(const fmq__duct *d);

/* Whether the reader has closed its side: what is written is for nobody. */
bool fmq__duct_is_reader_gone(const fmq__duct *d);

/* Closes the writer's side; what was published stays readable. True: tell the reader
 * (it slept). Frees the duct if the reader's side is closed already. */
bool fmq__duct_close_writer(fmq__duct *d);

/* --- the reader's side --- */

/* Messages that can be read now, at least; looks at the tail only when none are known.
 */
static inline uint64_t
fmq__duct_ready(fmq__duct *d)
{
    if (d->r.tail_seen == d->r.read) {
        /* T2 -> T1 in publish. */
        d->r.tail_seen =
            atomic_load_explicit(&d->tail, memory_order_acquire) >> FMQ__DUCT_SHIFT;
    }
    return d->r.tail_seen - d->r.read;
}

/* The same while conflating: from here on they cannot be taken back. */
uint64_t fmq__duct_take(fmq__duct *d);

/* Conflating: whether there is more than the reader knows of. */
bool fmq__duct_has_newer(const fmq__duct *d);

static inline fmq__fq_reader *
fmq__duct_reader(fmq__duct *d)
{
    return &d->r.fq;
}

bool fmq__duct_report_slow(fmq__duct *d);

/* Says that one whole message has been popped; reports to the writer at every low-water
 * mark ((limit + 1) / 2). True: the writer slept and has room now; tell it. */
static inline bool
fmq__duct_report(fmq__duct *d)
{
    /* Of no order: set_limit makes sure that an old value does no harm. */
    uint32_t low_water = atomic_load_explicit(&d->low_water, memory_order_relaxed);

    d->r.read++;
    return low_water != 0 && d->r.read - d->r.reported >= low_water &&
           fmq__duct_report_slow(d);
}

/* Sleeps until something comes: true; false, something is there or the writer has
 * closed. After true, publish or close says "tell the reader", once. */
bool fmq__duct_sleep_reader(fmq__duct *d);

/* Whether the writer has closed and everything has been read. */
bool fmq__duct_is_finished(const fmq__duct *d);

/* How many messages were published that have not been read. */
uint64_t fmq__duct_n_unread(const fmq__duct *d);

/* Closes the reader's side, dropping what is left. True: tell the writer (it slept).
 * Frees the duct if the writer's side is closed already. */
bool fmq__duct_close_reader(fmq__duct *d);

#endif
