/* SPDX-License-Identifier: Apache-2.0 */
#include "capi/object.h"

#include <errno.h>
#include <pthread.h>

#include "base/alloc.h"

enum { MARK = 2, MARK_BITS = 2, INDEX_BITS = 16, FIRST_SLOTS = 16 };

typedef struct slot {
    fmq__object *object; /* NULL: free */
    uintptr_t generation;
    uint32_t next_free;
} slot;

/* A table under a mutex will do, as for contexts: there are few, and what is done with
 * them takes longer. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static slot *slots;
static uint32_t n_slots;
static uint32_t first_free; /* n_slots: none */

static void
lock_table(void)
{
    fmq__mutex_lock(&mutex);
}

static void
unlock_table(void)
{
    fmq__mutex_unlock(&mutex);
}

static void
prepare_for_forks(void)
{
    (void)pthread_atfork(lock_table, unlock_table, unlock_table);
}

static int
grow(void)
{
    uint32_t n = n_slots == 0 ? FIRST_SLOTS : 2 * n_slots;
    slot *grown;

    if (n > 1U << INDEX_BITS) {
        return EMFILE;
    }
    grown = fmq__realloc(slots, n * sizeof(*grown));
    if (grown == NULL) {
        return ENOMEM;
    }
    for (uint32_t i = n_slots; i < n; i++) {
        grown[i] = (slot){NULL, 0, i + 1};
    }
    first_free = n_slots;
    slots = grown;
    n_slots = n;
    return 0;
}

int
fmq__object_enter(fmq__object *o, const fmq__object_kind *kind, void **handle)
{
    uint32_t i;
    int err = fmq__mutex_init(&o->mutex);

    if (err != 0) {
        return err;
    }
    (void)pthread_once(&once, prepare_for_forks);
    lock_table();
    if (first_free == n_slots) {
        err = grow();
    }
    if (err == 0) {
        i = first_free;
        first_free = slots[i].next_free;
        slots[i].object = o;
        slots[i].generation++;
        o->kind = kind;
        o->handle = slots[i].generation << (INDEX_BITS + MARK_BITS) |
                    (uintptr_t)i << MARK_BITS | MARK;
        o->n_held = 0;
        atomic_init(&o->is_destroyed, false);
        *handle = (void *)o->handle;
    }
    unlock_table();
    if (err != 0) {
        fmq__mutex_fini(&o->mutex);
    }
    return err;
}

static uint32_t
index_of(uintptr_t handle)
{
    return (uint32_t)(handle >> MARK_BITS) & ((1U << INDEX_BITS) - 1);
}

fmq__object *
fmq__object_hold(const void *handle, const fmq__object_kind *kind)
{
    uint32_t i = index_of((uintptr_t)handle);
    fmq__object *o;

    lock_table();
    o = i < n_slots ? slots[i].object : NULL;
    if (o != NULL && o->handle == (uintptr_t)handle && o->kind == kind &&
        !fmq__object_is_destroyed(o)) {
        o->n_held++;
    } else {
        o = NULL;
    }
    unlock_table();
    return o;
}

void
fmq__object_drop(fmq__object *o)
{
    uint32_t i = index_of(o->handle);
    bool is_last;

    lock_table();
    is_last = --o->n_held == 0 && fmq__object_is_destroyed(o);
    if (is_last) {
        slots[i].object = NULL;
        slots[i].next_free = first_free;
        first_free = i;
    }
    unlock_table();
    if (is_last) {
        fmq__mutex_fini(&o->mutex);
        o->kind->free(o);
    }
}

fmq__object *
fmq__object_lock(const void *handle, const fmq__object_kind *kind)
{
    fmq__object *o = fmq__object_hold(handle, kind);

    if (o == NULL) {
        errno = EFAULT;
    } else {
        fmq__mutex_lock(&o->mutex);
    }
    return o;
}

void
fmq__object_unlock(fmq__object *o)
{
    fmq__mutex_unlock(&o->mutex);
    fmq__object_drop(o);
}

int
fmq__object_destroy(void **handle, const fmq__object_kind *kind)
{
    fmq__object *o = handle != NULL ? fmq__object_hold(*handle, kind) : NULL;
    bool was_destroyed;

    if (o == NULL) {
        return EFAULT;
    }
    lock_table();
    was_destroyed = fmq__object_is_destroyed(o); /* by another thread, just now */
    atomic_store_explicit(&o->is_destroyed, true, memory_order_relaxed);
    unlock_table();
    fmq__object_drop(o);
    if (was_destroyed) {
        return EFAULT;
    }
    *handle = NULL;
    return 0;
}
