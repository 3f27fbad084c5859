/* SPDX-License-Identifier: Apache-2.0 */
/* The read turn: bytes from the kernel become messages in the pipe.
 *
 * Frames are decoded (decode.c) where they lie in the thread's buffer. A body too long
 * for that is read into memory of its own. What is left - the beginning of a frame, or
 * all that a full pipe has no room for - is kept in the session's stash.
 *
 * The turn owns the decoder, the stash and the writing half of the pipe's queue;
 * messages become visible to the pattern only by the count published under L at its
 * end. Only whole messages are counted: `mark` is the end of the last one, and what
 * lies behind it is taken back if the connection is lost.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "session/decode.h"
#include "session/readbuf.h"
#include "session/session.h"

enum {
    READ_RAW = 8 * 1024,      /* at most, what a raw message is */
    READ_CAUTIOUS = 8 * 1024, /* at most, while the receive mark is low */
    RCVHWM_LOW = 1000,
    HEAVY_BYTES = 32 * 1024,   /* so much is long to open */
    GATHER_BYTES = 256 * 1024, /* so much of a body is worth a wake-up */
    ROW_MIN = 48 * 1024,       /* shorter ones are better read several at once */
    STASH_KEEP = 8 * 1024      /* a larger empty stash is freed */
};

_Static_assert((int)FMQ__READBUF_SIZE + (int)FMQ__READBUF_HEAD <= (int)FMQ__CHUNK_MAX,
               "what is read at a time has room in a chunk");

/* --- the stash --- */

int
fmq__session_stash(fmq__session *s, const uint8_t *data, size_t len)
{
    if (len > s->stash_cap) {
        size_t cap = len < 256 ? 256 : len;
        uint8_t *grown = fmq__alloc(cap);

        if (grown == NULL) {
            return ENOMEM;
        }
        memcpy(grown, data, len);
        fmq__free(s->stash);
        s->stash = grown;
        s->stash_cap = cap;
    } else if (len != 0) {
        memmove(s->stash, data, len); /* it may lie in the stash itself */
    }
    s->stash_at = 0;
    s->stash_len = len;
    if (len == 0 && s->stash_cap > STASH_KEEP) {
        fmq__free(s->stash);
        s->stash = NULL;
        s->stash_cap = 0;
    }
    return 0;
}

void
fmq__session_drop_input(fmq__session *s)
{
    fmq__free(s->stash);
    s->stash = NULL;
    s->stash_at = 0;
    s->stash_len = 0;
    s->stash_cap = 0;
    if (s->big.body != NULL) {
        fmq__body_drop(s->big.body);
        s->big.body = NULL;
    }
}

/* --- the turn --- */

/* Whether only what tells how long the next body is shall be read behind a long one:
 * its bytes then need not be copied from here. */
static bool
is_in_row(const fmq__session *s)
{
    return s->is_big_row && s->form == FMQ__FORM_FRAMES;
}

/* Decodes `n` bytes, and keeps what is left of them. */
static int
decode(fmq__session *s, fmq__batch *b, uint8_t *p, size_t n)
{
    const uint8_t *rest;
    int err = fmq__decode_frames(s, b, p, p + n, &rest);

    if (err == 0 && (rest != p + n || s->stash_cap != 0)) {
        err = fmq__session_stash(s, rest, (size_t)(p + n - rest));
    }
    return err;
}

/* The same for what was read behind a long body of `len`. */
static int
decode_behind_big(fmq__session *s, fmq__batch *b, size_t len, uint8_t *p, size_t n)
{
    int err = decode(s, b, p, n);

    s->is_big_row =
        len >= ROW_MIN && (n == 0 || s->big.body != NULL || fmq__decode_is_long(p, n));
    return err;
}

