/* SPDX-License-Identifier: Apache-2.0 */
/* readbuf: what a thread reads into, whichever session it reads: its buffer, and what
 * it was offered for a long body.
 *
 * Sessions keep only what is left of an incomplete frame; so a thousand silent peers
 * cost no buffers.
 *
 * Owner:   the thread; freed when it ends.
 * Errors:  NULL: no memory.
 */
#ifndef FMQ_SESSION_READBUF_H
#define FMQ_SESSION_READBUF_H

#include <stddef.h>
#include <stdint.h>

#include "fastmq.h"
#include "pipe/fq.h"
#include "wire/oldframe.h"

enum {
    FMQ__READBUF_SIZE = 64 * 1024,
    /* Room in front, for the beginning of a frame that came with an earlier read. */
    FMQ__READBUF_HEAD = FMQ__OLDFRAME_LONG_HEADER + FMQ__FQ_INLINE_MAX
};

extern _Thread_local uint8_t *fmq__readbuf_mine;

/* The case of a thread that has none yet. */
uint8_t *fmq__readbuf_make(void);

/* This thread's buffer of FMQ__READBUF_HEAD + FMQ__READBUF_SIZE bytes. */
static inline uint8_t *
fmq__readbuf_get(void)
{
    return fmq__readbuf_mine != NULL ? fmq__readbuf_mine : fmq__readbuf_make();
}

/* Memory that a caller has for the next long body of just its size that this thread
 * reads (fmq_offer); `data` is NULL: none. */
typedef struct fmq__offer {
    void *data;
    size_t size;
    fmq_free_fn *free_fn;
    void *hint;
} fmq__offer;

extern _Thread_local fmq__offer fmq__offer_mine;

/* A body of `size` bytes, in what is offered if that suits. */
int fmq__offer_body(size_t size, fmq__body **body, uint8_t **data);

#endif
