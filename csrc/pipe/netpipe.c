/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/netpipe.h"

static fmq__netpipe *
from_pipe(fmq__pipe *p)
{
    return FMQ__ITEM(p, fmq__netpipe, pipe);
}

static void
commit(fmq__pipe *p, size_t bytes)
{
    fmq__netpipe *n = from_pipe(p);

    n->n_out++;
    n->out_bytes += bytes;
    if (n->out_limit != 0 && n->n_out >= n->out_limit) {
        n->is_full = true;
    }
    n->events->committed(n);
}

static bool
has_room(fmq__pipe *p)
{
    return !from_pipe(p)->is_full;
}

static bool
refill(fmq__pipe *p)
{
    (void)p; /* what comes is published under the lock: n_in is the truth */
    return false;
}

static void
popped(fmq__pipe *p)
{
    fmq__netpipe *n = from_pipe(p);

    if (n->is_paused && p->n_in <= n->in_limit / 2) {
        n->events->emptied(n);
    } else if (n->is_closed_in && p->n_in == 0) {
        n->events->emptied(n);
    }
}

static void
end(fmq__pipe *p)
{
    fmq__netpipe *n = from_pipe(p);

    n->events->ended(n);
}

static const fmq__pipe_ops net_ops = {
    .commit = commit,
    .has_room = has_room,
    .refill = refill,
    .popped = popped,
    .end = end,
};

int
fmq__netpipe_init(fmq__netpipe *n, const fmq__netpipe_events *events,
                  uint32_t out_limit, uint32_t in_limit)
{
    int err = fmq__fq_init(&n->out_w, &n->out_r);

    if (err != 0) {
        return err;
    }
    err = fmq__fq_init(&n->in_w, &n->in_r);
    if (err != 0) {
        fmq__fq_fini(&n->out_w, &n->out_r);
        return err;
    }
    fmq__pipe_init(&n->pipe, &net_ops);
    n->pipe.out = &n->out_w;
    n->pipe.in = &n->in_r;
    n->events = events;
    n->n_out = 0;
    n->out_limit = out_limit;
    n->in_limit = in_limit;
    n->out_bytes = 0;
    n->is_full = false;
    n->is_paused = false;
    n->is_closed_in = false;
    return 0;
}

void
fmq__netpipe_fini(fmq__netpipe *n)
{
    fmq__fq_fini(&n->out_w, &n->out_r);
    fmq__fq_fini(&n->in_w, &n->in_r);
    if (n->pipe.props != NULL) {
        fmq__props_drop(n->pipe.props);
        n->pipe.props = NULL;
    }
}

/* After messages left the queue, or its limit rose. */
static void
check_room(fmq__netpipe *n)
{
    uint32_t low = n->out_limit / 2 + n->out_limit % 2;

    if (n->is_full && (n->out_limit == 0 || n->n_out <= n->out_limit - low)) {
        n->is_full = false;
        n->events->writable(n);
    }
}

void
fmq__netpipe_set_limits(fmq__netpipe *n, uint32_t out_limit, uint32_t in_limit)
{
    n->out_limit = out_limit;
    n->in_limit = in_limit;
    if (out_limit != 0 && n->n_out >= out_limit) {
        n->is_full = true;
    } else {
        check_room(n);
    }
    if (n->is_paused && fmq__netpipe_in_room(n) != 0) {
        n->events->emptied(n);
    }
}

void
fmq__netpipe_written(fmq__netpipe *n, uint32_t n_messages, size_t bytes)
{
    n->n_out -= n_messages;
    n->out_bytes = n->n_out == 0 || bytes > n->out_bytes ? 0 : n->out_bytes - bytes;
    check_room(n);
}

bool
fmq__netpipe_publish(fmq__netpipe *n, uint64_t n_messages)
{
    bool was_empty = n->pipe.n_in == 0;

    n->pipe.n_in += n_messages;
    return was_empty && n_messages != 0;
}
