# SPDX-License-Identifier: Apache-2.0
"""GSSAPI with a KDC of our own, between processes of ours and of the system's libzmq.

pyzmq's wheels are built without it, so libzmq is the system's (security/libzmq.py);
where that has no GSSAPI either, ours talks to itself.
"""

from __future__ import annotations

import errno
import shutil
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from security import libzmq
from security.kerberos import Peer, Realm, missing_programs
from security.tap import Tap, flip

import fastmq

OURS, THEIRS = "fastmq", "libzmq"
SERVICE = "zmq@server"
ALICE = "alice@FASTMQ.TEST"
UNEXPECTED, CRYPTOGRAPHIC, BAD_METADATA = 0x10000001, 0x11000001, 0x10000018
MALFORMED_INITIATE, MALFORMED_MESSAGE = 0x10000014, 0x10000012
# How a token of Kerberos begins.
KRB5_TOKEN = b"\x60\x23\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00"
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01GSSAPI" + bytes(46)

pytestmark = [
    pytest.mark.skipif(
        not fastmq.has("gssapi"), reason="built without Kerberos (FASTMQ_GSSAPI)"
    ),
    pytest.mark.skipif(
        bool(missing_programs()),
        reason=f"no KDC: {', '.join(missing_programs())} not found (krb5-kdc)",
    ),
]
needs_libzmq = pytest.mark.skipif(
    not libzmq.has("gssapi"), reason="the system has no libzmq with GSSAPI"
)
theirs = pytest.param(THEIRS, marks=needs_libzmq)
slow = pytest.mark.slow
theirs_slowly = pytest.param(THEIRS, marks=[needs_libzmq, slow])

each_library = pytest.mark.parametrize("library", [OURS, theirs])
each_pair = pytest.mark.parametrize(
    ("server", "client"),
    [
        (OURS, OURS),
        pytest.param(OURS, THEIRS, marks=needs_libzmq),
        pytest.param(THEIRS, OURS, marks=needs_libzmq),
        # That what is expected here is what libzmq does.
        pytest.param(THEIRS, THEIRS, marks=[needs_libzmq, slow]),
    ],
)
sealed_or_not = pytest.mark.parametrize("plaintext", [0, 1], ids=["sealed", "plain"])

Who = Callable[..., Peer]


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with Realm(tmp_path_factory.mktemp("realm")) as realm:
        realm.add("alice", "zmq/server", "zmq/other")
        yield realm


@pytest.fixture(scope="module")
def processes() -> Iterator[dict[Any, Peer]]:
    """Those that are there already, by library and by who they are."""
    made: dict[Any, Peer] = {}
    try:
        yield made
        for peer in made.values():
            peer.close()
    finally:
        for peer in made.values():
            peer.kill()


@pytest.fixture
def who(
    realm: Realm, processes: dict[Any, Peer], request: pytest.FixtureRequest
) -> Iterator[Who]:
    """Give processes of a library that are somebody, with nothing open yet."""
    used = []

    def give(
        library: str, client: str | None = None, server: str | None = None
    ) -> Peer:
        key = library, client, server
        if key not in processes:
            processes[key] = Peer(library, realm.who(client, server))
        used.append(key)
        return processes[key]

    yield give
    for key in used:
        try:
            processes[key].reset()
        except (OSError, TimeoutError):
            processes.pop(key).kill()


def server_of(
    who: Who, library: str, kind: str, server: str | None = "zmq/server", **options: Any
) -> Peer:
    peer = who(library, server=server)
    peer.open(kind, {"GSSAPI_SERVER": 1, **options})
    return peer


def client_of(
    who: Who, library: str, kind: str, client: str | None = "alice", **options: Any
) -> Peer:
    peer = who(library, client=client)
    peer.open(kind, {"GSSAPI_SERVICE_PRINCIPAL": SERVICE, **options})
    return peer


# --- between those who should ---


@each_pair
@sealed_or_not
def test_messages_both_ways(server: str, client: str, plaintext: int, who: Who) -> None:
    bound = server_of(who, server, "DEALER", GSSAPI_PLAINTEXT=plaintext)
    other = client_of(who, client, "DEALER", GSSAPI_PLAINTEXT=plaintext)
    other.connect(bound.bind())
    for sender, receiver in (other, bound), (bound, other):
        sender.send("one", "", "three")
        assert receiver.recv() == ["one", "", "three"]
        for size in 0, 1, 200, 255, 256, 4000, 65536, 1000000:
            sender.send_long(size)
            assert receiver.recv_long() == size
        assert sender.until("HANDSHAKE_SUCCEEDED")[1] == 0


