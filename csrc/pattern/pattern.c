/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/pattern.h"

#include <errno.h>

#include "base/alloc.h"

static const fmq__pattern_ops *const all[] = {
    &fmq__pattern_pair, &fmq__pattern_req,  &fmq__pattern_rep,
    &fmq__pattern_pull, &fmq__pattern_push,
};

const fmq__pattern_ops *
fmq__pattern_find(int type)
{
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i]->type == type) {
            return all[i];
        }
    }
    return NULL;
}

int
fmq__pattern_new(const fmq__pattern_ops *ops, fmq__pattern **p)
{
    fmq__pattern *made = fmq__calloc(1, ops->size);

    if (made == NULL) {
        return ENOMEM;
    }
    made->ops = ops;
    ops->init(made);
    *p = made;
    return 0;
}

void
fmq__pattern_free(fmq__pattern *p)
{
    p->ops->fini(p);
    fmq__free(p);
}

int
fmq__pattern_recv(fmq__pattern *p, fmq__frame *f, fmq__pipe **from)
{
    fmq__pipe *pipe = p->reading;

    if (pipe == NULL) {
        int err = p->ops->begin_recv(p, &pipe);

        if (err != 0) {
            return err;
        }
        p->reading = pipe;
    }
    fmq__pipe_pop(pipe, f);
    *from = pipe;
    if ((f->flags & FMQ__MORE) == 0) {
        p->reading = NULL;
        p->ops->end_recv(p, pipe);
    }
    return 0;
}

bool
fmq__pattern_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!p->ops->attach(p, pipe)) {
        return false;
    }
    pipe->is_attached = true;
    return true;
}

void
fmq__pattern_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_attached) {
        return;
    }
    pipe->is_attached = false;
    if (p->reading == pipe) {
        p->reading = NULL;
    }
    p->ops->detach(p, pipe);
}

int
fmq__pattern_no_send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    (void)p;
    (void)parts;
    (void)n;
    return ENOTSUP;
}

int
fmq__pattern_no_check(fmq__pattern *p)
{
    (void)p;
    return ENOTSUP;
}

int
fmq__pattern_no_recv(fmq__pattern *p, fmq__pipe **from)
{
    (void)p;
    (void)from;
    return ENOTSUP;
}

bool
fmq__pattern_never(fmq__pattern *p)
{
    (void)p;
    return false;
}

void
fmq__pattern_nothing(fmq__pattern *p)
{
    (void)p;
}

void
fmq__pattern_nothing_pipe(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    (void)pipe;
}

int
fmq__pattern_no_option(fmq__pattern *p, int option, int value)
{
    (void)p;
    (void)option;
    (void)value;
    return EINVAL;
}
