/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: what makes a socket type: which pipe a message goes to and comes from.
 *
 * A pattern sees whole messages going out, and pipes from which the socket then reads
 * frame by frame coming in. It knows no descriptor, no lock and no wait: EAGAIN says
 * that nothing can be done until a pipe turns readable or writable.
 *
 * Owner:   the socket. Pipes are borrowed from attach to detach.
 * Threads: under the socket's lock.
 * Errors:  EAGAIN, FMQ_EFSM (not now), ENOTSUP (never for this type), ENOMEM.
 */
#ifndef FMQ_PATTERN_PATTERN_H
#define FMQ_PATTERN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipe/pipe.h"

typedef struct fmq__pattern fmq__pattern;

typedef struct fmq__pattern_ops {
    const char *name; /* as announced in the handshake */
    int type;         /* as numbered in zmq.h */
    uint64_t peer_types;
    bool has_identity; /* announces its routing id (RFC 37 "Identity") */
    size_t size;       /* of the whole object */

    void (*init)(fmq__pattern *p);
    void (*fini)(fmq__pattern *p);

    /* Whether a message may be begun now: 0 or an error. */
    int (*check_send)(fmq__pattern *p);
    /* Sends one whole message: shares the bodies of `parts`. */
    int (*send)(fmq__pattern *p, const fmq__outpart *parts, size_t n);

    /* Finds the pipe whose next frames are the next message, envelope taken off. */
    int (*begin_recv)(fmq__pattern *p, fmq__pipe **from);
    /* The last frame of the message from `from` has been taken. */
    void (*end_recv)(fmq__pattern *p, fmq__pipe *from);

    /* What poll is to say. */
    bool (*can_send)(fmq__pattern *p);
    bool (*can_recv)(fmq__pattern *p);

    /* A new pipe; false: not wanted. */
    bool (*attach)(fmq__pattern *p, fmq__pipe *pipe);
    void (*detach)(fmq__pattern *p, fmq__pipe *pipe);
    /* A pipe that said no has messages, or room, again. */
    void (*readable)(fmq__pattern *p, fmq__pipe *pipe);
    void (*writable)(fmq__pattern *p, fmq__pipe *pipe);

    /* A type's own integer options: 0 or EINVAL (not one of ours, or a bad value). */
    int (*set_option)(fmq__pattern *p, int option, int value);
} fmq__pattern_ops;

struct fmq__pattern {
    const fmq__pattern_ops *ops;
    fmq__pipe *reading; /* the pipe of the message that is being taken, or NULL */
    struct fmq__remnant *rest; /* what is left of it if its pipe has gone; or NULL */
};

extern const fmq__pattern_ops fmq__pattern_pair;
extern const fmq__pattern_ops fmq__pattern_req;
extern const fmq__pattern_ops fmq__pattern_rep;
extern const fmq__pattern_ops fmq__pattern_pull;
extern const fmq__pattern_ops fmq__pattern_push;

/* The pattern of a socket type; NULL: there is none. */
const fmq__pattern_ops *fmq__pattern_find(int type);

int fmq__pattern_new(const fmq__pattern_ops *ops, fmq__pattern **p);
void fmq__pattern_free(fmq__pattern *p);

/* Finds the pipe whose next frame fmq__pattern_recv would take: of the message being
 * read, or of the next one, which is being read from then on. */
int fmq__pattern_begin(fmq__pattern *p, fmq__pipe **from);

/* Takes the next frame: of the message being read, or of the next one. A referenced
 * body becomes the caller's; `*from` is the pipe it came from. */
int fmq__pattern_recv(fmq__pattern *p, fmq__frame *f, fmq__pipe **from);

/* Attaches and detaches with the books kept. What is left of a message that is being
 * taken stays (if there is memory for it): it is read to its end, and not torn. */
bool fmq__pattern_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__pattern_detach(fmq__pattern *p, fmq__pipe *pipe);

/* For tables: types that cannot do one thing, or have nothing to do. */
int fmq__pattern_no_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
int fmq__pattern_no_check(fmq__pattern *p);
int fmq__pattern_no_recv(fmq__pattern *p, fmq__pipe **from);
bool fmq__pattern_never(fmq__pattern *p);
void fmq__pattern_nothing(fmq__pattern *p);
void fmq__pattern_nothing_pipe(fmq__pattern *p, fmq__pipe *pipe);
int fmq__pattern_no_option(fmq__pattern *p, int option, int value);

#endif
