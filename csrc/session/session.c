/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a session: opened on the I/O thread, established and ended there under L,
 * buried at the end of the turn.
 *
 * The pipe outlives the connection. A dialer's pipe goes on to its next connection with
 * what was not offered to the kernel; an accepted pipe takes nothing more and is freed
 * when what came through it has been read.
 */
#include "session/session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "security/mechanism.h"
#include "security/null.h"
#include "session/endpoint.h"

enum { PART_READS_MAX = 256 };

/* --- peers: the pipes --- */

static void
on_committed(fmq__netpipe *n)
{
    fmq__peer *p = FMQ__ITEM(n, fmq__peer, net);

    if (p->session != NULL) {
        fmq__session_mark_dirty(p->session);
    }
}

static void
on_emptied(fmq__netpipe *n)
{
    fmq__peer *p = FMQ__ITEM(n, fmq__peer, net);
    fmq__session *s = p->session;

    if (n->is_closed_in) {
        fmq__hub_ask(p->hub, FMQ__WORK_ORPHANS);
    } else if (s != NULL && !fmq__list_is_linked(&s->resume_node)) {
        fmq__list_push_back(&p->hub->resuming, &s->resume_node);
    }
}

static void
on_writable(fmq__netpipe *n)
{
    fmq__peer *p = FMQ__ITEM(n, fmq__peer, net);

    if (n->pipe.is_attached) {
        p->hub->pattern->ops->writable(p->hub->pattern, &n->pipe);
        fmq__hub_notify(p->hub, FMQ__DIR_OUT);
    }
}

static void
on_ended(fmq__netpipe *n)
{
    fmq__peer *p = FMQ__ITEM(n, fmq__peer, net);

    fmq__session *s = p->session;

    p->is_given_up = true;
    if (s == NULL) {
        return; /* there will not be another one: find_peer */
    }
    if (s->is_raw) {
        fmq__session_finish(s); /* what was sent before is written */
    } else {
        s->is_given_up = true;
        fmq__session_fail(s, EBUSY);
    }
}

static const fmq__netpipe_events peer_events = {
    .committed = on_committed,
    .emptied = on_emptied,
    .writable = on_writable,
    .ended = on_ended,
};

int
fmq__peer_new(fmq__hub *h, const fmq__link_opts *opts, fmq__peer **peer)
{
    fmq__peer *p = fmq__calloc(1, sizeof(*p));
    int err;

    if (p == NULL) {
        return ENOMEM;
    }
    err = fmq__netpipe_init(&p->net, &peer_events, opts->sndhwm, opts->rcvhwm);
    if (err != 0) {
        fmq__free(p);
        return err;
    }
    fmq__netpipe_conflate(&p->net, opts->conflates);
    p->net.in_r.dropped = &h->dropped;
    p->hub = h;
    fmq__list_init(&p->node);
    fmq__list_init(&p->dialled);
    *peer = p;
    return 0;
}

void
fmq__peer_free(fmq__peer *p)
{
    fmq__netpipe_fini(&p->net);
    fmq__free(p);
}

void
fmq__peer_orphan(fmq__peer *p)
{
    fmq__hub *h = p->hub;

    p->net.pipe.is_closed_out = true;
    p->net.is_closed_in = true;
    fmq__list_push_back(&h->orphans, &p->node);
    if (p->net.pipe.n_in == 0 || h->is_closed) {
        fmq__hub_detach(h, &p->net.pipe); /* another one may have its place */
        fmq__hub_ask(h, FMQ__WORK_ORPHANS);
    }
}

/* --- opening --- */

static void
on_buried(fmq__chore *c)
{
    fmq__session *s = FMQ__ITEM(c, fmq__session, burial);

    fmq__session_drop_input(s);
    fmq__free(s->name[0]);
    fmq__free(s->name[1]);
    fmq__blob_drop(&s->hello);
    fmq__blob_drop(&s->farewell);
    fmq__secrets_drop(s->secrets);
    fmq__free(s->old);
    fmq__egress_free(s->egress);
    fmq__free_one(s, sizeof(*s));
}

