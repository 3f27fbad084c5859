/* SPDX-License-Identifier: Apache-2.0 */
/* What a resolver does with one thread is in test_resolver.c. */
#include "base/errands.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check.h"
#include "deny.h"
#include "gate.h"

enum { N = 40 };

/* An errand that waits, and who waits for it. */
typedef struct job {
    fmq__errand errand;
    gate *begun;
    gate *may_end; /* NULL: ends at once */
    gate *done;
    int n_runs;
    bool was_cancelled;
} job;

static void
run_job(fmq__errand *e, bool is_cancelled)
{
    job *j = FMQ__ITEM(e, job, errand);

    j->n_runs++;
    j->was_cancelled = is_cancelled;
    if (j->begun != NULL) {
        gate_pass(j->begun);
    }
    if (j->may_end != NULL && !is_cancelled) {
        gate_wait(j->may_end, 1);
    }
    gate_pass(j->done);
}

static void
job_init(job *j, gate *begun, gate *may_end, gate *done)
{
    *j = (job){{{NULL, NULL}, run_job}, begun, may_end, done, 0, false};
}

TEST(never_used)
{
    fmq__errands *e;

    REQUIRE(fmq__errands_new(&e, 3, "test", NULL) == 0);
    fmq__errands_close(e);
}

/* As many at a time as there may be threads, and the others after them. */
TEST(several_at_a_time)
{
    static job j[N];
    fmq__errands *e;
    gate begun;
    gate may_end;
    gate done;

    gate_init(&begun);
    gate_init(&may_end);
    gate_init(&done);
    REQUIRE(fmq__errands_new(&e, 3, "test", NULL) == 0);
    for (int i = 0; i < N; i++) {
        job_init(&j[i], &begun, &may_end, &done);
        REQUIRE(fmq__errands_post(e, &j[i].errand) == 0);
    }
    gate_wait(&begun, 3);
    CHECK_EQ(gate_count(&done), 0);
    CHECK_EQ(gate_count(&begun), 3);
    gate_pass(&may_end);
    gate_wait(&done, N);
    fmq__errands_close(e);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(j[i].n_runs, 1);
        CHECK(!j[i].was_cancelled);
    }
}

/* One that hangs keeps nobody else waiting. */
TEST(another_thread_for_the_next)
{
    fmq__errands *e;
    gate begun;
    gate may_end;
    gate done;
    gate second_done;
    job slow;
    job quick;

    gate_init(&begun);
    gate_init(&may_end);
    gate_init(&done);
    gate_init(&second_done);
    REQUIRE(fmq__errands_new(&e, 2, "test", NULL) == 0);
    job_init(&slow, &begun, &may_end, &done);
    REQUIRE(fmq__errands_post(e, &slow.errand) == 0);
    gate_wait(&begun, 1);
    for (uint32_t i = 1; i <= 3; i++) {
        job_init(&quick, NULL, NULL, &second_done);
        REQUIRE(fmq__errands_post(e, &quick.errand) == 0);
        gate_wait(&second_done, i);
    }
    CHECK_EQ(gate_count(&done), 0);
    gate_pass(&may_end);
    fmq__errands_close(e);
    CHECK_EQ(gate_count(&done), 1);
}

static void
run_stray(fmq__errand *e, bool is_cancelled)
{
    CHECK(is_cancelled);
    fmq__free(e);
}

static bool
post_stray(fmq__errands *e)
{
    fmq__errand *stray = fmq__calloc(1, sizeof(*stray));
    int err;

    REQUIRE(stray != NULL);
    stray->run = run_stray;
    err = fmq__errands_post(e, stray);
    if (err != 0) {
        CHECK_EQ(err, ECANCELED);
        fmq__free(stray);
    }
    return err == 0;
}

static void
close_it(void *e)
{
    fmq__errands_close(e);
}

TEST(close_waits_for_what_has_begun)
{
    static job j[N];
    fmq__errands *e;
    fmq__thread closer;
    gate begun;
    gate may_end;
    gate done;

    gate_init(&begun);
    gate_init(&may_end);
    gate_init(&done);
    REQUIRE(fmq__errands_new(&e, 2, "test", NULL) == 0);
    for (int i = 0; i < N; i++) {
        job_init(&j[i], &begun, &may_end, &done);
        REQUIRE(fmq__errands_post(e, &j[i].errand) == 0);
    }
    gate_wait(&begun, 2);
    REQUIRE(fmq__thread_open(&closer, close_it, e, "closer") == 0);
    /* That it is closing shows in its taking nothing more; what it took is cancelled.
     */
    while (post_stray(e)) {
        (void)sched_yield();
    }
    gate_pass(&may_end);
    fmq__thread_join(closer);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(j[i].n_runs, 1);
        CHECK_EQ(j[i].was_cancelled, i >= 2);
    }
}

TEST(lack_of_memory)
{
    fmq__errands *e = NULL;

    (void)fmq__alloc_fail_at(1, 0);
    CHECK_EQ(fmq__errands_new(&e, 1, "test", NULL), ENOMEM);
    (void)fmq__alloc_fail_at(0, 0);
    CHECK(e == NULL);
}

/* The first thread is there; a second is not to be had. */
static void
run_with_one(void)
{
    fmq__errands *e;
    gate begun;
    gate may_end;
    gate done;
    job first;
    job second;

    gate_init(&begun);
    gate_init(&may_end);
    gate_init(&done);
    REQUIRE(fmq__errands_new(&e, 2, "test", NULL) == 0);
    job_init(&first, &begun, &may_end, &done);
    job_init(&second, &begun, NULL, &done);
    REQUIRE(fmq__errands_post(e, &first.errand) == 0);
    gate_wait(&begun, 1);
    if (deny_syscall(SYS_clone3, ENOSYS) && deny_syscall(SYS_clone, EAGAIN)) {
        CHECK_EQ(fmq__errands_post(e, &second.errand), 0);
        CHECK_EQ(gate_count(&begun), 1);
        gate_pass(&may_end);
        gate_wait(&done, 2);
    } else {
        gate_pass(&may_end);
    }
    fmq__errands_close(e);
}

/* In a process of its own: a leak checker needs threads at the end of this one. */
TEST(no_second_thread)
{
    int status = -1;
    pid_t child = fork();

    REQUIRE(child != -1);
    if (child == 0) {
        run_with_one();
        _exit(check_result());
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static const check_case cases[] = {
    CASE(never_used),
    CASE(several_at_a_time),
    CASE(another_thread_for_the_next),
    CASE(close_waits_for_what_has_begun),
    CASE(lack_of_memory),
    CASE(no_second_thread),
};

int
main(void)
{
    return CHECK_MAIN(cases);
}
