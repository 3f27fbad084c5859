# SPDX-License-Identifier: Apache-2.0
"""The system's libzmq through ctypes: the wheels of pyzmq are built without GSSAPI.

As little of pyzmq's interface as kerberos_peer.py needs, by the same names.
FASTMQ_TEST_LIBZMQ names another library.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import functools
import os
from typing import Any

DONTWAIT, SNDMORE = 1, 2
LAST_ENDPOINT, RCVMORE, RCVTIMEO = 32, 13, 27


class ZMQError(Exception):
    """A call failed."""

    def __init__(self, number: int) -> None:
        super().__init__(number, _library().zmq_strerror(number).decode())
        self.errno = number


@functools.cache
def _library() -> Any:
    name = os.environ.get("FASTMQ_TEST_LIBZMQ") or ctypes.util.find_library("zmq")
    if name is None:
        raise OSError(errno.ENOENT, "no libzmq")
    lib = ctypes.CDLL(name, use_errno=True)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for name, result, *arguments in (
        ("zmq_strerror", text, ctypes.c_int),
        ("zmq_version", None, pointer, pointer, pointer),
        ("zmq_ctx_new", pointer),
        ("zmq_ctx_term", ctypes.c_int, pointer),
        ("zmq_socket", pointer, pointer, ctypes.c_int),
        ("zmq_close", ctypes.c_int, pointer),
        ("zmq_bind", ctypes.c_int, pointer, text),
        ("zmq_connect", ctypes.c_int, pointer, text),
        ("zmq_socket_monitor", ctypes.c_int, pointer, text, ctypes.c_int),
        ("zmq_send", ctypes.c_int, pointer, text, ctypes.c_size_t, ctypes.c_int),
        ("zmq_msg_init", ctypes.c_int, pointer),
        ("zmq_msg_recv", ctypes.c_int, pointer, pointer, ctypes.c_int),
        ("zmq_msg_close", ctypes.c_int, pointer),
        ("zmq_msg_data", pointer, pointer),
        ("zmq_msg_size", ctypes.c_size_t, pointer),
        ("zmq_msg_gets", text, pointer, text),
        (
            "zmq_setsockopt",
            ctypes.c_int,
            pointer,
            ctypes.c_int,
            pointer,
            ctypes.c_size_t,
        ),
        ("zmq_getsockopt", ctypes.c_int, pointer, ctypes.c_int, pointer, pointer),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def has(capability: str) -> bool:
    """Return whether there is a libzmq that has it."""
    try:
        return bool(_library().zmq_has(capability.encode()))
    except OSError:
        return False


def version() -> tuple[int, ...]:
    numbers = [ctypes.c_int() for _ in range(3)]
    _library().zmq_version(*map(ctypes.byref, numbers))
    return tuple(number.value for number in numbers)


def _call(name: str, *arguments: Any) -> Any:
    result = getattr(_library(), name)(*arguments)
    if result is None or result == -1:
        raise ZMQError(ctypes.get_errno())
    return result


class Frame:
    """What one part of a message held, and the properties of its peer."""

    def __init__(self, data: bytes, user_id: bytes | None) -> None:
        self.bytes, self.user_id = data, user_id

    def get(self, name: str) -> str | None:
        assert name == "User-Id"
        return None if self.user_id is None else self.user_id.decode()


class Socket:
    def __init__(self, context: Context, kind: int) -> None:
        self.handle = _call("zmq_socket", context.handle, kind)

    def setsockopt(self, option: int, value: int | bytes) -> None:
        held = value if isinstance(value, bytes) else ctypes.byref(ctypes.c_int(value))
        size = len(value) if isinstance(value, bytes) else 4
        _call("zmq_setsockopt", self.handle, option, held, size)

    def getsockopt(self, option: int) -> int | bytes:
        """Return an integer where there is room for no more, else text."""
        for room, is_text in ((4, False), (256, True)):
            value = ctypes.create_string_buffer(room)
            size = ctypes.c_size_t(room)
            try:
                _call("zmq_getsockopt", self.handle, option, value, ctypes.byref(size))
            except ZMQError:
                if is_text:
                    raise
            else:
                if is_text:
                    return value.raw[: size.value - 1]
                if size.value == room:
                    return int.from_bytes(value.raw, "little")
        raise AssertionError

    @property
    def last_endpoint(self) -> bytes:
        value = self.getsockopt(LAST_ENDPOINT)
        assert isinstance(value, bytes)
        return value

    def bind(self, endpoint: str) -> None:
        _call("zmq_bind", self.handle, endpoint.encode())

    def connect(self, endpoint: str) -> None:
        _call("zmq_connect", self.handle, endpoint.encode())

    def monitor(self, endpoint: str, events: int) -> None:
        _call("zmq_socket_monitor", self.handle, endpoint.encode(), events)

    def send_multipart(self, parts: list[bytes]) -> None:
        for i, part in enumerate(parts):
            more = SNDMORE if i + 1 < len(parts) else 0
            _call("zmq_send", self.handle, part, len(part), more)

    def recv_multipart(self, copy: bool = True) -> list[Any]:
        frames = [self._recv()]
        while self.getsockopt(RCVMORE):
            frames.append(self._recv())
        return [frame.bytes for frame in frames] if copy else frames

    def _recv(self) -> Frame:
        message = ctypes.create_string_buffer(64)
        _call("zmq_msg_init", message)
        _call("zmq_msg_recv", message, self.handle, 0)
        size = _library().zmq_msg_size(message)
        data = ctypes.string_at(_library().zmq_msg_data(message), size)
        frame = Frame(data, _library().zmq_msg_gets(message, b"User-Id"))
        _call("zmq_msg_close", message)
        return frame

    def close(self) -> None:
        _call("zmq_close", self.handle)


class Context:
    def __init__(self) -> None:
        self.handle = _call("zmq_ctx_new")

    def socket(self, kind: int) -> Socket:
        return Socket(self, kind)

    def term(self) -> None:
        _call("zmq_ctx_term", self.handle)
