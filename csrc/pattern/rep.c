/* SPDX-License-Identifier: Apache-2.0 */
/* REP: takes a request, sends the reply to where it came from (RFC 28 "REP Socket
 * Type").
 *
 * The envelope - all frames up to and including the first empty one - is kept in wire
 * form, long frames as references, and put before the reply as it was. A request
 * without a delimiter, or with nothing behind it, or with more envelope than any hops
 * make, is skipped. A reply to a peer that is gone or full is dropped.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"
#include "pattern/probe.h"
#include "wire/frame.h"

enum {
    OPT_ROUTER_MANDATORY = 33,
    OPT_ROUTER_HANDOVER = 56,
    ENVELOPE_MAX = 64 * 1024, /* of short frames: more is no envelope */
    LONG_FRAMES_MAX = 64,
    ENVELOPE_OWN = 256, /* so much needs no memory: what a few hops make */
};

/* A frame of the envelope that is kept as a reference, behind `at` bytes of others. */
typedef struct long_frame {
    size_t at;
    fmq__outpart part;
} long_frame;

typedef struct rep {
    fmq__pattern base;
    fmq__fairq in;
    fmq__pipe *asker; /* whom to reply to; NULL: gone */
    bool has_probe;
    bool is_answering; /* a whole request was taken, and not answered yet */
    uint8_t *envelope; /* `own`, or heap */
    size_t envelope_len;
    size_t envelope_cap;
    long_frame *longs;
    size_t n_longs;
    fmq__body **dropped; /* where their bodies go */
    uint8_t own[ENVELOPE_OWN];
} rep;

static rep *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, rep, base);
}

static void
init(fmq__pattern *p)
{
    rep *self = from_base(p);

    fmq__fairq_init(&self->in);
    self->envelope = self->own;
    self->envelope_cap = sizeof(self->own);
}

static void
drop_envelope(rep *self)
{
    for (size_t i = 0; i < self->n_longs; i++) {
        fmq__body_drop_later(self->longs[i].part.body, self->dropped);
    }
    self->n_longs = 0;
    self->envelope_len = 0;
}

static void
fini(fmq__pattern *p)
{
    rep *self = from_base(p);

    self->dropped = NULL; /* now */
    drop_envelope(self);
    fmq__free(self->longs);
    if (self->envelope != self->own) {
        fmq__free(self->envelope);
    }
}

static bool
can_send(fmq__pattern *p)
{
    return from_base(p)->is_answering;
}

static int
check_send(fmq__pattern *p, const fmq__outpart *first)
{
    (void)first;
    return can_send(p) ? 0 : FMQ_EFSM;
}

/* Appends short frames of the envelope, up to its byte `end`. */
static int
put_short(const rep *self, fmq__fq_writer *w, size_t at, size_t end)
{
    int err = 0;

    while (at < end && err == 0) {
        const uint8_t *p = self->envelope + at;
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags = 0;

        (void)fmq__frame_parse(p, end - at, &header_len, &len, &flags);
        err = fmq__fq_append_copy(w, flags, p + header_len, (size_t)len);
        at += header_len + (size_t)len;
    }
    return err;
}

/* Appends the envelope, or nothing. */
static int
put_envelope(const rep *self, fmq__pipe *to)
{
    fmq__fq_pos mark = to->out->end;
    size_t done = 0;
    int err = 0;

    for (size_t i = 0; i < self->n_longs && err == 0; i++) {
        const long_frame *l = &self->longs[i];

        err = put_short(self, to->out, done, l->at);
        if (err == 0) {
            err = fmq__pipe_append(to, &l->part, FMQ__MORE);
        }
        done = l->at;
    }
    if (err == 0) {
        err = put_short(self, to->out, done, self->envelope_len);
    }
    if (err != 0) {
        fmq__fq_rollback(to->out, mark);
    }
    return err;
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    rep *self = from_base(p);
    fmq__pipe *to = self->asker;

    if (!self->is_answering) {
        return FMQ_EFSM;
    }
    if (to != NULL && fmq__pipe_can_write(to)) {
        fmq__fq_pos mark = to->out->end;
        int err = put_envelope(self, to);

        if (err == 0) {
            err = fmq__pipe_send(to, mark, parts, n);
        }
        if (err != 0) {
            return err;
        }
    }
    drop_envelope(self);
    self->is_answering = false;
    self->asker = NULL;
    return 0;
}

static bool
reserve(rep *self, size_t more)
{
    size_t need = self->envelope_len + more;
    uint8_t *grown;

    if (need > ENVELOPE_MAX) {
        return false;
    }
    if (need <= self->envelope_cap) {
        return true;
    }
    need *= 2;
    grown = fmq__realloc(self->envelope == self->own ? NULL : self->envelope, need);
    if (grown == NULL) {
        return false;
    }
    if (self->envelope == self->own) {
        memcpy(grown, self->own, self->envelope_len);
    }
    self->envelope = grown;
    self->envelope_cap = need;
    return true;
}

