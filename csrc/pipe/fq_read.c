/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of a frame queue. */
#include "pipe/fq.h"
#include "pipe/fq_layout.h"

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

    if (r->at.off != fmq__fq_load(&c->sealed)) {
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
show_frame(fmq__chunk *c, uint32_t off, const struct fmq__fq_layout *f,
           fmq__frame *frame)
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
    struct fmq__fq_layout f = fmq__fq_parse(c, r->at.off);

    show_frame(c, r->at.off, &f, frame);
    if (frame->is_ref) {
        r->ref = f.ref;
    }
    r->at.off = f.next;
}

size_t
fmq__fq_look(fmq__fq_pos *at, fmq__frame *frame)
{
    struct fmq__fq_layout f;

    if (at->off == fmq__fq_load(&at->chunk->sealed)) {
        *at = (fmq__fq_pos){.chunk = at->chunk->next};
    }
    f = fmq__fq_parse(at->chunk, at->off);
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
    struct fmq__fq_layout f;
    size_t n = 0;

    do {
        if (off == fmq__fq_load(&c->sealed)) {
            c = c->next;
            off = 0;
        }
        f = fmq__fq_parse(c, off);
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
    while ((ref = fmq__fq_next_ref(c, ref)) != 0 && ref < end) {
        const fmq__chunk_ref *record = fmq__chunk_ref_at(c, ref);
        size_t len = (size_t)fmq__get_u64(c->data + record->head + 1);
        size_t left = len;

        if (off < record->head + FMQ__FQ_LONG_HEAD) {
            if (!put_iov(g, c->data + off, record->head + FMQ__FQ_LONG_HEAD - off)) {
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
           gather_chunk(&g, c, off, fmq__fq_load(&c->sealed), ref, r->frame_left)) {
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
pass_frame(fmq__fq_reader *r, const struct fmq__fq_layout *f)
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
        struct fmq__fq_layout f;
        uint64_t left;
        uint64_t used;

        if (r->frame_left == 0) {
            (void)enter_next(r);
            r->cut_at = r->at.off;
        }
        f = fmq__fq_parse(r->at.chunk, r->cut_at);
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
    struct fmq__fq_layout f;

    if (r->frame_left == 0) {
        (void)enter_next(r);
        r->cut_at = r->at.off;
    }
    f = fmq__fq_parse(r->at.chunk, r->cut_at);
    *n_bytes += (size_t)(r->frame_left != 0 ? r->frame_left : f.head + f.len);
    return pass_frame(r, &f);
}

size_t
fmq__fq_cut(fmq__fq_reader *r)
{
    struct fmq__fq_layout f;

    if (r->frame_left != 0) {
        return 0;
    }
    (void)enter_next(r);
    f = fmq__fq_parse(r->at.chunk, r->at.off);
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

        (void)fmq__fq_drop_refs(c, r->ref, fmq__fq_load(&c->sealed), r->dropped);
        r->at.chunk = c->next;
        r->ref = 0;
        leave_chunk(r, c);
    }
    r->ref = fmq__fq_drop_refs(end.chunk, r->ref, end.off, r->dropped);
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
        struct fmq__fq_layout f = fmq__fq_parse(c, r->cut_at);

        off = f.next;
        is_in_message = (f.flags & FMQ__MORE) != 0;
    }
    while (is_in_message && left < enough) {
        struct fmq__fq_layout f;

        if (off == fmq__fq_load(&c->sealed)) {
            c = c->next;
            off = 0;
        }
        f = fmq__fq_parse(c, off);
        left += f.head + f.len;
        off = f.next;
        is_in_message = (f.flags & FMQ__MORE) != 0;
    }
    return left < enough ? (size_t)left : enough;
}

uint32_t
fmq__fq_skip_cut(fmq__fq_reader *r)
{
    struct fmq__fq_layout f;

    if (!r->is_in_message) {
        return 0;
    }
    if (r->frame_left != 0) {
        f = fmq__fq_parse(r->at.chunk, r->cut_at);
        (void)pass_frame(r, &f);
    }
    while (r->is_in_message) {
        (void)enter_next(r);
        f = fmq__fq_parse(r->at.chunk, r->at.off);
        (void)pass_frame(r, &f);
    }
    return 1;
}
