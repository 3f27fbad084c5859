/* SPDX-License-Identifier: Apache-2.0 */
/* fastmq.h: the core as its bindings see it.
 *
 * Contexts and sockets are handles: numbers that are never used twice, so that a stale
 * or invented one is refused (FMQ_ENOTSOCK, EFAULT) instead of followed. Every function
 * that can fail returns 0 or an errno value; a failed call changes nothing, and what it
 * would have taken is still the caller's.
 *
 * Threads: everything, from any thread; a socket may be shared.
 * Fork:    a child has no use for its parent's handles: sockets are refused, and
 *          shutdown and term do nothing. It may make contexts of its own.
 * Signals: a call that waits returns EINTR when a handler ran; call it again with the
 *          same absolute deadline.
 */
#ifndef FMQ_FASTMQ_H
#define FMQ_FASTMQ_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(FMQ_BUILDING_SHARED)
#define FMQ_API __attribute__((visibility("default")))
#else
#define FMQ_API
#endif

/* Errors of ZeroMQ's own, numbered as in zmq.h. */
#define FMQ_EFSM 156384763
#define FMQ_ENOCOMPATPROTO 156384764
#define FMQ_ETERM 156384765
#define FMQ_EMTHREAD 156384766
/* Only with FMQ_TRY: nothing was done (fmq_send_many: no more than `*n_sent` says);
 * call again without it, where waiting is fine. */
#define FMQ_EBUSY_TRY 156384799

/* Flags of send and receive. Unknown bits are ignored. */
#define FMQ_DONTWAIT 1
#define FMQ_SNDMORE 2
/* Do what needs no waiting at all, neither for a peer nor for another thread, else
 * FMQ_EBUSY_TRY: for callers that hold an interpreter's lock. */
#define FMQ_TRY 0x10000

/* Poll flags. */
#define FMQ_POLLIN 1
#define FMQ_POLLOUT 2
#define FMQ_POLLERR 4
#define FMQ_POLLPRI 8

typedef uintptr_t fmq_ctx;    /* 0: none */
typedef uintptr_t fmq_socket; /* 0: none */

/* One message part: a value of 64 bytes that may be moved by copying its bytes. All
 * zeros is a valid, empty message. */
typedef struct fmq_msg {
    uint64_t opaque[8];
} fmq_msg;

/* Gives `data` back; called from any thread, never under a lock of the core. It may run
 * on an I/O thread, so it must not call what waits for one: unbind, close, term. */
typedef void fmq_free_fn(void *data, void *hint);

/* Messages. */
FMQ_API void fmq_msg_init(fmq_msg *m);
FMQ_API int fmq_msg_init_size(fmq_msg *m, size_t size);
FMQ_API int fmq_msg_init_copy(fmq_msg *m, const void *data, size_t size);
/* Lends `data` until `free_fn(data, hint)` is called, once; NULL: never called. Bodies
 * of any size are shared, not copied; but a queue copies one of up to 4096 bytes. */
FMQ_API int fmq_msg_init_data(fmq_msg *m, void *data, size_t size, fmq_free_fn *free_fn,
                              void *hint);
/* To be called before it is sent or copied: no queue will copy what was lent, so that
 * `free_fn` tells that it was written, or received within the process, or dropped. */
FMQ_API void fmq_msg_keep(fmq_msg *m);
FMQ_API void fmq_msg_close(fmq_msg *m);
/* `to` gets the content of `from` (what it had is closed), which becomes empty. */
FMQ_API void fmq_msg_move(fmq_msg *to, fmq_msg *from);
/* `to` shares the content of `from`. */
FMQ_API int fmq_msg_copy(fmq_msg *to, fmq_msg *from);
FMQ_API void *fmq_msg_data(fmq_msg *m);
FMQ_API size_t fmq_msg_size(const fmq_msg *m);
FMQ_API int fmq_msg_more(const fmq_msg *m);
/* 1: another message has the same body. */
FMQ_API int fmq_msg_is_shared(const fmq_msg *m);
/* If it was made by fmq_msg_init_data with this `free_fn`, or came in what fmq_offer
 * offered with it: its hint; else NULL. */