/* Keeps a long frame of the envelope, whose body becomes ours. */
static bool
keep_long(rep *self, const fmq__frame *f)
{
    if (self->longs == NULL) {
        self->longs = fmq__calloc(LONG_FRAMES_MAX, sizeof(*self->longs));
    }
    if (self->longs == NULL || self->n_longs == LONG_FRAMES_MAX) {
        return false;
    }
    self->longs[self->n_longs++] =
        (long_frame){self->envelope_len, {f->data, f->len, f->body}};
    return true;
}

/* Keeps a short frame of the envelope in wire form; false: it does not fit. */
static bool
keep_short(rep *self, const fmq__frame *f)
{
    uint8_t *p;

    if (!reserve(self, f->len + 9)) {
        return false;
    }
    p = self->envelope + self->envelope_len;
    self->envelope_len += fmq__frame_put_header(p, FMQ__MORE, f->len);
    if (f->len != 0) {
        memcpy(self->envelope + self->envelope_len, f->data, f->len);
    }
    self->envelope_len += f->len;
    return true;
}

/* Takes the envelope of the next message of `from`; false: there was none, and the
 * message has been skipped. */
static bool
take_envelope(rep *self, fmq__pipe *from)
{
    fmq__frame f;

    drop_envelope(self);
    self->dropped = from->in->dropped;
    for (;;) {
        bool is_kept = false;

        fmq__pipe_pop(from, &f);
        if (f.flags & FMQ__MORE) {
            is_kept = f.is_ref ? keep_long(self, &f) : keep_short(self, &f);
        }
        if (!is_kept || !f.is_ref) {
            fmq__pipe_drop(from, &f);
        }
        if ((f.flags & FMQ__MORE) == 0) {
            return false;
        }
        if (!is_kept) {
            fmq__pipe_skip_message(from);
            return false;
        }
        if (f.len == 0) {
            return true;
        }
    }
}

static fmq__pipe *
find_request(rep *self)
{
    fmq__pipe *from;

    while ((from = fmq__fairq_front(&self->in)) != NULL) {
        if (take_envelope(self, from)) {
            self->asker = from;
            return from;
        }
        drop_envelope(self);
    }
    return NULL;
}

static int
begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    rep *self = from_base(p);

    if (self->is_answering) {
        return FMQ_EFSM;
    }
    *from = find_request(self);
    return *from != NULL ? 0 : EAGAIN;
}

static void
end_recv(fmq__pattern *p, fmq__pipe *from)
{
    rep *self = from_base(p);

    fmq__fairq_rotate(&self->in, from);
    self->is_answering = true;
}

static bool
has_next(fmq__pattern *p)
{
    return fmq__fairq_front(&from_base(p)->in) != NULL;
}

/* Poll says "readable" only of a true request: find_request leaves it begun. */
static bool
can_recv(fmq__pattern *p)
{
    rep *self = from_base(p);

    if (p->reading == NULL && !self->is_answering) {
        p->reading = find_request(self);
    }
    return p->reading != NULL;
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    if (from_base(p)->has_probe && !fmq__probe_send(pipe)) {
        return ENOMEM;
    }
    pipe->conflates_out = false; /* an answer is begun before it is sent */
    fmq__fairq_add(&from_base(p)->in, pipe);
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    rep *self = from_base(p);

    fmq__fairq_remove(pipe);
    if (self->asker == pipe) {
        self->asker = NULL;
    }
}

static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
}

/* ROUTER's: those that mean nothing without ids are taken and change nothing. With
 * MANDATORY, too, a reply that cannot be sent is dropped, for nothing could follow it
 * else. */
static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    bool ignored;

    switch (option) {
    case FMQ__OPT_PROBE_ROUTER:
        return fmq__pattern_get_flag(value, len, &from_base(p)->has_probe);
    case OPT_ROUTER_MANDATORY:
    case OPT_ROUTER_HANDOVER:
        return fmq__pattern_get_flag(value, len, &ignored);
    default:
        return EINVAL;
    }
}

/* So is a name (CONNECT_ROUTING_ID). */
static bool
can_name(fmq__pattern *p, const uint8_t *id, size_t id_len)
{
    (void)p;
    (void)id;
    (void)id_len;
    return true;
}

const fmq__pattern_ops fmq__pattern_rep = {
    .name = "REP",
    .type = 4,
    .peer_types = 1U << 3 | 1U << 5, /* REQ, DEALER */
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_GOODBYE,
    .size = sizeof(rep),
    .init = init,
    .fini = fini,
    .check_send = check_send,
    .send = send,
    .begin_recv = begin_recv,
    .end_recv = end_recv,
    .has_next = has_next,
    .can_send = can_send,
    .can_recv = can_recv,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = fmq__pattern_nothing_pipe,
    .set_option = set_option,
    .can_name = can_name,
};
