/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/proxy.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "socket/options.h"
#include "socket/poll.h"
#include "socket/socket.h"

enum { BATCH = 1000, REP_TYPE = 4, ROUTER_TYPE = 6 };

/* What has passed a socket, in one direction: frames, and bytes of them. */
typedef struct tally {
    uint64_t n_frames;
    uint64_t n_bytes;
} tally;

/* One direction. */
typedef struct way {
    fmq_socket from;
    fmq_socket to;
    bool has_input;
    bool has_room;  /* known only while there is input */
    fmq__msg *held; /* taken, and not sent yet; NULL: nothing */
    size_t n_held;
    tally in;  /* of `from` */
    tally out; /* of `to` */
} way;

struct fmq_proxy {
    way way[2]; /* from the frontend, from the backend */
    int n_ways; /* 1: both are one socket */
    fmq_socket capture;
    fmq_socket control;
    bool is_paused;
    bool is_over;
    bool answers; /* control is a REP */
    bool is_tagged;
    bool swaps;      /* tagged, and both are ROUTERs */
    fmq__msg tag[2]; /* of copies of what came from the frontend, the backend */
};

static int
type_of(fmq_socket s, int *type)
{
    size_t len = sizeof(*type);

    return fmq__socket_get(s, FMQ__OPT_TYPE, type, &len);
}

int
fmq__proxy_new(fmq_socket frontend, fmq_socket backend, fmq_socket capture,
               fmq_socket control, fmq_proxy **proxy)
{
    fmq_proxy *p = fmq__calloc(1, sizeof(*p));
    int type = 0;
    int err = 0;

    if (p == NULL) {
        return ENOMEM;
    }
    p->way[0].from = frontend;
    p->way[0].to = backend;
    p->way[1].from = backend;
    p->way[1].to = frontend;
    p->n_ways = frontend == backend ? 1 : 2;
    p->capture = capture;
    p->control = control;
    if (control != 0) {
        err = type_of(control, &type);
        p->answers = type == REP_TYPE;
    }
    if (err != 0) {
        fmq__free(p);
        return err;
    }
    *proxy = p;
    return 0;
}

int
fmq__proxy_tag(fmq_proxy *p, const fmq_proxy_tags *tags)
{
    fmq__msg tag[2] = {0};
    int front_type = 0;
    int back_type = 0;
    int err = type_of(p->way[0].from, &front_type);

    if (err == 0) {
        err = type_of(p->way[1].from, &back_type);
    }
    if (err == 0) {
        err = fmq__msg_init_copy(&tag[0], tags->front, tags->front_len);
    }
    if (err == 0) {
        err = fmq__msg_init_copy(&tag[1], tags->back, tags->back_len);
    }
    for (size_t i = 0; i < 2; i++) {
        /* The new ones, or the old ones. */
        fmq__msg_close(err == 0 ? &p->tag[i] : &tag[i]);
        if (err == 0) {
            p->tag[i] = tag[i];
        }
    }
    if (err == 0) {
        p->is_tagged = true;
        p->swaps = front_type == ROUTER_TYPE && back_type == ROUTER_TYPE;
    }
    return err;
}

static void
drop_held(way *w)
{
    for (size_t i = 0; w->held != NULL && i < w->n_held; i++) {
        fmq__msg_close(&w->held[i]);
    }
    fmq__free(w->held);
    w->held = NULL;
    w->n_held = 0;
}

void
fmq__proxy_free(fmq_proxy *p)
{
    for (int i = 0; i < 2; i++) {
        drop_held(&p->way[i]);
        fmq__msg_close(&p->tag[i]);
    }
    fmq__free(p);
}

/* --- passing --- */

static void
count(tally *t, const way *w)
{
    for (size_t i = 0; i < w->n_held; i++) {
        t->n_frames++;
        t->n_bytes += fmq__msg_len(&w->held[i]);
    }
}

