# SPDX-License-Identifier: Apache-2.0
"""Polls, and the end of a context, that no signal is slept through in.

A handler of Python runs when a call comes back, which a signal makes it do if it finds
the thread asleep. It may come between the last look and the sleep, or reach another
thread; then it only leaves a mark. Calls that send and receive are woken by the core
to look for marks (fmq_ask_for_signals); these here sleep in naps, each twice as long
as the one before, and look in between.
"""

cdef enum:
    FIRST_NAP_NS = 100000000


cdef struct wait:
    uint64_t deadline
    uint64_t nap_ns
    uint64_t nap_end


cdef wait wait_until(uint64_t deadline) noexcept:
    """Return a wait that ends at ``deadline``."""
    return wait(deadline, FIRST_NAP_NS, 0)


cdef uint64_t nap(wait *w) noexcept nogil:
    """Return when the next sleep has to end."""
    w.nap_end = min(fmq_now_ns() + w.nap_ns, w.deadline)
    return w.nap_end


cdef bint is_rested(wait *w) noexcept:
    """Whether the end of the last sleep was not that of the wait."""
    w.nap_ns = min(2 * w.nap_ns, UINT64_MAX // 4)
    return w.nap_end < w.deadline
