/* SPDX-License-Identifier: Apache-2.0 */
/* null: the mechanism NULL (RFC 37 "The NULL Mechanism"): each side sends READY with
 * its properties, and is done when it has the other's.
 *
 * A side that asks ZAP does so at once and holds its READY back until it has the
 * answer; both sides may. Without a config it does not ask.
 */
#ifndef FMQ_SECURITY_NULL_H
#define FMQ_SECURITY_NULL_H

#include "wire/mech.h"

typedef struct fmq__null_config {
    bool asks_zap;
} fmq__null_config;

extern const fmq__mech_ops fmq__mech_null;

#endif
