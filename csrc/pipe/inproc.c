/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/inproc.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

static fmq__inproc *
from_pipe(fmq__pipe *p)
{
    return FMQ__ITEM(p, fmq__inproc, pipe);
}

static void
couple_drop(fmq__couple *c)
{
    /* D1 -> D1: whoever frees sees what all others did. */
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (c->side[i].inbox != NULL) {
            fmq__inbox_drop(c->side[i].inbox);
        }
        fmq__free(c->side[i].id);
        if (c->side[i].goodbye.body != NULL) {
            fmq__body_drop(c->side[i].goodbye.body);
        }
    }
    fmq__free(c);
}

bool
fmq__inproc_tell(fmq__inproc *side)
{
    fmq__couple *c = side->couple;

    /* N1 -> N2: who takes the note clears the flag before looking; what was published
     * before a note that was not sent again is then seen. */
    if (side->inbox == NULL ||
        atomic_exchange_explicit(&side->is_noted, true, memory_order_acq_rel)) {
        return true;
    }
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    if (!fmq__inbox_post(side->inbox, &side->note)) {
        couple_drop(c);
        return false;
    }
    return true;
}

void
fmq__inproc_take_note(fmq__inproc *side)
{
    (void)atomic_exchange_explicit(&side->is_noted, false,
                                   memory_order_acq_rel); /* N2 */
}

void
fmq__inproc_end_note(fmq__inproc *side)
{
    couple_drop(side->couple);
}

static void
commit(fmq__pipe *p, size_t bytes)
{
    fmq__inproc *side = from_pipe(p);

    (void)bytes;
    if (fmq__duct_publish(side->tx)) {
        (void)fmq__inproc_tell(fmq__inproc_peer(side));
    }
}

static bool
has_room(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);

    if (fmq__duct_has_room(side->tx)) {
        return true;
    }
    if (fmq__duct_sleep_writer(side->tx)) {
        return false;
    }
    return !fmq__duct_is_reader_gone(side->tx); /* its note is on its way */
}

/* Nothing was ready. False: nor will it be until it is told. */
static bool
is_to_look_again(fmq__inproc *side)
{
    if (fmq__duct_is_finished(side->rx)) {
        (void)fmq__inproc_tell(side); /* to be closed, when there is time */
        return false;
    }
    return !fmq__duct_sleep_reader(side->rx);
}

static bool
refill(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);

    do {
        p->n_in = fmq__duct_ready(side->rx);
    } while (p->n_in == 0 && is_to_look_again(side));
    return p->n_in != 0;
}

static bool
refill_last(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);

    do {
        p->n_in = fmq__duct_take(side->rx);
    } while (p->n_in == 0 && is_to_look_again(side));
    return p->n_in != 0;
}

static void
popped(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);

    if (fmq__duct_report(side->rx)) {
        (void)fmq__inproc_tell(fmq__inproc_peer(side));
    }
    if (p->n_in == 0 && fmq__inproc_is_finished(side)) {
        (void)fmq__inproc_tell(side);
    }
}

/* The owner closes it at its next look, when what has come is read. */
static void
end(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);

    side->is_ended = true;
    (void)fmq__inproc_tell(side);
}

static void
take_back(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);

    if (fmq__duct_take_back(side->tx)) {
        fmq__fq_rollback(p->out, side->last_mark);
    }
    side->last_mark = p->out->end;
}

static bool
catch_up(fmq__pipe *p)
{
    fmq__inproc *side = from_pipe(p);
    bool has_dropped = false;

    while (p->n_in != 0 && (p->n_in > 1 || fmq__duct_has_newer(side->rx))) {
        fmq__pipe_skip_message(p);
        has_dropped = true;
        if (p->n_in == 0) {
            (void)refill_last(p);
        }
    }
    return has_dropped;
}

static const fmq__pipe_ops inproc_ops = {
    .commit = commit,
    .has_room = has_room,
    .refill = refill,
    .popped = popped,
    .take_back = take_back,
    .end = end,
};

/* Where what comes in is conflated. */
static const fmq__pipe_ops last_ops = {
    .commit = commit,
    .has_room = has_room,
    .refill = refill_last,
    .popped = popped,
    .take_back = take_back,
    .end = end,
    .catch_up = catch_up,
};