/* Waits for the capture socket as long as it takes, as for any other receiver. */
static int
capture(const fmq_proxy *p, const way *w)
{
    size_t n_tags = p->is_tagged ? 1 : 0;
    size_t n = n_tags + w->n_held;
    fmq__msg *copy;
    int err;

    if (p->capture == 0) {
        return 0;
    }
    copy = fmq__calloc(n, sizeof(*copy));
    if (copy == NULL) {
        return ENOMEM;
    }
    if (p->is_tagged) {
        fmq__msg_copy(&copy[0], &p->tag[w - p->way]);
    }
    for (size_t i = 0; i < w->n_held; i++) {
        fmq__msg_copy(&copy[n_tags + i], &w->held[i]);
    }
    do {
        err = fmq__socket_sendv(p->capture, copy, n, 0, NULL);
    } while (err == EINTR);
    for (size_t i = 0; i < n; i++) {
        fmq__msg_close(&copy[i]);
    }
    fmq__free(copy);
    return err;
}

/* A socket that gets its own back may have no room before something was taken: a REP
 * sends only then. So there the sending will tell. */
static bool
is_loop(const way *w)
{
    return w->from == w->to;
}

static int
check_room(way *w)
{
    fmq_pollitem item = {.socket = w->to, .fd = -1, .events = FMQ_POLLOUT};
    size_t n = 0;
    int err = is_loop(w) ? 0 : fmq__poll_wait(&item, 1, 0, &n);

    w->has_room = err == 0 && (n != 0 || is_loop(w));
    return err;
}

/* Between ROUTERs a message begins with whom it is from and whom it is for, and is to
 * go on with whom it is for and whom it is from. */
static bool
swap_ids(way *w)
{
    fmq__msg from = w->held[0];

    if (w->n_held < 3) {
        return false;
    }
    w->held[0] = w->held[1];
    w->held[1] = from;
    return true;
}

/* Takes the next message: EAGAIN if there is none, or no room for it. What cannot be
 * passed is taken and dropped. */
static int
take(const fmq_proxy *p, way *w)
{
    int err = check_room(w);

    if (err == 0 && !w->has_room) {
        err = EAGAIN;
    }
    if (err != 0) {
        return err;
    }
    err = fmq__socket_recvv(w->from, &w->held, &w->n_held, FMQ_DONTWAIT, NULL);
    if (err != 0) {
        w->held = NULL;
        w->has_input = err != EAGAIN;
        return err;
    }
    count(&w->in, w);
    if (p->swaps && !swap_ids(w)) {
        drop_held(w);
        return 0;
    }
    return capture(p, w);
}

/* Passes what is there, up to a number of messages. */
static int
pass(const fmq_proxy *p, way *w)
{
    for (int i = 0; i < BATCH; i++) {
        tally sent = w->out;
        int err = w->held == NULL ? take(p, w) : 0;

        if (err == 0 && w->held == NULL) {
            continue;
        }
        if (err == 0) {
            count(&sent, w); /* sending empties it */
            err = fmq__socket_sendv(w->to, w->held, w->n_held, FMQ_DONTWAIT, NULL);
            w->has_room = err != EAGAIN;
        }
        if (err != 0) {
            return err == EAGAIN ? 0 : err;
        }
        w->out = sent;
        drop_held(w);
    }
    return 0;
}

/* --- control --- */

static int
send_statistics(const fmq_proxy *p)
{
    const tally *tallies[] = {&p->way[0].in, &p->way[1].out, &p->way[1].in,
                              &p->way[0].out};
    fmq__msg parts[8];
    int err = 0;

    memset(parts, 0, sizeof(parts));
    for (size_t i = 0; i < 4 && err == 0; i++) {
        err = fmq__msg_init_copy(&parts[2 * i], &tallies[i]->n_frames, 8);
        if (err == 0) {
            err = fmq__msg_init_copy(&parts[2 * i + 1], &tallies[i]->n_bytes, 8);
        }
    }
    if (err == 0) {
        err = fmq__socket_sendv(p->control, parts, 8, 0, NULL);
    }
    for (size_t i = 0; i < 8; i++) {
        fmq__msg_close(&parts[i]);
    }
    return err;
}

