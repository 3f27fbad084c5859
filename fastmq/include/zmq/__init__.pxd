# SPDX-License-Identifier: Apache-2.0
# For Cython: `from zmq cimport Context, Frame, Socket`, where fastmq stands for zmq.
# The types are those of the core; their methods are called as Python's.

from zmq.backend.cython cimport Context, Frame, Socket, libzmq
