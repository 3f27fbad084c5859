/* SPDX-License-Identifier: Apache-2.0 */
/* socks: what is said to a SOCKS5 proxy before a connection through it stands
 * (RFC 1928, with the user name and password of RFC 1929).
 *
 * A machine without a descriptor: its owner writes what it has to say, and reads just
 * as many bytes as it asks for, since those behind its last answer are the peer's.
 *
 * Owner:   a value, on one thread; the password is wiped by fini.
 * Errors:  EINVAL, ENAMETOOLONG: of what it was given. EACCES: the proxy does not let
 *          us; EPROTO: it is none; ECONNREFUSED, EHOSTUNREACH, ...: what it says of the
 *          other end.
 */
#ifndef FMQ_WIRE_SOCKS_H
#define FMQ_WIRE_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FMQ__SOCKS_FIELD_MAX = 255, FMQ__SOCKS_ROOM = 2 * FMQ__SOCKS_FIELD_MAX + 8 };

enum fmq__socks_step {
    FMQ__SOCKS_METHOD, /* an answer to the greeting is awaited, and so on */
    FMQ__SOCKS_LOGIN,
    FMQ__SOCKS_REPLY,
    FMQ__SOCKS_BOUND, /* the rest of the reply */
    FMQ__SOCKS_DONE
};

typedef struct fmq__socks {
    enum fmq__socks_step step;
    uint8_t out[FMQ__SOCKS_ROOM];
    size_t out_len;
    size_t out_at;
    uint8_t in[FMQ__SOCKS_ROOM];
    size_t in_len;
    size_t in_need;
    uint8_t login[FMQ__SOCKS_ROOM]; /* ready to be sent; empty: none is needed */
    size_t login_len;
    uint8_t request[FMQ__SOCKS_ROOM];
    size_t request_len;
} fmq__socks;

/* Bytes of somebody else's. */
typedef struct fmq__socks_text {
    const uint8_t *data;
    size_t len;
} fmq__socks_text;

/* Asks for a connection to `host` (a name or a number, without brackets) and `port`.
 * `user` empty: no login. ENAMETOOLONG: a text is longer than 255 bytes. */
int fmq__socks_init(fmq__socks *s, const char *host, uint16_t port,
                    fmq__socks_text user, fmq__socks_text password);
void fmq__socks_fini(fmq__socks *s);

/* What is to be written before anything is read: its length, 0 when all is. */
size_t fmq__socks_output(const fmq__socks *s, const uint8_t **data);
void fmq__socks_wrote(fmq__socks *s, size_t n);

/* Where, and how many bytes at most, to read. */
size_t fmq__socks_room(fmq__socks *s, uint8_t **data);
/* `n` bytes were read there: 0, or why the connection cannot be had. */
int fmq__socks_read(fmq__socks *s, size_t n);

static inline bool
fmq__socks_is_done(const fmq__socks *s)
{
    return s->step == FMQ__SOCKS_DONE;
}

#endif
