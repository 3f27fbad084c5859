/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/side.h"

#include <errno.h>

#include "base/alloc.h"

/* Messages one behind the other that came over one connection. */
typedef struct origin {
    fmq__node node;
    fmq__props *props; /* held; or NULL */
    uint64_t n;
} origin;

static void
commit(fmq__pipe *p, size_t bytes)
{
    (void)p;
    (void)bytes;
}

static bool
never(fmq__pipe *p)
{
    (void)p;
    return false;
}

static void
popped(fmq__pipe *p)
{
    (void)p;
}

static const fmq__pipe_ops side_ops = {
    .commit = commit,
    .has_room = never,
    .refill = never,
    .popped = popped,
};

int
fmq__side_init(fmq__side *s)
{
    if (fmq__fq_init(&s->w, &s->r) != 0) {
        return ENOMEM;
    }
    fmq__pipe_init(&s->pipe, &side_ops);
    s->pipe.in = &s->r;
    s->pipe.out = &s->w;
    fmq__list_init(&s->origins);
    return 0;
}

static void
set_props(fmq__side *s, fmq__props *props)
{
    if (s->pipe.props != NULL) {
        fmq__props_drop(s->pipe.props);
    }
    s->pipe.props = props;
}

static void
free_origin(origin *o)
{
    fmq__list_remove(&o->node);
    if (o->props != NULL) {
        fmq__props_drop(o->props);
    }
    fmq__free(o);
}

void
fmq__side_fini(fmq__side *s)
{
    s->r.dropped = NULL; /* no lock is held here */
    s->w.dropped = NULL;
    fmq__fq_fini(&s->w, &s->r);
    set_props(s, NULL);
    while (!fmq__list_is_empty(&s->origins)) {
        free_origin(FMQ__ITEM(s->origins.next, origin, node));
    }
}

/* Counts one more message of `props`; must be followed by its frames. */
static int
add_origin(fmq__side *s, fmq__props *props)
{
    origin *o = FMQ__ITEM(s->origins.prev, origin, node);

    if (!fmq__list_is_empty(&s->origins) && o->props == props) {
        o->n++;
        return 0;
    }
    o = fmq__alloc(sizeof(*o));
    if (o == NULL) {
        return ENOMEM;
    }
    o->props = props;
    o->n = 1;
    if (props != NULL) {
        fmq__props_hold(props);
    }
    fmq__list_init(&o->node);
    fmq__list_push_back(&s->origins, &o->node);
    return 0;
}

static void
take_back_origin(fmq__side *s)
{
    origin *o = FMQ__ITEM(s->origins.prev, origin, node);

    if (--o->n == 0) {
        free_origin(o);
    }
}

/* Begins to put a message in; `*mark` is where it begins. */
static int
begin_put(fmq__side *s, fmq__props *props, fmq__body **dropped, fmq__fq_pos *mark)
{
    s->r.dropped = dropped;
    s->w.dropped = dropped;
    if (s->pipe.n_in == 0 && fmq__fq_is_at(&s->r, s->w.end)) {
        fmq__fq_rewind(&s->w, &s->r, FMQ__CHUNK_MIN);
    }
    *mark = s->w.end;
    return add_origin(s, props);
}

int
fmq__side_put(fmq__side *s, const fmq__outpart *parts, size_t n, fmq__props *props,
              fmq__body **dropped)
{
    fmq__fq_pos mark;
    size_t bytes;
    int err = begin_put(s, props, dropped, &mark);

    if (err != 0) {
        return err;
    }
    err = fmq__pipe_append_rest(&s->pipe, mark, parts, n, &bytes);
    if (err != 0) {
        take_back_origin(s);
        return err;
    }
    s->pipe.n_in++;
    return 0;
}

static int
move_frame(fmq__side *s, const fmq__frame *f)
{
    return f->is_ref ? fmq__fq_append_ref(&s->w, f->flags, f->body, f->data, f->len)
                     : fmq__fq_append_copy(&s->w, f->flags, f->data, f->len);
}

int
fmq__side_move(fmq__side *s, const fmq__outpart *head, fmq__pipe *from)
{
    fmq__fq_pos mark = s->w.end;
    int err = begin_put(s, from->props, from->in->dropped, &mark);
    bool is_begun = err == 0;
    fmq__frame f;

    if (err == 0 && head != NULL) {
        err = fmq__pipe_append(&s->pipe, head, FMQ__MORE);
    }
    do {
        fmq__pipe_pop(from, &f);
        if (err == 0) {
            err = move_frame(s, &f);
        }
        if (err != 0) {
            fmq__pipe_drop(from, &f);
        }
    } while (f.flags & FMQ__MORE);
    if (err == 0) {
        s->pipe.n_in++;
    } else if (is_begun) {
        fmq__fq_rollback(&s->w, mark);
        take_back_origin(s);
    }
    return err;
}

void
fmq__side_begin(fmq__side *s)
{
    origin *o = FMQ__ITEM(s->origins.next, origin, node);

    if (o->props != NULL) {
        fmq__props_hold(o->props);
    }
    set_props(s, o->props);
    if (--o->n == 0) {
        free_origin(o);
    }
}
