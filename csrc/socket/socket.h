/* SPDX-License-Identifier: Apache-2.0 */
/* socket: a hub with options, names and a handle.
 *
 * Split by concern: shell.c (handles and their memory), socket.c (life, options),
 * data.c (send and receive), endpoints.c (bind, connect and their opposites), names.c
 * (inproc), monitor.c, unsent.c, poll.c, proxy.c. Every function takes a handle, finds
 * the shell behind it, takes its lock, and only then believes it.
 *
 * Owner:   the application, by handle, until close; then the I/O thread until all is
 *          written; then the pool of shells.
 * Threads: any.
 * Errors:  ENOTSOCK, FMQ_ETERM, and what each function says.
 */
#ifndef FMQ_SOCKET_SOCKET_H
#define FMQ_SOCKET_SOCKET_H

#include "session/endpoint.h"
#include "session/hub.h"
#include "socket/ctx.h"
#include "socket/options.h"

/* A frame border of a message that is being sent in several calls. */
typedef struct fmq__staged {
    fmq__msg *part;
    size_t n;
    size_t cap;
} fmq__staged;

/* Who tells the socket's events; see monitor.c. */
typedef struct fmq__monitor {
    fmq__mutex mutex; /* lives as long as the shell */
    fmq_socket out;   /* 0: nobody is told */
    int version;
} fmq__monitor;

typedef struct fmq__socket {
    fmq__hub hub;
    uint32_t index; /* in the table of shells */
    struct fmq__socket *next_free;
    fmq__ctx *ctx;
    int io;             /* the number of the hub's I/O thread */
    fmq__member member; /* of ctx */
    fmq__options opt;
    fmq__node names;   /* fmq__name: what is bound and connected; under L */
    fmq__node inprocs; /* open sides of inproc couples, by fmq__inproc.node; under L */
    char *last_endpoint;
    fmq__staged staged;
    bool rcvmore;
    uint8_t connect_id[255]; /* CONNECT_ROUTING_ID, for the next connect */
    uint8_t connect_id_len;
    fmq__monitor monitor;
    uint32_t n_unlooked; /* receives since connections were read, beside inproc peers */
} fmq__socket;

enum fmq__name_kind {
    FMQ__NAME_LISTENER,
    FMQ__NAME_DIALER,
    FMQ__NAME_INPROC_BIND,
    FMQ__NAME_INPROC_CONNECT
};

/* One endpoint as the application knows it. */
typedef struct fmq__name {
    fmq__node node;
    enum fmq__name_kind kind;
    char *text;     /* as the application wrote it */
    char *resolved; /* as LAST_ENDPOINT says; NULL: the same */
    char *last;     /* what LAST_ENDPOINT is to say; the socket's once entered */
    _Atomic uint32_t is_over; /* LISTENER, when it ends: nothing listens any more */
    union {
        fmq__endpoint *endpoint;
        fmq__inproc *side; /* INPROC_CONNECT; NULL: it was refused or has ended */
    } u;
} fmq__name;

/* --- shell.c --- */

/* A shell, its lock free: ENOMEM, EMFILE (there are 65536 at most). */
int fmq__shell_take(fmq__socket **s);
/* Gives it back; its handle is stale already. */
void fmq__shell_give(fmq__socket *s);
fmq_socket fmq__shell_handle(const fmq__socket *s);
/* Keeps the pool whole across a fork. */
void fmq__shell_before_fork(void);
void fmq__shell_after_fork(bool is_child);

/* The socket of a handle with its lock held; ENOTSOCK if it is none (any more). A
 * closed or terminated one is found, too: see fmq__hub_state. `try_only`: FMQ_EBUSY_TRY
 * instead of waiting for the lock. */
int fmq__socket_enter(fmq_socket handle, bool try_only, fmq__socket **s);

/* Whether it is a handle of the process that this one was forked from. */
bool fmq__socket_is_inherited(fmq_socket handle);

/* enter, and the state is good. */
int fmq__socket_enter_open(fmq_socket handle, bool try_only, fmq__socket **s);

static inline void
fmq__socket_leave(fmq__socket *s)
{
    fmq__hub_unlock(&s->hub);
}

/* --- socket.c --- */

int fmq__socket_new(fmq__ctx *c, int type, fmq_socket *handle);
int fmq__socket_new_of(fmq__ctx *c, const fmq__pattern_ops *ops, fmq_socket *handle);
/* Has it look at its notes. */
void fmq__socket_poke(fmq_socket handle);
int fmq__socket_close(fmq_socket handle);
int fmq__socket_set(fmq_socket handle, int option, const void *value, size_t len);
int fmq__socket_get(fmq_socket handle, int option, void *value, size_t *len);

/* What can be done with the peer of this id: FMQ_POLLOUT, or nothing. ENOTSUP,
 * EHOSTUNREACH. */
int fmq__socket_peer_state(fmq_socket handle, const void *id, size_t len,
                           unsigned *events);

/* Joins a group, or leaves it: ENOTSUP, EINVAL (too long a name; it is in it already,
 * or not). */
int fmq__socket_join(fmq_socket handle, const char *group, bool is_join);

/* Ends the connection to the peer of this number: ENOTSUP, EHOSTUNREACH. */
int fmq__socket_drop_peer(fmq_socket handle, uint32_t number);

