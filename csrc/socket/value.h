/* SPDX-License-Identifier: Apache-2.0 */
/* value: values of options on their way to whoever asked.
 *
 * Errors: EINVAL: there is no room for it.
 */
#ifndef FMQ_SOCKET_VALUE_H
#define FMQ_SOCKET_VALUE_H

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Writes `n` bytes, and zeros behind them; `*len`: the room before, `n` after. */
static inline int
fmq__value_put(const void *bytes, size_t n, void *value, size_t *len)
{
    if (*len < n) {
        return EINVAL;
    }
    memset(value, 0, *len);
    memcpy(value, bytes, n);
    *len = n;
    return 0;
}

/* The same into room of exactly that size. */
static inline int
fmq__value_put_exact(const void *bytes, size_t n, void *value, size_t *len)
{
    return *len == n ? fmq__value_put(bytes, n, value, len) : EINVAL;
}

#endif
