/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the established sessions: what an event of the set says is a slot and a
 * generation, so that events of a session that is gone fall through. */
#include <errno.h>

#include "base/alloc.h"
#include "session/hub.h"
#include "session/session.h"

static int
find_free_slot(fmq__hub *h, uint32_t *slot)
{
    uint32_t n = h->n_slots;
    fmq__session **grown;

    if (h->n_established < n) {
        uint32_t i = h->slot_hint;

        while (h->slot[i % n] != NULL) {
            i++;
        }
        *slot = i % n;
        h->slot_hint = *slot + 1;
        return 0;
    }
    n = n == 0 ? 4 : n * 2;
    grown = fmq__realloc(h->slot, n * sizeof(fmq__session *));
    if (grown == NULL) {
        return ENOMEM;
    }
    for (uint32_t i = h->n_slots; i < n; i++) {
        grown[i] = NULL;
    }
    *slot = h->n_slots;
    h->slot = grown;
    h->n_slots = n;
    return 0;
}

int
fmq__hub_add_session(fmq__hub *h, fmq__session *s)
{
    static _Atomic uint32_t generations; /* one sequence for all: none is met again */
    int err = find_free_slot(h, &s->slot);

    if (err != 0) {
        return err;
    }
    s->slot_generation =
        atomic_fetch_add_explicit(&generations, 1, memory_order_relaxed);
    err = fmq__session_enter_set(s);
    if (err != 0) {
        return err;
    }
    h->slot[s->slot] = s;
    fmq__list_push_back(&h->established, &s->hub_node);
    h->n_established++;
    return 0;
}

void
fmq__hub_remove_session(fmq__hub *h, fmq__session *s)
{
    fmq__session_leave_set(s);
    if (fmq__list_is_linked(&s->hub_node)) {
        fmq__list_remove(&s->hub_node);
        h->slot[s->slot] = NULL;
        h->n_established--;
    }
}

fmq__session *
fmq__hub_find_session(fmq__hub *h, uint64_t token)
{
    uint32_t slot = (uint32_t)token;
    fmq__session *s = slot < h->n_slots ? h->slot[slot] : NULL;

    return s != NULL && s->slot_generation == token >> 32 ? s : NULL;
}

bool
fmq__hub_resume_all(fmq__hub *h)
{
    bool has_any = false;
    fmq__node *n;

    while ((n = fmq__list_pop_front(&h->resuming)) != NULL) {
        fmq__session_resume(FMQ__ITEM(n, fmq__session, resume_node));
        has_any = true;
    }
    return has_any;
}

void
fmq__hub_set_marks(fmq__hub *h, uint32_t sndhwm, uint32_t rcvhwm)
{
    for (fmq__node *n = h->established.next; n != &h->established; n = n->next) {
        fmq__session *s = FMQ__ITEM(n, fmq__session, hub_node);

        fmq__netpipe_set_limits(&s->peer->net, sndhwm, rcvhwm);
    }
}
