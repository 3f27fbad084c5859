/* SPDX-License-Identifier: Apache-2.0 */
/* clock: monotonic time, and deadlines made of it.
 *
 * Does not know the time of day.
 *
 * Threads: any.
 */
#ifndef FMQ_BASE_CLOCK_H
#define FMQ_BASE_CLOCK_H

#include <stdint.h>

/* Never: a deadline that does not come. */
#define FMQ__NEVER UINT64_MAX

/* Nanoseconds since some fixed moment. */
uint64_t fmq__clock_ns(void);

/* The same, cheaper and a little less exact (the processor's counter where it runs at a
 * constant rate), from another fixed moment: only its own differences mean something.
 * fmq__clock_init, once in the process, finds out how; before, it is fmq__clock_ns. */
uint64_t fmq__clock_fast_ns(void);
void fmq__clock_init(void);

/* The deadline `timeout_ms` from now, in nanoseconds; FMQ__NEVER for a negative one. */
uint64_t fmq__deadline_ns(int64_t timeout_ms);

/* Nanoseconds left until `deadline_ns`: 0 if past, FMQ__NEVER for that. */
uint64_t fmq__deadline_left_ns(uint64_t deadline_ns);

/* Milliseconds left until `deadline_ns`, rounded up; 0 if past, -1 for FMQ__NEVER, at
 * most INT_MAX: what poll and epoll_wait take. */
int fmq__deadline_left_ms(uint64_t deadline_ns);

#endif
