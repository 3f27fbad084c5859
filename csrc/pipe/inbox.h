/* SPDX-License-Identifier: Apache-2.0 */
/* inbox: what other threads leave for a socket whose lock they do not hold, and how
 * they wake whoever waits on it.
 *
 * A note is a node of the inproc couple it speaks of. The waker has two bells: a futex
 * word for callers that sleep on it, and, once somebody needed a descriptor, an eventfd
 * that is only ever written (an edge in the poller it lies in), or that the first to be
 * woken drains (where there is no such poller).
 *
 * Owner:   shared by count: the socket and the far ends of its inproc pipes.
 * Threads: post, ring, hold, drop any; the others under the socket's lock.
 * Errors:  EMFILE, ENFILE, ENOMEM from need_edge.
 */
#ifndef FMQ_PIPE_INBOX_H
#define FMQ_PIPE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mpsc.h"
#include "base/wake.h"

typedef struct fmq__inbox {
    _Atomic uint32_t refs;
    _Atomic uint32_t bell;    /* changes whenever something was rung */
    _Atomic bool has_sleeper; /* somebody sleeps on `bell` */
    _Atomic bool has_edge;    /* `edge` is open */
    _Atomic uint32_t n_edges; /* how often it was signalled; grows behind the signal */
    fmq__mpsc notes;
    fmq__wake edge;
} fmq__inbox;

int fmq__inbox_new(fmq__inbox **inbox);
void fmq__inbox_hold(fmq__inbox *i);
void fmq__inbox_drop(fmq__inbox *i);

/* Opens the eventfd, once. */
int fmq__inbox_need_edge(fmq__inbox *i);

/* Takes the signal out of the descriptor, so that it is not readable: whether there is
 * one. (Only where it is waited on as such, and is not an edge in a poller.) */
bool fmq__inbox_take_edge(fmq__inbox *i);

/* Wakes the leader, and everybody who waits on the descriptor. */
void fmq__inbox_ring(fmq__inbox *i);

/* Leaves a note and rings if the owner sleeps; false: closed, the note is still the
 * caller's. */
bool fmq__inbox_post(fmq__inbox *i, fmq__mpsc_node *note);

#endif
