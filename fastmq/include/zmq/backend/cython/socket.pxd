# SPDX-License-Identifier: Apache-2.0

cdef extern from *:
    # What is inside is the core's own affair.
    ctypedef class fastmq._core.Socket [object PyObject, check_size ignore]:
        pass
