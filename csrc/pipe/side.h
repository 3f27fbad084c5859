/* SPDX-License-Identifier: Apache-2.0 */
/* side: messages that no peer's queue holds (any more), as a pipe to read from: what a
 * pattern itself has to say, and what is left of a message whose pipe has gone.
 *
 * Not a way between threads: the pattern puts in, and reads, under one lock.
 *
 * Owner:   embedded in a pattern.
 * Threads: under the socket's lock.
 * Errors:  ENOMEM; the queue is as it was.
 */
#ifndef FMQ_PIPE_SIDE_H
#define FMQ_PIPE_SIDE_H

#include "base/list.h"
#include "pipe/pipe.h"

typedef struct fmq__side {
    fmq__pipe pipe; /* `n_in` messages; `props` are those of the message begun last */
    fmq__fq_writer w;
    fmq__fq_reader r;
    fmq__node origins; /* the properties of what was not begun, in runs */
} fmq__side;

int fmq__side_init(fmq__side *s);
/* Not under a lock: lenders of what is left are called. */
void fmq__side_fini(fmq__side *s);

/* Puts one message in; shares its bodies and `props` (NULL: none). What is dropped on
 * the way goes to `dropped`, as in fq.h. */
int fmq__side_put(fmq__side *s, const fmq__outpart *parts, size_t n, fmq__props *props,
                  fmq__body **dropped);

/* Moves the frames up to the end of the message at `from` here, with its properties,
 * behind a `head` frame of its own (NULL: none). Without memory they are dropped. */
int fmq__side_move(fmq__side *s, const fmq__outpart *head, fmq__pipe *from);

/* Before the first frame of the next message is taken: `pipe.props` are its own. */
void fmq__side_begin(fmq__side *s);

#endif