@each_pair
@sealed_or_not
def test_over_ipc(
    server: str, client: str, plaintext: int, who: Who, fresh: Callable[[str], str]
) -> None:
    bound = server_of(who, server, "DEALER", GSSAPI_PLAINTEXT=plaintext)
    other = client_of(who, client, "DEALER", GSSAPI_PLAINTEXT=plaintext)
    other.connect(bound.bind(fresh("ipc")))
    for sender, receiver in (other, bound), (bound, other):
        sender.send("one", "two")
        assert receiver.recv() == ["one", "two"]
        for size in 0, 255, 4096, 300_000:
            sender.send_long(size)
            assert receiver.recv_long() == size
        assert sender.until("HANDSHAKE_SUCCEEDED")[1] == 0


@each_pair
def test_a_handler_over_ipc(
    server: str, client: str, who: Who, fresh: Callable[[str], str]
) -> None:
    bound = server_of(who, server, "PULL", ROUTING_ID="srv")
    bound.handle_zap()
    other = client_of(who, client, "PUSH")
    other.connect(bound.bind(fresh("ipc")))
    domain, _, *rest = bound.asked()
    assert (domain, rest) == ("", ["srv", "GSSAPI", ALICE])
    bound.answer(200, "Alice")
    other.send("hello")
    assert bound.user() == "Alice"


@each_pair
@pytest.mark.parametrize(
    ("form", "service"),
    [(0, SERVICE), (2, "zmq/server@FASTMQ.TEST"), (1, "zmq/server")],
)
def test_names_of_all_forms(
    server: str, client: str, form: int, service: str, who: Who
) -> None:
    # libzmq wants whoever has a name to have keys in both roles.
    bound = who(server, client="zmq/server", server="zmq/server")
    bound.open(
        "PULL",
        {
            "GSSAPI_SERVER": 1,
            "GSSAPI_PRINCIPAL": service,
            "GSSAPI_PRINCIPAL_NAMETYPE": form,
        },
    )
    other = who(client, client="alice", server="alice")
    other.open(
        "PUSH",
        {
            "GSSAPI_SERVICE_PRINCIPAL": service,
            "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE": form,
            "GSSAPI_PRINCIPAL": "alice",
            "GSSAPI_PRINCIPAL_NAMETYPE": 1,
        },
    )
    other.connect(bound.bind())
    other.send("hello")
    assert bound.recv() == ["hello"]


@each_pair
@sealed_or_not
def test_subscriptions(server: str, client: str, plaintext: int, who: Who) -> None:
    if client == THEIRS and not plaintext and libzmq.version() < (4, 3, 5):
        pytest.skip("libzmq before 4.3.5 loses its subscriptions in sealing them")
    bound = server_of(who, server, "XPUB", GSSAPI_PLAINTEXT=plaintext)
    other = client_of(who, client, "XSUB", GSSAPI_PLAINTEXT=plaintext)
    other.connect(bound.bind())
    other.send("\x01topic")
    assert bound.recv() == ["\x01topic"]
    bound.send("no topic")
    bound.send("topic", "of the day")
    assert other.recv() == ["topic", "of the day"]
    other.send("\x00topic")
    assert bound.recv() == ["\x00topic"]


@each_pair
def test_heartbeats(server: str, client: str, who: Who) -> None:
    beats = {"HEARTBEAT_IVL": 20, "HEARTBEAT_TIMEOUT": 5000, "HEARTBEAT_TTL": 5000}
    bound = server_of(who, server, "DEALER", **beats)
    other = client_of(who, client, "DEALER", **beats)
    other.connect(bound.bind())
    bound.send("there")
    assert other.recv() == ["there"]
    assert not bound.within(200)
    other.send("still")
    assert bound.recv() == ["still"]


