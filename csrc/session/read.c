/* SPDX-License-Identifier: Apache-2.0 */
/* The read turn: bytes from the kernel become messages in the pipe.
 *
 * Small frames are validated where they lie in the thread's buffer and copied to the
 * pipe's queue in runs, in wire form. A body too long for that is read into memory of
 * its own. Commands are taken out on the way. What is left - the beginning of a frame,
 * or all that a full pipe has no room for - is kept in the session's stash.
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
#include "session/readbuf.h"
#include "session/session.h"
#include "wire/command.h"
#include "wire/frame.h"
#include "wire/oldframe.h"

enum {
    READ_RAW = 8 * 1024,      /* at most, what a raw message is */
    READ_CAUTIOUS = 8 * 1024, /* at most, while the receive mark is low */
    RCVHWM_LOW = 1000,
    STASH_KEEP = 8 * 1024, /* a larger empty stash is freed */
    PONGS_MAX = 4
};

/* What one turn brings back to be published under L. */
typedef struct batch {
    uint64_t room; /* messages that may be published */
    uint64_t n_messages;
    uint8_t pong[PONGS_MAX][FMQ__FRAME_SHORT_HEADER + FMQ__PONG_MAX];
    size_t pong_len[PONGS_MAX];
    size_t n_pongs;
    uint32_t ttl_ms; /* of the last PING that named one; 0: none */
} batch;

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

/* --- decoding --- */

/* What has been appended is a whole message. */
static void
count_message(fmq__session *s, batch *b)
{
    s->mark = s->peer->net.in_w.end;
    b->n_messages++;
    b->room--;
}

/* Appends a message of one frame: `first`, then the topic. */
static int
append_subscription(fmq__fq_writer *w, uint8_t first, const fmq__command *command)
{
    uint8_t on_stack[FMQ__FQ_INLINE_MAX];
    size_t len = command->data_len + 1;
    fmq__body *body = NULL;
    uint8_t *data = on_stack;
    int err = 0;

    if (len > sizeof(on_stack)) {
        err = fmq__body_new(len, &body, &data);
        if (err != 0) {
            return err;
        }
    }
    data[0] = first;
    if (len > 1) {
        memcpy(data + 1, command->data, len - 1);
    }
    if (body == NULL) {
        return fmq__fq_append(w, 0, data, len);
    }
    err = fmq__fq_append_ref(w, 0, body, data, len);
    if (err != 0) {
        fmq__body_drop(body);
    }
    return err;
}

/* A subscription becomes a message, as from an older peer: 01 or 00, then the topic. */
static int
take_subscription(fmq__session *s, batch *b, uint8_t first, const fmq__command *command)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    int err;

    if (!s->hub->pattern->ops->takes_subscriptions) {
        return 0;
    }
    if (s->is_mid_message) {
        return EPROTO;
    }
    err = append_subscription(w, first, command);
    if (err == 0) {
        count_message(s, b);
    }
    return err;
}

static int
take_ping(batch *b, const fmq__command *command)
{
    fmq__ping ping;
    uint8_t *p;
    size_t body_len;

    if (fmq__command_parse_ping(command, &ping) != 0) {
        return EPROTO;
    }
    b->ttl_ms = ping.ttl_ms;
    if (b->n_pongs == PONGS_MAX) {
        return 0; /* a flood of PINGs gets fewer answers */
    }
    p = b->pong[b->n_pongs];
    body_len = fmq__command_put_pong(p + FMQ__FRAME_SHORT_HEADER, ping.context,
                                     ping.context_len);
    b->pong_len[b->n_pongs++] =
        fmq__frame_put_header(p, FMQ__COMMAND, body_len) + body_len;
    return 0;
}

static int
take_command(fmq__session *s, batch *b, const uint8_t *body, size_t len)
{
    fmq__command command;

    switch (fmq__command_classify(body, len, &command)) {
    case FMQ__COMMAND_PING:
        return take_ping(b, &command);
    case FMQ__COMMAND_SUBSCRIBE:
        return take_subscription(s, b, 1, &command);
    case FMQ__COMMAND_CANCEL:
        return take_subscription(s, b, 0, &command);
    default:
        return 0;
    }
}

static int
finish_big(fmq__session *s, batch *b)
{
    fmq__bigbody *big = &s->big;
    fmq__body *body = big->body;
    int err;

    if (big->flags & FMQ__COMMAND) {
        err = take_command(s, b, big->data, big->len);
        big->body = NULL;
        fmq__body_drop(body);
        return err;
    }
    err = fmq__fq_append_ref(&s->peer->net.in_w, big->flags, body, big->data, big->len);
    if (err != 0) {
        return err;
    }
    big->body = NULL;
    s->is_mid_message = (big->flags & FMQ__MORE) != 0;
    if (!s->is_mid_message) {
        count_message(s, b);
    }
    return 0;
}

