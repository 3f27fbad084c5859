/* SPDX-License-Identifier: Apache-2.0 */
/* metadata: a row of properties as READY and INITIATE carry it (RFC 37 "Connection
 * Metadata"): each a name behind its 1-byte length, then a value behind its 4-byte
 * length.
 *
 * Errors: EPROTO (a length overruns, stray bytes remain, a name is empty, too many
 *         properties), ENOMEM.
 */
#ifndef FMQ_WIRE_METADATA_H
#define FMQ_WIRE_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "msg/props.h"

/* The most properties taken from a peer, so that keeping them stays cheap. */
enum { FMQ__METADATA_MAX_PROPERTIES = 1024 };

/* One property, borrowed from the bytes it was read from. */
typedef struct fmq__property {
    const uint8_t *name;
    size_t name_len;
    const uint8_t *value;
    size_t value_len;
} fmq__property;

/* The bytes not yet read; borrowed. */
typedef struct fmq__metadata_cursor {
    const uint8_t *at;
    size_t left;
} fmq__metadata_cursor;

/* How many bytes a property takes. */
size_t fmq__metadata_property_len(const char *name, size_t value_len);

/* Writes a property (a name of 1 to 255 characters) and returns its length. */
size_t fmq__metadata_put(uint8_t *p, const char *name, const void *value,
                         size_t value_len);

/* The next property; ENOENT if there is none, and EPROTO if what is left is none. Both
 * leave the cursor where it was. */
int fmq__metadata_next(fmq__metadata_cursor *cursor, fmq__property *property);

/* Adds all properties to `props`, but a User-Id, which is not the sender's to say. On
 * failure some of them may have been added. */
int fmq__metadata_to_props(const uint8_t *metadata, size_t len, fmq__props *props);

#endif
