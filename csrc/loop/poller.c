/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/poller.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Best first. A new back end is one file, one declaration in the header and one line
 * here. */
static const fmq__poller_ops *const back_ends[] = {
#if FMQ_POLLER_EPOLL
    &fmq__poller_epoll,
#endif
#if FMQ_POLLER_KQUEUE
    &fmq__poller_kqueue,
#endif
#if FMQ_POLLER_POLL
    &fmq__poller_poll,
#endif
};

enum { N_BACK_ENDS = sizeof(back_ends) / sizeof(back_ends[0]) };

const fmq__poller_ops *
fmq__poller_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < N_BACK_ENDS; i++) {
        if (strcmp(back_ends[i]->name, name) == 0) {
            return back_ends[i];
        }
    }
    return back_ends[0];
}

const fmq__poller_ops *
fmq__poller_default(void)
{
    /* Relaxed: it leads to constants only, and two threads find the same. */
    static const fmq__poller_ops *_Atomic chosen;
    const fmq__poller_ops *ops = atomic_load_explicit(&chosen, memory_order_relaxed);

    if (ops == NULL) {
        ops = fmq__poller_find(getenv("FASTMQ_POLLER"));
        atomic_store_explicit(&chosen, ops, memory_order_relaxed);
    }
    return ops;
}

int
fmq__poller_open(fmq__poller **p)
{
    return fmq__poller_default()->open(p);
}
