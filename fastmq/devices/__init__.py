# SPDX-License-Identifier: Apache-2.0
"""Devices: pairs of sockets that pass messages on, in a thread or process of their own.

A device is told first what its sockets are to be, and makes them where it runs.

=====================  ==============================================================
``Device``             passes messages between two sockets
``Proxy``              the same, and a copy of each to a third
``ProxySteerable``     the same, and a fourth one that commands it
``MonitoredQueue``     as ``Proxy``; the copies say from which side they came
``ThreadX``            X in a thread
``ProcessX``           X in a process
=====================  ==============================================================
"""

from __future__ import annotations

from .._core import monitored_queue
from . import basedevice as basedevice
from . import monitoredqueue as monitoredqueue
from . import monitoredqueuedevice as monitoredqueuedevice
from . import proxydevice as proxydevice
from . import proxysteerabledevice as proxysteerabledevice
from .basedevice import Device, ProcessDevice, ThreadDevice
from .monitoredqueuedevice import (
    MonitoredQueue,
    ProcessMonitoredQueue,
    ThreadMonitoredQueue,
)
from .proxydevice import ProcessProxy, Proxy, ThreadProxy
from .proxysteerabledevice import (
    ProcessProxySteerable,
    ProxySteerable,
    ThreadProxySteerable,
)

__all__ = [
    "Device",
    "MonitoredQueue",
    "ProcessDevice",
    "ProcessMonitoredQueue",
    "ProcessProxy",
    "ProcessProxySteerable",
    "Proxy",
    "ProxySteerable",
    "ThreadDevice",
    "ThreadMonitoredQueue",
    "ThreadProxy",
    "ThreadProxySteerable",
    "monitored_queue",
]
