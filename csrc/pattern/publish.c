/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions are taken out of a pipe as soon as it is readable, whether or not the
 * application ever receives. What XPUB's application is to hear of them waits in `side`
 * with the messages of users (XSUB may send some), in the order in which they came. Of
 * those only so many wait there; the others stay in their pipes, whose marks hold their
 * senders back.
 *
 * A pipe without room gets nothing until it has come down to its low-water mark: that
 * is in the pipe's own answer to "can I write". A connect's pipe keeps its
 * subscriptions while its connection is away, and what is published meanwhile waits.
 */
#include "pattern/publish.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "pattern/fan.h"

enum {
    OPT_SUBSCRIBE = 6,
    OPT_UNSUBSCRIBE = 7,
    OPT_VERBOSE = 40,
    OPT_MANUAL = 71,
    OPT_WELCOME_MSG = 72,
    OPT_VERBOSER = 78,
    OPT_MANUAL_LAST_VALUE = 98,
    OPT_ONLY_FIRST = 108,
    USER_MAX = 1000, /* messages of users that wait outside of their pipes */
    SHORT_NAME = 256
};

typedef struct peer {
    fmq__node node; /* publisher.peers */
    fmq__reader reader;
    fmq__reader asker; /* in `asked` */
} peer;

/* Who caused a message of `side`. */
typedef struct ticket {
    fmq__node node;
    peer *from; /* NULL: a user's message, or the peer has gone */
    bool is_user;
} ticket;

static fmq__publisher *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__publisher, base);
}

void
fmq__publisher_init(fmq__pattern *p)
{
    fmq__publisher *self = from_base(p);

    fmq__readers_init(&self->readers);
    fmq__readers_init(&self->asked);
    fmq__list_init(&self->peers);
    fmq__fairq_init(&self->in);
    fmq__list_init(&self->tickets);
}

void
fmq__publisher_fini(fmq__pattern *p)
{
    fmq__publisher *self = from_base(p);
    fmq__node *n;

    while ((n = fmq__list_pop_front(&self->tickets)) != NULL) {
        fmq__free(FMQ__ITEM(n, ticket, node));
    }
    if (self->side != NULL) {
        fmq__side_fini(self->side);
        fmq__free(self->side);
    }
    fmq__msg_close(&self->welcome);
    fmq__readers_fini(&self->readers);
    fmq__readers_fini(&self->asked);
}

/* --- what the application hears --- */

static int
need_side(fmq__publisher *self)
{
    fmq__side *side;

    if (self->side != NULL) {
        return 0;
    }
    side = fmq__alloc(sizeof(*side));
    if (side == NULL || fmq__side_init(side) != 0) {
        fmq__free(side);
        return ENOMEM;
    }
    self->side = side;
    return 0;
}

/* Without memory for it the application does not hear of it. */
static void
tell(fmq__publisher *self, const fmq__outpart *parts, size_t n, fmq__props *props,
     peer *from, bool is_user)
{
    ticket *t = fmq__alloc(sizeof(*t));

    if (t == NULL || need_side(self) != 0 ||
        fmq__side_put(self->side, parts, n, props, self->base.dropped) != 0) {
        fmq__free(t);
        return;
    }
    t->from = from;
    t->is_user = is_user;
    fmq__list_init(&t->node);
    fmq__list_push_back(&self->tickets, &t->node);
    self->n_user += is_user ? 1 : 0;
}

/* One frame: `first`, then the topic. */
static void
tell_want(fmq__publisher *self, uint8_t first, const uint8_t *topic, size_t len,
          peer *from)
{
    uint8_t on_stack[SHORT_NAME];
    fmq__outpart part = {on_stack, len + 1, NULL};
    uint8_t *data = on_stack;

    if (!self->is_heard) {
        return;
    }
    if (len + 1 > sizeof(on_stack) && fmq__body_new(len + 1, &part.body, &data) != 0) {
        return;
    }
    data[0] = first;
    if (len != 0) {
        memcpy(data + 1, topic, len);
    }
    part.data = data;
    tell(self, &part, 1, from->reader.pipe->props, from, false);
    if (part.body != NULL) {
        fmq__body_drop(part.body);
    }
}

/* --- subscriptions --- */

static void
want(fmq__publisher *self, peer *from, const uint8_t *topic, size_t len)
{
    enum fmq__want what = FMQ__WANT_SAME;

    if (self->is_manual) {
        (void)fmq__readers_add(&self->asked, &from->asker, topic, len, &what);
        tell_want(self, 1, topic, len, from);
        return;
    }
    if (fmq__readers_add(&self->readers, &from->reader, topic, len, &what) != 0) {
        fmq__pipe_end(from->reader.pipe); /* it would miss what it asked for */
        return;
    }
    if (what == FMQ__WANT_TURN || self->is_verbose) {
        tell_want(self, 1, topic, len, from);
    }
}

