/* SPDX-License-Identifier: Apache-2.0 */
/* pipe: one peer as a pattern sees it: a queue in, a queue out, and their marks.
 *
 * The pattern appends to `out` and pops from `in`; what lies behind them - a connection
 * with queues of its own (netpipe.h) or the ducts of an inproc couple (inproc.h) - is
 * reached through `ops`. Patterns keep pipes in lists of their own by the nodes here.
 *
 * Owner:   the connection, dialer or couple that embeds it; patterns borrow it from
 *          attach to detach.
 * Threads: under the socket's lock.
 * Errors:  ENOMEM from send; the queue is as it was.
 */
#ifndef FMQ_PIPE_PIPE_H
#define FMQ_PIPE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "msg/msg.h"
#include "pipe/fq.h"

typedef struct fmq__pipe fmq__pipe;

typedef struct fmq__pipe_ops {
    /* A whole message of about `bytes` bytes was appended to `out`: publish it. */
    void (*commit)(fmq__pipe *p, size_t bytes);
    /* Whether another message may be appended now; false only after arranging to hear
     * (writable) when that changes. */
    bool (*has_room)(fmq__pipe *p);
    /* Messages that can be popped, when `n_in` says none: false only after arranging to
     * hear (readable) when that changes. Sets `n_in`. */
    bool (*refill)(fmq__pipe *p);
    /* One whole message has been popped; `n_in` is one less already. */
    void (*popped)(fmq__pipe *p);
    /* Conflating: takes the last message out of `out` again, if nobody has begun to
     * read it. */
    void (*take_back)(fmq__pipe *p);
    /* Conflating: drops all but the last message that is there; false: there was none
     * to drop. */
    bool (*catch_up)(fmq__pipe *p);
    /* Ends the connection, for good; what came over it is still read. NULL: nothing to
     * end. */
    void (*end)(fmq__pipe *p);
} fmq__pipe_ops;

struct fmq__pipe {
    fmq__node in_node;  /* the pattern's list of pipes to read from */
    fmq__node out_node; /* the pattern's list of pipes to write to */
    const fmq__pipe_ops *ops;
    fmq__fq_writer *out;
    fmq__fq_reader *in;
    uint64_t n_in;      /* whole messages known to be there */
    fmq__props *props;  /* what messages from here carry; NULL: nothing */
    bool is_attached;   /* the pattern knows it */
    bool is_closed_out; /* nothing may be appended any more */
    bool is_dialed;     /* made by a connect: outlives its connections */
    bool is_up;         /* a connection stands; the pattern's wrappers keep it */
    bool conflates_out; /* a message replaces the one before (CONFLATE); fixed */
    bool conflates_in;
    bool
        takes_commands; /* the peer wants SUBSCRIBE and CANCEL as commands (ZMTP 3.1) */
    bool is_remote;     /* what is sent goes to the kernel */
    uint8_t preset_len;
    const uint8_t *preset; /* during attach: the id that CONNECT_ROUTING_ID gives it */
    void *mine;            /* the pattern's own */
};

/* One part to send: bytes to copy, or a body to share: if it is longer than
 * FMQ__FQ_INLINE_MAX, or to be kept. */
typedef struct fmq__outpart {
    const uint8_t *data;
    size_t len;
    fmq__body *body; /* NULL only if len <= FMQ__FQ_INLINE_MAX */
} fmq__outpart;

void fmq__pipe_init(fmq__pipe *p, const fmq__pipe_ops *ops);

/* Whether a message can be popped. */
static inline bool
fmq__pipe_can_read(fmq__pipe *p)
{
    return p->n_in != 0 || p->ops->refill(p);
}

/* Whether a message can be appended. */
static inline bool
fmq__pipe_can_write(fmq__pipe *p)
{
    return !p->is_closed_out && p->ops->has_room(p);
}

/* Whether only the last message counts (CONFLATE), by direction: bits. */
enum { FMQ__CONFLATE_IN = 1, FMQ__CONFLATE_OUT = 2 };

/* Appends one frame of a message, not yet to be seen; shares `part->body`. */
int fmq__pipe_append(fmq__pipe *p, const fmq__outpart *part, unsigned flags);

/* Appends `n` parts as the last frames of a message, behind what was appended since
 * `mark`; on failure rolls back to `mark`. `*bytes` is for commit, which must follow.
 */
int fmq__pipe_append_rest(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts,
                          size_t n, size_t *bytes);

/* The same, and commits; while conflating, in the place of the message before. */
int fmq__pipe_send(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts, size_t n);

/* The same from the end on, where paid[i], if not 0, are references to the body of part
 * i for queues to take: it takes one if it shares that body. */
int fmq__pipe_send_paid(fmq__pipe *p, const fmq__outpart *parts, size_t n,
                        uint32_t *paid);

/* Takes one frame of a message that is there; counts at the last frame. A referenced
 * body becomes the caller's. */
static inline void
fmq__pipe_pop(fmq__pipe *p, fmq__frame *f)
{
    fmq__fq_pop(p->in, f);
    if ((f->flags & FMQ__MORE) == 0) {
        p->n_in--;
        p->ops->popped(p);
    }
}

/* Takes and drops the frames up to the end of the message being read. */
void fmq__pipe_skip_message(fmq__pipe *p);

/* Takes and drops all messages that are there. */
void fmq__pipe_skip_all(fmq__pipe *p);

/* Whether a message of one part can be popped; those of more are skipped. */
bool fmq__pipe_can_read_single(fmq__pipe *p);

/* Nothing is appended any more, and the connection ends. */
static inline void
fmq__pipe_end(fmq__pipe *p)
{
    p->is_closed_out = true;
    if (p->ops->end != NULL) {
        p->ops->end(p);
    }
}

/* Gives the body of a frame popped from `p` back, if it came as a reference. */
static inline void
fmq__pipe_drop(fmq__pipe *p, const fmq__frame *f)
{
    if (f->is_ref) {
        fmq__body_drop_later(f->body, p->in->dropped);
    }
}

#endif
