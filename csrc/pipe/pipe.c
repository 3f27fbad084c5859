/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/pipe.h"

#include <assert.h>

void
fmq__pipe_init(fmq__pipe *p, const fmq__pipe_ops *ops)
{
    fmq__list_init(&p->in_node);
    fmq__list_init(&p->out_node);
    p->ops = ops;
    p->out = NULL;
    p->in = NULL;
    p->n_in = 0;
    p->props = NULL;
    p->is_attached = false;
    p->is_closed_out = false;
    p->is_dialed = false;
    p->is_up = false;
    p->conflates_out = false;
    p->conflates_in = false;
    p->takes_commands = false;
    p->is_remote = false;
    p->preset_len = 0;
    p->preset = NULL;
    p->mine = NULL;
}

/* Whether a part with a body is copied all the same. */
static bool
is_to_copy(const fmq__pipe *p, const fmq__outpart *part)
{
    return part->len <= fmq__fq_inline_max(p->out) &&
           part->body->kind != FMQ__BODY_KEPT;
}

/* Appends a part without a body. */
static int
append_bytes(fmq__pipe *p, const fmq__outpart *part, unsigned flags)
{
    if (part->len <= fmq__fq_inline_max(p->out)) {
        return fmq__fq_append(p->out, flags, part->data, part->len);
    }
    assert(part->len <= FMQ__FQ_INLINE_MAX);
    return fmq__fq_append_copy(p->out, flags, part->data, part->len);
}

int
fmq__pipe_append(fmq__pipe *p, const fmq__outpart *part, unsigned flags)
{
    int err;

    if (part->body == NULL) {
        return append_bytes(p, part, flags);
    }
    if (is_to_copy(p, part)) {
        return fmq__fq_append(p->out, flags, part->data, part->len);
    }
    fmq__body_hold(part->body);
    err = fmq__fq_append_ref(p->out, flags, part->body, part->data, part->len);
    if (err != 0) {
        fmq__body_drop(part->body); /* the caller has a reference: not the last one */
    }
    return err;
}

/* Appends a part; shares its body out of what is `paid` for it (NULL, or 0: nothing).
 */
static int
append_part(fmq__pipe *p, const fmq__outpart *part, unsigned flags, uint32_t *paid)
{
    int err;

    if (part->body == NULL) {
        return append_bytes(p, part, flags);
    }
    if (paid == NULL || *paid == 0 || is_to_copy(p, part)) {
        return fmq__pipe_append(p, part, flags);
    }
    err = fmq__fq_append_ref(p->out, flags, part->body, part->data, part->len);
    *paid -= err == 0;
    return err;
}

static int
append_all(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts, size_t n,
           uint32_t *paid, size_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        int err = append_part(p, &parts[i], i + 1 < n ? FMQ__MORE : 0,
                              paid != NULL ? &paid[i] : NULL);

        if (err != 0) {
            fmq__fq_rollback(p->out, mark);
            return err;
        }
        *bytes += parts[i].len + 2;
    }
    return 0;
}

int
fmq__pipe_append_rest(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts,
                      size_t n, size_t *bytes)
{
    return append_all(p, mark, parts, n, NULL, bytes);
}

static int
send_all(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts, size_t n,
         uint32_t *paid)
{
    size_t bytes;
    int err;

    if (p->conflates_out) {
        p->ops->take_back(p);
        mark = p->out->end;
    }
    if (n == 1 && parts->body == NULL) {
        bytes = parts->len + 2;
        err = append_bytes(p, parts, 0);
    } else {
        err = append_all(p, mark, parts, n, paid, &bytes);
    }
    if (err == 0) {
        p->ops->commit(p, bytes);
    }
    return err;
}

int
fmq__pipe_send(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts, size_t n)
{
    return send_all(p, mark, parts, n, NULL);
}

int
fmq__pipe_send_paid(fmq__pipe *p, const fmq__outpart *parts, size_t n, uint32_t *paid)
{
    return send_all(p, p->out->end, parts, n, paid);
}

void
fmq__pipe_skip_message(fmq__pipe *p)
{
    fmq__frame f;

    do {
        fmq__pipe_pop(p, &f);
        fmq__pipe_drop(p, &f);
    } while (f.flags & FMQ__MORE);
}

void
fmq__pipe_skip_all(fmq__pipe *p)
{
    while (fmq__pipe_can_read(p)) {
        fmq__pipe_skip_message(p);
    }
}

bool
fmq__pipe_can_read_single(fmq__pipe *p)
{
    fmq__frame f;

    while (fmq__pipe_can_read(p)) {
        fmq__fq_peek(p->in, &f);
        if ((f.flags & FMQ__MORE) == 0) {
            return true;
        }
        fmq__pipe_skip_message(p);
    }
    return false;
}