FMQ_API void *fmq_msg_lent(const fmq_msg *m, fmq_free_fn *free_fn);
/* Ends such a loan without a call of `free_fn`, if no other message has the body: 1,
 * and `m` is empty. Else 0. */
FMQ_API int fmq_msg_reclaim(fmq_msg *m, fmq_free_fn *free_fn);
/* Offers memory for the next body of just `size` (over 4096) bytes that this thread
 * reads from a connection, whatever the socket: it is read where it is to stay, and its
 * message is as if made by fmq_msg_init_data. Connections that encrypt do not take it.
 * One at a time. */
FMQ_API void fmq_offer(void *data, size_t size, fmq_free_fn *free_fn, void *hint);
/* After the call that the offer was for. 1: it was not taken, and never will be. 0: it
 * was, and `free_fn` will be called. */
FMQ_API int fmq_offer_end(void);
/* The value of a property of the connection it came over ("Socket-Type",
 * "Peer-Address", ...), NUL-terminated, valid as long as the message; NULL: none.
 * "__fd": the number its descriptor had. */
FMQ_API const char *fmq_msg_gets(const fmq_msg *m, const char *name);
/* Which peer a message came from, or is for (SERVER, PEER; 0: none), and which group
 * (RADIO, DISH; "": none), up to 255 bytes of it. fmq_msg_recv, fmq_recvv and
 * fmq_recv_parts tell, fmq_msg_send and fmq_sendv look. set: EINVAL for 0. */
FMQ_API uint32_t fmq_msg_routing_id(const fmq_msg *m);
FMQ_API int fmq_msg_set_routing_id(fmq_msg *m, uint32_t routing_id);
FMQ_API const char *fmq_msg_group(const fmq_msg *m);
FMQ_API int fmq_msg_set_group(fmq_msg *m, const char *group);

/* Contexts. */
FMQ_API int fmq_ctx_new(fmq_ctx *ctx);
FMQ_API int fmq_ctx_set(fmq_ctx ctx, int option, int value);
FMQ_API int fmq_ctx_get(fmq_ctx ctx, int option, int *value);
/* The options that are text (THREAD_NAME_PREFIX); a NUL may end it, and counts in
 * `len`. get, without one: `*len` is the room before, the length after. */
FMQ_API int fmq_ctx_set_text(fmq_ctx ctx, int option, const char *text, size_t len);
FMQ_API int fmq_ctx_get_text(fmq_ctx ctx, int option, char *text, size_t *len);
/* Every blocked or later call on the context's sockets, but close, fails with
 * FMQ_ETERM. */
FMQ_API int fmq_ctx_shutdown(fmq_ctx ctx);
/* Shuts down, waits until every socket is closed and has lingered, and frees. EINTR: a
 * signal came; ETIMEDOUT: `timeout_ms` (-1: no limit) has passed; call it again. */
FMQ_API int fmq_ctx_term(fmq_ctx ctx, int64_t timeout_ms);
/* What keeps a context from its end: a socket that nobody has closed, or messages for
 * one peer that are not written yet. */
typedef struct fmq_unsent {
    int type;            /* of the socket */
    int is_open;         /* 1: the socket itself; then the rest says nothing */
    uint64_t n_messages; /* for this peer */
    char peer[512];      /* the endpoint that was connected to; of one that connected to
                          * us its property Peer-Address */
} fmq_unsent;

/* A list of all that there is at this moment, which fmq_unsent_free gives back. */
FMQ_API int fmq_ctx_unsent(fmq_ctx ctx, fmq_unsent **list, size_t *n);
FMQ_API void fmq_unsent_free(fmq_unsent *list);
/* After fork, in the child: whether this context belongs to another process. */
FMQ_API int fmq_ctx_is_foreign(fmq_ctx ctx);

