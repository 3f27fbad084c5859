/* SPDX-License-Identifier: Apache-2.0 */
/* inproc: names in the context, and couples between its sockets.
 *
 * connect before bind is allowed: the couple waits in the context, its connecter may
 * send up to its own mark, and a bind of the name takes it over. The binder learns of a
 * new couple by a note in its inbox and attaches its side the next time anybody enters
 * it.
 *
 * A side's `owner` says where it stands (under its socket's L): NULL not attached yet,
 * else its socket; `is_open` ends when it is detached.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "socket/socket.h"

/* One bound name; under the context's mutex. */
typedef struct bound {
    fmq__hash_node node;
    fmq__socket *socket;
    fmq__inbox *inbox; /* held */
    uint32_t sndhwm;
    uint32_t rcvhwm;
    uint8_t id[255]; /* ROUTING_ID at bind */
    uint8_t id_len;
    fmq__blob hello; /* HELLO_MSG and DISCONNECT_MSG, of types that have them */
    fmq__blob goodbye;
    fmq_socket keeper; /* the socket, if nobody enters it for itself; else 0 */
    char text[];
} bound;

/* One connect that waits for its name to be bound; under the context's mutex. It
 * outlives its socket if messages wait in it. */
typedef struct waiting {
    fmq__pending base;
    fmq__socket *socket; /* the connecter; NULL: closed, or disconnected */
    fmq__couple *couple;
    const void *leaver; /* who closes side 0, which is not to be joined meanwhile; NULL:
                         * nobody (begin_leaving) */
    bool is_told;       /* the binder has its note, and side 1 with it */
    fmq_socket keeper;  /* of the binder */
    uint32_t sndhwm;
    uint32_t rcvhwm;
    char text[];
} waiting;

static void
free_waiting(fmq__pending *p)
{
    waiting *w = FMQ__ITEM(p, waiting, base);

    fmq__inproc_close(&w->couple->side[1], NULL); /* nobody's any more */
    fmq__free(w);
}

static uint32_t
sum_of_marks(uint32_t sndhwm, uint32_t rcvhwm)
{
    if (sndhwm == 0 || rcvhwm == 0) {
        return 0;
    }
    return sndhwm > UINT32_MAX - rcvhwm ? UINT32_MAX : sndhwm + rcvhwm;
}

/* What a side may send: both sides' shares together. */
static void
set_limit(fmq__inproc *side)
{
    uint32_t limit = side->sndhwm;

    if (side->is_joined) {
        limit = sum_of_marks(limit, fmq__inproc_rcvhwm(fmq__inproc_peer(side)));
    }
    fmq__duct_set_limit(side->tx, limit);
}

/* For marks that are set later: ours at once, the other side's when it looks. */
void
fmq__inproc_set_marks(fmq__socket *s)
{
    for (fmq__node *n = s->inprocs.next; n != &s->inprocs; n = n->next) {
        fmq__inproc *side = FMQ__ITEM(n, fmq__inproc, node);

        side->sndhwm = (uint32_t)s->opt.sndhwm;
        set_limit(side);
        if (side->pipe.is_attached) {
            s->hub.pattern->ops->writable(s->hub.pattern, &side->pipe);
        }
        if (fmq__inproc_rcvhwm(side) != (uint32_t)s->opt.rcvhwm) {
            fmq__inproc_set_rcvhwm(side, (uint32_t)s->opt.rcvhwm);
            if (side->is_joined) {
                (void)fmq__inproc_tell(fmq__inproc_peer(side));
            }
        }
    }
}

/* --- the pattern's side --- */

/* The side has its peer. False: the pattern has no memory for it; it is closed. */
static bool
tell_up(fmq__socket *s, fmq__inproc *side)
{
    const fmq__inproc *peer = fmq__inproc_peer(side);

    if (fmq__hub_up(&s->hub, &side->pipe, peer->id, peer->id_len) == 0) {
        return true;
    }
    fmq__inproc_detach(s, side);
    fmq__inproc_close(side, &s->hub.dropped);
    return false;
}

