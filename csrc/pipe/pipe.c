/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/pipe.h"

#include <assert.h>
#include <string.h>

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

/* A short body without a counted one, for a queue that shares. */
static int
append_own(fmq__pipe *p, const fmq__outpart *part, unsigned flags)
{
    fmq__body *body;
    uint8_t *data;
    int err = fmq__body_new(part->len, &body, &data);

    if (err != 0) {
        return err;
    }
    memcpy(data, part->data, part->len);
    err = fmq__fq_append_ref(p->out, flags, body, data, part->len);
    if (err != 0) {
        fmq__body_drop(body);
    }
    return err;
}

int
fmq__pipe_append(fmq__pipe *p, const fmq__outpart *part, unsigned flags)
{
    int err;

    if (part->len <= fmq__fq_inline_max(p->out)) {
        return fmq__fq_append(p->out, flags, part->data, part->len);
    }
    if (part->body == NULL) {
        assert(part->len <= FMQ__FQ_INLINE_MAX);
        return append_own(p, part, flags);
    }
    fmq__body_hold(part->body);
    err = fmq__fq_append_ref(p->out, flags, part->body, part->data, part->len);
    if (err != 0) {
        fmq__body_drop(part->body); /* the caller has a reference: not the last one */
    }
    return err;
}

int
fmq__pipe_append_rest(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts,
                      size_t n, size_t *bytes)
{
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        int err = fmq__pipe_append(p, &parts[i], i + 1 < n ? FMQ__MORE : 0);

        if (err != 0) {
            fmq__fq_rollback(p->out, mark);
            return err;
        }
        *bytes += parts[i].len + 2;
    }
    return 0;
}

int
fmq__pipe_send(fmq__pipe *p, fmq__fq_pos mark, const fmq__outpart *parts, size_t n)
{
    size_t bytes;
    int err;

    if (p->conflates_out) {
        p->ops->take_back(p);
        mark = p->out->end;
    }
    err = fmq__pipe_append_rest(p, mark, parts, n, &bytes);
    if (err == 0) {
        p->ops->commit(p, bytes);
    }
    return err;
}

int
fmq__pipe_send_paid(fmq__pipe *p, const fmq__outpart *parts, size_t n, uint32_t *paid)
{
    fmq__fq_pos mark;
    size_t bytes = 0;

    if (p->conflates_out) {
        p->ops->take_back(p);
    }
    mark = p->out->end;
    for (size_t i = 0; i < n; i++) {
        const fmq__outpart *part = &parts[i];
        unsigned flags = i + 1 < n ? FMQ__MORE : 0;
        int err;

        if (paid[i] != 0 && part->len > fmq__fq_inline_max(p->out)) {
            err = fmq__fq_append_ref(p->out, flags, part->body, part->data, part->len);
            paid[i] -= err == 0;
        } else {
            err = fmq__pipe_append(p, part, flags);
        }
        if (err != 0) {
            fmq__fq_rollback(p->out, mark);
            return err;
        }
        bytes += part->len + 2;
    }
    p->ops->commit(p, bytes);
    return 0;
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
