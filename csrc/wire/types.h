/* SPDX-License-Identifier: Apache-2.0 */
/* types: the names of socket types as a handshake carries them, and their numbers.
 *
 * Threads: any.
 */
#ifndef FMQ_WIRE_TYPES_H
#define FMQ_WIRE_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* The bit of a socket type's name in a set of types; 0 for an unknown name. Bits are 1
 * << the type's number in zmq.h (PAIR 0, PUB 1, ... CHANNEL 20). */
uint64_t fmq__conn_type_bit(const char *name, size_t len);

/* The number of a type that there is. */
uint8_t fmq__type_number(const char *type);

#endif
