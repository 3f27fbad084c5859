# SPDX-License-Identifier: Apache-2.0
"""Contexts: what sockets live in."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast, overload
from warnings import warn
from weakref import WeakSet

from . import _core
from ._alias import public_name
from .constants import ContextOption, Errno, SocketOption
from .error import ZMQError
from .options import declares
from .socket import Socket
from .utils.interop import cast_int_addr

if TYPE_CHECKING:
    from typing_extensions import Self, TypeVar

    SocketT = TypeVar(
        "SocketT", bound=Socket[Any], covariant=True, default=Socket[bytes]
    )
else:
    from typing import TypeVar

    SocketT = TypeVar("SocketT", bound=Socket[Any], covariant=True)

__all__ = ["Context", "SyncContext", "SyncSocket"]

OtherT = TypeVar("OtherT", bound=Socket[Any])

_exiting = False


def _at_exit() -> None:
    # A program that ends with contexts open ends at once; nothing waits for linger.
    global _exiting
    _exiting = True
    _core._at_exit()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core._after_fork)


class Context(_core.Context, Generic[SocketT]):
    """What sockets live in: usually one for a process.

    Args:
        io_threads: Threads for input and output; or a context to share.
        shadow: A context, or the address (``underlying``) of one, to share.

    >>> import fastmq
    >>> with fastmq.Context() as ctx:
    ...     with ctx.socket(fastmq.PULL) as pull:
    ...         pull.type.name
    'PULL'
    """

    _instance: ClassVar[Any] = None
    _instance_lock: ClassVar[Lock] = Lock()
    _instance_pid: ClassVar[int | None] = None
    _repr_cls = "fastmq.Context"
    _shadow = False
    _shadow_obj: Any = None
    _warn_destroy_close = False
    # Sockets are of this class unless ``socket`` is told otherwise.
    _socket_class: Callable[..., Any] = Socket

    # Defaults of the options of new sockets.
    sockopts: dict[int, Any]
    _sockets: WeakSet[Any]
    # The addresses of all sockets that are not closed.
    _handles: set[int]

    @overload
    def __init__(self: Context[Socket[bytes]], io_threads: int = 1) -> None: ...

    @overload
    def __init__(self: Context[Socket[bytes]], io_threads: Context[Any], /) -> None: ...

    @overload
    def __init__(
        self: Context[Socket[bytes]], *, shadow: Context[Any] | int
    ) -> None: ...

    def __init__(
        self, io_threads: int | Context[Any] = 1, shadow: Context[Any] | int = 0
    ) -> None:
        if isinstance(io_threads, Context):
            shadow, io_threads = io_threads, 1
        if isinstance(shadow, Context):
            self._shadow_obj = shadow
            shadow = shadow.underlying
        address = cast_int_addr(shadow) if shadow else 0
        self._shadow = address != 0
        self.sockopts = {}
        self._sockets = WeakSet()
        self._handles = set()
        super().__init__(io_threads=io_threads, shadow=address)

    def __del__(self) -> None:
        if self._shadow or _exiting or self.closed:
            return
        if self._owner_pid != os.getpid():
            return
        self._warn_destroy_close = True
        warn(f"Unclosed context {self}", ResourceWarning, stacklevel=2, source=self)
        # Sockets forgotten together with the context are open still, and no weak
        # reference leads to them any more.
        for handle in tuple(self._handles):
            Socket.shadow(handle).close()
        self.destroy()

    def __repr__(self) -> str:
        cls = self.__class__
        name = cls.__dict__.get("_repr_cls", f"{cls.__module__}.{cls.__name__}")
        n = len(self._sockets)
        sockets = "" if n == 0 else f"{n} socket{'s' if n > 1 else ''}"
        closed = " closed" if self.closed else ""
        return f"<{public_name(name)}({sockets}) at {id(self):#x}{closed}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        # Leaving with sockets open is a mistake, but it has to end.
        self._warn_destroy_close = True
        self.destroy()

    def __copy__(self, memo: Any = None) -> Self:
        return self.__class__.shadow(self.underlying)

    __deepcopy__ = __copy__

    @classmethod
    def shadow(cls, address: int | Context[Any]) -> Self:
        """Return a context object for a context that there is already.

        Args:
            address: The context, or its address (``underlying``).
        """
        return cls(shadow=address)

    @classmethod
    def shadow_pyczmq(cls, ctx: Any) -> Self:
        """Raise NotImplementedError: a context of CZMQ is libzmq's, and none of ours.

        Args:
            ctx: A context of pyczmq.
        """
        raise NotImplementedError("contexts of CZMQ are libzmq's, which this is not")

    @classmethod
    def instance(cls, io_threads: int = 1) -> Self:
        """Return the context that all of the process share, made when first asked for.

        Args:
            io_threads: Threads for input and output, if it is made now.
        """
        if not cls._has_instance():
            with cls._instance_lock:
                if not cls._has_instance():
                    cls._instance = cls(io_threads=io_threads)
                    cls._instance_pid = os.getpid()
        return cast("Self", cls._instance)

    @classmethod
    def _has_instance(cls) -> bool:
        instance = cls._instance
        return (
            instance is not None
            and cls._instance_pid == os.getpid()
            and not instance.closed
        )

    @overload
    def socket(
        self, socket_type: int, socket_class: Callable[..., OtherT], **kwargs: Any
    ) -> OtherT: ...

    @overload
    def socket(
        self, socket_type: int, socket_class: None = None, **kwargs: Any
    ) -> SocketT: ...

    def socket(
        self,
        socket_type: int,
        socket_class: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return a new socket.

        Args:
            socket_type: A member of ``SocketType``.
            socket_class: Its class, or any function of a context and a type.
            kwargs: Further arguments of the class.

        Raises:
            ZMQError: The context is closed (ENOTSUP), there is no such type (EINVAL),
                or there are too many sockets (EMFILE).
        """
        if self.closed:
            raise ZMQError(Errno.ENOTSUP)
        make = socket_class or self._socket_class
        socket = make(self, socket_type, **kwargs)
        try:
            self._set_defaults(socket)
        except BaseException:
            socket.close(linger=0)
            raise
        self._add_socket(socket)
        return socket

    def _set_defaults(self, socket: Any) -> None:
        for option, value in self.sockopts.items():
            try:
                socket.setsockopt(option, value)
            except ZMQError:
                # Not an option of this type of socket.
                continue

    def destroy(self, linger: int | None = None) -> None:
        """Close the sockets made by this object, and terminate.

        Not safe while other threads use the sockets.

        Args:
            linger: Milliseconds that unsent messages have left; None keeps the option.
        """
        if self.closed:
            return
        sockets = [socket for socket in self._sockets if not socket.closed]
        if sockets and self._warn_destroy_close:
            warn(
                f"Destroying context with unclosed socket {self}",
                ResourceWarning,
                stacklevel=3,
                source=self,
            )
        for socket in sockets:
            socket.close(linger=linger)
        self._sockets.clear()
        self.term()

    def setsockopt(self, opt: int, value: Any) -> None:
        """Set the default of an option for new sockets.

        Args:
            opt: A member of ``SocketOption``.
            value: Its value.
        """
        self.sockopts[opt] = value

    def getsockopt(self, opt: int) -> Any:
        """Return the default of an option for new sockets.

        Args:
            opt: A member of ``SocketOption``.

        Raises:
            KeyError: It was not set.
        """
        return self.sockopts[opt]

    def __getattr__(self, key: str) -> Any:
        upper = key.upper()
        if upper == "BLOCKY":
            return self.get(SocketOption.BLOCKY)
        if upper in ContextOption.__members__:
            try:
                return self.get(ContextOption[upper])
            except ZMQError:
                raise AttributeError(f"{key} attribute is write-only") from None
        if upper not in SocketOption.__members__:
            name = self.__class__.__name__
            raise AttributeError(f"{name} has no such option: {upper}")
        try:
            return self.sockopts[SocketOption[upper]]
        except KeyError:
            raise AttributeError(upper) from None

    def __setattr__(self, key: str, value: Any) -> None:
        if key in self.__dict__ or declares(type(self), key):
            object.__setattr__(self, key, value)
            return
        upper = key.upper()
        if upper == "BLOCKY":
            self.set(SocketOption.BLOCKY, value)
        elif upper in ContextOption.__members__:
            self.set(ContextOption[upper], value)
        elif upper in SocketOption.__members__:
            self.sockopts[SocketOption[upper]] = value
        else:
            name = self.__class__.__name__
            raise AttributeError(f"{name} has no such option: {upper}")

    def __delattr__(self, key: str) -> None:
        if key in self.__dict__:
            object.__delattr__(self, key)
            return
        upper = key.upper()
        if upper not in SocketOption.__members__:
            raise AttributeError(f"No such socket option: {upper!r}")
        try:
            del self.sockopts[SocketOption[upper]]
        except KeyError:
            raise AttributeError(upper) from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *ContextOption.__members__})

    def _add_socket(self, socket: Any) -> None:
        self._sockets.add(socket)

    def _rm_socket(self, socket: Any, handle: int) -> None:
        self._sockets.discard(socket)
        self._handles.discard(handle)


# The synchronous classes, for whoever has others of the same name.
SyncSocket = Socket[bytes]
SyncContext = Context[SyncSocket]
