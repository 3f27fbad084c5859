/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of a new connection, driven on the I/O thread: bytes between the
 * descriptor and the connection's state machine (wire/conn.h), with a time limit. Raw
 * connections have none, and go the same way. */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "session/endpoint.h"
#include "session/session.h"

/* PART_MS: how long a peer that we have refused may take to hear of it. Closing at once
 * would be quicker than it, and then it would come again (libzmq does, if the end comes
 * before it has sent its own command). */
enum { CHUNK = 4096, PART_MS = 1000, PART_READS = 16 };

/* Sends what the state machine wants sent: 0 all went, EAGAIN, or an error. */
static int
flush_output(fmq__session *s)
{
    const uint8_t *data;
    size_t len;

    while ((len = fmq__conn_output(s->conn, &data)) != 0) {
        struct iovec iov = {(void *)(uintptr_t)data, len};
        size_t n;
        int err = fmq__stream_writev(s->fd, &iov, 1, &n);

        if (err != 0) {
            return err;
        }
        fmq__conn_sent(s->conn, n);
    }
    return 0;
}

/* Reads until the handshake is over or nothing is there. */
static int
read_input(fmq__session *s)
{
    uint8_t chunk[CHUNK];

    while (!fmq__conn_is_ready(s->conn) && !fmq__conn_wants_work(s->conn)) {
        struct iovec iov = {chunk, sizeof(chunk)};
        size_t n = s->stash_len;
        size_t used;
        int err = 0;

        if (n != 0) {
            assert(n <= sizeof(chunk));
            memcpy(chunk, s->stash, n); /* it came before its turn */
            s->stash_len = 0;
        } else {
            err = fmq__stream_readv(s->fd, &iov, 1, &n);
        }
        if (err != 0) {
            return err;
        }
        err = fmq__conn_input(s->conn, chunk, n, &used);
        fmq__wipe(chunk, err != 0 ? n : used); /* there may be a password in it */
        if (err != 0) {
            return err;
        }
        if (used < n) {
            return fmq__session_stash(s, chunk + used, n - used);
        }
    }
    return 0;
}

/* Tells why: what the other end got wrong or refused, or what became of it. That our
 * types do not fit is told by the end alone. */
static void
tell_failure(fmq__session *s, int err)
{
    unsigned detail = s->conn != NULL ? fmq__conn_error(s->conn) : 0;

    if (detail >= 300 && detail <= 500) {
        fmq__session_tell(s, FMQ__EVENT_SHAKE_AUTH, detail);
    } else if (detail != 0) {
        fmq__session_tell(s, FMQ__EVENT_SHAKE_PROTOCOL, detail);
    } else if (err != EPROTO || !fmq__conn_has_greeted(s->conn)) {
        fmq__session_tell(s, FMQ__EVENT_SHAKE_FAILED, (uint64_t)err);
    }
}

void
fmq__handshake_fail(fmq__session *s, int err)
{
    tell_failure(s, err);
    s->error = err;
    fmq__session_io_bury(s);
}

/* ZAP has refused the peer, and ERROR is on its way; or who we are, or it is, could not
 * be proved, and trying again at once would be of no use. */
static void
refuse(fmq__session *s, int err)
{
    uint64_t deadline = fmq__deadline_ns(PART_MS);

    tell_failure(s, err);
    s->is_refused = true;
    if (!s->timer.is_set || s->timer.node.key > deadline) {
        fmq__io_set_timer(s->hub->io, &s->timer, deadline);
    }
}

/* Until the peer goes: what it says does not matter any more. */
static void
part(fmq__session *s)
{
    uint8_t chunk[CHUNK];
    size_t n;
    int err = flush_output(s);

    for (int i = 0; i < PART_READS && (err == 0 || err == EAGAIN); i++) {
        int in_err = fmq__stream_read(s->fd, chunk, sizeof(chunk), &n);

        if (in_err == EAGAIN) {
            break;
        }
        err = in_err != 0 ? in_err : err;
    }
    if (err == 0 || err == EAGAIN) {
        err = fmq__io_rewatch(s->hub->io, &s->watch,
                              FMQ__EV_IN | (err == EAGAIN ? FMQ__EV_OUT : 0U));
    }
    if (err != 0) {
        s->error = err;
        fmq__session_io_bury(s);
    }
}

/* It is over: the rest is under L. */
static void
succeed(fmq__session *s)
{
    fmq__hub *h = s->hub;

    fmq__io_unwatch(h->io, &s->watch);
    fmq__io_clear_timer(h->io, &s->timer);
    if (!s->is_raw) {
        fmq__session_tell(s, FMQ__EVENT_SHAKE_SUCCEEDED, 0);
    }
    fmq__list_push_back(&h->ready, &s->turn_node);
    fmq__hub_io_do(h, FMQ__WORK_SESSIONS);
}

