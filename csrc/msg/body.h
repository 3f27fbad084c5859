/* SPDX-License-Identifier: Apache-2.0 */
/* body: a counted block of bytes that message parts and queue chunks share.
 *
 * Owner:   shared; the last drop frees it (and calls the lender's function, so never
 *          drop under a socket's lock what may be the last reference to lent bytes: use
 *          fmq__body_drop_later there).
 * Threads: hold and drop any.
 */
#ifndef FMQ_MSG_BODY_H
#define FMQ_MSG_BODY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastmq.h"

enum {
    FMQ__BODY_HEAP,  /* its bytes follow it */
    FMQ__BODY_LENT,  /* its bytes belong to a lender */
    FMQ__BODY_CHUNK, /* it is the head of a queue's chunk */
    FMQ__BODY_KEPT,  /* lent; queues hold it, however short, instead of a copy */
};

typedef struct fmq__body fmq__body;
struct fmq__body {
    _Atomic uint32_t refs;
    uint32_t kind;                /* FMQ__BODY_*; of HEAP, higher bits are body.c's */
    void (*on_last)(fmq__body *); /* frees it when the count reaches 0 */
};

/* A new body with room for `size` bytes at `*data`, one reference. */
int fmq__body_new(size_t size, fmq__body **body, uint8_t **data);

/* A new body for bytes that someone lends; `free_fn` may be NULL. */
int fmq__body_new_lent(void *data, fmq_free_fn *free_fn, void *hint, fmq__body **body);

/* A new body with a copy of something secret, at `*copy`: no queue copies it, and it is
 * wiped when the last holder drops it. */
int fmq__body_new_secret(const void *data, size_t len, fmq__body **body,
                         uint8_t **copy);

static inline void
fmq__body_hold(fmq__body *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

/* So many references at once. */
static inline void
fmq__body_hold_n(fmq__body *b, uint32_t n)
{
    atomic_fetch_add_explicit(&b->refs, n, memory_order_relaxed);
}

static inline void
fmq__body_drop_n(fmq__body *b, uint32_t n)
{
    if (atomic_fetch_sub_explicit(&b->refs, n, memory_order_acq_rel) == n) { /* D1 */
        b->on_last(b);
    }
}

static inline void
fmq__body_drop(fmq__body *b)
{
    /* D1 -> D1: whoever frees sees what every other holder did. */
    if (atomic_load_explicit(&b->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
        b->on_last(b);
    }
}

/* For the holder of a reference: whether there is no other. */
static inline bool
fmq__body_is_sole(const fmq__body *b)
{
    /* D2 -> D1: what other holders did is over. */
    return atomic_load_explicit(&b->refs, memory_order_acquire) == 1;
}

/* The hint of a body that was lent with `free_fn`; NULL: it was not. */
void *fmq__body_lent_by(const fmq__body *b, fmq_free_fn *free_fn);

/* Drops a lent body without calling its lender, if the caller's reference is the only
 * one. */
bool fmq__body_reclaim(fmq__body *b);

/* Has queues hold a lent body, however short, until they have done with it. For its
 * only holder; of no effect on others. */
void fmq__body_keep(fmq__body *b);

/* Whether its bytes are lent for ever. */
bool fmq__body_is_constant(const fmq__body *b);

/* Drops, but puts a lent body that nobody holds any more on `*list` instead of calling
 * its lender. NULL: drops at once. */
void fmq__body_drop_later(fmq__body *b, fmq__body **list);

/* Calls the lenders of what drop_later put on `*list`, which becomes empty. */
void fmq__body_flush(fmq__body **list);

#endif
