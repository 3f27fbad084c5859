/* SPDX-License-Identifier: Apache-2.0 */
/* RADIO: each message is for a group, and goes to all DISHes that have joined it (RFC
 * 48 "RADIO Socket Type"). On its way it is two frames: the group, and the message. */
#include <errno.h>

#include "base/alloc.h"
#include "pattern/fan.h"
#include "pattern/pattern.h"
#include "pattern/readers.h"
#include "wire/command.h"

typedef struct radio {
    fmq__pattern base;
    fmq__readers readers; /* groups; the fmq__reader of a pipe is its `mine` */
    fmq__node pipes;      /* all, by out_node */
    fmq__fan_width width;
    bool is_nodrop;
} radio;

static radio *
from_base(fmq__pattern *p)
{
    return FMQ__ITEM(p, radio, base);
}

static void
init(fmq__pattern *p)
{
    fmq__readers_init(&from_base(p)->readers);
    fmq__list_init(&from_base(p)->pipes);
}

static void
fini(fmq__pattern *p)
{
    fmq__readers_fini(&from_base(p)->readers);
}

/* --- groups --- */

static void
forget(radio *self, fmq__reader *reader)
{
    enum fmq__want what;
    size_t len;

    while (fmq__readers_drop_one(&self->readers, reader, NULL, 0, &len, &what)) {
    }
}

static void
obey(radio *self, fmq__reader *reader, const fmq__frame *f)
{
    fmq__command group;
    enum fmq__want what;

    switch (fmq__command_classify(f->data, f->len, &group)) {
    case FMQ__COMMAND_JOIN:
        if (fmq__readers_add(&self->readers, reader, group.data, group.data_len,
                             &what) != 0) {
            fmq__pipe_end(reader->pipe); /* it would miss what it asked for */
        }
        break;
    case FMQ__COMMAND_LEAVE:
        (void)fmq__readers_remove(&self->readers, reader, group.data, group.data_len);
        break;
    default:
        break;
    }
}

/* Joining is all that a DISH may say: the rest is dropped as it comes. */
static void
readable(fmq__pattern *p, fmq__pipe *pipe)
{
    fmq__frame f;

    while (fmq__pipe_can_read(pipe)) {
        fmq__pipe_pop(pipe, &f);
        if ((f.flags & FMQ__COMMAND) != 0) {
            obey(from_base(p), pipe->mine, &f);
        }
        fmq__pipe_drop(pipe, &f);
    }
}

/* --- pipes --- */

/* A pipe comes, and is in the list, or has left it: to many, what goes to all is
 * shared. */
static void
count_pipe(radio *self, fmq__pipe *pipe, bool comes)
{
    if (fmq__fan_count(&self->width, pipe, comes)) {
        for (fmq__node *n = self->pipes.next; n != &self->pipes; n = n->next) {
            fmq__fan_widen(&self->width, FMQ__ITEM(n, fmq__pipe, out_node));
        }
    } else if (comes) {
        fmq__fan_widen(&self->width, pipe);
    }
}

static int
attach(fmq__pattern *p, fmq__pipe *pipe)
{
    radio *self = from_base(p);
    fmq__reader *reader = fmq__alloc(sizeof(*reader));

    if (reader == NULL) {
        return ENOMEM;
    }
    fmq__reader_init(reader, pipe);
    pipe->mine = reader;
    fmq__list_push_back(&self->pipes, &pipe->out_node);
    count_pipe(self, pipe, true);
    readable(p, pipe); /* looking for them is how to be told of those to come */
    return 0;
}

static void
detach(fmq__pattern *p, fmq__pipe *pipe)
{
    radio *self = from_base(p);

    forget(self, pipe->mine);
    fmq__free(pipe->mine);
    pipe->mine = NULL;
    fmq__list_remove(&pipe->out_node);
    count_pipe(self, pipe, false);
}

static void
down(fmq__pattern *p, fmq__pipe *pipe)
{
    if (!pipe->is_dialed) {
        forget(from_base(p), pipe->mine);
    }
}

/* --- sending --- */

static void
check_room(fmq__reader *reader, void *arg)
{
    bool *is_blocked = arg;

    *is_blocked |= !reader->pipe->is_closed_out && !fmq__pipe_can_write(reader->pipe);
}

static void
send_to(fmq__reader *reader, void *arg)
{
    if (fmq__pipe_can_write(reader->pipe)) {
        fmq__fan_send(arg, reader->pipe);
    }
}

static int
send(fmq__pattern *p, const fmq__outpart *parts, size_t n)
{
    radio *self = from_base(p);
    const fmq__outpart to_none[2] = {{(const uint8_t *)"", 0, NULL}, parts[0]};
    bool is_blocked = false;
    fmq__fan fan;

    if (n == 1) {
        parts = to_none; /* the group without a name */
        n = 2;
    }
    if (self->is_nodrop) {
        fmq__readers_match_whole(&self->readers, parts[0].data, parts[0].len,
                                 check_room, &is_blocked);
    }
    if (is_blocked) {
        return EAGAIN;
    }
    fmq__fan_init(&fan, parts, n, &self->width);
    fmq__readers_match_whole(&self->readers, parts[0].data, parts[0].len, send_to,
                             &fan);
    fmq__fan_end(&fan);
    return 0;
}

static fmq__outpart
address(const fmq__msg *m)
{
    return (fmq__outpart){(const uint8_t *)fmq__msg_group(m), m->group_len, NULL};
}

static int
set_option(fmq__pattern *p, int option, const void *value, size_t len)
{
    return option == FMQ__OPT_XPUB_NODROP
               ? fmq__pattern_get_flag(value, len, &from_base(p)->is_nodrop)
               : EINVAL;
}

const fmq__pattern_ops fmq__pattern_radio = {
    .name = "RADIO",
    .type = 14,
    .peer_types = 1U << 15, /* DISH */
    .takes_groups = true,
    .is_single = true,
    .size = sizeof(radio),
    .init = init,
    .fini = fini,
    .check_send = fmq__pattern_one_part,
    .send = send,
    .address = address,
    .begin_recv = fmq__pattern_no_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__pattern_always,
    .can_recv = fmq__pattern_never,
    .attach = attach,
    .detach = detach,
    .down = down,
    .readable = readable,
    .writable = fmq__pattern_nothing_pipe,
    .set_option = set_option,
};