/* Sockets. Types and options are numbered as in zmq.h; these options are ours:
 *
 * MAX_HANDSHAKES (int, 256; 0: no limit): how many accepted connections may be in their
 *     handshake at a time. The oldest gives way if it has taken a second or more; else
 *     newcomers wait.
 * MAX_PEERS_PER_ADDRESS (int, 0: no limit): how many connections of an IP address (of
 *     64 bits of an IPv6 one) may be accepted.
 * ALLOW_KEY, ALLOW_PASSWORD, ALLOW_ADDRESS: one more who may connect: a public key of
 *     CURVE, "user\0password" of PLAIN, "address" or "address/bits". Nothing (length 0)
 *     makes a list of nobody, NULL ends the list. Once there is a list of keys or
 *     passwords, only who is on one passes, and ZAP is not asked. Unlike other options
 *     they count at once. Only to set.
 * MAX_PARTS (int, 1000000; 0: no limit): how many parts a message from a peer may have.
 * MAX_MESSAGE_BYTES (int64_t, 0: no limit): how long they may be together, as
 *     MAXMSGSIZE is for each. Who sends more is cut off.
 * SPIN_US (int, -1): for how many microseconds (up to 1000000) a call that waits for a
 *     message looks for it before it sleeps, or after a piece of a long one; it needs a
 *     processor meanwhile. 0: never; -1: for up to 50 us, while that is worth it.
 *     Counts at once. */
#define FMQ_MAX_HANDSHAKES 10001
#define FMQ_MAX_PEERS_PER_ADDRESS 10002
#define FMQ_ALLOW_KEY 10003
#define FMQ_ALLOW_PASSWORD 10004
#define FMQ_ALLOW_ADDRESS 10005
#define FMQ_SPIN_US 10006
#define FMQ_MAX_PARTS 10007
#define FMQ_MAX_MESSAGE_BYTES 10008
FMQ_API int fmq_socket_new(fmq_ctx ctx, int type, fmq_socket *socket);
/* Waits for no peer: what was sent is written within LINGER by the I/O thread. Names it
 * was bound to are free on return; parts without a last one are dropped. */
FMQ_API int fmq_socket_close(fmq_socket s);
/* 1 if the handle is a socket that is not closed. */
FMQ_API int fmq_socket_is_open(fmq_socket s);
/* The handle of a socket that zmq_socket made; 0: it is none. It is closed by
 * zmq_close.
 */
FMQ_API fmq_socket fmq_socket_of_zmq(const void *zmq_socket);
FMQ_API int fmq_bind(fmq_socket s, const char *endpoint);
FMQ_API int fmq_connect(fmq_socket s, const char *endpoint);
FMQ_API int fmq_unbind(fmq_socket s, const char *endpoint);
FMQ_API int fmq_disconnect(fmq_socket s, const char *endpoint);
/* PEER: connects, and tells the routing id that its peer has from now on. ENOTSUP: of
 * another type; EFAULT: with IMMEDIATE. */
FMQ_API int fmq_connect_peer(fmq_socket s, const char *endpoint, uint32_t *routing_id);
/* SERVER, PEER: ends the connection to a peer. ENOTSUP, EHOSTUNREACH. */
FMQ_API int fmq_disconnect_peer(fmq_socket s, uint32_t routing_id);
/* DISH: joins a group of messages (255 bytes at most), or leaves it. ENOTSUP; EINVAL:
 * too long, joined already, not joined. */
FMQ_API int fmq_join(fmq_socket s, const char *group);
FMQ_API int fmq_leave(fmq_socket s, const char *group);
FMQ_API int fmq_setsockopt(fmq_socket s, int option, const void *value, size_t len);
/* `*len`: the room at `value` before, what was written after. */
FMQ_API int fmq_getsockopt(fmq_socket s, int option, void *value, size_t *len);

/* Sends one part; the bytes are copied before it returns. */
FMQ_API int fmq_send(fmq_socket s, const void *data, size_t len, int flags);
/* Sends one part; takes the content of `m`, which is empty afterwards. */
FMQ_API int fmq_msg_send(fmq_socket s, fmq_msg *m, int flags);
/* Sends `n` (1 or more) parts as one message, or nothing; takes their contents. Parts
 * sent with FMQ_SNDMORE before come first. */
