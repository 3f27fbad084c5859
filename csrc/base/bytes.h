/* SPDX-License-Identifier: Apache-2.0 */
/* bytes: big-endian numbers in byte strings, and forgetting secrets. */
#ifndef FMQ_BASE_BYTES_H
#define FMQ_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void
fmq__put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void
fmq__put_u32(uint8_t *p, uint32_t v)
{
    fmq__put_u16(p, (uint16_t)(v >> 16));
    fmq__put_u16(p + 2, (uint16_t)v);
}

static inline void
fmq__put_u64(uint8_t *p, uint64_t v)
{
    fmq__put_u32(p, (uint32_t)(v >> 32));
    fmq__put_u32(p + 4, (uint32_t)v);
}

static inline uint16_t
fmq__get_u16(const uint8_t *p)
{
    return (uint16_t)(((unsigned)p[0] << 8) | p[1]);
}

static inline uint32_t
fmq__get_u32(const uint8_t *p)
{
    return ((uint32_t)fmq__get_u16(p) << 16) | fmq__get_u16(p + 2);
}

static inline uint64_t
fmq__get_u64(const uint8_t *p)
{
    return ((uint64_t)fmq__get_u32(p) << 32) | fmq__get_u32(p + 4);
}

/* Clears memory that nobody will read: the compiler must not see that. */
static inline void
fmq__wipe(void *p, size_t n)
{
    if (n != 0) {
        memset(p, 0, n); /* of nothing, `p` may be NULL */
    }
    __asm__ __volatile__("" : : "r"(p) : "memory");
}

/* Whether two secrets are the same, in a time that does not tell where they differ. */
static inline bool
fmq__is_same(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    unsigned difference = 0;

    for (size_t i = 0; i < n; i++) {
        difference |= (unsigned)(x[i] ^ y[i]);
    }
    return difference == 0;
}

#endif
