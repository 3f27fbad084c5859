/* SPDX-License-Identifier: Apache-2.0 */
/* PUB: every message goes to all peers that have subscribed to it (RFC 29 "PUB Socket
 * Type"). */
#include "pattern/publish.h"

const fmq__pattern_ops fmq__pattern_pub = {
    .name = "PUB",
    .type = 1,
    .peer_types = 1U << 2 | 1U << 10, /* SUB, XSUB */
    .takes_subscriptions = true,
    .dials_once = true,
    .conflates = FMQ__CONFLATE_OUT,
    .size = sizeof(fmq__publisher),
    .init = fmq__publisher_init,
    .fini = fmq__publisher_fini,
    .check_send = fmq__publisher_check,
    .send = fmq__publisher_send,
    .begin_recv = fmq__pattern_no_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__publisher_can_send,
    .can_recv = fmq__pattern_never,
    .attach = fmq__publisher_attach,
    .detach = fmq__publisher_detach,
    .down = fmq__publisher_down,
    .readable = fmq__publisher_readable,
    .writable = fmq__pattern_nothing_pipe,
    .set_option = fmq__publisher_set,
    .get_option = fmq__publisher_get,
};
