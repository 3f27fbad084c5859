/* SPDX-License-Identifier: Apache-2.0 */
/* Untouched memory of zeros costs nothing: programs that make few sockets use a page.
 */
#include "capi/plate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/thread.h"

/* Four for each socket there can be. */
enum { N_PLATES = 1 << 18 };

/* Relaxed: what stands behind a handle has a lock of its own. */
static _Atomic fmq_socket plates[N_PLATES];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t next; /* the plate behind the one given out last; under the mutex */

static void
lock_plates(void)
{
    fmq__mutex_lock(&mutex);
}

static void
unlock_plates(void)
{
    fmq__mutex_unlock(&mutex);
}

static void
prepare_for_forks(void)
{
    (void)pthread_atfork(lock_plates, unlock_plates, unlock_plates);
}

static bool
is_free(uint32_t i)
{
    return atomic_load_explicit(&plates[i], memory_order_relaxed) == 0;
}

int
fmq__plate_give(fmq_socket handle, void **plate)
{
    uint32_t n = 0;
    uint32_t i;

    (void)pthread_once(&once, prepare_for_forks);
    lock_plates();
    i = next;
    while (n < N_PLATES && !is_free(i)) {
        i = (i + 1) % N_PLATES;
        n++;
    }
    if (n < N_PLATES) {
        atomic_store_explicit(&plates[i], handle, memory_order_relaxed);
        next = (i + 1) % N_PLATES;
        *plate = (void *)&plates[i];
    }
    unlock_plates();
    return n < N_PLATES ? 0 : EMFILE;
}

/* The plate of an address; NULL: it is none. */
static _Atomic fmq_socket *
find(const void *plate)
{
    uintptr_t offset = (uintptr_t)plate - (uintptr_t)plates;

    if (offset >= sizeof(plates) || offset % sizeof(plates[0]) != 0) {
        return NULL;
    }
    return &plates[offset / sizeof(plates[0])];
}

fmq_socket
fmq__plate_read(const void *plate)
{
    const _Atomic fmq_socket *p = find(plate);

    return p != NULL ? atomic_load_explicit(p, memory_order_relaxed) : 0;
}

fmq_socket
fmq__plate_clear(void *plate)
{
    _Atomic fmq_socket *p = find(plate);

    return p != NULL ? atomic_exchange_explicit(p, 0, memory_order_relaxed) : 0;
}