/* Reads how long the next body of a row is, and begins that. */
static int
read_header(fmq__session *s, uint8_t *start, fmq__batch *b)
{
    struct iovec iov = {start, FMQ__FRAME_LONG_HEADER};
    size_t n;
    int err = fmq__stream_readv(s->fd, &iov, 1, &n);

    if (err != 0) {
        return err;
    }
    b->n_bytes += n;
    err = decode(s, b, start, n);
    s->is_big_row = s->big.body != NULL;
    return err;
}

/* Reads once and decodes; without L. */
static int
read_step(fmq__session *s, size_t cap, fmq__batch *b)
{
    uint8_t *head = fmq__readbuf_get();
    fmq__bigbody *big = &s->big;
    struct iovec iov[2];
    uint8_t *start;
    size_t len;
    size_t n;
    int n_iov = 0;
    int err;

    if (head == NULL) {
        return ENOMEM;
    }
    start = head + FMQ__READBUF_HEAD;
    if (s->is_raw) {
        iov[0] = (struct iovec){start, READ_RAW};
        err = fmq__stream_readv(s->fd, iov, 1, &n);
        return err == 0 ? fmq__decode_raw(s, b, start, n) : err;
    }
    if (s->form == FMQ__FORM_FRAMES && big->body == NULL && s->stash_len != 0 &&
        fmq__decode_is_long(s->stash + s->stash_at, s->stash_len)) {
        err = fmq__decode_begin(s, b);
        if (err != 0) {
            return err;
        }
    }
    if (is_in_row(s) && big->body == NULL && s->stash_len == 0) {
        err = read_header(s, start, b);
        if (err != 0 || big->body == NULL) {
            return err;
        }
    }
    if (big->body != NULL) {
        iov[n_iov].iov_base = big->data + big->filled;
        iov[n_iov++].iov_len = big->len - big->filled;
        cap = is_in_row(s) ? FMQ__FRAME_LONG_HEADER : cap;
    }
    iov[n_iov].iov_base = start;
    iov[n_iov++].iov_len = cap;
    err = fmq__stream_readv(s->fd, iov, n_iov, &n);
    if (err != 0) {
        return err == EAGAIN && b->n_bytes != 0 ? 0 : err;
    }
    b->n_bytes += n;
    if (big->body != NULL) {
        size_t part = big->len - big->filled;

        part = n < part ? n : part;
        big->filled += part;
        n -= part;
        if (big->filled < big->len) {
            return 0;
        }
        len = big->len;
        err = fmq__decode_big(s, b);
        return err != 0 ? err : decode_behind_big(s, b, len, start, n);
    }
    if (s->stash_len != 0) {
        assert(s->stash_len <= FMQ__READBUF_HEAD);
        start -= s->stash_len;
        memcpy(start, s->stash + s->stash_at, s->stash_len);
        n += s->stash_len;
    }
    return decode(s, b, start, n);
}

/* How much is to come of a long body: that which is being read, or, where only its
 * header was read, the next one. */
static uint64_t
still_to_come(const fmq__session *s)
{
    const fmq__bigbody *big = &s->big;

    if (big->body != NULL) {
        return big->len - big->filled;
    }
    return s->form == FMQ__FORM_FRAMES && s->stash_len != 0
               ? fmq__decode_long_len(s->stash + s->stash_at, s->stash_len)
               : 0;
}

/* Whether it is to be looked at how much is to come. */
static inline bool
has_begun(const fmq__session *s)
{
    return s->can_gather &&
           (s->big.body != NULL || s->stash_len != 0 || s->is_gathering);
}

/* Whoever waits for a very long body is to be woken for much of it at a time. True: it
 * has come so far that every byte counts again, and some may be there already. */
static bool
gather(fmq__session *s, const fmq__batch *b)
{
    bool is_long = still_to_come(s) >= GATHER_BYTES;

    if (is_long && !s->is_gathering && b->may_gather && b->ttl_ms == 0) {
        s->is_gathering = fmq__stream_gather(s->fd, GATHER_BYTES);
    } else if (!is_long && s->is_gathering) {
        s->is_gathering = !fmq__stream_gather(s->fd, 1);
        return true;
    }
    return false;
}

