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


cdef _Proxy new_proxy(frontend, backend, capture, control):
    """Return a proxy that does not run yet."""
    cdef _Proxy made = _Proxy()
    cdef int err = fmq_proxy_new(
        proxied(frontend, "frontend", False), proxied(backend, "backend", False),
        proxied(capture, "capture", True), proxied(control, "control", True),
        &made.proxy)
    if err != 0:
        fail(err)
    return made


cdef int run_proxy(_Proxy made) except -1:
    """Run a proxy until it is told to end, and return 0."""
    cdef int err
    while True:
        with nogil:
            err = fmq_proxy_run(made.proxy)
        if not go_on(err):
            return 0


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
    return run_proxy(new_proxy(frontend, backend, capture, control))


def monitored_queue(
    in_socket, out_socket, mon_socket, in_prefix=b"in", out_prefix=b"out"
) -> int:
    """Pass messages as ``proxy`` does; the copies say from which side they came.

    Between two ROUTERs the first two frames of a message change places, so that a
    message for a peer of the other one (its routing id, then the body) reaches it with
    the sender's routing id; what has no body is dropped.

    Args:
        in_socket: A socket.
        out_socket: Another one; or the same, which then gets its own messages back.
        mon_socket: A socket that gets a copy of every message, behind one more frame.
        in_prefix: That frame, for what ``in_socket`` received.
        out_prefix: That frame, for what ``out_socket`` received.

    Raises:
        ContextTerminated: The context has ended.
        ZMQError: Of a socket.
        TypeError: Not a socket, or not bytes.
    """
    cdef fmq_proxy_tags tags
    for name, prefix in (("in_prefix", in_prefix), ("out_prefix", out_prefix)):
        if not isinstance(prefix, bytes):
            raise TypeError(f"{name} must be bytes, not {type(prefix).__name__}")
    if not isinstance(mon_socket, Socket):
        raise TypeError(f"mon_socket must be a socket, not {type(mon_socket).__name__}")
    cdef _Proxy made = new_proxy(in_socket, out_socket, mon_socket, None)
    tags.front = PyBytes_AS_STRING(in_prefix)
    tags.front_len = <size_t>PyBytes_GET_SIZE(in_prefix)
    tags.back = PyBytes_AS_STRING(out_prefix)
    tags.back_len = <size_t>PyBytes_GET_SIZE(out_prefix)
    cdef int err = fmq_proxy_tag(made.proxy, &tags)
    if err != 0:
        fail(err)
    return run_proxy(made)
