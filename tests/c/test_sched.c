/* SPDX-License-Identifier: Apache-2.0 */
/* How threads of ours are named and scheduled. */
#include "base/sched.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/thread.h"
#include "check.h"

typedef struct seen {
    bool has_run;
    char name[16];
    int policy;
    int priority;
    int n_cpus;
    int first_cpu;
} seen;

static void
look_round(void *arg)
{
    seen *s = arg;
    struct sched_param param;
    cpu_set_t cpus;

    s->has_run = true;
    pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
    pthread_getschedparam(pthread_self(), &s->policy, &param);
    s->priority = param.sched_priority;
    CPU_ZERO(&cpus);
    (void)sched_getaffinity(0, sizeof(cpus), &cpus);
    s->n_cpus = CPU_COUNT(&cpus);
    s->first_cpu = 0;
    while (s->first_cpu < CPU_SETSIZE - 1 && !CPU_ISSET((size_t)s->first_cpu, &cpus)) {
        s->first_cpu++;
    }
}

static int
run_as(const fmq__sched *sched, seen *s)
{
    fmq__thread t;
    int err;

    *s = (seen){0};
    err = fmq__thread_open_as(&t, look_round, s, "io/0", sched);
    if (err == 0) {
        fmq__thread_join(t);
    }
    return err;
}

TEST(names)
{
    fmq__sched sched;
    seen s;

    CHECK_EQ(run_as(NULL, &s), 0);
    CHECK_STR(s.name, "fastmq/io/0");
    fmq__sched_init(&sched);
    CHECK(!fmq__sched_is_set(&sched));
    CHECK_EQ(run_as(&sched, &s), 0);
    CHECK_STR(s.name, "fastmq/io/0");
    memcpy(sched.prefix, "feed", 5);
    CHECK(!fmq__sched_is_set(&sched));
    CHECK_EQ(run_as(&sched, &s), 0);
    CHECK_STR(s.name, "feed/io/0");
    memcpy(sched.prefix, "sixteen-letters!", 17);
    CHECK_EQ(run_as(&sched, &s), 0);
    CHECK_STR(s.name, "sixteen-letter/");
}

TEST(processors)
{
    fmq__sched sched;
    seen all;
    seen s;

    fmq__sched_init(&sched);
    CHECK_EQ(fmq__sched_add_cpu(&sched, FMQ__SCHED_CPU_MAX), EINVAL);
    CHECK_EQ(fmq__sched_add_cpu(&sched, -1), EINVAL);
    CHECK_EQ(fmq__sched_remove_cpu(&sched, -1), EINVAL);
    CHECK_EQ(fmq__sched_remove_cpu(&sched, FMQ__SCHED_CPU_MAX), EINVAL);
    CHECK_EQ(run_as(&sched, &all), 0);

    CHECK_EQ(fmq__sched_add_cpu(&sched, all.first_cpu), 0);
    CHECK(fmq__sched_is_set(&sched));
    CHECK_EQ(run_as(&sched, &s), 0);
    CHECK_EQ(s.n_cpus, 1);
    CHECK_EQ(s.first_cpu, all.first_cpu);
    CHECK_EQ(fmq__sched_remove_cpu(&sched, all.first_cpu), 0);
    CHECK(!fmq__sched_is_set(&sched));
    CHECK_EQ(run_as(&sched, &s), 0);
    CHECK_EQ(s.n_cpus, all.n_cpus);

    /* No processor that is there: no thread. */
    CHECK_EQ(fmq__sched_add_cpu(&sched, FMQ__SCHED_CPU_MAX - 1), 0);
    CHECK_EQ(run_as(&sched, &s), EINVAL);
    CHECK(!s.has_run);
}

TEST(policies)
{
    fmq__sched sched;
    seen s;
    int err;

    fmq__sched_init(&sched);
    sched.policy = SCHED_BATCH;
    CHECK_EQ(run_as(&sched, &s), 0);
    CHECK_EQ(s.policy, SCHED_BATCH);
    sched.policy = 9999;
    CHECK_EQ(run_as(&sched, &s), EINVAL);
    CHECK(!s.has_run);

    /* What only the privileged may: done, or refused. */
    sched.policy = SCHED_FIFO;
    err = run_as(&sched, &s);
    CHECK(err == EPERM || (s.policy == SCHED_FIFO && s.priority == 1));
    sched.priority = 7;
    err = run_as(&sched, &s);
    CHECK(err == EPERM || s.priority == 7);
    sched.policy = -1;
    err = run_as(&sched, &s);
    CHECK(err == 0 || err == EACCES || err == EPERM);
    CHECK_EQ(s.has_run, err == 0);
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(names),
        CASE(processors),
        CASE(policies),
    };

    return CHECK_MAIN(cases);
}