static bool
is_text(fmq__msg *m, const char *text)
{
    return fmq__msg_len(m) == strlen(text) &&
           memcmp(fmq__msg_data(m), text, strlen(text)) == 0;
}

/* What is no command is ignored. */
static int
obey(fmq_proxy *p, fmq__msg *command)
{
    if (is_text(command, "STATISTICS")) {
        return send_statistics(p);
    }
    if (is_text(command, "PAUSE")) {
        p->is_paused = true;
    } else if (is_text(command, "RESUME")) {
        p->is_paused = false;
    } else if (is_text(command, "TERMINATE")) {
        p->is_over = true;
    }
    return p->answers ? fmq__socket_send(p->control, "", 0, 0) : 0;
}

static int
hear(fmq_proxy *p)
{
    fmq__msg *parts;
    size_t n;
    int err = fmq__socket_recvv(p->control, &parts, &n, FMQ_DONTWAIT, NULL);

    if (err != 0) {
        return err == EAGAIN ? 0 : err;
    }
    err = obey(p, &parts[0]);
    for (size_t i = 0; i < n; i++) {
        fmq__msg_close(&parts[i]);
    }
    fmq__free(parts);
    return err;
}

/* --- waiting --- */

/* What has to be waited for at the two ends of a way. */
static short
wanted_from(const fmq_proxy *p, const way *w)
{
    return !p->is_paused && !w->has_input && w->held == NULL ? FMQ_POLLIN : 0;
}

static short
wanted_to(const fmq_proxy *p, const way *w)
{
    bool has_something = w->has_input || w->held != NULL;

    return !p->is_paused && has_something && !w->has_room ? FMQ_POLLOUT : 0;
}

static bool
can_pass(const fmq_proxy *p, const way *w)
{
    return !p->is_paused && (w->has_input || w->held != NULL) && w->has_room;
}

/* Waits until something can be done; only looks if something can already. */
static int
await(fmq_proxy *p, bool *has_command)
{
    fmq_pollitem item[3] = {0};
    uint64_t deadline_ns = FMQ__NEVER;
    size_t n_ready;
    int err;

    for (int i = 0; i < p->n_ways; i++) {
        const way *w = &p->way[i];

        item[i].socket = w->from;
        item[i].events = (short)(item[i].events | wanted_from(p, w));
        item[p->n_ways - 1 - i].events =
            (short)(item[p->n_ways - 1 - i].events | wanted_to(p, w));
        if (can_pass(p, w)) {
            deadline_ns = 0;
        }
    }
    item[p->n_ways].socket = p->control;
    item[p->n_ways].events = FMQ_POLLIN;
    err = fmq__poll_wait(item, (size_t)p->n_ways + (p->control != 0 ? 1 : 0),
                         deadline_ns, &n_ready);
    if (err != 0) {
        return err;
    }
    for (int i = 0; i < p->n_ways; i++) {
        way *w = &p->way[i];

        w->has_input |= (item[i].revents & FMQ_POLLIN) != 0;
        w->has_room |= (item[p->n_ways - 1 - i].revents & FMQ_POLLOUT) != 0 ||
                       (is_loop(w) && w->held == NULL);
    }
    *has_command = p->control != 0 && item[p->n_ways].revents != 0;
    return 0;
}

int
fmq__proxy_run(fmq_proxy *p)
{
    while (!p->is_over) {
        bool has_command = false;
        int err = await(p, &has_command);

        if (err == 0 && has_command) {
            err = hear(p);
        }
        for (int i = 0; i < p->n_ways && err == 0 && !p->is_over; i++) {
            if (can_pass(p, &p->way[i])) {
                err = pass(p, &p->way[i]);
            }
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}
