/* SPDX-License-Identifier: Apache-2.0 */
/* libzmq has flags of its own for subscriptions, whose body is the topic alone; before
 * 4.3.5 it sends neither those nor a command, and its subscribers say nothing that a
 * publisher could understand. All of its versions understand the command, as any other,
 * so that is what we send, and it is what the flags are turned into here.
 */
#include "security/gss_guard.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "msg/msg.h"
#include "security/gss_token.h"
#include "wire/command.h"
#include "wire/protocol_error.h"

static const char name[] = "MESSAGE";

enum {
    TOKEN_AT = 1 + sizeof(name) - 1 + 4,
    FLAG_MORE = 1,
    FLAG_COMMAND = 2,
    FLAG_SUBSCRIBE = 4,
    FLAG_CANCEL = 8
};

typedef struct gss_guard {
    fmq__guard base;
    const fmq__gss *gss;
    fmq__gss_context *context;
    size_t overhead;
} gss_guard;

static const gss_guard *
from_const(const fmq__guard *g)
{
    return (const gss_guard *)(const void *)((const char *)g -
                                             offsetof(gss_guard, base));
}

static size_t
sealed_max(const fmq__guard *g, size_t len)
{
    return TOKEN_AT + 1 + len + from_const(g)->overhead;
}

static int
seal(fmq__guard *base, unsigned flags, const uint8_t *body, size_t len, uint8_t *sealed,
     size_t *sealed_len)
{
    const gss_guard *g = from_const(base);
    uint8_t inner = (uint8_t)(((flags & FMQ__MORE) != 0 ? FLAG_MORE : 0) |
                              ((flags & FMQ__COMMAND) != 0 ? FLAG_COMMAND : 0));
    size_t token_len;
    int err = g->gss->seal(g->context, sealed + TOKEN_AT, inner, body, len, &token_len);

    if (err == 0) {
        fmq__gss_token_put_head(sealed, name, (uint32_t)token_len);
        *sealed_len = TOKEN_AT + token_len;
    }
    return err;
}

/* A topic becomes a command, at the beginning of what was sealed: that is longer. */
static void
put_subscription(fmq__opened *opened, uint8_t *sealed, const char *command)
{
    size_t name_len = 1 + strlen(command);

    memmove(sealed + name_len, opened->body, opened->len);
    (void)fmq__command_put_name(sealed, command);
    opened->flags = FMQ__COMMAND;
    opened->body = sealed;
    opened->len += name_len;
}

static int
open_sealed(fmq__guard *base, uint8_t *sealed, size_t len, fmq__opened *opened)
{
    const gss_guard *g = from_const(base);
    fmq__gss_bytes text;
    uint8_t inner;
    int err = fmq__gss_token_check(sealed, len, name, FMQ__ZMTP_MALFORMED_MESSAGE,
                                   &opened->error);

    if (err != 0) {
        return err;
    }
    if (!g->gss->unseal(g->context, sealed + TOKEN_AT, len - TOKEN_AT, &text)) {
        opened->error = FMQ__ZMTP_CRYPTOGRAPHIC;
        return EPROTO;
    }
    if (text.len == 0) {
        opened->error = FMQ__ZMTP_MALFORMED_MESSAGE;
        return EPROTO;
    }
    inner = text.data[0];
    opened->flags = ((inner & FLAG_MORE) != 0 ? (unsigned)FMQ__MORE : 0U) |
                    ((inner & FLAG_COMMAND) != 0 ? (unsigned)FMQ__COMMAND : 0U);
    opened->body = text.data + 1;
    opened->len = text.len - 1;
    if ((inner & FLAG_SUBSCRIBE) != 0) {
        put_subscription(opened, sealed, "SUBSCRIBE");
    } else if ((inner & FLAG_CANCEL) != 0) {
        put_subscription(opened, sealed, "CANCEL");
    }
    return 0;
}

static void
guard_free(fmq__guard *base)
{
    const gss_guard *g = from_const(base);

    g->gss->close(g->context);
    fmq__free((char *)base - offsetof(gss_guard, base));
}

static const fmq__guard_ops ops = {
    .sealed_max = sealed_max,
    .seal = seal,
    .open = open_sealed,
    .free = guard_free,
};

int
fmq__gss_guard_new(const fmq__gss *gss, fmq__gss_context *context, fmq__guard **guard)
{
    gss_guard *g = fmq__calloc(1, sizeof(*g));

    if (g == NULL) {
        return ENOMEM;
    }
    g->base.ops = &ops;
    g->gss = gss;
    g->context = context;
    g->overhead = gss->overhead(context);
    *guard = &g->base;
    return 0;
}
