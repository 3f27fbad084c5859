/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern/pattern.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"

static const fmq__pattern_ops *const all[] = {
    &fmq__pattern_pair,   &fmq__pattern_pub,     &fmq__pattern_sub,
    &fmq__pattern_req,    &fmq__pattern_rep,     &fmq__pattern_dealer,
    &fmq__pattern_router, &fmq__pattern_pull,    &fmq__pattern_push,
    &fmq__pattern_xpub,   &fmq__pattern_xsub,    &fmq__pattern_stream,
    &fmq__pattern_server, &fmq__pattern_client,  &fmq__pattern_radio,
    &fmq__pattern_dish,   &fmq__pattern_gather,  &fmq__pattern_scatter,
    &fmq__pattern_peer,   &fmq__pattern_channel,
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
    if (p->rest != NULL) {
        fmq__side_fini(p->rest);
        fmq__free(p->rest);
    }
    fmq__free(p);
}

/* Conflating: begins with the last message there is, whatever begin_recv has found. */
static int
begin_last(fmq__pattern *p, fmq__pipe **from)
{
    int err = 0;

    while (err == 0 && (*from)->conflates_in && (*from)->ops->catch_up(*from)) {
        err = p->ops->begin_recv(p, from);
    }
    return err;
}

int
fmq__pattern_begin(fmq__pattern *p, fmq__pipe **from)
{
    int err = 0;

    *from = p->reading;
    if (*from == NULL) {
        err = p->ops->begin_recv(p, from);
        if (err == 0 && (*from)->conflates_in) {
            err = begin_last(p, from);
        }
        if (err == 0) {
            p->reading = *from;
        }
    }
    return err;
}

void
fmq__pattern_set_raw(fmq__pattern *p)
{
    p->is_raw = true;
    p->notify = FMQ__NOTIFY_UP | FMQ__NOTIFY_DOWN;
}

void
fmq__pattern_set_head(fmq__pattern *p, fmq__body *body, const uint8_t *data, size_t len)
{
    p->head = (fmq__frame){data, len, body, FMQ__MORE, false};
    p->has_head = true;
}

size_t
fmq__pattern_count_parts(const fmq__pattern *p)
{
    return fmq__fq_count_parts(p->reading->in) + (p->has_head ? 1 : 0);
}

int
fmq__pattern_recv(fmq__pattern *p, fmq__frame *f, fmq__pipe **from)
{
    fmq__pipe *pipe;
    int err = fmq__pattern_begin(p, &pipe);

    if (err != 0) {
        return err;
    }
    *from = pipe;
    if (p->has_head) {
        p->has_head = false;
        *f = p->head;
        return 0;
    }
    fmq__pipe_pop(pipe, f);
    if ((f->flags & FMQ__MORE) == 0) {
        p->reading = NULL;
        p->ops->end_recv(p, pipe);
    }
    return 0;
}

/* The pipe of the message that is being taken goes: keeps the rest. Without memory for
 * it the message ends here. */
static void
keep_rest(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__outpart head = {p->head.data, p->head.len, p->head.body};
    int err = 0;

    if (p->rest == NULL) {
        p->rest = fmq__alloc(sizeof(*p->rest));
        if (p->rest != NULL && fmq__side_init(p->rest) != 0) {
            fmq__free(p->rest);
            p->rest = NULL;
        }
    }
    if (p->rest == NULL) {
        fmq__pipe_skip_message(pipe);
        err = ENOMEM;
    } else {
        err = fmq__side_move(p->rest, p->has_head ? &head : NULL, pipe);
    }
    p->reading = NULL;
    p->has_head = false;
    if (err == 0) {
        fmq__side_begin(p->rest);
        p->reading = &p->rest->pipe;
    }
}

int
fmq__pattern_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    int err = p->ops->attach(p, pipe);

    pipe->is_attached = err == 0;
    return err;
}

void
fmq__pattern_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_attached) {
        return;
    }
    fmq__pattern_down(p, pipe);
    pipe->is_attached = false;
    if (p->reading == pipe) {
        keep_rest(p, pipe);
    }
    p->ops->detach(p, pipe);
}

int
fmq__pattern_up(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id, size_t id_len)
{
    int err = 0;

    if (!pipe->is_attached) {
        return 0;
    }
    fmq__pattern_down(p, pipe);
    if (p->ops->up != NULL) {
        err = p->ops->up(p, pipe, id, id_len);
    }
    pipe->is_up = err == 0;
    return err;
}

void
fmq__pattern_down(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_up) {
        return;
    }
    pipe->is_up = false;
    if (p->ops->down != NULL) {
        p->ops->down(p, pipe);
    }
}

int
fmq__pattern_set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    int n;

    if (option == FMQ__OPT_INVERT_MATCHING) {
        int err = fmq__pattern_get_int(value, len, &n);

        p->is_inverted = err == 0 ? n != 0 : p->is_inverted;
        return err;
    }
    return p->ops->set_option != NULL ? p->ops->set_option(p, option, value, len)
                                      : EINVAL;
}

int
fmq__pattern_get_option(fmq__pattern *p, int option, void *value, size_t *len)
{
    if (option == FMQ__OPT_ROUTER_NOTIFY) {
        return fmq__pattern_put_int(p->is_raw ? 0 : (int)p->notify, value, len);
    }
    if (option == FMQ__OPT_INVERT_MATCHING) {
        return fmq__pattern_put_int(p->is_inverted, value, len);
    }
    return p->ops->get_option != NULL ? p->ops->get_option(p, option, value, len)
                                      : EINVAL;
}

int
fmq__pattern_put_int(int n, void *value, size_t *len)
{
    if (*len != sizeof(n)) {
        return EINVAL;
    }
    memcpy(value, &n, sizeof(n));
    return 0;
}

int
fmq__pattern_get_int(const void *value, size_t len, int *n)
{
    if (value == NULL || len != sizeof(*n)) {
        return EINVAL;
    }
    memcpy(n, value, sizeof(*n));
    return 0;
}

int
fmq__pattern_get_flag(const void *value, size_t len, bool *flag)
{
    int n;

    if (fmq__pattern_get_int(value, len, &n) != 0 || n < 0) {
        return EINVAL;
    }
    *flag = n != 0;
    return 0;
}

int
fmq__pattern_put_state(size_t n, void *value, size_t *len)
{
    int state = n < INT_MAX ? (int)n : INT_MAX;

    if (*len < sizeof(state)) {
        return EINVAL;
    }
    memset(value, 0, *len);
    memcpy(value, &state, sizeof(state));
    *len = sizeof(state);
    return 0;
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
fmq__pattern_no_check(fmq__pattern *p, const fmq__outpart *first)
{
    (void)p;
    (void)first;
    return ENOTSUP;
}

/* Of a message that shall have more. */
int
fmq__pattern_one_part(fmq__pattern *p, const fmq__outpart *first)
{
    (void)p;
    (void)first;
    return EINVAL;
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

bool
fmq__pattern_always(fmq__pattern *p)
{
    (void)p;
    return true;
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