static char *
copy_name(int err, const char *name)
{
    return err == 0 ? fmq__strdup(name) : NULL;
}

/* Who is connected to whom, as far as it is not known, while it can be told. */
static void
note_names(fmq__session *s)
{
    const fmq__addr *addr = &s->endpoint->addr;
    const fmq__transport *t = addr->transport;
    char name[512];

    if (s->name[0] == NULL) {
        s->name[0] = copy_name(t->local_name(addr, s->fd, name, sizeof(name)), name);
    }
    if (s->name[1] != NULL) {
        return;
    }
    if (s->is_bound) {
        s->name[1] = copy_name(t->remote_name(s->fd, name, sizeof(name)), name);
    } else {
        (void)snprintf(name, sizeof(name), "%s://%s", t->scheme, addr->text);
        s->name[1] = copy_name(0, name);
    }
}

void
fmq__session_tell(fmq__session *s, uint64_t type, uint64_t value)
{
    const fmq__event e = {
        .type = type,
        .value = value,
        .local = s->name[0] != NULL ? s->name[0] : "",
        .remote = s->name[1] != NULL ? s->name[1] : "",
        .is_bound = s->is_bound,
    };

    fmq__hub_tell(s->hub, &e);
}

/* What this type says, or seems to hear, at the ends of a connection. */
static void
take_blobs(fmq__session *s, const fmq__link_opts *o)
{
    unsigned says = s->is_raw ? 0 : s->hub->pattern->ops->says;

    if (says & FMQ__SAYS_HELLO) {
        s->hello = o->bytes.hello;
        s->has_extra = s->hello.body != NULL;
        fmq__blob_hold(&s->hello);
    }
    if (says & (s->is_bound ? FMQ__SAYS_GOODBYE : FMQ__SAYS_HICCUP)) {
        s->farewell = s->is_bound ? o->bytes.goodbye : o->bytes.hiccup;
        fmq__blob_hold(&s->farewell);
    }
}

/* NULL asks only where there is a domain, or a list of those who may come. */
static const void *
config_of(const fmq__mech_ops *mech, const fmq__endpoint *from, const fmq__link_opts *o)
{
    static const fmq__null_config asking = {.asks_zap = true};

    if (mech != &fmq__mech_null) {
        return o->bytes.secrets;
    }
    return o->bytes.zap_domain.len != 0 ||
                   (from->is_bound && fmq__allow_wants_credentials(o->bytes.allow))
               ? &asking
               : NULL;
}

int
fmq__session_open(fmq__hub *h, fmq__endpoint *from, int fd, const fmq__link_opts *o,
                  fmq__session **session)
{
    const fmq__pattern_ops *pattern = h->pattern->ops;
    const fmq__mech_ops *mech = fmq__mechanism_of(o->bytes.secrets);
    const fmq__conn_config config = {
        .socket_type = pattern->name,
        .peer_types = pattern->peer_types,
        .identity = o->identity,
        .identity_len = o->identity_len,
        .has_identity = pattern->has_identity,
        .metadata = o->bytes.metadata.data,
        .metadata_len = o->bytes.metadata.len,
        .mech = mech,
        .mech_config = config_of(mech, from, o),
        .is_server = o->bytes.secrets != NULL && o->bytes.secrets->is_server,
    };
    fmq__session *s = fmq__calloc(1, sizeof(*s));
    int err;

    if (s == NULL) {
        close(fd);
        return ENOMEM;
    }
    s->hub = h;
    s->endpoint = from;
    s->fd = fd;
    fmq__list_init(&s->io_node);
    fmq__list_init(&s->hub_node);
    fmq__list_init(&s->dirty_node);
    fmq__list_init(&s->resume_node);
    fmq__list_init(&s->turn_node);
    fmq__list_init(&s->seen_node);
    fmq__list_init(&s->beat.node);
    fmq__guest_init(&s->guest);
    fmq__chore_init(&s->burial, on_buried);
    s->phase = FMQ__HANDSHAKE;
    fmq__bounds_init(&s->bounds, o->maxmsgsize, o->max_message_bytes, o->max_parts);
    s->is_raw = o->is_raw;
    s->form = o->is_raw ? FMQ__FORM_BODIES : FMQ__FORM_FRAMES;
    s->is_bound = from->is_bound;
    s->can_gather = from->addr.transport->can_gather;
    if (fmq__hub_is_monitored(h)) {
        note_names(s);
    }
    s->beat.opts = o->heartbeat;
    err = s->is_raw ? fmq__handshake_skip(s)
                    : fmq__handshake_begin(s, &config, o->handshake_ivl_ms);
    if (err != 0) {
        close(fd);
        fmq__free(s->name[0]);
        fmq__free(s->name[1]);
        fmq__free(s);
        return err;
    }
    take_blobs(s, o);
    s->secrets = o->bytes.secrets;
    fmq__secrets_hold(s->secrets);
    fmq__list_push_back(&h->all_sessions, &s->io_node);
    *session = s;
    return 0;
}

