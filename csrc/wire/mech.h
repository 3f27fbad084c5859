/* SPDX-License-Identifier: Apache-2.0 */
/* mech: the table that a security mechanism fills in, and the order in which a
 * connection calls it.
 *
 * A connection gives a mechanism `state_size` zeroed bytes, calls init once and fini
 * once, and in between, once both greetings agree on `name`, looks at `want` and does
 * what it says until that is 0: the handshake is over. A mechanism knows no descriptor,
 * clock or thread; what it needs of keys and randomness comes in its config, so that a
 * handshake can be replayed.
 *
 * Owner:   the connection owns the state; config and metadata are borrowed until fini.
 * Threads: one at a time.
 * Errors:  EPROTO, EACCES (the peer sent ERROR, or ZAP refused it), EPERM (who we are,
 * or whom we speak to, could not be proved; it may be another time), ENOMEM. After one
 * only want, next and fini are called: SEND then means a last word (ERROR).
 */
#ifndef FMQ_WIRE_MECH_H
#define FMQ_WIRE_MECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/guard.h"
#include "wire/protocol_error.h"

typedef struct fmq__mech_ops fmq__mech_ops;

/* What a mechanism can do next; any of these together. None of them: it is done. */
enum fmq__mech_want {
    FMQ__MECH_SEND = 1, /* has a command to send: call next */
    FMQ__MECH_RECV = 2, /* a command of the peer is in order: input */
    FMQ__MECH_ZAP = 4,  /* waits for an answer from outside: credentials, zap_reply */
    FMQ__MECH_WORK = 8, /* has something to do that may take long: work */
};

typedef struct fmq__mech_args {
    const void *config; /* the mechanism's own */
    bool is_server;
    const uint8_t *metadata; /* our properties, encoded, for READY or INITIATE */
    size_t metadata_len;
} fmq__mech_args;

/* What came of a command, an answer or work; zeroed by the caller. */
typedef struct fmq__mech_result {
    unsigned error; /* on failure: what fmq__conn_error is to say */
    /* If the command held the peer's properties: them, until the next call; else NULL.
     */
    const uint8_t *metadata;
    size_t metadata_len;
} fmq__mech_result;

/* A piece of what a ZAP handler is asked to judge, until the next call. */
typedef struct fmq__mech_credential {
    const uint8_t *data;
    size_t len;
} fmq__mech_credential;

enum { FMQ__MECH_MAX_CREDENTIALS = 2 };

struct fmq__mech_ops {
    const char *name; /* as in the greeting: at most 20 capitals */
    size_t state_size;
    /* Nobody passes where there is no ZAP handler to ask. */
    bool needs_handler;
    /* What fmq__conn_error says of bad properties or a wrong Socket-Type: NULL keeps
     * silent (0), the others have FMQ__ZMTP_INVALID_METADATA. */
    unsigned metadata_error;

    /* On failure fini is not called. */
    int (*init)(void *state, const fmq__mech_args *args);
    /* Wipes what is secret. */
    void (*fini)(void *state);

    /* FMQ__MECH_* bits. */
    unsigned (*want)(const void *state);

    /* SEND: the exact length of the next command's body, and the body. After next the
     * command counts as sent. */
    size_t (*next_len)(const void *state);
    int (*next)(void *state, uint8_t *body);

    /* RECV: a command of the peer; `body` is only lent for the call. */
    int (*input)(void *state, const uint8_t *body, size_t len,
                 fmq__mech_result *result);

    /* ZAP: the credentials (their number is returned), and the answer: status 200; or
     * 300, 400 or 500, which fail with EACCES and are the result's error, with ERROR as
     * the last word but after 300. NULL where the mechanism never asks. */
    size_t (*credentials)(const void *state,
                          fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS]);
    int (*zap_reply)(void *state, unsigned status, fmq__mech_result *result);

    /* WORK: may block (and so is not called on an I/O thread). NULL: never wanted. */
    int (*work)(void *state, fmq__mech_result *result);

    /* After the handshake, once: makes what protects the frames from then on (NULL:
     * they go as they are). NULL where they always do. */
    int (*make_guard)(void *state, fmq__guard **guard);
};

#endif
