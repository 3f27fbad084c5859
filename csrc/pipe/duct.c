/* SPDX-License-Identifier: Apache-2.0 */
/* Two words, each written by one side with its count and changed by the other only to
 * fall asleep in it:
 *
 *   T1 publish, close: exchange tail (acq_rel) -> T2 ready, is_finished: load (acquire)
 *      The reader that sees the count sees the frames.
 *   T3 sleep_reader: compare-exchange tail (acq_rel) -> T1
 *      It succeeds only while there is nothing; who then publishes finds ASLEEP, takes
 * it out by the same exchange, and sees everything that the reader did before. H1
 * report, close: exchange head (acq_rel) -> H2 has_room, is_reader_gone: load (acquire)
 *   H3 sleep_writer: compare-exchange head (acq_rel) -> H1
 *      The same in the other direction.
 *   E1 the count of open sides (acq_rel) -> E1
 *      The second side to close sees everything that the first one did, and frees.
 *
 * While conflating, the last message belongs to whoever changes the tail word first:
 *
 *   C1 take_back: compare-exchange tail, one message less, TAKEN
 *   C2 take: compare-exchange tail, the same with TAKEN (acq_rel; it is T2, too)
 *      There is never more than one message that the reader has not taken, because the
 *      writer tries C1 before it publishes the next one. T1 takes TAKEN out.
 *
 * A sleeper is always told. The reader has reported all but fewer than `low_water`
 * messages, which is at most the limit; so a writer at the limit has at least
 * `low_water` unreported messages ahead of the reader, whose report clears ASLEEP.
 *
 * When the limit is lowered, the reader may still go by the higher old mark, and may
 * have read all there is. Until a report is seen that came after the change, the writer
 * therefore counts as full only at `lag`, the highest mark the reader may go by:
 *
 *   M1 set_limit: store low_water, fetch_or head (release) -> M2 report: exchange
 * (acquire) The reader whose report follows the fetch_or goes by the new mark from then
 * on.
 */
#include "pipe/duct.h"

#include "base/alloc.h"

static uint32_t
low_water_of(uint32_t limit)
{
    return limit / 2 + limit % 2;
}

/* Whether there is room with `head` messages read; remembers how long that will do. */
static bool
look_for_room(fmq__duct *d, uint64_t head)
{
    uint64_t limit = d->w.limit;
    uint64_t full_at;

    if (head != d->w.lag_head) {
        d->w.lag = 0;
    }
    if (limit == 0) {
        d->w.room_until = UINT64_MAX;
        return true;
    }
    if (d->w.lag > limit) {
        d->w.room_until =
            0; /* look at the head every time, to see the end of the lag */
        return d->w.written - head < d->w.lag;
    }
    full_at = head + limit;
    d->w.room_until = full_at;
    return d->w.written < full_at;
}

int
fmq__duct_new(uint32_t limit, fmq__duct **duct)
{
    fmq__duct *d = fmq__calloc(1, sizeof(*d));

    if (d == NULL) {
        return ENOMEM;
    }
    if (fmq__fq_init(&d->w.fq, &d->r.fq) != 0) {
        fmq__free(d);
        return ENOMEM;
    }
    d->w.limit = limit;
    (void)look_for_room(d, 0);
    atomic_init(&d->tail, 0);
    atomic_init(&d->head, 0);
    atomic_init(&d->low_water, low_water_of(limit));
    atomic_init(&d->n_sides, 2);
    atomic_init(&d->spare, NULL);
    d->w.fq.spare = &d->spare;
    d->r.fq.spare = &d->spare;
    *duct = d;
    return 0;
}

void
fmq__duct_conflate(fmq__duct *d)
{
    d->w.is_conflating = true;
    d->r.is_conflating = true;
    d->w.limit = 0;
    (void)look_for_room(d, 0);
    atomic_init(&d->tail, FMQ__DUCT_TAKEN);
    atomic_init(&d->low_water, 0);
}

