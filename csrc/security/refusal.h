/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: the command ERROR, which says why a server will not have a client, and what
 * a ZAP handler's status means for a handshake. The same in every mechanism.
 */
#ifndef FMQ_SECURITY_REFUSAL_H
#define FMQ_SECURITY_REFUSAL_H

#include "wire/command.h"
#include "wire/mech.h"

/* The body of an ERROR with a status: name, length, three digits. */
enum { FMQ__REFUSAL_LEN = 10 };

/* Writes it to `body`; `status` is 300, 400 or 500. */
void fmq__refusal_put(uint8_t *body, unsigned status);

/* What a peer's ERROR is for the one who gets it: EACCES, or EPROTO if it is none. */
int fmq__refusal_take(const fmq__command *command, fmq__mech_result *result);

/* What a ZAP handler's status is for the handshake: 0, or EACCES. `*has_word`: whether
 * the peer is told (400 and 500). What is only for now (300) is told by the end of the
 * connection alone, so that the client tries again. */
int fmq__refusal_of_status(unsigned status, bool *has_word, fmq__mech_result *result);

/* What is wrong with a command that is not the one in order: UNEXPECTED, or that it is
 * no command at all. EPROTO. */
int fmq__refusal_unexpected(const uint8_t *body, size_t len, fmq__mech_result *result);

#endif
