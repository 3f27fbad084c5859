/* SPDX-License-Identifier: Apache-2.0 */
/* XPUB: as PUB, and the application receives the subscriptions (RFC 29 "XPUB Socket
 * Type"). */
#include "pattern/publish.h"

static void
init(fmq__pattern *p)
{
    fmq__publisher_init(p);
    FMQ__ITEM(p, fmq__publisher, base)->is_heard = true;
}

const fmq__pattern_ops fmq__pattern_xpub = {
    .name = "XPUB",
    .type = 9,
    .peer_types = 1U << 2 | 1U << 10, /* SUB, XSUB */
    .takes_subscriptions = true,
    .size = sizeof(fmq__publisher),
    .init = init,
    .fini = fmq__publisher_fini,
    .check_send = fmq__publisher_check,
    .send = fmq__publisher_send,
    .begin_recv = fmq__publisher_begin_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__publisher_can_send,
    .can_recv = fmq__publisher_can_recv,
    .attach = fmq__publisher_attach,
    .detach = fmq__publisher_detach,
    .down = fmq__publisher_down,
    .readable = fmq__publisher_readable,
    .writable = fmq__pattern_nothing_pipe,
    .set_option = fmq__publisher_set,
    .get_option = fmq__publisher_get,
};
