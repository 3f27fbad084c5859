/* SPDX-License-Identifier: Apache-2.0 */
/* props: the properties of one connection, by name, shared by its messages.
 *
 * Built once by the handshake, then constant. Names compare without regard to case
 * (RFC 37 "Connection Metadata"); the first value of a name wins.
 *
 * Owner:   shared by count.
 * Threads: get, hold and drop any; add only before it is shared.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_MSG_PROPS_H
#define FMQ_MSG_PROPS_H

#include <stddef.h>

typedef struct fmq__props fmq__props;

int fmq__props_new(fmq__props **props);
/* Copies both; a value may hold any bytes, and is kept with a NUL behind it. */
int fmq__props_add(fmq__props *props, const void *name, size_t name_len,
                   const void *value, size_t value_len);
/* The same, before all there are: what we say wins over what the peer said. */
int fmq__props_add_first(fmq__props *props, const char *name, const char *value);
/* Moves all that `first` has before all there are; `first` is not shared, and empty
 * then. */
void fmq__props_prepend(fmq__props *props, fmq__props *first);
/* The value and (if `len` is not NULL) its length; NULL if there is none. */
const char *fmq__props_get(const fmq__props *props, const char *name, size_t *len);
void fmq__props_hold(fmq__props *props);
void fmq__props_drop(fmq__props *props);

#endif