/* Watched, the descriptor would tell of a hang-up again and again. */
static void
begin_work(fmq__session *s)
{
    int err;

    fmq__io_unwatch(s->hub->io, &s->watch);
    err = fmq__shake_errand_begin(s);
    if (err != 0) {
        fmq__handshake_fail(s, err);
    }
}

/* Does what is in order after a step that ended with `err`. */
static void
go_on(fmq__session *s, int err)
{
    unsigned events;
    int out_err;

    if (err == 0) {
        err = fmq__zap_run(s);
        if (err == EACCES) {
            refuse(s, err);
            part(s);
            return;
        }
    }
    out_err = flush_output(s); /* after a violation, too: it may explain it */
    if (err != 0) {
        fmq__handshake_fail(s, err);
        return;
    }
    if (out_err != 0 && out_err != EAGAIN) {
        fmq__handshake_fail(s, out_err);
        return;
    }
    if (fmq__conn_is_ready(s->conn) && out_err == 0) {
        succeed(s);
        return;
    }
    if (fmq__conn_wants_work(s->conn)) {
        begin_work(s);
        return;
    }
    events = out_err == EAGAIN ? FMQ__EV_OUT : 0;
    if (!fmq__conn_is_ready(s->conn)) {
        events |= FMQ__EV_IN;
    }
    err = fmq__io_rewatch(s->hub->io, &s->watch, events);
    if (err != 0) {
        fmq__handshake_fail(s, err);
    }
}

/* One step: all that can be done without waiting. */
static void
step(fmq__session *s, unsigned events)
{
    int err;

    if (s->is_refused) {
        part(s);
        return;
    }
    err = read_input(s);
    if (err == EAGAIN) {
        err = (events & (FMQ__EV_ERR | FMQ__EV_HUP)) ? ECONNRESET : 0;
    }
    go_on(s, err);
}

static void
on_ready(fmq__watch *w, unsigned events)
{
    step(FMQ__ITEM(w, fmq__session, watch), events);
}

void
fmq__handshake_go_on(fmq__session *s)
{
    step(s, 0);
}

void
fmq__handshake_worked(fmq__session *s, int err)
{
    int watch_err =
        fmq__io_watch(s->hub->io, &s->watch, s->fd, FMQ__EV_IN | FMQ__EV_OUT);

    if (watch_err != 0) {
        fmq__handshake_fail(s, watch_err);
    } else if (err == EPERM) {
        refuse(s, err);
        part(s);
    } else if (err == 0) {
        step(s, 0); /* there may be something that came meanwhile */
    } else {
        go_on(s, err);
    }
}

static void
on_time_out(fmq__timer *t)
{
    fmq__session *s = FMQ__ITEM(t, fmq__session, timer);

    if (s->is_refused) {
        s->error = ETIMEDOUT; /* of that it has been told already */
        fmq__session_io_bury(s);
    } else {
        fmq__handshake_fail(s, ETIMEDOUT);
    }
}

int
fmq__handshake_begin(fmq__session *s, const fmq__conn_config *config,
                     int handshake_ivl_ms)
{
    fmq__io *io = s->hub->io;
    int err = fmq__conn_new(config, &s->conn);

    if (err != 0) {
        return err;
    }
    s->watch.on_ready = on_ready;
    s->watch.fd = -1;
    fmq__timer_init(&s->timer, on_time_out);
    err = fmq__io_watch(io, &s->watch, s->fd, FMQ__EV_IN | FMQ__EV_OUT);
    if (err != 0) {
        fmq__conn_free(s->conn);
        s->conn = NULL;
        return err;
    }
    if (handshake_ivl_ms > 0) {
        fmq__io_set_timer(io, &s->timer, fmq__deadline_ns(handshake_ivl_ms));
    }
    s->is_shaking = true;
    return 0;
}

static void
on_connected(fmq__watch *w, unsigned events)
{
    (void)events;
    succeed(FMQ__ITEM(w, fmq__session, watch));
}

int
fmq__handshake_skip(fmq__session *s)
{
    s->watch.on_ready = on_connected;
    s->watch.fd = -1;
    fmq__timer_init(&s->timer, on_time_out);
    s->is_shaking = true;
    return fmq__io_watch(s->hub->io, &s->watch, s->fd, FMQ__EV_OUT);
}

void
fmq__handshake_end(fmq__session *s)
{
    fmq__io *io = s->hub->io;

    if (!s->is_shaking) {
        return;
    }
    s->is_shaking = false;
    if (s->watch.fd >= 0) {
        fmq__io_unwatch(io, &s->watch);
    }
    fmq__io_clear_timer(io, &s->timer);
    fmq__crowd_settle(&s->hub->crowd, &s->guest);
    fmq__zap_end(s);
    if (s->errand != NULL) {
        fmq__shake_errand_leave(s);
    }
    if (s->conn != NULL) {
        fmq__conn_free(s->conn);
        s->conn = NULL;
    }
}
