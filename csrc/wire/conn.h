/* SPDX-License-Identifier: Apache-2.0 */
/* conn: a ZMTP connection from its first byte to the end of its handshake, as a state
 * machine of bytes.
 *
 * Knows no descriptor, no clock and no thread: bytes in, bytes out, and in the end the
 * peer's version and properties. What follows the handshake (messages, PING) is the
 * session's.
 *
 * Owner:   embedded in or owned by a session; fini frees what it holds.
 * Threads: one at a time.
 * Errors:  EPROTO (violation; see fmq__conn_error), ENOMEM, EACCES (the peer refused us
 *          with ERROR).
 */
#ifndef FMQ_WIRE_CONN_H
#define FMQ_WIRE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg/props.h"
#include "wire/mech.h"
#include "wire/types.h"
#include "wire/zap.h"

typedef struct fmq__conn fmq__conn;

/* What a connection says of itself; borrowed until fmq__conn_free. */
typedef struct fmq__conn_config {
    const char *socket_type; /* "PUSH" */
    uint64_t peer_types;     /* fmq__conn_type_bit of each type that may talk to us */
    const uint8_t *identity; /* routing id */
    size_t identity_len;
    bool has_identity;       /* whether READY carries Identity (REQ, DEALER, ROUTER) */
    const uint8_t *metadata; /* further properties, already encoded */
    size_t metadata_len;
    const fmq__mech_ops *mech;
    const void *mech_config; /* for the mechanism's init */
    bool is_server;          /* the mechanism's role */
} fmq__conn_config;

int fmq__conn_new(const fmq__conn_config *config, fmq__conn **conn);
void fmq__conn_free(fmq__conn *c);

/* Takes bytes from the peer; `*used` of them were understood: all, unless an error
 * came, or the handshake ended in them (what follows is the first message) or has work
 * to do (what follows is to be given again when that is done). After an error the
 * connection is dead, but output that explains (ERROR) may still be sent. */
int fmq__conn_input(fmq__conn *c, const uint8_t *data, size_t len, size_t *used);

/* Whether it waits for the answer of a ZAP handler, about whom (as
 * fmq__mech_ops.credentials), and by which mechanism. */
bool fmq__conn_wants_zap(const fmq__conn *c);
size_t
fmq__conn_credentials(const fmq__conn *c,
                      fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS]);
const fmq__mech_ops *fmq__conn_mech(const fmq__conn *c);

/* The answer, while it waits for one: the connection goes on, or fails as after a bad
 * command (EACCES; ECONNABORTED if another attempt may succeed: 300). */
int fmq__conn_zap_reply(fmq__conn *c, const fmq__zap_reply *reply);

/* It fails, because the answer was none: EPROTO, and `error` (FMQ__ZAP_*) says why. */
int fmq__conn_zap_fail(fmq__conn *c, unsigned error);

/* Whether its mechanism has work that may take long. Then work may be called on any
 * thread, and until it is back nothing else but fmq__conn_error and has_greeted;
 * finish_work goes on with what came of it, or fails: as after a command, or with EPERM
 * (another attempt may succeed). */
bool fmq__conn_wants_work(const fmq__conn *c);
void fmq__conn_work(fmq__conn *c);
int fmq__conn_finish_work(fmq__conn *c);

/* The bytes waiting to be sent, and how many of them went. */
size_t fmq__conn_output(const fmq__conn *c, const uint8_t **data);
void fmq__conn_sent(fmq__conn *c, size_t n);

/* Whether the handshake is over (output may still wait). */
bool fmq__conn_is_ready(const fmq__conn *c);

/* Whether the greeting has been exchanged (the mechanism's part has begun). */
bool fmq__conn_has_greeted(const fmq__conn *c);

/* Why it failed: a ZMQ_PROTOCOL_ERROR_* value of zmq.h (0x10000000 ...), or the status
 * code (300, 400, 500) of an ERROR command or of ZAP, or 0. */
unsigned fmq__conn_error(const fmq__conn *c);

/* The peer's ZMTP version: 0x0100, 0x0200, 0x0300, 0x0301. */
unsigned fmq__conn_version(const fmq__conn *c);

/* The peer's properties; the caller gets a reference of its own (once ready). */
fmq__props *fmq__conn_take_props(fmq__conn *c);

/* Makes what protects the frames from now on (once, when ready), for the caller; NULL:
 * they go as they are. */
int fmq__conn_make_guard(const fmq__conn *c, fmq__guard **guard);

#endif
