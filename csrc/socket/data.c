/* SPDX-License-Identifier: Apache-2.0 */
/* Send and receive: the short way under L, and what to do when it does not lead there.
 *
 * Sending: the pattern appends to a pipe, the hub decides whether to write. A part sent
 * with SNDMORE is staged in the socket, so that a pipe only ever sees whole messages;
 * the last part sends them all, or fails and leaves them staged.
 *
 * Receiving: a frame is popped under L; a short body is copied to the caller's buffer
 * there, a longer one leaves as a reference to its block or its chunk, and is copied,
 * if it must be, without L. Whole messages a call: parts.c; many: batch.c.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "socket/data.h"

enum { PARTS_ON_STACK = 16, LOOK_AFTER = 100 };

/* Before a call that may end with EAGAIN: who goes on until then need not read EVENTS,
 * too, for FD to be quiet. */
static void
quiet_fd(fmq__hub *h)
{
    if (h->is_fd_exported) {
        fmq__hub_answer_ring(h);
    }
}

/* --- sending --- */

typedef struct outgoing {
    const fmq__outpart *parts;
    size_t n;
} outgoing;

static int
attempt_send(fmq__hub *h, void *arg)
{
    const outgoing *o = arg;

    return h->pattern->ops->send(h->pattern, o->parts, o->n);
}

static int
attempt_check(fmq__hub *h, void *arg)
{
    return h->pattern->ops->check_send(h->pattern, arg);
}

/* FMQ__WAIT_ASKS where a call has a deadline, and signals are asked for. */
static unsigned
asks(const uint64_t *deadline_ns)
{
    return deadline_ns != NULL && fmq__spin_is_to_ask() ? FMQ__WAIT_ASKS : 0;
}

/* After `attempt` said EAGAIN: makes room, or waits for some. `*deadline_ns` is the
 * caller's; NULL: SNDTIMEO. */
static int
send_slowly(fmq__socket *s, int (*attempt)(fmq__hub *, void *), void *arg, int flags,
            const uint64_t *deadline_ns)
{
    fmq__hub *h = &s->hub;
    uint64_t deadline;
    int err;

    fmq__hub_count_call(h);
    if (flags & FMQ_DONTWAIT) {
        quiet_fd(h);
    }
    fmq__hub_take_notes(h);
    if ((flags & FMQ_TRY) && fmq__help_is_needed(h)) {
        return FMQ_EBUSY_TRY;
    }
    fmq__hub_write_dirty(h);
    err = attempt(h, arg);
    if (err == EAGAIN) {
        fmq__hub_look(h);
        err = attempt(h, arg);
    }
    if (err != EAGAIN || (flags & FMQ_DONTWAIT)) {
        return err;
    }
    if (flags & FMQ_TRY) {
        return FMQ_EBUSY_TRY;
    }
    deadline =
        deadline_ns != NULL ? *deadline_ns : fmq__deadline_ns(s->opt.sndtimeo_ms);
    return fmq__hub_wait(h, FMQ__DIR_OUT, attempt, arg, deadline,
                         FMQ__WAIT_LOOKED | asks(deadline_ns));
}

int
fmq__data_queue(fmq__socket *s, const fmq__outpart *parts, size_t n, int flags,
                const uint64_t *deadline_ns)
{
    outgoing o = {parts, n};
    fmq__hub *h = &s->hub;
    int err = h->pattern->ops->send(h->pattern, parts, n);

    if (err == EAGAIN) {
        err = send_slowly(s, attempt_send, &o, flags, deadline_ns);
    }
    if (!fmq__list_is_empty(&h->resuming)) {
        (void)fmq__hub_resume_all(h); /* REQ has thrown stale replies away */
    }
    return err;
}

void
fmq__data_sent(fmq__hub *h, uint64_t now_ns)
{
    fmq__hub_sent(h, now_ns);
    if (fmq__hub_has_waiters(h)) {
        fmq__hub_pass_on(h);
    }
}

static int
send_message(fmq__socket *s, const fmq__outpart *parts, size_t n, int flags,
             const uint64_t *deadline_ns, uint64_t now_ns)
{
    int err = fmq__data_queue(s, parts, n, flags, deadline_ns);

    if (err == 0) {
        fmq__data_sent(&s->hub, now_ns);
    }
    return err;
}