FMQ_API int fmq_sendv(fmq_socket s, fmq_msg *parts, size_t n, int flags);

typedef struct fmq_piece {
    const void *data;
    size_t len;
} fmq_piece;

/* Sends `n` (1 or more) parts as fmq_sendv does; the bytes are copied before it
 * returns. */
FMQ_API int fmq_send_pieces(fmq_socket s, const fmq_piece *parts, size_t n, int flags);

/* What a received part was. */
typedef struct fmq_part {
    size_t len;    /* bytes of the body */
    int more;      /* 1: another part of the message follows */
    int is_in_buf; /* 1: the body is in the caller's buffer, 0: it is in the message */
} fmq_part;

/* Receives one part: a body of at most `cap` bytes is copied to `buf` (and `m` is left
 * alone), a longer one is given in `m`, which must be empty. cap is used up to 4096. */
FMQ_API int fmq_recv(fmq_socket s, void *buf, size_t cap, fmq_msg *m, fmq_part *part,
                     int flags);
/* Receives one part as a message (what `m` had is closed), with its properties. */
FMQ_API int fmq_msg_recv(fmq_socket s, fmq_msg *m, int flags);
/* Receives the rest of the current message, or the next one whole: `*parts` points to
 * `*n` messages in an array that fmq_parts_free gives back. Without memory for all of
 * it none is taken. */
FMQ_API int fmq_recvv(fmq_socket s, fmq_msg **parts, size_t *n, int flags);
FMQ_API void fmq_parts_free(fmq_msg *parts, size_t n);

/* The parts of a message for a short time: `n` of them at `part`, which is `few` if
 * they fit. */
#define FMQ_FEW_PARTS 16
typedef struct fmq_parts {
    fmq_msg *part;
    size_t n;
    fmq_msg few[FMQ_FEW_PARTS];
} fmq_parts;

/* As fmq_recvv, for callers that look at the parts and close them: short bodies still
 * lie in the queue, whose memory they keep until then. On failure there are none. */
FMQ_API int fmq_recv_parts(fmq_socket s, fmq_parts *parts, int flags);
FMQ_API void fmq_parts_close(fmq_parts *parts);
/* Gives a part that is to live longer a body of its own, if there is memory for it. */
FMQ_API void fmq_msg_settle(fmq_msg *m);

/* Batches: many messages a call, each as if by itself. */

/* Sends `n` messages of one part each; the bytes are copied before it returns. An error
 * stops it: `*n_sent` is how many went before, also then. */
FMQ_API int fmq_send_many(fmq_socket s, const fmq_piece *messages, size_t n, int flags,
                          size_t *n_sent);
/* Receives parts, at least 1 and at most `max`: those that are there; it waits for the
 * first only. parts[i] tells of each: bodies of at most 4096 bytes lie one after the
 * other in `buf` as far as its `cap` bytes reach. Others are in m[i], which nobody
 * needs to have initialised, for a short time, as from fmq_recv_parts. */
FMQ_API int fmq_recv_many(fmq_socket s, void *buf, size_t cap, fmq_msg *m,
                          fmq_part *parts, size_t max, size_t *n, int flags);

/* Like the functions above, but the wait ends at `deadline_ns` (fmq_now_ns' clock;
 * UINT64_MAX: never) with EAGAIN: for callers that go on after EINTR. FMQ_DONTWAIT and
 * SNDTIMEO/RCVTIMEO play no part. */
FMQ_API int fmq_send_until(fmq_socket s, fmq_msg *parts, size_t n, int flags,
                           uint64_t deadline_ns);
FMQ_API int fmq_recv_until(fmq_socket s, void *buf, size_t cap, fmq_msg *m,
                           fmq_part *part, uint64_t deadline_ns);
