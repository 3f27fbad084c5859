/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sched.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICE_MAX = 20 };

void
fmq__sched_init(fmq__sched *s)
{
    memset(s, 0, sizeof(*s));
    s->policy = -1;
    s->priority = -1;
}

void
fmq__sched_name(const fmq__sched *s, const char *role, char name[FMQ__THREAD_NAME_CAP])
{
    const char *prefix = s != NULL && s->prefix[0] != '\0' ? s->prefix : "fastmq";

    (void)snprintf(name, FMQ__THREAD_NAME_CAP, "%.*s/%s", FMQ__THREAD_NAME_CAP - 2,
                   prefix, role);
}

bool
fmq__sched_is_set(const fmq__sched *s)
{
    return s != NULL && (s->policy >= 0 || s->priority >= 0 || s->has_cpus);
}

static int
apply_priority(const fmq__sched *s)
{
    struct sched_param param = {0};
    int policy;
    int err = pthread_getschedparam(pthread_self(), &policy, &param);

    if (err != 0) {
        return err;
    }
    policy = s->policy >= 0 ? s->policy : policy;
    if (policy == SCHED_FIFO || policy == SCHED_RR) {
        param.sched_priority =
            s->priority >= 0 ? s->priority : sched_get_priority_min(policy);
        return pthread_setschedparam(pthread_self(), policy, &param);
    }
    param.sched_priority = 0;
    if (s->policy >= 0) {
        err = pthread_setschedparam(pthread_self(), policy, &param);
    }
    if (err == 0 && s->priority > 0) {
#if defined(__linux__)
        /* There a thread has a nice value of its own. */
        int nice = s->priority < NICE_MAX ? s->priority : NICE_MAX;

        err = setpriority(PRIO_PROCESS, 0, -nice) == 0 ? 0 : errno;
#else
        err = ENOTSUP;
#endif
    }
    return err;
}

#if defined(__linux__)

static uint64_t
bit_of(int cpu)
{
    return UINT64_C(1) << (cpu % 64);
}

int
fmq__sched_add_cpu(fmq__sched *s, int cpu)
{
    if (cpu < 0 || cpu >= FMQ__SCHED_CPU_MAX) {
        return EINVAL;
    }
    s->cpus[cpu / 64] |= bit_of(cpu);
    s->has_cpus = true;
    return 0;
}

int
fmq__sched_remove_cpu(fmq__sched *s, int cpu)
{
    if (cpu < 0 || cpu >= FMQ__SCHED_CPU_MAX ||
        (s->cpus[cpu / 64] & bit_of(cpu)) == 0) {
        return EINVAL;
    }
    s->cpus[cpu / 64] &= ~bit_of(cpu);
    s->has_cpus = false;
    for (size_t i = 0; i < FMQ__SCHED_CPU_MAX / 64; i++) {
        s->has_cpus = s->has_cpus || s->cpus[i] != 0;
    }
    return 0;
}

static int
apply_cpus(const fmq__sched *s)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (size_t cpu = 0; cpu < FMQ__SCHED_CPU_MAX && cpu < CPU_SETSIZE; cpu++) {
        if (s->cpus[cpu / 64] & bit_of((int)cpu)) {
            CPU_SET(cpu, &set);
        }
    }
    return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : errno;
}

#else

int
fmq__sched_add_cpu(fmq__sched *s, int cpu)
{
    (void)s;
    return cpu < 0 ? EINVAL : ENOTSUP;
}

int
fmq__sched_remove_cpu(fmq__sched *s, int cpu)
{
    (void)s;
    (void)cpu;
    return EINVAL;
}

static int
apply_cpus(const fmq__sched *s)
{
    (void)s;
    return ENOTSUP;
}

#endif

int
fmq__sched_apply(const fmq__sched *s)
{
    int err = 0;

    if (s->policy >= 0 || s->priority >= 0) {
        err = apply_priority(s);
    }
    if (err == 0 && s->has_cpus) {
        err = apply_cpus(s);
    }
    return err;
}

int
fmq__sched_n_cpus(void)
{
#if defined(__linux__)
    cpu_set_t cpus;

    /* More than 1024 of them do not fit, and are more than one. */
    return sched_getaffinity(0, sizeof(cpus), &cpus) != 0 ? 2 : CPU_COUNT(&cpus);
#else
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : (int)n;
#endif
}