/* True: the other side is closed too, and the duct is gone. */
static bool
leave_duct(fmq__duct *d, fmq__body **dropped)
{
    fmq__chunk *spare;

    if (atomic_fetch_sub_explicit(&d->n_sides, 1, memory_order_acq_rel) != 1) { /* E1 */
        return false;
    }
    /* E1 orders what either side left there. */
    spare = atomic_load_explicit(&d->spare, memory_order_relaxed);
    if (spare != NULL) {
        fmq__chunk_drop(spare);
    }
    d->r.fq.spare = NULL;      /* nobody will take from it any more */
    d->r.fq.dropped = dropped; /* of this side, not of the one that closed long ago */
    fmq__fq_fini(&d->w.fq, &d->r.fq);
    fmq__free(d);
    return true;
}

/* --- the writer's side --- */

bool
fmq__duct_take_back(fmq__duct *d)
{
    /* Of no order: what it says of the reader is settled by C1. */
    uint64_t seen = atomic_load_explicit(&d->tail, memory_order_relaxed);
    uint64_t before = (d->w.written - 1) << FMQ__DUCT_SHIFT | FMQ__DUCT_TAKEN;

    do {
        if ((seen & FMQ__DUCT_TAKEN) != 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        &d->tail, &seen, before, memory_order_acq_rel, memory_order_relaxed)); /* C1 */
    d->w.written--;
    return true;
}

bool
fmq__duct_has_room_slow(fmq__duct *d)
{
    /* H2 -> H1 in report. */
    uint64_t head = atomic_load_explicit(&d->head, memory_order_acquire);

    return look_for_room(d, head >> FMQ__DUCT_SHIFT);
}

bool
fmq__duct_sleep_writer(fmq__duct *d)
{
    uint64_t seen = atomic_load_explicit(&d->head, memory_order_acquire); /* H2 -> H1 */

    do {
        if (look_for_room(d, seen >> FMQ__DUCT_SHIFT) ||
            (seen & FMQ__DUCT_CLOSED) != 0) {
            return false;
        }
    } while ((seen & FMQ__DUCT_ASLEEP) == 0 &&
             !atomic_compare_exchange_weak_explicit(
                 &d->head, &seen, seen | FMQ__DUCT_ASLEEP, memory_order_acq_rel,
                 memory_order_acquire)); /* H3 -> H1; failure: H2 -> H1 */
    return true;
}

void
fmq__duct_set_limit(fmq__duct *d, uint32_t limit)
{
    /* While conflating there is none. */
    uint64_t old = d->w.limit == 0 ? UINT64_MAX : low_water_of(d->w.limit);
    uint64_t head;

    if (limit == d->w.limit || d->w.is_conflating) {
        return;
    }
    d->w.limit = limit;
    atomic_store_explicit(&d->low_water, low_water_of(limit), memory_order_relaxed);
    /* M1 -> M2. Changes nothing: it only stands in the order of the word's changes. */
    head =
        atomic_fetch_or_explicit(&d->head, 0, memory_order_acq_rel) >> FMQ__DUCT_SHIFT;
    if (head != d->w.lag_head || old > d->w.lag) {
        d->w.lag = old;
    }
    d->w.lag_head = head;
    (void)look_for_room(d, head);
}

uint64_t
fmq__duct_n_unreported(const fmq__duct *d)
{
    /* Of no order: it is only a number. */
    uint64_t head = atomic_load_explicit(&d->head, memory_order_relaxed);

    return d->w.written - (head >> FMQ__DUCT_SHIFT);
}

bool
fmq__duct_is_reader_gone(const fmq__duct *d)
{
    /* H2 -> H1 in close_reader. */
    return (atomic_load_explicit(&d->head, memory_order_acquire) & FMQ__DUCT_CLOSED) !=
           0;
}

