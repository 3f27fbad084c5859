/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of a frame queue, and how both begin and end. */
#include "pipe/fq.h"

#include "base/bytes.h"
#include "pipe/fq_layout.h"

enum {
    /* Header, padding and record of a referenced body. */
    REF_MAX = FMQ__FQ_LONG_HEAD + 7 + (int)sizeof(fmq__chunk_ref),
};

static const fmq__chunk_form plain = {FMQ__FQ_INLINE_MAX, FMQ__FQ_INLINE_MAX + 1};
static const fmq__chunk_form all_refs = {255, 0};

int
fmq__fq_init(fmq__fq_writer *w, fmq__fq_reader *r)
{
    fmq__chunk *c = fmq__chunk_new(FMQ__CHUNK_MIN);

    if (c == NULL) {
        return ENOMEM;
    }
    c->form = plain;
    *w = (fmq__fq_writer){
        .end = {.chunk = c}, .next_cap = 2 * FMQ__CHUNK_MIN, .form = plain};
    fmq__fq_measure(w);
    *r = (fmq__fq_reader){.at = {.chunk = c}};
    return 0;
}

void
fmq__fq_fini(fmq__fq_writer *w, fmq__fq_reader *r)
{
    fmq__fq_consume_to(r, w->end);
    fmq__chunk_drop(w->end.chunk);
    w->end.chunk = NULL;
    r->at.chunk = NULL;
}

static fmq__chunk *
take_spare(fmq__fq_spare *spare, uint32_t need)
{
    fmq__chunk *c;

    if (spare == NULL) {
        return NULL;
    }
    /* P2 -> P1 in leave_chunk: the reader has done with it. */
    c = atomic_exchange_explicit(spare, NULL, memory_order_acquire);
    if (c == NULL) {
        return NULL;
    }
    if (c->cap < need) {
        fmq__chunk_drop(c);
        return NULL;
    }
    fmq__chunk_reset(c);
    return c;
}

static fmq__chunk *
new_chunk(fmq__fq_writer *w, uint32_t need)
{
    uint32_t cap = w->next_cap;
    fmq__chunk *c;

    if (need > FMQ__CHUNK_MAX) {
        return fmq__chunk_new(need);
    }
    while (cap < need) {
        cap *= 2;
    }
    cap = cap < FMQ__CHUNK_MAX ? cap : FMQ__CHUNK_MAX;
    c = fmq__chunk_new(cap);
    if (c != NULL) {
        w->next_cap = 2 * cap < FMQ__CHUNK_MAX ? 2 * cap : FMQ__CHUNK_MAX;
    }
    return c;
}

/* Goes on in a new chunk with room for `need` bytes; NULL: no memory. */
static uint8_t *
begin_chunk(fmq__fq_writer *w, uint32_t need, fmq__chunk_form form)
{
    fmq__chunk *c = take_spare(w->spare, need);

    if (c == NULL) {
        c = new_chunk(w, need);
    }
    if (c == NULL) {
        return NULL;
    }
    c->form = form;
    w->end.chunk->next = c;
    fmq__fq_store(&w->end.chunk->sealed, w->end.off);
    w->end = (fmq__fq_pos){.chunk = c};
    fmq__fq_measure(w);
    return c->data;
}

/* Where `need` bytes can be written: behind the last frame, or in a new chunk, whose
 * form it is then; NULL: no memory. The caller moves `end.off`. */
static uint8_t *
make_room(fmq__fq_writer *w, uint32_t need, fmq__chunk_form form)
{
    if (need <= w->cap - w->end.off) {
        return w->end.chunk->data + w->end.off;
    }
    return begin_chunk(w, need, form);
}

/* The same for a referenced body of `len` bytes. */
static uint8_t *
make_room_for_ref(fmq__fq_writer *w, size_t len)
{
    fmq__chunk *c = w->end.chunk;
    fmq__chunk_form form = len >= w->form.ref_min ? w->form : all_refs;

    if (len >= c->form.ref_min) {
        return make_room(w, REF_MAX, form);
    }
    if (w->end.off != 0 || w->cap < REF_MAX) {
        return begin_chunk(w, REF_MAX, form);
    }
    c->form = form; /* nobody has been in it */
    fmq__fq_measure(w);
    return c->data;
}

/* Goes on in the chunk at the end if that can have the writer's form, and counts as
 * full else. */
static void
go_on(fmq__fq_writer *w)
{
    fmq__chunk *c = w->end.chunk;
    bool is_other = c->form.inline_max != w->form.inline_max;

    if (w->end.off == 0) {
        c->form = w->form; /* nobody has been in it */
    } else if (is_other && c->form.inline_max != all_refs.inline_max) {
        w->cap = w->end.off;
        w->inline_max = w->form.inline_max;
        return;
    }
    fmq__fq_measure(w);
}

void
fmq__fq_share(fmq__fq_writer *w, bool shares)
{
    uint32_t inline_max = shares ? FMQ__FQ_SHARE_MIN : FMQ__FQ_INLINE_MAX;

    w->form = (fmq__chunk_form){inline_max, inline_max + 1};
    go_on(w);
}

