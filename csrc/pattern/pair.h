/* SPDX-License-Identifier: Apache-2.0 */
/* pair: what PAIR has in common with CHANNEL, which is the same for messages of one
 * part.
 *
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_PAIR_H
#define FMQ_PATTERN_PAIR_H

#include "pattern/pattern.h"

typedef struct fmq__pair {
    fmq__pattern base;
    fmq__pipe *peer; /* or NULL */
} fmq__pair;

bool fmq__pair_can_send(fmq__pattern *p);
int fmq__pair_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
int fmq__pair_begin_recv(fmq__pattern *p, fmq__pipe **from);
bool fmq__pair_can_recv(fmq__pattern *p);
int fmq__pair_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__pair_detach(fmq__pattern *p, fmq__pipe *pipe);

#endif
