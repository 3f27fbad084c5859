# SPDX-License-Identifier: Apache-2.0
"""Waiting so that no signal is slept through.

A handler of Python runs when a call comes back, which a signal makes it do if it finds
the thread asleep. It may come between the last look and the sleep, or reach another
thread; then it only leaves a mark. So a call sleeps in naps, each twice as long as the
one before, and looks for marks in between.
"""

cdef enum:
    FIRST_NAP_NS = 100000000


cdef struct wait:
    uint64_t deadline
    uint64_t nap_ns
    uint64_t nap_end


cdef wait wait_until(uint64_t deadline) noexcept:
    """Return a wait that ends at ``deadline``; 0 waits for nothing."""
    return wait(deadline, FIRST_NAP_NS, 0)


cdef uint64_t nap(wait *w) noexcept nogil:
    """Return when the next sleep has to end."""
    if w.deadline == 0:
        return 0
    w.nap_end = min(fmq_now_ns() + w.nap_ns, w.deadline)
    return w.nap_end


cdef bint is_rested(wait *w, int err) noexcept:
    """Whether that error means the end of a nap, and not of the wait."""
    if err != EAGAIN or w.deadline == 0 or w.nap_end == w.deadline:
        return False
    w.nap_ns = min(2 * w.nap_ns, UINT64_MAX // 4)
    return True


cdef int go_on_waiting(wait *w, int err) except -1:
    """Do as go_on, after a call that was to end at ``nap``."""
    return go_on(EINTR if is_rested(w, err) else err)
