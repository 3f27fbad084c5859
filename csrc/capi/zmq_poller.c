/* SPDX-License-Identifier: Apache-2.0 */
/* The pollers of zmq.h: a list of what was registered, of which each wait makes a poll.
 * A wait works on a copy, so the list may change meanwhile. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/thread.h"
#include "capi/object.h"
#include "capi/zmq_result.h"
#include "socket/poll.h"

enum { ON_STACK = 16, ALL_EVENTS = 15 };

/* A socket (not NULL) or else a descriptor. */
typedef struct entry {
    void *socket;
    int fd;
    short events;
    void *user_data;
} entry;

typedef struct poller {
    fmq__object object; /* its mutex is over all below */
    entry *entry;
    size_t n;
    size_t cap;
} poller;

static void
free_poller(fmq__object *o)
{
    poller *p = (poller *)(void *)o;

    fmq__free(p->entry);
    fmq__free(p);
}

static const fmq__object_kind kind = {free_poller};

/* NULL: EFAULT. */
static poller *
enter(void *handle)
{
    return (poller *)(void *)fmq__object_lock(handle, &kind);
}

static void
leave(poller *p)
{
    fmq__object_unlock(&p->object);
}

void *
zmq_poller_new(void)
{
    poller *p = fmq__calloc(1, sizeof(*p));
    void *handle = NULL;
    int err = p != NULL ? fmq__object_enter(&p->object, &kind, &handle) : ENOMEM;

    if (err != 0) {
        fmq__free(p);
        errno = err;
    }
    return handle;
}

int
zmq_poller_destroy(void **handle)
{
    return fmq__zmq_result(fmq__object_destroy(handle, &kind));
}

int
zmq_poller_size(void *handle)
{
    poller *p = enter(handle);
    size_t n;

    if (p == NULL) {
        return -1;
    }
    n = p->n;
    leave(p);
    return fmq__zmq_count(0, n);
}

/* --- the list; under the mutex --- */

static entry *
find(const poller *p, const void *socket, int fd)
{
    for (size_t i = 0; i < p->n; i++) {
        entry *e = &p->entry[i];

        if (e->socket == socket && (socket != NULL || e->fd == fd)) {
            return e;
        }
    }
    return NULL;
}

/* Whether it can be registered at all. */
static int
check_target(const void *socket, int fd)
{
    if (socket != NULL) {
        return fmq_socket_is_open(fmq__zmq_socket(socket)) ? 0 : ENOTSOCK;
    }
    return fd >= 0 ? 0 : EBADF;
}

static int
check_events(short events)
{
    return (events & ~ALL_EVENTS) == 0 ? 0 : EINVAL;
}

static int
append(poller *p, const entry *e)
{
    if (p->n == p->cap) {
        size_t cap = p->cap == 0 ? ON_STACK : 2 * p->cap;
        entry *grown = fmq__realloc(p->entry, cap * sizeof(*grown));

        if (grown == NULL) {
            return ENOMEM;
        }
        p->entry = grown;
        p->cap = cap;
    }
    p->entry[p->n++] = *e;
    return 0;
}

static int
add(void *handle, const entry *e)
{
    poller *p = enter(handle);
    int err;

    if (p == NULL) {
        return -1;
    }
    err = check_target(e->socket, e->fd);
    if (err == 0) {
        err = check_events(e->events);
    }
    if (err == 0) {
        err = find(p, e->socket, e->fd) == NULL ? append(p, e) : EINVAL;
    }
    leave(p);
    return fmq__zmq_result(err);
}

static int
modify(void *handle, const void *socket, int fd, short events)
{
    poller *p = enter(handle);
    entry *e;
    int err;

    if (p == NULL) {
        return -1;
    }
    err = check_target(socket, fd);
    if (err == 0) {
        err = check_events(events);
    }
    if (err == 0) {
        e = find(p, socket, fd);
        err = e != NULL ? 0 : EINVAL;
        if (e != NULL) {
            e->events = events;
        }
    }
    leave(p);
    return fmq__zmq_result(err);
}

/* What is registered can be taken out, also when it is closed by now. */
static int
take_out(void *handle, const void *socket, int fd)
{
    poller *p = enter(handle);
    entry *e;
    int err = 0;

    if (p == NULL) {
        return -1;
    }
    e = find(p, socket, fd);
    if (e != NULL) {
        size_t behind = p->n - (size_t)(e - p->entry) - 1;

        memmove(e, e + 1, behind * sizeof(*e));
        p->n--;
    } else {
        err = check_target(socket, fd);
        err = err != 0 ? err : EINVAL;
    }
    leave(p);
    return fmq__zmq_result(err);
}

/* --- sockets and descriptors --- */

/* A socket that is NULL is no descriptor. */
static bool
is_null(void *handle, const void *socket)
{
    if (socket == NULL) {
        errno = zmq_poller_size(handle) < 0 ? EFAULT : ENOTSOCK;
    }
    return socket == NULL;
}

int
zmq_poller_add(void *handle, void *socket, void *user_data, short events)
{
    const entry e = {socket, -1, events, user_data};

    return is_null(handle, socket) ? -1 : add(handle, &e);
}

int
zmq_poller_modify(void *handle, void *socket, short events)
{
    return is_null(handle, socket) ? -1 : modify(handle, socket, -1, events);
}

