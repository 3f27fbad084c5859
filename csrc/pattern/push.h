/* SPDX-License-Identifier: Apache-2.0 */
/* push: what PUSH has in common with SCATTER, which is the same for messages of one
 * part.
 *
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_PUSH_H
#define FMQ_PATTERN_PUSH_H

#include "pattern/balance.h"
#include "pattern/pattern.h"

typedef struct fmq__push {
    fmq__pattern base;
    fmq__balance out;
} fmq__push;

void fmq__push_init(fmq__pattern *p);
bool fmq__push_can_send(fmq__pattern *p);
int fmq__push_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
int fmq__push_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__push_detach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__push_readable(fmq__pattern *p, fmq__pipe *pipe);
void fmq__push_writable(fmq__pattern *p, fmq__pipe *pipe);

#endif
