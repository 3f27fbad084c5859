/* SPDX-License-Identifier: Apache-2.0 */
#include "session/endpoint.h"

#include "base/clock.h"
#include "base/thread.h"

void
fmq__endpoint_init(fmq__endpoint *e, const fmq__endpoint_ops *ops, fmq__hub *h,
                   fmq__addr *addr, const fmq__link_opts *opts)
{
    e->ops = ops;
    e->hub = h;
    fmq__list_init(&e->node);
    e->addr = *addr;
    *addr = (fmq__addr){0};
    e->opts = *opts;
    fmq__byte_opts_hold(&e->opts.bytes);
    e->peer = NULL;
    e->is_bound = false;
    e->is_refused = false;
    e->is_gone = false;
    e->is_closing = false;
    fmq__list_init(&e->post_node);
    fmq__list_init(&e->leave_node);
    e->close_linger_ms = 0;
    e->closed_word = NULL;
}

void
fmq__endpoint_post_open(fmq__endpoint *e)
{
    fmq__list_push_back(&e->hub->opening, &e->post_node);
    fmq__hub_ask(e->hub, FMQ__WORK_ENDPOINTS);
}

void
fmq__endpoint_post_close(fmq__endpoint *e, int64_t linger_ms, _Atomic uint32_t *done)
{
    e->close_linger_ms = linger_ms;
    e->closed_word = done;
    fmq__list_push_back(&e->hub->leaving, &e->leave_node);
    fmq__hub_ask(e->hub, FMQ__WORK_ENDPOINTS);
}

void
fmq__endpoint_await_close(_Atomic uint32_t *done)
{
    /* W2 -> W1 in hub.c */
    while (atomic_load_explicit(done, memory_order_acquire) == 0) {
        (void)fmq__futex_wait(done, 0, FMQ__NEVER);
    }
}