/* Reads, and once more where something may have come unheard; without L. */
static int
read_steps(fmq__session *s, size_t cap, fmq__batch *b)
{
    int err = read_step(s, cap, b);

    if (err == 0 && has_begun(s) && gather(s, b) && b->room != 0) {
        err = read_step(s, cap, b);
        if (err == 0 && has_begun(s)) {
            (void)gather(s, b);
        }
        return err == EAGAIN ? 0 : err;
    }
    return err;
}

/* Shows new messages to the pattern, and to whoever waits for them; under L. */
static void
publish(fmq__session *s, uint64_t n_messages)
{
    fmq__netpipe *net = &s->peer->net;
    fmq__hub *h = s->hub;

    if (fmq__netpipe_publish(net, n_messages)) {
        if (net->pipe.is_attached) {
            h->pattern->ops->readable(h->pattern, &net->pipe);
        }
    } else if (net->pipe.conflates_in && h->pattern->reading != &net->pipe) {
        (void)net->pipe.ops->catch_up(&net->pipe);
    }
    if (n_messages != 0) {
        fmq__hub_notify(h, FMQ__DIR_IN);
    }
}

int
fmq__session_inject(fmq__session *s, const void *data, size_t len)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    int err = fmq__fq_append(w, 0, data, len);

    if (err == 0) {
        s->mark = w->end;
        publish(s, 1);
    }
    return err;
}

int
fmq__session_inject_blob(fmq__session *s, const fmq__blob *b)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    int err;

    if (b->len <= FMQ__FQ_INLINE_MAX) {
        return fmq__session_inject(s, b->data, b->len);
    }
    fmq__blob_hold(b);
    err = fmq__fq_append_ref(w, 0, b->body, b->data, b->len);
    if (err != 0) {
        fmq__body_drop(b->body);
        return err;
    }
    s->mark = w->end;
    publish(s, 1);
    return 0;
}

/* Ends the read turn: publishes what it brought; under L. */
static void
end_turn(fmq__session *s, fmq__batch *b, int err)
{
    fmq__netpipe *net = &s->peer->net;
    fmq__hub *h = s->hub;

    s->is_reading = false;
    publish(s, b->n_messages);
    for (size_t i = 0; i < b->n_pongs; i++) {
        fmq__session_control(s, b->pong[i], b->pong_len[i]);
    }
    if (s->phase == FMQ__CLOSING) {
        fmq__hub_ask(h, FMQ__WORK_SESSIONS); /* it waited for this turn */
        return;
    }
    if (b->ttl_ms != 0) {
        fmq__heartbeat_hear(s, b->ttl_ms);
    }
    if (err != 0 && err != EAGAIN) {
        fmq__session_fail(s, err);
        return;
    }
    if (b->room == 0 && !net->is_paused) {
        net->is_paused = true; /* there may be more in the stash */
        fmq__session_update(s);
    }
}

/* Whether the read turn may be taken. */
static bool
begin_turn(fmq__session *s, fmq__batch *b)
{
    fmq__netpipe *net;

    if (s->phase != FMQ__ESTABLISHED || s->is_reading || s->is_lasting) {
        return false;
    }
    net = &s->peer->net;
    s->is_reading = true;
    b->room = fmq__netpipe_in_room(net);
    b->n_messages = 0;
    b->n_bytes = 0;
    b->n_pongs = 0;
    b->ttl_ms = 0;
    /* A peer that falls silent within a body must not leave bytes that nobody reads. */
    b->may_gather = s->beat.opts.ivl_ms <= 0 && s->beat.peer_ttl_ms == 0;
    if (net->pipe.n_in == 0 && !s->bounds.is_inside) {
        fmq__fq_rewind(&net->in_w, &net->in_r, FMQ__CHUNK_MAX);
        s->mark = net->in_w.end;
    }
    return true;
}

