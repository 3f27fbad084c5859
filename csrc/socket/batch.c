/* SPDX-License-Identifier: Apache-2.0 */
/* Many messages a call, each as if it were sent or received by itself: what is saved is
 * the way in and out, and a flush for each. L is let go of every AT_ONCE messages, for
 * others. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "socket/data.h"

enum { AT_ONCE = 32 };

/* --- sending --- */

/* Whether it can go the short way. */
static bool
is_short(const fmq__socket *s, const fmq_piece *piece)
{
    return piece->len <= FMQ__FQ_INLINE_MAX && s->staged.n == 0;
}

/* Queues the first of `n` messages, as many as go at once; EAGAIN means that the next
 * one has to wait, and -1 that it is not short. */
static int
queue_some(fmq__socket *s, const fmq_piece *pieces, size_t n, size_t *n_queued)
{
    const fmq__pattern_ops *ops = s->hub.pattern->ops;
    int err = 0;
    size_t i;

    for (i = 0; i < n && err == 0; i++) {
        fmq__outpart part = {pieces[i].data, pieces[i].len, NULL};

        if (!is_short(s, &pieces[i])) {
            err = -1;
        } else {
            err = ops->send(s->hub.pattern, &part, 1);
        }
    }
    *n_queued = err == 0 ? i : i - 1;
    return err;
}

/* Sends up to AT_ONCE messages; waits for room only if there is none for the first. */
static int
send_some(fmq_socket handle, const fmq_piece *pieces, size_t n, int flags,
          const uint64_t *deadline_ns, bool is_end, size_t *n_sent)
{
    uint64_t now_ns = fmq__clock_fast_ns();
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    *n_sent = 0;
    if (err != 0) {
        return err;
    }
    err = queue_some(s, pieces, n, n_sent);
    if (err == EAGAIN && *n_sent == 0) {
        fmq__outpart part = {pieces[0].data, pieces[0].len, NULL};

        err = fmq__data_queue(s, &part, 1, flags, deadline_ns);
        *n_sent = err == 0;
    }
    if (*n_sent != 0) {
        if (err == EAGAIN) {
            err = 0; /* the next call sees to that one */
        }
        if (!fmq__list_is_empty(&s->hub.resuming)) {
            (void)fmq__hub_resume_all(&s->hub);
        }
        if (is_end || err != 0) {
            fmq__data_sent(&s->hub, now_ns);
        }
    }
    fmq__socket_leave(s);
    return err;
}

/* One that is long, or the end of what was sent with SNDMORE. */
static int
send_long(fmq_socket handle, const fmq_piece *piece, int flags,
          const uint64_t *deadline_ns)
{
    fmq__msg m;
    int err = fmq__msg_init_copy(&m, piece->data, piece->len);

    if (err == 0) {
        err = fmq__socket_sendv(handle, &m, 1, flags, deadline_ns);
        fmq__msg_close(&m);
    }
    return err;
}

/* What was queued is not to lie there because no end came after it. This waits for L
 * even with FMQ_TRY: nobody has it for long. */
static void
end_early(fmq_socket handle)
{
    uint64_t now_ns = fmq__clock_fast_ns();
    fmq__socket *s;

    if (fmq__socket_enter_open(handle, false, &s) == 0) {
        fmq__data_sent(&s->hub, now_ns);
        fmq__socket_leave(s);
    }
}

int
fmq__socket_send_many(fmq_socket handle, const fmq_piece *pieces, size_t n, int flags,
                      const uint64_t *deadline_ns, size_t *n_sent)
{
    size_t done = 0;
    bool is_open = false; /* something is queued, and the end is to see to it */
    int err = 0;

    flags &= ~FMQ_SNDMORE;
    while (done < n && err == 0) {
        size_t left = n - done;
        size_t now = left < AT_ONCE ? left : AT_ONCE;
        size_t sent;

        err = send_some(handle, pieces + done, now, flags, deadline_ns, now == left,
                        &sent);
        done += sent;
        if (sent != 0) {
            is_open = now < left && err == 0;
        }
        if (err == -1) {
            err = send_long(handle, pieces + done, flags, deadline_ns);
            done += err == 0;
            is_open = is_open && err != 0;
        }
    }
    if (is_open) {
        end_early(handle);
    }
    *n_sent = done;
    return err;
}

/* --- receiving --- */

/* A batch on its way to the caller. */
typedef struct batch {
    uint8_t *buf;
    size_t cap;
    fmq__msg *msgs;
    fmq_part *parts;
    size_t n;
    size_t max;
} batch;

static void
put(batch *b, const fmq__incoming *in)
{
    const fmq__frame *f = &in->frame;
    fmq_part *part = &b->parts[b->n];

    part->len = f->len;
    part->more = (f->flags & FMQ__MORE) != 0;
    part->is_in_buf = !f->is_ref && f->len <= FMQ__COPY_MAX && f->len <= b->cap;
    if (!part->is_in_buf) {
        fmq__data_hold_frame(in, &b->msgs[b->n]);
    } else if (f->len != 0) {
        memcpy(b->buf, f->data, f->len);
        b->buf += f->len;
        b->cap -= f->len;
    }
    b->n++;
}

/* Receives up to AT_ONCE parts; waits only for the first of all. */
static int
recv_some(fmq_socket handle, batch *b, int flags, const uint64_t *deadline_ns)
{
    size_t end = b->max - b->n < AT_ONCE ? b->max : b->n + AT_ONCE;
    fmq__incoming in;
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    if (b->n == 0) {
        err = fmq__data_recv_frame(s, &in, flags, deadline_ns);
    } else {
        err = fmq__pattern_recv(s->hub.pattern, &in.frame, &in.from);
    }
    while (err == 0) {
        put(b, &in);
        if (b->n == end) {
            break;
        }
        err = fmq__pattern_recv(s->hub.pattern, &in.frame, &in.from);
    }
    if (b->n != 0) {
        s->rcvmore = b->parts[b->n - 1].more;
        fmq__data_after_recv(s);
    }
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_recv_many(fmq_socket handle, void *buf, size_t cap, fmq__msg *msgs,
                      fmq_part *parts, size_t max, size_t *n, int flags,
                      const uint64_t *deadline_ns)
{
    batch b = {buf, cap, msgs, parts, 0, max};
    int err = 0;

    while (b.n < max && err == 0) {
        err = recv_some(handle, &b, flags, deadline_ns);
    }
    *n = b.n;
    return b.n != 0 ? 0 : err;
}
