/* SPDX-License-Identifier: Apache-2.0 */
/* SCATTER: PUSH for messages of one part (RFC 49 "SCATTER Socket Type"). */
#include "pattern/push.h"

const fmq__pattern_ops fmq__pattern_scatter = {
    .name = "SCATTER",
    .type = 17,
    .peer_types = 1U << 16, /* GATHER */
    .is_single = true,
    .size = sizeof(fmq__push),
    .init = fmq__push_init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_one_part,
    .send = fmq__push_send,
    .begin_recv = fmq__pattern_no_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__push_can_send,
    .can_recv = fmq__pattern_never,
    .attach = fmq__push_attach,
    .detach = fmq__push_detach,
    .readable = fmq__push_readable,
    .writable = fmq__push_writable,
};
