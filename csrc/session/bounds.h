/* SPDX-License-Identifier: Apache-2.0 */
/* bounds: how much a message of a peer may be: each of its parts (MAXMSGSIZE), all of
 * them together (MAX_MESSAGE_BYTES), and how many (MAX_PARTS). A message whose last
 * part has not come is in no pipe's count, so nothing else bounds it.
 *
 * Owner:   the session.
 * Threads: who has the read turn.
 * Errors:  EMSGSIZE: the connection is to end.
 */
#ifndef FMQ_SESSION_BOUNDS_H
#define FMQ_SESSION_BOUNDS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "msg/msg.h"

/* More than any seal adds to a body. */
enum { FMQ__BOUNDS_SEAL = 1024 };

typedef struct fmq__bounds {
    uint64_t max_part;
    uint64_t max_message;
    uint64_t max_parts;
    /* of the message that has begun, or the next one */
    uint64_t left;
    uint64_t parts_left;
    uint64_t next;  /* the longest body that its next part may have */
    bool is_inside; /* it has begun */
} fmq__bounds;

/* The next message is another one. */
static inline void
fmq__bounds_renew(fmq__bounds *b)
{
    b->left = b->max_message;
    b->parts_left = b->max_parts;
    b->next = b->max_part < b->left ? b->max_part : b->left;
    b->is_inside = false;
}

/* `max_part`: negative is no limit; of the others 0 is none. */
static inline void
fmq__bounds_init(fmq__bounds *b, int64_t max_part, int64_t max_message, int max_parts)
{
    b->max_part = max_part < 0 ? UINT64_MAX : (uint64_t)max_part;
    b->max_message = max_message == 0 ? UINT64_MAX : (uint64_t)max_message;
    b->max_parts = max_parts == 0 ? UINT64_MAX : (uint64_t)max_parts;
    fmq__bounds_renew(b);
}

/* Whether a frame is refused by its header. A command is no part: it may come between
 * two. */
static inline bool
fmq__bounds_refuse(const fmq__bounds *b, unsigned flags, uint64_t len)
{
    return len > b->next && ((flags & FMQ__COMMAND) == 0 || len > b->max_part);
}

/* The same for one that is sealed: what it is shows when it is open. */
static inline bool
fmq__bounds_refuse_sealed(const fmq__bounds *b, uint64_t len)
{
    return len > b->max_part ||
           (len > FMQ__BOUNDS_SEAL && len - FMQ__BOUNDS_SEAL > b->left);
}

/* A part has come, which was not refused. */
static inline int
fmq__bounds_take(fmq__bounds *b, unsigned flags, uint64_t len)
{
    bool has_more = (flags & FMQ__MORE) != 0;

    if (!has_more) {
        if (b->is_inside) {
            fmq__bounds_renew(b);
        }
        return 0;
    }
    if (b->parts_left <= 1) {
        return EMSGSIZE; /* there is one behind it */
    }
    b->parts_left--;
    b->left -= len;
    b->next = b->max_part < b->left ? b->max_part : b->left;
    b->is_inside = true;
    return 0;
}

#endif
