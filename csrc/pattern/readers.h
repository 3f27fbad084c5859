/* SPDX-License-Identifier: Apache-2.0 */
/* readers: which pipes have subscribed to what.
 *
 * Owner:   embedded in a publishing pattern, which has one fmq__reader a pipe.
 * Threads: under the socket's lock.
 * Errors:  ENOMEM; nothing has changed.
 */
#ifndef FMQ_PATTERN_READERS_H
#define FMQ_PATTERN_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pattern/topics.h"
#include "pipe/pipe.h"

typedef struct fmq__reader {
    fmq__pipe *pipe;
    fmq__node wants;  /* its subscriptions */
    uint64_t n_wants; /* how many */
    uint64_t matched; /* the match that found it last */
} fmq__reader;

typedef struct fmq__readers {
    fmq__topics topics;
    uint64_t n_matches;
} fmq__readers;

/* What a subscription changed. */
enum fmq__want {
    FMQ__WANT_SAME, /* nothing: it was there, or was not */
    FMQ__WANT_MORE, /* one reader more, or less, of a topic that has others */
    FMQ__WANT_TURN, /* the topic has its first reader, or lost its last one */
};

void fmq__readers_init(fmq__readers *r);
/* Every reader has been dropped. */
void fmq__readers_fini(fmq__readers *r);

void fmq__reader_init(fmq__reader *reader, fmq__pipe *pipe);

int fmq__readers_add(fmq__readers *r, fmq__reader *reader, const uint8_t *topic,
                     size_t len, enum fmq__want *what);
enum fmq__want fmq__readers_remove(fmq__readers *r, fmq__reader *reader,
                                   const uint8_t *topic, size_t len);

/* Takes back one of all that the reader wants; false: there is nothing. `*what` tells
 * whether the topic is gone, whose name is written to `name` if that is not NULL and
 * has room for it (`cap`); `*len` is its length. */
bool fmq__readers_drop_one(fmq__readers *r, fmq__reader *reader, uint8_t *name,
                           size_t cap, size_t *len, enum fmq__want *what);
/* The length of the name that drop_one would write. */
size_t fmq__readers_next_len(const fmq__reader *reader);

/* Calls `on_match` once for every reader that wants `topic`. Afterwards their `matched`
 * is `n_matches`. */
void fmq__readers_match(fmq__readers *r, const uint8_t *topic, size_t len,
                        void (*on_match)(fmq__reader *reader, void *arg), void *arg);

/* Calls `on_match` for every reader that wants just this topic, not one that begins it.
 * Leaves `n_matches` alone. */
void fmq__readers_match_whole(const fmq__readers *r, const uint8_t *topic, size_t len,
                              void (*on_match)(fmq__reader *reader, void *arg),
                              void *arg);

#endif
