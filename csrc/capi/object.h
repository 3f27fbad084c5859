/* SPDX-License-Identifier: Apache-2.0 */
/* object: pollers and timers by handle: an index and a generation over the bits 10, so
 * that no socket (01), no context (11) and no address looks like one.
 *
 * Owner:   the application, by handle, until destroy; then whoever still holds it.
 * Threads: any.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_CAPI_OBJECT_H
#define FMQ_CAPI_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"

typedef struct fmq__object fmq__object;

typedef struct fmq__object_kind {
    void (*free)(fmq__object *o); /* nobody holds it any more */
} fmq__object_kind;

/* Embedded first in what it stands for. */
struct fmq__object {
    const fmq__object_kind *kind;
    uintptr_t handle;
    uint32_t n_held;           /* under the table's mutex */
    _Atomic bool is_destroyed; /* changed under it */
    fmq__mutex mutex;          /* over what the kind has of its own */
};

/* Gives it a handle; on failure it is still the caller's. */
int fmq__object_enter(fmq__object *o, const fmq__object_kind *kind, void **handle);

/* What the handle stands for, kept from being freed until drop; NULL: nothing of this
 * kind (any more). */
fmq__object *fmq__object_hold(const void *handle, const fmq__object_kind *kind);
void fmq__object_drop(fmq__object *o);

/* hold, with its mutex locked; NULL: errno is EFAULT. unlock ends both. */
fmq__object *fmq__object_lock(const void *handle, const fmq__object_kind *kind);
void fmq__object_unlock(fmq__object *o);

/* Makes the handle stale, and NULL: 0, EFAULT. */
int fmq__object_destroy(void **handle, const fmq__object_kind *kind);

/* For a holder: whether it was destroyed meanwhile. */
static inline bool
fmq__object_is_destroyed(const fmq__object *o)
{
    return atomic_load_explicit(&o->is_destroyed, memory_order_relaxed);
}

#endif
