/* SPDX-License-Identifier: Apache-2.0 */
/* decode: bytes of a connection become frames in its pipe's queue; commands are taken
 * out on the way.
 *
 * Does not read, and publishes nothing: the read turn (read.c) does.
 *
 * Threads: the read turn's, without L.
 * Errors:  EPROTO (session->violation may say more), EMSGSIZE, ENOMEM: the connection
 *          is over, but what came before is good.
 */
#ifndef FMQ_SESSION_DECODE_H
#define FMQ_SESSION_DECODE_H

#include "session/session.h"
#include "wire/command.h"
#include "wire/frame.h"

enum { FMQ__BATCH_PONGS = 4 };

/* What one turn brings back to be published under L. */
typedef struct fmq__batch {
    uint64_t room; /* messages that may be published */
    uint64_t n_messages;
    size_t n_bytes; /* of a read, before they were decoded */
    uint8_t pong[FMQ__BATCH_PONGS][FMQ__FRAME_SHORT_HEADER + FMQ__PONG_MAX];
    size_t pong_len[FMQ__BATCH_PONGS];
    size_t n_pongs;
    uint32_t ttl_ms; /* of the last PING that named one; 0: none */
    bool may_gather; /* nobody counts on hearing of every byte */
} fmq__batch;

/* The cases of frames in the queue's own form, and of others. */
int fmq__decode_plain(fmq__session *s, fmq__batch *b, const uint8_t *p,
                      const uint8_t *end, const uint8_t **rest);
int fmq__decode_formed(fmq__session *s, fmq__batch *b, uint8_t *p, const uint8_t *end,
                       const uint8_t **rest);

/* Decodes frames from `p` until `end`, or until there is no room for another message.
 * `*rest` is where it stopped. Sealed bytes before that have been changed. */
static inline int
fmq__decode_frames(fmq__session *s, fmq__batch *b, uint8_t *p, const uint8_t *end,
                   const uint8_t **rest)
{
    return s->form == FMQ__FORM_FRAMES ? fmq__decode_plain(s, b, p, end, rest)
                                       : fmq__decode_formed(s, b, p, end, rest);
}

/* The long body that the session was reading is complete. */
int fmq__decode_big(fmq__session *s, fmq__batch *b);

/* How long the body is if the `len` bytes at `p`, not sealed, are the header of a long
 * frame that is no command, and nothing behind it: who reads next begins it, and reads
 * into its body. 0: they are not. */
uint64_t fmq__decode_long_len(const uint8_t *p, size_t len);

static inline bool
fmq__decode_is_long(const uint8_t *p, size_t len)
{
    return fmq__decode_long_len(p, len) != 0;
}

/* Begins the long frame whose header is all of the stash. */
int fmq__decode_begin(fmq__session *s, fmq__batch *b);

/* What one read of a raw connection brought is a message. */
int fmq__decode_raw(fmq__session *s, fmq__batch *b, const uint8_t *data, size_t len);

#endif
