/* SPDX-License-Identifier: Apache-2.0 */
/* fakegss: a library of GSSAPI for tests: it proves nothing and seals with a pencil,
 * but keeps to the order of calls, and fails where it is told to.
 *
 *     client                    server
 *     "hi" service         ->
 *                          <-   "ho"
 *
 * What is sealed is a number, the text with each bit turned, and a sum.
 */
#ifndef FMQ_TESTS_FAKEGSS_H
#define FMQ_TESTS_FAKEGSS_H

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "security/gss.h"

enum { FAKE_GSS_OVERHEAD = 2 };

struct fmq__gss_context {
    fmq__gss_who who;
    int n_steps;
    uint8_t n_sealed;
    uint8_t n_unsealed;
};

static int fake_gss_fails_at; /* this step, of either side; 0: none */
static int fake_gss_error;
static bool fake_gss_needs_more; /* a server wants one token more */

static inline int
fake_gss_open(const fmq__gss_who *who, fmq__gss_context **context)
{
    fmq__gss_context *c = fmq__calloc(1, sizeof(*c));

    if (c == NULL) {
        return ENOMEM;
    }
    c->who = *who;
    *context = c;
    return 0;
}

static inline int
fake_gss_say(fmq__gss_bytes *out, const char *word, const fmq__gss_name *name)
{
    size_t name_len = name != NULL ? name->len : 0;

    out->data = fmq__alloc(2 + name_len);
    if (out->data == NULL) {
        return ENOMEM;
    }
    memcpy(out->data, word, 2);
    if (name_len != 0) {
        memcpy(out->data + 2, name->text, name_len);
    }
    out->len = 2 + name_len;
    return 0;
}

static inline bool
fake_gss_is(const uint8_t *token, size_t len, const char *word)
{
    return len >= 2 && memcmp(token, word, 2) == 0;
}

static inline int
fake_gss_step(fmq__gss_context *c, const uint8_t *token, size_t len,
              fmq__gss_bytes *out)
{
    int err;

    *out = (fmq__gss_bytes){NULL, 0};
    c->n_steps++;
    if (c->n_steps == fake_gss_fails_at) {
        return fake_gss_error;
    }
    if (!c->who.is_server) {
        if (c->n_steps == 1) {
            err = fake_gss_say(out, "hi", c->who.service);
            return err != 0 ? err : EAGAIN;
        }
        if (!fake_gss_is(token, len, "ho")) {
            return EPROTO;
        }
        return fake_gss_needs_more ? fake_gss_say(out, "ok", NULL) : 0;
    }
    if (!fake_gss_is(token, len, c->n_steps == 1 ? "hi" : "ok")) {
        return EPROTO;
    }
    err = c->n_steps == 1 ? fake_gss_say(out, "ho", NULL) : 0;
    return err == 0 && fake_gss_needs_more && c->n_steps == 1 ? EAGAIN : err;
}

static inline fmq__gss_bytes
fake_gss_peer(const fmq__gss_context *c)
{
    static uint8_t joe[] = "joe@TEST";

    (void)c;
    return (fmq__gss_bytes){joe, sizeof(joe) - 1};
}

static inline size_t
fake_gss_overhead(const fmq__gss_context *c)
{
    (void)c;
    return FAKE_GSS_OVERHEAD;
}

static inline int
fake_gss_seal(fmq__gss_context *c, uint8_t *sealed, uint8_t head, const uint8_t *body,
              size_t len, size_t *sealed_len)
{
    uint8_t sum = (uint8_t)~head;

    sealed[0] = ++c->n_sealed;
    sealed[1] = (uint8_t)~head;
    for (size_t i = 0; i < len; i++) {
        sealed[2 + i] = (uint8_t)~body[i];
        sum = (uint8_t)(sum + sealed[2 + i]);
    }
    sealed[2 + len] = sum;
    *sealed_len = len + 1 + FAKE_GSS_OVERHEAD;
    return 0;
}

static inline bool
fake_gss_unseal(fmq__gss_context *c, uint8_t *sealed, size_t len, fmq__gss_bytes *text)
{
    uint8_t sum = 0;

    if (len < FAKE_GSS_OVERHEAD || sealed[0] != (uint8_t)(c->n_unsealed + 1)) {
        return false;
    }
    *text = (fmq__gss_bytes){sealed + 1, len - FAKE_GSS_OVERHEAD};
    for (size_t i = 0; i < text->len; i++) {
        sum = (uint8_t)(sum + text->data[i]);
        text->data[i] = (uint8_t)~text->data[i];
    }
    c->n_unsealed++;
    return sum == sealed[len - 1];
}

static inline void
fake_gss_close(fmq__gss_context *c)
{
    fmq__free(c);
}

static const fmq__gss fake_gss = {
    .name = "fake",
    .open = fake_gss_open,
    .step = fake_gss_step,
    .peer = fake_gss_peer,
    .overhead = fake_gss_overhead,
    .seal = fake_gss_seal,
    .unseal = fake_gss_unseal,
    .close = fake_gss_close,
};

#endif
