/* SPDX-License-Identifier: Apache-2.0 */
/* curve_guard: the frames of a CURVE connection: each is the command MESSAGE with a
 * number that only grows, and a box of flags and body (RFC 26 "MESSAGE").
 *
 * Owner:   as guard.h.
 * Errors:  ENOMEM from new.
 */
#ifndef FMQ_SECURITY_CURVE_GUARD_H
#define FMQ_SECURITY_CURVE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "security/crypto.h"
#include "wire/guard.h"

/* How much longer a sealed body is. */
enum { FMQ__CURVE_MESSAGE_EXTRA = 33 };

/* `key`: what the transient keys share; `n_said` and `n_heard`: the last number used
 * by either side in the handshake. */
int fmq__curve_guard_new(const fmq__crypto *crypto, bool is_server,
                         const uint8_t key[32], uint64_t n_said, uint64_t n_heard,
                         fmq__guard **guard);

#endif
