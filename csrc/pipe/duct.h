/* SPDX-License-Identifier: Apache-2.0 */
/* duct: one direction of an inproc pipe: an fq whose halves meet in two atomic words.
 *
 * Does not know sockets: it says when the other side has to be told, and the caller tells
 * it. The tail word (messages written, writer closed, reader asleep) is the writer's to
 * publish with, the head word (messages read, reader closed, writer asleep) the reader's.
 * A side that finds nothing (no message, no room) falls asleep in the word of the other,
 * which fails if something has come meanwhile; so no wake-up is lost and no fence is
 * needed.
 *
 * Owner:   shared by its two sides: the second of the two closes frees it.
 * Threads: each side one at a time.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_PIPE_DUCT_H
#define FMQ_PIPE_DUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "pipe/fq.h"

typedef struct fmq__duct fmq__duct;

/* A duct for at most `limit` messages (0: no limit). */
int fmq__duct_new(uint32_t limit, fmq__duct **d);

/* --- the writer's side --- */

/* The half to append to; nothing is seen by the reader before fmq__duct_publish. */
fmq__fq_writer *fmq__duct_writer(fmq__duct *d);

/* Shows the message just appended to the reader. True: the reader slept; tell it. */
bool fmq__duct_publish(fmq__duct *d);

/* Whether there is room for one more message. */
bool fmq__duct_has_room(fmq__duct *d);

/* Sleeps until there is room: true; or false, there is room. After true, the reader's
 * fmq__duct_report at the low-water mark, or its close, says "tell the writer", once. */
bool fmq__duct_sleep_writer(fmq__duct *d);

/* Changes the limit (writer's side). */
void fmq__duct_set_limit(fmq__duct *d, uint32_t limit);

/* Whether the reader has closed its side: what is written is for nobody. */
bool fmq__duct_is_reader_gone(const fmq__duct *d);

/* Closes the writer's side; what was published stays readable. True: tell the reader
 * (it slept). Frees the duct if the reader's side is closed already. */
bool fmq__duct_close_writer(fmq__duct *d);

/* --- the reader's side --- */

/* Messages that can be read now, at least; looks at the tail only when none are known. */
uint64_t fmq__duct_ready(fmq__duct *d);

fmq__fq_reader *fmq__duct_reader(fmq__duct *d);

/* Says that one whole message has been popped; reports to the writer at every low-water
 * mark ((limit + 1) / 2). True: the writer slept and has room now; tell it. */
bool fmq__duct_report(fmq__duct *d);

/* Sleeps until something comes: true; false, something is there. After true, publish or
 * close says "tell the reader", once. */
bool fmq__duct_sleep_reader(fmq__duct *d);

/* Whether the writer has closed and everything has been read. */
bool fmq__duct_is_finished(const fmq__duct *d);

/* Closes the reader's side, dropping what is left. True: tell the writer (it slept).
 * Frees the duct if the writer's side is closed already. */
bool fmq__duct_close_reader(fmq__duct *d);

#endif
