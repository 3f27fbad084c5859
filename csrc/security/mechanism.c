/* SPDX-License-Identifier: Apache-2.0 */
#include "security/mechanism.h"

#include "security/curve.h"
#include "security/gssapi.h"
#include "security/null.h"
#include "security/plain.h"

const fmq__mech_ops *
fmq__mechanism_of(const fmq__secrets *s)
{
    switch (fmq__secrets_mechanism(s)) {
    case FMQ__MECHANISM_PLAIN:
        return &fmq__mech_plain;
    case FMQ__MECHANISM_CURVE:
        return s->is_server ? &fmq__mech_curve_server : &fmq__mech_curve_client;
    case FMQ__MECHANISM_GSSAPI:
        return s->is_server ? &fmq__mech_gssapi_server : &fmq__mech_gssapi_client;
    default:
        return &fmq__mech_null;
    }
}
