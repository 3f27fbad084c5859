/* SPDX-License-Identifier: Apache-2.0 */
/* msg: one message part as a value of 64 bytes; the inside of fmq_msg.
 *
 * Small bodies live inside, larger ones are a counted block. It holds no pointer into
 * itself, so its bytes may be copied to move it. Zeroed memory is an empty part.
 *
 * Owner:   whoever holds the value; move leaves the source empty.
 * Threads: one at a time.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_MSG_MSG_H
#define FMQ_MSG_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fastmq.h"
#include "msg/body.h"
#include "msg/props.h"

/* Kinds. CLOSED is no part: what zmq_msg_close leaves, so that it is told from one. */
enum { FMQ__MSG_INLINE = 0, FMQ__MSG_BODY = 1, FMQ__MSG_CLOSED = 2 };
enum { FMQ__MSG_INLINE_MAX = 32, FMQ__GROUP_INLINE_MAX = 15, FMQ__GROUP_MAX = 255 };

/* Flags of a part, as in ZMTP frames (RFC 37 "Framing"). */
enum { FMQ__MORE = 1, FMQ__LONG = 2, FMQ__COMMAND = 4 };

/* The caller's fmq_msg is read and written through this type, hence may_alias. */
typedef struct __attribute__((may_alias)) fmq__msg {
    uint8_t kind;
    uint8_t flags;
    uint8_t inline_len;
    uint8_t group_len;
    uint32_t routing_id;
    fmq__props *props;
    union {
        uint8_t bytes[FMQ__MSG_INLINE_MAX];
        struct {
            uint8_t *data;
            size_t len;
            fmq__body *body;
        } ref;
    } u;
    union {
        char text[FMQ__GROUP_INLINE_MAX + 1];
        struct {
            char *text;
            fmq__body *body;
        } ref; /* of a longer name; counted */
    } group;   /* NUL-terminated */
} fmq__msg;

_Static_assert(sizeof(fmq__msg) == sizeof(fmq_msg), "one layout inside and outside");

static inline fmq__msg *
fmq__msg_from(fmq_msg *m)
{
    return (fmq__msg *)(void *)m;
}

static inline size_t
fmq__msg_len(const fmq__msg *m)
{
    return m->kind == FMQ__MSG_INLINE ? m->inline_len : m->u.ref.len;
}

static inline uint8_t *
fmq__msg_data(fmq__msg *m)
{
    return m->kind == FMQ__MSG_INLINE ? m->u.bytes : m->u.ref.data;
}

/* Whether it says whom it is for, to those types that ask. */
static inline bool
fmq__msg_is_addressed(const fmq__msg *m)
{
    return m->routing_id != 0 || m->group_len != 0;
}

/* Makes raw memory an empty part. */
static inline void
fmq__msg_init(fmq__msg *m)
{
    memset(m, 0, sizeof(*m));
}

/* The init functions do not look at what `m` was; on failure they leave it alone. */
int fmq__msg_init_size(fmq__msg *m, size_t len);
int fmq__msg_init_copy(fmq__msg *m, const void *data, size_t len);
/* Lends `data` until `free_fn` (NULL: nothing to call) is called; never copies. */
int fmq__msg_init_lent(fmq__msg *m, void *data, size_t len, fmq_free_fn *free_fn,
                       void *hint);
/* Takes the caller's reference to `body`, of which `data` is a part. */
void fmq__msg_init_body(fmq__msg *m, fmq__body *body, uint8_t *data, size_t len);
void fmq__msg_close_slow(fmq__msg *m);

/* Lets go of what the part has; it is empty afterwards. */
static inline void
fmq__msg_close(fmq__msg *m)
{
    if (m->kind != FMQ__MSG_INLINE || m->props != NULL ||
        m->group_len > FMQ__GROUP_INLINE_MAX) {
        fmq__msg_close_slow(m);
    }
    fmq__msg_init(m);
}

/* `to` (closed first) gets everything of `from`, which becomes empty. */
void fmq__msg_move(fmq__msg *to, fmq__msg *from);
/* `to` (closed first) shares the body, flags, properties, group and ids of `from`. */
void fmq__msg_copy(fmq__msg *to, const fmq__msg *from);
/* Gives a body that lies in a queue's chunk memory of its own, so that a small message
 * does not keep a large chunk. Without memory for it, it stays there. */
void fmq__msg_settle(fmq__msg *m);
/* Replaces the properties; shares `props` (NULL: none). */
void fmq__msg_set_props(fmq__msg *m, fmq__props *props);
/* Replaces the group; a name longer than FMQ__GROUP_MAX is cut. */
int fmq__msg_set_group(fmq__msg *m, const char *name);

/* `to`, which has none, gets the group of `from`, which has none then. */
static inline void
fmq__msg_pass_group(fmq__msg *to, fmq__msg *from)
{
    to->group = from->group;
    to->group_len = from->group_len;
    from->group_len = 0;
    from->group.text[0] = '\0';
}

static inline const char *
fmq__msg_group(const fmq__msg *m)
{
    return m->group_len > FMQ__GROUP_INLINE_MAX ? m->group.ref.text : m->group.text;
}

#endif
