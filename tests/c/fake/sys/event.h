/* SPDX-License-Identifier: Apache-2.0 */
/* event: a stand-in for the header of the systems that have kqueue, so that the poller
 * over it can be compiled and run where there is none. It has what that poller uses.
 *
 * The functions are in fake_kqueue.c, over epoll. A queue is a descriptor that can be
 * polled, nested and closed.
 */
#ifndef FMQ_TESTS_FAKE_SYS_EVENT_H
#define FMQ_TESTS_FAKE_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    intptr_t data;
    void *udata;
};

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_DISPATCH 0x0080
#define EV_EOF 0x8000

#define NOTE_LOWAT 0x0001

#define EV_SET(p, i, f, fl, ff, d, u)       \
    (*(p) = (struct kevent){.ident = (i),   \
                            .filter = (f),  \
                            .flags = (fl),  \
                            .fflags = (ff), \
                            .data = (d),    \
                            .udata = (u)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events,
           int n_events, const struct timespec *timeout);

/* For tests. The next look at `kq` also finds `e`, whatever the state of things. */
void fake_kqueue_inject(int kq, const struct kevent *e);

/* The next change of `filter` in any queue fails with `error`. */
void fake_kqueue_refuse(short filter, int error);

/* The longest time a look was allowed to take, in seconds. */
time_t fake_kqueue_longest(void);

#endif
