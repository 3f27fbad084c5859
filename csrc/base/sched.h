/* SPDX-License-Identifier: Apache-2.0 */
/* sched: how a background thread is to run: its name's prefix, its scheduling, the
 * processors it may use. All zeros but `policy` and `priority` (-1) asks for nothing.
 *
 * Owner:   a value.
 * Threads: apply: the thread that it is about.
 * Errors:  errno values.
 */
#ifndef FMQ_BASE_SCHED_H
#define FMQ_BASE_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FMQ__SCHED_CPU_MAX = 1024,
    FMQ__SCHED_PREFIX_MAX = 16,
    FMQ__THREAD_NAME_CAP = 16 /* what Linux keeps, with the NUL */
};

typedef struct fmq__sched {
    int policy;   /* SCHED_*; -1: that of the thread that starts it */
    int priority; /* for SCHED_FIFO and SCHED_RR; else so much less nice; -1: as it is
                   */
    bool has_cpus;
    uint64_t cpus[FMQ__SCHED_CPU_MAX / 64];
    char prefix[FMQ__SCHED_PREFIX_MAX + 1];
} fmq__sched;

/* Asks for nothing. */
void fmq__sched_init(fmq__sched *s);

/* EINVAL: no such processor (add), or not one that was added (remove); ENOTSUP: this
 * system has no such thing. */
int fmq__sched_add_cpu(fmq__sched *s, int cpu);
int fmq__sched_remove_cpu(fmq__sched *s, int cpu);

/* "prefix/role", or "fastmq/role", cut to what fits. NULL here and below: asks for
 * nothing. */
void fmq__sched_name(const fmq__sched *s, const char *role,
                     char name[FMQ__THREAD_NAME_CAP]);

/* How many processors the calling thread may use, or about so many. */
int fmq__sched_n_cpus(void);

/* Whether apply has something to do. */
bool fmq__sched_is_set(const fmq__sched *s);

/* Makes the calling thread run so. EPERM, EACCES: it may not; EINVAL: no such policy,
 * priority, or none of the processors is there; ENOTSUP. */
int fmq__sched_apply(const fmq__sched *s);

#endif
