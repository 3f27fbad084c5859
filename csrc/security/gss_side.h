/* SPDX-License-Identifier: Apache-2.0 */
/* gss_side: what client and server of GSSAPI do alike: tokens, and READY; and the state
 * of both, which differ in their steps.
 *
 * A command is made when it is known what it will be, because only sealing tells how
 * long it is; it waits in `out` to be sent.
 *
 * Owner:   a mechanism's state.
 * Threads: as mech.h.
 * Errors:  as mech.h.
 */
#ifndef FMQ_SECURITY_GSS_SIDE_H
#define FMQ_SECURITY_GSS_SIDE_H

#include "security/gss.h"
#include "wire/mech.h"

/* A step: what is wanted then, and which one follows when something was sent. */
typedef struct fmq__gss_move {
    unsigned want;
    unsigned after;
} fmq__gss_move;

typedef struct fmq__gss_side {
    const fmq__gss_move *moves; /* by step */
    unsigned step;
    const fmq__gss *gss;
    const uint8_t *metadata;
    size_t metadata_len;
    bool is_sealing;
    fmq__gss_context *context;
    fmq__guard *guard;    /* owns the context, once it stands, if it is sealing */
    fmq__gss_bytes token; /* the peer's, until the step that takes it */
    fmq__gss_bytes out;   /* the next command's body */
    uint8_t *ready;       /* the peer's, for as long as it is lent */
} fmq__gss_side;

/* Begins with step 0. */
int fmq__gss_side_init(fmq__gss_side *s, const fmq__mech_args *args,
                       const fmq__gss_move *moves);

/* As in fmq__mech_ops, of either side. */
void fmq__gss_side_fini(void *state);
unsigned fmq__gss_side_want(const void *state);
size_t fmq__gss_side_next_len(const void *state);
int fmq__gss_side_next(void *state, uint8_t *body);
int fmq__gss_side_make_guard(void *state, fmq__guard **guard);

/* INITIATE from the peer: its token, for the next step. */
int fmq__gss_side_take_initiate(fmq__gss_side *s, const uint8_t *body, size_t len,
                                fmq__mech_result *result);

/* A step of the context, which may block; makes what the peer gets to hear of it:
 * INITIATE, or (no token) a body without anything. 0: it stands; EAGAIN: the peer has
 * to answer. */
int fmq__gss_side_step(fmq__gss_side *s, fmq__mech_result *result);

/* Makes our READY, and takes the peer's. */
int fmq__gss_side_make_ready(fmq__gss_side *s);
int fmq__gss_side_take_ready(fmq__gss_side *s, const uint8_t *body, size_t len,
                             fmq__mech_result *result);

#endif
