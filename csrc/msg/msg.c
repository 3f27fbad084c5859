/* SPDX-License-Identifier: Apache-2.0 */
#include "msg/msg.h"

int
fmq__msg_init_size(fmq__msg *m, size_t len)
{
    fmq__body *body;
    uint8_t *data;
    int err;

    if (len <= FMQ__MSG_INLINE_MAX) {
        fmq__msg_init(m);
        m->inline_len = (uint8_t)len;
        return 0;
    }
    err = fmq__body_new(len, &body, &data);
    if (err != 0) {
        return err;
    }
    fmq__msg_init_body(m, body, data, len);
    return 0;
}

int
fmq__msg_init_copy(fmq__msg *m, const void *data, size_t len)
{
    int err = fmq__msg_init_size(m, len);

    if (err == 0 && len > 0) {
        memcpy(fmq__msg_data(m), data, len);
    }
    return err;
}

int
fmq__msg_init_lent(fmq__msg *m, void *data, size_t len, fmq_free_fn *free_fn,
                   void *hint)
{
    fmq__body *body;
    int err = fmq__body_new_lent(data, free_fn, hint, &body);

    if (err != 0) {
        return err;
    }
    fmq__msg_init_body(m, body, data, len);
    return 0;
}

void
fmq__msg_init_body(fmq__msg *m, fmq__body *body, uint8_t *data, size_t len)
{
    fmq__msg_init(m);
    m->kind = FMQ__MSG_BODY;
    m->u.ref.data = data;
    m->u.ref.len = len;
    m->u.ref.body = body;
}

void
fmq__msg_close_slow(fmq__msg *m)
{
    if (m->kind == FMQ__MSG_BODY) {
        fmq__body_drop(m->u.ref.body);
    }
    if (m->props != NULL) {
        fmq__props_drop(m->props);
    }
    if (m->group_len > FMQ__GROUP_INLINE_MAX) {
        fmq__body_drop(m->group.ref.body);
    }
}

void
fmq__msg_move(fmq__msg *to, fmq__msg *from)
{
    if (to == from) {
        return;
    }
    fmq__msg_close(to);
    *to = *from;
    fmq__msg_init(from);
}

void
fmq__msg_copy(fmq__msg *to, const fmq__msg *from)
{
    if (to == from) {
        return;
    }
    if (from->kind == FMQ__MSG_BODY) {
        fmq__body_hold(from->u.ref.body);
    }
    if (from->props != NULL) {
        fmq__props_hold(from->props);
    }
    if (from->group_len > FMQ__GROUP_INLINE_MAX) {
        fmq__body_hold(from->group.ref.body);
    }
    fmq__msg_close(to);
    *to = *from;
}

void
fmq__msg_settle(fmq__msg *m)
{
    uint8_t *data;
    fmq__body *body;

    if (m->kind != FMQ__MSG_BODY || m->u.ref.body->kind != FMQ__BODY_CHUNK ||
        fmq__body_new(m->u.ref.len, &body, &data) != 0) {
        return;
    }
    memcpy(data, m->u.ref.data, m->u.ref.len);
    fmq__body_drop(m->u.ref.body);
    m->u.ref.body = body;
    m->u.ref.data = data;
}

void
fmq__msg_set_props(fmq__msg *m, fmq__props *props)
{
    if (props != NULL) {
        fmq__props_hold(props);
    }
    if (m->props != NULL) {
        fmq__props_drop(m->props);
    }
    m->props = props;
}

int
fmq__msg_set_group(fmq__msg *m, const char *name)
{
    size_t len = strnlen(name, FMQ__GROUP_MAX);
    fmq__msg old = *m; /* `name` may lie in it */
    fmq__body *body;
    uint8_t *text;

    if (len > FMQ__GROUP_INLINE_MAX) {
        int err = fmq__body_new(len + 1, &body, &text);

        if (err != 0) {
            return err;
        }
        m->group.ref.text = (char *)text;
        m->group.ref.body = body;
        memcpy(text, name, len);
        text[len] = '\0';
    } else {
        memmove(m->group.text, name, len);
        m->group.text[len] = '\0';
    }
    m->group_len = (uint8_t)len;
    if (old.group_len > FMQ__GROUP_INLINE_MAX) {
        fmq__body_drop(old.group.ref.body);
    }
    return 0;
}
