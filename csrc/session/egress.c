/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces are counted in the order of sealing, so what was sealed must go in that order
 * and go first: nothing new is sealed while something is kept. What is kept and lost
 * leaves a gap in the numbers of a connection that is lost with it.
 *
 * Sealed frames and frames of the queue are the same, one for one. After a short write
 * both are walked in step: a frame that has gone is consumed, and of one that was cut
 * by the kernel the first byte, so that the queue knows that it was.
 *
 * The buffer is the one that the thread reads into (readbuf.h): nothing of a read turn
 * is in it while this thread writes. A frame that is too long for it has memory of its
 * own.
 */
#include "session/egress.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "session/readbuf.h"
#include "transport/stream.h"
#include "wire/frame.h"

enum { BUFFER = FMQ__READBUF_HEAD + FMQ__READBUF_SIZE };

int
fmq__egress_new(fmq__guard *guard, fmq__egress **egress)
{
    fmq__egress *e = fmq__calloc(1, sizeof(*e));

    if (e == NULL) {
        return ENOMEM;
    }
    e->guard = guard;
    *egress = e;
    return 0;
}

/* Nothing is left to write. */
static void
forget(fmq__egress *e)
{
    if (e->kept != NULL) {
        fmq__body_drop(e->kept);
        e->kept = NULL;
    }
    e->data = NULL;
    e->len = 0;
    e->at = 0;
    e->border = 0;
    e->own_end = 0;
    e->n_queued = 0;
}

void
fmq__egress_free(fmq__egress *e)
{
    if (e != NULL) {
        forget(e);
        e->guard->ops->free(e->guard);
        fmq__free(e);
    }
}

/* --- sealing --- */

/* Has memory for one frame that the thread's buffer has no room for. */
static int
make_room(fmq__egress *e, size_t need, size_t *cap)
{
    int err = fmq__body_new(need, &e->kept, &e->data);

    if (err != 0) {
        e->kept = NULL;
        return err;
    }
    *cap = need;
    return 0;
}

/* Puts a frame behind the others; EAGAIN: there is no room for it among them. */
static int
put_frame(fmq__egress *e, unsigned flags, const uint8_t *body, size_t len, size_t *cap)
{
    fmq__guard *g = e->guard;
    size_t max = g->ops->sealed_max(g, len);
    size_t header_len = fmq__frame_header_len(max);
    size_t sealed_len;
    int err;

    if (header_len + max > *cap - e->len) {
        err = e->len != 0 ? EAGAIN : make_room(e, header_len + max, cap);
        if (err != 0) {
            return err;
        }
    }
    err = g->ops->seal(g, flags, body, len, e->data + e->len + header_len, &sealed_len);
    if (err != 0) {
        return err;
    }
    if (header_len == FMQ__FRAME_SHORT_HEADER) {
        (void)fmq__frame_put_header(e->data + e->len, 0, sealed_len);
    } else {
        e->data[e->len] = FMQ__LONG;
        fmq__put_u64(e->data + e->len + 1, sealed_len);
    }
    e->len += header_len + sealed_len;
    return 0;
}

static int
put_own(fmq__egress *e, const fmq__egress_job *job, size_t *cap)
{
    const uint8_t *p = job->own;
    const uint8_t *end = p + job->own_len;
    int err = 0;

    if (job->hello != NULL) {
        err = put_frame(e, 0, job->hello, job->hello_len, cap);
        p = end;
    }
    while (p < end && err == 0) {
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags = 0;
        int parsed = fmq__frame_parse(p, (size_t)(end - p), &header_len, &len, &flags);

        assert(parsed == 1 && len <= (size_t)(end - p) - header_len);
        (void)parsed;
        err = put_frame(e, flags, p + header_len, (size_t)len, cap);
        p += header_len + len;
    }
    e->own_end = e->len;
    return err;
}

/* Seals what is in order, as much as there is room for. */
static int
fill(fmq__egress *e, const fmq__fq_reader *from, const fmq__egress_job *job,
     fmq__egress_done *done)
{
    fmq__fq_pos at = from->at;
    size_t cap = BUFFER;
    size_t n_bytes = 0;
    int err;

    e->data = fmq__readbuf_get();
    if (e->data == NULL) {
        return ENOMEM;
    }
    err = put_own(e, job, &cap);
    done->has_taken_own = err == 0 && e->len != 0;
    while (err == 0 && (at.chunk != job->end.chunk || at.off != job->end.off) &&
           n_bytes < job->max_bytes) {
        fmq__frame frame;

        n_bytes += fmq__fq_look(&at, &frame);

        err = put_frame(e, frame.flags, frame.data, frame.len, &cap);
        if (err == 0) {
            e->n_queued++;
            if (job->is_single && (frame.flags & FMQ__MORE) == 0) {
                break;
            }
        }
    }
    return err == EAGAIN ? 0 : err;
}

/* --- accounting --- */

/* Consumes a frame of the queue. */
static void
pass_frame(fmq__egress *e, fmq__fq_reader *from, fmq__egress_done *done)
{
    done->n_messages += fmq__fq_pass(from, &done->n_bytes);
    e->n_queued--;
}

/* After a short write: consumes what has gone. */
static void
settle(fmq__egress *e, fmq__fq_reader *from, fmq__egress_done *done)
{
    while (e->border < e->at) {
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags = 0;
        bool is_whole;

        (void)fmq__frame_parse(e->data + e->border, e->len - e->border, &header_len,
                               &len, &flags);
        is_whole = e->border + header_len + len <= e->at;
        if (!is_whole) {
            done->n_bytes += e->border >= e->own_end ? fmq__fq_cut(from) : 0;
            return;
        }
        if (e->border >= e->own_end) {
            pass_frame(e, from, done);
        }
        e->border += header_len + (size_t)len;
    }
}

/* Moves what is left to memory of the session's own. */
static int
keep(fmq__egress *e)
{
    size_t len = e->len - e->border;
    fmq__body *kept;
    uint8_t *data;
    int err;

    if (e->kept != NULL) {
        return 0;
    }
    err = fmq__body_new(len, &kept, &data);
    if (err != 0) {
        return err;
    }
    memcpy(data, e->data + e->border, len);
    e->kept = kept;
    e->data = data;
    e->len = len;
    e->at -= e->border;
    e->own_end -= e->own_end < e->border ? e->own_end : e->border;
    e->border = 0;
    return 0;
}

/* What could not be kept would leave a hole in the stream: the connection is over. */
static int
give_up(fmq__egress *e, int err)
{
    forget(e);
    return err == EAGAIN || err == ENOMEM ? ECONNABORTED : err;
}

int
fmq__egress_write(fmq__egress *e, int fd, fmq__fq_reader *from,
                  const fmq__egress_job *job, fmq__egress_done *done)
{
    struct iovec iov;
    size_t sent = 0;
    int err = 0;

    *done = (fmq__egress_done){0};
    if (e->kept == NULL) {
        err = fill(e, from, job, done);
    }
    if (err != 0 && (err != ENOMEM || e->len != 0)) {
        return give_up(e, err);
    }
    if (e->len == 0) {
        forget(e);
        return err;
    }
    iov = (struct iovec){e->data + e->at, e->len - e->at};
    err = fmq__stream_writev(fd, &iov, 1, &sent);
    if (err == 0) {
        e->at += sent;
    }
    if (err == 0 && e->at == e->len) {
        while (e->n_queued != 0) {
            pass_frame(e, from, done);
        }
        forget(e);
        return 0;
    }
    done->is_short = true;
    settle(e, from, done);
    return keep(e) != 0 ? give_up(e, ENOMEM) : err;
}
