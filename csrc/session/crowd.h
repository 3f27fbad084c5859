/* SPDX-License-Identifier: Apache-2.0 */
/* crowd: the connections that a socket has accepted: how many are not through their
 * handshake, and how many came from each address.
 *
 * Counts only; who does something about it is the listener.
 *
 * Owner:   embedded in a hub; a guest in its session, a place freed by its last guest.
 * Threads: the I/O thread.
 * Errors:  EUSERS (as many as there may be), ENOMEM.
 */
#ifndef FMQ_SESSION_CROWD_H
#define FMQ_SESSION_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/list.h"

/* Where guests come from. */
typedef struct fmq__place fmq__place;

typedef struct fmq__guest {
    fmq__node node; /* crowd->shaking, while it is not through its handshake */
    uint64_t since_ns;
    fmq__place *place; /* NULL: not counted */
} fmq__guest;

typedef struct fmq__crowd {
    fmq__node shaking; /* the oldest first */
    size_t n_shaking;
    fmq__hash places;
} fmq__crowd;

void fmq__crowd_init(fmq__crowd *c);
/* Nobody is left. */
void fmq__crowd_fini(fmq__crowd *c);

/* A seat for one more guest `from` there, of whom there may be `max` (0: as many as
 * like, and none is counted). An IPv6 address counts by its first 64 bits, which are
 * one host's to choose from; one that is none (ipc) does not count. */
int fmq__crowd_take_seat(fmq__crowd *c, const struct sockaddr_storage *from,
                         uint32_t max, fmq__place **place);
/* Gives back what nobody will sit on; nothing for NULL. */
void fmq__crowd_give_seat(fmq__crowd *c, fmq__place *place);

static inline void
fmq__guest_init(fmq__guest *g)
{
    fmq__list_init(&g->node);
    g->since_ns = 0;
    g->place = NULL;
}

/* Comes with its seat and begins its handshake; is through with it; goes. All of them
 * may be called for one that never entered. */
void fmq__crowd_enter(fmq__crowd *c, fmq__guest *g, fmq__place *place, uint64_t now_ns);
void fmq__crowd_settle(fmq__crowd *c, fmq__guest *g);
void fmq__crowd_leave(fmq__crowd *c, fmq__guest *g);

/* The guest whose handshake takes longest, if that is `ns` or more; else NULL. */
fmq__guest *fmq__crowd_oldest(const fmq__crowd *c, uint64_t now_ns, uint64_t ns);

#endif
