/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping on a word (declared in base/thread.h): the futex of Linux, or, elsewhere and
 * where FMQ_PORTABLE_FUTEX is defined, a small table of mutexes and conditions found by
 * the word's address.
 */
#include "base/thread.h"

#include <errno.h>

#include "base/clock.h"

#if defined(__linux__) && !defined(FMQ_PORTABLE_FUTEX)

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* "For ever" is a deadline too, 146 years after boot: without one the kernel would go
 * on sleeping after a handler installed with SA_RESTART, and nobody would hear of it.
 */
#define FAR (UINT64_C(1) << 62)

int
fmq__futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
    uint64_t until = deadline_ns < FAR ? deadline_ns : FAR;
    struct timespec t = {(time_t)(until / NS_PER_S), (long)(until % NS_PER_S)};

    /* FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC. */
    if (syscall(SYS_futex, (uint32_t *)word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                expected, &t, NULL, FUTEX_BITSET_MATCH_ANY) == 0) {
        return 0;
    }
    return errno == ETIMEDOUT || errno == EINTR ? errno : 0;
}

void
fmq__futex_wake(_Atomic uint32_t *word, int n)
{
    syscall(SYS_futex, (uint32_t *)word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, n, NULL, NULL,
            0);
}

#else

/* A waker that finds the bucket's mutex free either comes before the sleeper looks at
 * the word, which then differs, or after it has begun to wait. Neighbours in a bucket
 * are woken along with the right one, without a cause; so nothing here reports EINTR.
 */
enum { N_BUCKETS = 64 };

typedef struct bucket {
    fmq__mutex mutex;
    fmq__cond cond;
} bucket;

static bucket buckets[N_BUCKETS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_buckets(void)
{
    for (int i = 0; i < N_BUCKETS; i++) {
        fmq__mutex_init(&buckets[i].mutex);
        fmq__cond_init(&buckets[i].cond);
    }
}

static bucket *
bucket_of(const _Atomic uint32_t *word)
{
    pthread_once(&once, init_buckets);
    return &buckets[((uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15) >> 32) % N_BUCKETS];
}

int
fmq__futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
    bucket *b = bucket_of(word);
    int error = 0;

    fmq__mutex_lock(&b->mutex);
    /* Ordered by the mutex; what the word stands for is ordered by its users. */
    if (atomic_load_explicit(word, memory_order_relaxed) == expected) {
        error = fmq__cond_wait(&b->cond, &b->mutex, deadline_ns);
    }
    fmq__mutex_unlock(&b->mutex);
    return error;
}

void
fmq__futex_wake(_Atomic uint32_t *word, int n)
{
    bucket *b = bucket_of(word);

    (void)n;
    fmq__mutex_lock(&b->mutex);
    fmq__cond_broadcast(&b->cond);
    fmq__mutex_unlock(&b->mutex);
}

#endif
