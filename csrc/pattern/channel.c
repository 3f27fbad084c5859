/* SPDX-License-Identifier: Apache-2.0 */
/* CHANNEL: PAIR for messages of one part (RFC 52). A second peer is refused; the first
 * stays. */
#include "pattern/pair.h"

const fmq__pattern_ops fmq__pattern_channel = {
    .name = "CHANNEL",
    .type = 20,
    .peer_types = 1U << 20, /* CHANNEL */
    .is_single = true,
    .size = sizeof(fmq__pair),
    .init = fmq__pattern_nothing,
    .fini = fmq__pattern_nothing,
    .check_send = fmq__pattern_one_part,
    .send = fmq__pair_send,
    .begin_recv = fmq__pair_begin_recv,
    .end_recv = fmq__pattern_nothing_pipe,
    .can_send = fmq__pair_can_send,
    .can_recv = fmq__pair_can_recv,
    .attach = fmq__pair_attach,
    .detach = fmq__pair_detach,
    .readable = fmq__pattern_nothing_pipe,
    .writable = fmq__pattern_nothing_pipe,
};
