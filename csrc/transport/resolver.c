/* SPDX-License-Identifier: Apache-2.0 */
/* Once it is being closed it looks nothing up, so closing waits for one name at most.
 */
#include "transport/resolver.h"

#include <errno.h>

static void
look_up(fmq__errand *e, bool is_cancelled)
{
    fmq__lookup *l = FMQ__ITEM(e, fmq__lookup, errand);

    l->n = 0;
    l->result = is_cancelled
                    ? ECANCELED
                    : l->addr->transport->resolve(l->addr, FMQ__ADDR_CONNECT, l->opts,
                                                  l->found, FMQ__RESOLVE_MAX, &l->n);
    l->on_done(l);
}

int
fmq__resolver_new(fmq__resolver **r, const fmq__sched *sched)
{
    return fmq__errands_new(r, 1, "resolver", sched);
}

void
fmq__resolver_close(fmq__resolver *r)
{
    fmq__errands_close(r);
}

int
fmq__resolver_post(fmq__resolver *r, fmq__lookup *l)
{
    l->errand.run = look_up;
    return fmq__errands_post(r, &l->errand);
}