/* Begins a long body with the `have` bytes of it that are there; `*used` of them. */
static int
begin_big(fmq__session *s, batch *b, unsigned flags, uint64_t len, const uint8_t *data,
          size_t have, size_t *used)
{
    fmq__bigbody *big = &s->big;
    int err;

    if (len > SIZE_MAX / 2) {
        return EMSGSIZE;
    }
    err = fmq__body_new((size_t)len, &big->body, &big->data);
    if (err != 0) {
        big->body = NULL;
        return err;
    }
    big->flags = flags;
    big->len = (size_t)len;
    big->filled = have < big->len ? have : big->len;
    memcpy(big->data, data, big->filled);
    *used = big->filled;
    return big->filled == big->len ? finish_big(s, b) : 0;
}

/* Small frames that lie in the buffer one behind the other and are not appended yet. */
typedef struct run {
    const uint8_t *start;
    const uint8_t *whole; /* the end of the last whole message; NULL: there is none */
    uint64_t n_messages;
} run;

/* Appends the run, which ends at `end`, and begins a new one there. */
static int
end_run(fmq__session *s, batch *b, run *r, const uint8_t *end)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    const uint8_t *border = r->whole != NULL ? r->whole : r->start;
    int err;

    if (border != r->start) {
        err = fmq__fq_append_raw(w, r->start, (size_t)(border - r->start));
        if (err != 0) {
            return err;
        }
        s->mark = w->end; /* from here on it can be taken back */
        b->n_messages += r->n_messages;
    }
    if (border != end) {
        err = fmq__fq_append_raw(w, border, (size_t)(end - border));
        if (err != 0) {
            return err;
        }
    }
    *r = (run){end, NULL, 0};
    return 0;
}

/* Takes one frame at `p` that is no small one: a command, or long. `*next`: where to go
 * on. EAGAIN: it is not all there. */
static int
take_special(fmq__session *s, batch *b, unsigned flags, uint64_t len,
             const uint8_t *body, const uint8_t *end, const uint8_t **next)
{
    size_t have = (size_t)(end - body);
    size_t used = 0;
    int err;

    if (len > FMQ__FQ_INLINE_MAX) {
        err = begin_big(s, b, flags, len, body, have, &used);
        *next = body + used;
        return err;
    }
    if (have < len) {
        return EAGAIN;
    }
    *next = body + len;
    return take_command(s, b, body, (size_t)len);
}

/* Decodes frames from `p` until `end`, or until there is no room for another message.
 * `*rest` is where it stopped. */
static int
decode_new(fmq__session *s, batch *b, const uint8_t *p, const uint8_t *end,
           const uint8_t **rest)
{
    run r = {p, NULL, 0};
    int err = 0;
    int run_err;

    while (b->room != 0 && s->big.body == NULL) {
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags = 0;
        int parsed = fmq__frame_parse(p, (size_t)(end - p), &header_len, &len, &flags);

        if (parsed <= 0) {
            err = parsed < 0 ? EPROTO : 0;
            break;
        }
        if (s->maxmsgsize >= 0 && len > (uint64_t)s->maxmsgsize) {
            err = EMSGSIZE;
            break;
        }
        if ((flags & FMQ__COMMAND) || len > FMQ__FQ_INLINE_MAX) {
            const uint8_t *next = p;

            err = end_run(s, b, &r, p);
            if (err == 0) {
                err = take_special(s, b, flags, len, p + header_len, end, &next);
            }
            if (err != 0) {
                break;
            }
            p = next;
            r.start = p;
            continue;
        }
        if ((size_t)(end - p) - header_len < len) {
            break;
        }
        p += header_len + len;
        s->is_mid_message = (flags & FMQ__MORE) != 0;
        if (!s->is_mid_message) {
            r.whole = p;
            r.n_messages++;
            b->room--;
        }
    }
    if (err == EAGAIN) {
        err = 0;
    }
    run_err = end_run(s, b, &r, p); /* what was good counts, whatever came behind it */
    *rest = p;
    return err != 0 ? err : run_err;
}

/* Decodes frames of ZMTP 1.0, as decode_new does those of today. */
static int
decode_old(fmq__session *s, batch *b, const uint8_t *p, const uint8_t *end,
           const uint8_t **rest)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    int err = 0;

    while (err == 0 && b->room != 0 && s->big.body == NULL) {
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags = 0;
        size_t used = 0;
        int parsed =
            fmq__oldframe_parse(p, (size_t)(end - p), &header_len, &len, &flags);

        if (parsed <= 0) {
            err = parsed < 0 ? EPROTO : 0;
            break;
        }
        if (s->maxmsgsize >= 0 && len > (uint64_t)s->maxmsgsize) {
            err = EMSGSIZE;
            break;
        }
        if (len > FMQ__FQ_INLINE_MAX) {
            err = begin_big(s, b, flags, len, p + header_len,
                            (size_t)(end - p) - header_len, &used);
            p += header_len + used;
            continue;
        }
        if ((size_t)(end - p) - header_len < len) {
            break;
        }
        err = fmq__fq_append(w, flags, p + header_len, (size_t)len);
        p += header_len + len;
        s->is_mid_message = (flags & FMQ__MORE) != 0;
        if (err == 0 && !s->is_mid_message) {
            count_message(s, b);
        }
    }
    *rest = p;
    return err;
}

