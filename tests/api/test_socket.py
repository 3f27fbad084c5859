# SPDX-License-Identifier: Apache-2.0
"""Sockets as objects: addresses, life, shadows, subclasses."""

from __future__ import annotations

import copy
import dis
import errno
import os
import pickle
import socket as stdlib_socket
import sys
import weakref
from unittest import mock

import pytest


def test_arguments(zmq, ctx) -> None:
    with zmq.Socket(ctx, zmq.PULL) as pull:
        assert pull.type == zmq.PULL
    with pytest.raises(TypeError, match="context must be specified"):
        zmq.Socket()
    with pytest.raises(TypeError):
        zmq.Socket(ctx, "PULL")
    with pytest.raises(TypeError):
        zmq.Socket(5, zmq.PULL)


def test_life(zmq, ctx) -> None:
    pull = ctx.socket(zmq.PULL)
    assert not pull.closed
    address = pull.underlying
    assert isinstance(address, int)
    assert pull.underlying == address != 0
    pull.close()
    assert pull.closed
    assert pull.underlying == 0
    pull.close()
    pull.close(linger=0)


def test_with(zmq, ctx) -> None:
    with ctx.socket(zmq.PULL) as pull:
        assert isinstance(pull, zmq.Socket)
    assert pull.closed
    with pytest.raises(ZeroDivisionError), ctx.socket(zmq.PULL) as pull:
        raise ZeroDivisionError
    assert pull.closed


def test_closed_use(zmq, make) -> None:
    pair = make(zmq.PAIR)
    pair.close()
    for call in (
        lambda: pair.send(b"x"),
        lambda: pair.send(b"x", zmq.DONTWAIT),
        lambda: pair.send(b"x", copy=False),
        lambda: pair.send_multipart([b"x"]),
        lambda: pair.send_string("x"),
        pair.recv,
        lambda: pair.recv(copy=False),
        pair.recv_multipart,
        lambda: pair.recv_into(bytearray(1)),
        lambda: pair.bind("inproc://closed"),
        lambda: pair.connect("inproc://closed"),
        lambda: pair.unbind("inproc://closed"),
        lambda: pair.disconnect("inproc://closed"),
        lambda: pair.get(zmq.LINGER),
        lambda: pair.set(zmq.LINGER, 0),
        lambda: pair.linger,
        lambda: hasattr(pair, "linger"),
        pair.fileno,
    ):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == zmq.ENOTSOCK
    with pytest.raises(zmq.ZMQError) as info:
        pair.poll(0)
    assert info.value.errno == zmq.ENOTSUP
    assert pair.type == zmq.PAIR


def test_representation(zmq, ctx) -> None:
    name = zmq.__name__
    with ctx.socket(zmq.PULL) as pull:
        assert repr(pull) == f"<{name}.Socket({name}.PULL) at {id(pull):#x}>"
    assert repr(pull) == f"<{name}.Socket({name}.PULL) at {id(pull):#x} closed>"

    class Mine(zmq.Socket):
        pass

    with ctx.socket(zmq.PAIR, Mine) as mine:
        assert f"<{__name__}.Mine({name}." in repr(mine)


def test_type(zmq, make) -> None:
    for kind in (zmq.PAIR, zmq.REQ, zmq.REP, zmq.PULL, zmq.PUSH):
        socket = make(kind)
        assert socket.type is kind
        assert socket.TYPE == socket.get(zmq.TYPE) == int(kind)
    with pytest.warns(DeprecationWarning):
        assert socket.socket_type == kind


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_addresses_are_undone(zmq, make, address, transport) -> None:
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    with pull.bind(address(transport)) as bound:
        assert bound is pull
        where = pull.last_endpoint.decode()
        with push.connect(where) as connected:
            assert connected is push
            push.send(b"x")
            assert pull.recv() == b"x"
            assert push.last_endpoint.decode() == where
        with pytest.raises(zmq.ZMQError) as info:
            push.disconnect(where)
        assert info.value.errno == errno.ENOENT
    with pytest.raises(zmq.ZMQError):
        pull.unbind(where)


def test_what_bind_returns(zmq, make) -> None:
    pull = make(zmq.PULL)
    bound = pull.bind("tcp://127.0.0.1:0")
    assert bound.socket is pull
    assert bound.kind == "bind"
    assert bound.addr == pull.last_endpoint.decode()
    assert not bound.addr.endswith(":0")
    assert repr(bound) == f"<SocketContext(bind={bound.addr!r})>"
    push = make(zmq.PUSH)
    connected = push.connect(bound.addr)
    assert (connected.kind, connected.addr) == ("connect", bound.addr)
    # Leaving after the socket is closed is fine.
    with bound:
        pull.close()


