/* SPDX-License-Identifier: Apache-2.0 */
/* numbered: what SERVER and PEER have in common: each peer has a number, which comes
 * with its messages and says which peer a message is for.
 *
 * The number is the id of the peer's route, as its four bytes lie in memory. The route
 * of a connect keeps it over all its connections; that of a peer which connected has it
 * until the connection is lost.
 *
 * Owner:   the socket.
 * Threads: under the socket's lock.
 */
#ifndef FMQ_PATTERN_NUMBERED_H
#define FMQ_PATTERN_NUMBERED_H

#include "pattern/pattern.h"
#include "pattern/routes.h"

typedef struct fmq__numbered {
    fmq__pattern base;
    fmq__routes routes;
    uint32_t from; /* of the message that is being taken */
} fmq__numbered;

void fmq__numbered_init(fmq__pattern *p);
void fmq__numbered_fini(fmq__pattern *p);
int fmq__numbered_send(fmq__pattern *p, const fmq__outpart *parts, size_t n);
fmq__outpart fmq__numbered_address(const fmq__msg *m);
int fmq__numbered_begin_recv(fmq__pattern *p, fmq__pipe **from);
void fmq__numbered_end_recv(fmq__pattern *p, fmq__pipe *from);
void fmq__numbered_sign(fmq__pattern *p, fmq__msg *m);
bool fmq__numbered_can_recv(fmq__pattern *p);
int fmq__numbered_attach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__numbered_detach(fmq__pattern *p, fmq__pipe *pipe);
void fmq__numbered_down(fmq__pattern *p, fmq__pipe *pipe);
void fmq__numbered_readable(fmq__pattern *p, fmq__pipe *pipe);
int fmq__numbered_drop_peer(fmq__pattern *p, uint32_t number);

#endif
