/* SPDX-License-Identifier: Apache-2.0 */
/* Small frames are validated where they lie and copied to the pipe's queue in runs, in
 * wire form; frames of another form than the queue's (ZMTP 1.0, sealed) one by one. A
 * body too long for the queue gets memory of its own, into which the rest is read.
 */
#include "session/decode.h"

#include <errno.h>
#include <string.h>

#include "session/readbuf.h"
#include "wire/oldframe.h"

/* More than any machine has is not asked for: 1 TiB. */
static const uint64_t BIG_MAX = 1ULL << 40;

/* What has been appended is a whole message. */
static void
count_message(fmq__session *s, fmq__batch *b)
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
take_subscription(fmq__session *s, fmq__batch *b, uint8_t first,
                  const fmq__command *command)
{
    fmq__fq_writer *w = &s->peer->net.in_w;
    int err;

    if (!s->hub->pattern->ops->takes_subscriptions) {
        return 0;
    }
    if (s->bounds.is_inside) {
        return EPROTO;
    }
    err = append_subscription(w, first, command);
    if (err == 0) {
        count_message(s, b);
    }
    return err;
}

/* The pattern looks at it: JOIN or LEAVE, and a group. */
static int
take_group(fmq__session *s, fmq__batch *b, const uint8_t *body, size_t len,
           const fmq__command *command)
{
    int err;

    if (!s->hub->pattern->ops->takes_groups) {
        return 0;
    }
    if (s->bounds.is_inside || command->data_len > FMQ__GROUP_MAX) {
        return EPROTO;
    }
    err = fmq__fq_append(&s->peer->net.in_w, FMQ__COMMAND, body, len);
    if (err == 0) {
        count_message(s, b);
    }
    return err;
}