def test_addresses_as_bytes(zmq, make) -> None:
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    pull.bind(b"tcp://127.0.0.1:*")
    where = pull.last_endpoint
    assert isinstance(where, bytes)
    push.connect(where)
    push.send(b"x")
    assert pull.recv() == b"x"
    push.disconnect(where)
    pull.unbind(where)


@pytest.mark.parametrize("address", [None, 5, ["tcp://127.0.0.1:*"]])
def test_addresses_of_the_wrong_type(zmq, make, address) -> None:
    pull = make(zmq.PULL)
    for call in (pull.bind, pull.connect, pull.unbind, pull.disconnect):
        with pytest.raises(TypeError, match="expected bytes|Expected addr to be str"):
            call(address)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("bad", "EINVAL"),
        ("tcp://", "EINVAL"),
        ("tcp://127.0.0.1", "EINVAL"),
        ("tcp://127.0.0.1:port", "EINVAL"),
        ("inproc://", "EINVAL"),
        ("what://ever", "EPROTONOSUPPORT"),
        ("", "EINVAL"),
    ],
)
def test_bad_addresses(zmq, make, address, name) -> None:
    pull = make(zmq.PULL)
    for call in (pull.bind, pull.connect):
        with pytest.raises(zmq.ZMQError) as info:
            call(address)
        assert info.value.errno == getattr(zmq, name)
        assert str(info.value).endswith(f"(addr={address!r})")


def test_an_address_in_use(zmq, make) -> None:
    first, second = make(zmq.PULL), make(zmq.PULL)
    name = f"ipc://@fastmq-used-{os.getpid()}"
    for address in ("tcp://127.0.0.1:*", "inproc://used", name):
        first.bind(address)
        where = first.last_endpoint.decode()
        with pytest.raises(zmq.ZMQError) as info:
            second.bind(where)
        assert info.value.errno == zmq.EADDRINUSE


def test_paths(zmq, make, tmp_path) -> None:
    pull = make(zmq.PULL)
    with pytest.raises(zmq.ZMQError, match="is longer than 107"):
        pull.bind(f"ipc:///tmp/{'x' * 200}")
    with pytest.raises(zmq.ZMQError, match="No such file or directory for ipc path"):
        pull.bind(f"ipc://{tmp_path}/no/such/folder")
    assert zmq.IPC_PATH_MAX_LEN == 107
    pull.bind(f"ipc://{tmp_path}/there")
    push = make(zmq.PUSH)
    push.connect(f"ipc://{tmp_path}/there")
    push.send(b"x")
    assert pull.recv() == b"x"


def test_undoing_what_was_not_done(zmq, make, ours) -> None:
    pull = make(zmq.PULL)
    for call in (pull.unbind, pull.disconnect):
        with pytest.raises(zmq.ZMQError) as info:
            call("tcp://127.0.0.1:5")
        assert info.value.errno == errno.ENOENT
    pull.bind("tcp://127.0.0.1:*")
    if not ours:
        # fastmq also knows an address as it was given.
        with pytest.raises(zmq.ZMQError):
            pull.unbind("tcp://127.0.0.1:*")


