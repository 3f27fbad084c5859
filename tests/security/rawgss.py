# SPDX-License-Identifier: Apache-2.0
"""A client of GSSAPI by hand, which says behind its handshake what no library would."""

from __future__ import annotations

import ctypes
import ctypes.util
import socket
import struct
from typing import Any

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01GSSAPI" + bytes(46)
MUTUAL_AND_REPLAY = 2 | 4


class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_char_p)]

    @classmethod
    def of(cls, data: bytes) -> Buffer:
        return cls(len(data), data)

    @property
    def data(self) -> bytes:
        return ctypes.string_at(
            ctypes.cast(
                ctypes.addressof(self) + Buffer.value.offset,
                ctypes.POINTER(ctypes.c_void_p),
            ).contents.value
            or 0,
            self.length,
        )


class RawClient:
    """Connects to a server, and is through with its handshake when it is made."""

    def __init__(self, endpoint: str, service: bytes, kind: bytes) -> None:
        name = ctypes.util.find_library("gssapi_krb5")
        assert name is not None
        self.lib = ctypes.CDLL(name)
        self.context = ctypes.c_void_p()
        self.target = ctypes.c_void_p()
        form = ctypes.c_void_p.in_dll(self.lib, "GSS_C_NT_HOSTBASED_SERVICE")
        self.call(
            "gss_import_name",
            ctypes.byref(Buffer.of(service)),
            form,
            ctypes.byref(self.target),
        )
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.socket.sendall(GREETING)
        self.read(64)
        self.say_initiate(self.step(None))
        self.step(self.hear()[13:])
        self.socket.sendall(b"\x04\x00")
        self.hear()  # READY, sealed
        size = struct.pack("!I", len(kind))
        self.say(b"\x00\x05READY\x0bSocket-Type" + size + kind, flags=4)

    def call(self, name: str, *arguments: Any) -> int:
        minor = ctypes.c_uint32()
        function = getattr(self.lib, name)
        function.restype = ctypes.c_uint32
        status: int = function(ctypes.byref(minor), *arguments)
        assert status in (0, 1), (name, status, minor.value)
        return status

    def step(self, token: bytes | None) -> bytes:
        out = Buffer()
        self.call(
            "gss_init_sec_context",
            None,
            ctypes.byref(self.context),
            self.target,
            None,
            ctypes.c_uint32(MUTUAL_AND_REPLAY),
            ctypes.c_uint32(0),
            None,
            None if token is None else ctypes.byref(Buffer.of(token)),
            None,
            ctypes.byref(out),
            None,
            None,
        )
        return out.data

    def say_initiate(self, token: bytes) -> None:
        self.frame(b"\x08INITIATE" + struct.pack("!I", len(token)) + token, 4)

    def say(self, text: bytes, is_sealed: bool = True, flags: int = 0) -> None:
        """Send flags and a body in a MESSAGE, sealed or only signed."""
        out = Buffer()
        self.call(
            "gss_wrap",
            self.context,
            int(is_sealed),
            ctypes.c_uint32(0),
            ctypes.byref(Buffer.of(text)),
            None,
            ctypes.byref(out),
        )
        token = out.data
        self.frame(b"\x07MESSAGE" + struct.pack("!I", len(token)) + token, flags)

    def frame(self, body: bytes, flags: int) -> None:
        self.socket.sendall(struct.pack("!BQ", flags | 2, len(body)) + body)

    def hear(self) -> bytes:
        flags = self.read(1)[0]
        size = struct.unpack("!Q", self.read(8))[0] if flags & 2 else self.read(1)[0]
        return self.read(size)

    def read(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            assert part
            data += part
        return data

    def is_cut_off(self) -> bool:
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self) -> None:
        self.socket.close()