/* What the pattern sees of a message part. */
static fmq__outpart
outpart_of(fmq__msg *m)
{
    fmq__outpart p = {fmq__msg_data(m), fmq__msg_len(m), NULL};

    if (m->kind == FMQ__MSG_BODY) {
        p.body = m->u.ref.body;
    }
    return p;
}

void
fmq__staged_drop(fmq__staged *t)
{
    for (size_t i = 0; i < t->n; i++) {
        fmq__msg_close(&t->part[i]);
    }
    fmq__free(t->part);
    *t = (fmq__staged){NULL, 0, 0};
}

static int
staged_reserve(fmq__staged *t, size_t more)
{
    size_t need = t->n + more;
    fmq__msg *grown;

    if (need <= t->cap) {
        return 0;
    }
    grown = fmq__realloc(t->part, 2 * need * sizeof(*grown));
    if (grown == NULL) {
        return ENOMEM;
    }
    t->part = grown;
    t->cap = 2 * need;
    return 0;
}

/* Stages parts that are not the last of their message; takes their contents. */
static int
stage(fmq__socket *s, fmq__msg *parts, size_t n, int flags, const uint64_t *deadline_ns)
{
    fmq__staged *t = &s->staged;
    fmq__outpart first;
    int err = 0;

    if (t->n == 0) {
        first = outpart_of(&parts[0]);
        err = attempt_check(&s->hub, &first);
        if (err == EAGAIN) {
            err = send_slowly(s, attempt_check, &first, flags, deadline_ns);
        }
    }
    if (err == 0) {
        err = fmq__hub_state(&s->hub); /* L was dropped, maybe */
    }
    if (err == 0) {
        err = staged_reserve(t, n);
    }
    if (err != 0) {
        return err;
    }
    memcpy(t->part + t->n, parts, n * sizeof(*parts));
    memset(parts, 0, n * sizeof(*parts));
    t->n += n;
    return 0;
}

/* Fills `out` with the staged parts and these behind them. */
static void
line_up(const fmq__staged *t, fmq__msg *parts, size_t n, fmq__outpart *out)
{
    for (size_t i = 0; i < t->n; i++) {
        out[i] = outpart_of(&t->part[i]);
    }
    for (size_t i = 0; i < n; i++) {
        out[t->n + i] = outpart_of(&parts[i]);
    }
}

/* Sends what is staged and `parts` as one message; `*used` are the staged parts, to be
 * dropped without L. */
static int
send_all(fmq__socket *s, fmq__msg *parts, size_t n, int flags,
         const uint64_t *deadline_ns, uint64_t now_ns, fmq__staged *used)
{
    fmq__outpart on_stack[PARTS_ON_STACK];
    fmq__outpart *out = on_stack;
    fmq__staged mine = s->staged;
    size_t total = mine.n + n;
    int err;

    if (total > PARTS_ON_STACK) {
        out = fmq__calloc(total, sizeof(*out));
        if (out == NULL) {
            return ENOMEM;
        }
    }
    /* L may be dropped while this waits: the staged parts are ours meanwhile. */
    s->staged = (fmq__staged){NULL, 0, 0};
    line_up(&mine, parts, n, out);
    err = send_message(s, out, total, flags, deadline_ns, now_ns);
    if (err == 0 || s->hub.is_closed) {
        *used = mine;
    } else if (s->staged.n == 0) {
        fmq__staged none = s->staged;

        s->staged = mine;
        *used = none;
    } else {
        *used = mine; /* another thread has begun a message of its own meanwhile */
    }
    if (out != on_stack) {
        fmq__free(out);
    }
    return err;
}

/* Whether these parts are the last that a message can have. */
static bool
is_whole(const fmq__socket *s, size_t n)
{
    size_t n_parts = s->hub.pattern->ops->n_parts;

    return n_parts != 0 && s->staged.n + n >= n_parts;
}

/* A message of a type that has but one part; whom it is for goes before it. */
static int
send_single(fmq__socket *s, fmq__msg *parts, size_t n, int flags,
            const uint64_t *deadline_ns, uint64_t now_ns)
{
    fmq__pattern *p = s->hub.pattern;
    fmq__outpart out[2];

    if (n != 1 || (flags & FMQ_SNDMORE) != 0) {
        return p->ops->check_send(p, NULL);
    }
    out[1] = outpart_of(&parts[0]);
    if (p->ops->address == NULL) {
        return send_message(s, &out[1], 1, flags, deadline_ns, now_ns);
    }
    out[0] = p->ops->address(&parts[0]);
    return send_message(s, out, 2, flags, deadline_ns, now_ns);
}

