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
#include "pipe/side.h"

typedef struct fmq__pattern fmq__pattern;

typedef struct fmq__pattern_ops {
    const char *name; /* as announced in the handshake */
    int type;         /* as numbered in zmq.h */
    uint64_t peer_types;
    bool has_identity; /* announces its routing id (RFC 37 "Identity") */
    /* SUBSCRIBE and CANCEL of a peer come as messages: 01 or 00, then the topic. */
    bool takes_subscriptions;
    /* JOIN and LEAVE come as messages of one frame, with FMQ__COMMAND. */
    bool takes_groups;
    /* A message is one part, and what a peer sends in several is dropped: the types
     * that libzmq calls thread-safe. */
    bool is_single;
    /* Says everything anew at `up`: what a lost connection left unsent is dropped. */
    bool renews;
    bool has_zero_linger; /* the preset of LINGER is 0 */
    bool dials_once;      /* a second connect to the same endpoint does nothing */
    unsigned conflates;   /* what CONFLATE is for: FMQ__CONFLATE_* */
    unsigned says;        /* FMQ__SAYS_*: which of these messages it has */
    size_t n_parts;       /* so many end a message, SNDMORE or not; 0: any number */
    size_t size;          /* of the whole object */

    void (*init)(fmq__pattern *p);
    void (*fini)(fmq__pattern *p);

    /* Whether a message that begins with `first` may be begun now: 0 or an error. */
    int (*check_send)(fmq__pattern *p, const fmq__outpart *first);
    /* Sends one whole message: shares the bodies of `parts`. */
    int (*send)(fmq__pattern *p, const fmq__outpart *parts, size_t n);
    /* is_single: the part that goes before a message to say whom it is for, which lasts
     * as long as it; without it (one part) nobody was named. NULL: it says nothing. */
    fmq__outpart (*address)(const fmq__msg *m);

    /* Finds the pipe whose next frames are the next message, envelope taken off. May
     * put one frame before them: fmq__pattern_set_head. */
    int (*begin_recv)(fmq__pattern *p, fmq__pipe **from);
    /* The last frame of the message from `from` has been taken. */
    void (*end_recv)(fmq__pattern *p, fmq__pipe *from);
    /* is_single: notes in the message just taken what its address was. NULL: nothing.
     */
    void (*sign)(fmq__pattern *p, fmq__msg *m);

    /* A type that sends and receives by turns: whether it could send again soon without
     * waiting for anybody. NULL: any other type. */
    bool (*has_next)(fmq__pattern *p);

    /* What poll is to say. */
    bool (*can_send)(fmq__pattern *p);
    bool (*can_recv)(fmq__pattern *p);

    /* A new pipe; EBUSY: another one is not wanted, or ENOMEM. Pipes of a connect come
     * at once, before there is a connection. */
    int (*attach)(fmq__pattern *p, fmq__pipe *pipe);
    void (*detach)(fmq__pattern *p, fmq__pipe *pipe);
    /* A connection stands, to a peer that announced `id` (lent for the call): after
     * attach, and again after each `down`. What is appended to the pipe here goes
     * first. An error ends the connection. Either may be NULL: nothing to do. */
    int (*up)(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id, size_t id_len);
    /* It is lost: an accepted pipe (not `is_dialed`) is only read to its end from now
     * on. */
    void (*down)(fmq__pattern *p, fmq__pipe *pipe);
    /* A pipe that said no has messages, or room, again. */
    void (*readable)(fmq__pattern *p, fmq__pipe *pipe);
    void (*writable)(fmq__pattern *p, fmq__pipe *pipe);

    /* A type's own options: 0, ENOMEM, or EINVAL (not one of ours, a bad value or a
     * bad length). `*len`: the room before, what was written after. NULL: none. */
    int (*set_option)(fmq__pattern *p, int option, const void *value, size_t len);
    int (*get_option)(fmq__pattern *p, int option, void *value, size_t *len);
    /* Whether a connect may give its peer this id (CONNECT_ROUTING_ID); NULL: no id
     * can be given. */
    bool (*can_name)(fmq__pattern *p, const uint8_t *id, size_t id_len);
    /* Whether a message can be sent to the peer of this id: 0, EAGAIN (no room),
     * EHOSTUNREACH (nobody is called that). NULL: peers are not addressed. */
    int (*check_peer)(fmq__pattern *p, const uint8_t *id, size_t id_len);
    /* The number that the peer of the next connect is to have, as the preset of its
     * pipe; NULL: peers are not numbered. */
    uint32_t (*next_number)(fmq__pattern *p);
    /* Ends the connection to the peer of this number: EHOSTUNREACH; NULL: the same. */
    int (*drop_peer)(fmq__pattern *p, uint32_t number);
    /* Joins a group, or leaves it: ENOMEM, or EINVAL (too long a name; it is in it
     * already, or not). NULL: there are no groups. */
    int (*join)(fmq__pattern *p, const char *group, bool is_join);
} fmq__pattern_ops;

/* HELLO_MSG, DISCONNECT_MSG, HICCUP_MSG. */
enum { FMQ__SAYS_HELLO = 1, FMQ__SAYS_GOODBYE = 2, FMQ__SAYS_HICCUP = 4 };

/* Bits of `notify`, and the option. */
enum { FMQ__NOTIFY_UP = 1, FMQ__NOTIFY_DOWN = 2, FMQ__OPT_ROUTER_NOTIFY = 97 };

