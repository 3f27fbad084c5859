/* SPDX-License-Identifier: Apache-2.0 */
/* A queue under load uses up and frees chunks of one size, FMQ__CHUNK_MAX, so each
 * thread keeps a few of these at hand: a stack of its own, given back when the thread
 * ends. While a chunk lies there, AddressSanitizer treats it as freed.
 */
#include "pipe/chunk.h"

#include <pthread.h>
#include <stddef.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, len) ((void)(p), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(p, len) ((void)(p), (void)(len))
#endif

enum { CACHE_MAX = 4 };

struct cache {
    fmq__chunk *top;
    unsigned n;
    bool is_armed; /* the thread's end will call empty_cache */
};

static _Thread_local struct cache cache;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

_Static_assert(offsetof(fmq__chunk, data) % 8 == 0, "records are aligned in a chunk");

static void
free_chunk(fmq__chunk *c)
{
    ASAN_UNPOISON_MEMORY_REGION(c->data, c->cap);
    fmq__free(c);
}

static void
empty_cache(void *arg)
{
    struct cache *mine = arg;

    while (mine->top != NULL) {
        fmq__chunk *c = mine->top;

        mine->top = c->next;
        free_chunk(c);
    }
    mine->n = 0;
    /* A later destructor of this thread may free chunks again. */
    mine->is_armed = false;
}

static void
make_key(void)
{
    has_key = pthread_key_create(&key, empty_cache) == 0;
}

static bool
arm_cache(struct cache *mine)
{
    if (!mine->is_armed) {
        (void)pthread_once(&key_once, make_key);
        mine->is_armed = has_key && pthread_setspecific(key, mine) == 0;
    }
    return mine->is_armed;
}

static void
release_chunk(fmq__body *b)
{
    fmq__chunk *c = (fmq__chunk *)(void *)b;
    struct cache *mine = &cache;

    if (c->cap != FMQ__CHUNK_MAX || mine->n == CACHE_MAX || !arm_cache(mine)) {
        fmq__free(c);
        return;
    }
    ASAN_POISON_MEMORY_REGION(c->data, c->cap);
    c->next = mine->top;
    mine->top = c;
    mine->n++;
}

static fmq__chunk *
take_cached(struct cache *mine)
{
    fmq__chunk *c = mine->top;

    mine->top = c->next;
    mine->n--;
    ASAN_UNPOISON_MEMORY_REGION(c->data, c->cap);
    return c;
}

fmq__chunk *
fmq__chunk_new(uint32_t cap)
{
    fmq__chunk *c;

    if (cap == FMQ__CHUNK_MAX && cache.top != NULL) {
        c = take_cached(&cache);
    } else {
        c = fmq__alloc(sizeof(*c) + cap);
        if (c == NULL) {
            return NULL;
        }
        c->body.kind = FMQ__BODY_CHUNK;
        c->body.on_last = release_chunk;
        c->cap = cap;
    }
    atomic_store_explicit(&c->body.refs, 1, memory_order_relaxed);
    fmq__chunk_reset(c);
    return c;
}