int
fmq__socket_sendv(fmq_socket handle, fmq__msg *parts, size_t n, int flags,
                  const uint64_t *deadline_ns)
{
    uint64_t now_ns = fmq__clock_fast_ns();
    fmq__staged used = {NULL, 0, 0};
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    if (s->hub.pattern->ops->is_single) {
        err = send_single(s, parts, n, flags, deadline_ns, now_ns);
    } else if ((flags & FMQ_SNDMORE) && !is_whole(s, n)) {
        err = stage(s, parts, n, flags, deadline_ns);
    } else {
        err = send_all(s, parts, n, flags, deadline_ns, now_ns, &used);
    }
    fmq__socket_leave(s);
    fmq__staged_drop(&used);
    if (err == 0) {
        for (size_t i = 0; i < n; i++) {
            fmq__msg_close(&parts[i]);
        }
    }
    return err;
}

/* One part that is a message by itself, not longer than what queues copy. */
static int
send_short(fmq_socket handle, const void *data, size_t len, int flags)
{
    const fmq__outpart part = {data, len, NULL};
    uint64_t now_ns = fmq__clock_fast_ns();
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    if (s->staged.n != 0) {
        err = -1; /* it is the end of a longer one */
    } else {
        err = send_message(s, &part, 1, flags, NULL, now_ns);
    }
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_send(fmq_socket handle, const void *data, size_t len, int flags)
{
    fmq__msg m;
    int err = -1;

    if (len <= FMQ__FQ_INLINE_MAX && (flags & FMQ_SNDMORE) == 0) {
        err = send_short(handle, data, len, flags);
    }
    if (err != -1) {
        return err;
    }
    err = fmq__msg_init_copy(&m, data, len);
    if (err != 0) {
        return err;
    }
    err = fmq__socket_sendv(handle, &m, 1, flags, NULL);
    fmq__msg_close(&m);
    return err;
}

/* Whether queues may copy it. */
static bool
is_short(const fmq__msg *m)
{
    return fmq__msg_len(m) <= FMQ__FQ_INLINE_MAX &&
           (m->kind != FMQ__MSG_BODY || m->u.ref.body->kind != FMQ__BODY_KEPT);
}

int
fmq__socket_send_msg(fmq_socket handle, fmq__msg *m, int flags)
{
    int err = -1;

    if (is_short(m) && (flags & FMQ_SNDMORE) == 0 && !fmq__msg_is_addressed(m)) {
        err = send_short(handle, fmq__msg_data(m), fmq__msg_len(m), flags);
    }
    if (err == -1) {
        return fmq__socket_sendv(handle, m, 1, flags, NULL);
    }
    if (err == 0) {
        fmq__msg_close(m);
    }
    return err;
}

/* --- receiving --- */

static int
attempt_recv(fmq__hub *h, void *arg)
{
    fmq__incoming *in = arg;

    return fmq__pattern_recv(h->pattern, &in->frame, &in->from);
}

/* Whether the only peer was sent something just now, and cannot have answered, as it
 * has to run on this processor. */
static bool
is_peers_turn(const fmq__hub *h)
{
    return h->flush.has_answered && h->n_established == 1 &&
           fmq__spin_is_in_turn(&h->spin);
}

int
fmq__data_recv_slowly(fmq__socket *s, int (*attempt)(fmq__hub *, void *), void *arg,
                      int flags, const uint64_t *deadline_ns)
{
    fmq__hub *h = &s->hub;
    bool is_in_vain;
    uint64_t deadline;
    int err;

    h->flush.has_turned = true;
    if (flags & FMQ_DONTWAIT) {
        quiet_fd(h);
    }
    fmq__hub_take_notes(h);
    if ((flags & FMQ_TRY) && fmq__help_is_needed(h)) {
        return FMQ_EBUSY_TRY;
    }
    is_in_vain = is_peers_turn(h);
    h->flush.has_answered = false;
    if ((flags & (FMQ_TRY | FMQ_DONTWAIT)) == FMQ_TRY && is_in_vain) {
        return FMQ_EBUSY_TRY;
    }
    fmq__hub_hold_rings(h);
    if (deadline_ns == NULL || !fmq__hub_sleep_looks(h)) {
        fmq__hub_look(h); /* else the wait does so, also one that is over at once */
    }
    err = attempt(h, arg);
    fmq__hub_give_rings(h);
    if (err != EAGAIN || (flags & FMQ_DONTWAIT)) {
        return err;
    }
    if (flags & FMQ_TRY) {
        return FMQ_EBUSY_TRY;
    }
    deadline =
        deadline_ns != NULL ? *deadline_ns : fmq__deadline_ns(s->opt.rcvtimeo_ms);
    return fmq__hub_wait(h, FMQ__DIR_IN, attempt, arg, deadline,
                         FMQ__WAIT_LOOKED | asks(deadline_ns));
}

int
fmq__data_recv_frame(fmq__socket *s, fmq__incoming *in, int flags,
                     const uint64_t *deadline_ns)
{
    int err;

    fmq__hub_count_call(&s->hub);
    err = fmq__pattern_recv(s->hub.pattern, &in->frame, &in->from);
    if (err == EAGAIN) {
        err = fmq__data_recv_slowly(s, attempt_recv, in, flags, deadline_ns);
    }
    if (err == 0) {
        s->rcvmore = (in->frame.flags & FMQ__MORE) != 0;
    }
    return err;
}

void
fmq__data_after_recv(fmq__socket *s)
{
    fmq__hub *h = &s->hub;

    if (!fmq__list_is_empty(&h->resuming)) {
        (void)fmq__hub_resume_all(h);
    }
    /* Inproc peers fill their pipes themselves: while they go on doing so, nobody would
     * come to read the connections. */
    if (h->n_established != 0 && !fmq__list_is_empty(&s->inprocs) &&
        ++s->n_unlooked >= LOOK_AFTER) {
        s->n_unlooked = 0;
        fmq__hub_look(h);
    }
    if (fmq__hub_has_waiters(h)) {
        fmq__hub_pass_on(h);
    }
}

void
fmq__data_hold_frame(const fmq__incoming *in, fmq__msg *m)
{
    const fmq__frame *f = &in->frame;

    if (f->len <= FMQ__MSG_INLINE_MAX && !f->is_ref) {
        (void)fmq__msg_init_copy(m, f->data, f->len); /* needs no memory */
    } else {
        if (!f->is_ref) {
            fmq__body_hold(f->body);
        }
        fmq__msg_init_body(m, f->body, (uint8_t *)(uintptr_t)f->data, f->len);
    }
    m->flags = f->flags & FMQ__MORE;
    if (in->from->props != NULL) {
        fmq__msg_set_props(m, in->from->props);
    }
}

int
fmq__socket_recv(fmq_socket handle, void *buf, size_t cap, fmq__msg *m, fmq_part *part,
                 int flags, const uint64_t *deadline_ns)
{
    fmq__socket *s;
    fmq__incoming in;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    err = fmq__data_recv_frame(s, &in, flags, deadline_ns);
    if (err == 0) {
        part->len = in.frame.len;
        part->more = (in.frame.flags & FMQ__MORE) != 0;
        part->is_in_buf =
            !in.frame.is_ref && in.frame.len <= FMQ__COPY_MAX && in.frame.len <= cap;
        if (!part->is_in_buf) {
            fmq__data_hold_frame(&in, m);
        } else if (in.frame.len != 0) {
            memcpy(buf, in.frame.data, in.frame.len);
        }
        fmq__data_after_recv(s);
    }
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_recv_msg(fmq_socket handle, fmq__msg *m, int flags,
                     const uint64_t *deadline_ns)
{
    fmq__socket *s;
    fmq__msg got;
    fmq__incoming in;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    err = fmq__data_recv_frame(s, &in, flags, deadline_ns);
    if (err == 0) {
        fmq__data_hold_frame(&in, &got);
        fmq__data_sign(&s->hub, &got);
        fmq__data_after_recv(s);
    }
    fmq__socket_leave(s);
    if (err == 0) {
        fmq__msg_settle(&got);
        fmq__msg_move(m, &got);
    }
    return err;
}
