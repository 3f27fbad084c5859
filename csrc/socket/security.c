/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/security.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "security/z85.h"
#include "socket/value.h"

enum {
    OPT_MECHANISM = 43,
    OPT_PLAIN_SERVER = 44,
    OPT_PLAIN_USERNAME = 45,
    OPT_PLAIN_PASSWORD = 46,
    OPT_CURVE_SERVER = 47,
    OPT_CURVE_PUBLICKEY = 48,
    OPT_CURVE_SECRETKEY = 49,
    OPT_CURVE_SERVERKEY = 50,
    OPT_GSSAPI_SERVER = 62,
    OPT_GSSAPI_PRINCIPAL = 63,
    OPT_GSSAPI_SERVICE_PRINCIPAL = 64,
    OPT_GSSAPI_PLAINTEXT = 65,
    OPT_GSSAPI_PRINCIPAL_NAMETYPE = 90,
    OPT_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = 91
};

/* A key as text. */
enum { KEY_CHARS = FMQ__KEY_LEN / FMQ__Z85_BYTES * FMQ__Z85_CHARS };

/* --- setting; each changes a copy --- */

/* A number from 0 to `max`. */
static int
take_number(const void *value, size_t len, int max, int *number)
{
    int n;

    if (len != sizeof(n)) {
        return EINVAL;
    }
    memcpy(&n, value, sizeof(n));
    if (n < 0 || n > max) {
        return EINVAL;
    }
    *number = n;
    return 0;
}

