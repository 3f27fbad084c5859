/* SPDX-License-Identifier: Apache-2.0 */
/* command: the bodies of command frames (RFC 37 "Commands"): a name behind its 1-byte
 * length, then data.
 *
 * Only bodies: the frame's header is frame.h's.
 *
 * Errors: EPROTO (the body is not what its name promises).
 */
#ifndef FMQ_WIRE_COMMAND_H
#define FMQ_WIRE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a command means once traffic flows. */
enum fmq__command_kind {
    FMQ__COMMAND_OTHER, /* none of these; to be dropped in silence, as libzmq does */
    FMQ__COMMAND_PING,
    FMQ__COMMAND_PONG,
    FMQ__COMMAND_SUBSCRIBE,
    FMQ__COMMAND_CANCEL,
    FMQ__COMMAND_JOIN,
    FMQ__COMMAND_LEAVE,
};

enum {
    FMQ__PING_CONTEXT_MAX = 16,
    FMQ__PING_MAX = 7 + FMQ__PING_CONTEXT_MAX, /* the longest body of a PING */
    FMQ__PONG_MAX = 5 + FMQ__PING_CONTEXT_MAX, /* and of a PONG */
};

/* The two parts of a body, which they borrow. */
typedef struct fmq__command {
    const uint8_t *name;
    size_t name_len;
    const uint8_t *data;
    size_t data_len;
} fmq__command;

/* A received PING; `context` is borrowed from its body, and cut to what a PONG may
 * echo. */
typedef struct fmq__ping {
    uint32_t ttl_ms; /* 0: none */
    const uint8_t *context;
    size_t context_len;
} fmq__ping;

/* Splits a body; EPROTO if the name is longer than the body (also if that is empty). */
int fmq__command_parse(const uint8_t *body, size_t len, fmq__command *command);

/* Whether it has exactly this name. */
bool fmq__command_is(const fmq__command *command, const char *name);

/* Splits a body in traffic and tells what it is. OTHER, with `command` untouched, also
 * if it cannot be split. */
enum fmq__command_kind fmq__command_classify(const uint8_t *body, size_t len,
                                             fmq__command *command);

/* The data of a PING; EPROTO if it is too short for its TTL. */
int fmq__command_parse_ping(const fmq__command *command, fmq__ping *ping);

/* The data of an ERROR. `*status` is 300, 400 or 500 if that is the whole reason, else
 * 0; EPROTO if the reason is longer than the data. */
int fmq__command_parse_error(const fmq__command *command, unsigned *status);

/* Writes a name with its length; returns how long both are. The data comes behind. */
size_t fmq__command_put_name(uint8_t *p, const char *name);

/* Writes the body of a PING (FMQ__PING_MAX bytes at most) and returns its length.
 * `ttl_ms` is rounded up to tenths of a second and cut to what 16 bits hold, `context`
 * to 16 bytes. */
size_t fmq__command_put_ping(uint8_t *p, uint64_t ttl_ms, const void *context,
                             size_t context_len);

/* Writes the body of a PONG (FMQ__PONG_MAX bytes at most) and returns its length. */
size_t fmq__command_put_pong(uint8_t *p, const void *context, size_t context_len);

#endif