int
zmq_poller_remove(void *handle, void *socket)
{
    return is_null(handle, socket) ? -1 : take_out(handle, socket, -1);
}

int
zmq_poller_add_fd(void *handle, zmq_fd_t fd, void *user_data, short events)
{
    const entry e = {NULL, fd, events, user_data};

    return add(handle, &e);
}

int
zmq_poller_modify_fd(void *handle, zmq_fd_t fd, short events)
{
    return modify(handle, NULL, fd, events);
}

int
zmq_poller_remove_fd(void *handle, zmq_fd_t fd)
{
    return take_out(handle, NULL, fd);
}

/* --- waiting --- */

/* What one wait is for. */
typedef struct wait {
    fmq_pollitem *item;
    entry *entry;
    size_t n;
    void *memory; /* of both; NULL: they are on the stack */
    fmq_pollitem items_on_stack[ON_STACK];
    entry entries_on_stack[ON_STACK];
} wait;

/* Copies the list, but for what nothing is asked of. ENOTSOCK: a socket was closed. */
static int
wait_init(wait *w, const poller *p)
{
    w->item = w->items_on_stack;
    w->entry = w->entries_on_stack;
    w->memory = NULL;
    w->n = 0;
    if (p->n > ON_STACK) {
        w->memory = fmq__calloc(p->n, sizeof(*w->item) + sizeof(*w->entry));
        if (w->memory == NULL) {
            return ENOMEM;
        }
        w->item = w->memory;
        w->entry = (entry *)(void *)(w->item + p->n);
    }
    for (size_t i = 0; i < p->n; i++) {
        const entry *e = &p->entry[i];

        fmq_socket s = e->socket != NULL ? fmq__zmq_socket(e->socket) : 0;

        if (e->events == 0) {
            continue;
        }
        if (e->socket != NULL && s == 0) {
            fmq__free(w->memory);
            return ENOTSOCK;
        }
        w->item[w->n] = (fmq_pollitem){s, e->fd, e->events, 0};
        w->entry[w->n++] = *e;
    }
    return 0;
}

static void
put_events(const wait *w, zmq_poller_event_t *events, size_t n, size_t *n_put)
{
    *n_put = 0;
    for (size_t i = 0; i < w->n && *n_put < n; i++) {
        const fmq_pollitem *item = &w->item[i];

        if (item->revents != 0) {
            events[(*n_put)++] = (zmq_poller_event_t){
                w->entry[i].socket, item->fd, w->entry[i].user_data, item->revents};
        }
    }
}

static int
wait_for_events(poller *p, zmq_poller_event_t *events, size_t n, long timeout,
                size_t *n_put)
{
    wait w;
    size_t n_ready = 0;
    int err;

    fmq__mutex_lock(&p->object.mutex);
    err = wait_init(&w, p);
    fmq__mutex_unlock(&p->object.mutex);
    if (err != 0) {
        return err;
    }
    if (w.n == 0 && timeout < 0) {
        err = EFAULT; /* it would be for ever */
    } else {
        err = fmq__poll_wait(w.item, w.n, timeout == 0 ? 0 : fmq__deadline_ns(timeout),
                             &n_ready);
    }
    if (err == 0) {
        put_events(&w, events, n, n_put);
        err = n_ready != 0 ? 0 : EAGAIN;
    }
    fmq__free(w.memory);
    return err;
}

int
zmq_poller_wait_all(void *handle, zmq_poller_event_t *events, int n, long timeout)
{
    poller *p = (poller *)(void *)fmq__object_hold(handle, &kind);
    size_t n_put = 0;
    int err;

    if (p == NULL) {
        return fmq__zmq_result(EFAULT);
    }
    err = n < 0 ? EINVAL : 0;
    if (err == 0 && events == NULL) {
        err = EFAULT;
    }
    if (err == 0) {
        err = wait_for_events(p, events, (size_t)n, timeout, &n_put);
    }
    for (int i = (int)n_put; i < n && events != NULL; i++) {
        events[i] = (zmq_poller_event_t){NULL, -1, NULL, 0};
    }
    fmq__object_drop(&p->object);
    return fmq__zmq_count(err, n_put);
}

int
zmq_poller_wait(void *handle, zmq_poller_event_t *event, long timeout)
{
    return zmq_poller_wait_all(handle, event, 1, timeout) < 0 ? -1 : 0;
}

/* The descriptor of a socket that does not tell it as ZMQ_FD, if there is one. */
static int
find_fd(const poller *p, zmq_fd_t *fd)
{
    fmq_socket hidden = 0;
    size_t len = sizeof(*fd);

    for (size_t i = 0; i < p->n; i++) {
        fmq_socket s = fmq__zmq_socket(p->entry[i].socket);

        if (fmq__zmq_hides_fd(s)) {
            if (hidden != 0) {
                return EINVAL; /* two have none in common */
            }
            hidden = s;
        }
    }
    return hidden != 0 ? fmq_getsockopt(hidden, ZMQ_FD, fd, &len) : EINVAL;
}

int
zmq_poller_fd(void *handle, zmq_fd_t *fd)
{
    poller *p = enter(handle);
    int err;

    if (p == NULL) {
        return -1;
    }
    err = fd != NULL ? find_fd(p, fd) : EFAULT;
    leave(p);
    return fmq__zmq_result(err);
}
