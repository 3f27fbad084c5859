/* SPDX-License-Identifier: Apache-2.0 */
/* null: the mechanism NULL (RFC 37 "The NULL Mechanism"): each side sends READY with
 * its properties, and is done when it has the other's.
 *
 * Takes no config. Does not ask ZAP yet.
 */
#ifndef FMQ_SECURITY_NULL_H
#define FMQ_SECURITY_NULL_H

#include "wire/mech.h"

extern const fmq__mech_ops fmq__mech_null;

#endif
