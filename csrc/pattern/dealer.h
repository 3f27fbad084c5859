/* SPDX-License-Identifier: Apache-2.0 */
/* dealer: what DEALER has in common with CLIENT, which is the same for messages of one
 * part.
 *
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_DEALER_H
#define FMQ_PATTERN_DEALER_H

#include "pattern/balance.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"

typedef struct fmq__dealer {
    fmq__pattern base;
    fmq__balance out;
    fmq__fairq in;
    bool has_probe;
} fmq__dealer;

void fmq__dealer_init(fmq__pattern *p);
bool fmq__dealer_can_send(fmq__pattern *p);
int fmq__dealer_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
int fmq__dealer_begin_recv(fmq__pattern *p, fmq__pipe **from);
void fmq__dealer_end_recv(fmq__pattern *p, fmq__pipe *from);
bool fmq__dealer_can_recv(fmq__pattern *p);
int fmq__dealer_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__dealer_detach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__dealer_readable(fmq__pattern *p, fmq__pipe *pipe);
void fmq__dealer_writable(fmq__pattern *p, fmq__pipe *pipe);

#endif
