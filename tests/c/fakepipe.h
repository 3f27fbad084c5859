/* SPDX-License-Identifier: Apache-2.0 */
/* fakepipe: a pipe for the tests of patterns: real queues with a tiny mark and nothing
 * behind them; and messages written as text, their frames divided by '|'.
 *
 *     fake_give(&f, "|hello");                  an empty frame, then "hello"
 *     CHECK_STR(fake_take(p), "hello");         or "EAGAIN", "EFSM", ...
 *     CHECK_STR(fake_sent(&f), "|world");       or "nothing"
 *
 * What take and sent return is good until the next call of either.
 */
#ifndef FMQ_TESTS_FAKEPIPE_H
#define FMQ_TESTS_FAKEPIPE_H

#include <errno.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "check.h"
#include "pattern/pattern.h"

enum { FAKE_TEXT_MAX = 1024, FAKE_PARTS_MAX = 64 };

typedef struct fakepipe {
    fmq__pipe pipe;
    fmq__fq_writer out_w;
    fmq__fq_reader out_r;
    fmq__fq_writer in_w;
    fmq__fq_reader in_r;
    uint64_t n_late;  /* messages that only a refill shows */
    unsigned n_out;   /* committed, and not looked at by fake_sent */
    unsigned limit;   /* of n_out */
    unsigned n_asked; /* how often it was asked for room */
    unsigned n_popped;
} fakepipe;

static inline void
fake_commit(fmq__pipe *p, size_t bytes)
{
    CHECK(bytes != 0);
    FMQ__ITEM(p, fakepipe, pipe)->n_out++;
}

static inline bool
fake_has_room(fmq__pipe *p)
{
    fakepipe *f = FMQ__ITEM(p, fakepipe, pipe);

    f->n_asked++;
    return f->n_out < f->limit;
}

static inline bool
fake_refill(fmq__pipe *p)
{
    fakepipe *f = FMQ__ITEM(p, fakepipe, pipe);

    p->n_in = f->n_late;
    f->n_late = 0;
    return p->n_in != 0;
}

static inline void
fake_popped(fmq__pipe *p)
{
    FMQ__ITEM(p, fakepipe, pipe)->n_popped++;
}

static inline void
fake_open(fakepipe *f, unsigned limit)
{
    static const fmq__pipe_ops ops = {
        .commit = fake_commit,
        .has_room = fake_has_room,
        .refill = fake_refill,
        .popped = fake_popped,
    };

    memset(f, 0, sizeof(*f));
    REQUIRE(fmq__fq_init(&f->out_w, &f->out_r) == 0);
    REQUIRE(fmq__fq_init(&f->in_w, &f->in_r) == 0);
    fmq__pipe_init(&f->pipe, &ops);
    f->pipe.out = &f->out_w;
    f->pipe.in = &f->in_r;
    f->limit = limit;
}

static inline void
fake_close(fakepipe *f)
{
    fmq__fq_fini(&f->out_w, &f->out_r);
    fmq__fq_fini(&f->in_w, &f->in_r);
}

/* --- messages as text --- */

/* The frames of `text`; the bytes stay where they are. */
static inline size_t
fake_split(const char *text, fmq__outpart *parts)
{
    size_t n = 0;

    for (;;) {
        size_t len = strcspn(text, "|");

        REQUIRE(n < FAKE_PARTS_MAX);
        parts[n++] = (fmq__outpart){(const uint8_t *)text, len, NULL};
        if (text[len] == 0) {
            return n;
        }
        text += len + 1;
    }
}

/* One more message has come from the peer, but the pattern was not told. */
static inline void
fake_put(fakepipe *f, const char *text)
{
    fmq__outpart parts[FAKE_PARTS_MAX];
    size_t n = fake_split(text, parts);

    for (size_t i = 0; i < n; i++) {
        CHECK_EQ(fmq__fq_append(&f->in_w, i + 1 < n ? FMQ__MORE : 0, parts[i].data,
                                parts[i].len),
                 0);
    }
    f->n_late++;
}

/* As connections do: the message is counted, and if there was none before the pattern
 * is told. */
static inline void
fake_give(fmq__pattern *p, fakepipe *f, const char *text)
{
    bool was_empty = f->pipe.n_in == 0;

    fake_put(f, text);
    f->pipe.n_in += f->n_late;
    f->n_late = 0;
    if (was_empty && f->pipe.is_attached) {
        p->ops->readable(p, &f->pipe);
    }
}

static inline const char *
fake_error(int err)
{
    switch (err) {
    case EAGAIN:
        return "EAGAIN";
    case ENOMEM:
        return "ENOMEM";
    case ENOTSUP:
        return "ENOTSUP";
    case FMQ_EFSM:
        return "EFSM";
    case EHOSTUNREACH:
        return "EHOSTUNREACH";
    default:
        return "another error";
    }
}

static inline char *
fake_text(void)
{
    static char text[FAKE_TEXT_MAX];

    return text;
}

static inline bool
fake_add(size_t *at, const fmq__frame *f)
{
    char *text = fake_text();
    bool has_more = (f->flags & FMQ__MORE) != 0;

    REQUIRE(*at + f->len + 2 < FAKE_TEXT_MAX);
    if (f->len != 0) {
        memcpy(text + *at, f->data, f->len);
    }
    *at += f->len;
    text[*at] = has_more ? '|' : 0;
    *at += 1;
    return has_more;
}

/* One frame through the pattern, or its error. "a|": there are more. */
static inline const char *
fake_take_frame(fmq__pattern *p)
{
    fmq__frame f;
    fmq__pipe *from = NULL;
    size_t at = 0;
    int err = fmq__pattern_recv(p, &f, &from);

    if (err != 0) {
        return fake_error(err);
    }
    CHECK(from != NULL);
    if (fake_add(&at, &f)) {
        fake_text()[at] = 0;
    }
    fmq__pipe_drop(from, &f);
    return fake_text();
}

/* A whole message through the pattern, or its error. */
static inline const char *
fake_take(fmq__pattern *p)
{
    fmq__frame f;
    fmq__pipe *from = NULL;
    size_t at = 0;
    int err;

    do {
        err = fmq__pattern_recv(p, &f, &from);
        if (err != 0) {
            return fake_error(err);
        }
    } while (fake_add(&at, &f));
    return fake_text();
}

/* Sends a message: "sent", or the error. */
static inline const char *
fake_send(fmq__pattern *p, const char *text)
{
    fmq__outpart parts[FAKE_PARTS_MAX];
    size_t n = fake_split(text, parts);
    int err = p->ops->send(p, parts, n);

    return err == 0 ? "sent" : fake_error(err);
}

/* What has gone out, oldest first: one message. */
static inline const char *
fake_sent(fakepipe *f)
{
    fmq__frame frame;
    size_t at = 0;

    if (f->n_out == 0) {
        CHECK(fmq__fq_is_at(&f->out_r, f->out_w.end));
        return "nothing";
    }
    f->n_out--;
    do {
        fmq__fq_pop(&f->out_r, &frame);
    } while (fake_add(&at, &frame));
    return fake_text();
}

static inline fmq__pattern *
fake_pattern(const fmq__pattern_ops *ops)
{
    fmq__pattern *p = NULL;

    REQUIRE(fmq__pattern_new(ops, &p) == 0);
    return p;
}

/* Sets an option that is a number. */
static inline int
fake_set(fmq__pattern *p, int option, int value)
{
    return fmq__pattern_set_option(p, option, &value, sizeof(value));
}

#endif
