/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor: a socket's events as messages, from a socket of its own.
 *
 * What nobody receives is kept and never waited for: up to 10,000 events until a
 * receiver connects (pattern/keeper.c), all of them from then on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "session/session.h"
#include "socket/socket.h"

enum { PAIR = 0, PUB = 1, PUSH = 8, PARTS_MAX = 6 };

int
fmq__monitor_init(fmq__monitor *m)
{
    m->out = 0;
    m->version = 0;
    return fmq__mutex_init(&m->mutex);
}

/* --- messages --- */

/* Version 1: event and value in six bytes, then the endpoint. */
static int
put_first_version(const fmq__event *e, fmq__msg *part)
{
    uint16_t type = (uint16_t)e->type;
    uint32_t value = (uint32_t)e->value;
    const char *text = e->is_bound ? e->local : e->remote;
    uint8_t head[sizeof(type) + sizeof(value)];
    int err;

    memcpy(head, &type, sizeof(type));
    memcpy(head + sizeof(type), &value, sizeof(value));
    err = fmq__msg_init_copy(&part[0], head, sizeof(head));
    return err != 0 ? err : fmq__msg_init_copy(&part[1], text, strlen(text));
}

static size_t
count_values(const fmq__event *e)
{
    return e->type == FMQ__EVENT_PIPES_STATS ? 2 : 1;
}

/* Version 2: event, how many values, the values, and both endpoints. */
static int
put_second_version(const fmq__event *e, fmq__msg *part)
{
    const size_t n = 2 + count_values(e);
    const uint64_t numbers[] = {e->type, count_values(e), e->value, e->n_in};
    const char *const texts[] = {e->local, e->remote};
    int err = 0;

    for (size_t i = 0; i < n && err == 0; i++) {
        err = fmq__msg_init_copy(&part[i], &numbers[i], sizeof(numbers[i]));
    }
    for (size_t i = 0; i < 2 && err == 0; i++) {
        err = fmq__msg_init_copy(&part[n + i], texts[i], strlen(texts[i]));
    }
    return err;
}

