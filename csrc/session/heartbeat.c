/* SPDX-License-Identifier: Apache-2.0 */
/* Heartbeats (RFC 37 "Connection Heartbeating"): PINGs of our own, and what a peer's
 * PING asks for.
 *
 * One timer a session, on the I/O thread, for the earliest of three times: when to send
 * the next PING, when the answer to the last one must have come, and when the time a
 * peer's PING has given is over. Anything that was read in between is an answer. A read
 * happens on any thread and only counts (`n_heard`); the timer compares. What lies
 * unread in the kernel - because the application receives nothing and its queue is
 * full - was heard, too.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "session/session.h"
#include "wire/command.h"
#include "wire/frame.h"

enum { NS_PER_MS = 1000 * 1000 };

static uint64_t
after_ms(const fmq__session *s, int64_t ms)
{
    return fmq__io_now(s->hub->io) + (uint64_t)ms * NS_PER_MS;
}

static void
set_timer(fmq__session *s)
{
    const fmq__heartbeat *b = &s->beat;
    uint64_t due = b->ping_ns < b->answer_ns ? b->ping_ns : b->answer_ns;

    due = b->ttl_ns < due ? b->ttl_ns : due;
    fmq__io_set_timer(s->hub->io, &s->timer, due);
}

static void
send_ping(fmq__session *s)
{
    uint8_t frame[FMQ__FRAME_SHORT_HEADER + FMQ__PING_MAX];
    size_t len = fmq__command_put_ping(frame + FMQ__FRAME_SHORT_HEADER,
                                       (uint64_t)s->beat.opts.ttl_ms, NULL, 0);

    len += fmq__frame_put_header(frame, FMQ__COMMAND, len);
    fmq__session_control(s, frame, len);
}

static bool
has_unread(const fmq__session *s)
{
    int n = 0;

    return ioctl(s->fd, FIONREAD, &n) == 0 && n > 0;
}

/* Whether a time by which something had to come is over and nothing has; clears it if
 * something has. */
static bool
is_dead(const fmq__session *s, uint64_t *due_ns, uint64_t heard)
{
    if (fmq__io_now(s->hub->io) < *due_ns) {
        return false;
    }
    if (s->n_heard == heard && !has_unread(s)) {
        return true;
    }
    *due_ns = FMQ__NEVER;
    return false;
}

/* Under L. */
static void
beat(fmq__session *s)
{
    fmq__heartbeat *b = &s->beat;

    if (s->phase != FMQ__ESTABLISHED || s->is_lasting) {
        return;
    }
    if (is_dead(s, &b->answer_ns, b->heard_at_ping) ||
        is_dead(s, &b->ttl_ns, b->heard_at_ttl)) {
        fmq__session_fail(s, ETIMEDOUT);
        return;
    }
    if (fmq__io_now(s->hub->io) >= b->ping_ns) {
        int timeout_ms = b->opts.timeout_ms < 0 ? b->opts.ivl_ms : b->opts.timeout_ms;

        send_ping(s);
        b->ping_ns = after_ms(s, b->opts.ivl_ms);
        if (timeout_ms > 0 && b->answer_ns == FMQ__NEVER) {
            b->answer_ns = after_ms(s, timeout_ms);
            b->heard_at_ping = s->n_heard;
        }
    }
    set_timer(s);
}

static void
on_due(fmq__timer *t)
{
    fmq__session *s = FMQ__ITEM(t, fmq__session, timer);

    fmq__hub_lock(s->hub);
    beat(s);
    fmq__hub_unlock(s->hub);
}

void
fmq__heartbeat_io_start(fmq__session *s)
{
    fmq__heartbeat *b = &s->beat;

    fmq__timer_init(&s->timer, on_due);
    b->ping_ns = FMQ__NEVER;
    if (b->opts.ivl_ms > 0 && s->version >= 0x0300) { /* older ones know no PING */
        b->ping_ns = after_ms(s, b->opts.ivl_ms);
    }
    b->answer_ns = FMQ__NEVER;
    b->ttl_ns = FMQ__NEVER;
    set_timer(s);
}

void
fmq__heartbeat_hear(fmq__session *s, uint32_t ttl_ms)
{
    s->beat.peer_ttl_ms = ttl_ms;
    if (!fmq__list_is_linked(&s->beat.node)) {
        fmq__list_push_back(&s->hub->heard, &s->beat.node);
        fmq__hub_ask(s->hub, FMQ__WORK_HEARD);
    }
}

void
fmq__hub_io_heard(fmq__hub *h)
{
    fmq__node *n;

    while ((n = fmq__list_pop_front(&h->heard)) != NULL) {
        fmq__session *s = FMQ__ITEM(n, fmq__session, beat.node);

        s->beat.ttl_ns = after_ms(s, s->beat.peer_ttl_ms);
        s->beat.heard_at_ttl = s->n_heard;
        set_timer(s);
    }
}
