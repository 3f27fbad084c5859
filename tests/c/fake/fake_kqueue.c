/* SPDX-License-Identifier: Apache-2.0 */
/* A queue is an epoll descriptor. Its notes, one a descriptor and filter, are kept
 * here; the two of a descriptor are one registration with epoll for what both want and
 * may still report. EV_DISPATCH and EV_ONESHOT are kept here too, EV_CLEAR is EPOLLET.
 * What kqueue tells of the end of a stream is made of EPOLLRDHUP, EPOLLHUP and
 * EPOLLERR.
 *
 * Not so here as on real kernels: a nested queue looks ready only while it is (there,
 * until a look finds that it is not; tests inject that), and notes outlive the
 * descriptor they are for.
 */
#include <sys/event.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_NOTES = 4096, MAX_EVENTS = 128, MAX_INJECTED = 2 * MAX_EVENTS };

typedef struct note {
    int kq; /* 0: free */
    int fd;
    short filter;
    bool is_enabled;
    struct kevent made;
} note;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static note notes[MAX_NOTES];
static int n_notes; /* none is in use from here on */
static struct kevent injected[MAX_INJECTED];
static int injected_to[MAX_INJECTED];
static int n_injected;
static short refused_filter;
static int refused_error;
static time_t longest;

static note *
find_note(int kq, int fd, short filter)
{
    for (int i = 0; i < n_notes; i++) {
        if (notes[i].kq == kq && notes[i].fd == fd && notes[i].filter == filter) {
            return &notes[i];
        }
    }
    return NULL;
}

static note *
new_note(int kq, int fd, short filter)
{
    int i = 0;

    while (i < n_notes && notes[i].kq != 0) {
        i++;
    }
    if (i == MAX_NOTES) {
        return NULL;
    }
    n_notes = i < n_notes ? n_notes : i + 1;
    notes[i] = (note){.kq = kq, .fd = fd, .filter = filter, .is_enabled = true};
    return &notes[i];
}

static bool
is_queue(int fd)
{
    char name[64];
    char target[64] = "";

    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return fd >= 0 && readlink(name, target, sizeof(target) - 1) > 0 &&
           strcmp(target, "anon_inode:[eventpoll]") == 0;
}

