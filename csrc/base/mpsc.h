/* SPDX-License-Identifier: Apache-2.0 */
/* mpsc: a list that many threads push to and one takes whole, with a sleep state.
 *
 * The head word is a stack of nodes, or one of three marks: nothing there, nothing
 * there and the owner sleeps (so the pusher has to wake it), closed. Push and sleep
 * meet in this one word, so no wake-up is lost and no fence is needed.
 *
 * Owner:   whoever takes. Nodes belong to their objects; a node is in one list at most.
 * Threads: push any; the others the owner, or whoever holds the owner's lock.
 */
#ifndef FMQ_BASE_MPSC_H
#define FMQ_BASE_MPSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fmq__mpsc_node fmq__mpsc_node;
struct fmq__mpsc_node {
    fmq__mpsc_node *next;
};

typedef struct fmq__mpsc {
    _Atomic uintptr_t head;
} fmq__mpsc;

/* How the owner sleeps is the owner's affair: `mode` (1 or 2) is handed back to the
 * pusher that has to wake it. */
enum fmq__mpsc_result {
    FMQ__MPSC_QUEUED = 0, /* in; somebody will look */
    FMQ__MPSC_WAKE_1 = 1, /* in; the owner slept with mode 1: wake it */
    FMQ__MPSC_WAKE_2 = 2, /* in; the owner slept with mode 2: wake it */
    FMQ__MPSC_CLOSED = 3, /* not in: the node is still the caller's */
};

void fmq__mpsc_init(fmq__mpsc *q);

enum fmq__mpsc_result fmq__mpsc_push(fmq__mpsc *q, fmq__mpsc_node *n);

/* Everything pushed so far, oldest first, linked by `next`; NULL if nothing. Ends the
 * sleep state. */
fmq__mpsc_node *fmq__mpsc_take(fmq__mpsc *q);

/* Whether a take would find something. */
bool fmq__mpsc_has_nodes(const fmq__mpsc *q);

/* Enters the sleep state with `mode` (1 or 2): false if something is there (look
 * instead). Calling it again while asleep replaces the mode. */
bool fmq__mpsc_sleep(fmq__mpsc *q, int mode);

/* Leaves the sleep state, if in it. */
void fmq__mpsc_wake(fmq__mpsc *q);

/* Takes the rest, as fmq__mpsc_take, and refuses every later push. */
fmq__mpsc_node *fmq__mpsc_close(fmq__mpsc *q);

#endif