bool
fmq__duct_close_writer(fmq__duct *d)
{
    uint64_t last = d->w.written << FMQ__DUCT_SHIFT | FMQ__DUCT_CLOSED;
    uint64_t old =
        atomic_exchange_explicit(&d->tail, last, memory_order_acq_rel); /* T1 */

    return !leave_duct(d, d->w.fq.dropped) && (old & FMQ__DUCT_ASLEEP) != 0;
}

/* --- the reader's side --- */

bool
fmq__duct_report_slow(fmq__duct *d)
{
    uint64_t next = d->r.read << FMQ__DUCT_SHIFT;

    d->r.reported = d->r.read;
    /* H1 -> H2, H3; M2 -> M1. */
    return (atomic_exchange_explicit(&d->head, next, memory_order_acq_rel) &
            FMQ__DUCT_ASLEEP) != 0;
}

uint64_t
fmq__duct_take(fmq__duct *d)
{
    /* T2 -> T1 in publish. */
    uint64_t seen = atomic_load_explicit(&d->tail, memory_order_acquire);

    while ((seen & FMQ__DUCT_TAKEN) == 0 &&
           !atomic_compare_exchange_weak_explicit(
               &d->tail, &seen, seen | FMQ__DUCT_TAKEN, memory_order_acq_rel,
               memory_order_acquire)) { /* C2 */
    }
    d->r.tail_seen = seen >> FMQ__DUCT_SHIFT;
    return d->r.tail_seen - d->r.read;
}

bool
fmq__duct_has_newer(const fmq__duct *d)
{
    /* A hint; C2 gives what there is. */
    return atomic_load_explicit(&d->tail, memory_order_relaxed) >> FMQ__DUCT_SHIFT !=
           d->r.tail_seen;
}

/* The tail word while everything has been read. */
static uint64_t
read_tail(const fmq__duct *d)
{
    return d->r.read << FMQ__DUCT_SHIFT | (d->r.is_conflating ? FMQ__DUCT_TAKEN : 0);
}

bool
fmq__duct_sleep_reader(fmq__duct *d)
{
    uint64_t seen = read_tail(d);

    /* T3 -> T1. A failure gives no more than the hint to look: T2 does that. */
    return atomic_compare_exchange_strong_explicit(
               &d->tail, &seen, seen | FMQ__DUCT_ASLEEP, memory_order_acq_rel,
               memory_order_relaxed) ||
           seen == (read_tail(d) | FMQ__DUCT_ASLEEP);
}

bool
fmq__duct_is_finished(const fmq__duct *d)
{
    /* T2 -> T1 in close_writer. */
    uint64_t tail = atomic_load_explicit(&d->tail, memory_order_acquire);

    return (tail & FMQ__DUCT_CLOSED) != 0 && tail >> FMQ__DUCT_SHIFT == d->r.read;
}

uint64_t
fmq__duct_n_unread(const fmq__duct *d)
{
    /* T2 -> T1 in publish. */
    uint64_t tail = atomic_load_explicit(&d->tail, memory_order_acquire);

    return (tail >> FMQ__DUCT_SHIFT) - d->r.read;
}

/* Drops what has been published: a writer that goes on for a while must not keep lent
 * bodies from their lenders. */
static void
drain_reader(fmq__duct *d)
{
    while ((d->r.is_conflating ? fmq__duct_take(d) : fmq__duct_ready(d)) > 0) {
        fmq__frame f;

        do {
            fmq__fq_pop(&d->r.fq, &f);
            if (f.is_ref) {
                fmq__body_drop_later(f.body, d->r.fq.dropped);
            }
        } while ((f.flags & FMQ__MORE) != 0);
        d->r.read++;
    }
}

bool
fmq__duct_close_reader(fmq__duct *d)
{
    uint64_t last = d->r.read << FMQ__DUCT_SHIFT | FMQ__DUCT_CLOSED;
    uint64_t old =
        atomic_exchange_explicit(&d->head, last, memory_order_acq_rel); /* H1 */

    drain_reader(d);
    return !leave_duct(d, d->r.fq.dropped) && (old & FMQ__DUCT_ASLEEP) != 0;
}
