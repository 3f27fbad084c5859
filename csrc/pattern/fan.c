/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/fan.h"

#include <string.h>

static void
share(fmq__fan *f, size_t i)
{
    size_t limit = f->is_wide ? FMQ__FQ_SHARE_MIN : FMQ__FQ_INLINE_MAX;
    fmq__outpart *part = &f->own[i];
    uint8_t *data;

    f->paid[i] = 0;
    if (part->len <= limit) {
        return;
    }
    if (part->body != NULL) {
        fmq__body_hold_n(part->body, f->n_pipes + 1);
    } else if (fmq__body_new(part->len, &part->body, &data) == 0) {
        memcpy(data, part->data, part->len);
        part->data = data;
        fmq__body_hold_n(part->body, f->n_pipes);
    } else {
        return;
    }
    f->paid[i] = f->n_pipes + 1;
}

/* With the first pipe: there may be none. */
static void
begin(fmq__fan *f)
{
    f->is_begun = true;
    memcpy(f->own, f->parts, f->n * sizeof(*f->parts));
    f->parts = f->own;
    for (size_t i = 0; i < f->n; i++) {
        share(f, i);
    }
}

void
fmq__fan_send(fmq__fan *f, fmq__pipe *pipe)
{
    if (!f->is_begun) {
        begin(f);
    }
    if (f->parts == f->own) {
        (void)fmq__pipe_send_paid(pipe, f->parts, f->n, f->paid);
    } else {
        (void)fmq__pipe_send(pipe, pipe->out->end, f->parts, f->n);
    }
}

void
fmq__fan_end(fmq__fan *f)
{
    if (f->parts != f->own) {
        return;
    }
    for (size_t i = 0; i < f->n; i++) {
        if (f->paid[i] != 0) {
            fmq__body_drop_n(f->own[i].body, f->paid[i]);
        }
    }
}