/* HELLO_MSG, before anything else is sent; without memory for it it is not. */
static void
say_hello(fmq__inproc *side, const fmq__blob *hello)
{
    const fmq__outpart part = {hello->data, hello->len, hello->body};

    if (hello->body != NULL) {
        (void)fmq__pipe_send(&side->pipe, side->pipe.out->end, &part, 1);
    }
}

/* Joins a couple to the binder of its name, as fmq__couple_join. Without memory for its
 * id the binder has none. */
static bool
join_couple(fmq__couple *c, const bound *b, uint32_t sndhwm, uint32_t rcvhwm)
{
    const fmq__outpart goodbye = {b->goodbye.data, b->goodbye.len, b->goodbye.body};

    (void)fmq__inproc_set_id(&c->side[1], b->id, b->id_len);
    fmq__inproc_set_goodbye(&c->side[0], &goodbye);
    c->side[0].sndhwm = sndhwm;
    c->side[1].sndhwm = b->sndhwm;
    fmq__inproc_set_rcvhwm(&c->side[0], rcvhwm);
    fmq__inproc_set_rcvhwm(&c->side[1], b->rcvhwm);
    c->side[0].is_joined = true;
    c->side[1].is_joined = true;
    say_hello(&c->side[1], &b->hello); /* its socket may not look for long */
    return fmq__couple_join(c, b->inbox, sum_of_marks(sndhwm, b->rcvhwm),
                            sum_of_marks(b->sndhwm, rcvhwm));
}

/* --- bind --- */

/* Joins a waiting couple to the socket that has the name now. */
static void
join(waiting *w, const bound *b)
{
    fmq__socket *s = w->socket;
    fmq__pipe *p = &w->couple->side[0].pipe;

    if (s != NULL) {
        fmq__hub_lock(&s->hub);
        w->sndhwm = (uint32_t)s->opt.sndhwm; /* they may have been set meanwhile */
        w->rcvhwm = (uint32_t)s->opt.rcvhwm;
    }
    w->is_told = join_couple(w->couple, b, w->sndhwm, w->rcvhwm);
    if (s == NULL) {
        return; /* what it left is the binder's */
    }
    if (w->couple->side[0].is_open && w->is_told && tell_up(s, &w->couple->side[0])) {
        s->hub.pattern->ops->writable(s->hub.pattern, p);
    }
    fmq__hub_unlock(&s->hub);
}

/* Takes over the connects that waited for this name. */
static void
adopt(fmq__ctx *c, const bound *b, fmq__node *adopted)
{
    fmq__node *n = c->pending.next;

    while (n != &c->pending) {
        waiting *w = FMQ__ITEM(n, waiting, base.node);

        n = n->next;
        if (w->leaver != NULL || strcmp(w->text, b->text) != 0) {
            continue;
        }
        fmq__list_remove(&w->base.node);
        join(w, b);
        fmq__list_push_back(adopted, &w->base.node);
    }
}

/* A message that the socket's type may have, or none. */
static fmq__blob
take_blob(const fmq__socket *s, unsigned says, const fmq__blob *blob)
{
    if ((s->hub.pattern->ops->says & says) == 0) {
        return (fmq__blob){NULL, NULL, 0};
    }
    fmq__blob_hold(blob);
    return *blob;
}

static bound *
new_bound(fmq__socket *s, const char *endpoint, const fmq__link_opts *link)
{
    size_t len = strlen(endpoint);
    bound *b = fmq__alloc(sizeof(*b) + len + 1);

    if (b == NULL) {
        return NULL;
    }
    memcpy(b->text, endpoint, len + 1);
    b->socket = s;
    b->inbox = s->hub.inbox;
    fmq__inbox_hold(b->inbox);
    b->sndhwm = link->sndhwm;
    b->rcvhwm = link->rcvhwm;
    memcpy(b->id, link->identity, link->identity_len);
    b->id_len = link->identity_len;
    b->hello = take_blob(s, FMQ__SAYS_HELLO, &link->bytes.hello);
    b->goodbye = take_blob(s, FMQ__SAYS_GOODBYE, &link->bytes.goodbye);
    b->keeper = s->hub.pattern->ops == &fmq__pattern_keeper ? fmq__shell_handle(s) : 0;
    return b;
}

