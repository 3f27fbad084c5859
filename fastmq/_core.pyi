# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, Literal, SupportsIndex, overload

from typing_extensions import Buffer, Self, disjoint_base

from .frame import Frame as PublicFrame
from .tracker import MessageTracker

_bytes = bytes

IPC_PATH_MAX_LEN: int
PYZMQ_DRAFT_API: bool

def zmq_errno() -> int: ...
def strerror(errno: int) -> str: ...
def zmq_version_info() -> tuple[int, int, int]: ...
def core_version() -> str: ...
def has(capability: str) -> bool: ...
def collect() -> None: ...
def loans() -> dict[int, tuple[Any, Event | None]]: ...
def _at_exit() -> None: ...
def _after_fork() -> None: ...
def set_frame_class(
    cls: type[PublicFrame],
    tracker: Callable[[], tuple[MessageTracker, Event]],
    finished: MessageTracker,
    threshold: Callable[[], int],
) -> None: ...
def zmq_poll(
    sockets: Sequence[tuple[Any, int]], timeout: float | None = -1
) -> list[tuple[Any, int]]: ...
def proxy(frontend: Socket, backend: Socket, capture: Socket | None = None) -> int: ...
def proxy_steerable(
    frontend: Socket,
    backend: Socket,
    capture: Socket | None = None,
    control: Socket | None = None,
) -> int: ...
def monitored_queue(
    in_socket: Socket,
    out_socket: Socket,
    mon_socket: Socket,
    in_prefix: bytes = b"in",
    out_prefix: bytes = b"out",
) -> int: ...

@disjoint_base
class Context:
    _owner_pid: int
    def __init__(self, io_threads: int = 1, shadow: int = 0) -> None: ...
    @property
    def underlying(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def set(self, option: int, optval: int | str | _bytes) -> None: ...
    def get(self, option: int) -> Any: ...
    def term(self, timeout: int | None = None) -> None: ...

@disjoint_base
class Frame:
    more: bool
    tracker: MessageTracker | None
    tracker_event: Event | None
    def __init__(
        self,
        data: Buffer | None = None,
        track: bool = False,
        copy: bool | None = None,
        copy_threshold: int | None = None,
        **ignored: Any,
    ) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __len__(self) -> int: ...
    @property
    def bytes(self) -> _bytes: ...
    @property
    def buffer(self) -> memoryview: ...
    def get(self, option: int | str | _bytes) -> Any: ...
    def __getitem__(self, option: int | str | _bytes, /) -> Any: ...
    def __copy__(self) -> Self: ...

@disjoint_base
class Socket:
    _owner_pid: int
    context: Any
    copy_threshold: int
    def __init__(
        self,
        context: Context | None = None,
        socket_type: int = -1,
        shadow: int = 0,
        copy_threshold: int | None = None,
    ) -> None: ...
    @property
    def underlying(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def close(self, linger: int | None = None) -> None: ...
    def set(self, option: int, optval: int | bytes) -> None: ...
    def get(self, option: int) -> Any: ...
    def bind(self, addr: str | bytes) -> None: ...
    def monitor(self, addr: str | _bytes | None, events: int = 0xFFFF) -> None: ...
    def connect(self, addr: str | bytes) -> None: ...
    def unbind(self, addr: str | bytes) -> None: ...
    def disconnect(self, addr: str | bytes) -> None: ...
    @overload
    def send(
        self,
        data: Buffer,
        flags: int = 0,
        copy: Literal[True] = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> None: ...
    @overload
    def send(
        self,
        data: Buffer,
        flags: int = 0,
        *,
        copy: Literal[False],
        track: Literal[True],
        routing_id: int | None = None,
        group: str | None = None,
    ) -> MessageTracker: ...
    @overload
    def send(
        self,
        data: Buffer,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> MessageTracker | None: ...
    @overload
    def recv(
        self, flags: int = 0, copy: Literal[True] = True, track: bool = False
    ) -> bytes: ...
    @overload
    def recv(
        self, flags: int = 0, *, copy: Literal[False], track: bool = False
    ) -> PublicFrame: ...
    @overload
    def recv(
        self, flags: int, copy: Literal[False], track: bool = False
    ) -> PublicFrame: ...
    @overload
    def recv(
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> bytes | PublicFrame: ...
    def recv_into(
        self, buffer: Buffer, /, *, nbytes: SupportsIndex = 0, flags: int = 0
    ) -> int: ...
    def send_multipart(
        self,
        msg_parts: Sequence[PublicFrame | Buffer],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> MessageTracker | None: ...
    @overload
    def recv_multipart(
        self, flags: int = 0, copy: Literal[True] = True, track: bool = False
    ) -> list[bytes]: ...
    @overload
    def recv_multipart(
        self, flags: int = 0, *, copy: Literal[False], track: bool = False
    ) -> list[PublicFrame]: ...
    @overload
    def recv_multipart(
        self, flags: int, copy: Literal[False], track: bool = False
    ) -> list[PublicFrame]: ...
    @overload
    def recv_multipart(
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> list[bytes] | list[PublicFrame]: ...
