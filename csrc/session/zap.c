/* SPDX-License-Identifier: Apache-2.0 */
/* What handshakes ask the ZAP handler of their context (RFC 27), without ever waiting
 * for it.
 *
 * Each question goes over an inproc couple of its own, whose near side is used by the
 * I/O thread alone, as another socket's is under its lock. So many may be out, a
 * handler sees one peer for each, and an answer cannot come to the wrong connection:
 * what comes too late, or twice, goes to a side that is closed. A note that something
 * has come wakes the I/O thread by the descriptor of the desk, one for all handshakes
 * of a hub.
 *
 * There is no time limit here: the handshake's own (HANDSHAKE_IVL) goes on.
 */
#include <errno.h>

#include "base/alloc.h"
#include "session/endpoint.h"
#include "session/session.h"
#include "wire/zap.h"

/* Where the notes of a hub's questions arrive. */
struct fmq__zap_desk {
    fmq__inbox *inbox;
    fmq__watch watch;
};

/* --- the desk --- */

static void
take_notes(fmq__inbox *inbox)
{
    do {
        fmq__mpsc_node *n = fmq__mpsc_take(&inbox->notes);

        while (n != NULL) {
            fmq__inproc *side = fmq__inproc_from_note(n);

            n = n->next; /* before the note may be sent again */
            fmq__inproc_take_note(side);
            if (side->owner != NULL) {
                fmq__handshake_go_on(side->owner);
            }
            fmq__inproc_end_note(side);
        }
    } while (!fmq__mpsc_sleep(&inbox->notes, 1));
}

static void
on_ready(fmq__watch *w, unsigned events)
{
    fmq__zap_desk *d = FMQ__ITEM(w, fmq__zap_desk, watch);

    (void)events;
    (void)fmq__inbox_take_edge(d->inbox);
    take_notes(d->inbox);
}

static int
open_desk(fmq__hub *h)
{
    fmq__zap_desk *d;
    int err;

    if (h->zap != NULL) {
        return 0;
    }
    d = fmq__calloc(1, sizeof(*d));
    if (d == NULL) {
        return ENOMEM;
    }
    err = fmq__inbox_new(&d->inbox);
    if (err != 0) {
        fmq__free(d);
        return err;
    }
    d->watch.on_ready = on_ready;
    err = fmq__inbox_need_edge(d->inbox);
    if (err == 0) {
        err = fmq__io_watch(h->io, &d->watch, d->inbox->edge.read_fd, FMQ__EV_IN);
    }
    if (err != 0) {
        fmq__inbox_drop(d->inbox);
        fmq__free(d);
        return err;
    }
    (void)fmq__mpsc_sleep(&d->inbox->notes, 1);
    h->zap = d;
    return 0;
}

void
fmq__zap_close(fmq__hub *h)
{
    fmq__zap_desk *d = h->zap;
    fmq__mpsc_node *n;

    if (d == NULL) {
        return;
    }
    h->zap = NULL;
    fmq__io_unwatch(h->io, &d->watch);
    n = fmq__mpsc_close(&d->inbox->notes);
    while (n != NULL) {
        fmq__inproc *side = fmq__inproc_from_note(n);

        n = n->next;
        fmq__inproc_end_note(side);
    }
    fmq__inbox_drop(d->inbox);
    fmq__free(d);
}

/* --- the question --- */

static void
discard(fmq__couple *couple)
{
    fmq__inproc_close(&couple->side[0], NULL);
    fmq__inproc_close(&couple->side[1], NULL);
}

/* The frames of a request as parts; the last ones are credentials, passwords for
 * instance, and get bodies that are wiped, to be dropped. */
static int
make_parts(const fmq__zap_frame *frame, size_t n, size_t n_credentials,
           fmq__outpart *part)
{
    int err = 0;

    for (size_t i = 0; i < n; i++) {
        part[i] = (fmq__outpart){frame[i].data, frame[i].len, NULL};
    }
    for (size_t i = n - n_credentials; i < n && err == 0; i++) {
        uint8_t *copy = NULL;

        err = fmq__body_new_secret(frame[i].data, frame[i].len, &part[i].body, &copy);
        part[i].data = copy;
    }
    return err;
}