static void
unwant(fmq__publisher *self, peer *from, const uint8_t *topic, size_t len)
{
    enum fmq__want what;

    if (self->is_manual) {
        (void)fmq__readers_remove(&self->asked, &from->asker, topic, len);
        tell_want(self, 0, topic, len, from);
        return;
    }
    what = fmq__readers_remove(&self->readers, &from->reader, topic, len);
    if (what == FMQ__WANT_TURN || self->is_verbose_ends) {
        tell_want(self, 0, topic, len, from);
    }
}

/* Takes all subscriptions of a peer back. */
static void
forget(fmq__publisher *self, peer *gone)
{
    fmq__readers *told = self->is_manual ? &self->asked : &self->readers;
    fmq__reader *teller = self->is_manual ? &gone->asker : &gone->reader;
    uint8_t on_stack[SHORT_NAME];
    enum fmq__want what;
    size_t len;

    while (teller->n_wants != 0) {
        size_t need = fmq__readers_next_len(teller);
        uint8_t *name = need > sizeof(on_stack) ? fmq__alloc(need) : on_stack;

        (void)fmq__readers_drop_one(told, teller, name, need, &len, &what);
        if (name != NULL &&
            (what == FMQ__WANT_TURN || self->is_verbose_ends || self->is_manual)) {
            tell_want(self, 0, name, len, gone);
        }
        if (name != on_stack) {
            fmq__free(name);
        }
    }
    while (fmq__readers_drop_one(&self->readers, &gone->reader, NULL, 0, &len, &what)) {
    }
    while (fmq__readers_drop_one(&self->asked, &gone->asker, NULL, 0, &len, &what)) {
    }
}

/* The frames of a message that are no subscriptions. */
typedef struct user_message {
    fmq__msg *part;
    size_t n;
    size_t cap;
    bool is_lost; /* no memory */
} user_message;

static void
keep_frame(user_message *m, const fmq__frame *f)
{
    if (m->n == m->cap) {
        size_t cap = m->cap == 0 ? 4 : 2 * m->cap;
        fmq__msg *grown = fmq__realloc(m->part, cap * sizeof(*grown));

        if (grown == NULL) {
            m->is_lost = true;
            return;
        }
        m->part = grown;
        m->cap = cap;
    }
    if (f->len <= FMQ__MSG_INLINE_MAX && !f->is_ref) {
        (void)fmq__msg_init_copy(&m->part[m->n++], f->data, f->len);
        return;
    }
    fmq__body_hold(f->body);
    fmq__msg_init_body(&m->part[m->n++], f->body, (uint8_t *)(uintptr_t)f->data,
                       f->len);
}

static void
tell_user_message(fmq__publisher *self, user_message *m, peer *from)
{
    fmq__outpart *parts =
        m->n != 0 && !m->is_lost ? fmq__calloc(m->n, sizeof(*parts)) : NULL;

    for (size_t i = 0; i < m->n; i++) {
        if (parts != NULL) {
            parts[i] = (fmq__outpart){fmq__msg_data(&m->part[i]),
                                      fmq__msg_len(&m->part[i]), NULL};
            if (m->part[i].kind == FMQ__MSG_BODY) {
                parts[i].body = m->part[i].u.ref.body;
            }
        }
    }
    if (parts != NULL) {
        tell(self, parts, m->n, from->reader.pipe->props, from, true);
    }
    for (size_t i = 0; i < m->n; i++) {
        if (m->part[i].kind == FMQ__MSG_BODY) {
            fmq__body_drop_later(m->part[i].u.ref.body, self->base.dropped);
        }
    }
    fmq__free(parts);
    fmq__free(m->part);
}

/* Takes one message out of a pipe. */
static void
take_message(fmq__publisher *self, peer *from)
{
    fmq__pipe *pipe = from->reader.pipe;
    user_message user = {NULL, 0, 0, false};
    bool may_be_want = true;
    fmq__frame f;

    do {
        bool is_want;

        fmq__pipe_pop(pipe, &f);
        is_want = may_be_want && f.len != 0 && f.data[0] <= 1;
        if (is_want && f.data[0] == 1) {
            want(self, from, f.data + 1, f.len - 1);
        } else if (is_want) {
            unwant(self, from, f.data + 1, f.len - 1);
        } else if (self->is_heard) {
            keep_frame(&user, &f);
        }
        fmq__pipe_drop(pipe, &f);
        may_be_want = is_want || !self->is_only_first;
    } while (f.flags & FMQ__MORE);
    tell_user_message(self, &user, from);
}

