# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3
# cython: auto_pickle=False
# cython: autotestdict=False
# cython: boundscheck=False
# cython: wraparound=False
"""The binding of the C core: what the public classes are built upon.

Every call tries first with the GIL held and FMQ_TRY, which never waits; only what has
to wait gives the GIL up. Nothing here keeps a pointer of the core: contexts and sockets
are handles, which the core refuses once they are stale.
"""

include "_capi.pxi"
include "_errors.pxi"
include "_lend.pxi"
include "_context.pxi"
include "_frame.pxi"
include "_options.pxi"
include "_naps.pxi"
include "_transfer.pxi"
include "_offer.pxi"
include "_batch.pxi"
include "_addresses.pxi"
include "_socket.pxi"
include "_quick.pxi"
include "_poll.pxi"
include "_future.pxi"
include "_waiting.pxi"
include "_returned.pxi"
include "_async.pxi"
include "_proxy.pxi"
include "_keys.pxi"
