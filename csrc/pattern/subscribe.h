/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe: what SUB, XSUB and DISH have in common: a set of topics that every
 * publisher is told of, anew with each connection.
 *
 * Owner:   the socket.
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_SUBSCRIBE_H
#define FMQ_PATTERN_SUBSCRIBE_H

#include "pattern/fairq.h"
#include "pattern/pattern.h"
#include "pattern/topics.h"

typedef struct fmq__subscriber {
    fmq__pattern base;
    fmq__topics topics; /* `n` of each: how often it was subscribed to */
    fmq__node pipes;    /* all, by out_node */
    fmq__fairq in;
    bool is_only_first; /* XSUB: of a message only the first frame may subscribe */
    bool tells_all;     /* XSUB: unknown and repeated cancellations go out, too */
    bool joins;         /* DISH: they are groups, told of by JOIN and LEAVE */
} fmq__subscriber;

void fmq__subscriber_init(fmq__pattern *p);
void fmq__subscriber_fini(fmq__pattern *p);
int fmq__subscriber_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__subscriber_detach(fmq__pattern *p, fmq__pipe *pipe);
int fmq__subscriber_up(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id,
                       size_t id_len);
void fmq__subscriber_readable(fmq__pattern *p, fmq__pipe *pipe);
void fmq__subscriber_end_recv(fmq__pattern *p, fmq__pipe *from);
int fmq__subscriber_get(fmq__pattern *p, int option, void *value, size_t *len);

/* Subscribes, and cancels; ENOMEM: nothing has changed here. */
int fmq__subscriber_want(fmq__subscriber *self, const uint8_t *topic, size_t len);
int fmq__subscriber_unwant(fmq__subscriber *self, const uint8_t *topic, size_t len);

#endif
