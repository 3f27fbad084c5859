/* SPDX-License-Identifier: Apache-2.0 */
/* topics: a set of byte strings, asked which of them are prefixes of another.
 *
 * A tree in which every edge is a run of bytes: finding costs as much as the string is
 * long, however many there are, and what is taken out gives its memory back. What a
 * topic stands for is the caller's: `n` says that it is in the set, `users` is a list
 * for whoever wants one.
 *
 * Owner:   embedded in a pattern.
 * Threads: under the socket's lock.
 * Errors:  ENOMEM; the set is as it was.
 */
#ifndef FMQ_PATTERN_TOPICS_H
#define FMQ_PATTERN_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

typedef struct fmq__topic fmq__topic;
struct fmq__topic {
    uint64_t n;      /* 0: only a fork in the tree */
    fmq__node users; /* the caller's */
    fmq__topic *parent;
    uint8_t *label; /* the bytes between the parent and here; lies in `memory` */
    size_t label_len;
    uint8_t *memory;
    fmq__topic **child; /* sorted by the first byte of the label */
    uint16_t n_children;
    uint16_t cap;
};

typedef struct fmq__topics {
    fmq__topic *root; /* the empty string; NULL: nothing was ever put in */
    size_t n;         /* topics in the set */
} fmq__topics;

void fmq__topics_init(fmq__topics *t);
/* `users` of all are left alone. */
void fmq__topics_fini(fmq__topics *t);

/* The topic of this name, put in with `n` 0 if it is not there: the caller adds to `n`
 * with fmq__topics_add, or gives it back with fmq__topics_remove. */
int fmq__topics_get(fmq__topics *t, const uint8_t *name, size_t len,
                    fmq__topic **topic);
/* The same, but NULL if it is not in the set. */
fmq__topic *fmq__topics_find(const fmq__topics *t, const uint8_t *name, size_t len);

/* Counts one more, or one less; what is at 0 then is gone. True: it was the first, or
 * the last. */
bool fmq__topics_add(fmq__topics *t, fmq__topic *topic);
bool fmq__topics_remove(fmq__topics *t, fmq__topic *topic);
/* Gives back what get made and nobody added to. */
void fmq__topics_put_back(fmq__topics *t, fmq__topic *topic);

/* A walk over the topics of the set that are prefixes of `text`, shortest first. */
typedef struct fmq__topic_walk {
    fmq__topic *next; /* NULL: no more */
    const uint8_t *text;
    size_t len; /* behind what `next` stands for */
} fmq__topic_walk;

void fmq__topics_match(const fmq__topics *t, const uint8_t *text, size_t len,
                       fmq__topic_walk *walk);
/* The next one; NULL: no more. The set must not change meanwhile. */
fmq__topic *fmq__topic_walk_next(fmq__topic_walk *walk);

/* All topics of the set, in order: the one after `topic` (the first for NULL). */
fmq__topic *fmq__topics_next(const fmq__topics *t, fmq__topic *topic);

size_t fmq__topic_len(const fmq__topic *topic);
/* Writes the fmq__topic_len bytes of its name. */
void fmq__topic_name(const fmq__topic *topic, uint8_t *name);

#endif