static void
free_bound(bound *b)
{
    fmq__blob_drop(&b->hello);
    fmq__blob_drop(&b->goodbye);
    fmq__inbox_drop(b->inbox);
    fmq__free(b);
}

static bound *
find_bound(fmq__ctx *c, const char *endpoint)
{
    fmq__hash_node *n = fmq__hash_get(&c->names, endpoint, strlen(endpoint));

    return n != NULL ? FMQ__ITEM(n, bound, node) : NULL;
}

/* Under the ctx mutex: the socket and the context know the name, or neither. */
static int
enter_bound(fmq__socket *s, bound *b, fmq__name *entry)
{
    fmq__ctx *c = s->ctx;
    int err = find_bound(c, b->text) != NULL
                  ? EADDRINUSE
                  : fmq__hash_put(&c->names, &b->node, b->text, strlen(b->text));

    if (err != 0) {
        return err;
    }
    fmq__hub_lock(&s->hub);
    err = fmq__hub_state(&s->hub);
    if (err == 0) {
        fmq__name_enter(s, entry);
    }
    fmq__hub_unlock(&s->hub);
    if (err != 0) {
        fmq__hash_remove(&c->names, &b->node);
    }
    return err;
}

/* Ends the wait of couples that were joined; not under a lock. */
static void
introduce_all(fmq__node *adopted)
{
    fmq__node *n;

    while ((n = fmq__list_pop_front(adopted)) != NULL) {
        waiting *w = FMQ__ITEM(n, waiting, base.node);

        if (!w->is_told) {
            fmq__inproc_close(&w->couple->side[1], NULL); /* the binder is closed */
        }
        fmq__free(w);
    }
}

int
fmq__inproc_bind(fmq__socket *s, fmq__name *entry, const fmq__link_opts *link)
{
    fmq__ctx *c = s->ctx;
    bound *b = new_bound(s, entry->text, link);
    fmq__node adopted;
    int err;

    if (b == NULL) {
        return ENOMEM;
    }
    fmq__list_init(&adopted);
    fmq__mutex_lock(&c->mutex);
    err = enter_bound(s, b, entry);
    if (err == 0) {
        adopt(c, b, &adopted);
    }
    fmq__mutex_unlock(&c->mutex);
    if (err != 0) {
        free_bound(b);
        return err;
    }
    introduce_all(&adopted);
    return 0;
}

static void
remove_bound(fmq__ctx *c, bound *b)
{
    fmq__hash_remove(&c->names, &b->node);
    free_bound(b);
}

void
fmq__inproc_unbind(fmq__socket *s, const char *endpoint)
{
    fmq__ctx *c = s->ctx;
    bound *b;

    fmq__mutex_lock(&c->mutex);
    b = find_bound(c, endpoint);
    if (b != NULL && b->socket == s) {
        remove_bound(c, b);
    }
    fmq__mutex_unlock(&c->mutex);
}

/* --- connect --- */

/* Attaches a side; EBUSY: it is too late, or the pattern does not want it. `link`: of
 * the connecter's side, NULL: of the binder's. */
static int
attach_side(fmq__socket *s, fmq__inproc *side, const fmq__link_opts *link)
{
    fmq__hub *h = &s->hub;
    int err;

    if (link != NULL) {
        side->pipe.preset = link->connect_id;
        side->pipe.preset_len = link->connect_id_len;
    }
    side->owner = s;
    side->pipe.in->dropped = &h->dropped;
    side->pipe.out->dropped = &h->dropped;
    err = h->is_closed ? EBUSY : fmq__pattern_attach(h->pattern, &side->pipe);
    if (err != 0) {
        return err;
    }
    side->is_open = true;
    fmq__list_push_back(&s->inprocs, &side->node);
    if (link != NULL && (h->pattern->ops->says & FMQ__SAYS_HELLO) != 0) {
        say_hello(side, &link->bytes.hello);
    }
    return 0;
}