/* Looks at what has come, as far as there is room for it. */
static void
take_messages(fmq__publisher *self)
{
    fmq__pipe *pipe;

    while (self->n_user < USER_MAX && (pipe = fmq__fairq_front(&self->in)) != NULL) {
        take_message(self, pipe->mine);
        fmq__fairq_rotate(&self->in, pipe);
    }
}

/* --- pipes --- */

/* A peer comes, and is in the list, or has left it: to many, what goes to all is
 * shared. */
static void
count_peer(fmq__publisher *self, fmq__pipe *pipe, bool comes)
{
    if (fmq__fan_count(&self->width, pipe, comes)) {
        for (fmq__node *n = self->peers.next; n != &self->peers; n = n->next) {
            fmq__fan_widen(&self->width, FMQ__ITEM(n, peer, node)->reader.pipe);
        }
    } else if (comes) {
        fmq__fan_widen(&self->width, pipe);
    }
}

int
fmq__publisher_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__publisher *self = from_base(p);
    peer *new = fmq__alloc(sizeof(*new));
    fmq__outpart welcome = {fmq__msg_data(&self->welcome), fmq__msg_len(&self->welcome),
                            NULL};

    if (new == NULL) {
        return ENOMEM;
    }
    if (self->welcome.kind == FMQ__MSG_BODY) {
        welcome.body = self->welcome.u.ref.body;
    }
    if (self->has_welcome && fmq__pipe_send(pipe, pipe->out->end, &welcome, 1) != 0) {
        fmq__free(new);
        return ENOMEM;
    }
    fmq__reader_init(&new->reader, pipe);
    fmq__reader_init(&new->asker, pipe);
    fmq__list_init(&new->node);
    fmq__list_push_back(&self->peers, &new->node);
    count_peer(self, pipe, true);
    pipe->mine = new;
    fmq__fairq_add(&self->in, pipe);
    take_messages(self); /* looking for them is how to be told of those to come */
    return 0;
}

void
fmq__publisher_down(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_dialed) {
        forget(from_base(p), pipe->mine);
    }
}

void
fmq__publisher_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__publisher *self = from_base(p);
    peer *gone = pipe->mine;

    fmq__fairq_remove(pipe);
    forget(self, gone);
    for (fmq__node *n = self->tickets.next; n != &self->tickets; n = n->next) {
        ticket *t = FMQ__ITEM(n, ticket, node);

        t->from = t->from == gone ? NULL : t->from;
    }
    self->last = self->last == gone ? NULL : self->last;
    fmq__list_remove(&gone->node);
    count_peer(self, pipe, false);
    fmq__free(gone);
    pipe->mine = NULL;
}

void
fmq__publisher_readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__publisher *self = from_base(p);

    fmq__fairq_add(&self->in, pipe);
    take_messages(self);
}

/* --- sending --- */

/* What goes to those who want it. */
typedef struct delivery {
    fmq__fan fan;
    bool is_blocked;
} delivery;

static void
check_room(fmq__reader *reader, void *arg)
{
    delivery *d = arg;

    d->is_blocked |= !reader->pipe->is_closed_out && !fmq__pipe_can_write(reader->pipe);
}

static void
send_to(fmq__reader *reader, void *arg)
{
    delivery *d = arg;

    if (fmq__pipe_can_write(reader->pipe)) {
        fmq__fan_send(&d->fan, reader->pipe);
    }
}

static void
only_mark(fmq__reader *reader, void *arg)
{
    (void)reader;
    (void)arg;
}

/* Calls `visit` for all pipes that are to get the message. */
static void
for_each_taker(fmq__publisher *self, const fmq__outpart *first,
               void (*visit)(fmq__reader *, void *), delivery *d)
{
    if (!self->base.is_inverted) {
        fmq__readers_match(&self->readers, first->data, first->len, visit, d);
        return;
    }
    fmq__readers_match(&self->readers, first->data, first->len, only_mark, NULL);
    for (fmq__node *n = self->peers.next; n != &self->peers; n = n->next) {
        peer *at = FMQ__ITEM(n, peer, node);

        if (at->reader.matched != self->readers.n_matches) {
            visit(&at->reader, d);
        }
    }
}

/* The next message after a request goes to its peer alone, if that wants it. */
static void
send_to_last(fmq__publisher *self, const fmq__outpart *first, delivery *d)
{
    peer *last = self->last;

    self->last = NULL;
    fmq__readers_match(&self->readers, first->data, first->len, only_mark, NULL);
    if (last->reader.matched == self->readers.n_matches) {
        send_to(&last->reader, d);
    }
}

