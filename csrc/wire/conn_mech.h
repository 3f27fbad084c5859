/* SPDX-License-Identifier: Apache-2.0 */
/* conn_mech: the mechanism's part of a connection, and what both parts know of it:
 * conn.c cuts what comes into units and moves from state to state, and has these steps
 * taken.
 *
 * Errors: as conn.h.
 */
#ifndef FMQ_WIRE_CONN_MECH_H
#define FMQ_WIRE_CONN_MECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg/props.h"
#include "wire/mech.h"
#include "wire/types.h"
#include "wire/zap.h"

typedef struct fmq__conn fmq__conn;

struct fmq__conn {
    int state;   /* conn.c's own */
    int failure; /* in FAILED: the error every call gets */
    unsigned error;
    unsigned version;
    uint64_t peer_types;
    fmq__props *props;

    /* for a peer of ZMTP 2.0; lent */
    uint8_t type;
    const uint8_t *identity;
    size_t identity_len;

    const fmq__zap_reply *zap; /* while it is being taken */

    /* of work; the rest is not touched meanwhile */
    int work_err;
    fmq__mech_result work_result;

    const fmq__mech_ops *mech;
    bool has_mech; /* init has succeeded */
    void *mech_state;
    uint8_t *metadata; /* ours, encoded */
    size_t metadata_len;

    uint8_t *in;
    size_t in_len;
    size_t in_cap;
    size_t body_at; /* IN_COMMAND: where the frame's body begins */

    uint8_t *out;
    size_t out_sent;
    size_t out_len; /* shown so far */
    size_t out_cap;

    /* The mechanism's state, then our metadata, then the first room for `in`. */
    _Alignas(max_align_t) uint8_t tail[];
};

/* A step returns one of these, or an errno value. */
enum { FMQ__CONN_STAY = -1, FMQ__CONN_MOVE = 0 }; /* MOVE: on to the next state */

/* Makes sure that `n` bytes fit behind what `out` shows. */
int fmq__conn_reserve_out(fmq__conn *c, size_t n);

/* Whether peers that know no mechanism (ZMTP 1.0 and 2.0) are to be refused. */
bool fmq__conn_is_secured(const fmq__conn *c);

/* Steps: the greeting is there; a command of the mechanism is; the answer of ZAP is;
 * the work is done. */
int fmq__conn_start_mechanism(fmq__conn *c);
int fmq__conn_take_command(fmq__conn *c);
int fmq__conn_take_zap_reply(fmq__conn *c);
int fmq__conn_take_work(fmq__conn *c);

#endif
