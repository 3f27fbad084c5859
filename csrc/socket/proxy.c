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
    bool is_uncopied; /* `held` has not been to the capture socket */
    tally in;         /* of `from` */
    tally out;        /* of `to` */
} way;

struct fmq_proxy {
    way way[2]; /* from the frontend, from the backend */
    int n_ways; /* 1: both are one socket */
    fmq_socket capture;
    fmq_socket control;
    bool is_capture_full;
    uint64_t nap_ns; /* of the next run */
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
    p->nap_ns = FMQ__NAP_NS;
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

/* Sends a copy of what is held: EAGAIN if it has to wait. */
static int
copy_held(fmq_proxy *p, way *w)
{
    size_t n_tags = p->is_tagged ? 1 : 0;
    size_t n = n_tags + w->n_held;
    fmq__msg *copy = fmq__calloc(n, sizeof(*copy));
    int err;

    if (copy == NULL) {
        return ENOMEM;
    }
    if (p->is_tagged) {
        fmq__msg_copy(&copy[0], &p->tag[w - p->way]);
    }
    for (size_t i = 0; i < w->n_held; i++) {
        fmq__msg_copy(&copy[n_tags + i], &w->held[i]);
    }
    err = fmq__socket_sendv(p->capture, copy, n, FMQ_DONTWAIT, NULL);
    for (size_t i = 0; i < n; i++) {
        fmq__msg_close(&copy[i]);
    }
    fmq__free(copy);
    w->is_uncopied = err != 0;
    p->is_capture_full = err == EAGAIN;
    return err;
}

/* Whether a socket takes a message now. */
static int
look_for_room(fmq_socket s, bool *has_room)
{
    fmq_pollitem item = {.socket = s, .fd = -1, .events = FMQ_POLLOUT};
    size_t n = 0;
    int err = fmq__poll_wait(&item, 1, 0, &n);

    *has_room = err == 0 && n != 0;
    return err;
}

/* Nothing is taken that could not be copied at once. */
static int
check_capture(fmq_proxy *p)
{
    bool has_room = true;
    int err = p->capture != 0 ? look_for_room(p->capture, &has_room) : 0;

    p->is_capture_full = err == 0 && !has_room;
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
    w->has_room = true;
    return is_loop(w) ? 0 : look_for_room(w->to, &w->has_room);
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
take(fmq_proxy *p, way *w)
{
    int err = check_room(w);

    if (err == 0 && w->has_room) {
        err = check_capture(p);
    }
    if (err == 0 && (!w->has_room || p->is_capture_full)) {
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
    }
    w->is_uncopied = p->capture != 0 && w->held != NULL;
    return 0;
}

/* Passes on what is held. */
static int
put(fmq_proxy *p, way *w)
{
    tally sent = w->out;
    int err = w->is_uncopied ? copy_held(p, w) : 0;

    if (err != 0) {
        return err;
    }
    count(&sent, w); /* sending empties it */
    err = fmq__socket_sendv(w->to, w->held, w->n_held, FMQ_DONTWAIT, NULL);
    w->has_room = err != EAGAIN;
    if (err == 0) {
        w->out = sent;
        drop_held(w);
    }
    return err;
}

/* Passes what is there, up to a number of messages. */
static int
pass(fmq_proxy *p, way *w)
{
    for (int i = 0; i < BATCH; i++) {
        int err = w->held == NULL ? take(p, w) : 0;

        if (err == 0 && w->held != NULL) {
            err = put(p, w);
        }
        if (err != 0) {
            return err == EAGAIN ? 0 : err;
        }
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
    bool has_something = w->has_input || w->held != NULL;
    bool is_to_be_copied = w->held == NULL || w->is_uncopied;

    return !p->is_paused && has_something && w->has_room &&
           !(p->is_capture_full && is_to_be_copied);
}

/* Waits until something can be done; only looks if something can already. */
static int
await(fmq_proxy *p, uint64_t deadline_ns, bool *has_command)
{
    fmq_pollitem item[4] = {0};
    fmq_pollitem *control = &item[p->n_ways];
    fmq_pollitem *capture = control + (p->control != 0);
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
    *control = (fmq_pollitem){.socket = p->control, .events = FMQ_POLLIN};
    *capture = (fmq_pollitem){.socket = p->capture, .events = FMQ_POLLOUT};
    err = fmq__poll_wait(item, (size_t)(capture - item) + p->is_capture_full,
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
    *has_command = p->control != 0 && control->revents != 0;
    p->is_capture_full = p->is_capture_full && capture->revents == 0;
    return 0;
}

static uint64_t
n_passed(const fmq_proxy *p)
{
    return p->way[0].out.n_frames + p->way[1].out.n_frames;
}

/* When a run that begins now is to ask for signals. */
static uint64_t
nap_end(const fmq_proxy *p)
{
    return fmq__spin_is_to_ask() ? fmq__clock_ns() + p->nap_ns : FMQ__NEVER;
}

int
fmq__proxy_run(fmq_proxy *p)
{
    uint64_t end = nap_end(p);
    uint64_t n_before = n_passed(p);

    while (!p->is_over) {
        bool has_command = false;
        int err = await(p, end, &has_command);

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
        if (end != FMQ__NEVER && fmq__clock_ns() >= end && !p->is_over) {
            p->nap_ns =
                n_passed(p) != n_before ? FMQ__NAP_NS : fmq__nap_after(p->nap_ns);
            return EINTR;
        }
    }
    return 0;
}
