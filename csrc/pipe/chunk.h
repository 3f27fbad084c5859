/* SPDX-License-Identifier: Apache-2.0 */
/* chunk: the memory that a frame queue (fq.h) is made of.
 *
 * Frames lie in `data` from its beginning. Where a body is referenced its 9-byte header
 * is followed, at the next multiple of 8, by a record; the records of a chunk form a
 * list by offsets, in order.
 *
 * Owner:   counted as a body: the queue has one reference, holders of slices the
 * others. Threads: the writer of the queue writes, the reader reads what was published;
 * `sealed` and the links between records may be looked at meanwhile.
 */
#ifndef FMQ_PIPE_CHUNK_H
#define FMQ_PIPE_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg/body.h"

enum {
    FMQ__CHUNK_MIN = 256, /* room of a queue's first chunk */
    /* Room of a chunk under load: for as much as is read at a time, with the beginning
     * of a frame that came before; and its head and that are whole pages. */
    FMQ__CHUNK_HEAD = 128,
    FMQ__CHUNK_MAX = 72 * 1024 - FMQ__CHUNK_HEAD,
    FMQ__CHUNK_REUSE =
        16384, /* the least room that is worth handing back to the writer */
};

/* `sealed` of a chunk that the writer may still append to. */
#define FMQ__CHUNK_OPEN UINT32_MAX

/* Which frames of a chunk have their body in it: those with a 2-byte header, and of the
 * others those whose body is shorter than `ref_min`. */
typedef struct fmq__chunk_form {
    uint32_t inline_max; /* the longest body that is copied into it */
    uint32_t ref_min;
} fmq__chunk_form;

typedef struct fmq__chunk fmq__chunk;
struct fmq__chunk {
    fmq__body body;
    fmq__chunk *next;           /* to be looked at only once `sealed` is reached */
    _Atomic uint32_t sealed;    /* where its frames end, or FMQ__CHUNK_OPEN */
    uint32_t cap;               /* bytes of `data` */
    _Atomic uint32_t first_ref; /* offset of the first record; 0: none */
    uint32_t last_ref;          /* the writer's: offset of the last record; 0: none */
    fmq__chunk_form form;       /* fixed while there are frames in it */
    _Alignas(8) uint8_t data[];
};

/* A body that is referenced from the queue. */
typedef struct fmq__chunk_ref {
    fmq__body *body;
    const uint8_t *data;
    _Atomic uint32_t next; /* offset of the next record of the chunk; 0: none */
    uint32_t head;         /* offset of the frame's header */
} fmq__chunk_ref;

static inline fmq__chunk_ref *
fmq__chunk_ref_at(fmq__chunk *c, uint32_t off)
{
    return (fmq__chunk_ref *)(void *)(c->data + off);
}

/* An empty chunk with one reference; NULL if there is no memory. */
fmq__chunk *fmq__chunk_new(uint32_t cap);

static inline void
fmq__chunk_drop(fmq__chunk *c)
{
    fmq__body_drop(&c->body);
}

/* Makes a chunk that nobody else holds as good as new. */
static inline void
fmq__chunk_reset(fmq__chunk *c)
{
    c->next = NULL;
    atomic_store_explicit(&c->sealed, FMQ__CHUNK_OPEN, memory_order_relaxed);
    atomic_store_explicit(&c->first_ref, 0, memory_order_relaxed);
    c->last_ref = 0;
}

#endif
