/* SPDX-License-Identifier: Apache-2.0 */
/* fq: a queue of frames in wire form, with a writing and a reading half.
 *
 * Frames lie one behind the other in chunks, as ZMTP 2/3 puts them on the wire (RFC 37
 * "Framing"): flags, 1- or 8-byte length, body. A body of up to FMQ__FQ_INLINE_MAX
 * bytes lies in the chunk, a longer one is a counted reference behind its 9-byte
 * header. (A writer whose bodies go to many queues can have them shared from
 * FMQ__FQ_SHARE_MIN bytes on; and any body can be kept by reference, in a chunk of a
 * form for that.) So one form serves connections out (written to the
 * kernel as it lies), connections in and inproc.
 *
 * The halves share the chunks and nothing else. The writer may append while the reader
 * reads what was published before; *publishing* - how the reader learns that there is
 * more - is the caller's: a count under a lock, or an atomic word (duct.h). The reader
 * must not be asked for more than has been published to it.
 *
 * Owner:   the two halves together own the chunks; fini when both are at rest.
 * Threads: one at a time a half.
 * Errors:  ENOMEM; the queue is as it was.
 */
#ifndef FMQ_PIPE_FQ_H
#define FMQ_PIPE_FQ_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "msg/body.h"
#include "msg/msg.h"
#include "pipe/chunk.h"

enum {
    FMQ__FQ_INLINE_MAX = 4096, /* the longest body that is copied into the queue */
    FMQ__FQ_SHARE_MIN = 512    /* the same, of a writer that shares */
};

/* Where a reader leaves a chunk it has done with for the writer to take (duct.h). */
typedef _Atomic(fmq__chunk *) fmq__fq_spare;

/* A place in the queue: a frame border. */
typedef struct fmq__fq_pos {
    fmq__chunk *chunk;
    uint32_t off;
} fmq__fq_pos;

typedef struct fmq__fq_writer {
    fmq__fq_pos end;     /* behind the last frame */
    uint32_t cap;        /* room of its chunk; or `end.off`: nothing more comes there */
    uint32_t next_cap;   /* room of the next chunk: doubles under load up to 64 KiB */
    uint32_t inline_max; /* the longest body that append may be given now */
    fmq__chunk_form form; /* the next chunk's */
    fmq__body **dropped;  /* as in the reader, for rollback */
    fmq__fq_spare *spare; /* NULL: none */
} fmq__fq_writer;

typedef struct fmq__fq_reader {
    fmq__fq_pos at;      /* the next byte to read */
    uint32_t ref;        /* the record passed last in this chunk, or 0 */
    uint32_t cut_at;     /* consume: offset of the frame that is cut at `at` */
    uint64_t frame_left; /* consume: bytes left of that frame, or 0 */
    bool is_in_message;  /* consume: a frame of the current message was (partly) used */
    fmq__body **dropped; /* list for fmq__body_drop_later; NULL: lenders are called */
    fmq__fq_spare *spare; /* NULL: none */
} fmq__fq_reader;

/* Makes an empty queue with one small chunk. */
int fmq__fq_init(fmq__fq_writer *w, fmq__fq_reader *r);

/* Frees every chunk and drops every body that is left, published or not. */
void fmq__fq_fini(fmq__fq_writer *w, fmq__fq_reader *r);

/* --- the writing half --- */

/* The cases that do not fit a short frame into the chunk at hand. */
int fmq__fq_append_slow(fmq__fq_writer *w, unsigned flags, const void *body,
                        size_t len);

/* The longest body that append may be given now; a longer one is append_ref's. */
static inline size_t
fmq__fq_inline_max(const fmq__fq_writer *w)
{
    return w->inline_max;
}

/* Learns what may be written to the chunk that it is in now. */
static inline void
fmq__fq_measure(fmq__fq_writer *w)
{
    w->cap = w->end.chunk->cap;
    w->inline_max = w->end.chunk->form.inline_max;
}

/* Whether bodies are shared from FMQ__FQ_SHARE_MIN bytes on. */
void fmq__fq_share(fmq__fq_writer *w, bool shares);

/* Appends a frame; a body of at most fmq__fq_inline_max bytes is copied. `flags`:
 * FMQ__MORE, FMQ__COMMAND. */
static inline int
fmq__fq_append(fmq__fq_writer *w, unsigned flags, const void *body, size_t len)
{
    uint32_t off = w->end.off;
    uint8_t *p;

    assert((flags & ~(unsigned)(FMQ__MORE | FMQ__COMMAND)) == 0);
    if (len > 255 || len + 2 > w->cap - off) {
        return fmq__fq_append_slow(w, flags, body, len);
    }
    p = w->end.chunk->data + off;
    p[0] = (uint8_t)flags;
    p[1] = (uint8_t)len;
    if (len > 0) {
        memcpy(p + 2, body, len);
    }
    w->end.off = off + 2 + (uint32_t)len;
    return 0;
}

/* Appends a frame whose body is not copied, whatever its length: takes one reference to
 * `body`, of which `data` is a part. Where a copy is allowed, one costs less. */
int fmq__fq_append_ref(fmq__fq_writer *w, unsigned flags, fmq__body *body,
                       const uint8_t *data, size_t len);

/* Appends a frame with a copy of the body, of any length. */
int fmq__fq_append_copy(fmq__fq_writer *w, unsigned flags, const uint8_t *data,
                        size_t len);

