# SPDX-License-Identifier: Apache-2.0
"""Socket options as attributes: one typed descriptor for each.

An option has its name in lower and in upper case. They are plain attributes of the
class, because before Python 3.13 a ``__getattr__`` makes every call of a method on a
socket 30 to 50 ns slower. Capitalised names are there as well; what else pyzmq accepts
("rcvHWM") can be set everywhere, but read from Python 3.13 on only.

The descriptors have no ``__set__`` when the program runs: ``Socket.__setattr__`` sets,
and what a subclass declares under the name of an option hides the option.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, overload

from .constants import Errno, SocketOption
from .error import ZMQError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BytesOption", "IntOption", "KeyOption", "SocketOptions", "TopicOption"]

T = TypeVar("T")


class _HasOptions(Protocol):
    def get(self, option: int) -> Any: ...

    def set(self, option: int, optval: Any) -> None: ...


class _Option(Generic[T]):
    """An option of a socket as an attribute."""

    def __init__(self, option: SocketOption) -> None:
        self.option = option
        self.__doc__ = f"The socket option {option.name}."

    @overload
    def __get__(self, obj: None, owner: type) -> Self: ...

    @overload
    def __get__(self, obj: _HasOptions, owner: type) -> T: ...

    def __get__(self, obj: _HasOptions | None, owner: type) -> Self | T:
        if obj is None:
            return self
        try:
            value: T = obj.get(self.option)
        except ZMQError as error:
            if error.errno not in (Errno.EINVAL, Errno.EFAULT):
                raise
            name = self.option.name.lower()
            raise AttributeError(f"{name} attribute is write-only") from None
        return value

    def set(self, obj: _HasOptions, value: T) -> None:
        """Set the option of a socket.

        Args:
            obj: The socket.
            value: The value.
        """
        obj.set(self.option, value)

    if TYPE_CHECKING:

        def __set__(self, obj: _HasOptions, value: T) -> None: ...

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__} {self.option.name}>"


class IntOption(_Option[int]):
    """An option that is a number."""


class BytesOption(_Option[bytes]):
    """An option that is bytes."""


class KeyOption(BytesOption):
    """An option that is a key, as ``load_certificate`` returns it.

    It may return None for a secret one: setting that is a TypeError, which type
    checkers are not to see in every program that loads a certificate.
    """

    if TYPE_CHECKING:

        def __set__(self, obj: _HasOptions, value: bytes | None) -> None: ...


class TopicOption(_Option["str | bytes"]):
    """An option that is a topic: bytes, or a str that goes as UTF-8."""

    def set(self, obj: _HasOptions, value: str | bytes) -> None:
        """Set the option of a socket.

        Args:
            obj: The socket.
            value: The topic.
        """
        obj.set(self.option, value.encode() if isinstance(value, str) else value)


class SocketOptions:
    """The options of a socket; which of them a type of socket has, the core knows."""

    HWM = IntOption(SocketOption.HWM)
    TYPE = IntOption(SocketOption.TYPE)
    SUBSCRIBE = TopicOption(SocketOption.SUBSCRIBE)
    UNSUBSCRIBE = TopicOption(SocketOption.UNSUBSCRIBE)
    affinity = AFFINITY = IntOption(SocketOption.AFFINITY)
    routing_id = ROUTING_ID = BytesOption(SocketOption.ROUTING_ID)
    identity = IDENTITY = BytesOption(SocketOption.IDENTITY)
    rate = RATE = IntOption(SocketOption.RATE)
    recovery_ivl = RECOVERY_IVL = IntOption(SocketOption.RECOVERY_IVL)
    sndbuf = SNDBUF = IntOption(SocketOption.SNDBUF)
    rcvbuf = RCVBUF = IntOption(SocketOption.RCVBUF)
    rcvmore = RCVMORE = IntOption(SocketOption.RCVMORE)
    fd = FD = IntOption(SocketOption.FD)
    events = EVENTS = IntOption(SocketOption.EVENTS)
    linger = LINGER = IntOption(SocketOption.LINGER)
    reconnect_ivl = RECONNECT_IVL = IntOption(SocketOption.RECONNECT_IVL)
    backlog = BACKLOG = IntOption(SocketOption.BACKLOG)
    reconnect_ivl_max = RECONNECT_IVL_MAX = IntOption(SocketOption.RECONNECT_IVL_MAX)
    maxmsgsize = MAXMSGSIZE = IntOption(SocketOption.MAXMSGSIZE)
    sndhwm = SNDHWM = IntOption(SocketOption.SNDHWM)
    rcvhwm = RCVHWM = IntOption(SocketOption.RCVHWM)
    multicast_hops = MULTICAST_HOPS = IntOption(SocketOption.MULTICAST_HOPS)
    rcvtimeo = RCVTIMEO = IntOption(SocketOption.RCVTIMEO)
    sndtimeo = SNDTIMEO = IntOption(SocketOption.SNDTIMEO)
    ipv4only = IPV4ONLY = IntOption(SocketOption.IPV4ONLY)
    last_endpoint = LAST_ENDPOINT = BytesOption(SocketOption.LAST_ENDPOINT)
    router_mandatory = ROUTER_MANDATORY = IntOption(SocketOption.ROUTER_MANDATORY)
    fail_unroutable = FAIL_UNROUTABLE = IntOption(SocketOption.FAIL_UNROUTABLE)
    router_behavior = ROUTER_BEHAVIOR = IntOption(SocketOption.ROUTER_BEHAVIOR)
    tcp_keepalive = TCP_KEEPALIVE = IntOption(SocketOption.TCP_KEEPALIVE)
    tcp_keepalive_cnt = TCP_KEEPALIVE_CNT = IntOption(SocketOption.TCP_KEEPALIVE_CNT)
    tcp_keepalive_idle = TCP_KEEPALIVE_IDLE = IntOption(SocketOption.TCP_KEEPALIVE_IDLE)
    tcp_keepalive_intvl = TCP_KEEPALIVE_INTVL = IntOption(
        SocketOption.TCP_KEEPALIVE_INTVL
    )
    tcp_accept_filter = TCP_ACCEPT_FILTER = BytesOption(SocketOption.TCP_ACCEPT_FILTER)
    immediate = IMMEDIATE = IntOption(SocketOption.IMMEDIATE)
    delay_attach_on_connect = DELAY_ATTACH_ON_CONNECT = IntOption(
        SocketOption.DELAY_ATTACH_ON_CONNECT
    )
    xpub_verbose = XPUB_VERBOSE = IntOption(SocketOption.XPUB_VERBOSE)
    router_raw = ROUTER_RAW = IntOption(SocketOption.ROUTER_RAW)
    ipv6 = IPV6 = IntOption(SocketOption.IPV6)
    mechanism = MECHANISM = IntOption(SocketOption.MECHANISM)
    plain_server = PLAIN_SERVER = IntOption(SocketOption.PLAIN_SERVER)
    plain_username = PLAIN_USERNAME = BytesOption(SocketOption.PLAIN_USERNAME)
    plain_password = PLAIN_PASSWORD = BytesOption(SocketOption.PLAIN_PASSWORD)
    curve_server = CURVE_SERVER = IntOption(SocketOption.CURVE_SERVER)
    curve_publickey = CURVE_PUBLICKEY = BytesOption(SocketOption.CURVE_PUBLICKEY)
    curve_secretkey = CURVE_SECRETKEY = KeyOption(SocketOption.CURVE_SECRETKEY)
    curve_serverkey = CURVE_SERVERKEY = BytesOption(SocketOption.CURVE_SERVERKEY)
    probe_router = PROBE_ROUTER = IntOption(SocketOption.PROBE_ROUTER)
    req_correlate = REQ_CORRELATE = IntOption(SocketOption.REQ_CORRELATE)
    req_relaxed = REQ_RELAXED = IntOption(SocketOption.REQ_RELAXED)
    conflate = CONFLATE = IntOption(SocketOption.CONFLATE)
    zap_domain = ZAP_DOMAIN = BytesOption(SocketOption.ZAP_DOMAIN)
    router_handover = ROUTER_HANDOVER = IntOption(SocketOption.ROUTER_HANDOVER)
    tos = TOS = IntOption(SocketOption.TOS)
    ipc_filter_pid = IPC_FILTER_PID = IntOption(SocketOption.IPC_FILTER_PID)
    ipc_filter_uid = IPC_FILTER_UID = IntOption(SocketOption.IPC_FILTER_UID)
    ipc_filter_gid = IPC_FILTER_GID = IntOption(SocketOption.IPC_FILTER_GID)
    connect_routing_id = CONNECT_ROUTING_ID = BytesOption(
        SocketOption.CONNECT_ROUTING_ID
    )
    connect_rid = CONNECT_RID = BytesOption(SocketOption.CONNECT_RID)
    gssapi_server = GSSAPI_SERVER = IntOption(SocketOption.GSSAPI_SERVER)
    gssapi_principal = GSSAPI_PRINCIPAL = BytesOption(SocketOption.GSSAPI_PRINCIPAL)
    gssapi_service_principal = GSSAPI_SERVICE_PRINCIPAL = BytesOption(
        SocketOption.GSSAPI_SERVICE_PRINCIPAL
    )
    gssapi_plaintext = GSSAPI_PLAINTEXT = IntOption(SocketOption.GSSAPI_PLAINTEXT)
    handshake_ivl = HANDSHAKE_IVL = IntOption(SocketOption.HANDSHAKE_IVL)
    socks_proxy = SOCKS_PROXY = BytesOption(SocketOption.SOCKS_PROXY)
    xpub_nodrop = XPUB_NODROP = IntOption(SocketOption.XPUB_NODROP)
    blocky = BLOCKY = IntOption(SocketOption.BLOCKY)
    xpub_manual = XPUB_MANUAL = IntOption(SocketOption.XPUB_MANUAL)
    xpub_welcome_msg = XPUB_WELCOME_MSG = BytesOption(SocketOption.XPUB_WELCOME_MSG)
    stream_notify = STREAM_NOTIFY = IntOption(SocketOption.STREAM_NOTIFY)
    invert_matching = INVERT_MATCHING = IntOption(SocketOption.INVERT_MATCHING)
    heartbeat_ivl = HEARTBEAT_IVL = IntOption(SocketOption.HEARTBEAT_IVL)
    heartbeat_ttl = HEARTBEAT_TTL = IntOption(SocketOption.HEARTBEAT_TTL)
    heartbeat_timeout = HEARTBEAT_TIMEOUT = IntOption(SocketOption.HEARTBEAT_TIMEOUT)
    xpub_verboser = XPUB_VERBOSER = IntOption(SocketOption.XPUB_VERBOSER)
    connect_timeout = CONNECT_TIMEOUT = IntOption(SocketOption.CONNECT_TIMEOUT)
    tcp_maxrt = TCP_MAXRT = IntOption(SocketOption.TCP_MAXRT)
    thread_safe = THREAD_SAFE = IntOption(SocketOption.THREAD_SAFE)
    multicast_maxtpdu = MULTICAST_MAXTPDU = IntOption(SocketOption.MULTICAST_MAXTPDU)
    vmci_buffer_size = VMCI_BUFFER_SIZE = IntOption(SocketOption.VMCI_BUFFER_SIZE)
    vmci_buffer_min_size = VMCI_BUFFER_MIN_SIZE = IntOption(
        SocketOption.VMCI_BUFFER_MIN_SIZE
    )
    vmci_buffer_max_size = VMCI_BUFFER_MAX_SIZE = IntOption(
        SocketOption.VMCI_BUFFER_MAX_SIZE
    )
    vmci_connect_timeout = VMCI_CONNECT_TIMEOUT = IntOption(
        SocketOption.VMCI_CONNECT_TIMEOUT
    )
    use_fd = USE_FD = IntOption(SocketOption.USE_FD)
    gssapi_principal_nametype = GSSAPI_PRINCIPAL_NAMETYPE = IntOption(
        SocketOption.GSSAPI_PRINCIPAL_NAMETYPE
    )
    gssapi_service_principal_nametype = GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = IntOption(
        SocketOption.GSSAPI_SERVICE_PRINCIPAL_NAMETYPE
    )
    bindtodevice = BINDTODEVICE = BytesOption(SocketOption.BINDTODEVICE)
    zap_enforce_domain = ZAP_ENFORCE_DOMAIN = IntOption(SocketOption.ZAP_ENFORCE_DOMAIN)
    loopback_fastpath = LOOPBACK_FASTPATH = IntOption(SocketOption.LOOPBACK_FASTPATH)
    metadata = METADATA = BytesOption(SocketOption.METADATA)
    multicast_loop = MULTICAST_LOOP = IntOption(SocketOption.MULTICAST_LOOP)
    router_notify = ROUTER_NOTIFY = IntOption(SocketOption.ROUTER_NOTIFY)
    xpub_manual_last_value = XPUB_MANUAL_LAST_VALUE = IntOption(
        SocketOption.XPUB_MANUAL_LAST_VALUE
    )
    socks_username = SOCKS_USERNAME = BytesOption(SocketOption.SOCKS_USERNAME)
    socks_password = SOCKS_PASSWORD = BytesOption(SocketOption.SOCKS_PASSWORD)
    in_batch_size = IN_BATCH_SIZE = IntOption(SocketOption.IN_BATCH_SIZE)
    out_batch_size = OUT_BATCH_SIZE = IntOption(SocketOption.OUT_BATCH_SIZE)
    wss_key_pem = WSS_KEY_PEM = BytesOption(SocketOption.WSS_KEY_PEM)
    wss_cert_pem = WSS_CERT_PEM = BytesOption(SocketOption.WSS_CERT_PEM)
    wss_trust_pem = WSS_TRUST_PEM = BytesOption(SocketOption.WSS_TRUST_PEM)
    wss_hostname = WSS_HOSTNAME = BytesOption(SocketOption.WSS_HOSTNAME)
    wss_trust_system = WSS_TRUST_SYSTEM = IntOption(SocketOption.WSS_TRUST_SYSTEM)
    only_first_subscribe = ONLY_FIRST_SUBSCRIBE = IntOption(
        SocketOption.ONLY_FIRST_SUBSCRIBE
    )
    reconnect_stop = RECONNECT_STOP = IntOption(SocketOption.RECONNECT_STOP)
    hello_msg = HELLO_MSG = BytesOption(SocketOption.HELLO_MSG)
    disconnect_msg = DISCONNECT_MSG = BytesOption(SocketOption.DISCONNECT_MSG)
    priority = PRIORITY = IntOption(SocketOption.PRIORITY)
    busy_poll = BUSY_POLL = IntOption(SocketOption.BUSY_POLL)
    hiccup_msg = HICCUP_MSG = BytesOption(SocketOption.HICCUP_MSG)
    xsub_verbose_unsubscribe = XSUB_VERBOSE_UNSUBSCRIBE = IntOption(
        SocketOption.XSUB_VERBOSE_UNSUBSCRIBE
    )
    topics_count = TOPICS_COUNT = IntOption(SocketOption.TOPICS_COUNT)
    norm_mode = NORM_MODE = IntOption(SocketOption.NORM_MODE)
    norm_unicast_nack = NORM_UNICAST_NACK = IntOption(SocketOption.NORM_UNICAST_NACK)
    norm_buffer_size = NORM_BUFFER_SIZE = IntOption(SocketOption.NORM_BUFFER_SIZE)
    norm_segment_size = NORM_SEGMENT_SIZE = IntOption(SocketOption.NORM_SEGMENT_SIZE)
    norm_block_size = NORM_BLOCK_SIZE = IntOption(SocketOption.NORM_BLOCK_SIZE)
    norm_num_parity = NORM_NUM_PARITY = IntOption(SocketOption.NORM_NUM_PARITY)
    norm_num_autoparity = NORM_NUM_AUTOPARITY = IntOption(
        SocketOption.NORM_NUM_AUTOPARITY
    )
    norm_push = NORM_PUSH = IntOption(SocketOption.NORM_PUSH)
    max_handshakes = MAX_HANDSHAKES = IntOption(SocketOption.MAX_HANDSHAKES)
    max_peers_per_address = MAX_PEERS_PER_ADDRESS = IntOption(
        SocketOption.MAX_PEERS_PER_ADDRESS
    )
    max_parts = MAX_PARTS = IntOption(SocketOption.MAX_PARTS)
    max_message_bytes = MAX_MESSAGE_BYTES = IntOption(SocketOption.MAX_MESSAGE_BYTES)
    spin_us = SPIN_US = IntOption(SocketOption.SPIN_US)
    allow_key = ALLOW_KEY = BytesOption(SocketOption.ALLOW_KEY)
    allow_password = ALLOW_PASSWORD = BytesOption(SocketOption.ALLOW_PASSWORD)
    allow_address = ALLOW_ADDRESS = BytesOption(SocketOption.ALLOW_ADDRESS)

    if not TYPE_CHECKING and sys.version_info >= (3, 13):

        def __getattr__(self, key: str) -> Any:
            return find_option(self, key).__get__(self, type(self))

    def __setattr__(self, key: str, value: Any) -> None:
        is_own = declares(type(self), key, SocketOptions)
        if not is_own and key.upper() not in SocketOption.__members__:
            is_own = key in self.__dict__  # which is not there before it is asked for
        if is_own and key not in _TOPICS:
            object.__setattr__(self, key, value)
        else:
            find_option(self, key).set(cast("_HasOptions", self), value)

    def __dir__(self) -> list[str]:
        # Not the spellings that nobody should learn.
        return sorted({*super().__dir__()} - _CAPITALISED.keys())


def find_option(obj: object, key: str) -> _Option[Any]:
    """Return the option that an attribute stands for, in whatever case.

    Args:
        obj: Whose attribute it is.
        key: Its name.

    Raises:
        AttributeError: There is no such option.
    """
    upper = key.upper()
    option: _Option[Any] | None = vars(SocketOptions).get(upper)
    if option is None or upper not in SocketOption.__members__:
        name = obj.__class__.__name__
        raise AttributeError(f"{name} has no such option: {upper}")
    return option


def declares(kind: type, key: str, but: type | None = None) -> bool:
    """Return whether a class, or one of its bases, declares an attribute.

    Args:
        kind: The class.
        key: The name of the attribute.
        but: A class that does not count.
    """
    return any(
        key in cls.__dict__ or key in getattr(cls, "__annotations__", ())
        for cls in kind.__mro__
        if cls is not but
    )


# Options that are also methods.
_TOPICS = ("subscribe", "unsubscribe")

_CAPITALISED = {
    spelling: vars(SocketOptions)[name]
    for name in SocketOption.__members__
    for spelling in (name.capitalize(), name.title())
}
for _name, _option in _CAPITALISED.items():
    setattr(SocketOptions, _name, _option)
