# SPDX-License-Identifier: Apache-2.0

cdef class _Proxy:
    """A proxy of the core while it runs."""

    cdef fmq_proxy *proxy

    def __dealloc__(self):
        fmq_proxy_free(self.proxy)


cdef fmq_socket proxied(thing, name, bint is_optional) except? 0:
    """Return the handle of a socket; 0 for None, where that is fine."""
    cdef fmq_socket handle
    if thing is None and is_optional:
        return 0
    if not isinstance(thing, Socket):
        raise TypeError(f"{name} must be a socket, not {type(thing).__name__}")
    handle = (<Socket>thing)._live()
    if handle == 0:
        fail(FMQ_ENOTSOCK)
    return handle


def proxy(frontend, backend, capture=None) -> int:
    """Pass messages between two sockets, both ways, until their context ends.

    Args:
        frontend: A socket.
        backend: Another one; or the same, which then gets its own messages back.
        capture: A socket that gets a copy of every message; it may hold up the proxy.

    Raises:
        ContextTerminated: The context has ended.
        ZMQError: Of a socket.
        TypeError: Not a socket.
    """
    return proxy_steerable(frontend, backend, capture)


def proxy_steerable(frontend, backend, capture=None, control=None) -> int:
    """Pass messages as ``proxy`` does, until ``control`` receives TERMINATE.

    Args:
        frontend: A socket.
        backend: Another one; or the same, which then gets its own messages back.
        capture: A socket that gets a copy of every message; it may hold up the proxy.
        control: A socket that takes ``PAUSE``, ``RESUME``, ``TERMINATE`` and
            ``STATISTICS``. The answer to the last is eight native 64-bit numbers in
            frames of their own: frames and bytes received from, and sent to, the
            frontend and then the backend. A REP answers the others with an empty
            message. What is no command is ignored.

    Returns:
        0, after TERMINATE.

    Raises:
        ContextTerminated: The context has ended.
        ZMQError: Of a socket.
        TypeError: Not a socket.
    """
    cdef _Proxy running = _Proxy()
    cdef int err = fmq_proxy_new(
        proxied(frontend, "frontend", False), proxied(backend, "backend", False),
        proxied(capture, "capture", True), proxied(control, "control", True),
        &running.proxy)
    if err != 0:
        fail(err)
    while True:
        with nogil:
            err = fmq_proxy_run(running.proxy)
        if not go_on(err):
            return 0
