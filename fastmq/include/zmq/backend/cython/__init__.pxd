# SPDX-License-Identifier: Apache-2.0

from zmq.backend.cython cimport libzmq
from zmq.backend.cython.context cimport Context
from zmq.backend.cython.message cimport Frame
from zmq.backend.cython.socket cimport Socket
