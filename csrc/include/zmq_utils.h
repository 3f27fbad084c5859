/* SPDX-License-Identifier: Apache-2.0 */
/* zmq_utils.h: an older name; everything is in zmq.h. */
#ifndef FMQ_ZMQ_UTILS_H
#define FMQ_ZMQ_UTILS_H

#include "zmq.h"

#endif
