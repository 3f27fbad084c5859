/* SPDX-License-Identifier: Apache-2.0 */
/* A queue under load uses up and frees chunks of one size, FMQ__CHUNK_MAX. Each thread
 * keeps a few of these at hand: a stack of its own, given back when the thread ends.
 * What one thread fills and another frees goes by a pool for all of them. And what is
 * in neither is mapped, so that the system has it again as soon as a long queue was
 * read: malloc would keep it, with holes in it. While a chunk lies in a stack or in the
 * pool, AddressSanitizer treats it as freed.
 *
 *   C1 leave the pool (release) -> C2 enter it (acquire): its chunks are whole.
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

enum {
    CACHE_MAX = 4,
    POOL_MAX = 64,                            /* 4 MiB */
    PAGES = FMQ__CHUNK_HEAD + FMQ__CHUNK_MAX, /* of a chunk under load, in bytes */
};

struct cache {
    fmq__chunk *top;
    unsigned n;
    bool is_armed; /* the thread's end will call empty_cache */
};

/* Who finds it busy does without: it may be a child whose parent's thread was in it. */
static struct {
    atomic_flag is_busy;
    fmq__chunk *top;
    unsigned n;
} pool = {ATOMIC_FLAG_INIT, NULL, 0};

static _Thread_local struct cache cache;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

_Static_assert(offsetof(fmq__chunk, data) <= FMQ__CHUNK_HEAD, "a head has its room");
_Static_assert(offsetof(fmq__chunk, data) % 8 == 0, "records are aligned in a chunk");

static void
put_down(fmq__chunk **top, unsigned *n, fmq__chunk *c)
{
    ASAN_POISON_MEMORY_REGION(c->data, c->cap);
    c->next = *top;
    *top = c;
    ++*n;
}

static fmq__chunk *
take_up(fmq__chunk **top, unsigned *n)
{
    fmq__chunk *c = *top;

    *top = c->next;
    --*n;
    ASAN_UNPOISON_MEMORY_REGION(c->data, c->cap);
    return c;
}

static bool
enter_pool(void)
{
    return !atomic_flag_test_and_set_explicit(&pool.is_busy,
                                              memory_order_acquire); /* C2 */
}

static void
leave_pool(void)
{
    atomic_flag_clear_explicit(&pool.is_busy, memory_order_release); /* C1 */
}

/* Takes a full-sized chunk that nobody refers to. */
static void
free_chunk(fmq__chunk *c)
{
    bool is_put = false;

    if (enter_pool()) {
        is_put = pool.n < POOL_MAX;
        if (is_put) {
            put_down(&pool.top, &pool.n, c);
        }
        leave_pool();
    }
    if (!is_put) {
        fmq__free_pages(c, PAGES);
    }
}

static fmq__chunk *
take_pooled(void)
{
    fmq__chunk *c = NULL;

    if (enter_pool()) {
        c = pool.n != 0 ? take_up(&pool.top, &pool.n) : NULL;
        leave_pool();
    }
    return c;
}

static void
empty_cache(void *arg)
{
    struct cache *mine = arg;

    while (mine->n != 0) {
        free_chunk(take_up(&mine->top, &mine->n));
    }
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

    if (c->cap != FMQ__CHUNK_MAX) {
        fmq__free(c);
    } else if (mine->n == CACHE_MAX || !arm_cache(mine)) {
        free_chunk(c);
    } else {
        put_down(&mine->top, &mine->n, c);
    }
}

static fmq__chunk *
make_chunk(uint32_t cap)
{
    fmq__chunk *c =
        cap == FMQ__CHUNK_MAX ? fmq__alloc_pages(PAGES) : fmq__alloc(sizeof(*c) + cap);

    if (c != NULL) {
        c->body.kind = FMQ__BODY_CHUNK;
        c->body.on_last = release_chunk;
        c->cap = cap;
    }
    return c;
}

fmq__chunk *
fmq__chunk_new(uint32_t cap)
{
    fmq__chunk *c = NULL;

    if (cap == FMQ__CHUNK_MAX) {
        c = cache.n != 0 ? take_up(&cache.top, &cache.n) : take_pooled();
    }
    if (c == NULL) {
        c = make_chunk(cap);
    }
    if (c == NULL) {
        return NULL;
    }
    atomic_store_explicit(&c->body.refs, 1, memory_order_relaxed);
    fmq__chunk_reset(c);
    return c;
}
