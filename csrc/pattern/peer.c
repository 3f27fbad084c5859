/* SPDX-License-Identifier: Apache-2.0 */
/* PEER: SERVER among its like; who connects is told the number of the other side (RFC
 * 51). */
#include "pattern/numbered.h"

static uint32_t
next_number(fmq__pattern *p)
{
    return fmq__routes_make_up_number(&FMQ__ITEM(p, fmq__numbered, base)->routes);
}

const fmq__pattern_ops fmq__pattern_peer = {
    .name = "PEER",
    .type = 19,
    .peer_types = 1U << 19, /* PEER */
    .is_single = true,
    .says = FMQ__SAYS_HELLO | FMQ__SAYS_GOODBYE | FMQ__SAYS_HICCUP,
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
    .next_number = next_number,
    .drop_peer = fmq__numbered_drop_peer,
};
