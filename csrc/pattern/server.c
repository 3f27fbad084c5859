/* SPDX-License-Identifier: Apache-2.0 */
/* SERVER: takes messages from CLIENTs, and answers each by its number (RFC 41 "SERVER
 * Socket Type"). */
#include "pattern/numbered.h"

const fmq__pattern_ops fmq__pattern_server = {
    .name = "SERVER",
    .type = 12,
    .peer_types = 1U << 13, /* CLIENT */
    .is_single = true,
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_GOODBYE,
    .size = sizeof(fmq__numbered),
    .init = fmq__numbered_init,
    .fini = fmq__numbered_fini,
    .check_send = fmq__pattern_one_part,
    .send = fmq__numbered_send,
    .address = fmq__numbered_address,
    .begin_recv = fmq__numbered_begin_recv,
    .end_recv = fmq__numbered_end_recv,
    .sign = fmq__numbered_sign,
    .can_send = fmq__pattern_always,
    .can_recv = fmq__numbered_can_recv,
    .attach = fmq__numbered_attach,
    .detach = fmq__numbered_detach,
    .down = fmq__numbered_down,
    .readable = fmq__numbered_readable,
    .writable = fmq__pattern_nothing_pipe,
    .drop_peer = fmq__numbered_drop_peer,
};