static bool
can_resume(const fmq__session *s)
{
    const fmq__netpipe *net = s->phase == FMQ__ESTABLISHED ? &s->peer->net : NULL;

    return net != NULL && net->is_paused &&
           (net->in_limit == 0 || net->pipe.n_in <= net->in_limit / 2);
}

/* Decodes what a full pipe had no room for, while there is room again. */
static void
decode_stash(fmq__session *s)
{
    bool has_resumed = false;

    while (can_resume(s)) {
        const uint8_t *rest;
        const uint8_t *end;
        fmq__batch b;
        int err = 0;

        if (!begin_turn(s, &b)) {
            return; /* whoever has the turn will see that there is room */
        }
        has_resumed = true;
        s->peer->net.is_paused = false;
        if (s->stash_len != 0) {
            fmq__hub_unlock(s->hub);
            end = s->stash + s->stash_at + s->stash_len;
            err = fmq__decode_frames(s, &b, s->stash + s->stash_at, end, &rest);
            s->stash_at = (size_t)(rest - s->stash);
            s->stash_len = (size_t)(end - rest);
            if (err == 0 && b.room != 0) {
                err = fmq__session_stash(s, rest, s->stash_len);
            }
            fmq__hub_lock(s->hub);
        }
        end_turn(s, &b, err);
    }
    if (has_resumed && s->phase == FMQ__ESTABLISHED && !s->peer->net.is_paused) {
        fmq__session_update(s);
    }
}

void
fmq__session_read(fmq__session *s)
{
    fmq__batch b;
    bool is_long;
    size_t cap;
    int err;

    if (s->phase != FMQ__ESTABLISHED || s->peer->net.is_paused || !begin_turn(s, &b)) {
        return;
    }
    if (b.room == 0) {
        end_turn(s, &b, 0); /* the mark was lowered: pauses */
        return;
    }
    is_long = s->is_heavy;
    if (is_long) {
        fmq__session_update(s); /* the set does not name it while it has no turn */
    }
    cap = s->peer->net.in_limit != 0 && s->peer->net.in_limit < RCVHWM_LOW
              ? READ_CAUTIOUS
              : FMQ__READBUF_SIZE;
    fmq__hub_unlock(s->hub);
    err = read_steps(s, cap, &b);
    fmq__hub_lock(s->hub);
    s->n_heard += err == 0;
    if (s->big.body != NULL) {
        fmq__hub_count_piece(s->hub, b.n_bytes);
    }
    if (s->form == FMQ__FORM_SEALED && s->phase == FMQ__ESTABLISHED) {
        fmq__help_weigh(s, b.n_bytes >= HEAVY_BYTES || s->big.body != NULL);
    }
    end_turn(s, &b, err);
    if (is_long) {
        fmq__session_update(s);
    }
    if (can_resume(s)) {
        decode_stash(s);
    }
}

void
fmq__session_serve(fmq__session *s, unsigned events)
{
    /* IN may be old news: others have read since. These two are not. */
    bool is_gone = (events & (FMQ__EV_ERR | FMQ__EV_HUP)) != 0;

    if (events & FMQ__EV_OUT) {
        fmq__session_write(s);
    }
    if (s->phase != FMQ__ESTABLISHED) {
        return;
    }
    if (is_gone && s->is_lasting) {
        fmq__session_fail(s, ECONNRESET); /* it only waited to write */
    } else if (is_gone && s->peer->net.is_paused) {
        fmq__session_break_out(s); /* what came before is read when there is room */
    } else if (events & ~(unsigned)FMQ__EV_OUT) {
        fmq__session_read(s);
    }
}

void
fmq__session_resume(fmq__session *s)
{
    if (s->phase != FMQ__ESTABLISHED) {
        return;
    }
    s->peer->net.is_paused = true; /* it is, or these are the handshake's leftovers */
    decode_stash(s);
    if (s->phase == FMQ__ESTABLISHED && s->peer->net.is_paused) {
        fmq__session_update(s);
    }
}
