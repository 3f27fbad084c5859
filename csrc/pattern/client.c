/* SPDX-License-Identifier: Apache-2.0 */
/* CLIENT: DEALER for messages of one part, to SERVERs (RFC 41 "CLIENT Socket Type"). */
#include "pattern/dealer.h"

const fmq__pattern_ops fmq__pattern_client = {
    .name = "CLIENT",
    .type = 13,
    .peer_types = 1U << 12, /* SERVER */
    .is_single = true,
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_HICCUP,
    .size = sizeof(fmq__dealer),
    .init = fmq__dealer_init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_one_part,
    .send = fmq__dealer_send,
    .begin_recv = fmq__dealer_begin_recv,
    .end_recv = fmq__dealer_end_recv,
    .can_send = fmq__dealer_can_send,
    .can_recv = fmq__dealer_can_recv,
    .attach = fmq__dealer_attach,
    .detach = fmq__dealer_detach,
    .readable = fmq__dealer_readable,
    .writable = fmq__dealer_writable,
};
