/* SPDX-License-Identifier: Apache-2.0 */
/* The write turn: what is committed in the pipe's queue goes to the kernel as it lies.
 *
 * Under L the turn takes a snapshot of the queue's end and of the counts; without L it
 * gathers and writes; under L it accounts. Appending meanwhile is fine: it only touches
 * what is behind the snapshot. Control frames go first, but only where a message ends:
 * while one waits, a round that begins inside a message goes no further than its end.
 *
 * A session is on the dirty list exactly if it has something to write, can write (the
 * kernel has not said "enough"), and nobody is writing.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "session/raw.h"
#include "session/session.h"
#include "wire/frame.h"
#include "wire/oldframe.h"

enum {
    WRITE_BYTES = 256 * 1024, /* in one system call */
    WRITE_IOV = 64,
    CALLER_ROUNDS = 64, /* then others get their turn */
    IO_ROUNDS = 4,      /* the same on the I/O thread: the application may go on */
    RETRY_BYTES = 64 * 1024
};

/* One system call of the write turn. */
typedef struct write_round {
    fmq__fq_pos end;
    size_t max_bytes;
    uint32_t n_out; /* messages before `end` */
    size_t out_bytes;
    uint8_t ctl[FMQ__SESSION_CTL_MAX];
    size_t ctl_len;
    /* results */
    int err;
    size_t ctl_sent;
    uint32_t n_sent;
    size_t bytes_sent;
    bool is_all;     /* everything up to `end` went */
    bool is_short;   /* the kernel took less than was offered */
    bool is_starved; /* and has no memory for more */
} write_round;

static bool
is_at_border(const fmq__fq_reader *r)
{
    return r->frame_left == 0 && !r->is_in_message;
}

static inline bool
has_output(const fmq__session *s)
{
    const fmq__netpipe *net = &s->peer->net;

    return s->ctl_len != 0 || s->has_extra ||
           !fmq__fq_is_at(&net->out_r, net->out_w.end);
}

void
fmq__session_mark_dirty(fmq__session *s)
{
    fmq__flush *f = &s->hub->flush;

    if (s->phase == FMQ__ESTABLISHED && !s->is_out_broken && !s->is_writing &&
        (!s->wants_out || s->peer->net.out_bytes >= s->retry_bytes) &&
        !fmq__list_is_linked(&s->dirty_node) && has_output(s)) {
        fmq__list_push_back(&f->dirty, &s->dirty_node);
        f->n_dirty++;
    }
}

static void
unmark_dirty(fmq__session *s)
{
    if (fmq__list_is_linked(&s->dirty_node)) {
        fmq__list_remove(&s->dirty_node);
        s->hub->flush.n_dirty--;
    }
}

void
fmq__session_control(fmq__session *s, const uint8_t *frame, size_t len)
{
    if (s->phase != FMQ__ESTABLISHED || s->ctl_len + len > sizeof(s->ctl)) {
        return;
    }
    memcpy(s->ctl + s->ctl_len, frame, len);
    s->ctl_len += len;
    fmq__session_mark_dirty(s);
    fmq__hub_ask(s->hub, FMQ__WORK_FLUSH);
}

/* A kernel that has no memory just now is one that takes nothing now; but it will not
 * say when it does again. */
static void
note_starved(write_round *r)
{
    if (r->err == ENOBUFS || r->err == ENOMEM) {
        r->is_starved = true;
        r->err = EAGAIN;
    }
}

/* Writes the bodies of what was gathered: how many bytes of the queue that is. */
static size_t
write_raw(fmq__session *s, write_round *r, const struct iovec *run, int n_runs)
{
    fmq__rawspan span;
    size_t sent = 0;

    fmq__raw_strip(&span, s->peer->net.out_r.frame_left, run, n_runs);
    if (span.n != 0) {
        r->err = fmq__stream_writev(s->fd, span.iov, span.n, &sent);
        if (r->err != 0) {
            return 0;
        }
    }
    r->is_short = sent < span.bytes;
    return fmq__raw_consumed(&span, sent);
}

/* Writes what is in the buffer for an old peer. */
static void
empty_old(fmq__session *s, write_round *r)
{
    fmq__old *o = s->old;
    struct iovec iov = {o->bytes + o->at, o->len - o->at};
    size_t sent = 0;

    if (iov.iov_len != 0) {
        r->err = fmq__stream_writev(s->fd, &iov, 1, &sent);
        o->at += sent;
    }
    s->has_extra = o->at < o->len;
    r->is_short = s->has_extra;
}

/* Puts what was gathered into the buffer for an old peer, and writes what it takes of
 * it: how many bytes of the queue that was. */
static size_t
write_old(fmq__session *s, write_round *r, const struct iovec *run, int n_runs)
{
    size_t taken = fmq__old_fill(s->old, run, n_runs);

    empty_old(s, r);
    note_starved(r);
    if (r->err == EAGAIN) {
        r->err = 0; /* it has left the queue */
    }
    return taken;
}