FMQ_API int fmq_msg_recv_until(fmq_socket s, fmq_msg *m, uint64_t deadline_ns);
FMQ_API int fmq_recvv_until(fmq_socket s, fmq_msg **parts, size_t *n,
                            uint64_t deadline_ns);
FMQ_API int fmq_recv_parts_until(fmq_socket s, fmq_parts *parts, uint64_t deadline_ns);
FMQ_API int fmq_send_many_until(fmq_socket s, const fmq_piece *messages, size_t n,
                                size_t *n_sent, uint64_t deadline_ns);
FMQ_API int fmq_recv_many_until(fmq_socket s, void *buf, size_t cap, fmq_msg *m,
                                fmq_part *parts, size_t max, size_t *n,
                                uint64_t deadline_ns);
FMQ_API uint64_t fmq_now_ns(void);
/* For programs whose signal handlers only leave a mark, which is looked at after EINTR:
 * with 1 these functions also say EINTR where they have looked for a message in vain
 * (SPIN_US) and would go on to sleep, and when they, or fmq_proxy_run, have slept for
 * 0.1 s, 0.2 s, 0.4 s and so on. 0 as long as nobody has said anything. */
FMQ_API void fmq_ask_for_signals(int yes);

/* Polling. A socket (not 0) or else a descriptor. */
typedef struct fmq_pollitem {
    fmq_socket socket;
    int fd;
    short events;
    short revents;
} fmq_pollitem;

/* Waits until an item is ready or `deadline_ns` has come; `*n_ready` items have
 * revents (none if it fails). A closed socket: FMQ_ENOTSOCK. */
FMQ_API int fmq_poll(fmq_pollitem *items, size_t n, uint64_t deadline_ns,
                     size_t *n_ready);

/* Tells events (a mask of ZMQ_EVENT_*) of the socket's connections as messages, from a
 * socket of `type` (PAIR, PUB or PUSH) that is bound to `endpoint`, which is inproc.
 * `version`: of the messages, 1 or 2. In the place of an earlier one; NULL ends it. */
FMQ_API int fmq_monitor(fmq_socket s, const char *endpoint, uint64_t events,
                        int version, int type);

/* A proxy: passes messages between two sockets (which may be one, that gets its own
 * back), and a copy of each to `capture`; `control` takes PAUSE, RESUME, TERMINATE and
 * STATISTICS (0: none). It takes no message that the other side has no room for. */
typedef struct fmq_proxy fmq_proxy;
FMQ_API int fmq_proxy_new(fmq_socket frontend, fmq_socket backend, fmq_socket capture,
                          fmq_socket control, fmq_proxy **proxy);
/* First frames of what `capture` gets: of what the frontend, the backend received. */
typedef struct fmq_proxy_tags {
    const void *front;
    size_t front_len;
    const void *back;
    size_t back_len;
} fmq_proxy_tags;
/* Has the copies begin so. Between two ROUTERs, furthermore, the first two frames of a
 * message (from whom, for whom) change places; what has fewer than three is dropped. */
FMQ_API int fmq_proxy_tag(fmq_proxy *p, const fmq_proxy_tags *tags);
/* Runs until TERMINATE (0) or an error. EINTR: a signal came; run it again, nothing is
 * lost. */
FMQ_API int fmq_proxy_run(fmq_proxy *p);
FMQ_API void fmq_proxy_free(fmq_proxy *p);

/* Utilities. */
FMQ_API const char *fmq_strerror(int err);
FMQ_API int fmq_has(const char *capability);
FMQ_API const char *fmq_version(void);

/* A pair of keys for CURVE, each 40 characters and a NUL; and the public one of a
 * secret one. ENOTSUP: built without it; EINVAL: that is no key. */
FMQ_API int fmq_curve_keypair(char public_key[41], char secret_key[41]);
FMQ_API int fmq_curve_public(char public_key[41], const char *secret_key);

#ifndef FMQ_ENOTSOCK
#define FMQ_ENOTSOCK ENOTSOCK
#endif

#ifdef __cplusplus
}
#endif

#endif
