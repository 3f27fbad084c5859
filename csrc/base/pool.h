/* SPDX-License-Identifier: Apache-2.0 */
/* pool: large blocks that were freed, kept for the next who needs one as large.
 *
 * The allocator of the system gives a large block back to the kernel as soon as it is
 * freed, and every page of the next one is zeroed and mapped anew: for messages of
 * 1 MiB that costs more than sending them. At most FMQ__POOL_BYTES are kept.
 *
 * Owner:   the process.
 * Threads: any.
 * Errors:  NULL when there is no memory.
 */
#ifndef FMQ_BASE_POOL_H
#define FMQ_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

enum {
    FMQ__POOL_MIN = 64 * 1024,       /* shorter blocks are not for it */
    FMQ__POOL_MAX = 4 * 1024 * 1024, /* nor are longer ones */
    FMQ__POOL_BYTES = 16 * 1024 * 1024
};

/* A block of at least `size` bytes, aligned to 16; `*size_class` is for its return. */
void *fmq__pool_take(size_t size, uint32_t *size_class);
void fmq__pool_give(void *block, uint32_t size_class);

#endif
