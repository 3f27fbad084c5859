/* SPDX-License-Identifier: Apache-2.0 */
/* The context functions of fastmq.h. EFAULT: the handle is no context (any more). */
#include <errno.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "fastmq.h"
#include "socket/ctx.h"

int
fmq_ctx_new(fmq_ctx *ctx)
{
    return fmq__ctx_new(ctx);
}

int
fmq_ctx_set(fmq_ctx ctx, int option, int value)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, false);
    int err;

    if (c == NULL) {
        return EFAULT;
    }
    err = fmq__ctx_set(c, option, value);
    fmq__ctx_drop(c);
    return err;
}

int
fmq_ctx_get(fmq_ctx ctx, int option, int *value)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, false);
    int err;

    if (c == NULL) {
        return EFAULT;
    }
    err = fmq__ctx_get(c, option, value);
    fmq__ctx_drop(c);
    return err;
}

int
fmq_ctx_set_text(fmq_ctx ctx, int option, const char *text, size_t len)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, false);
    int err;

    if (c == NULL) {
        return EFAULT;
    }
    err = text == NULL ? EINVAL : fmq__ctx_set_text(c, option, text, len);
    fmq__ctx_drop(c);
    return err;
}

int
fmq_ctx_get_text(fmq_ctx ctx, int option, char *text, size_t *len)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, false);
    int err;

    if (c == NULL) {
        return EFAULT;
    }
    err =
        text == NULL || len == NULL ? EINVAL : fmq__ctx_get_text(c, option, text, len);
    fmq__ctx_drop(c);
    return err;
}

int
fmq_ctx_shutdown(fmq_ctx ctx)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, true);

    if (c == NULL) {
        return EFAULT;
    }
    if (c->fork_generation == fmq__fork_generation()) {
        fmq__ctx_shutdown(c);
    }
    fmq__ctx_drop(c);
    return 0;
}

int
fmq_ctx_term(fmq_ctx ctx, int64_t timeout_ms)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, true);
    int err = 0;

    if (c == NULL) {
        return EFAULT;
    }
    /* In a child the threads and sockets are the parent's: there is nothing to end. */
    if (c->fork_generation == fmq__fork_generation()) {
        err = fmq__ctx_term(c, fmq__deadline_ns(timeout_ms));
    }
    fmq__ctx_drop(c);
    return err;
}

int
fmq_ctx_unsent(fmq_ctx ctx, fmq_unsent **list, size_t *n)
{
    fmq__unsent_list found = {NULL, 0, 0};
    fmq__ctx *c;
    int err;

    if (list == NULL || n == NULL) {
        return EFAULT;
    }
    c = fmq__ctx_hold(ctx, false);
    if (c == NULL) {
        return EFAULT;
    }
    err = fmq__ctx_report(c, &found);
    fmq__ctx_drop(c);
    if (err != 0) {
        fmq__free(found.data);
        return err;
    }
    *list = found.data;
    *n = found.n;
    return 0;
}

void
fmq_unsent_free(fmq_unsent *list)
{
    fmq__free(list);
}

int
fmq_ctx_is_foreign(fmq_ctx ctx)
{
    fmq__ctx *c = fmq__ctx_hold(ctx, true);
    int is_foreign = 0;

    if (c != NULL) {
        is_foreign = c->fork_generation != fmq__fork_generation();
        fmq__ctx_drop(c);
    }
    return is_foreign;
}
