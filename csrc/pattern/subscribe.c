/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe that is up has been told of all topics; one that is not will be. So nothing
 * needs to be kept for a connection that is away, and what one left unsent is dropped
 * (`renews`). A subscription never waits for room: the marks are for messages. */
#include "pattern/subscribe.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/command.h"

enum { HEAD_MAX = 10 }; /* "\x09SUBSCRIBE" */

static fmq__subscriber *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, fmq__subscriber, base);
}

void
fmq__subscriber_init(fmq__pattern *p)
{
    fmq__subscriber *self = from_base(p);

    fmq__topics_init(&self->topics);
    fmq__list_init(&self->pipes);
    fmq__fairq_init(&self->in);
}

void
fmq__subscriber_fini(fmq__pattern *p)
{
    fmq__topics_fini(&from_base(p)->topics);
}

/* --- telling publishers --- */

/* What comes before the topic: a command's name, or one byte for older peers. */
static size_t
put_head(uint8_t *head, const fmq__subscriber *self, bool is_want, bool is_command)
{
    if (!is_command) {
        head[0] = is_want ? 1 : 0;
        return 1;
    }
    if (self->joins) {
        return fmq__command_put_name(head, is_want ? "JOIN" : "LEAVE");
    }
    return fmq__command_put_name(head, is_want ? "SUBSCRIBE" : "CANCEL");
}

/* Appends one subscription to a pipe, whose topic `put` writes. */
static int
append(const fmq__subscriber *self, fmq__pipe *pipe, bool is_want, size_t len,
       void (*put)(void *arg, uint8_t *to), void *arg)
{
    uint8_t on_stack[FMQ__FQ_INLINE_MAX];
    bool is_command = self->joins || pipe->takes_commands;
    unsigned flags = is_command ? FMQ__COMMAND : 0;
    fmq__body *body = NULL;
    uint8_t *data = on_stack;
    size_t head_len;
    int err;

    if (HEAD_MAX + len > sizeof(on_stack)) {
        err = fmq__body_new(HEAD_MAX + len, &body, &data);
        if (err != 0) {
            return err;
        }
    }
    head_len = put_head(data, self, is_want, is_command);
    put(arg, data + head_len);
    len += head_len;
    if (body == NULL) {
        err = fmq__fq_append_copy(pipe->out, flags, data, len);
    } else {
        err = fmq__fq_append_ref(pipe->out, flags, body, data, len);
        if (err != 0) {
            fmq__body_drop(body);
        }
    }
    if (err == 0) {
        pipe->ops->commit(pipe, len + 2);
    }
    return err;
}

typedef struct text {
    const uint8_t *data;
    size_t len;
} text;

static void
put_text(void *arg, uint8_t *to)
{
    const text *t = arg;

    if (t->len != 0) {
        memcpy(to, t->data, t->len);
    }
}

static void
put_topic(void *arg, uint8_t *to)
{
    fmq__topic_name(arg, to);
}

/* Tells every publisher there is a connection to. */
static int
tell(fmq__subscriber *self, bool is_want, const uint8_t *topic, size_t len)
{
    text t = {topic, len};
    int err = 0;

    for (fmq__node *n = self->pipes.next; n != &self->pipes && err == 0; n = n->next) {
        fmq__pipe *pipe = FMQ__ITEM(n, fmq__pipe, out_node);

        if (pipe->is_up && !pipe->is_closed_out) {
            err = append(self, pipe, is_want, len, put_text, &t);
        }
    }
    return err;
}

int
fmq__subscriber_want(fmq__subscriber *self, const uint8_t *name, size_t len)
{
    fmq__topic *topic;
    int err = fmq__topics_get(&self->topics, name, len, &topic);

    if (err != 0) {
        return err;
    }
    (void)fmq__topics_add(&self->topics, topic);
    err = tell(self, true, name, len);
    if (err != 0) {
        /* Some may know of it already: what they send is not taken. */
        (void)fmq__topics_remove(&self->topics, topic);
    }
    return err;
}

int
fmq__subscriber_unwant(fmq__subscriber *self, const uint8_t *name, size_t len)
{
    fmq__topic *topic = fmq__topics_find(&self->topics, name, len);
    bool is_last = topic != NULL && topic->n == 1;
    int err = is_last || self->tells_all ? tell(self, false, name, len) : 0;

    if (err == 0 && topic != NULL) {
        (void)fmq__topics_remove(&self->topics, topic);
    }
    return err;
}

int
fmq__subscriber_up(fmq__pattern *p, fmq__pipe *pipe, const uint8_t *id, size_t id_len)
{
    fmq__subscriber *self = from_base(p);
    fmq__topic *topic = NULL;
    int err = 0;

    (void)id;
    (void)id_len;
    while (err == 0 && (topic = fmq__topics_next(&self->topics, topic)) != NULL) {
        err = append(self, pipe, true, fmq__topic_len(topic), put_topic, topic);
    }
    return err;
}

/* --- pipes --- */

int
fmq__subscriber_attach(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__subscriber *self = from_base(p);

    fmq__list_push_back(&self->pipes, &pipe->out_node);
    fmq__fairq_add(&self->in, pipe);
    return 0;
}

void
fmq__subscriber_detach(fmq__pattern *p, fmq__pipe *pipe)
{
    (void)p;
    fmq__list_remove(&pipe->out_node);
    fmq__fairq_remove(pipe);
}

void
fmq__subscriber_readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__fairq_add(&from_base(p)->in, pipe);
}

void
fmq__subscriber_end_recv(fmq__pattern *p, fmq__pipe *from)
{
    fmq__fairq_rotate(&from_base(p)->in, from);
}

int
fmq__subscriber_get(fmq__pattern *p, int option, void *value, size_t *len)
{
    return option == FMQ__OPT_TOPICS_COUNT
               ? fmq__pattern_put_state(from_base(p)->topics.n, value, len)
               : EINVAL;
}