@slow
@pytest.mark.parametrize(
    "cipher",
    ["aes128-cts-hmac-sha256-128", "aes256-sha2", "camellia256-cts", "arcfour-hmac"],
)
@each_pair
def test_ciphers(
    server: str, client: str, cipher: str, tmp_path: Any, request: Any
) -> None:
    if (server, client) == (THEIRS, THEIRS):
        pytest.skip("that is not our business")
    with Realm(tmp_path, f"{cipher}:normal") as realm:
        realm.add("alice", "zmq/server")
        bound = Peer(server, realm.who(server="zmq/server"))
        other = Peer(client, realm.who(client="alice"))
        try:
            bound.open("DEALER", {"GSSAPI_SERVER": 1})
            other.open("DEALER", {"GSSAPI_SERVICE_PRINCIPAL": SERVICE})
            other.connect(bound.bind())
            for sender, receiver in (other, bound), (bound, other):
                for size in [*range(18), 107, 243, 65500]:
                    sender.send_long(size)
                    assert receiver.recv_long() == size
        finally:
            bound.kill()
            other.kill()


def test_two_threads_seal_and_unseal(who: Who) -> None:
    bound = server_of(who, OURS, "DEALER")
    other = client_of(who, OURS, "DEALER")
    other.connect(bound.bind())
    bound.begin("chat", 3000, 100)
    assert other.chat(3000, 100) == 300000
    assert bound.result() == 300000


# --- ZAP ---


@each_pair
def test_a_handler_is_asked(server: str, client: str, who: Who) -> None:
    bound = server_of(who, server, "PULL", ROUTING_ID="srv")
    bound.handle_zap()
    other = client_of(who, client, "PUSH", ROUTING_ID="cli")
    other.connect(bound.bind())
    assert bound.asked() == ["", "127.0.0.1", "srv", "GSSAPI", ALICE]
    bound.answer(200, "Alice")
    other.send("hello")
    assert bound.user() == "Alice"


@each_pair
@pytest.mark.parametrize("status", [400, pytest.param(500, marks=slow)])
def test_who_is_refused(server: str, client: str, status: int, who: Who) -> None:
    bound = server_of(who, server, "PULL")
    bound.handle_zap()
    other = client_of(who, client, "PUSH")
    other.connect(bound.bind())
    bound.asked()
    bound.answer(status, "Alice")
    other.send("hello")
    assert bound.until("HANDSHAKE_FAILED_AUTH")[1] == status
    if server == THEIRS:
        assert bound.recv() == ["hello"]  # libzmq tells of it, and lets it in
        return
    assert bound.until("DISCONNECTED", "CLOSED")
    bound.asked()  # it comes again, and nothing has come of it meanwhile
    bound.answer(200, "Alice")
    assert bound.user() == "Alice"


@pytest.mark.parametrize("client", [OURS, theirs])
def test_not_for_now(client: str, who: Who) -> None:
    bound = server_of(who, OURS, "PULL")
    bound.handle_zap()
    other = client_of(who, client, "PUSH")
    other.connect(bound.bind())
    bound.asked()
    bound.answer(300, "")
    assert bound.until("HANDSHAKE_FAILED_AUTH")[1] == 300
    bound.asked()
    bound.answer(200, "Alice")
    other.send("hello")
    assert bound.user() == "Alice"


@pytest.mark.parametrize("client", [OURS, theirs])
def test_the_ready_made_handler(client: str, who: Who) -> None:
    bound = server_of(who, OURS, "PULL")
    bound.authenticate()
    other = client_of(who, client, "PUSH")
    other.connect(bound.bind())
    other.send("hello")
    assert bound.user() == ALICE