/* Without memory for it an event is lost; nothing else is. */
static void
send_event(fmq_socket out, int version, const fmq__event *e)
{
    fmq__msg part[PARTS_MAX];
    size_t n = version == 1 ? 2 : 4 + count_values(e);
    int err;

    memset(part, 0, sizeof(part));
    err = version == 1 ? put_first_version(e, part) : put_second_version(e, part);
    if (err == 0) {
        (void)fmq__socket_sendv(out, part, n, FMQ_DONTWAIT, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        fmq__msg_close(&part[i]);
    }
}

void
fmq__monitor_on_event(fmq__hub *h, const fmq__event *e)
{
    fmq__monitor *m = &FMQ__ITEM(h, fmq__socket, hub)->monitor;

    fmq__mutex_lock(&m->mutex);
    if (m->out != 0) {
        send_event(m->out, m->version, e);
    }
    fmq__mutex_unlock(&m->mutex);
}

/* --- beginning and ending --- */

static void
install(fmq__socket *s, fmq_socket out, int version, uint64_t events)
{
    fmq__monitor *m = &s->monitor;
    fmq_socket old;
    uint64_t old_events;

    fmq__mutex_lock(&m->mutex);
    old = m->out;
    old_events = fmq__hub_set_monitored(&s->hub, events);
    if (old != 0 && (old_events & FMQ__EVENT_MONITOR_STOPPED) != 0) {
        const fmq__event last = {FMQ__EVENT_MONITOR_STOPPED, 0, "", "", true, 0};

        send_event(old, m->version, &last);
    }
    m->out = out;
    m->version = version;
    fmq__mutex_unlock(&m->mutex);
    if (old != 0) {
        (void)fmq__socket_close(old);
    }
}

void
fmq__monitor_stop(fmq__socket *s)
{
    install(s, 0, 0, 0);
}

static int
open_out(fmq__socket *s, const char *endpoint, int type, fmq_socket *out)
{
    static const int none = 0;
    const fmq__pattern_ops *ops =
        type == PUB ? &fmq__pattern_pub : &fmq__pattern_keeper;
    int err = fmq__socket_new_of(s->ctx, ops, out);

    if (err != 0) {
        return err;
    }
    err = fmq__socket_set(*out, FMQ__OPT_SNDHWM, &none, sizeof(none));
    if (err == 0) {
        err = fmq__socket_set(*out, FMQ__OPT_LINGER, &none, sizeof(none));
    }
    if (err == 0) {
        err = fmq__socket_bind(*out, endpoint);
    }
    if (err != 0) {
        (void)fmq__socket_close(*out);
    }
    return err;
}

static int
check(const char *endpoint, uint64_t events, int version, int type)
{
    const fmq__transport *t;
    const char *rest;
    int err;

    if (endpoint == NULL) {
        return 0;
    }
    if ((version != 1 && version != 2) || (version == 1 && events > UINT16_MAX) ||
        (type != PAIR && type != PUB && type != PUSH)) {
        return EINVAL;
    }
    err = fmq__transport_find(endpoint, &t, &rest);
    if (err != 0) {
        return err;
    }
    return t == NULL ? 0 : EPROTONOSUPPORT;
}

int
fmq__socket_monitor(fmq_socket handle, const char *endpoint, uint64_t events,
                    int version, int type)
{
    fmq__socket *s;
    fmq_socket out;
    int err = check(endpoint, events, version, type);

    if (err == 0) {
        err = fmq__socket_enter_open(handle, false, &s);
    }
    if (err != 0) {
        return err;
    }
    s->hub.n_inside++; /* it must not end meanwhile */
    fmq__socket_leave(s);
    fmq__monitor_stop(s);
    if (endpoint != NULL) {
        err = open_out(s, endpoint, type, &out);
        if (err == 0) {
            install(s, out, version, events);
            fmq__socket_poke(out); /* for connects that waited for the name */
        }
    }
    fmq__hub_lock(&s->hub);
    if (s->hub.is_closed && endpoint != NULL && err == 0) {
        err = ENOTSOCK; /* closed meanwhile: nobody else will end it */
    }
    fmq__hub_unlock(&s->hub);
    if (err == ENOTSOCK) {
        fmq__monitor_stop(s);
    }
    fmq__hub_lock(&s->hub);
    fmq__hub_exit(&s->hub);
    fmq__hub_unlock(&s->hub);
    return err;
}

/* --- statistics --- */

enum { NAME_ROOM = 512 };

/* What one peer's queues have, with texts that outlive it. */
typedef struct stats {
    fmq__node node;
    fmq__event event;
    char name[2][NAME_ROOM];
} stats;

/* Without memory one is left out: `*err`. */
static stats *
add_stats(fmq__node *all, uint64_t n_out, uint64_t n_in, int *err)
{
    stats *made = fmq__calloc(1, sizeof(*made));

    if (made == NULL) {
        *err = ENOMEM;
        return NULL;
    }
    made->event.type = FMQ__EVENT_PIPES_STATS;
    made->event.value = n_out;
    made->event.n_in = n_in;
    made->event.local = made->name[0];
    made->event.remote = made->name[1];
    fmq__list_init(&made->node);
    fmq__list_push_back(all, &made->node);
    return made;
}

static int
note_session(const fmq__session *s, fmq__node *all)
{
    const fmq__netpipe *net = &s->peer->net;
    int err = 0;
    stats *made = add_stats(all, net->n_out, net->pipe.n_in, &err);

    for (int i = 0; i < 2 && made != NULL; i++) {
        (void)snprintf(made->name[i], NAME_ROOM, "%s",
                       s->name[i] != NULL ? s->name[i] : "");
    }
    return err;
}

/* What waits for a connection. */
static int
note_dialled(const fmq__peer *p, fmq__node *all)
{
    int err = 0;
    stats *made = add_stats(all, p->net.n_out, p->net.pipe.n_in, &err);

    if (made != NULL) {
        (void)snprintf(made->name[1], NAME_ROOM, "%s://%s", p->addr->transport->scheme,
                       p->addr->text);
    }
    return err;
}

static int
note_inproc(const fmq__inproc *side, fmq__node *all)
{
    int err = 0;

    (void)add_stats(all, fmq__duct_n_unreported(side->tx), fmq__duct_n_unread(side->rx),
                    &err);
    return err;
}

/* Under L. EAGAIN: there is nobody. */
static int
note_all_stats(const fmq__socket *s, fmq__node *all)
{
    const fmq__hub *h = &s->hub;
    int err = 0;

    for (fmq__node *n = h->established.next; n != &h->established && err == 0;
         n = n->next) {
        err = note_session(FMQ__ITEM(n, fmq__session, hub_node), all);
    }
    for (fmq__node *n = h->dialled.next; n != &h->dialled && err == 0; n = n->next) {
        const fmq__peer *p = FMQ__ITEM(n, fmq__peer, dialled);

        err = p->session == NULL ? note_dialled(p, all) : 0;
    }
    for (fmq__node *n = s->inprocs.next; n != &s->inprocs && err == 0; n = n->next) {
        err = note_inproc(FMQ__ITEM(n, fmq__inproc, node), all);
    }
    if (err == 0 && fmq__list_is_empty(all)) {
        err = EAGAIN;
    }
    return err;
}

int
fmq__socket_monitor_stats(fmq_socket handle)
{
    fmq__socket *s;
    fmq__node all;
    fmq__node *n;
    int err = fmq__socket_enter_open(handle, false, &s);

    if (err != 0) {
        return err;
    }
    fmq__list_init(&all);
    err = (fmq__hub_monitored(&s->hub) & FMQ__EVENT_PIPES_STATS) != 0
              ? note_all_stats(s, &all)
              : EINVAL;
    s->hub.n_inside++; /* it must not end meanwhile */
    fmq__socket_leave(s);
    while ((n = fmq__list_pop_front(&all)) != NULL) {
        stats *one = FMQ__ITEM(n, stats, node);

        if (err == 0) {
            fmq__hub_tell(&s->hub, &one->event);
        }
        fmq__free(one);
    }
    fmq__hub_lock(&s->hub);
    fmq__hub_exit(&s->hub);
    fmq__hub_unlock(&s->hub);
    return err;
}
