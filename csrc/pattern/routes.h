/* SPDX-License-Identifier: Apache-2.0 */
/* routes: the pipes of a type that addresses its peers (ROUTER, SERVER, ...), by their
 * ids.
 *
 * Owner:   the pattern; a route belongs to its pipe (`mine`), from attach to detach.
 * Threads: under the socket's lock.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_PATTERN_ROUTES_H
#define FMQ_PATTERN_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "pattern/balance.h"
#include "pattern/fairq.h"
#include "pattern/pattern.h"
#include "pipe/pipe.h"

typedef struct fmq__route {
    fmq__hash_node node; /* by id */
    fmq__pipe *pipe;
    fmq__body *body; /* holds the id; NULL: it has none yet */
    uint8_t *id;
    size_t id_len;
    bool is_known;     /* in the table: messages can be sent to it */
    fmq__node waiting; /* among those whose id another one has */
} fmq__route;

typedef struct fmq__routes {
    fmq__hash by_id;
    fmq__balance out; /* of known routes; for poll */
    fmq__fairq in;
    uint32_t next_id; /* made up next */
} fmq__routes;

void fmq__routes_init(fmq__routes *r);
void fmq__routes_fini(fmq__routes *r);

/* NULL: unknown. */
fmq__route *fmq__routes_find(const fmq__routes *r, const uint8_t *id, size_t id_len);

/* A route without an id; NULL: no memory. Freed by leave and free. */
fmq__route *fmq__route_new(fmq__pipe *pipe);
void fmq__route_free(fmq__route *route);

/* Gives a route that is not known an id: this one; 0 and four bytes that no other has
 * (RFC 28). */
int fmq__route_set_id(fmq__route *route, const uint8_t *id, size_t id_len);
int fmq__routes_make_up_id(fmq__routes *r, fmq__route *route);
/* A number, not 0, that no route has as its id (its bytes as they lie in memory). */
uint32_t fmq__routes_make_up_number(fmq__routes *r);
void fmq__route_drop_id(fmq__route *route);

/* From here on messages for the id go to this pipe, and no longer. */
int fmq__routes_enter(fmq__routes *r, fmq__route *route);
void fmq__routes_leave(fmq__routes *r, fmq__route *route);

/* The pipe of a message that begins with `id`. NULL: nobody is called that
 * (EHOSTUNREACH), or there is no room in it (EAGAIN). */
fmq__pipe *fmq__routes_choose(const fmq__routes *r, const fmq__outpart *id, int *err);

/* What the operations of such a pattern do with them. */
void fmq__routes_detach(fmq__routes *r, fmq__pipe *pipe);
void fmq__routes_writable(fmq__routes *r, fmq__pipe *pipe);
int fmq__routes_begin_recv(fmq__routes *r, fmq__pattern *p, fmq__pipe **from);

/* Sends bytes, which are not framed, by a route that has room; if the last part is
 * empty the connection ends when all before it is written. */
int fmq__route_send_raw(fmq__route *route, const fmq__outpart *parts, size_t n);

#endif