static int
take_ping(fmq__batch *b, const fmq__command *command)
{
    fmq__ping ping;
    uint8_t *p;
    size_t body_len;

    if (fmq__command_parse_ping(command, &ping) != 0) {
        return EPROTO;
    }
    b->ttl_ms = ping.ttl_ms;
    if (b->n_pongs == FMQ__BATCH_PONGS) {
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
take_command(fmq__session *s, fmq__batch *b, const uint8_t *body, size_t len)
{
    fmq__command command;

    switch (fmq__command_classify(body, len, &command)) {
    case FMQ__COMMAND_PING:
        return take_ping(b, &command);
    case FMQ__COMMAND_SUBSCRIBE:
        return take_subscription(s, b, 1, &command);
    case FMQ__COMMAND_CANCEL:
        return take_subscription(s, b, 0, &command);
    case FMQ__COMMAND_JOIN:
    case FMQ__COMMAND_LEAVE:
        return take_group(s, b, body, len, &command);
    default:
        return 0;
    }
}

/* Opens a sealed body where it lies; EMSGSIZE: it is more than may come. */
static int
open_sealed(fmq__session *s, uint8_t *sealed, size_t len, fmq__opened *opened)
{
    fmq__guard *g = s->egress->guard;
    int err = g->ops->open(g, sealed, len, opened);

    if (err != 0) {
        s->violation = opened->error;
    } else if ((opened->flags & FMQ__COMMAND) == 0 && opened->len > s->bounds.left) {
        err = EMSGSIZE;
    }
    return err;
}

/* Appends a frame that is no command, and counts the message that it ends. */
static int
append_frame(fmq__session *s, fmq__batch *b, unsigned flags, const uint8_t *body,
             size_t len)
{
    int err = fmq__bounds_take(&s->bounds, flags, len);

    if (err == 0) {
        err = fmq__fq_append(&s->peer->net.in_w, flags, body, len);
    }
    if (err == 0 && (flags & FMQ__MORE) == 0) {
        count_message(s, b);
    }
    return err;
}

/* A sealed body that is complete becomes what it held. */
static int
open_big(fmq__session *s)
{
    fmq__bigbody *big = &s->big;
    fmq__opened opened = {0};
    int err = open_sealed(s, big->data, big->len, &opened);

    if (err == 0) {
        big->flags = opened.flags;
        big->data = opened.body;
        big->len = opened.len;
    }
    return err;
}

int
fmq__decode_big(fmq__session *s, fmq__batch *b)
{
    fmq__bigbody *big = &s->big;
    fmq__body *body = big->body;
    int err = s->form == FMQ__FORM_SEALED ? open_big(s) : 0;

    if (err != 0) {
        return err;
    }
    if ((big->flags & FMQ__COMMAND) != 0 || big->len <= FMQ__FQ_INLINE_MAX) {
        err = (big->flags & FMQ__COMMAND) != 0
                  ? take_command(s, b, big->data, big->len)
                  : append_frame(s, b, big->flags, big->data, big->len);
        big->body = NULL;
        fmq__body_drop(body);
        return err;
    }
    err = fmq__bounds_take(&s->bounds, big->flags, big->len);
    if (err == 0) {
        err = fmq__fq_append_ref(&s->peer->net.in_w, big->flags, body, big->data,
                                 big->len);
    }
    if (err != 0) {
        return err;
    }
    big->body = NULL;
    if ((big->flags & FMQ__MORE) == 0) {
        count_message(s, b);
    }
    return 0;
}

/* Begins a long body with the `have` bytes of it that are there; `*used` of them. */
static int
begin_big(fmq__session *s, fmq__batch *b, unsigned flags, uint64_t len,
          const uint8_t *data, size_t have, size_t *used)
{
    fmq__bigbody *big = &s->big;
    int err;

    if (len > BIG_MAX || len > SIZE_MAX / 2) {
        return EMSGSIZE;
    }
    err = s->form == FMQ__FORM_SEALED
              ? fmq__body_new((size_t)len, &big->body, &big->data)
              : fmq__offer_body((size_t)len, &big->body, &big->data);
    if (err != 0) {
        big->body = NULL;
        return err;
    }
    big->flags = flags;
    big->len = (size_t)len;
    big->filled = have < big->len ? have : big->len;
    memcpy(big->data, data, big->filled);
    *used = big->filled;
    return big->filled == big->len ? fmq__decode_big(s, b) : 0;
}

uint64_t
fmq__decode_long_len(const uint8_t *p, size_t len)
{
    size_t header_len = 0;
    uint64_t body_len = 0;
    unsigned flags = 0;
    bool is_header = fmq__frame_parse(p, len, &header_len, &body_len, &flags) > 0 &&
                     header_len == len && body_len > FMQ__FQ_INLINE_MAX &&
                     body_len <= BIG_MAX && (flags & FMQ__COMMAND) == 0;

    return is_header ? body_len : 0;
}

int
fmq__decode_begin(fmq__session *s, fmq__batch *b)
{
    const uint8_t *p = s->stash + s->stash_at;
    size_t header_len = 0;
    uint64_t len = 0;
    unsigned flags = 0;
    size_t used = 0;

    (void)fmq__frame_parse(p, s->stash_len, &header_len, &len, &flags);
    s->stash_len = 0;
    return fmq__bounds_refuse(&s->bounds, flags, len)
               ? EMSGSIZE
               : begin_big(s, b, flags, len, p, 0, &used);
}

/* Small frames that lie in the buffer one behind the other and are not appended yet. */
typedef struct run {
    const uint8_t *start;
    const uint8_t *whole; /* the end of the last whole message; NULL: there is none */
    uint64_t n_messages;
} run;

/* Appends the run, which ends at `end`, and begins a new one there. */
static int
end_run(fmq__session *s, fmq__batch *b, run *r, const uint8_t *end)
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
take_special(fmq__session *s, fmq__batch *b, unsigned flags, uint64_t len,
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

int
fmq__decode_plain(fmq__session *s, fmq__batch *b, const uint8_t *p, const uint8_t *end,
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
        if (fmq__bounds_refuse(&s->bounds, flags, len)) {
            err = EMSGSIZE;
            break;
        }
        if ((flags & FMQ__COMMAND) || len > FMQ__FQ_INLINE_MAX) {
            const uint8_t *next = p;

            if (fmq__decode_is_long(p, (size_t)(end - p))) {
                break; /* fmq__decode_begin */
            }
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
        err = fmq__bounds_take(&s->bounds, flags, len);
        if (err != 0) {
            break;
        }
        p += header_len + len;
        if ((flags & FMQ__MORE) == 0) {
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

/* Decodes frames of ZMTP 1.0, as fmq__decode_plain does those of today. */
static int
decode_old(fmq__session *s, fmq__batch *b, const uint8_t *p, const uint8_t *end,
           const uint8_t **rest)
{
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
        if (fmq__bounds_refuse(&s->bounds, flags, len)) {
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
        err = append_frame(s, b, flags, p + header_len, (size_t)len);
        p += header_len + len;
    }
    *rest = p;
    return err;
}

/* What a sealed frame held: a command, or a frame. */
static int
take_sealed(fmq__session *s, fmq__batch *b, uint8_t *sealed, size_t len)
{
    fmq__opened opened = {0};
    int err = open_sealed(s, sealed, len, &opened);

    if (err != 0) {
        return err;
    }
    return (opened.flags & FMQ__COMMAND) != 0
               ? take_command(s, b, opened.body, opened.len)
               : append_frame(s, b, opened.flags, opened.body, opened.len);
}

/* Decodes sealed frames; what is around the seal (MORE, COMMAND) does not count. */
static int
decode_sealed(fmq__session *s, fmq__batch *b, uint8_t *p, const uint8_t *end,
              const uint8_t **rest)
{
    int err = 0;

    while (err == 0 && b->room != 0 && s->big.body == NULL) {
        size_t header_len = 0;
        uint64_t len = 0;
        unsigned flags = 0;
        size_t used = 0;
        int parsed = fmq__frame_parse(p, (size_t)(end - p), &header_len, &len, &flags);

        if (parsed <= 0) {
            err = parsed < 0 ? EPROTO : 0;
            break;
        }
        if (fmq__bounds_refuse_sealed(&s->bounds, len)) {
            err = EMSGSIZE;
            break;
        }
        if (len > FMQ__FQ_INLINE_MAX) {
            err = begin_big(s, b, 0, len, p + header_len,
                            (size_t)(end - p) - header_len, &used);
            p += header_len + used;
            continue;
        }
        if ((size_t)(end - p) - header_len < len) {
            break;
        }
        err = take_sealed(s, b, p + header_len, (size_t)len);
        p += header_len + len;
    }
    *rest = p;
    return err;
}

int
fmq__decode_formed(fmq__session *s, fmq__batch *b, uint8_t *p, const uint8_t *end,
                   const uint8_t **rest)
{
    return s->form == FMQ__FORM_OLD ? decode_old(s, b, p, end, rest)
                                    : decode_sealed(s, b, p, end, rest);
}

int
fmq__decode_raw(fmq__session *s, fmq__batch *b, const uint8_t *data, size_t len)
{
    int err = fmq__fq_append_copy(&s->peer->net.in_w, 0, data, len);

    if (err == 0) {
        count_message(s, b);
    }
    return err;
}