static void
put_long_head(uint8_t *p, unsigned flags, uint64_t len)
{
    p[0] = (uint8_t)(flags | FMQ__LONG);
    fmq__put_u64(p + 1, len);
}

int
fmq__fq_append_slow(fmq__fq_writer *w, unsigned flags, const void *body, size_t len)
{
    uint32_t head = len > 255 ? FMQ__FQ_LONG_HEAD : 2;
    uint8_t *p;

    assert(len <= fmq__fq_inline_max(w));
    p = make_room(w, head + (uint32_t)len, len <= w->form.inline_max ? w->form : plain);
    if (p == NULL) {
        return ENOMEM;
    }
    if (head == FMQ__FQ_LONG_HEAD) {
        put_long_head(p, flags, len);
    } else {
        p[0] = (uint8_t)flags;
        p[1] = (uint8_t)len;
    }
    if (len > 0) {
        memcpy(p + head, body, len);
    }
    w->end.off += head + (uint32_t)len;
    return 0;
}

int
fmq__fq_append_ref(fmq__fq_writer *w, unsigned flags, fmq__body *body,
                   const uint8_t *data, size_t len)
{
    uint8_t *p;
    fmq__chunk *c;
    uint32_t off;
    fmq__chunk_ref *ref;

    p = make_room_for_ref(w, len);
    if (p == NULL) {
        return ENOMEM;
    }
    c = w->end.chunk;
    put_long_head(p, flags, len);
    off = fmq__fq_align(w->end.off + FMQ__FQ_LONG_HEAD);
    ref = fmq__chunk_ref_at(c, off);
    ref->body = body;
    ref->data = data;
    ref->head = w->end.off;
    fmq__fq_store(&ref->next, 0);
    fmq__fq_store(c->last_ref == 0 ? &c->first_ref
                                   : &fmq__chunk_ref_at(c, c->last_ref)->next,
                  off);
    c->last_ref = off;
    w->end.off = off + (uint32_t)sizeof(*ref);
    return 0;
}

int
fmq__fq_append_copy(fmq__fq_writer *w, unsigned flags, const uint8_t *data, size_t len)
{
    fmq__body *body;
    uint8_t *copy;
    int err;

    if (len <= fmq__fq_inline_max(w)) {
        return fmq__fq_append(w, flags, data, len);
    }
    err = fmq__body_new(len, &body, &copy);
    if (err != 0) {
        return err;
    }
    memcpy(copy, data, len);
    err = fmq__fq_append_ref(w, flags, body, copy, len);
    if (err != 0) {
        fmq__body_drop(body);
    }
    return err;
}

int
fmq__fq_append_raw(fmq__fq_writer *w, const uint8_t *frames, size_t len)
{
    uint8_t *p;

    if (len == 0) {
        return 0;
    }
    assert(w->inline_max == plain.inline_max);
    if (len > UINT32_MAX / 2 || (p = make_room(w, (uint32_t)len, plain)) == NULL) {
        return ENOMEM;
    }
    memcpy(p, frames, len);
    w->end.off += (uint32_t)len;
    return 0;
}

void
fmq__fq_rollback(fmq__fq_writer *w, fmq__fq_pos mark)
{
    fmq__chunk *c = mark.chunk;
    fmq__chunk *rest = c != w->end.chunk ? c->next : NULL;
    uint32_t last = 0;
    uint32_t next = fmq__fq_next_ref(c, 0);

    while (next != 0 && next < mark.off) {
        last = next;
        next = fmq__fq_next_ref(c, last);
    }
    (void)fmq__fq_drop_refs(c, last, UINT32_MAX, w->dropped);
    fmq__fq_store(last == 0 ? &c->first_ref : &fmq__chunk_ref_at(c, last)->next, 0);
    c->last_ref = last;

    fmq__fq_store(&c->sealed, FMQ__CHUNK_OPEN);
    c->next = NULL;
    w->end = mark;
    go_on(w);
    while (rest != NULL) {
        c = rest;
        rest = c->next;
        (void)fmq__fq_drop_refs(c, 0, UINT32_MAX, w->dropped);
        fmq__chunk_drop(c);
    }
}

void
fmq__fq_rewind_slow(fmq__fq_writer *w, fmq__fq_reader *r)
{
    fmq__chunk *old = w->end.chunk;
    fmq__chunk *c = fmq__chunk_new(FMQ__CHUNK_MIN);

    if (c != NULL) {
        fmq__chunk_drop(old);
        w->next_cap = 2 * FMQ__CHUNK_MIN;
    } else if (fmq__body_is_sole(&old->body)) {
        fmq__chunk_reset(old);
        c = old;
    } else {
        return;
    }
    c->form = w->form;
    w->end = (fmq__fq_pos){.chunk = c};
    fmq__fq_measure(w);
    r->at = w->end;
    r->ref = 0;
}
