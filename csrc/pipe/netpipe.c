/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/netpipe.h"

/* Messages that one read may bring of which only the last will be kept. */
enum { CONFLATE_BATCH = 1000 };

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
    n->last_bytes = bytes;
    if (n->out_limit != 0 && n->n_out >= n->out_limit) {
        n->is_full = true;
    }
    n->events->committed(n);
}

/* Whether the last message is wholly unread: it is not the one that is being written.
 */
static bool
is_last_unread(const fmq__netpipe *n)
{
    return n->n_out > 1 || (n->n_out == 1 && !n->out_r.is_in_message &&
                            fmq__fq_is_at(&n->out_r, n->last_mark));
}

static void
take_back(fmq__pipe *p)
{
    fmq__netpipe *n = from_pipe(p);

    if (!n->is_writing && is_last_unread(n)) {
        fmq__fq_rollback(&n->out_w, n->last_mark);
        n->n_out--;
        n->out_bytes -= n->last_bytes < n->out_bytes ? n->last_bytes : n->out_bytes;
    }
    n->last_mark = n->out_w.end;
}

void
fmq__netpipe_fold_out_slow(fmq__netpipe *n)
{
    if (!n->is_writing && !n->out_r.is_in_message && n->out_r.frame_left == 0) {
        fmq__fq_consume_to(&n->out_r, n->last_mark);
        n->n_out = 1;
        n->out_bytes = n->last_bytes;
    }
}

static bool
catch_up(fmq__pipe *p)
{
    bool has_dropped = p->n_in > 1;

    while (p->n_in > 1) {
        fmq__pipe_skip_message(p);
    }
    return has_dropped;
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
    .take_back = take_back,
    .catch_up = catch_up,
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
    n->pipe.is_remote = true;
    n->pipe.out = &n->out_w;
    n->pipe.in = &n->in_r;
    n->events = events;
    n->n_out = 0;
    n->n_gone = 0;
    n->out_limit = out_limit;
    n->in_limit = in_limit;
    n->out_bytes = 0;
    n->is_full = false;
    n->is_paused = false;
    n->is_closed_in = false;
    n->is_writing = false;
    n->last_mark = n->out_w.end;
    n->last_bytes = 0;
    return 0;
}

void
fmq__netpipe_conflate(fmq__netpipe *n, unsigned directions)
{
    if (directions & FMQ__CONFLATE_OUT) {
        n->pipe.conflates_out = true;
        n->out_limit = 0;
    }
    if (directions & FMQ__CONFLATE_IN) {
        n->pipe.conflates_in = true;
        n->in_limit = CONFLATE_BATCH;
    }
}

void
fmq__netpipe_fini(fmq__netpipe *n)
{
    n->in_r.dropped = NULL;
    fmq__fq_fini(&n->out_w, &n->out_r);
    fmq__fq_fini(&n->in_w, &n->in_r);
    if (n->pipe.props != NULL) {
        fmq__props_drop(n->pipe.props);
        n->pipe.props = NULL;
    }
}

static uint32_t
low_water(const fmq__netpipe *n)
{
    return n->out_limit / 2 + n->out_limit % 2;
}

/* After messages left the queue, or its limit rose. `is_due`: so many have left that
 * any room will do. */
static void
check_room(fmq__netpipe *n, bool is_due)
{
    uint32_t enough = is_due ? 1 : low_water(n);

    if (n->is_full && (n->out_limit == 0 || n->n_out + enough <= n->out_limit)) {
        n->is_full = false;
        n->events->writable(n);
    }
}

/* Counts messages that have left; true: that makes another low-water mark of them. */
static bool
count_gone(fmq__netpipe *n, uint32_t n_messages)
{
    uint32_t low = low_water(n);

    n->n_gone += n_messages;
    if (n->n_gone < low || low == 0) {
        return false;
    }
    n->n_gone %= low;
    return true;
}

void
fmq__netpipe_set_limits(fmq__netpipe *n, uint32_t out_limit, uint32_t in_limit)
{
    if (n->pipe.conflates_out) {
        out_limit = 0;
    }
    if (n->pipe.conflates_in) {
        in_limit = CONFLATE_BATCH;
    }
    n->out_limit = out_limit;
    n->in_limit = in_limit;
    if (out_limit != 0 && n->n_out >= out_limit) {
        n->is_full = true;
    } else {
        check_room(n, false);
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
    check_room(n, count_gone(n, n_messages));
}

bool
fmq__netpipe_publish(fmq__netpipe *n, uint64_t n_messages)
{
    bool was_empty = n->pipe.n_in == 0;

    n->pipe.n_in += n_messages;
    return was_empty && n_messages != 0;
}
