/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages of several parts a call. What is short costs no memory: bytes that are
 * sent are copied to the queue from where the caller has them, and who only looks at
 * what came gets references to where it lies in the queue. */
#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "socket/data.h"

enum { PIECES_ON_STACK = 16, PARTS_EXPECTED = 4 };

/* --- sending --- */

/* Whether queues may copy them all. */
static bool
are_short(const fmq_piece *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > FMQ__FQ_INLINE_MAX) {
            return false;
        }
    }
    return true;
}

/* Sends up to PIECES_ON_STACK short ones; -1: not this way, as there is something else
 * about the message. */
static int
send_short(fmq_socket handle, const fmq_piece *parts, size_t n, int flags)
{
    uint64_t now_ns = fmq__clock_fast_ns();
    fmq__outpart out[PIECES_ON_STACK];
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    if (s->staged.n != 0 || s->hub.pattern->ops->is_single) {
        err = -1;
    } else {
        for (size_t i = 0; i < n; i++) {
            out[i] = (fmq__outpart){parts[i].data, parts[i].len, NULL};
        }
        err = fmq__data_queue(s, out, n, flags, NULL);
        if (err == 0) {
            fmq__data_sent(&s->hub, now_ns);
        }
    }
    fmq__socket_leave(s);
    return err;
}

/* Sends copies. */
static int
send_copies(fmq_socket handle, const fmq_piece *parts, size_t n, int flags)
{
    fmq__msg *copies = fmq__calloc(n, sizeof(*copies));
    int err = copies == NULL ? ENOMEM : 0;
    size_t n_made = 0;

    while (err == 0 && n_made < n) {
        err =
            fmq__msg_init_copy(&copies[n_made], parts[n_made].data, parts[n_made].len);
        n_made += err == 0;
    }
    if (err == 0) {
        err = fmq__socket_sendv(handle, copies, n, flags, NULL);
    }
    for (size_t i = 0; i < n_made; i++) {
        fmq__msg_close(&copies[i]);
    }
    fmq__free(copies);
    return err;
}

int
fmq__socket_send_pieces(fmq_socket handle, const fmq_piece *parts, size_t n, int flags)
{
    int err = -1;

    if (n <= PIECES_ON_STACK && (flags & FMQ_SNDMORE) == 0 && are_short(parts, n)) {
        err = send_short(handle, parts, n, flags);
    }
    return err == -1 ? send_copies(handle, parts, n, flags) : err;
}

/* --- receiving --- */

/* The parts of one message; `few` is not to be freed. */
typedef struct whole {
    fmq__msg *part;
    size_t n;
    size_t cap;
    fmq__msg *few;
} whole;

static void
whole_free(whole *w)
{
    if (w->part != w->few) {
        fmq__free(w->part);
    }
}

/* Makes room; there are no parts yet. */
static int
whole_reserve(whole *w, size_t cap)
{
    fmq__msg *part;

    if (cap <= w->cap) {
        return 0;
    }
    part = fmq__calloc(cap, sizeof(*part));
    if (part == NULL) {
        return ENOMEM;
    }
    whole_free(w);
    w->part = part;
    w->cap = cap;
    return 0;
}

/* Takes all parts, or, without memory for them, none. */
static int
attempt_recv_whole(fmq__hub *h, void *arg)
{
    whole *w = arg;
    fmq__incoming in;
    int err = fmq__pattern_begin(h->pattern, &in.from);

    if (err == 0) {
        err = whole_reserve(w, fmq__pattern_count_parts(h->pattern));
    }
    if (err != 0) {
        return err;
    }
    do {
        (void)fmq__pattern_recv(h->pattern, &in.frame, &in.from); /* it is there */
        fmq__data_hold_frame(&in, &w->part[w->n]);
        fmq__data_sign(h, &w->part[w->n++]);
    } while (in.frame.flags & FMQ__MORE);
    return 0;
}

/* Receives the parts of a message, or nothing. */
static int
recv_whole(fmq_socket handle, whole *w, int flags, const uint64_t *deadline_ns)
{
    fmq__socket *s;
    int err = fmq__socket_enter_open(handle, (flags & FMQ_TRY) != 0, &s);

    if (err != 0) {
        return err;
    }
    fmq__hub_count_call(&s->hub);
    err = attempt_recv_whole(&s->hub, w);
    if (err == EAGAIN) {
        err = fmq__data_recv_slowly(s, attempt_recv_whole, w, flags, deadline_ns);
    }
    if (err == 0) {
        s->rcvmore = false;
        fmq__data_after_recv(s);
    }
    fmq__socket_leave(s);
    return err;
}

int
fmq__socket_recvv(fmq_socket handle, fmq__msg **parts, size_t *n_parts, int flags,
                  const uint64_t *deadline_ns)
{
    whole w = {NULL, 0, 0, NULL};
    int err = whole_reserve(&w, PARTS_EXPECTED); /* rather than under L */

    if (err == 0) {
        err = recv_whole(handle, &w, flags, deadline_ns);
    }
    if (err != 0) {
        whole_free(&w);
        return err;
    }
    for (size_t i = 0; i < w.n; i++) {
        fmq__msg_settle(&w.part[i]);
    }
    *parts = w.part;
    *n_parts = w.n;
    return 0;
}

int
fmq__socket_recv_parts(fmq_socket handle, fmq_parts *parts, int flags,
                       const uint64_t *deadline_ns)
{
    fmq__msg *few = fmq__msg_from(parts->few);
    whole w = {few, 0, FMQ_FEW_PARTS, few};
    int err = recv_whole(handle, &w, flags, deadline_ns);

    if (err != 0) {
        whole_free(&w);
        w.part = few;
    }
    parts->part = (fmq_msg *)(void *)w.part;
    parts->n = w.n;
    return err;
}