/* --- monitor.c; not under L --- */

/* Once in the life of the memory. */
int fmq__monitor_init(fmq__monitor *m);

/* Begins, in the place of an earlier one; `endpoint` NULL: ends. EINVAL,
 * EPROTONOSUPPORT (only inproc), and the errors of bind. */
int fmq__socket_monitor(fmq_socket handle, const char *endpoint, uint64_t events,
                        int version, int type);

/* Tells of the queues of each connection: EINVAL (nobody wants to hear of them), EAGAIN
 * (there is none), ENOMEM. */
int fmq__socket_monitor_stats(fmq_socket handle);

/* The hub's on_event. */
void fmq__monitor_on_event(fmq__hub *h, const fmq__event *e);

/* Says so, and ends. */
void fmq__monitor_stop(fmq__socket *s);

/* --- unsent.c --- */

/* The fmq__member.report of sockets. */
int fmq__unsent_report(fmq__member *m, fmq__unsent_list *list);

/* --- data.c --- */

int fmq__socket_send(fmq_socket handle, const void *data, size_t len, int flags);
int fmq__socket_send_msg(fmq_socket handle, fmq__msg *m, int flags);
int fmq__socket_sendv(fmq_socket handle, fmq__msg *parts, size_t n, int flags,
                      const uint64_t *deadline_ns);
int fmq__socket_recv(fmq_socket handle, void *buf, size_t cap, fmq__msg *m,
                     fmq_part *part, int flags, const uint64_t *deadline_ns);
int fmq__socket_recv_msg(fmq_socket handle, fmq__msg *m, int flags,
                         const uint64_t *deadline_ns);
/* Forgets parts that were sent with SNDMORE; not under L. */
void fmq__staged_drop(fmq__staged *t);

/* --- parts.c --- */

int fmq__socket_send_pieces(fmq_socket handle, const fmq_piece *parts, size_t n,
                            int flags);
int fmq__socket_recvv(fmq_socket handle, fmq__msg **parts, size_t *n, int flags,
                      const uint64_t *deadline_ns);
int fmq__socket_recv_parts(fmq_socket handle, fmq_parts *parts, int flags,
                           const uint64_t *deadline_ns);

/* --- batch.c --- */

int fmq__socket_send_many(fmq_socket handle, const fmq_piece *pieces, size_t n,
                          int flags, const uint64_t *deadline_ns, size_t *n_sent);
int fmq__socket_recv_many(fmq_socket handle, void *buf, size_t cap, fmq__msg *msgs,
                          fmq_part *parts, size_t max, size_t *n, int flags,
                          const uint64_t *deadline_ns);

/* --- endpoints.c --- */

int fmq__socket_bind(fmq_socket handle, const char *endpoint);
int fmq__socket_connect(fmq_socket handle, const char *endpoint);
/* The same; `*number` is the number that its peer has. ENOTSUP; EFAULT: the peer would
 * have none until it is there (IMMEDIATE). */
int fmq__socket_connect_peer(fmq_socket handle, const char *endpoint, uint32_t *number);
/* Under L: whether a connect may be made now; EADDRINUSE: its peer's id is taken. */
int fmq__socket_check_connect(const fmq__socket *s, const fmq__link_opts *link);
int fmq__socket_unbind(fmq_socket handle, const char *endpoint);
int fmq__socket_disconnect(fmq_socket handle, const char *endpoint);
/* At close, under L, which it drops: ends them all; listeners have ended on return. */
void fmq__socket_drop_endpoints(fmq__socket *s);
void fmq__name_free(fmq__name *n);
int fmq__name_new(enum fmq__name_kind kind, const char *text, const char *resolved,
                  fmq__name **name);
/* Under L: it is bound or connected, and LAST_ENDPOINT says so. Cannot fail, so it
 * comes when all else has succeeded; takes the name. */
void fmq__name_enter(fmq__socket *s, fmq__name *n);

/* --- names.c: inproc --- */

/* Bind and connect what `entry` says, and enter it: all at once, or nothing. Not under
 * L. */
int fmq__inproc_bind(fmq__socket *s, fmq__name *entry, const fmq__link_opts *link);
int fmq__inproc_connect(fmq__socket *s, fmq__name *entry, const fmq__link_opts *link);
/* Under L: has open sides keep to the socket's new mark. */
void fmq__inproc_set_marks(fmq__socket *s);
/* Gives a bound name free. */
void fmq__inproc_unbind(fmq__socket *s, const char *endpoint);
/* Takes a connected side from its pattern, under L; leave then closes it, without L,
 * with the wait for a bind that may go with it. */
void fmq__inproc_detach(fmq__socket *s, fmq__inproc *side);
void fmq__inproc_leave(fmq__socket *s, fmq__inproc *side);
/* The hub's on_note. */
void fmq__inproc_on_note(fmq__hub *h, fmq__inproc *side);
/* The hub's on_zap. */
int fmq__inproc_on_zap(fmq__hub *h, fmq__couple *couple);
/* At close, not under L: gives the names free, closes every side, and the inbox to new
 * ones. What was sent to a name that nobody has bound yet waits in the context. */
void fmq__inproc_close_all(fmq__socket *s);

#endif