/* Appends `len` bytes that are whole frames, none with a body over FMQ__FQ_INLINE_MAX;
 * not for a writer that shares, or was given shorter bodies by reference. */
int fmq__fq_append_raw(fmq__fq_writer *w, const uint8_t *frames, size_t len);

/* Takes back everything behind `mark`, an earlier value of `w->end` whose followers
 * were not published. Drops the bodies. */
void fmq__fq_rollback(fmq__fq_writer *w, fmq__fq_pos mark);

/* --- the reading half --- */

/* One frame as the reader sees it. */
typedef struct fmq__frame {
    const uint8_t *data;
    size_t len;
    fmq__body *body; /* the chunk that `data` lies in; or, if is_ref, the own body */
    uint8_t flags;   /* FMQ__MORE, FMQ__COMMAND; FMQ__LONG is taken off */
    bool is_ref;
} fmq__frame;

/* The cases of a long frame and of a chunk that is used up. */
void fmq__fq_pop_slow(fmq__fq_reader *r, fmq__frame *frame);

/* Takes the next frame (the caller knows that there is one). A referenced body is the
 * caller's afterwards (one reference); an inline one lies in the chunk until the next
 * call on this half: copy it, or hold `frame->body`. */
static inline void
fmq__fq_pop(fmq__fq_reader *r, fmq__frame *frame)
{
    fmq__chunk *c = r->at.chunk;
    uint32_t off = r->at.off;
    const uint8_t *p = c->data + off;

    assert(r->frame_left == 0);
    if (off == atomic_load_explicit(&c->sealed, memory_order_relaxed) ||
        (p[0] & FMQ__LONG) != 0) {
        fmq__fq_pop_slow(r, frame);
        return;
    }
    frame->data = p + 2;
    frame->len = p[1];
    frame->body = &c->body;
    frame->flags = p[0];
    frame->is_ref = false;
    r->at.off = off + 2 + p[1];
}

/* Looks at the next frame (the caller knows that there is one) without taking it: its
 * body is borrowed. */
void fmq__fq_peek(const fmq__fq_reader *r, fmq__frame *frame);

/* Looks at the frame at `*at`, a border before the end, and moves `*at` behind it: how
 * many bytes it takes on the wire. Its body is borrowed from the queue. */
size_t fmq__fq_look(fmq__fq_pos *at, fmq__frame *frame);

/* How many frames the message at the reader has (left); the caller knows that there is
 * one. Changes nothing. */
size_t fmq__fq_count_parts(const fmq__fq_reader *r);

/* Fills `iov` with what lies between the reader and `end`, as it goes to the wire: at
 * most `max_iov` entries and `max_bytes` bytes. Returns the bytes, `*n_iov` the
 * entries. Changes nothing. */
size_t fmq__fq_gather(const fmq__fq_reader *r, fmq__fq_pos end, struct iovec *iov,
                      int max_iov, size_t max_bytes, int *n_iov);

/* Moves the reader `n` bytes of the wire form on, n being at most what gather returned:
 * drops the bodies and chunks passed and returns how many whole messages were passed.
 */
uint32_t fmq__fq_consume(fmq__fq_reader *r, size_t n);

/* Moves the reader behind the frame it is at or in, as consume does: true if that ended
 * a message; `*n_bytes` are added to. */
bool fmq__fq_pass(fmq__fq_reader *r, size_t *n_bytes);

/* Has the frame at the reader, if it is at a border, be one that is cut, by one byte:
 * how many that is. */
size_t fmq__fq_cut(fmq__fq_reader *r);

/* Moves the reader to `end`, a message border, at once, without counting. */
void fmq__fq_consume_to(fmq__fq_reader *r, fmq__fq_pos end);

/* The bytes left on the wire of the message that consume has cut, 0 if none is; once
 * they are `enough` it may say less than all. */
size_t fmq__fq_cut_left(const fmq__fq_reader *r, size_t enough);

/* If a message was cut by consume, skips what is left of it (all its frames): 1, else
 * 0. */
uint32_t fmq__fq_skip_cut(fmq__fq_reader *r);

/* Whether nothing lies between the reader and `end`. */
static inline bool
fmq__fq_is_at(const fmq__fq_reader *r, fmq__fq_pos end)
{
    return r->at.off == end.off && r->at.chunk == end.chunk && r->frame_left == 0;
}

/* The case of a chunk that is too large. */
void fmq__fq_rewind_slow(fmq__fq_writer *w, fmq__fq_reader *r);

/* With both halves in the caller's hands and nothing between them: begins the chunk
 * anew, if nobody else holds it, so that a queue that keeps up stays in the same few
 * cache lines. A chunk larger than `keep_bytes` is freed for a small one where
 * possible. */
static inline void
fmq__fq_rewind(fmq__fq_writer *w, fmq__fq_reader *r, size_t keep_bytes)
{
    assert(fmq__fq_is_at(r, w->end));
    if (w->cap > keep_bytes && w->cap > FMQ__CHUNK_MIN) {
        fmq__fq_rewind_slow(w, r);
    } else if (fmq__body_is_sole(&w->end.chunk->body)) {
        fmq__chunk_reset(w->end.chunk);
        w->end.chunk->form = w->form;
        w->end.off = 0;
        fmq__fq_measure(w);
        r->at.off = 0;
        r->ref = 0;
    }
}

#endif
