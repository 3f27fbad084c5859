/* SPDX-License-Identifier: Apache-2.0 */
/* probe: PROBE_ROUTER: an empty message on every new pipe, by which a ROUTER at its
 * other end learns of it without having been sent anything.
 *
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_PROBE_H
#define FMQ_PATTERN_PROBE_H

#include "pipe/pipe.h"

enum { FMQ__OPT_PROBE_ROUTER = 51 };

/* In attach; false: no memory. */
static inline bool
fmq__probe_send(fmq__pipe *pipe)
{
    const fmq__outpart empty = {(const uint8_t *)"", 0, NULL};

    return fmq__pipe_send(pipe, pipe->out->end, &empty, 1) == 0;
}

#endif
