/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/security.h"

#include <errno.h>
#include <string.h>

#include "socket/value.h"

enum {
    OPT_MECHANISM = 43,
    OPT_PLAIN_SERVER = 44,
    OPT_PLAIN_USERNAME = 45,
    OPT_PLAIN_PASSWORD = 46
};

/* --- setting; each changes a copy --- */

/* 1: a server of `mechanism`; 0: nothing at all. */
static int
set_role(fmq__secrets *s, enum fmq__mechanism mechanism, const void *value, size_t len)
{
    int is_server;

    if (len != sizeof(is_server)) {
        return EINVAL;
    }
    memcpy(&is_server, value, sizeof(is_server));
    if (is_server != 0 && is_server != 1) {
        return EINVAL;
    }
    s->is_server = is_server != 0;
    s->mechanism = is_server ? mechanism : FMQ__MECHANISM_NULL;
    return 0;
}

static int
set_text(fmq__secrets *s, fmq__plain_text *text, const void *value, size_t len)
{
    if (value == NULL) {
        s->mechanism = FMQ__MECHANISM_NULL;
        return 0;
    }
    if (len == 0 || len > sizeof(text->data)) {
        return EINVAL;
    }
    memset(text, 0, sizeof(*text));
    memcpy(text->data, value, len);
    text->len = (uint8_t)len;
    s->is_server = false;
    s->mechanism = FMQ__MECHANISM_PLAIN;
    return 0;
}

static int
change(fmq__secrets *s, int option, const void *value, size_t len)
{
    switch (option) {
    case OPT_PLAIN_SERVER:
        return set_role(s, FMQ__MECHANISM_PLAIN, value, len);
    case OPT_PLAIN_USERNAME:
        return set_text(s, &s->user, value, len);
    case OPT_PLAIN_PASSWORD:
        return set_text(s, &s->password, value, len);
    default:
        return EINVAL;
    }
}

int
fmq__security_set(fmq__secrets **secrets, int option, const void *value, size_t len)
{
    fmq__secrets *changed;
    int err;

    if (option < OPT_PLAIN_SERVER || option > OPT_PLAIN_PASSWORD) {
        return EINVAL;
    }
    err = fmq__secrets_copy(*secrets, &changed);
    if (err != 0) {
        return err;
    }
    err = change(changed, option, value, len);
    if (err != 0) {
        fmq__secrets_drop(changed);
        return err;
    }
    fmq__secrets_drop(*secrets);
    *secrets = changed;
    return 0;
}

/* --- reading --- */

static int
get_number(int n, void *value, size_t *len)
{
    return fmq__value_put_exact(&n, sizeof(n), value, len);
}

/* With a NUL behind it. */
static int
get_text(const fmq__plain_text *text, void *value, size_t *len)
{
    uint8_t copy[FMQ__PLAIN_MAX + 1] = {0};

    memcpy(copy, text->data, text->len);
    return fmq__value_put(copy, text->len + (size_t)1, value, len);
}

static bool
serves(const fmq__secrets *s, enum fmq__mechanism mechanism)
{
    return fmq__secrets_mechanism(s) == mechanism && s->is_server;
}

int
fmq__security_get(const fmq__secrets *secrets, int option, void *value, size_t *len)
{
    static const fmq__secrets none;
    const fmq__secrets *s = secrets != NULL ? secrets : &none;

    switch (option) {
    case OPT_MECHANISM:
        return get_number((int)s->mechanism, value, len);
    case OPT_PLAIN_SERVER:
        return get_number(serves(s, FMQ__MECHANISM_PLAIN), value, len);
    case OPT_PLAIN_USERNAME:
        return get_text(&s->user, value, len);
    case OPT_PLAIN_PASSWORD:
        return get_text(&s->password, value, len);
    default:
        return EINVAL;
    }
}
