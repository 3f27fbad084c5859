/* SPDX-License-Identifier: Apache-2.0 */
/* publish: what PUB and XPUB have in common: each message goes to every pipe that wants
 * it, and subscriptions are taken as they come.
 *
 * Owner:   the socket.
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_PUBLISH_H
#define FMQ_PATTERN_PUBLISH_H

#include "pattern/fairq.h"
#include "pattern/fan.h"
#include "pattern/pattern.h"
#include "pattern/readers.h"

typedef struct fmq__publisher {
    fmq__pattern base;
    bool is_heard; /* XPUB: the application is told of subscriptions */
    fmq__readers readers;
    fmq__readers asked; /* with MANUAL: what was asked for */
    fmq__node peers;    /* all pipes */
    fmq__fan_width width;
    fmq__fairq in;     /* those with messages that were not looked at yet */
    fmq__side *side;   /* what the application is to receive; NULL: nothing yet */
    fmq__node tickets; /* one for each message of `side`, in order */
    size_t n_user;     /* of these, messages of users */
    struct peer *last; /* whose request was received last; NULL: none, or gone */
    fmq__msg welcome;
    bool has_welcome;
    bool is_verbose;      /* repeated subscriptions are told */
    bool is_verbose_ends; /* and repeated cancellations */
    bool is_manual;
    bool is_last_value;
    bool is_nodrop;
    bool is_only_first;
} fmq__publisher;

void fmq__publisher_init(fmq__pattern *p);
void fmq__publisher_fini(fmq__pattern *p);
int fmq__publisher_check(fmq__pattern *p, const fmq__outpart *first);
int fmq__publisher_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
int fmq__publisher_begin_recv(fmq__pattern *p, fmq__pipe **from);
bool fmq__publisher_can_send(fmq__pattern *p);
bool fmq__publisher_can_recv(fmq__pattern *p);
int fmq__publisher_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__publisher_detach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__publisher_down(fmq__pattern *p, fmq__pipe *pipe);
void fmq__publisher_readable(fmq__pattern *p, fmq__pipe *pipe);
int fmq__publisher_set(fmq__pattern *p, int option, const void *value, size_t len);
int fmq__publisher_get(fmq__pattern *p, int option, void *value, size_t *len);

#endif
