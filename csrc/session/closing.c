/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a socket on the I/O thread: listeners go at once; connections and dialers
 * that have something queued last until it is written or the linger time is over. */
#include "base/clock.h"
#include "session/endpoint.h"
#include "session/hub.h"
#include "session/session.h"

static void
begin(fmq__hub *h)
{
    h->is_closing = true;
    if (h->linger_ms > 0) {
        fmq__io_set_timer(h->io, &h->linger_timer, fmq__deadline_ns(h->linger_ms));
    }
}

static void
close_endpoints(fmq__hub *h)
{
    fmq__node *n = h->endpoints.next;

    while (n != &h->endpoints) {
        fmq__endpoint *e = FMQ__ITEM(n, fmq__endpoint, node);

        n = n->next; /* a close takes out its own node at most */
        e->ops->close(e, h->linger_ms);
    }
}

/* Those of listeners that were unbound before. */
static void
end_sessions(fmq__hub *h)
{
    fmq__node *n = h->all_sessions.next;

    while (n != &h->all_sessions) {
        fmq__session *s = FMQ__ITEM(n, fmq__session, io_node);

        n = n->next;
        if (s->endpoint == NULL) {
            fmq__session_io_close(s, h->linger_ms);
        }
    }
}

void
fmq__hub_io_close(fmq__hub *h)
{
    bool is_first = !h->is_closing;

    fmq__hub_unlock(h);
    if (is_first) {
        begin(h);
    }
    if (is_first || h->linger_ms == 0) {
        close_endpoints(h);
        end_sessions(h);
    }
    fmq__hub_lock(h);
    if (is_first) {
        fmq__hub_ask(h, FMQ__WORK_WATCH); /* nobody else writes what is left */
    }
}
