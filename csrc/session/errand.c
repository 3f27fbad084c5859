/* SPDX-License-Identifier: Apache-2.0 */
/* What of a handshake may take long - GSSAPI asks a KDC for a ticket - is done on the
 * threads of the context that are for that, never on an I/O thread.
 *
 * Meanwhile the connection's state machine belongs to the errand. The session may end
 * before it is back (its time is over, the socket is closed): then the errand takes the
 * state machine along, and frees it on the I/O thread when it comes there.
 */
#include <errno.h>

#include "base/alloc.h"
#include "session/session.h"

struct fmq__shake_errand {
    fmq__errand errand;
    fmq__task back; /* on the I/O thread */
    fmq__io *io;
    fmq__session *session; /* I/O thread; NULL: it has ended */
    fmq__conn *conn;
    fmq__secrets *secrets; /* what the mechanism in `conn` goes by */
    bool is_cancelled;
};

static void
run(fmq__errand *errand, bool is_cancelled)
{
    fmq__shake_errand *e = FMQ__ITEM(errand, fmq__shake_errand, errand);

    e->is_cancelled = is_cancelled;
    if (!is_cancelled) {
        fmq__conn_work(e->conn);
    }
    fmq__io_post(e->io, &e->back);
}

static void
on_back(fmq__task *t)
{
    fmq__shake_errand *e = FMQ__ITEM(t, fmq__shake_errand, back);
    fmq__session *s = e->session;

    if (s != NULL) {
        s->errand = NULL;
        fmq__handshake_worked(s, e->is_cancelled ? ECANCELED
                                                 : fmq__conn_finish_work(e->conn));
    } else {
        fmq__conn_free(e->conn);
    }
    fmq__secrets_drop(e->secrets);
    fmq__free(e);
}

int
fmq__shake_errand_begin(fmq__session *s)
{
    fmq__shake_errand *e = fmq__calloc(1, sizeof(*e));
    int err;

    if (e == NULL) {
        return ENOMEM;
    }
    e->errand.run = run;
    fmq__task_init(&e->back, on_back);
    e->io = s->hub->io;
    e->session = s;
    e->conn = s->conn;
    e->secrets = s->secrets;
    fmq__secrets_hold(e->secrets);
    s->errand = e;
    err = s->hub->events->on_errand(s->hub, &e->errand);
    if (err != 0) {
        s->errand = NULL;
        fmq__secrets_drop(e->secrets);
        fmq__free(e);
    }
    return err;
}

void
fmq__shake_errand_leave(fmq__session *s)
{
    s->errand->session = NULL;
    s->errand = NULL;
    s->conn = NULL;
}
