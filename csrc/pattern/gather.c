/* SPDX-License-Identifier: Apache-2.0 */
/* GATHER: PULL for messages of one part (RFC 49 "GATHER Socket Type"). */
#include "pattern/pull.h"

const fmq__pattern_ops fmq__pattern_gather = {
    .name = "GATHER",
    .type = 16,
    .peer_types = 1U << 17, /* SCATTER */
    .is_single = true,
    .size = sizeof(fmq__pull),
    .init = fmq__pull_init,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_no_check,
    .send = fmq__pattern_no_send,
    .begin_recv = fmq__pull_begin_recv,
    .end_recv = fmq__pull_end_recv,
    .can_send = fmq__pattern_never,
    .can_recv = fmq__pull_can_recv,
    .attach = fmq__pull_attach,
    .detach = fmq__pull_detach,
    .readable = fmq__pull_readable,
    .writable = fmq__pattern_nothing_pipe,
};
