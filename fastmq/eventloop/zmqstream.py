# SPDX-License-Identifier: Apache-2.0
"""A socket that calls back: messages in and out on Tornado's loop."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from warnings import warn

from tornado.ioloop import IOLoop
from tornado.log import gen_log

from .. import (
    EAGAIN,
    NOBLOCK,
    POLLIN,
    POLLOUT,
    ContextTerminated,
    MessageTracker,
    Poller,
    Socket,
    ZMQError,
)
from .._future import _AsyncSocket
from ..utils import jsonapi

__all__ = ["ZMQStream", "gen_log"]

_PASSED_ON = (
    *("bind", "bind_to_random_port", "connect", "setsockopt", "getsockopt"),
    *("setsockopt_string", "setsockopt_unicode"),
    *("getsockopt_string", "getsockopt_unicode"),
)


class ZMQStream:
    """Registers a socket with a loop, and calls functions with what it receives.

    ``send`` never waits: messages leave in their order, as the socket takes them. What
    the socket can do besides (``bind``, ``connect``, options) is there as well.

    Args:
        socket: A blocking socket. Of an asynchronous one a blocking object is made.
        io_loop: The loop; by default the current one.
    """

    socket: Any
    io_loop: Any
    bind: Callable[..., Any]
    bind_to_random_port: Callable[..., int]
    connect: Callable[..., Any]
    setsockopt: Callable[..., None]
    getsockopt: Callable[..., Any]
    setsockopt_string: Callable[..., None]
    setsockopt_unicode: Callable[..., None]
    getsockopt_string: Callable[..., str]
    getsockopt_unicode: Callable[..., str]

    def __init__(self, socket: Socket[Any], io_loop: IOLoop | None = None) -> None:
        if isinstance(socket, _AsyncSocket):
            warn(
                f"ZMQStream uses the blocking API: a shadow of {socket!r} is made",
                RuntimeWarning,
                stacklevel=2,
            )
            socket = Socket(shadow=socket)
        self.socket = socket
        self.io_loop = io_loop or IOLoop.current()
        self.poller = Poller()
        self._fd = socket.FD
        self._queue: deque[tuple[Any, dict[str, Any], Any]] = deque()
        self._recv_callback: Callable[[Any], Any] | None = None
        self._recv_copy = True
        self._send_callback: Callable[[Any, Any], Any] | None = None
        self._close_callback: Callable[[], Any] | None = None
        self._err_callback: Callable[[], Any] | None = None
        self._is_scheduled = False
        self._flushed = False
        for name in _PASSED_ON:
            setattr(self, name, getattr(socket, name))
        self.io_loop.add_handler(socket, self._handle_events, IOLoop.READ)
        # What came before this is not told of again.
        self._schedule()

    # What to call

    def on_recv(self, callback: Callable[[Any], Any] | None, copy: bool = True) -> None:
        """Have a function called with each message.

        Args:
            callback: Takes the list of its parts; may be a coroutine function. None
                stops receiving.
            copy: Parts are bytes if true, else frames.
        """
        assert callback is None or callable(callback), f"not callable: {callback!r}"
        self._recv_callback = callback
        self._recv_copy = copy
        self._schedule()

    def on_recv_stream(
        self, callback: Callable[[ZMQStream, Any], Any] | None, copy: bool = True
    ) -> None:
        """Have a function called with this stream and each message.

        Args:
            callback: As for ``on_recv``, with the stream first.
            copy: As for ``on_recv``.
        """
        if callback is None:
            self.stop_on_recv()
            return
        self.on_recv(lambda parts: callback(self, parts), copy=copy)

    def stop_on_recv(self) -> None:
        """Stop receiving."""
        self.on_recv(None)

    def on_send(self, callback: Callable[[Any, Any], Any] | None) -> None:
        """Have a function called after each message that was sent.

        Args:
            callback: Takes the list of parts and what the send returned: None or a
                tracker, or the exception it raised.
        """
        assert callback is None or callable(callback), f"not callable: {callback!r}"
        self._send_callback = callback

    def on_send_stream(
        self, callback: Callable[[ZMQStream, Any, Any], Any] | None
    ) -> None:
        """Have a function called with this stream after each message that was sent.

        Args:
            callback: As for ``on_send``, with the stream first.
        """
        if callback is None:
            self.stop_on_send()
            return
        self.on_send(lambda parts, status: callback(self, parts, status))

    def stop_on_send(self) -> None:
        """Do not tell of messages that were sent any more."""
        self.on_send(None)

    def on_err(self, callback: Callable[[], Any] | None) -> None:
        """Have a function called when the loop reports an error; deprecated.

        Args:
            callback: Takes nothing.
        """
        warn("on_err does nothing", DeprecationWarning, stacklevel=2)
        self._err_callback = callback

    def stop_on_err(self) -> None:
        """Undo ``on_err``; deprecated."""
        warn("on_err does nothing", DeprecationWarning, stacklevel=2)
        self._err_callback = None

    def set_close_callback(self, callback: Callable[[], Any] | None) -> None:
        """Have a function called once the stream has been closed.

        Args:
            callback: Takes nothing.
        """
        self._close_callback = callback

    # Sending

    def send(
        self,
        msg: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a message of one part.

        Args:
            msg: As for ``Socket.send``.
            flags: As for ``Socket.send``.
            copy: As for ``Socket.send``.
            track: As for ``Socket.send``.
            callback: As for ``on_send``, for this message and those after it.
            kwargs: As for ``Socket.send``.
        """
        kwargs.update(flags=flags, copy=copy, track=track)
        self._send([msg], kwargs, callback)

    def send_multipart(
        self,
        msg: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a message.

        Args:
            msg: Its parts, as for ``Socket.send_multipart``.
            flags: As for ``Socket.send``.
            copy: As for ``Socket.send``.
            track: As for ``Socket.send``.
            callback: As for ``send``.
            kwargs: As for ``Socket.send_multipart``.
        """
        kwargs.update(flags=flags, copy=copy, track=track)
        self._send(msg, kwargs, callback)

    def send_string(
        self,
        u: str,
        flags: int = 0,
        encoding: str = "utf-8",
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue an encoded str.

        Args:
            u: The text.
            flags: As for ``send``.
            encoding: How to make bytes of it.
            callback: As for ``send``.
            kwargs: As for ``send``.
        """
        if not isinstance(u, str):
            raise TypeError("str objects only")
        self.send(u.encode(encoding), flags=flags, callback=callback, **kwargs)

    send_unicode = send_string

    def send_json(
        self,
        obj: Any,
        flags: int = 0,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue an object as JSON.

        Args:
            obj: What the ``json`` module takes.
            flags: As for ``send``.
            callback: As for ``send``.
            kwargs: Keywords of ``send``; others are for ``json.dumps``.
        """
        extra = {k: kwargs.pop(k) for k in ("copy", "track") if k in kwargs}
        body = jsonapi.dumps(obj, **kwargs)
        self.send(body, flags=flags, callback=callback, **extra)

    def send_pyobj(
        self,
        obj: Any,
        flags: int = 0,
        protocol: int = -1,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue an object as a pickle.

        Args:
            obj: The object.
            flags: As for ``send``.
            protocol: The version of the pickle, -1 for the newest.
            callback: As for ``send``.
            kwargs: As for ``send``.
        """
        body = pickle.dumps(obj, protocol)
        self.send(body, flags=flags, callback=callback, **kwargs)

    def _send(
        self, parts: Sequence[Any], kwargs: dict[str, Any], callback: Any
    ) -> None:
        self._live()
        if callback is not None:
            self.on_send(callback)
        self._queue.append((parts, kwargs, self._send_callback))
        self._schedule()

    # State

    def receiving(self) -> bool:
        """Return whether somebody is called with messages."""
        return self._recv_callback is not None

    def sending(self) -> bool:
        """Return whether messages wait to be sent."""
        return bool(self._queue)

    def closed(self) -> bool:
        """Return whether the stream, or the socket under it, is closed."""
        if self.socket is None:
            return True
        if self.socket.closed:
            warn(
                f"Unregistering FD {self._fd} after closing socket: that may be "
                "another's by now. Close the stream, not the socket.",
                RuntimeWarning,
                stacklevel=2,
            )
            self._forget(self._fd)
            return True
        return False

    def close(self, linger: int | None = None) -> None:
        """Close the stream and its socket.

        Args:
            linger: Milliseconds that unsent messages have left; None keeps the option.
        """
        if self.socket is None:
            return
        if self.socket.closed:
            self.closed()
            return
        socket = self.socket
        self._forget(socket)
        socket.close(linger)

    def _forget(self, handled: Any) -> None:
        self.io_loop.remove_handler(handled)
        self.socket = None
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            self._run(callback)

    def _live(self) -> None:
        if self.closed():
            raise OSError("Stream is closed")

    def flush(self, flag: int = POLLIN | POLLOUT, limit: int | None = None) -> int:
        """Receive and send what can be done now, without the loop.

        What is received while nobody is called with messages is dropped.

        Args:
            flag: ``POLLIN`` to receive, ``POLLOUT`` to send, or both.
            limit: How many messages at most, in either direction.

        Returns:
            How many messages there were.
        """
        self._live()
        self._flushed = False
        count = 0
        while limit is None or count < limit:
            events = self.socket.EVENTS & flag
            if events & POLLIN:
                self._receive(drop=True)
            elif events & POLLOUT and self._queue:
                self._send_next()
            else:
                break
            count += 1
            self._flushed = True
            if self.socket is None:
                return count
        self._schedule()
        return count

    # The loop

    def _schedule(self) -> None:
        """Look at the socket in the loop's next turn."""
        if not self._is_scheduled and self.socket is not None:
            self._is_scheduled = True
            self.io_loop.add_callback(self._look_again)

    def _look_again(self) -> None:
        self._is_scheduled = False
        if self.socket is not None:
            self._handle_events(self.socket, 0)

    def _handle_events(self, fd: Any, events: int) -> None:
        """Receive one message and send one, as the socket is ready."""
        if self.socket is None:
            gen_log.warning("Got events for closed stream %s", self)
            return
        try:
            ready = self.socket.EVENTS
        except ContextTerminated:
            gen_log.warning("Got events for stream %s after its context ended", self)
            self.closed()
            return
        except ZMQError as error:
            gen_log.warning(
                "Got events for stream %s of a closed socket: %s", self, error
            )
            self.closed()
            return
        try:
            if ready & POLLIN and self.receiving():
                self._receive()
            if self.socket is not None and ready & POLLOUT and self.sending():
                self._send_next()
        except Exception:
            gen_log.error("Uncaught exception in ZMQStream callback", exc_info=True)
            raise
        finally:
            if self.socket is not None and not self.socket.closed:
                self._go_on()

    def _go_on(self) -> None:
        ready = self.socket.EVENTS
        if (ready & POLLIN and self.receiving()) or (
            ready & POLLOUT and self.sending()
        ):
            # The descriptor does not tell of what is there already.
            self._schedule()

    def _receive(self, drop: bool = False) -> None:
        try:
            parts = self.socket.recv_multipart(NOBLOCK, copy=self._recv_copy)
        except ZMQError as error:
            if error.errno != EAGAIN:
                raise
            return
        if self._recv_callback is not None:
            self._run(self._recv_callback, parts)

    def _send_next(self) -> None:
        parts, kwargs, callback = self._queue[0]
        status: MessageTracker | Exception | None
        try:
            flags = kwargs["flags"] | NOBLOCK
            status = self.socket.send_multipart(parts, **{**kwargs, "flags": flags})
        except ZMQError as error:
            if error.errno == EAGAIN:
                return
            gen_log.error("SEND Error: %s", error)
            status = error
        self._queue.popleft()
        if callback is not None:
            self._run(callback, parts, status)

    def _run(self, callback: Callable[..., Any], *args: Any) -> None:
        try:
            result = callback(*args)
            if inspect.isawaitable(result):
                asyncio.ensure_future(result).add_done_callback(_log_failure)
        except Exception:
            gen_log.error("Uncaught exception in ZMQStream callback", exc_info=True)
            raise


def _log_failure(ended: asyncio.Future[Any]) -> None:
    if not ended.cancelled() and ended.exception() is not None:
        gen_log.error(
            "Uncaught exception in ZMQStream callback", exc_info=ended.exception()
        )