/* --- establishing --- */

/* The pipe of a new connection: its dialer's, or a new one. */
static int
find_peer(fmq__session *s, fmq__peer **peer)
{
    fmq__hub *h = s->hub;
    fmq__endpoint *e = s->endpoint;
    fmq__peer *p;
    int err;

    if (e->peer != NULL) {
        *peer = e->peer;
        return e->peer->is_given_up ? EBUSY : 0;
    }
    err = fmq__peer_new(h, &e->opts, &p);
    if (err != 0) {
        return err;
    }
    /* Only a dialer with IMMEDIATE comes here: its pipe goes with the connection. */
    p->net.pipe.preset = e->opts.connect_id;
    p->net.pipe.preset_len = e->opts.connect_id_len;
    err = fmq__pattern_attach(h->pattern, &p->net.pipe);
    if (err != 0) {
        fmq__peer_free(p);
        return err; /* EBUSY: this type has its peer already */
    }
    *peer = p;
    return 0;
}

static void
set_props(fmq__session *s, fmq__peer *p)
{
    fmq__props *props = NULL;
    char address[128];

    if (s->conn != NULL) {
        props = fmq__conn_take_props(s->conn);
    } else if (fmq__props_new(&props) != 0) {
        return;
    }

    if (props == NULL) {
        return;
    }
    /* Without memory for it a property is missing; the messages are not. What the peer
     * may have said under these names does not count. */
    if (s->endpoint->addr.transport->peer_address(s->fd, address, sizeof(address)) !=
        0) {
        address[0] = '\0';
    }
    (void)fmq__props_add_first(props, "Peer-Address", address);
    (void)snprintf(address, sizeof(address), "%d", s->fd);
    (void)fmq__props_add_first(props, "__fd", address);
    if (p->net.pipe.props != NULL) {
        fmq__props_drop(p->net.pipe.props);
    }
    p->net.pipe.props = props;
}

/* Tells the pattern that the connection stands; nothing is told of one that only lasts
 * to be written. */
static int
tell_up(fmq__session *s, fmq__peer *p)
{
    fmq__pipe *pipe = &p->net.pipe;
    const char *id = NULL;
    size_t id_len = 0;

    if (s->is_lasting) {
        return 0;
    }
    pipe->takes_commands = s->version >= 0x0301;
    if (pipe->props != NULL) {
        id = fmq__props_get(pipe->props, "Identity", &id_len);
    }
    return fmq__hub_up(s->hub, pipe, (const uint8_t *)id, id != NULL ? id_len : 0);
}

