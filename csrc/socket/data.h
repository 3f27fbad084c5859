/* SPDX-License-Identifier: Apache-2.0 */
/* data: the steps of sending and receiving that data.c, parts.c and batch.c
 *       are made of.
 *
 * Owner:   the caller, of what it sends; what is received becomes its own.
 * Threads: under L, unless it says otherwise; one that may wait lets go of L meanwhile.
 * Errors:  as of the calls in socket.h.
 */
#ifndef FMQ_SOCKET_DATA_H
#define FMQ_SOCKET_DATA_H

#include "socket/socket.h"

/* The longest body that is copied to a caller's buffer under L. */
enum { FMQ__COPY_MAX = FMQ__FQ_INLINE_MAX };

/* A frame that was taken, and whence. */
typedef struct fmq__incoming {
    fmq__frame frame;
    fmq__pipe *from;
} fmq__incoming;

/* Queues a message; fmq__data_sent must follow, once for however many. The deadline
 * counts where `flags` allow to wait; NULL: SNDTIMEO. */
int fmq__data_queue(fmq__socket *s, const fmq__outpart *parts, size_t n, int flags,
                    const uint64_t *deadline_ns);
void fmq__data_sent(fmq__hub *h, uint64_t now_ns);

/* Takes the next frame. */
int fmq__data_recv_frame(fmq__socket *s, fmq__incoming *in, int flags,
                         const uint64_t *deadline_ns);

/* After `attempt` said EAGAIN: reads, or waits for something to read. */
int fmq__data_recv_slowly(fmq__socket *s, int (*attempt)(fmq__hub *, void *), void *arg,
                          int flags, const uint64_t *deadline_ns);

/* After frames were taken: pipes that came down to their low-water marks go on, and
 * others may take what is left. */
void fmq__data_after_recv(fmq__socket *s);

/* Makes a message of a frame: an inline body stays in its chunk, which the message
 * holds. `m` is raw memory. */
void fmq__data_hold_frame(const fmq__incoming *in, fmq__msg *m);

/* Notes in a message that was just taken what its address was. */
static inline void
fmq__data_sign(const fmq__hub *h, fmq__msg *m)
{
    if (h->pattern->ops->sign != NULL) {
        h->pattern->ops->sign(h->pattern, m);
    }
}

#endif