static waiting *
new_waiting(fmq__socket *s, const char *endpoint, fmq__couple *couple,
            const fmq__link_opts *link)
{
    size_t len = strlen(endpoint);
    waiting *w = fmq__alloc(sizeof(*w) + len + 1);

    if (w == NULL) {
        return NULL;
    }
    fmq__list_init(&w->base.node);
    w->base.free = free_waiting;
    memcpy(w->text, endpoint, len + 1);
    w->socket = s;
    w->couple = couple;
    w->leaver = NULL;
    w->is_told = false;
    w->keeper = 0;
    w->sndhwm = link->sndhwm;
    w->rcvhwm = link->rcvhwm;
    return w;
}

static void
discard(fmq__couple *couple)
{
    fmq__inproc_close(&couple->side[0], NULL);
    fmq__inproc_close(&couple->side[1], NULL);
}

/* What became of a connect. */
enum outcome {
    REFUSED, /* nothing: an error, or the pattern does not want another peer */
    WAITING, /* for a bind: the couple is the context's now */
    JOINED,  /* and the binder knows */
    TOO_LATE /* joined, but the binder is closed: its side is ours to close */
};

/* Under the ctx mutex: joins the couple to the socket that has the name, or leaves it
 * waiting for one. */
static int
enter_connect(fmq__socket *s, fmq__name *entry, const fmq__link_opts *link, waiting *w,
              enum outcome *outcome)
{
    fmq__inproc *side = &w->couple->side[0];
    bound *b = find_bound(s->ctx, w->text);
    int err;

    *outcome = REFUSED;
    fmq__hub_lock(&s->hub);
    err = fmq__socket_check_connect(s, link);
    if (err == 0) {
        err = attach_side(s, side, link);
    }
    if (err == 0 || err == EBUSY) {
        entry->u.side = err == 0 ? side : NULL;
        fmq__name_enter(s, entry);
        if (err == 0) {
            *outcome = WAITING;
            fmq__hub_notify(&s->hub, FMQ__DIR_OUT);
        }
        if (*outcome == WAITING && b != NULL) {
            *outcome =
                join_couple(w->couple, b, w->sndhwm, w->rcvhwm) ? JOINED : TOO_LATE;
            w->keeper = b->keeper;
        }
        if (*outcome == JOINED) {
            (void)tell_up(s, side);
        }
        err = 0; /* libzmq, too, has a connect that is not wanted do nothing */
    }
    fmq__hub_unlock(&s->hub);
    if (*outcome == WAITING) {
        fmq__list_push_back(&s->ctx->pending, &w->base.node);
    }
    return err;
}

int
fmq__inproc_connect(fmq__socket *s, fmq__name *entry, const fmq__link_opts *link)
{
    fmq__couple *couple;
    enum outcome outcome;
    waiting *w;
    int err = fmq__couple_new(s->hub.inbox, link->sndhwm, link->conflates, &couple);

    if (err != 0) {
        return err;
    }
    if (fmq__inproc_set_id(&couple->side[0], link->identity, link->identity_len) != 0) {
        discard(couple);
        return ENOMEM;
    }
    w = new_waiting(s, entry->text, couple, link);
    if (w == NULL) {
        discard(couple);
        return ENOMEM;
    }
    fmq__mutex_lock(&s->ctx->mutex);
    err = enter_connect(s, entry, link, w, &outcome);
    fmq__mutex_unlock(&s->ctx->mutex);
    if (outcome == WAITING) {
        return 0;
    }
    if (w->keeper != 0) {
        fmq__socket_poke(w->keeper); /* what it kept is for us */
    }
    fmq__free(w);
    if (outcome == TOO_LATE) {
        fmq__inproc_close(&couple->side[1], NULL);
    } else if (outcome == REFUSED) {
        discard(couple);
    }
    return err;
}