/* A subscriber of ZMTP 1.0 filters for itself, and says nothing: it wants it all. */
static int
begin_old(fmq__session *s)
{
    int err = fmq__old_new(&s->old);

    s->form = FMQ__FORM_OLD;
    if (err == 0 && s->hub->pattern->ops->takes_subscriptions) {
        err = fmq__session_inject(s, "\1", 1);
    }
    return err;
}

/* From the first byte behind the handshake on all frames are sealed. */
static int
begin_sealed(fmq__session *s)
{
    fmq__guard *guard = NULL;
    int err = s->conn != NULL ? fmq__conn_make_guard(s->conn, &guard) : 0;

    if (err != 0 || guard == NULL) {
        return err;
    }
    err = fmq__egress_new(guard, &s->egress);
    if (err != 0) {
        guard->ops->free(guard);
        return err;
    }
    s->form = FMQ__FORM_SEALED;
    return 0;
}

void
fmq__session_io_establish(fmq__session *s)
{
    fmq__hub *h = s->hub;
    fmq__peer *p = NULL;
    int err = s->endpoint == NULL ? ECANCELED : find_peer(s, &p);

    s->phase = FMQ__ESTABLISHED; /* from here on it ends like one */
    if (err == 0) {
        s->peer = p;
        p->session = s;
        s->is_lasting = h->is_closing || s->endpoint->is_closing;
        s->mark = p->net.in_w.end;
        p->net.is_paused = false;
        s->version = s->conn != NULL ? fmq__conn_version(s->conn) : 0;
        set_props(s, p);
        err = begin_sealed(s);
        if (err == 0) {
            err = fmq__hub_add_session(h, s);
        }
        if (err == 0 && fmq__session_is_old(s)) {
            err = begin_old(s);
        }
        if (err == 0) {
            err = tell_up(s, p);
        }
        if (err == 0 && !s->is_lasting && (h->pattern->notify & FMQ__NOTIFY_UP)) {
            err = fmq__session_inject(s, "", 0);
        }
    }
    fmq__handshake_end(s);
    if (err == 0) {
        fmq__heartbeat_io_start(s);
        err = fmq__session_io_watch(s);
    }
    if (err != 0) {
        fmq__session_fail(s, err);
        return;
    }
    if (s->is_lasting) {
        fmq__session_update(s);
    } else if (s->stash_len != 0) {
        fmq__session_resume(s);
    }
    fmq__session_write(s);
}

/* --- the end --- */

void
fmq__session_fail(fmq__session *s, int err)
{
    fmq__hub *h = s->hub;

    if (s->phase == FMQ__CLOSING) {
        return;
    }
    s->phase = FMQ__CLOSING;
    s->error = err;
    fmq__hub_remove_session(h, s);
    fmq__help_weigh(s, false);
    if (fmq__list_is_linked(&s->dirty_node)) {
        fmq__list_remove(&s->dirty_node);
        h->flush.n_dirty--;
    }
    fmq__list_remove(&s->resume_node);
    fmq__list_remove(&s->beat.node);
    if (s->is_reading || s->is_writing) {
        (void)shutdown(s->fd, SHUT_RDWR); /* so that the turn ends soon */
    }
    fmq__list_remove(&s->turn_node);
    fmq__list_push_back(&h->failed, &s->turn_node);
    fmq__hub_ask(h, FMQ__WORK_SESSIONS);
}