static void
init_side(fmq__inproc *side, fmq__couple *c, fmq__duct *tx, fmq__duct *rx)
{
    fmq__pipe_init(&side->pipe, rx->r.is_conflating ? &last_ops : &inproc_ops);
    side->pipe.out = fmq__duct_writer(tx);
    side->pipe.in = fmq__duct_reader(rx);
    side->pipe.conflates_out = tx->w.is_conflating;
    side->pipe.conflates_in = rx->r.is_conflating;
    side->last_mark = side->pipe.out->end;
    side->couple = c;
    side->tx = tx;
    side->rx = rx;
    side->inbox = NULL;
    side->note.next = NULL;
    atomic_init(&side->is_noted, false);
    side->is_open = false;
    side->is_ended = false;
    side->is_joined = false;
    side->sndhwm = 0;
    atomic_init(&side->rcvhwm, 0);
    fmq__list_init(&side->node);
    side->owner = NULL;
    side->id = NULL;
    side->id_len = 0;
    side->goodbye = (fmq__outpart){0};
}

int
fmq__inproc_set_id(fmq__inproc *side, const uint8_t *id, uint8_t id_len)
{
    if (id_len == 0) {
        return 0;
    }
    side->id = fmq__alloc(id_len);
    if (side->id == NULL) {
        return ENOMEM;
    }
    memcpy(side->id, id, id_len);
    side->id_len = id_len;
    return 0;
}

void
fmq__inproc_set_goodbye(fmq__inproc *side, const fmq__outpart *goodbye)
{
    if (side->goodbye.body == NULL && goodbye->body != NULL) {
        side->goodbye = *goodbye;
        fmq__body_hold(goodbye->body);
    }
}

void
fmq__inproc_say_goodbye(fmq__inproc *side)
{
    fmq__pipe *p = &side->pipe;

    if (side->goodbye.body != NULL && !fmq__duct_is_reader_gone(side->tx)) {
        (void)fmq__pipe_send(p, p->out->end, &side->goodbye, 1);
    }
}

int
fmq__couple_new(fmq__inbox *connecter, uint32_t limit, unsigned conflates,
                fmq__couple **couple)
{
    fmq__couple *c = fmq__calloc(1, sizeof(*c));
    fmq__duct *there;
    fmq__duct *back;

    if (c == NULL) {
        return ENOMEM;
    }
    if (fmq__duct_new(limit, &there) != 0) {
        fmq__free(c);
        return ENOMEM;
    }
    /* The least limit: nobody writes before the join sets it, and raising is exact. */
    if (fmq__duct_new(1, &back) != 0) {
        (void)fmq__duct_close_writer(there);
        (void)fmq__duct_close_reader(there);
        fmq__free(c);
        return ENOMEM;
    }
    if (conflates & FMQ__CONFLATE_OUT) {
        fmq__duct_conflate(there);
    }
    if (conflates & FMQ__CONFLATE_IN) {
        fmq__duct_conflate(back);
    }
    atomic_init(&c->refs, 2);
    init_side(&c->side[0], c, there, back);
    init_side(&c->side[1], c, back, there);
    fmq__inbox_hold(connecter);
    c->side[0].inbox = connecter;
    *couple = c;
    return 0;
}

bool
fmq__couple_join(fmq__couple *c, fmq__inbox *binder, uint32_t limit_from_0,
                 uint32_t limit_from_1)
{
    fmq__duct_set_limit(c->side[0].tx, limit_from_0);
    fmq__duct_set_limit(c->side[1].tx, limit_from_1);
    fmq__inbox_hold(binder);
    c->side[1].inbox = binder;
    return fmq__inproc_tell(&c->side[1]);
}

void
fmq__inproc_close(fmq__inproc *side, fmq__body **dropped)
{
    /* Even if it is awake: a peer that only sends would not come to look. */
    bool has_peer = !fmq__duct_is_reader_gone(side->tx);

    fmq__duct_writer(side->tx)->dropped = dropped;
    fmq__duct_reader(side->rx)->dropped = dropped;
    (void)fmq__duct_close_writer(side->tx);
    (void)fmq__duct_close_reader(side->rx);
    if (has_peer) {
        (void)fmq__inproc_tell(fmq__inproc_peer(side));
    }
    couple_drop(side->couple);
}
