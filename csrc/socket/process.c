/* SPDX-License-Identifier: Apache-2.0 */
/* What is done once for a process: its forks are prepared for, its clock is measured.
 *
 * The tables of contexts and sockets are whole when a child gets them; what is in them
 * is the parent's, and the child's fork generation says so.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "socket/ctx.h"
#include "socket/socket.h"

static _Atomic uint32_t forks;

static void
before_fork(void)
{
    fmq__ctx_before_fork();
    fmq__shell_before_fork();
}

static void
in_parent(void)
{
    fmq__shell_after_fork(false);
    fmq__ctx_after_fork();
}

static void
in_child(void)
{
    fmq__shell_after_fork(true);
    fmq__ctx_after_fork();
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
    fmq__flush_forget(); /* unwritten messages are the parent's to write */
}

void
fmq__process_prepare(void)
{
    (void)pthread_atfork(before_fork, in_parent, in_child);
    fmq__clock_init();
}

uint32_t
fmq__fork_generation(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}
