# SPDX-License-Identifier: Apache-2.0
"""Versions of pyzmq and libzmq, whose interface and behaviour this package has.

Its own version is ``fastmq.__version__`` where it is not installed as ``zmq``.
"""

from __future__ import annotations

from .._core import zmq_version_info
from ..version import pyzmq_version, pyzmq_version_info, zmq_version

__all__ = [
    "__revision__",
    "__version__",
    "pyzmq_version",
    "pyzmq_version_info",
    "zmq_version",
    "zmq_version_info",
]

VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH = version_info = pyzmq_version_info()
VERSION_EXTRA = ""
__version__ = pyzmq_version()
__revision__ = ""
