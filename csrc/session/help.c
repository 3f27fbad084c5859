/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening take much longer than copying: who calls keeps an interpreter's
 * lock, perhaps, and a socket of many peers has but one I/O thread.
 *
 * So long work is the I/O thread's, and where a socket has several long jobs at a time
 * the other I/O threads of the context help with them: any thread may take a turn. One
 * that is called counts as somebody inside, so the hub is there when it comes.
 */
#include "session/hub.h"
#include "session/session.h"

enum {
    WRITE_NS = 700,     /* what writing one session costs, about */
    SEAL_NS = 1000,     /* and sealing a short frame */
    LONG_NS = 50 * 1000 /* longer than handing it over */
};

/* On another I/O thread than the hub's, or (for reading) on the hub's own. */
static void
on_call(fmq__task *t)
{
    fmq__helper *me = FMQ__ITEM(t, fmq__helper, task);
    fmq__hub *h = me->hub;

    fmq__hub_lock(h);
    me->is_called = false;
    fmq__hub_write_dirty(h);
    if (h->help.n_heavy > 1) {
        fmq__hub_look_at_all(h);
    }
    fmq__hub_exit(h); /* counted in when it was called */
    fmq__hub_unlock(h);
}

void
fmq__help_init(fmq__hub *h)
{
    fmq__help *p = &h->help;

    p->crew = NULL;
    p->n_crew = 0;
    p->affinity = 0;
    p->n_heavy = 0;
    for (int i = 0; i < FMQ__HELPERS_MAX; i++) {
        fmq__task_init(&p->helper[i].task, on_call);
        p->helper[i].hub = h;
        p->helper[i].is_called = false;
    }
}

/* Calls other I/O threads, so that `n_jobs` are done by as many together with the
 * caller. */
static void
call(fmq__hub *h, uint64_t n_jobs)
{
    fmq__help *p = &h->help;
    int n = 0;

    for (int i = 0; i < p->n_crew && n_jobs > 1 && n < FMQ__HELPERS_MAX; i++) {
        fmq__helper *helper = &p->helper[n];

        if (fmq__io_is_here(p->crew[i]) ||
            (p->affinity != 0 && (p->affinity >> i & 1) == 0)) {
            continue;
        }
        n++;
        n_jobs--;
        if (!helper->is_called) {
            helper->is_called = true;
            h->n_inside++; /* the hub stays until it has come */
            fmq__io_post(p->crew[i], &helper->task);
        }
    }
}

/* About how long it takes to write what is dirty: of many peers the last is as good as
 * any. */
static uint64_t
pass_ns(const fmq__hub *h)
{
    const fmq__flush *f = &h->flush;
    const fmq__session *last;
    uint64_t each = WRITE_NS;

    if (f->n_dirty == 0) {
        return 0;
    }
    last = FMQ__ITEM(f->dirty.prev, fmq__session, dirty_node);
    if (last->form == FMQ__FORM_SEALED) {
        each += SEAL_NS + last->peer->net.out_bytes; /* a nanosecond each */
    }
    return f->n_dirty * each;
}

bool
fmq__help_is_long(const fmq__hub *h)
{
    return pass_ns(h) > LONG_NS;
}

void
fmq__help_write(fmq__hub *h)
{
    uint64_t n_jobs = pass_ns(h) / LONG_NS;

    if (h->help.n_crew > 1) {
        call(h, n_jobs < h->flush.n_dirty ? n_jobs : h->flush.n_dirty);
    }
}

void
fmq__help_read(fmq__hub *h)
{
    call(h, h->help.n_heavy);
}

void
fmq__help_weigh(fmq__session *s, bool is_heavy)
{
    if (s->is_heavy != is_heavy) {
        s->is_heavy = is_heavy;
        s->hub->help.n_heavy += is_heavy ? 1U : UINT32_MAX;
    }
}

bool
fmq__help_is_needed(const fmq__hub *h)
{
    return h->help.n_heavy != 0 || fmq__help_is_long(h);
}
