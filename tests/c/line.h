/* SPDX-License-Identifier: Apache-2.0 */
/* line: two sockets and the way between them. */
#ifndef FMQ_TESTS_LINE_H
#define FMQ_TESTS_LINE_H

#include "sockets.h"

/* A PUSH and a PULL, joined over `endpoint`. */
typedef struct line {
    fmq_ctx ctx;
    fmq_socket pull;
    fmq_socket push;
} line;

/* Marks of less than 0 are left as they are. */
static inline line
new_line(const char *endpoint, int mark)
{
    line l = {.ctx = new_ctx()};

    l.pull = new_brisk(l.ctx, PULL);
    l.push = new_brisk(l.ctx, PUSH);
    if (mark >= 0) {
        set_int(l.pull, RCVHWM, mark);
        set_int(l.push, SNDHWM, mark);
    }
    join(l.pull, l.push, endpoint);
    return l;
}

static inline void
end_line(const line *l)
{
    CHECK_EQ(fmq_socket_close(l->push), 0);
    CHECK_EQ(fmq_socket_close(l->pull), 0);
    end_ctx(l->ctx);
}

#endif
