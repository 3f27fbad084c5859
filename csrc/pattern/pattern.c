/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/pattern.h"

#include <errno.h>

#include "base/alloc.h"

/* The rest of a message whose pipe has gone, as a pipe of its own. */
typedef struct fmq__remnant {
    fmq__pipe pipe;
    fmq__fq_writer w;
    fmq__fq_reader r;
} remnant;

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

static void
free_rest(remnant *rest)
{
    rest->r.dropped = NULL; /* no lock is held here */
    fmq__fq_fini(&rest->w, &rest->r);
    if (rest->pipe.props != NULL) {
        fmq__props_drop(rest->pipe.props);
    }
    fmq__free(rest);
}

void
fmq__pattern_free(fmq__pattern *p)
{
    p->ops->fini(p);
    if (p->rest != NULL) {
        free_rest(p->rest);
    }
    fmq__free(p);
}

int
fmq__pattern_begin(fmq__pattern *p, fmq__pipe **from)
{
    int err = 0;

    *from = p->reading;
    if (*from == NULL) {
        err = p->ops->begin_recv(p, from);
        if (err == 0) {
            p->reading = *from;
        }
    }
    return err;
}

int
fmq__pattern_recv(fmq__pattern *p, fmq__frame *f, fmq__pipe **from)
{
    fmq__pipe *pipe;
    int err = fmq__pattern_begin(p, &pipe);

    if (err != 0) {
        return err;
    }
    fmq__pipe_pop(pipe, f);
    *from = pipe;
    if ((f->flags & FMQ__MORE) == 0) {
        p->reading = NULL;
        p->ops->end_recv(p, pipe);
    }
    return 0;
}

/* --- the rest of a message --- */

static void
rest_commit(fmq__pipe *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

static bool
rest_never(fmq__pipe *p)
{
    (void)p;
    return false;
}

static void
rest_popped(fmq__pipe *p)
{
    (void)p;
}

static const fmq__pipe_ops rest_ops = {
    .commit = rest_commit,
    .has_room = rest_never,
    .refill = rest_never,
    .popped = rest_popped,
};

/* An empty remnant for what comes from `pipe`; NULL: no memory. */
static remnant *
begin_rest(fmq__pattern *p, const fmq__pipe *pipe)
{
    remnant *rest = p->rest;

    if (rest == NULL) {
        rest = fmq__alloc(sizeof(*rest));
        if (rest == NULL || fmq__fq_init(&rest->w, &rest->r) != 0) {
            fmq__free(rest);
            return NULL;
        }
        fmq__pipe_init(&rest->pipe, &rest_ops);
        rest->pipe.in = &rest->r;
        p->rest = rest;
    }
    fmq__fq_rewind(&rest->w, &rest->r, FMQ__CHUNK_MIN);
    rest->r.dropped = pipe->in->dropped;
    if (rest->pipe.props != NULL) {
        fmq__props_drop(rest->pipe.props);
    }
    rest->pipe.props = pipe->props;
    if (pipe->props != NULL) {
        fmq__props_hold(pipe->props);
    }
    return rest;
}

static int
move_frame(remnant *rest, const fmq__frame *f)
{
    return f->is_ref ? fmq__fq_append_ref(&rest->w, f->flags, f->body, f->data, f->len)
                     : fmq__fq_append(&rest->w, f->flags, f->data, f->len);
}

/* The pipe of the message that is being taken goes: takes the rest over. */
static void
keep_rest(fmq__pattern *p, fmq__pipe *pipe)
{
    remnant *rest = begin_rest(p, pipe);
    int err = rest == NULL ? ENOMEM : 0;
    fmq__frame f;

    do {
        fmq__pipe_pop(pipe, &f);
        if (err == 0) {
            err = move_frame(rest, &f);
        }
        if (err != 0) {
            fmq__pipe_drop(pipe, &f);
        }
    } while (f.flags & FMQ__MORE);
    p->reading = NULL;
    if (err == 0) {
        rest->pipe.n_in = 1;
        p->reading = &rest->pipe;
    } else if (rest != NULL) {
        fmq__fq_consume_to(&rest->r, rest->w.end);
    }
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
        keep_rest(p, pipe);
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
