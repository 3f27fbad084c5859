/* SPDX-License-Identifier: Apache-2.0 */
/* guard: what protects the frames of a connection once its handshake is over; made by a
 * mechanism that does (CURVE, GSSAPI).
 *
 * Each frame becomes the body of another one: flags and body sealed together. Frames
 * are opened in the order they were sealed in, and a guard that failed is not used
 * again.
 *
 * Owner:   whoever had it made; free wipes it.
 * Threads: sealing and opening do not share anything: one thread at a time each.
 * Errors:  EPROTO.
 */
#ifndef FMQ_WIRE_GUARD_H
#define FMQ_WIRE_GUARD_H

#include <stddef.h>
#include <stdint.h>

typedef struct fmq__guard fmq__guard;

/* What a sealed body held; `body` lies in it. */
typedef struct fmq__opened {
    unsigned flags; /* FMQ__MORE, FMQ__COMMAND */
    uint8_t *body;
    size_t len;
    unsigned error; /* on failure: the FMQ__ZMTP_* number of what is wrong */
} fmq__opened;

typedef struct fmq__guard_ops {
    /* The room that sealing a body of `len` bytes takes at most. */
    size_t (*sealed_max)(const fmq__guard *g, size_t len);
    /* Writes the sealed body to `sealed`, and how long it is. */
    int (*seal)(fmq__guard *g, unsigned flags, const uint8_t *body, size_t len,
                uint8_t *sealed, size_t *sealed_len);
    /* Opens one where it lies; what it was is lost. */
    int (*open)(fmq__guard *g, uint8_t *sealed, size_t len, fmq__opened *opened);
    void (*free)(fmq__guard *g);
} fmq__guard_ops;

struct fmq__guard {
    const fmq__guard_ops *ops;
};

#endif
