/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <stdatomic.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

/* The most that getentropy gives in one call. */
enum { CHUNK = 256 };

/* Where the kernel has nothing to give (a sandbox): the splitmix64 sequence from the
 * clock, the address space and a counter. Guessable, but different every time. */
static void
fill_guessable(uint8_t *p, size_t len)
{
    static _Atomic uint64_t n_calls;
    uint64_t x = fmq__clock_ns() ^ (uint64_t)(uintptr_t)&x ^
                 (uint64_t)(uintptr_t)&fill_guessable ^ ((uint64_t)getpid() << 40);

    x += atomic_fetch_add_explicit(&n_calls, 1, memory_order_relaxed) << 20;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = x += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        p[i] = (uint8_t)(z >> 56);
    }
}

void
fmq__random_bytes(void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len > 0) {
        size_t n = len < CHUNK ? len : CHUNK;

        if (getentropy(p, n) != 0) {
            fill_guessable(p, n);
        }
        p += n;
        len -= n;
    }
}

uint32_t
fmq__random_u32(void)
{
    uint32_t v;

    fmq__random_bytes(&v, sizeof(v));
    return v;
}