/* --- ZAP --- */

/* Whether a socket of this type gives each question its answer. */
static bool
is_handler(const fmq__socket *s)
{
    return s->hub.pattern->ops == &fmq__pattern_rep ||
           s->hub.pattern->ops == &fmq__pattern_router;
}

int
fmq__inproc_on_zap(fmq__hub *h, fmq__couple *couple)
{
    fmq__ctx *c = FMQ__ITEM(h, fmq__socket, hub)->ctx;
    bound *b;
    int err = 0;

    fmq__mutex_lock(&c->mutex);
    b = find_bound(c, "inproc://zeromq.zap.01");
    if (b == NULL) {
        err = ENOENT;
    } else if (!is_handler(b->socket)) {
        err = ENOTSUP;
    } else if (!join_couple(couple, b, 0, 0)) {
        err = ENOENT; /* it is being closed */
    }
    fmq__mutex_unlock(&c->mutex);
    return err;
}

/* --- notes --- */

void
fmq__inproc_detach(fmq__socket *s, fmq__inproc *side)
{
    fmq__inproc_say_goodbye(side);
    fmq__hub_detach(&s->hub, &side->pipe);
    fmq__list_remove(&side->node);
    side->is_open = false;
    for (fmq__node *n = s->names.next; n != &s->names; n = n->next) {
        fmq__name *name = FMQ__ITEM(n, fmq__name, node);

        if (name->kind == FMQ__NAME_INPROC_CONNECT && name->u.side == side) {
            name->u.side = NULL;
        }
    }
}

/* The peer has closed, or we have given it up: nothing can be sent any more, and when
 * all is read, all is over.
 */
static void
check_peer(fmq__socket *s, fmq__inproc *side)
{
    if (!side->is_ended && !fmq__duct_is_reader_gone(side->tx)) {
        return;
    }
    side->pipe.is_closed_out = true;
    fmq__hub_down(&s->hub, &side->pipe);
    if (side->pipe.n_in == 0 && fmq__inproc_is_finished(side)) {
        fmq__inproc_detach(s, side);
        fmq__inproc_close(side, &s->hub.dropped);
    }
}

void
fmq__inproc_on_note(fmq__hub *h, fmq__inproc *side)
{
    fmq__socket *s = FMQ__ITEM(h, fmq__socket, hub);

    if (side->owner == NULL) {
        if (attach_side(s, side, NULL) != 0) {
            fmq__inproc_close(side, &h->dropped);
            return;
        }
        if (!tell_up(s, side)) {
            return;
        }
    }
    if (!side->is_open) {
        return;
    }
    set_limit(side); /* the other side's mark may be another now */
    h->pattern->ops->readable(h->pattern, &side->pipe);
    h->pattern->ops->writable(h->pattern, &side->pipe);
    fmq__hub_notify(h, FMQ__DIR_IN);
    fmq__hub_notify(h, FMQ__DIR_OUT);
    check_peer(s, side);
}

/* --- close --- */

/* Before the connects of a socket (or only the one of `side`) are closed; under the
 * context's mutex, as end_leaving. Whoever comes first in a disconnect and a close has
 * the side. `me` is nobody else's until end_leaving: memory of a side that is closed
 * may soon be another side. */
static void
begin_leaving(fmq__ctx *c, const fmq__socket *s, const fmq__inproc *side,
              const void *me)
{
    for (fmq__node *n = c->pending.next; n != &c->pending; n = n->next) {
        waiting *w = FMQ__ITEM(n, waiting, base.node);

        if (side == &w->couple->side[0] ||
            (side == NULL && w->socket == s && w->leaver == NULL)) {
            w->leaver = me;
        }
    }
}

