/* SPDX-License-Identifier: Apache-2.0 */
/* zap: what a ZAP handler is asked, and what it answers, as frames (RFC 27).
 *
 * Each connection asks once and over a pipe of its own, so every request has the
 * number 1.
 *
 * Owner:   frames are borrowed from what they were made of.
 * Errors:  EPROTO, with one of FMQ__ZAP_* in `*error`.
 */
#ifndef FMQ_WIRE_ZAP_H
#define FMQ_WIRE_ZAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/mech.h"

typedef struct fmq__zap_frame {
    const uint8_t *data;
    size_t len;
} fmq__zap_frame;

/* Who asks about whom. */
typedef struct fmq__zap_request {
    fmq__zap_frame domain;
    const char *address;
    fmq__zap_frame routing_id; /* the asking socket's own */
    const char *mechanism;
    fmq__mech_credential credential[FMQ__MECH_MAX_CREDENTIALS];
    size_t n_credentials;
} fmq__zap_request;

typedef struct fmq__zap_reply {
    bool is_answered; /* somebody was there to ask */
    unsigned status;  /* 200, 300, 400, 500 */
    const uint8_t *user_id;
    size_t user_id_len;
    const uint8_t *metadata; /* as in metadata.h, and well-formed */
    size_t metadata_len;
} fmq__zap_reply;

enum { FMQ__ZAP_REQUEST_MAX = 7 + FMQ__MECH_MAX_CREDENTIALS, FMQ__ZAP_REPLY_LEN = 7 };

/* The frames of a request, with the empty one in front; returns how many. */
size_t fmq__zap_put_request(const fmq__zap_request *r,
                            fmq__zap_frame frame[FMQ__ZAP_REQUEST_MAX]);

/* Reads a reply of `n` frames, the empty one included. */
int fmq__zap_parse_reply(const fmq__zap_frame *frame, size_t n, fmq__zap_reply *reply,
                         unsigned *error);

#endif
