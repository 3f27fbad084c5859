/* SPDX-License-Identifier: Apache-2.0 */
/* While no test asks for failures, a request costs one relaxed load more than malloc:
 * requests are counted only while `state` is not OFF, and nothing is published through
 * the counters, so all of them are relaxed.
 */
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { OFF, ONCE, FOREVER };
enum { BLOCK_OVERHEAD = 16 }; /* what a block takes beside its bytes, more or less */

static _Atomic int state;
static _Atomic uint64_t n_asked;
static _Atomic uint64_t fail_at;
static _Atomic size_t n_untidy; /* bytes freed by fmq__free_one; a mere count */

static bool
must_fail_slow(int how)
{
    uint64_t n = 1 + atomic_fetch_add_explicit(&n_asked, 1, memory_order_relaxed);
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);

    return n == at || (how == FOREVER && n > at);
}

static inline bool
must_fail(void)
{
    int how = atomic_load_explicit(&state, memory_order_relaxed);

    return how != OFF && must_fail_slow(how);
}

bool
fmq__alloc_refuses(void)
{
    return must_fail();
}

void *
fmq__alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size != 0 ? size : 1);
}

void *
fmq__calloc(size_t n, size_t size)
{
    /* Checked here because sanitizers end the process where calloc would fail. */
    if (must_fail() || (n != 0 && size > SIZE_MAX / n)) {
        return NULL;
    }
    return n != 0 && size != 0 ? calloc(n, size) : calloc(1, 1);
}

void *
fmq__realloc(void *p, size_t size)
{
    return must_fail() ? NULL : realloc(p, size != 0 ? size : 1);
}

char *
fmq__strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fmq__alloc(size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void
fmq__free(void *p)
{
    free(p);
}

void *
fmq__alloc_pages(size_t size)
{
#ifdef MAP_ANONYMOUS
    void *p;

    if (must_fail()) {
        return NULL;
    }
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? p : NULL;
#else
    return fmq__alloc(size);
#endif
}

void
fmq__free_pages(void *p, size_t size)
{
#ifdef MAP_ANONYMOUS
    (void)munmap(p, size);
#else
    (void)size;
    free(p);
#endif
}

void
fmq__free_one(void *p, size_t size)
{
    free(p);
    if (p != NULL) {
        size += BLOCK_OVERHEAD;
        (void)atomic_fetch_add_explicit(&n_untidy, size, memory_order_relaxed);
    }
}

void
fmq__alloc_tidy(void)
{
    if (atomic_load_explicit(&n_untidy, memory_order_relaxed) < FMQ__TIDY_BYTES ||
        atomic_exchange_explicit(&n_untidy, 0, memory_order_relaxed) <
            FMQ__TIDY_BYTES) {
        return; /* not much, or another thread is about it */
    }
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}

uint64_t
fmq__alloc_fail_at(uint64_t n, int forever)
{
    int how = n == 0 ? OFF : forever ? FOREVER : ONCE;
    uint64_t asked;

    atomic_store_explicit(&state, OFF, memory_order_relaxed);
    asked = atomic_exchange_explicit(&n_asked, 0, memory_order_relaxed);
    atomic_store_explicit(&fail_at, n, memory_order_relaxed);
    atomic_store_explicit(&state, how, memory_order_relaxed);
    return asked;
}
