/* SPDX-License-Identifier: Apache-2.0 */
/* random: unpredictable numbers from the kernel, for ids, jitter and back-off. */
#ifndef FMQ_BASE_RANDOM_H
#define FMQ_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `buf`; never fails (falls back on the clock and the address space). */
void fmq__random_bytes(void *buf, size_t len);
uint32_t fmq__random_u32(void);

#endif
