/* SPDX-License-Identifier: Apache-2.0 */
/* A list in the order of arrival: a connection has a handful of properties, so a walk
 * from the front is as fast as anything, and finds the first value of a name.
 */
#include "msg/props.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"

struct prop {
    struct prop *next;
    size_t name_len;
    size_t value_len;
    char text[]; /* the name, the value, a NUL */
};

struct fmq__props {
    _Atomic uint32_t refs;
    struct prop *first;
    struct prop *last;
};

int
fmq__props_new(fmq__props **props)
{
    fmq__props *p = fmq__alloc(sizeof(*p));

    if (p == NULL) {
        return ENOMEM;
    }
    atomic_init(&p->refs, 1);
    p->first = NULL;
    p->last = NULL;
    *props = p;
    return 0;
}

static struct prop *
new_prop(const void *name, size_t name_len, const void *value, size_t value_len)
{
    struct prop *p;

    if (name_len > SIZE_MAX / 4 || value_len > SIZE_MAX / 4) {
        return NULL;
    }
    p = fmq__alloc(sizeof(*p) + name_len + value_len + 1);
    if (p == NULL) {
        return NULL;
    }
    p->next = NULL;
    p->name_len = name_len;
    p->value_len = value_len;
    if (name_len > 0) {
        memcpy(p->text, name, name_len);
    }
    if (value_len > 0) {
        memcpy(p->text + name_len, value, value_len);
    }
    p->text[name_len + value_len] = '\0';
    return p;
}

int
fmq__props_add(fmq__props *props, const void *name, size_t name_len, const void *value,
               size_t value_len)
{
    struct prop *p = new_prop(name, name_len, value, value_len);

    if (p == NULL) {
        return ENOMEM;
    }
    if (props->last == NULL) {
        props->first = p;
    } else {
        props->last->next = p;
    }
    props->last = p;
    return 0;
}

int
fmq__props_add_first(fmq__props *props, const char *name, const char *value)
{
    struct prop *p = new_prop(name, strlen(name), value, strlen(value));

    if (p == NULL) {
        return ENOMEM;
    }
    p->next = props->first;
    props->first = p;
    if (props->last == NULL) {
        props->last = p;
    }
    return 0;
}

void
fmq__props_prepend(fmq__props *props, fmq__props *first)
{
    if (first->first == NULL) {
        return;
    }
    first->last->next = props->first;
    props->first = first->first;
    if (props->last == NULL) {
        props->last = first->last;
    }
    first->first = NULL;
    first->last = NULL;
}

/* As in the C locale, whatever the program's is. */
static char
to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_same_name(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (to_lower(a[i]) != to_lower(b[i])) {
            return false;
        }
    }
    return true;
}

const char *
fmq__props_get(const fmq__props *props, const char *name, size_t *len)
{
    size_t name_len = strlen(name);

    for (const struct prop *p = props->first; p != NULL; p = p->next) {
        if (p->name_len == name_len && is_same_name(p->text, name, name_len)) {
            if (len != NULL) {
                *len = p->value_len;
            }
            return p->text + name_len;
        }
    }
    return NULL;
}

void
fmq__props_hold(fmq__props *props)
{
    atomic_fetch_add_explicit(&props->refs, 1, memory_order_relaxed);
}

void
fmq__props_drop(fmq__props *props)
{
    /* D1 -> D1: whoever frees sees what every other holder did. */
    if (atomic_fetch_sub_explicit(&props->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    while (props->first != NULL) {
        struct prop *p = props->first;

        props->first = p->next;
        fmq__free(p);
    }
    fmq__free(props);
}