/* HELLO_MSG goes before everything else, in a round of its own. */
static void
run_hello_round(fmq__session *s, write_round *r)
{
    uint8_t head[FMQ__OLDFRAME_LONG_HEADER];
    size_t head_len = fmq__session_is_old(s)
                          ? fmq__oldframe_put_header(head, 0, s->hello.len)
                          : fmq__frame_put_header(head, 0, s->hello.len);
    size_t at = s->hello_sent;
    size_t sent = 0;
    struct iovec iov[2];
    int n = 0;

    if (at < head_len) {
        iov[n++] = (struct iovec){head + at, head_len - at};
        at = head_len;
    }
    at -= head_len;
    iov[n++] = (struct iovec){s->hello.data + at, s->hello.len - at};
    r->err = fmq__stream_writev(s->fd, iov, n, &sent);
    if (r->err != 0) {
        return;
    }
    s->hello_sent += sent;
    if (s->hello_sent == head_len + s->hello.len) {
        fmq__blob_drop(&s->hello);
        s->has_extra = false;
    } else {
        r->is_short = true;
    }
}

/* Gathers, writes and moves the reading half; without L. */
static void
run_round(fmq__session *s, write_round *r)
{
    fmq__fq_reader *from = &s->peer->net.out_r;
    struct iovec iov[WRITE_IOV + 1];
    size_t offered;
    size_t sent = 0;
    int first = r->ctl_len != 0 ? 1 : 0;
    int n_iov = 0;

    offered =
        fmq__fq_gather(from, r->end, iov + first, WRITE_IOV, r->max_bytes, &n_iov);
    if (s->form == FMQ__FORM_FRAMES) {
        if (first != 0) {
            iov[0].iov_base = r->ctl;
            iov[0].iov_len = r->ctl_len;
        }
        r->err = fmq__stream_writev(s->fd, iov, n_iov + first, &sent);
        r->is_short = sent < offered + r->ctl_len;
    } else if (s->form == FMQ__FORM_OLD) {
        sent = write_old(s, r, iov, n_iov);
    } else {
        sent = write_raw(s, r, iov, n_iov);
    }
    if (r->err != 0) {
        return;
    }
    r->ctl_sent = sent < r->ctl_len ? sent : r->ctl_len;
    sent -= r->ctl_sent;
    r->bytes_sent = sent;
    if (sent != 0) {
        r->n_sent = fmq__fq_consume(from, sent);
    }
    r->is_all = fmq__fq_is_at(from, r->end);
    if (r->is_all) {
        r->n_sent = r->n_out;
    }
}

/* Seals, and writes that. What the kernel leaves is kept, so it is no error that it
 * took nothing. */
static void
run_sealed_round(fmq__session *s, write_round *r)
{
    fmq__netpipe *net = &s->peer->net;
    const fmq__egress_job job = {
        .hello = s->hello.data,
        .hello_len = s->hello.len,
        .own = r->ctl,
        .own_len = r->ctl_len,
        .end = r->end,
        .max_bytes = r->max_bytes,
        .is_single = net->pipe.conflates_out,
    };
    fmq__egress_done done;

    r->err = fmq__egress_write(s->egress, s->fd, &net->out_r, &job, &done);
    note_starved(r);
    if (r->err == EAGAIN && fmq__egress_has_kept(s->egress)) {
        r->err = 0;
    }
    if (r->err != 0) {
        return;
    }
    if (done.has_taken_own) {
        if (s->hello.body != NULL) {
            fmq__blob_drop(&s->hello);
        } else {
            r->ctl_sent = r->ctl_len;
        }
    }
    r->is_short = done.is_short;
    r->bytes_sent = done.n_bytes;
    r->n_sent = done.n_messages;
    r->is_all = fmq__fq_is_at(&net->out_r, r->end);
    if (r->is_all) {
        r->n_sent = r->n_out;
    }
    s->has_extra = s->hello.body != NULL || fmq__egress_has_kept(s->egress);
}

/* One system call of the turn, for what goes first; without L. */
static void
run_next(fmq__session *s, write_round *r)
{
    if (s->form == FMQ__FORM_SEALED) {
        run_sealed_round(s, r);
    } else if (!s->has_extra) {
        run_round(s, r);
    } else if (s->hello.body != NULL) {
        run_hello_round(s, r);
    } else {
        empty_old(s, r);
    }
    if (r->err == 0) {
        return;
    }
    note_starved(r);
    if (r->err != EAGAIN) {
        /* So that whoever reads comes to an end, whatever the peer does. */
        (void)shutdown(s->fd, SHUT_RDWR);
    }
}