static int
decode(fmq__session *s, batch *b, const uint8_t *p, const uint8_t *end,
       const uint8_t **rest)
{
    return fmq__session_is_old(s) ? decode_old(s, b, p, end, rest)
                                  : decode_new(s, b, p, end, rest);
}

/* What one read of a raw connection brought is a message. */
static int
take_raw(fmq__session *s, batch *b, const uint8_t *data, size_t len)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    fmq__body *body;
    uint8_t *copy;
    int err;

    if (len <= FMQ__FQ_INLINE_MAX) {
        err = fmq__fq_append(w, 0, data, len);
    } else {
        err = fmq__body_new(len, &body, &copy);
        if (err != 0) {
            return err;
        }
        memcpy(copy, data, len);
        err = fmq__fq_append_ref(w, 0, body, copy, len);
        if (err != 0) {
            fmq__body_drop(body);
        }
    }
    if (err == 0) {
        count_message(s, b);
    }
    return err;
}

/* --- the turn --- */

/* Reads once and decodes; without L. */
static int
read_step(fmq__session *s, size_t cap, batch *b)
{
    uint8_t *head = fmq__readbuf_get();
    fmq__bigbody *big = &s->big;
    struct iovec iov[2];
    uint8_t *start;
    const uint8_t *rest;
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
        return err == 0 ? take_raw(s, b, start, n) : err;
    }
    if (big->body != NULL) {
        iov[n_iov].iov_base = big->data + big->filled;
        iov[n_iov++].iov_len = big->len - big->filled;
    }
    iov[n_iov].iov_base = start;
    iov[n_iov++].iov_len = cap;
    err = fmq__stream_readv(s->fd, iov, n_iov, &n);
    if (err != 0) {
        return err;
    }
    if (big->body != NULL) {
        size_t part = big->len - big->filled;

        part = n < part ? n : part;
        big->filled += part;
        n -= part;
        if (big->filled < big->len) {
            return 0;
        }
        err = finish_big(s, b);
        if (err != 0) {
            return err;
        }
    } else if (s->stash_len != 0) {
        assert(s->stash_len <= FMQ__READBUF_HEAD);
        start -= s->stash_len;
        memcpy(start, s->stash + s->stash_at, s->stash_len);
        n += s->stash_len;
    }
    err = decode(s, b, start, start + n, &rest);
    if (err == 0) {
        err = fmq__session_stash(s, rest, (size_t)(start + n - rest));
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
end_turn(fmq__session *s, batch *b, int err)
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
begin_turn(fmq__session *s, batch *b)
{
    fmq__netpipe *net;

    if (s->phase != FMQ__ESTABLISHED || s->is_reading || s->is_lasting) {
        return false;
    }
    net = &s->peer->net;
    s->is_reading = true;
    b->room = fmq__netpipe_in_room(net);
    b->n_messages = 0;
    b->n_pongs = 0;
    b->ttl_ms = 0;
    if (net->pipe.n_in == 0 && !s->is_mid_message) {
        fmq__fq_rewind(&net->in_w, &net->in_r, FMQ__READBUF_SIZE);
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
        batch b;
        int err = 0;

        if (!begin_turn(s, &b)) {
            return; /* whoever has the turn will see that there is room */
        }
        has_resumed = true;
        s->peer->net.is_paused = false;
        if (s->stash_len != 0) {
            fmq__hub_unlock(s->hub);
            end = s->stash + s->stash_at + s->stash_len;
            err = decode(s, &b, s->stash + s->stash_at, end, &rest);
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
    batch b;
    size_t cap;
    int err;

    if (s->phase != FMQ__ESTABLISHED || s->peer->net.is_paused || !begin_turn(s, &b)) {
        return;
    }
    if (b.room == 0) {
        end_turn(s, &b, 0); /* the mark was lowered: pauses */
        return;
    }
    cap = s->peer->net.in_limit != 0 && s->peer->net.in_limit < RCVHWM_LOW
              ? READ_CAUTIOUS
              : FMQ__READBUF_SIZE;
    fmq__hub_unlock(s->hub);
    err = read_step(s, cap, &b);
    fmq__hub_lock(s->hub);
    s->n_heard += err == 0;
    end_turn(s, &b, err);
    decode_stash(s);
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
