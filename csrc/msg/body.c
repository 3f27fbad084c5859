/* SPDX-License-Identifier: Apache-2.0 */
#include "msg/body.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/pool.h"

struct lent_body {
    fmq__body head;
    void *data;
    fmq_free_fn *free_fn;
    void *hint;
    fmq__body *next; /* in a list of fmq__body_drop_later */
};

/* The bytes of a heap body begin behind it and must suit any type. */
_Static_assert(sizeof(fmq__body) % 16 == 0, "heap bodies are aligned to 16");

static void
free_heap(fmq__body *b)
{
    fmq__free(b);
}

/* Large bodies come and go in a stream; `kind` tells their class of size, too. */
enum { CLASS_SHIFT = 8 };

static void
free_pooled(fmq__body *b)
{
    fmq__pool_give(b, b->kind >> CLASS_SHIFT);
}

/* Sanitizers are to see every body on its own. */
static bool
is_for_pool(size_t size)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)size;
    return false;
#else
    return size >= FMQ__POOL_MIN && size <= FMQ__POOL_MAX;
#endif
}

static void
free_lent(fmq__body *b)
{
    struct lent_body *lent = (struct lent_body *)(void *)b;

    if (lent->free_fn != NULL) {
        lent->free_fn(lent->data, lent->hint);
    }
    fmq__free(lent);
}

int
fmq__body_new(size_t size, fmq__body **body, uint8_t **data)
{
    uint32_t size_class = 0;
    bool is_pooled;
    fmq__body *b;

    if (size > SIZE_MAX - sizeof(*b)) {
        return ENOMEM;
    }
    is_pooled = is_for_pool(sizeof(*b) + size);
    b = is_pooled ? fmq__pool_take(sizeof(*b) + size, &size_class)
                  : fmq__alloc(sizeof(*b) + size);
    if (b == NULL) {
        return ENOMEM;
    }
    atomic_init(&b->refs, 1);
    b->kind = FMQ__BODY_HEAP | size_class << CLASS_SHIFT;
    b->on_last = is_pooled ? free_pooled : free_heap;
    *body = b;
    *data = (uint8_t *)(b + 1);
    return 0;
}

int
fmq__body_new_lent(void *data, fmq_free_fn *free_fn, void *hint, fmq__body **body)
{
    struct lent_body *lent = fmq__alloc(sizeof(*lent));

    if (lent == NULL) {
        return ENOMEM;
    }
    atomic_init(&lent->head.refs, 1);
    lent->head.kind = FMQ__BODY_LENT;
    lent->head.on_last = free_lent;
    lent->data = data;
    lent->free_fn = free_fn;
    lent->hint = hint;
    lent->next = NULL;
    *body = &lent->head;
    return 0;
}

/* A secret is lent by nobody, who forgets it. */
static void
forget_secret(void *data, void *len)
{
    fmq__wipe(data, (size_t)(uintptr_t)len);
    fmq__free(data);
}

int
fmq__body_new_secret(const void *data, size_t len, fmq__body **body, uint8_t **copy)
{
    uint8_t *bytes = fmq__alloc(len);
    int err = bytes == NULL ? ENOMEM
                            : fmq__body_new_lent(bytes, forget_secret,
                                                 (void *)(uintptr_t)len, body);

    if (err != 0) {
        fmq__free(bytes);
        return err;
    }
    if (len != 0) {
        memcpy(bytes, data, len);
    }
    fmq__body_keep(*body);
    *copy = bytes;
    return 0;
}

static bool
is_lent(const fmq__body *b)
{
    return b->kind == FMQ__BODY_LENT || b->kind == FMQ__BODY_KEPT;
}

static const struct lent_body *
as_lent(const fmq__body *b)
{
    return (const struct lent_body *)(const void *)b;
}

void *
fmq__body_lent_by(const fmq__body *b, fmq_free_fn *free_fn)
{
    bool is_by = is_lent(b) && as_lent(b)->free_fn == free_fn;

    return is_by ? as_lent(b)->hint : NULL;
}

bool
fmq__body_reclaim(fmq__body *b)
{
    bool is_sole = fmq__body_is_sole(b);

    if (is_sole) {
        fmq__free(b);
    }
    return is_sole;
}

void
fmq__body_keep(fmq__body *b)
{
    if (b->kind == FMQ__BODY_LENT) {
        b->kind = FMQ__BODY_KEPT;
    }
}

bool
fmq__body_is_constant(const fmq__body *b)
{
    return is_lent(b) && as_lent(b)->free_fn == NULL;
}

void
fmq__body_drop_later(fmq__body *b, fmq__body **list)
{
    if (list == NULL || !is_lent(b)) {
        fmq__body_drop(b);
        return;
    }
    /* As in fmq__body_drop: D1 -> D1. */
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) {
        ((struct lent_body *)(void *)b)->next = *list;
        *list = b;
    }
}

void
fmq__body_flush(fmq__body **list)
{
    fmq__body *b = *list;

    *list = NULL;
    while (b != NULL) {
        fmq__body *next = ((struct lent_body *)(void *)b)->next;

        b->on_last(b);
        b = next;
    }
}