def test_random_ports(zmq, make) -> None:
    pull = make(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    assert isinstance(port, int)
    assert pull.last_endpoint == b"tcp://127.0.0.1:%d" % port
    port = pull.bind_to_random_port("tcp://127.0.0.1", 20000, 60000, max_tries=1000)
    assert 20000 <= port < 60000


def test_no_random_port_is_free(zmq, make) -> None:
    pull = make(zmq.PULL)
    with stdlib_socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(zmq.ZMQBindError):
            pull.bind_to_random_port("tcp://127.0.0.1", port, port + 1, max_tries=3)
    with pytest.raises(zmq.ZMQError) as info:
        pull.bind_to_random_port("what://ever", 20000, 30000)
    assert info.value.errno == zmq.EPROTONOSUPPORT


def test_connect_before_bind(zmq, make, address) -> None:
    for transport in ("inproc", "ipc"):
        push, pull = make(zmq.PUSH), make(zmq.PULL)
        where = address(transport)
        push.connect(where)
        push.send(b"early")
        pull.bind(where)
        assert pull.recv() == b"early"
        pull.close()


def test_shadows(zmq, ctx, push_pull) -> None:
    push, pull = push_pull
    for shadow in (
        zmq.Socket.shadow(pull.underlying),
        zmq.Socket.shadow(pull),
        zmq.Socket(pull),
        zmq.Socket(shadow=pull),
        copy.copy(pull),
        copy.deepcopy(pull),
    ):
        assert shadow is not pull
        assert shadow.underlying == pull.underlying
        assert shadow.type == zmq.PULL
        push.send(b"x")
        assert shadow.recv() == b"x"
        del shadow
    assert zmq.Socket.shadow(pull).context is ctx
    assert zmq.Socket.shadow(pull.underlying).context is None
    assert not pull.closed
    zmq.Socket.shadow(pull).close()
    assert pull.closed
    pull.close()


@pytest.mark.parametrize("address", [0, None])
def test_shadows_of_nothing(zmq, address) -> None:
    with pytest.raises(TypeError, match="context must be specified"):
        zmq.Socket.shadow(address)


def test_what_cannot_be_done(zmq, make) -> None:
    pull, other = make(zmq.PULL), make(zmq.PULL)
    with pytest.raises(TypeError):
        pickle.dumps(pull)
    assert pull != other
    assert len({pull, other, pull}) == 2
    assert weakref.ref(pull)() is pull
    assert zmq.Socket[bytes]


def test_unknown_attributes(zmq, make, ours) -> None:
    pull = make(zmq.PULL)
    with pytest.raises(AttributeError):
        pull.nope  # noqa: B018
    with pytest.raises(AttributeError, match="Socket has no such option: NOPE"):
        pull.nope = 1
    with pytest.raises(AttributeError):
        pull._private = 1
    if ours:
        # In pyzmq any constant's name is an option: this sets number 8, RATE.
        with pytest.raises(AttributeError):
            pull.push = 1


def test_attributes_of_subclasses(zmq, ctx) -> None:
    class Mine(zmq.Socket):
        declared: int
        known = 0

        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            object.__setattr__(self, "private", 1)

    with ctx.socket(zmq.PULL, Mine) as mine:
        mine.declared = 1
        mine.known = 2
        mine.private = 3
        assert (mine.declared, mine.known, mine.private) == (1, 2, 3)
        with pytest.raises(AttributeError):
            mine.unknown = 4


def test_methods_can_be_replaced(zmq, ctx, monkeypatch) -> None:
    sent = []
    original = zmq.Socket.send

    def send(self, data, *args, **kwargs):
        sent.append(data)
        return original(self, data, *args, **kwargs)

    monkeypatch.setattr(zmq.Socket, "send", send)
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        pull.bind("inproc://patched")
        push.connect("inproc://patched")
        push.send(b"1")
        push.send_string("2")
        assert [pull.recv(), pull.recv()] == sent == [b"1", b"2"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mocks(zmq, make) -> None:
    pull = make(zmq.PULL)
    fake = mock.Mock(spec=pull)
    fake.recv.return_value = b"x"
    assert fake.recv() == b"x"
    with pytest.raises(AttributeError):
        fake.nope()


def test_dir(zmq, make) -> None:
    assert {"LINGER", "SUBSCRIBE", "RCVTIMEO", "send", "bind"} <= set(
        dir(make(zmq.PULL))
    )


def test_a_nul_in_an_address(zmq, make, ours) -> None:
    if ours:
        # pyzmq binds to what is before it.
        with pytest.raises(zmq.ZMQError) as info:
            make(zmq.PULL).bind("inproc://a\0b")
        assert info.value.errno == zmq.EINVAL


def test_shadows_of_closed_sockets(zmq, make) -> None:
    pull = make(zmq.PULL)
    pull.close()
    for call in (zmq.Socket.shadow, zmq.Socket, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="context must be specified"):
            call(pull)


def test_what_closes_a_socket(zmq, ctx) -> None:
    first, second = ctx.socket(zmq.PULL), ctx.socket(zmq.PULL)
    shadow = zmq.Socket.shadow(first.underlying)
    first.close()
    assert shadow.closed
    with pytest.raises(zmq.ZMQError) as info:
        shadow.recv(zmq.DONTWAIT)
    assert info.value.errno == zmq.ENOTSOCK
    shadow.close()
    shadow = zmq.Socket.shadow(second.underlying)
    ctx.destroy(linger=0)
    assert second.closed
    assert shadow.closed


def test_a_shadow_keeps_what_it_shadows(zmq, make) -> None:
    pull = make(zmq.PULL)
    shadow = zmq.Socket.shadow(pull)
    assert shadow._shadow
    assert shadow._shadow_obj is pull
    assert not pull._shadow


def test_addresses_are_stable_and_never_zero(zmq, make) -> None:
    sockets = [make(zmq.PULL) for _ in range(20)]
    addresses = [socket.underlying for socket in sockets]
    assert 0 not in addresses
    assert len(set(addresses)) == 20
    by_address = dict(zip(addresses, sockets, strict=True))
    assert all(by_address[socket.underlying] is socket for socket in sockets)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mocks_of_what_raises(zmq, make) -> None:
    """A mock asks for every attribute that ``dir`` lists."""
    pull = make(zmq.PULL)
    for spec in (pull, zmq.Socket):
        fake = mock.Mock(spec=spec)
        fake.send(b"x")
        fake.send.assert_called_once_with(b"x")
        assert isinstance(fake, zmq.Socket)
        fake.underlying = 5
        with pytest.raises(AttributeError):
            fake.nope()
    assert mock.create_autospec(zmq.Socket).recv is not None
    assert {"LINGER", "SNDHWM", "SUBSCRIBE", "LAST_ENDPOINT"} <= set(dir(pull))
    assert sorted(dir(pull)) == dir(pull)


def test_attributes_without_a_declaration(zmq, ctx) -> None:
    class Mine(zmq.Socket):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            with pytest.raises(AttributeError):
                self._private = 1
            self.__dict__["_private"] = 1

        @property
        def double(self) -> int:
            return 2 * self._private

        @double.setter
        def double(self, value: int) -> None:
            self._private = value // 2

    with ctx.socket(zmq.PULL, Mine) as mine:
        mine._private = 2
        assert mine.double == 4
        mine.double = 10
        assert mine._private == 5
        mine.linger = 3
        assert mine.get(zmq.LINGER) == 3


def call_often(push, pull) -> None:
    for _ in range(500):
        push.send(b"x")
        pull.recv()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="nothing is specialised there")
def test_python_knows_where_methods_are(push_pull, ours) -> None:
    """It does not if an object has what may hide them: a dictionary, from 3.12 on."""
    if not ours:
        pytest.skip("pyzmq's sockets have their type in a dictionary")
    push, pull = push_pull
    push.linger = 0
    assert "PUSH" in repr(push)
    call_often(push, pull)
    found = [
        instruction.opname
        for instruction in dis.get_instructions(call_often, adaptive=True)
        if instruction.argval in ("send", "recv")
    ]
    loads = [name for name in found if name.startswith(("LOAD_METHOD", "LOAD_ATTR"))]
    assert len(loads) == 2
    for name in loads:
        assert name in ("LOAD_METHOD_WITH_DICT", "LOAD_ATTR_METHOD_LAZY_DICT")


def test_random_ports_of_a_closed_socket(zmq, make) -> None:
    pull = make(zmq.PULL)
    pull.close()
    for arguments in ((), (20000, 20002)):
        with pytest.raises(zmq.ZMQError) as info:
            pull.bind_to_random_port("tcp://127.0.0.1", *arguments)
        assert info.value.errno == zmq.ENOTSOCK


def test_errors_name_the_address(zmq, make) -> None:
    pull = make(zmq.PULL)
    with pytest.raises(zmq.ZMQError) as info:
        pull.bind("tcp://*:port")
    assert info.value.strerror == "Invalid argument (addr='tcp://*:port')"
    assert str(info.value) == info.value.strerror
    # These two say nothing of it.
    for call in (pull.unbind, pull.disconnect):
        with pytest.raises(zmq.ZMQError) as info:
            call("tcp://127.0.0.1:1")
        assert info.value.strerror == "No such file or directory"


def test_a_source_address_to_connect_from(zmq, make) -> None:
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:0;127.0.0.1:{port}")
    push.send(b"x")
    assert pull.recv() == b"x"


def test_close_takes_a_linger(zmq, make) -> None:
    push = make(zmq.PUSH, linger=-1)
    push.connect("tcp://127.0.0.1:9")
    push.send(b"x")
    with pytest.raises(TypeError):
        push.close(linger="soon")
    assert not push.closed
    push.close(0)
    assert push.closed