/* After that: those with messages stay, for whoever binds, or has bound meanwhile; the
 * others are `gone`. */
static void
end_leaving(fmq__ctx *c, const void *leaver, fmq__node *adopted, fmq__node *gone)
{
    fmq__node *n = c->pending.next;

    while (n != &c->pending) {
        waiting *w = FMQ__ITEM(n, waiting, base.node);
        bound *b;

        n = n->next;
        if (w->leaver != leaver) {
            continue;
        }
        w->socket = NULL;
        w->leaver = NULL;
        b = find_bound(c, w->text);
        if (fmq__duct_n_unread(w->couple->side[1].rx) == 0) {
            fmq__list_remove(&w->base.node);
            fmq__list_push_back(gone, &w->base.node);
        } else if (b != NULL) {
            fmq__list_remove(&w->base.node);
            join(w, b);
            fmq__list_push_back(adopted, &w->base.node);
        }
    }
}

static void
drop_waiting(fmq__node *gone)
{
    fmq__node *n;

    while ((n = fmq__list_pop_front(gone)) != NULL) {
        free_waiting(FMQ__ITEM(n, fmq__pending, node));
    }
}

/* The second half of leaving. */
static void
finish_leaving(fmq__ctx *c, const void *leaver)
{
    fmq__node adopted;
    fmq__node gone;

    fmq__list_init(&adopted);
    fmq__list_init(&gone);
    fmq__mutex_lock(&c->mutex);
    end_leaving(c, leaver, &adopted, &gone);
    fmq__mutex_unlock(&c->mutex);
    introduce_all(&adopted);
    drop_waiting(&gone);
}

void
fmq__inproc_leave(fmq__socket *s, fmq__inproc *side)
{
    const char me = 0;

    fmq__mutex_lock(&s->ctx->mutex);
    begin_leaving(s->ctx, s, side, &me);
    fmq__mutex_unlock(&s->ctx->mutex);
    fmq__inproc_close(side, NULL);
    finish_leaving(s->ctx, &me);
}

/* Gives the socket's names free, and takes its waiting connects out of the binders'
 * reach. */
static void
forget(fmq__socket *s)
{
    fmq__ctx *c = s->ctx;
    fmq__hash_node *next = NULL;

    fmq__mutex_lock(&c->mutex);
    begin_leaving(c, s, NULL, s);
    for (fmq__hash_node *b = fmq__hash_next(&c->names, NULL); b != NULL; b = next) {
        next = fmq__hash_next(&c->names, b);
        if (FMQ__ITEM(b, bound, node)->socket == s) {
            remove_bound(c, FMQ__ITEM(b, bound, node));
        }
    }
    fmq__mutex_unlock(&c->mutex);
}

void
fmq__inproc_close_all(fmq__socket *s)
{
    fmq__hub *h = &s->hub;
    fmq__mpsc_node *note;
    fmq__node closing;
    fmq__node *n;

    forget(s);
    fmq__list_init(&closing);
    fmq__hub_lock(h);
    note = fmq__mpsc_close(&h->inbox->notes);
    while (note != NULL) {
        fmq__inproc *side = fmq__inproc_from_note(note);

        note = note->next;
        fmq__inproc_take_note(side);
        if (side->owner == NULL) {
            side->owner = s; /* it came too late: only to be closed */
            fmq__list_push_back(&s->inprocs, &side->node);
        }
        fmq__inproc_end_note(side);
    }
    while ((n = fmq__list_pop_front(&s->inprocs)) != NULL) {
        fmq__inproc_detach(s, FMQ__ITEM(n, fmq__inproc, node));
        fmq__list_push_back(&closing, n);
    }
    fmq__hub_unlock(h);
    while ((n = fmq__list_pop_front(&closing)) != NULL) {
        fmq__inproc_close(FMQ__ITEM(n, fmq__inproc, node), NULL);
    }
    finish_leaving(s->ctx, s);
}
