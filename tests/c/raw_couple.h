/* SPDX-License-Identifier: Apache-2.0 */
/* raw_couple: a socket that is connected to a raw peer.
 *
 * Threads: the test's own.
 */
#ifndef FMQ_TESTS_RAW_COUPLE_H
#define FMQ_TESTS_RAW_COUPLE_H

#include "raw_peer.h"

typedef struct couple {
    fmq_ctx ctx;
    fmq_socket s;
    int listen_fd;
    int fd;
} couple;

/* The peer listens at `endpoint`; `option` 0: none. */
static inline void
open_couple_at(couple *c, const char *endpoint, int type, const char *peer_type,
               int option, int value)
{
    c->ctx = new_ctx();
    c->s = new_brisk(c->ctx, type);
    set_int(c->s, 18, 1); /* RECONNECT_IVL */
    if (option != 0) {
        set_int(c->s, option, value);
    }
    REQUIRE(fmq_connect(c->s, endpoint) == 0);
    c->fd = raw_accept(c->listen_fd);
    raw_greet(c->fd, peer_type);
    AWAIT_INSIDE(c->s, i.is_there);
}

static inline void
open_couple(couple *c, int type, const char *peer_type, int option, int value)
{
    char endpoint[TEXT_ROOM];

    c->listen_fd = raw_listen(endpoint);
    open_couple_at(c, endpoint, type, peer_type, option, value);
}

static inline void
close_couple(couple *c)
{
    set_hook(NULL);
    CHECK_EQ(fmq_socket_close(c->s), 0);
    end_ctx(c->ctx);
    close(c->fd);
    close(c->listen_fd);
}

#endif
