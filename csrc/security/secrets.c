/* SPDX-License-Identifier: Apache-2.0 */
#include "security/secrets.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"

int
fmq__secrets_copy(const fmq__secrets *from, fmq__secrets **copy)
{
    fmq__secrets *s = fmq__calloc(1, sizeof(*s));

    if (s == NULL) {
        return ENOMEM;
    }
    if (from != NULL) {
        s->mechanism = from->mechanism;
        s->is_server = from->is_server;
        s->user = from->user;
        s->password = from->password;
        s->crypto = from->crypto;
        memcpy(s->public_key, from->public_key, sizeof(s->public_key));
        memcpy(s->secret_key, from->secret_key, sizeof(s->secret_key));
        memcpy(s->server_key, from->server_key, sizeof(s->server_key));
        s->gss = from->gss;
        s->principal = from->principal;
        s->service = from->service;
        s->is_plaintext = from->is_plaintext;
    }
    atomic_init(&s->refs, 1);
    *copy = s;
    return 0;
}

void
fmq__secrets_hold(fmq__secrets *s)
{
    if (s != NULL) {
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    }
}

void
fmq__secrets_drop(fmq__secrets *s)
{
    /* D1 -> D1: whoever wipes it comes after all who looked. */
    if (s != NULL &&
        atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        fmq__wipe(s, sizeof(*s));
        fmq__free(s);
    }
}