static int
send_request(fmq__session *s)
{
    const fmq__link_opts *o = &s->endpoint->opts;
    fmq__zap_request r = {
        .domain = {o->bytes.zap_domain.data, o->bytes.zap_domain.len},
        .routing_id = {o->identity, o->identity_len},
        .mechanism = fmq__conn_mech(s->conn)->name,
    };
    fmq__zap_frame frame[FMQ__ZAP_REQUEST_MAX];
    fmq__outpart part[FMQ__ZAP_REQUEST_MAX];
    fmq__pipe *p = &s->zap->pipe;
    char address[128];
    size_t n;
    int err;

    if (s->endpoint->addr.transport->peer_address(s->fd, address, sizeof(address)) !=
        0) {
        address[0] = '\0';
    }
    r.address = address;
    r.n_credentials = fmq__conn_credentials(s->conn, r.credential);
    n = fmq__zap_put_request(&r, frame);
    err = make_parts(frame, n, r.n_credentials, part);
    if (err == 0) {
        err = fmq__pipe_send(p, p->out->end, part, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (part[i].body != NULL) {
            fmq__body_drop(part[i].body);
        }
    }
    return err;
}

/* There is nobody to ask. */
static int
pass_unasked(fmq__session *s)
{
    const fmq__link_opts *o = &s->endpoint->opts;
    const fmq__zap_reply reply = {.status = 200};
    bool is_needed = fmq__conn_mech(s->conn)->needs_handler ||
                     (o->enforces_zap_domain && o->bytes.zap_domain.len != 0);

    return is_needed ? EFAULT : fmq__conn_zap_reply(s->conn, &reply);
}

/* What the socket's own lists say: EAGAIN, nothing. */
static int
ask_lists(fmq__session *s)
{
    const fmq__link_opts *o = &s->endpoint->opts;
    bool is_server = o->bytes.secrets != NULL && o->bytes.secrets->is_server;
    fmq__mech_credential shown[FMQ__MECH_MAX_CREDENTIALS];
    size_t n = fmq__conn_credentials(s->conn, shown);
    fmq__allow_user user;
    fmq__zap_reply reply = {.is_answered = true, .status = 400};

    if (!is_server && !s->is_bound) {
        return EAGAIN; /* whom we went to is on no list of ours */
    }
    switch (fmq__allow_judge(o->bytes.allow, fmq__conn_mech(s->conn)->name, shown, n,
                             &user)) {
    case FMQ__ALLOW_NO_LIST:
        return EAGAIN;
    case FMQ__ALLOW_ADMITTED:
        reply.status = 200;
        reply.user_id = user.name;
        reply.user_id_len = user.len;
        break;
    case FMQ__ALLOW_REFUSED:
    default:
        break;
    }
    return fmq__conn_zap_reply(s->conn, &reply);
}

static int
ask(fmq__session *s)
{
    fmq__hub *h = s->hub;
    const fmq__link_opts *o = &s->endpoint->opts;
    fmq__couple *couple;
    int err = ask_lists(s);

    if (err != EAGAIN) {
        return err;
    }
    if (o->enforces_zap_domain && o->bytes.zap_domain.len == 0 &&
        !fmq__conn_mech(s->conn)->needs_handler) {
        return pass_unasked(s); /* there is no domain: nothing to enforce */
    }
    err = open_desk(h);
    if (err == 0) {
        err = fmq__couple_new(h->zap->inbox, 0, 0, &couple);
    }
    if (err != 0) {
        return err;
    }
    err = h->events->on_zap(h, couple);
    if (err != 0) {
        discard(couple);
        return err == ENOENT ? pass_unasked(s) : EFAULT;
    }
    s->zap = &couple->side[0];
    s->zap->owner = s;
    return send_request(s);
}

void
fmq__zap_end(fmq__session *s)
{
    fmq__inproc *side = s->zap;

    if (side == NULL) {
        return;
    }
    s->zap = NULL;
    side->owner = NULL; /* a note may be on its way */
    fmq__inproc_close(side, NULL);
}

/* --- the answer --- */

/* Takes a message whole: its first frames, each with a reference to its body; returns
 * how many frames it had. */
static size_t
take_message(fmq__pipe *p, fmq__frame frame[FMQ__ZAP_REPLY_LEN])
{
    fmq__frame f;
    size_t n = 0;

    do {
        fmq__pipe_pop(p, &f);
        if (n >= FMQ__ZAP_REPLY_LEN) {
            fmq__pipe_drop(p, &f);
        } else {
            if (!f.is_ref) {
                fmq__body_hold(f.body);
            }
            frame[n] = f;
        }
        n++;
    } while ((f.flags & FMQ__MORE) != 0);
    return n;
}

static int
take_reply(fmq__session *s)
{
    fmq__frame frame[FMQ__ZAP_REPLY_LEN];
    fmq__zap_frame said[FMQ__ZAP_REPLY_LEN];
    size_t n = take_message(&s->zap->pipe, frame);
    size_t n_held = n < FMQ__ZAP_REPLY_LEN ? n : FMQ__ZAP_REPLY_LEN;
    fmq__zap_reply reply;
    unsigned error;
    int err;

    for (size_t i = 0; i < n_held; i++) {
        said[i] = (fmq__zap_frame){frame[i].data, frame[i].len};
    }
    err = fmq__zap_parse_reply(said, n, &reply, &error);
    err = err == 0 ? fmq__conn_zap_reply(s->conn, &reply)
                   : fmq__conn_zap_fail(s->conn, error);
    for (size_t i = 0; i < n_held; i++) {
        fmq__body_drop(frame[i].body);
    }
    fmq__zap_end(s);
    return err;
}

int
fmq__zap_run(fmq__session *s)
{
    int err = 0;

    if (!fmq__conn_wants_zap(s->conn)) {
        return 0;
    }
    if (s->zap == NULL) {
        err = ask(s);
    }
    if (err != 0 || s->zap == NULL) {
        return err;
    }
    if (fmq__pipe_can_read(&s->zap->pipe)) { /* else a note will come */
        return take_reply(s);
    }
    return fmq__inproc_is_finished(s->zap) || fmq__duct_is_reader_gone(s->zap->tx)
               ? EFAULT
               : 0;
}