/* Takes the snapshot; under L. */
static void
begin_round(fmq__session *s, write_round *r)
{
    fmq__netpipe *net = &s->peer->net;

    r->end = net->out_w.end;
    r->n_out = net->n_out;
    r->out_bytes = net->out_bytes;
    r->max_bytes = s->form != FMQ__FORM_OLD ? WRITE_BYTES : FMQ__OLD_BYTES;
    r->ctl_len = 0;
    if (s->ctl_len != 0 && is_at_border(&net->out_r)) {
        memcpy(r->ctl, s->ctl, s->ctl_len);
        r->ctl_len = s->ctl_len;
    } else if (s->ctl_len != 0) {
        r->max_bytes = fmq__fq_cut_left(&net->out_r, WRITE_BYTES);
    }
    r->err = 0;
    r->ctl_sent = 0;
    r->n_sent = 0;
    r->bytes_sent = 0;
    r->is_all = false;
    r->is_short = false;
    r->is_starved = false;
}

/* The kernel has enough: its word that there is room is waited for - or, if the sender
 * goes on, one more attempt is made every RETRY_BYTES. Without memory it says all the
 * while that there is room: then the ticks try again. */
static void
want_out(fmq__session *s, const write_round *r)
{
    if (r->is_starved) {
        fmq__hub_write_later(s->hub);
        return;
    }
    s->wants_out = true;
    s->retry_bytes = s->peer->net.out_bytes + RETRY_BYTES;
}

/* Accounts; under L. False: no further round now. */
static bool
end_round(fmq__session *s, const write_round *r)
{
    fmq__netpipe *net = &s->peer->net;

    if (r->err != 0) {
        if (r->err == EAGAIN) {
            want_out(s, r);
        } else {
            fmq__session_break_out(s); /* the read side will tell why */
        }
        return false;
    }
    if (r->ctl_sent != 0) {
        s->ctl_len -= r->ctl_sent;
        memmove(s->ctl, s->ctl + r->ctl_sent, s->ctl_len);
    }
    if (r->n_sent != 0 || r->bytes_sent != 0) {
        fmq__netpipe_written(net, r->n_sent, r->is_all ? r->out_bytes : r->bytes_sent);
    }
    if (r->is_short) {
        want_out(s, r);
        fmq__hub_count_piece(s->hub, r->bytes_sent);
        return false;
    }
    return has_output(s);
}

void
fmq__session_finish(fmq__session *s)
{
    if (s->phase != FMQ__ESTABLISHED) {
        return;
    }
    s->is_lasting = true;
    s->is_given_up = true;
    if (!s->is_writing && (s->is_out_broken || !has_output(s))) {
        fmq__session_fail(s, 0);
        return;
    }
    fmq__session_update(s); /* it reads no more */
    fmq__session_mark_dirty(s);
    fmq__hub_ask(s->hub, FMQ__WORK_FLUSH);
}

/* A socket that is closed, or a pipe that is given up, ends its connection when all is
 * written - or cannot be. */
static void
end_if_done(fmq__session *s)
{
    if (s->is_lasting && s->phase == FMQ__ESTABLISHED && !s->is_writing &&
        (s->is_out_broken || !has_output(s))) {
        fmq__session_fail(s, s->is_out_broken ? ECONNRESET : 0);
    }
}

void
fmq__session_write(fmq__session *s)
{
    int rounds = fmq__io_is_here(s->hub->io) ? IO_ROUNDS : CALLER_ROUNDS;
    write_round r;

    if (s->phase != FMQ__ESTABLISHED || s->is_writing || s->is_out_broken) {
        unmark_dirty(s);
        end_if_done(s);
        return;
    }
    unmark_dirty(s);
    s->wants_out = false;
    s->is_writing = true;
    s->peer->net.is_writing = true;
    if (s->form == FMQ__FORM_SEALED && (s->set_events & FMQ__EV_OUT) != 0) {
        fmq__session_update(s); /* sealing may take long: others need not look */
    }
    while (s->phase == FMQ__ESTABLISHED && has_output(s)) {
        begin_round(s, &r);
        fmq__hub_unlock(s->hub);
        run_next(s, &r);
        fmq__hub_lock(s->hub);
        if (!end_round(s, &r) || --rounds == 0) {
            break;
        }
    }
    s->is_writing = false;
    s->peer->net.is_writing = s->has_extra; /* sealed, but not consumed: not ours yet */
    fmq__netpipe_fold_out(&s->peer->net);
    if (is_at_border(&s->peer->net.out_r) &&
        fmq__fq_is_at(&s->peer->net.out_r, s->peer->net.out_w.end)) {
        fmq__fq_rewind(&s->peer->net.out_w, &s->peer->net.out_r, FMQ__CHUNK_MAX);
    }
    if (s->phase == FMQ__CLOSING) {
        fmq__hub_ask(s->hub, FMQ__WORK_SESSIONS); /* it waited for this turn */
        return;
    }
    if (s->is_out_broken) {
        s->wants_out = false; /* broken by somebody else meanwhile */
    }
    fmq__session_update(s);
    fmq__session_mark_dirty(s);
    if (rounds == 0 && fmq__list_is_linked(&s->dirty_node)) {
        fmq__hub_ask(s->hub, FMQ__WORK_FLUSH); /* nothing else says: go on */
    }
    end_if_done(s);
}