/* Options that several types have. */
enum {
    FMQ__OPT_XPUB_NODROP = 69,
    FMQ__OPT_INVERT_MATCHING = 74,
    FMQ__OPT_TOPICS_COUNT = 116
};

struct fmq__pattern {
    const fmq__pattern_ops *ops;
    fmq__pipe *reading; /* the pipe of the message that is being taken, or NULL */
    bool has_head;      /* `head` comes before what is left of that message */
    fmq__frame head;
    /* When a network connection stands, or is lost, an empty message comes from it. */
    unsigned notify;
    bool is_raw;      /* its peers do not speak ZMTP: bytes come and go as they are */
    bool is_inverted; /* INVERT_MATCHING, of any type */
    fmq__side *rest;  /* what is left of a message whose pipe has gone; or NULL */
    fmq__body **dropped; /* where lent bodies go that are dropped; NULL: to lenders */
};

extern const fmq__pattern_ops fmq__pattern_pair;
extern const fmq__pattern_ops fmq__pattern_pub;
extern const fmq__pattern_ops fmq__pattern_sub;
extern const fmq__pattern_ops fmq__pattern_req;
extern const fmq__pattern_ops fmq__pattern_rep;
extern const fmq__pattern_ops fmq__pattern_dealer;
extern const fmq__pattern_ops fmq__pattern_router;
extern const fmq__pattern_ops fmq__pattern_pull;
extern const fmq__pattern_ops fmq__pattern_push;
extern const fmq__pattern_ops fmq__pattern_stream;
extern const fmq__pattern_ops fmq__pattern_xpub;
extern const fmq__pattern_ops fmq__pattern_xsub;
extern const fmq__pattern_ops fmq__pattern_server;
extern const fmq__pattern_ops fmq__pattern_client;
extern const fmq__pattern_ops fmq__pattern_radio;
extern const fmq__pattern_ops fmq__pattern_dish;
extern const fmq__pattern_ops fmq__pattern_gather;
extern const fmq__pattern_ops fmq__pattern_scatter;
extern const fmq__pattern_ops fmq__pattern_peer;
extern const fmq__pattern_ops fmq__pattern_channel;

/* Not a socket type: a monitor's socket (keeper.c). */
extern const fmq__pattern_ops fmq__pattern_keeper;

/* The pattern of a socket type; NULL: there is none. */
const fmq__pattern_ops *fmq__pattern_find(int type);

int fmq__pattern_new(const fmq__pattern_ops *ops, fmq__pattern **p);
void fmq__pattern_free(fmq__pattern *p);

/* Finds the pipe whose next frame fmq__pattern_recv would take: of the message being
 * read, or of the next one, which is being read from then on. */
int fmq__pattern_begin(fmq__pattern *p, fmq__pipe **from);

/* From now on connections are raw, and tell when they stand and when they end. */
void fmq__pattern_set_raw(fmq__pattern *p);

/* In begin_recv: one frame before those of the pipe. `body`, of which `data` is a part,
 * is borrowed until the frame is taken or the pipe detached. */
void fmq__pattern_set_head(fmq__pattern *p, fmq__body *body, const uint8_t *data,
                           size_t len);

/* How many frames the message being read has left. */
size_t fmq__pattern_count_parts(const fmq__pattern *p);

/* Takes the next frame: of the message being read, or of the next one. A referenced
 * body becomes the caller's; `*from` is the pipe it came from. */
int fmq__pattern_recv(fmq__pattern *p, fmq__frame *f, fmq__pipe **from);

/* Attaches and detaches with the books kept. What is left of a message that is being
 * taken stays (if there is memory for it): it is read to its end, and not torn. */
int fmq__pattern_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__pattern_detach(fmq__pattern *p, fmq__pipe *pipe);

/* The same for a connection; `down` only after `up`. Detach takes it down before. */
int fmq__pattern_up(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id, size_t id_len);
void fmq__pattern_down(fmq__pattern *p, fmq__pipe *pipe);

int fmq__pattern_set_option(fmq__pattern *p, int option, const void *value, size_t len);
int fmq__pattern_get_option(fmq__pattern *p, int option, void *value, size_t *len);

/* An option's value as an int; EINVAL: wrong length. For flags also if negative. */
int fmq__pattern_get_int(const void *value, size_t len, int *n);
int fmq__pattern_get_flag(const void *value, size_t len, bool *flag);

int fmq__pattern_put_int(int n, void *value, size_t *len);
/* The same for what is no setting but a state: more room than an int needs is fine. */
int fmq__pattern_put_state(size_t n, void *value, size_t *len);

/* For tables: types that cannot do one thing, or have nothing to do. */
int fmq__pattern_no_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
int fmq__pattern_no_check(fmq__pattern *p, const fmq__outpart *first);
int fmq__pattern_one_part(fmq__pattern *p, const fmq__outpart *first);
int fmq__pattern_no_recv(fmq__pattern *p, fmq__pipe **from);
bool fmq__pattern_never(fmq__pattern *p);
bool fmq__pattern_always(fmq__pattern *p);
void fmq__pattern_nothing(fmq__pattern *p);
void fmq__pattern_nothing_pipe(fmq__pattern *p, fmq__pipe *pipe);

#endif