def test_a_handler_that_has_to_be(who: Who) -> None:
    bound = server_of(who, OURS, "PULL", ZAP_DOMAIN="d", ZAP_ENFORCE_DOMAIN=1)
    other = client_of(who, OURS, "PUSH")
    other.connect(bound.bind())
    failed = bound.until("HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_SUCCEEDED")
    assert failed == ["HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT]


# --- between those who should not ---


@each_library
def test_nobody_at_first(library: str, realm: Realm, who: Who) -> None:
    """A client without credentials gets in once it has some."""
    bound = server_of(who, OURS, "PULL")
    realm.forget("late")
    patience = {} if library == OURS else {"HANDSHAKE_IVL": 500}
    other = client_of(who, library, "PUSH", client="late", **patience)
    other.connect(bound.bind())
    event = other.until("HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_SUCCEEDED")
    assert event[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    if library == OURS:
        assert event[1] == errno.EPERM
    shutil.copy(realm.keytab("alice"), realm.keytab("late"))
    assert other.until("HANDSHAKE_SUCCEEDED")
    other.send("hello")
    assert bound.recv() == ["hello"]


@each_library
@pytest.mark.parametrize(
    "service",
    [
        "zmq@nowhere",
        pytest.param("nobody@server", marks=slow),
        pytest.param("nonsense//@@", marks=slow),
    ],
)
def test_no_such_service(library: str, service: str, who: Who) -> None:
    bound = server_of(who, OURS, "PULL")
    other = client_of(
        who, library, "PUSH", GSSAPI_SERVICE_PRINCIPAL=service, HANDSHAKE_IVL=500
    )
    other.connect(bound.bind())
    event = other.until("HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_SUCCEEDED")
    assert event[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    assert other.until("CONNECT_RETRIED")


@pytest.mark.parametrize("client", [OURS, theirs_slowly])
def test_another_server(client: str, who: Who) -> None:
    """Who has not the key of the service that is asked for cannot be it."""
    bound = server_of(who, OURS, "PULL", server="zmq/other")
    other = client_of(who, client, "PUSH")
    other.connect(bound.bind())
    assert bound.until("HANDSHAKE_FAILED_PROTOCOL")[1] == CRYPTOGRAPHIC
    assert other.until("CONNECT_RETRIED")


@pytest.mark.parametrize("client", [OURS, theirs_slowly])
def test_a_server_without_keys(client: str, realm: Realm, who: Who) -> None:
    realm.forget("zmq/late")
    bound = server_of(who, OURS, "PULL", server="zmq/late")
    other = client_of(who, client, "PUSH")
    other.connect(bound.bind())
    assert bound.until("HANDSHAKE_FAILED_NO_DETAIL")[1] == errno.EPERM
    shutil.copy(realm.keytab("zmq/server"), realm.keytab("zmq/late"))
    other.send("hello")
    assert bound.recv() == ["hello"]


@each_pair
def test_a_name_that_is_not_the_keys(server: str, client: str, who: Who) -> None:
    bound = server_of(
        who, server, "PULL", GSSAPI_PRINCIPAL="zmq@elsewhere", HANDSHAKE_IVL=500
    )
    other = client_of(who, client, "PUSH", HANDSHAKE_IVL=500)
    other.connect(bound.bind())
    event = bound.until("HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_SUCCEEDED")
    assert event[0] == "HANDSHAKE_FAILED_NO_DETAIL"


@each_pair
@sealed_or_not
def test_sides_that_do_not_agree(
    server: str, client: str, plaintext: int, who: Who
) -> None:
    bound = server_of(who, server, "PULL", GSSAPI_PLAINTEXT=plaintext)
    other = client_of(who, client, "PUSH", GSSAPI_PLAINTEXT=1 - plaintext)
    other.connect(bound.bind())
    event = other.until("HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_SUCCEEDED")
    assert event == ["HANDSHAKE_FAILED_PROTOCOL", UNEXPECTED]


@each_pair
def test_types_that_do_not_fit(server: str, client: str, who: Who) -> None:
    bound = server_of(who, server, "PULL")
    other = client_of(who, client, "PULL")
    other.connect(bound.bind())
    event = other.until("HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_SUCCEEDED")
    assert event == ["HANDSHAKE_FAILED_PROTOCOL", BAD_METADATA]


def test_two_clients(who: Who) -> None:
    one = client_of(who, OURS, "DEALER")
    two = who(OURS, client="alice", server="alice")
    two.open("DEALER", {"GSSAPI_SERVICE_PRINCIPAL": SERVICE})
    two.connect(one.bind())
    assert one.until("HANDSHAKE_FAILED_PROTOCOL")[1] == CRYPTOGRAPHIC


def test_a_command_before_its_turn(who: Who) -> None:
    """It waits until there is time for it, also if it comes with the greeting."""
    bound = client_of(who, OURS, "DEALER")
    host, port = bound.bind().removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as stranger:
        body = initiate(b"token")
        stranger.sendall(GREETING + struct.pack("!BQ", 6, len(body)) + body)
        assert bound.until("HANDSHAKE_FAILED_PROTOCOL")[1] == CRYPTOGRAPHIC


# --- strangers, and somebody on the line ---


def initiate(token: bytes) -> bytes:
    return b"\x08INITIATE" + struct.pack("!I", len(token)) + token


@each_library
@pytest.mark.parametrize(
    ("body", "theirs_too", "error"),
    [
        (b"\x05HELLO", True, UNEXPECTED),
        (b"\x08INITIATE", True, MALFORMED_INITIATE),
        (initiate(b"token") + b"x", True, MALFORMED_INITIATE),
        (b"\x08INITIATE\xff\xff\xff\xff", True, MALFORMED_INITIATE),
        (initiate(b""), False, CRYPTOGRAPHIC),
        pytest.param(
            initiate(b"\x60\x84\xff\xff\xff\xff" * 99),
            False,
            CRYPTOGRAPHIC,
            marks=slow,
        ),
        pytest.param(initiate(KRB5_TOKEN * 9), False, CRYPTOGRAPHIC, marks=slow),
    ],
)
def test_strangers(
    library: str, body: bytes, theirs_too: bool, error: int, who: Who
) -> None:
    if library == THEIRS and not theirs_too:
        pytest.skip("libzmq says nothing of it")
    bound = server_of(who, library, "PULL")
    host, port = bound.bind().removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as stranger:
        stranger.sendall(GREETING)
        long = struct.pack("!BQ", 6, len(body)) + body
        stranger.sendall(long)
        assert bound.until("HANDSHAKE_FAILED_PROTOCOL")[1] == error
        while stranger.recv(4096):
            pass  # it is over soon
    other = client_of(who, OURS, "PUSH")
    other.connect(f"tcp://{host}:{port}")
    other.send("hello")
    assert bound.recv() == ["hello"]


def is_message(frame: bytes) -> bool:
    return b"\x07MESSAGE" in frame[:20]


@pytest.mark.parametrize("server", [OURS, theirs])
@sealed_or_not
def test_what_is_to_be_seen(server: str, plaintext: int, who: Who) -> None:
    seen: list[bytes] = []

    def look(number: int, frame: bytes) -> list[bytes]:
        seen.append(frame)
        return [frame]

    bound = server_of(who, server, "PULL", GSSAPI_PLAINTEXT=plaintext)
    other = client_of(who, OURS, "PUSH", GSSAPI_PLAINTEXT=plaintext)
    with Tap(bound.bind(), client_says=look) as tap:
        other.connect(tap.endpoint)
        other.send("for your eyes only")
        assert bound.recv() == ["for your eyes only"]
        other.reset()
    assert any(b"for your eyes only" in frame for frame in seen) == bool(plaintext)
    token, last, ready, *rest = seen
    assert token[:1] in b"\x04\x06"
    assert b"\x08INITIATE" in token[:20]
    assert last == b"\x04\x00"
    assert is_message(ready) == (not plaintext)
    if not plaintext:
        assert ready[0] & 4
        assert all(is_message(frame) and not frame[0] & 5 for frame in rest)


@pytest.mark.parametrize("what", ["changed", "cut", "twice", "left out", "swapped"])
def test_somebody_on_the_line(what: str, who: Who) -> None:
    held: list[bytes] = []

    def bend(number: int, frame: bytes) -> list[bytes]:
        if number != 4:  # the second message
            return [frame, *(held.pop() for _ in held[:])]
        if what == "swapped":
            held.append(frame)
        if what == "cut":
            frame = frame[:1] + bytes([frame[1] - 1]) + frame[2:-1]
        return {
            "changed": [flip(frame, -1)],
            "cut": [frame],
            "twice": [frame, frame],
        }.get(what, [])

    bound = server_of(who, OURS, "PULL")
    other = client_of(who, OURS, "PUSH")
    with Tap(bound.bind(), client_says=bend) as tap:
        other.connect(tap.endpoint)
        for number in range(5):
            other.send(str(number))
        event = bound.until("HANDSHAKE_FAILED_PROTOCOL")
        assert event[1] == (MALFORMED_MESSAGE if what == "cut" else CRYPTOGRAPHIC)
        got = [bound.recv()]
        if what == "twice":
            got.append(bound.recv())
        assert got == [["0"], ["1"]][: len(got)]
        assert not bound.within(50)
        other.reset()


@pytest.mark.parametrize(
    ("text", "is_sealed", "error"),
    [("\0hello", False, CRYPTOGRAPHIC), ("", True, MALFORMED_MESSAGE)],
    ids=["only signed", "without flags"],
)
def test_what_no_client_says(text: str, is_sealed: bool, error: int, who: Who) -> None:
    """Each of these ends libzmq's process."""
    bound = server_of(who, OURS, "PULL")
    stranger = who(OURS, client="alice")
    stranger.raw(bound.bind(), "PUSH")
    stranger.say("\0good", True)
    assert bound.recv() == ["good"]
    stranger.say(text, is_sealed)
    assert bound.until("HANDSHAKE_FAILED_PROTOCOL")[1] == error
    assert stranger.is_cut_off()
    assert not bound.within(50)


def test_flags_of_subscriptions(who: Who) -> None:
    """As libzmq sends them since 4.3.5: a flag, and the topic alone."""
    bound = server_of(who, OURS, "XPUB")
    stranger = who(OURS, client="alice")
    stranger.raw(bound.bind(), "SUB")
    stranger.say("\x04topic", True)
    assert bound.recv() == ["\x01topic"]
    stranger.say("\x08topic", True)
    assert bound.recv() == ["\x00topic"]


# --- a KDC that says nothing ---


def test_nobody_waits_for_the_kdc(realm: Realm, tmp_path: Any, who: Who) -> None:
    """What asks it is delayed, and nothing else of the same context; nor is its end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = (realm.folder / "krb5.conf").read_text()
        lines = [
            f"kdc = 127.0.0.1:{silent.getsockname()[1]}" if "kdc = " in line else line
            for line in text.splitlines()
        ]
        (tmp_path / "krb5.conf").write_text("\n".join(lines))
        env = {
            **realm.who(client="alice", server="zmq/server"),
            "KRB5_CONFIG": str(tmp_path / "krb5.conf"),
            "KRB5CCNAME": f"FILE:{tmp_path / 'cache'}",
        }
        asking = Peer(OURS, env)
        try:
            asking.open(
                "DEALER",
                {"GSSAPI_SERVICE_PRINCIPAL": SERVICE, "HANDSHAKE_IVL": 300},
            )
            bound = server_of(who, OURS, "DEALER")
            endpoint = bound.bind()
            asking.connect(endpoint)
            kdc_end, _ = silent.accept()  # it asks, and gets no answer
            with kdc_end:
                asking.add_server()
                other = client_of(who, OURS, "PUSH")
                other.connect(asking.bind_server())
                other.send("hello")
                assert asking.recv_server() == ["hello"]
                failed = asking.until("HANDSHAKE_FAILED_NO_DETAIL")
                assert failed[1] == errno.ETIMEDOUT
                asking.close_self()
        finally:
            asking.kill()


# --- options ---

OPTIONS = [
    "GSSAPI_SERVER",
    "GSSAPI_PRINCIPAL",
    "GSSAPI_SERVICE_PRINCIPAL",
    "GSSAPI_PLAINTEXT",
    "GSSAPI_PRINCIPAL_NAMETYPE",
    "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE",
    "MECHANISM",
]


@needs_libzmq
def test_options_are_libzmqs(who: Who) -> None:
    peers = [who(library, client="alice") for library in (OURS, THEIRS)]
    for peer in peers:
        peer.open("PULL", {})
    ours, theirs = ([peer.get(option) for option in OPTIONS] for peer in peers)
    assert ours == theirs
    for option, value in [
        ("GSSAPI_PLAINTEXT", 1),
        ("GSSAPI_PLAINTEXT", 2),
        ("GSSAPI_PRINCIPAL_NAMETYPE", 2),
        ("GSSAPI_PRINCIPAL_NAMETYPE", 3),
        ("GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", 1),
        ("GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", -1),
        ("GSSAPI_PRINCIPAL", "joseph"),
        ("GSSAPI_SERVER", 1),
        ("GSSAPI_SERVICE_PRINCIPAL", "zmq@server"),
        ("GSSAPI_SERVER", 2),
        ("GSSAPI_SERVER", 0),
        ("GSSAPI_PRINCIPAL", "a" * 255),
        ("GSSAPI_PRINCIPAL", "a" * 256),
        ("GSSAPI_PRINCIPAL", ""),
        ("GSSAPI_PRINCIPAL", "b\0"),
        ("PLAIN_SERVER", 1),
        ("GSSAPI_SERVER", 0),
    ]:
        ours, theirs = (
            [peer.set(option, value), *(peer.get(option) for option in OPTIONS)]
            for peer in peers
        )
        assert ours == theirs, (option, value)


def test_it_is_said_to_be_there(who: Who) -> None:
    assert who(OURS, client="alice").has("gssapi")