/* 1: a server of `mechanism`; 0: nothing at all. */
static int
set_role(fmq__secrets *s, enum fmq__mechanism mechanism, const void *value, size_t len)
{
    int is_server;
    int err = take_number(value, len, 1, &is_server);

    if (err != 0) {
        return err;
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

/* As it is, or as text with or without a NUL. */
static int
set_key(fmq__secrets *s, uint8_t key[FMQ__KEY_LEN], const void *value, size_t len)
{
    const char *text = value;
    uint8_t decoded[FMQ__KEY_LEN];

    if (len == FMQ__KEY_LEN) {
        memcpy(key, value, len);
    } else if ((len == KEY_CHARS || (len == KEY_CHARS + 1 && text[KEY_CHARS] == 0)) &&
               fmq__z85_decode(decoded, text, KEY_CHARS)) {
        memcpy(key, decoded, sizeof(decoded));
        fmq__wipe(decoded, sizeof(decoded));
    } else {
        return EINVAL;
    }
    s->mechanism = FMQ__MECHANISM_CURVE;
    return 0;
}

static int
set_server_key(fmq__secrets *s, const void *value, size_t len)
{
    int err = set_key(s, s->server_key, value, len);

    if (err == 0) {
        s->is_server = false;
    }
    return err;
}

static int
change_curve(fmq__secrets *s, int option, const void *value, size_t len)
{
    s->crypto = fmq__crypto_get();
    if (s->crypto == NULL) {
        return EINVAL;
    }
    switch (option) {
    case OPT_CURVE_SERVER:
        return set_role(s, FMQ__MECHANISM_CURVE, value, len);
    case OPT_CURVE_PUBLICKEY:
        return set_key(s, s->public_key, value, len);
    case OPT_CURVE_SECRETKEY:
        return set_key(s, s->secret_key, value, len);
    default:
        return set_server_key(s, value, len);
    }
}

/* With or without a NUL, which is kept. */
static int
set_principal(fmq__secrets *s, fmq__gss_name *name, const void *value, size_t len)
{
    const char *nul = len != 0 ? memchr(value, '\0', len) : NULL;

    if (len == 0 || len > sizeof(name->text) || nul == value ||
        (nul != NULL && nul != (const char *)value + len - 1)) {
        return EINVAL;
    }
    memcpy(name->text, value, len);
    name->len = (uint8_t)len;
    s->mechanism = FMQ__MECHANISM_GSSAPI;
    return 0;
}

static int
set_gssapi_role(fmq__secrets *s, const void *value, size_t len)
{
    int is_server;
    int err = take_number(value, len, 1, &is_server);

    if (err == 0) {
        s->is_server = is_server != 0;
        s->mechanism = FMQ__MECHANISM_GSSAPI;
    }
    return err;
}

static int
change_gssapi(fmq__secrets *s, int option, const void *value, size_t len)
{
    int number = 0;
    int err;

    s->gss = fmq__gss_get();
    if (s->gss == NULL) {
        return EINVAL;
    }
    switch (option) {
    case OPT_GSSAPI_SERVER:
        return set_gssapi_role(s, value, len);
    case OPT_GSSAPI_PRINCIPAL:
        return set_principal(s, &s->principal, value, len);
    case OPT_GSSAPI_SERVICE_PRINCIPAL:
        err = set_principal(s, &s->service, value, len);
        s->is_server = err != 0 && s->is_server;
        return err;
    case OPT_GSSAPI_PLAINTEXT:
        err = take_number(value, len, 1, &number);
        s->is_plaintext = number != 0;
        return err;
    case OPT_GSSAPI_PRINCIPAL_NAMETYPE:
        return take_number(value, len, FMQ__GSS_N_FORMS - 1, &s->principal.form);
    default:
        return take_number(value, len, FMQ__GSS_N_FORMS - 1, &s->service.form);
    }
}

static bool
is_gssapi(int option)
{
    return (option >= OPT_GSSAPI_SERVER && option <= OPT_GSSAPI_PLAINTEXT) ||
           option == OPT_GSSAPI_PRINCIPAL_NAMETYPE ||
           option == OPT_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE;
}

static int
change(fmq__secrets *s, int option, const void *value, size_t len)
{
    if (is_gssapi(option)) {
        return change_gssapi(s, option, value, len);
    }
    switch (option) {
    case OPT_PLAIN_SERVER:
        return set_role(s, FMQ__MECHANISM_PLAIN, value, len);
    case OPT_PLAIN_USERNAME:
        return set_text(s, &s->user, value, len);
    case OPT_PLAIN_PASSWORD:
        return set_text(s, &s->password, value, len);
    default:
        return change_curve(s, option, value, len);
    }
}

int
fmq__security_set(fmq__secrets **secrets, int option, const void *value, size_t len)
{
    fmq__secrets *changed;
    int err;

    if ((option < OPT_PLAIN_SERVER || option > OPT_CURVE_SERVERKEY) &&
        !is_gssapi(option)) {
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
get_text(const void *text, uint8_t text_len, void *value, size_t *len)
{
    uint8_t copy[UINT8_MAX + 1] = {0};

    memcpy(copy, text, text_len);
    return fmq__value_put(copy, text_len + (size_t)1, value, len);
}

/* As it is, or as text, by the room for it. */
static int
get_key(const uint8_t key[FMQ__KEY_LEN], void *value, size_t *len)
{
    if (*len == FMQ__KEY_LEN) {
        return fmq__value_put(key, FMQ__KEY_LEN, value, len);
    }
    if (*len != KEY_CHARS + 1) {
        return EINVAL;
    }
    fmq__z85_encode(value, key, FMQ__KEY_LEN);
    return 0;
}

static bool
serves(const fmq__secrets *s, enum fmq__mechanism mechanism)
{
    return fmq__secrets_mechanism(s) == mechanism && s->is_server;
}

static int
get_curve(const fmq__secrets *s, int option, void *value, size_t *len)
{
    if (fmq__crypto_get() == NULL) {
        return EINVAL;
    }
    switch (option) {
    case OPT_CURVE_SERVER:
        return get_number(serves(s, FMQ__MECHANISM_CURVE), value, len);
    case OPT_CURVE_PUBLICKEY:
        return get_key(s->public_key, value, len);
    case OPT_CURVE_SECRETKEY:
        return get_key(s->secret_key, value, len);
    case OPT_CURVE_SERVERKEY:
        return get_key(s->server_key, value, len);
    default:
        return EINVAL;
    }
}

static int
get_gssapi(const fmq__secrets *s, int option, void *value, size_t *len)
{
    if (fmq__gss_get() == NULL) {
        return EINVAL;
    }
    switch (option) {
    case OPT_GSSAPI_SERVER:
        return get_number(serves(s, FMQ__MECHANISM_GSSAPI), value, len);
    case OPT_GSSAPI_PRINCIPAL:
        return get_text(s->principal.text, s->principal.len, value, len);
    case OPT_GSSAPI_SERVICE_PRINCIPAL:
        return get_text(s->service.text, s->service.len, value, len);
    case OPT_GSSAPI_PLAINTEXT:
        return get_number(s->is_plaintext, value, len);
    case OPT_GSSAPI_PRINCIPAL_NAMETYPE:
        return get_number(s->principal.form, value, len);
    default:
        return get_number(s->service.form, value, len);
    }
}

int
fmq__security_get(const fmq__secrets *secrets, int option, void *value, size_t *len)
{
    static const fmq__secrets none;
    const fmq__secrets *s = secrets != NULL ? secrets : &none;

    if (is_gssapi(option)) {
        return get_gssapi(s, option, value, len);
    }
    switch (option) {
    case OPT_MECHANISM:
        return get_number((int)s->mechanism, value, len);
    case OPT_PLAIN_SERVER:
        return get_number(serves(s, FMQ__MECHANISM_PLAIN), value, len);
    case OPT_PLAIN_USERNAME:
        return get_text(s->user.data, s->user.len, value, len);
    case OPT_PLAIN_PASSWORD:
        return get_text(s->password.data, s->password.len, value, len);
    default:
        return get_curve(s, option, value, len);
    }
}
