/* SPDX-License-Identifier: Apache-2.0 */
/* pull: what PULL has in common with GATHER, which is the same for messages of one
 * part.
 *
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_PULL_H
#define FMQ_PATTERN_PULL_H

#include "pattern/fairq.h"
#include "pattern/pattern.h"

typedef struct fmq__pull {
    fmq__pattern base;
    fmq__fairq in;
} fmq__pull;

void fmq__pull_init(fmq__pattern *p);
int fmq__pull_begin_recv(fmq__pattern *p, fmq__pipe **from);
void fmq__pull_end_recv(fmq__pattern *p, fmq__pipe *from);
bool fmq__pull_can_recv(fmq__pattern *p);
int fmq__pull_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__pull_detach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__pull_readable(fmq__pattern *p, fmq__pipe *pipe);

#endif
