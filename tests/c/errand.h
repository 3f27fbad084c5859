/* SPDX-License-Identifier: Apache-2.0 */
/* errand: an I/O thread for a test, and a way to run something on it. */
#ifndef FMQ_TESTS_ERRAND_H
#define FMQ_TESTS_ERRAND_H

#include "check.h"
#include "gate.h"
#include "loop/io.h"

static inline fmq__io *
open_io(void)
{
    fmq__io *io = NULL;

    REQUIRE(fmq__io_open(&io, "test-io", NULL) == 0);
    return io;
}

/* Runs `run(arg)` on the I/O thread and waits for it. */
typedef struct errand {
    fmq__task task;
    void (*run)(void *);
    void *arg;
    gate done;
} errand;

static inline void
run_errand(fmq__task *t)
{
    errand *e = FMQ__ITEM(t, errand, task);

    e->run(e->arg);
    gate_pass(&e->done);
}

static inline void
run_there(fmq__io *io, void (*run)(void *), void *arg)
{
    errand e = {.run = run, .arg = arg};

    fmq__task_init(&e.task, run_errand);
    gate_init(&e.done);
    fmq__io_post(io, &e.task);
    gate_wait(&e.done, 1);
}

#endif
