/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/socks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"

enum { VERSION = 5, LOGIN_VERSION = 1, CONNECT = 1 };
enum { METHOD_NONE = 0, METHOD_LOGIN = 2 };
enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };
enum { V4_LEN = 4, V6_LEN = 16, PORT_LEN = 2 };

/* The answers: how much of each is read first. */
enum { METHOD_LEN = 2, LOGIN_LEN = 2, REPLY_LEN = 5 };

static uint8_t *
put_text(uint8_t *at, const void *data, size_t len)
{
    *at++ = (uint8_t)len;
    if (len != 0) {
        memcpy(at, data, len);
    }
    return at + len;
}

/* Where the port goes; NULL: the name is too long. */
static uint8_t *
put_host(uint8_t *at, const char *host)
{
    size_t len = strlen(host);

    if (inet_pton(AF_INET, host, at + 1) == 1) {
        *at = ADDRESS_V4;
        return at + 1 + V4_LEN;
    }
    if (inet_pton(AF_INET6, host, at + 1) == 1) {
        *at = ADDRESS_V6;
        return at + 1 + V6_LEN;
    }
    if (len > FMQ__SOCKS_FIELD_MAX) {
        return NULL;
    }
    *at = ADDRESS_NAME;
    return put_text(at + 1, host, len);
}

static void
say(fmq__socks *s, const uint8_t *data, size_t len, enum fmq__socks_step step,
    size_t answer_len)
{
    memcpy(s->out, data, len);
    s->out_len = len;
    s->out_at = 0;
    s->in_len = 0;
    s->in_need = answer_len;
    s->step = step;
}

int
fmq__socks_init(fmq__socks *s, const char *host, uint16_t port, fmq__socks_text user,
                fmq__socks_text password)
{
    bool has_login = user.len != 0;
    const uint8_t greeting[] = {VERSION, 1, has_login ? METHOD_LOGIN : METHOD_NONE};
    uint8_t *at = s->login;

    memset(s, 0, sizeof(*s));
    if (user.len > FMQ__SOCKS_FIELD_MAX || password.len > FMQ__SOCKS_FIELD_MAX) {
        return ENAMETOOLONG;
    }
    if (has_login) {
        *at++ = LOGIN_VERSION;
        at = put_text(at, user.data, user.len);
        at = put_text(at, password.data, password.len);
        s->login_len = (size_t)(at - s->login);
    }
    at = s->request;
    *at++ = VERSION;
    *at++ = CONNECT;
    *at++ = 0;
    at = put_host(at, host);
    if (at == NULL) {
        return ENAMETOOLONG;
    }
    fmq__put_u16(at, port);
    s->request_len = (size_t)(at - s->request) + PORT_LEN;
    say(s, greeting, sizeof(greeting), FMQ__SOCKS_METHOD, METHOD_LEN);
    return 0;
}

void
fmq__socks_fini(fmq__socks *s)
{
    fmq__wipe(s, sizeof(*s));
}

size_t
fmq__socks_output(const fmq__socks *s, const uint8_t **data)
{
    *data = s->out + s->out_at;
    return s->out_len - s->out_at;
}

void
fmq__socks_wrote(fmq__socks *s, size_t n)
{
    s->out_at += n;
}

size_t
fmq__socks_room(fmq__socks *s, uint8_t **data)
{
    *data = s->in + s->in_len;
    return s->in_need - s->in_len;
}

static void
ask(fmq__socks *s)
{
    say(s, s->request, s->request_len, FMQ__SOCKS_REPLY, REPLY_LEN);
}

static int
take_method(fmq__socks *s)
{
    uint8_t method = s->in[1];

    if (s->in[0] != VERSION) {
        return EPROTO;
    }
    if (method == METHOD_NONE && s->login_len == 0) {
        ask(s);
        return 0;
    }
    if (method == METHOD_LOGIN && s->login_len != 0) {
        say(s, s->login, s->login_len, FMQ__SOCKS_LOGIN, LOGIN_LEN);
        return 0;
    }
    return method == 0xff ? EACCES : EPROTO;
}

static int
take_login(fmq__socks *s)
{
    if (s->in[0] != LOGIN_VERSION) {
        return EPROTO;
    }
    if (s->in[1] != 0) {
        return EACCES;
    }
    ask(s);
    return 0;
}

/* What the proxy says of the other end. */
static int
error_of(uint8_t reply)
{
    static const int errors[] = {
        0,         ECONNABORTED, EACCES,       ENETUNREACH, EHOSTUNREACH, ECONNREFUSED,
        ETIMEDOUT, EOPNOTSUPP,   EAFNOSUPPORT,
    };

    return reply < sizeof(errors) / sizeof(errors[0]) ? errors[reply] : EPROTO;
}

/* The first five bytes: the answer, and how long the address is that follows. */
static int
take_reply(fmq__socks *s)
{
    int err = s->in[0] != VERSION ? EPROTO : error_of(s->in[1]);

    if (err != 0) {
        return err;
    }
    switch (s->in[3]) {
    case ADDRESS_V4:
        s->in_need = 4 + V4_LEN + PORT_LEN;
        break;
    case ADDRESS_V6:
        s->in_need = 4 + V6_LEN + PORT_LEN;
        break;
    case ADDRESS_NAME:
        s->in_need = 5 + (size_t)s->in[4] + PORT_LEN;
        break;
    default:
        return EPROTO;
    }
    s->step = FMQ__SOCKS_BOUND;
    return 0;
}

int
fmq__socks_read(fmq__socks *s, size_t n)
{
    s->in_len += n;
    if (s->in_len < s->in_need) {
        return 0;
    }
    switch (s->step) {
    case FMQ__SOCKS_METHOD:
        return take_method(s);
    case FMQ__SOCKS_LOGIN:
        return take_login(s);
    case FMQ__SOCKS_REPLY:
        return take_reply(s);
    default:
        s->step = FMQ__SOCKS_DONE;
        return 0;
    }
}