/* Tells epoll what the notes of `fd` want. */
static int
enroll(int kq, int fd)
{
    const note *r = find_note(kq, fd, EVFILT_READ);
    const note *w = find_note(kq, fd, EVFILT_WRITE);
    struct epoll_event e = {.events = 0, .data.fd = fd};
    bool has_any = false;

    if (r != NULL && r->is_enabled) {
        has_any = true;
        e.events |= EPOLLRDHUP;
        e.events |= r->made.fflags & NOTE_LOWAT ? 0U : (unsigned)EPOLLIN;
        e.events |= r->made.flags & EV_CLEAR ? (unsigned)EPOLLET : 0U;
    }
    if (w != NULL && w->is_enabled) {
        has_any = true;
        e.events |= w->made.fflags & NOTE_LOWAT ? 0U : (unsigned)EPOLLOUT;
        e.events |= w->made.flags & EV_CLEAR ? (unsigned)EPOLLET : 0U;
    }
    if (!has_any) {
        (void)epoll_ctl(kq, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (epoll_ctl(kq, EPOLL_CTL_MOD, fd, &e) == 0) {
        return 0;
    }
    return errno == ENOENT && epoll_ctl(kq, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : errno;
}

static int
add_note(int kq, int fd, const struct kevent *c)
{
    note *n = find_note(kq, fd, c->filter);
    bool is_new = n == NULL;
    int error;

    if (c->filter == EVFILT_WRITE && is_queue(fd)) {
        return EINVAL;
    }
    if (is_new) {
        n = new_note(kq, fd, c->filter);
        if (n == NULL) {
            return ENOMEM;
        }
        n->made = *c;
    }
    /* Those of an existing note stay, as on some real kernels. */
    n->made.udata = c->udata;
    n->made.fflags = c->fflags;
    n->is_enabled = true;
    error = enroll(kq, fd);
    if (error != 0 && is_new) {
        n->kq = 0;
    }
    return error;
}

static int
apply(int kq, const struct kevent *c)
{
    int fd = (int)c->ident;
    note *n;

    if (refused_error != 0 && c->filter == refused_filter && c->flags & EV_ADD) {
        int error = refused_error;

        refused_error = 0;
        return error;
    }
    if (c->flags & EV_ADD) {
        return add_note(kq, fd, c);
    }
    n = find_note(kq, fd, c->filter);
    if (n == NULL) {
        return ENOENT;
    }
    if (c->flags & EV_DELETE) {
        n->kq = 0;
    } else {
        n->is_enabled = (c->flags & EV_ENABLE) != 0;
    }
    return enroll(kq, fd);
}

static unsigned
socket_error(int fd, unsigned seen)
{
    int type;
    socklen_t len = sizeof(type);

    if ((seen & EPOLLERR) == 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
        return 0;
    }
    return ECONNRESET;
}

/* Whether the note fires on `seen`; `e` is what it says then. */
static bool
fires(note *n, unsigned seen, struct kevent *e)
{
    unsigned end = n->filter == EVFILT_READ ? EPOLLRDHUP | EPOLLHUP | EPOLLERR
                                            : EPOLLHUP | EPOLLERR;
    unsigned data = n->filter == EVFILT_READ ? EPOLLIN : EPOLLOUT;

    if (n->made.fflags & NOTE_LOWAT) {
        data = 0;
    }
    if (n->kq == 0 || !n->is_enabled || (seen & (end | data)) == 0) {
        return false;
    }
    *e = n->made;
    e->fflags = 0;
    e->flags = n->made.flags & (EV_CLEAR | EV_DISPATCH | EV_ONESHOT);
    if (seen & end) {
        e->flags |= EV_EOF;
        e->fflags = socket_error(n->fd, seen);
    }
    return true;
}

static void
settle(note *n)
{
    if (n->made.flags & EV_ONESHOT) {
        n->kq = 0;
    } else if (n->made.flags & EV_DISPATCH) {
        n->is_enabled = false;
    }
}

static int
take_injected(int kq, struct kevent *events, int max)
{
    note *found;
    int n = 0;

    for (int i = 0; i < n_injected && n < max;) {
        if (injected_to[i] != kq) {
            i++;
            continue;
        }
        events[n++] = injected[i];
        found = find_note(kq, (int)injected[i].ident, injected[i].filter);
        if (found != NULL) {
            settle(found);
            (void)enroll(kq, found->fd);
        }
        n_injected--;
        injected[i] = injected[n_injected];
        injected_to[i] = injected_to[n_injected];
    }
    return n;
}

static void
inject(int kq, const struct kevent *e)
{
    if (n_injected < MAX_INJECTED) {
        injected[n_injected] = *e;
        injected_to[n_injected++] = kq;
    }
}

static int
collect(int kq, const struct epoll_event *seen, int n_seen, struct kevent *events,
        int max)
{
    int n = take_injected(kq, events, max);

    for (int i = 0; i < n_seen; i++) {
        static const short filters[] = {EVFILT_READ, EVFILT_WRITE};
        int fd = seen[i].data.fd;
        bool has_settled = false;

        for (int k = 0; k < 2; k++) {
            note *found = find_note(kq, fd, filters[k]);
            struct kevent e;

            if (found == NULL || !fires(found, seen[i].events, &e)) {
                continue;
            }
            if (n < max) {
                events[n++] = e;
            } else if (e.flags & (EV_CLEAR | EV_DISPATCH | EV_ONESHOT)) {
                inject(kq, &e); /* the others will be seen again */
            }
            has_settled |= (e.flags & (EV_DISPATCH | EV_ONESHOT)) != 0;
            settle(found);
        }
        if (has_settled) {
            (void)enroll(kq, fd);
        }
    }
    return n;
}

static bool
has_injected(int kq)
{
    for (int i = 0; i < n_injected; i++) {
        if (injected_to[i] == kq) {
            return true;
        }
    }
    return false;
}

static int
to_ms(const struct timespec *t)
{
    if (t == NULL) {
        return -1;
    }
    longest = t->tv_sec > longest ? t->tv_sec : longest;
    return t->tv_sec > 1000000
               ? 1000000000
               : (int)(t->tv_sec * 1000 + (t->tv_nsec + 999999) / 1000000);
}

static int
look(int kq, struct kevent *events, int max, const struct timespec *timeout)
{
    struct epoll_event seen[MAX_EVENTS];
    int timeout_ms;
    int n;

    pthread_mutex_lock(&mutex);
    timeout_ms = has_injected(kq) ? 0 : to_ms(timeout);
    pthread_mutex_unlock(&mutex);

    n = epoll_wait(kq, seen, max < MAX_EVENTS ? max : MAX_EVENTS, timeout_ms);
    if (n == -1) {
        return -1;
    }
    pthread_mutex_lock(&mutex);
    n = collect(kq, seen, n, events, max);
    pthread_mutex_unlock(&mutex);
    return n;
}

int
kqueue(void)
{
    int kq = epoll_create1(0);

    pthread_mutex_lock(&mutex);
    for (int i = 0; kq != -1 && i < n_notes; i++) {
        notes[i].kq = notes[i].kq == kq ? 0 : notes[i].kq; /* of a closed one */
    }
    pthread_mutex_unlock(&mutex);
    return kq;
}

int
kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events,
       int n_events, const struct timespec *timeout)
{
    if (!is_queue(kq)) {
        errno = EBADF;
        return -1;
    }
    for (int i = 0; i < n_changes; i++) {
        int error;

        pthread_mutex_lock(&mutex);
        error = apply(kq, &changes[i]);
        pthread_mutex_unlock(&mutex);
        if (error != 0) {
            errno = error;
            return -1;
        }
    }
    return n_events == 0 ? 0 : look(kq, events, n_events, timeout);
}

void
fake_kqueue_inject(int kq, const struct kevent *e)
{
    pthread_mutex_lock(&mutex);
    inject(kq, e);
    pthread_mutex_unlock(&mutex);
}

void
fake_kqueue_refuse(short filter, int error)
{
    pthread_mutex_lock(&mutex);
    refused_filter = filter;
    refused_error = error;
    pthread_mutex_unlock(&mutex);
}

time_t
fake_kqueue_longest(void)
{
    time_t t;

    pthread_mutex_lock(&mutex);
    t = longest;
    pthread_mutex_unlock(&mutex);
    return t;
}
