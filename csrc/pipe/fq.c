/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves meet in three places, none of which orders anything by itself: what
 * the caller publishes with (a lock, or duct.h's words) does.
 *
 *   - Frames and `next` are written before they are published and not after.
 *   - `sealed` is set before the first frame of the next chunk is published. So a
 * reader that knows of one more frame and stands at `sealed` finds it in `next`; and a
 * value that is set, or taken back by a roll-back, while the reader looks is not where
 * the reader stands: the frame it knows of lies there.
 *   - The link to a record may be set, and taken back, while the reader looks at it:
 * what it then leads to lies behind every published frame, and the reader stops before.
 *
 * A frame never spans chunks. Where its body lies follows from its header and the
 * chunk's form. To keep a short body by reference takes a chunk of the form `all_refs`,
 * in which every frame with a long header, which such a body gets, is one.
 *
 * A frame cut in its body by consume has `at` at the byte it goes on with if it lies in
 * the chunk, and at the record if it is referenced; `frame_left` tells how much is
 * left.
 */
#include "pipe/fq.h"

#include "base/bytes.h"

enum {
    LONG_HEAD = 9,
    /* Header, padding and record of a referenced body. */
    REF_MAX = LONG_HEAD + 7 + (int)sizeof(fmq__chunk_ref),
};

static const fmq__chunk_form plain = {FMQ__FQ_INLINE_MAX, FMQ__FQ_INLINE_MAX + 1};
static const fmq__chunk_form all_refs = {255, 0};

/* A frame as it lies in a chunk. */
struct layout {
    uint64_t len;  /* of the body */
    uint32_t head; /* bytes of the header */
    uint32_t next; /* offset behind the frame */
    uint32_t ref;  /* offset of the record; 0: the body lies in the chunk */
    uint8_t flags;
};

static uint32_t
align_8(uint32_t off)
{
    return (off + 7) & ~(uint32_t)7;
}

static struct layout
parse_frame(const fmq__chunk *c, uint32_t off)
{
    const uint8_t *p = c->data + off;
    struct layout f = {.flags = p[0], .head = 2, .len = p[1]};

    if ((f.flags & FMQ__LONG) != 0) {
        f.head = LONG_HEAD;
        f.len = fmq__get_u64(p + 1);
        if (f.len >= c->form.ref_min) {
            f.ref = align_8(off + LONG_HEAD);
            f.next = f.ref + (uint32_t)sizeof(fmq__chunk_ref);
            return f;
        }
    }
    f.next = off + f.head + (uint32_t)f.len;
    return f;
}

static uint32_t
load(const _Atomic uint32_t *p)
{
    return atomic_load_explicit(p, memory_order_relaxed);
}

static void
store(_Atomic uint32_t *p, uint32_t v)
{
    atomic_store_explicit(p, v, memory_order_relaxed);
}

/* The record after `ref`, the first one after 0; 0: there is none. */
static uint32_t
next_ref(const fmq__chunk *c, uint32_t ref)
{
    return load(ref == 0
                    ? &c->first_ref
                    : &((const fmq__chunk_ref *)(const void *)(c->data + ref))->next);
}

int
fmq__fq_init(fmq__fq_writer *w, fmq__fq_reader *r)
{
    fmq__chunk *c = fmq__chunk_new(FMQ__CHUNK_MIN);

    if (c == NULL) {
        return ENOMEM;
    }
    *w = (fmq__fq_writer){.end = {.chunk = c},
                          .cap = c->cap,
                          .next_cap = 2 * FMQ__CHUNK_MIN,
                          .form = plain};
    c->form = w->form;
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

/* --- the writing half --- */

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
    c = fmq__chunk_new(cap);
    if (c != NULL && cap < FMQ__CHUNK_MAX) {
        w->next_cap = 2 * cap;
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
    store(&w->end.chunk->sealed, w->end.off);
    w->end.chunk = c;
    w->end.off = 0;
    w->cap = c->cap;
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
    return c->data;
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
    uint32_t head = len > 255 ? LONG_HEAD : 2;
    uint8_t *p;

    assert(len <= fmq__fq_inline_max(w));
    p = make_room(w, head + (uint32_t)len, len <= w->form.inline_max ? w->form : plain);
    if (p == NULL) {
        return ENOMEM;
    }
    if (head == LONG_HEAD) {
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
    off = align_8(w->end.off + LONG_HEAD);
    ref = fmq__chunk_ref_at(c, off);
    ref->body = body;
    ref->data = data;
    ref->head = w->end.off;
    store(&ref->next, 0);
    store(c->last_ref == 0 ? &c->first_ref : &fmq__chunk_ref_at(c, c->last_ref)->next,
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
    assert(w->end.chunk->form.ref_min == plain.ref_min);
    if (len > UINT32_MAX / 2 || (p = make_room(w, (uint32_t)len, plain)) == NULL) {
        return ENOMEM;
    }
    memcpy(p, frames, len);
    w->end.off += (uint32_t)len;
    return 0;
}

/* Drops the bodies of the records after `ref` that lie before `end`; returns the last
 * of them, or `ref`. */
static uint32_t
drop_refs(fmq__chunk *c, uint32_t ref, uint32_t end, fmq__body **dropped)
{
    uint32_t next = next_ref(c, ref);

    while (next != 0 && next < end) {
        fmq__body_drop_later(fmq__chunk_ref_at(c, next)->body, dropped);
        ref = next;
        next = next_ref(c, ref);
    }
    return ref;
}

void
fmq__fq_rollback(fmq__fq_writer *w, fmq__fq_pos mark)
{
    fmq__chunk *c = mark.chunk;
    fmq__chunk *rest = c != w->end.chunk ? c->next : NULL;
    uint32_t last = 0;
    uint32_t next = next_ref(c, 0);

    while (next != 0 && next < mark.off) {
        last = next;
        next = next_ref(c, last);
    }
    (void)drop_refs(c, last, UINT32_MAX, w->dropped);
    store(last == 0 ? &c->first_ref : &fmq__chunk_ref_at(c, last)->next, 0);
    c->last_ref = last;

    store(&c->sealed, FMQ__CHUNK_OPEN);
    c->next = NULL;
    w->end = mark;
    w->cap = c->cap;
    while (rest != NULL) {
        c = rest;
        rest = c->next;
        (void)drop_refs(c, 0, UINT32_MAX, w->dropped);
        fmq__chunk_drop(c);
    }
}

/* --- the reading half --- */

/* Gives up a chunk that is read: to the writer if it has a use for it. */
static void
leave_chunk(fmq__fq_reader *r, fmq__chunk *c)
{
    if (r->spare != NULL && c->cap >= FMQ__CHUNK_REUSE && fmq__body_is_sole(&c->body)) {
        /* P1 -> P2 in take_spare, and to itself: whoever takes it out may free it. */
        c = atomic_exchange_explicit(r->spare, c, memory_order_acq_rel);
        if (c == NULL) {
            return;
        }
    }
    fmq__chunk_drop(c);
}

/* If the chunk is used up, goes on to the next one; the caller knows that there is
 * another frame. */
static fmq__chunk *
enter_next(fmq__fq_reader *r)
{
    fmq__chunk *c = r->at.chunk;

    if (r->at.off != load(&c->sealed)) {
        return c;
    }
    r->at.chunk = c->next;
    r->at.off = 0;
    r->ref = 0;
    leave_chunk(r, c);
    return r->at.chunk;
}

/* What the reader gets to see of a frame at `off`. */
static void
show_frame(fmq__chunk *c, uint32_t off, const struct layout *f, fmq__frame *frame)
{
    frame->len = (size_t)f->len;
    frame->flags = f->flags & (FMQ__MORE | FMQ__COMMAND);
    frame->is_ref = f->ref != 0;
    if (frame->is_ref) {
        fmq__chunk_ref *ref = fmq__chunk_ref_at(c, f->ref);

        frame->data = ref->data;
        frame->body = ref->body;
    } else {
        frame->data = c->data + off + f->head;
        frame->body = &c->body;
    }
}

void
fmq__fq_pop_slow(fmq__fq_reader *r, fmq__frame *frame)
{
    fmq__chunk *c = enter_next(r);
    struct layout f = parse_frame(c, r->at.off);

    show_frame(c, r->at.off, &f, frame);
    if (frame->is_ref) {
        r->ref = f.ref;
    }
    r->at.off = f.next;
}

size_t
fmq__fq_look(fmq__fq_pos *at, fmq__frame *frame)
{
    struct layout f;

    if (at->off == load(&at->chunk->sealed)) {
        *at = (fmq__fq_pos){.chunk = at->chunk->next};
    }
    f = parse_frame(at->chunk, at->off);
    show_frame(at->chunk, at->off, &f, frame);
    at->off = f.next;
    return f.head + (size_t)f.len;
}

void
fmq__fq_peek(const fmq__fq_reader *r, fmq__frame *frame)
{
    fmq__fq_pos at = r->at;

    (void)fmq__fq_look(&at, frame);
}

size_t
fmq__fq_count_parts(const fmq__fq_reader *r)
{
    fmq__chunk *c = r->at.chunk;
    uint32_t off = r->at.off;
    struct layout f;
    size_t n = 0;

    do {
        if (off == load(&c->sealed)) {
            c = c->next;
            off = 0;
        }
        f = parse_frame(c, off);
        off = f.next;
        n++;
    } while (f.flags & FMQ__MORE);
    return n;
}

/* The entries of a gather so far. */
struct gathering {
    struct iovec *iov;
    int n;
    int max;
    size_t bytes;
    size_t max_bytes;
};

/* False: no more fits. */
static bool
put_iov(struct gathering *g, const uint8_t *data, size_t len)
{
    size_t room = g->max_bytes - g->bytes;
    size_t take = len < room ? len : room;

    if (len == 0) {
        return true;
    }
    if (take == 0 || g->n == g->max) {
        return false;
    }
    /* iovec serves reading too, so its pointer is not to constant bytes. */
    g->iov[g->n].iov_base = (void *)(uintptr_t)data;
    g->iov[g->n].iov_len = take;
    g->n++;
    g->bytes += take;
    return take == len;
}

/* A chunk from `off` to `end`, where `ref` is the record passed last and `ref_left`, if
 * not 0, what is left of a body whose record lies at `off`. */
static bool
gather_chunk(struct gathering *g, fmq__chunk *c, uint32_t off, uint32_t end,
             uint32_t ref, uint64_t ref_left)
{
    while ((ref = next_ref(c, ref)) != 0 && ref < end) {
        const fmq__chunk_ref *record = fmq__chunk_ref_at(c, ref);
        size_t len = (size_t)fmq__get_u64(c->data + record->head + 1);
        size_t left = len;

        if (off < record->head + LONG_HEAD) {
            if (!put_iov(g, c->data + off, record->head + LONG_HEAD - off)) {
                return false;
            }
        } else {
            left = (size_t)ref_left;
        }
        if (!put_iov(g, record->data + (len - left), left)) {
            return false;
        }
        off = ref + (uint32_t)sizeof(*record);
    }
    return put_iov(g, c->data + off, end - off);
}

size_t
fmq__fq_gather(const fmq__fq_reader *r, fmq__fq_pos end, struct iovec *iov, int max_iov,
               size_t max_bytes, int *n_iov)
{
    struct gathering g = {.iov = iov, .max = max_iov, .max_bytes = max_bytes};
    fmq__chunk *c = r->at.chunk;
    uint32_t off = r->at.off;
    uint32_t ref = r->ref;

    while (c != end.chunk &&
           gather_chunk(&g, c, off, load(&c->sealed), ref, r->frame_left)) {
        c = c->next;
        off = 0;
        ref = 0;
    }
    if (c == end.chunk) {
        (void)gather_chunk(&g, c, off, end.off, ref, r->frame_left);
    }
    *n_iov = g.n;
    return g.bytes;
}

/* Moves behind a frame. True: it ended a message. */
static bool
pass_frame(fmq__fq_reader *r, const struct layout *f)
{
    if (f->ref != 0) {
        fmq__body_drop_later(fmq__chunk_ref_at(r->at.chunk, f->ref)->body, r->dropped);
        r->ref = f->ref;
    }
    r->at.off = f->next;
    r->frame_left = 0;
    r->is_in_message = (f->flags & FMQ__MORE) != 0;
    return !r->is_in_message;
}

uint32_t
fmq__fq_consume(fmq__fq_reader *r, size_t n)
{
    uint32_t n_messages = 0;

    while (n > 0) {
        struct layout f;
        uint64_t left;
        uint64_t used;

        if (r->frame_left == 0) {
            (void)enter_next(r);
            r->cut_at = r->at.off;
        }
        f = parse_frame(r->at.chunk, r->cut_at);
        left = r->frame_left != 0 ? r->frame_left : f.head + f.len;
        if (n >= left) {
            n -= (size_t)left;
            n_messages += pass_frame(r, &f);
            continue;
        }
        r->frame_left = left - n;
        r->is_in_message = true;
        used = f.head + f.len - r->frame_left;
        r->at.off = f.ref != 0 && used >= f.head ? f.ref : r->cut_at + (uint32_t)used;
        n = 0;
    }
    return n_messages;
}

bool
fmq__fq_pass(fmq__fq_reader *r, size_t *n_bytes)
{
    struct layout f;

    if (r->frame_left == 0) {
        (void)enter_next(r);
        r->cut_at = r->at.off;
    }
    f = parse_frame(r->at.chunk, r->cut_at);
    *n_bytes += (size_t)(r->frame_left != 0 ? r->frame_left : f.head + f.len);
    return pass_frame(r, &f);
}

size_t
fmq__fq_cut(fmq__fq_reader *r)
{
    struct layout f;

    if (r->frame_left != 0) {
        return 0;
    }
    (void)enter_next(r);
    f = parse_frame(r->at.chunk, r->at.off);
    r->cut_at = r->at.off++;
    r->frame_left = f.head + f.len - 1;
    r->is_in_message = true;
    return 1;
}

void
fmq__fq_consume_to(fmq__fq_reader *r, fmq__fq_pos end)
{
    while (r->at.chunk != end.chunk) {
        fmq__chunk *c = r->at.chunk;

        (void)drop_refs(c, r->ref, load(&c->sealed), r->dropped);
        r->at.chunk = c->next;
        r->ref = 0;
        leave_chunk(r, c);
    }
    r->ref = drop_refs(end.chunk, r->ref, end.off, r->dropped);
    r->at.off = end.off;
    r->frame_left = 0;
    r->is_in_message = false;
}

size_t
fmq__fq_cut_left(const fmq__fq_reader *r, size_t enough)
{
    const fmq__chunk *c = r->at.chunk;
    uint32_t off = r->at.off;
    bool is_in_message = r->is_in_message;
    uint64_t left = r->frame_left;

    if (left != 0) {
        struct layout f = parse_frame(c, r->cut_at);

        off = f.next;
        is_in_message = (f.flags & FMQ__MORE) != 0;
    }
    while (is_in_message && left < enough) {
        struct layout f;

        if (off == load(&c->sealed)) {
            c = c->next;
            off = 0;
        }
        f = parse_frame(c, off);
        left += f.head + f.len;
        off = f.next;
        is_in_message = (f.flags & FMQ__MORE) != 0;
    }
    return left < enough ? (size_t)left : enough;
}

uint32_t
fmq__fq_skip_cut(fmq__fq_reader *r)
{
    struct layout f;

    if (!r->is_in_message) {
        return 0;
    }
    if (r->frame_left != 0) {
        f = parse_frame(r->at.chunk, r->cut_at);
        (void)pass_frame(r, &f);
    }
    while (r->is_in_message) {
        (void)enter_next(r);
        f = parse_frame(r->at.chunk, r->at.off);
        (void)pass_frame(r, &f);
    }
    return 1;
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
    w->cap = c->cap;
    r->at = w->end;
    r->ref = 0;
}