int
fmq__publisher_check(fmq__pattern *p, const fmq__outpart *first)
{
    fmq__publisher *self = from_base(p);
    delivery d;

    if (!self->is_nodrop || (self->is_last_value && self->last != NULL)) {
        return 0;
    }
    d.is_blocked = false;
    for_each_taker(self, first, check_room, &d);
    return d.is_blocked ? EAGAIN : 0;
}

int
fmq__publisher_send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    fmq__publisher *self = from_base(p);
    int err = fmq__publisher_check(p, &parts[0]);
    delivery d;

    if (err != 0) {
        return err;
    }
    fmq__fan_init(&d.fan, parts, n, &self->width);
    if (self->is_last_value && self->last != NULL) {
        send_to_last(self, &parts[0], &d);
    } else {
        for_each_taker(self, &parts[0], send_to, &d);
    }
    fmq__fan_end(&d.fan);
    return 0;
}

bool
fmq__publisher_can_send(fmq__pattern *p)
{
    (void)p;
    return true;
}

/* --- receiving --- */

bool
fmq__publisher_can_recv(fmq__pattern *p)
{
    fmq__publisher *self = from_base(p);

    take_messages(self);
    return p->reading != NULL || (self->side != NULL && self->side->pipe.n_in != 0);
}

int
fmq__publisher_begin_recv(fmq__pattern *p, fmq__pipe **from)
{
    fmq__publisher *self = from_base(p);
    ticket *t;

    take_messages(self);
    if (self->side == NULL || self->side->pipe.n_in == 0) {
        return EAGAIN;
    }
    t = FMQ__ITEM(fmq__list_pop_front(&self->tickets), ticket, node);
    if (t->is_user) {
        self->n_user--;
    } else {
        self->last = t->from;
    }
    fmq__free(t);
    fmq__side_begin(self->side);
    *from = &self->side->pipe;
    return 0;
}

/* --- options --- */

static int
set_welcome(fmq__publisher *self, const void *value, size_t len)
{
    fmq__msg m;
    int err = fmq__msg_init_copy(&m, value, len);

    if (err != 0) {
        return err;
    }
    fmq__msg_close(&self->welcome);
    self->welcome = m;
    self->has_welcome = len != 0;
    return 0;
}

/* With MANUAL: what the application decides for the peer whose request it took last. */
static int
decide(fmq__publisher *self, bool is_want, const void *value, size_t len)
{
    enum fmq__want what;

    if (!self->is_manual) {
        return EINVAL;
    }
    if (self->last == NULL) {
        return 0;
    }
    if (is_want) {
        return fmq__readers_add(&self->readers, &self->last->reader, value, len, &what);
    }
    (void)fmq__readers_remove(&self->readers, &self->last->reader, value, len);
    return 0;
}

static int
set_verbose(fmq__publisher *self, bool with_ends, const void *value, size_t len)
{
    bool flag;
    int err = fmq__pattern_get_flag(value, len, &flag);

    if (err == 0) {
        self->is_verbose = flag;
        self->is_verbose_ends = with_ends && flag;
    }
    return err;
}

int
fmq__publisher_set(fmq__pattern *p, int option, const void *value, size_t len)
{
    fmq__publisher *self = from_base(p);
    int err;

    switch (option) {
    case OPT_SUBSCRIBE:
    case OPT_UNSUBSCRIBE:
        return decide(self, option == OPT_SUBSCRIBE, value, len);
    case OPT_VERBOSE:
    case OPT_VERBOSER:
        return set_verbose(self, option == OPT_VERBOSER, value, len);
    case FMQ__OPT_XPUB_NODROP:
        return fmq__pattern_get_flag(value, len, &self->is_nodrop);
    case OPT_MANUAL:
        return fmq__pattern_get_flag(value, len, &self->is_manual);
    case OPT_MANUAL_LAST_VALUE:
        err = fmq__pattern_get_flag(value, len, &self->is_last_value);
        if (err == 0) {
            self->is_manual = self->is_last_value;
        }
        return err;
    case OPT_WELCOME_MSG:
        return set_welcome(self, value, len);
    case OPT_ONLY_FIRST:
        return fmq__pattern_get_flag(value, len, &self->is_only_first);
    default:
        return EINVAL;
    }
}

int
fmq__publisher_get(fmq__pattern *p, int option, void *value, size_t *len)
{
    return option == FMQ__OPT_TOPICS_COUNT
               ? fmq__pattern_put_state(from_base(p)->readers.topics.n, value, len)
               : EINVAL;
}
