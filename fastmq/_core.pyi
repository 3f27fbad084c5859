# SPDX-License-Identifier: Apache-2.0
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextvars import Context as ContextOfVariables
from threading import Event
from types import ModuleType
from typing import Any, Generic, Literal, SupportsIndex, TypeVar, overload

from typing_extensions import Self, disjoint_base

from ._typing import Buffer
from .frame import Frame as PublicFrame
from .tracker import MessageTracker

_bytes = bytes
_T = TypeVar("_T")
_U = TypeVar("_U")

IPC_PATH_MAX_LEN: int
PYZMQ_DRAFT_API: bool

def zmq_errno() -> int: ...
def strerror(errno: int) -> str: ...
def zmq_version_info() -> tuple[int, int, int]: ...
def core_version() -> str: ...
def has(capability: str) -> bool: ...
def curve_keypair() -> tuple[bytes, bytes]: ...
def curve_public(secret_key: str | bytes | bytearray) -> bytes: ...
def collect() -> None: ...
def set_asyncio(asyncio: ModuleType) -> None: ...
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
    def send_many(
        self, messages: Iterable[PublicFrame | Buffer], *, timeout: float | None = None
    ) -> int: ...
    def recv_many(
        self, max_messages: SupportsIndex = 1000, *, timeout: float | None = None
    ) -> list[bytes]: ...
    def send_multipart_many(
        self,
        messages: Iterable[Sequence[PublicFrame | Buffer]],
        *,
        timeout: float | None = None,
    ) -> int: ...
    @overload
    def recv_multipart_many(
        self,
        max_messages: SupportsIndex = 1000,
        *,
        timeout: float | None = None,
        copy: Literal[True] = True,
    ) -> list[list[bytes]]: ...
    @overload
    def recv_multipart_many(
        self,
        max_messages: SupportsIndex = 1000,
        *,
        timeout: float | None = None,
        copy: bool = True,
    ) -> list[list[Any]]: ...
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

def get_event_loop() -> AbstractEventLoop: ...

@disjoint_base
class Future(Awaitable[_T], Generic[_T]):
    _asyncio_future_blocking: bool
    def __init__(self, *, loop: AbstractEventLoop | None = None) -> None: ...
    def __await__(self) -> Generator[Any, None, _T]: ...
    def __iter__(self) -> Generator[Any, None, _T]: ...
    def __next__(self) -> Any: ...
    def __class_getitem__(cls, item: Any) -> type[Future[Any]]: ...
    def get_loop(self) -> AbstractEventLoop: ...
    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def result(self) -> _T: ...
    def exception(self) -> BaseException | None: ...
    @property
    def n_sent(self) -> int: ...
    def cancel(self, msg: object = None) -> bool: ...
    def set_result(self, result: _T) -> None: ...
    def set_exception(self, exception: BaseException | type[BaseException]) -> None: ...
    def add_done_callback(
        self,
        fn: Callable[[Future[_T]], object],
        *,
        context: ContextOfVariables | None = None,
    ) -> None: ...
    def remove_done_callback(self, fn: Callable[[Future[_T]], object]) -> int: ...
    def _then(self, load: Callable[[_T], _U]) -> Future[_U]: ...

@disjoint_base
class _Bell:
    def __call__(self, *_: Any) -> None: ...

@disjoint_base
class LoopSocket(Socket):
    _recv_futures: deque[Future[Any]]
    _send_futures: deque[Future[Any]]
    _poll_futures: list[Future[int]]
    _bell: _Bell
    def _get_loop(self) -> AbstractEventLoop: ...
    def _watch(self, loop: AbstractEventLoop) -> None: ...
    def _unwatch(self) -> None: ...
    def _turn(self) -> None: ...

@disjoint_base
class ReturningSocket(LoopSocket): ...

@disjoint_base
class AsyncSocket(ReturningSocket):
    @overload  # type: ignore[override]
    def recv(
        self, flags: int = 0, copy: Literal[True] = True, track: bool = False
    ) -> Future[bytes]: ...
    @overload
    def recv(
        self, flags: int = 0, *, copy: Literal[False], track: bool = False
    ) -> Future[PublicFrame]: ...
    @overload
    def recv(
        self, flags: int, copy: Literal[False], track: bool = False
    ) -> Future[PublicFrame]: ...
    @overload
    def recv(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Future[Any]: ...
    @overload  # type: ignore[override]
    def recv_multipart(
        self, flags: int = 0, copy: Literal[True] = True, track: bool = False
    ) -> Future[list[bytes]]: ...
    @overload
    def recv_multipart(
        self, flags: int = 0, *, copy: Literal[False], track: bool = False
    ) -> Future[list[PublicFrame]]: ...
    @overload
    def recv_multipart(
        self, flags: int, copy: Literal[False], track: bool = False
    ) -> Future[list[PublicFrame]]: ...
    @overload
    def recv_multipart(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Future[list[Any]]: ...
    def recv_into(  # type: ignore[override]
        self, buffer: Buffer, /, *, nbytes: SupportsIndex = 0, flags: int = 0
    ) -> Future[int]: ...
    def send(  # type: ignore[override]
        self,
        data: Buffer,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> Future[MessageTracker | None]: ...
    def send_multipart(  # type: ignore[override]
        self,
        msg_parts: Sequence[PublicFrame | Buffer],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> Future[MessageTracker | None]: ...
    def send_many(  # type: ignore[override]
        self, messages: Iterable[PublicFrame | Buffer], *, timeout: float | None = None
    ) -> Future[int]: ...
    def recv_many(  # type: ignore[override]
        self, max_messages: SupportsIndex = 1000, *, timeout: float | None = None
    ) -> Future[list[bytes]]: ...
    def send_multipart_many(  # type: ignore[override]
        self,
        messages: Iterable[Sequence[PublicFrame | Buffer]],
        *,
        timeout: float | None = None,
    ) -> Future[int]: ...
    def recv_multipart_many(  # type: ignore[override]
        self,
        max_messages: SupportsIndex = 1000,
        *,
        timeout: float | None = None,
        copy: bool = True,
    ) -> Future[list[list[Any]]]: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Future[list[bytes]]: ...
    def poll(self, timeout: float | None = None, flags: int = 1) -> Future[int]: ...
