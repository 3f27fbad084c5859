/* SPDX-License-Identifier: Apache-2.0 */
/* spin: whether a caller that waits for a message looks for it a while before it
 * sleeps, and how long.
 *
 * A caller that sleeps must be woken, which on an idle processor costs the sender more
 * than the message and the receiver longer than the way. Looking costs a processor. So
 * by itself (SPIN_US is -1) a socket looks for about as long as a wake-up costs, and
 * only while that finds something: after each time in vain it sleeps at once for twice
 * as many waits. A piece of a long message counts as a beginning. Where the thread has
 * one processor, it gives it away before each look: the peer that is waited for may be
 * ready to run on it, and then has nobody to wake. If it was taken off the processor
 * meanwhile, it stops for some waits; and for long if that happens again and again, as
 * others need the processor more. (Seldom it is the share of somebody who runs beside,
 * or the machine is a virtual one that had to wait.)
 *
 * Threads: under the lock of its hub.
 */
#ifndef FMQ_SESSION_SPIN_H
#define FMQ_SESSION_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    FMQ__SPIN_BY_ITSELF = -1,  /* a limit */
    FMQ__SPIN_NS = 50000,      /* how long, then */
    FMQ__SPIN_SKIPS = 64,      /* after so many waits it tries again, at the latest */
    FMQ__SPIN_SKIPS_BUSY = 16, /* the same for one that was taken off; and if that */
    FMQ__SPIN_BUSY_FACTOR = 8, /* happens again, so many times as many, */
    FMQ__SPIN_SKIPS_MAX = 65536,
    FMQ__SPIN_SELDOM = 256, /* unless it has found something so often since */
    FMQ__SPIN_MAX_US = 1000000,
    /* Pieces of a long message make a look no longer than that: who asks for signals is
     * not to wait for their end. */
    FMQ__SPIN_PIECES_NS = 100000000,
};

typedef struct fmq__spin {
    int limit_us;     /* SPIN_US */
    uint32_t n_skips; /* so many waits are to come that do not spin */
    uint32_t
        backoff; /* how many those were at first; 0: the last one found something */
    uint32_t n_found;   /* tries that found something since it was taken off */
    uint32_t n_stopped; /* for how many waits it stopped then */
    bool is_yielding;   /* the thread may use one processor, and was told no time */
    bool is_asking; /* who looked in vain asks for signals, and comes again to sleep */
} fmq__spin;

/* One look, by the cheap clock. */
typedef struct fmq__look {
    uint64_t limit_ns; /* how long it lasts */
    uint64_t left_ns;  /* until the call is to return */
    uint64_t began_ns;
    uint64_t since_ns; /* when it began, or the last piece of a long message passed */
} fmq__look;

static inline fmq__look
fmq__look_begin(uint64_t now_ns, uint64_t limit_ns, uint64_t left_ns)
{
    return (fmq__look){limit_ns, left_ns, now_ns, now_ns};
}

/* Whether it goes on; `has_piece`: one has passed since the last time. */
static inline bool
fmq__look_goes_on(fmq__look *l, uint64_t now_ns, bool has_piece)
{
    if (has_piece && now_ns - l->began_ns < FMQ__SPIN_PIECES_NS) {
        l->since_ns = now_ns;
    }
    return now_ns - l->since_ns < l->limit_ns && now_ns - l->began_ns < l->left_ns;
}

/* Whether calls with a deadline say EINTR between looking and sleeping. */
extern _Atomic bool fmq__spin_asks;

static inline bool
fmq__spin_is_to_ask(void)
{
    /* Relaxed: a call that sees it late says EINTR late. */
    return atomic_load_explicit(&fmq__spin_asks, memory_order_relaxed);
}

void fmq__spin_init(fmq__spin *s);

/* Another SPIN_US. */
void fmq__spin_limit(fmq__spin *s, int limit_us);

/* How many nanoseconds the wait that begins is to look; 0: it sleeps at once. */
uint64_t fmq__spin_begin(fmq__spin *s);

/* Whether giving the processor away has brought the last message. */
static inline bool
fmq__spin_is_in_turn(const fmq__spin *s)
{
    return s->is_yielding && s->backoff == 0 && s->limit_us < 0;
}

/* It has looked for `looked_ns` of the `limit_ns` that begin said. */
void fmq__spin_end(fmq__spin *s, bool has_found, uint64_t looked_ns, uint64_t limit_ns);

/* It looked in vain, and says EINTR: the next wait is to sleep. */
void fmq__spin_ask(fmq__spin *s);

#endif