/* Takes the connection off its pipe; under L, with both turns here. */
static void
leave_peer(fmq__session *s)
{
    fmq__hub *h = s->hub;
    fmq__peer *p = s->peer;
    fmq__netpipe *net = &p->net;

    fmq__hub_down(h, &net->pipe);
    fmq__fq_rollback(&net->in_w, s->mark); /* frames of a message without its end */
    if ((h->pattern->notify & FMQ__NOTIFY_DOWN) && !s->is_lasting) {
        (void)fmq__session_inject(s, "", 0); /* without memory nobody hears of it */
    }
    if (s->farewell.body != NULL && !s->is_lasting) {
        (void)fmq__session_inject_blob(s, &s->farewell);
    }
    p->session = NULL;
    s->peer = NULL;
    net->out_r.dropped = &h->dropped;
    if (fmq__fq_skip_cut(&net->out_r) != 0) {
        fmq__netpipe_written(net, 1, 0);
    }
    if (h->pattern->ops->renews) {
        fmq__fq_consume_to(&net->out_r, net->out_w.end);
        fmq__netpipe_written(net, net->n_out, net->out_bytes);
    }
    net->out_r.dropped = NULL; /* the write turn has no lock to keep it waiting */
    net->is_paused = false;
    net->is_writing = false;
    if (s->endpoint != NULL && s->endpoint->peer == p) {
        return; /* it waits for the dialer's next connection */
    }
    fmq__peer_orphan(p);
}

bool
fmq__session_io_end(fmq__session *s)
{
    if (s->is_reading || s->is_writing) {
        return false;
    }
    if (s->peer != NULL) {
        leave_peer(s);
    }
    return true;
}

/* Before we close of our own accord: takes what the peer has sent and nobody will read,
 * because closing over unread bytes makes the kernel reset the connection, and the peer
 * would lose what we have sent and it has not read. */
static void
part(int fd)
{
    uint8_t unread[4096];
    size_t n;

    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < PART_READS_MAX; i++) {
        if (fmq__stream_read(fd, unread, sizeof(unread), &n) != 0) {
            return;
        }
    }
}

void
fmq__session_io_bury(fmq__session *s)
{
    fmq__endpoint *e = s->endpoint;
    bool was_established = !fmq__session_is_shaking(s);
    int err = s->is_given_up ? EBUSY : s->error;

    fmq__handshake_end(s);
    fmq__crowd_leave(&s->hub->crowd, &s->guest);
    fmq__io_clear_timer(s->hub->io, &s->timer);
    if (s->watch.fd >= 0) {
        fmq__io_unwatch(s->hub->io, &s->watch);
    }
    if (was_established && s->error == 0) {
        part(s->fd);
    }
    if (s->name[0] == NULL && e != NULL && fmq__hub_is_monitored(s->hub)) {
        note_names(s); /* the monitor came after the connection */
    }
    close(s->fd);
    if (e != NULL) {
        e->ops->on_session_loss(e, err);
    }
    if (s->violation != 0) {
        fmq__session_tell(s, FMQ__EVENT_SHAKE_PROTOCOL, s->violation);
    }
    if (s->error != 0) { /* else we have ended it */
        fmq__session_tell(s, FMQ__EVENT_DISCONNECTED, (uint64_t)s->fd);
    }
    s->fd = -1;
    fmq__list_remove(&s->io_node);
    fmq__list_remove(&s->turn_node);
    fmq__list_remove(&s->seen_node);
    s->endpoint = NULL;
    fmq__io_bury(s->hub->io, &s->burial);
    fmq__io_post(s->hub->io, &s->hub->work_task); /* it may have been the last */
    if (e != NULL) {
        e->ops->on_session_end(e, err);
    }
}

void
fmq__session_break_out(fmq__session *s)
{
    s->is_out_broken = true;
    s->wants_out = false;
    fmq__session_update(s);
}

void
fmq__session_io_close(fmq__session *s, int64_t linger_ms)
{
    fmq__hub *h = s->hub;

    if (fmq__session_is_shaking(s)) {
        fmq__session_io_bury(s); /* the I/O thread alone knows of it */
        return;
    }
    fmq__hub_lock(h);
    if (s->phase == FMQ__ESTABLISHED) {
        if (linger_ms == 0) {
            fmq__session_fail(s, 0);
        } else {
            s->is_lasting = true;
            s->peer->net.pipe.is_closed_out = true; /* else it may last for ever */
            fmq__session_update(s);
            fmq__session_write(s); /* ends at once if nothing is left */
        }
    }
    fmq__hub_unlock(h);
}
