/* SPDX-License-Identifier: Apache-2.0 */
#include "security/mechanism.h"

#include "security/null.h"
#include "security/plain.h"

const fmq__mech_ops *
fmq__mechanism_of(const fmq__secrets *s)
{
    switch (fmq__secrets_mechanism(s)) {
    case FMQ__MECHANISM_PLAIN:
        return &fmq__mech_plain;
    default:
        return &fmq__mech_null;
    }
}
