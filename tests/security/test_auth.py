# SPDX-License-Identifier: Apache-2.0
"""fastmq.auth, and pyzmq's zmq.auth for the same: what is asked of both is fair."""

from __future__ import annotations

import asyncio
import errno
import logging
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from patterns.conftest import OURS, last, refuses
from patterns.watched import Watched
from security.conftest import verdict

PORT = "tcp://127.0.0.1:*"
GOOD = ("HANDSHAKE_SUCCEEDED", 0)
BAD = ("HANDSHAKE_FAILED_AUTH", 400)
Connect = Callable[..., Watched]


def module(library: str, name: str = "") -> ModuleType:
    return import_module(f"{library}.auth{name}")


@pytest.fixture
def auth(library: str, world: Any) -> Iterator[Any]:
    """A ThreadAuthenticator that runs."""
    auth = module(library, ".thread").ThreadAuthenticator(world.context(library))
    auth.start()
    yield auth
    auth.stop()


@pytest.fixture
def server(library: str, world: Any) -> Watched:
    return Watched(world, library, "PULL", rcvtimeo=20000)


@pytest.fixture
def connect(library: str, world: Any, server: Watched) -> Connect:
    """Return a function that connects one more client to the server."""

    def make(**options: Any) -> Watched:
        if not last(server.socket):
            server.socket.bind(PORT)
        client = Watched(world, library, "PUSH", **options)
        client.socket.connect(last(server.socket))
        return client

    return make


@contextmanager
def closing_by(close: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    finally:
        close()


def login(user: str, password: str) -> dict[str, bytes]:
    return {"plain_username": user.encode(), "plain_password": password.encode()}


def test_null_without_a_policy(auth: Any, server: Watched, connect: Connect) -> None:
    server.socket.zap_domain = b"test"
    client = connect()
    assert verdict(client) == GOOD
    client.socket.send(b"hello")
    assert server.socket.recv(copy=False).get("User-Id") == "anonymous"


def test_allow(auth: Any, server: Watched, connect: Connect) -> None:
    server.socket.zap_domain = b"test"
    auth.allow("127.0.0.2", "10.1.1.1")
    assert verdict(connect()) == BAD
    auth.allow("127.0.0.1")
    assert verdict(connect()) == GOOD
    with pytest.raises(ValueError, match="not both"):
        auth.deny("127.0.0.2")


def test_deny(auth: Any, server: Watched, connect: Connect) -> None:
    server.socket.zap_domain = b"test"
    auth.deny("127.0.0.2")
    assert verdict(connect()) == GOOD
    auth.deny("127.0.0.1")
    assert verdict(connect()) == BAD
    with pytest.raises(ValueError, match="not both"):
        auth.allow("127.0.0.2")


def test_plain(auth: Any, server: Watched, connect: Connect) -> None:
    server.socket.plain_server = 1
    assert verdict(connect(**login("admin", "secret"))) == BAD  # nothing configured
    passwords = {"admin": "secret", "ünï": "pässwörd"}
    auth.configure_plain(domain="*", passwords=passwords)
    for user, password in passwords.items():
        client = connect(**login(user, password))
        assert verdict(client) == GOOD
        client.socket.send(b"hello")
        assert server.socket.recv(copy=False).get("User-Id") == user
    for user, password in (("admin", "secret "), ("nobody", "secret"), ("admin", "x")):
        assert verdict(connect(**login(user, password))) == BAD
    passwords["late"] = "comer"
    assert verdict(connect(**login("late", "comer"))) == GOOD


def test_domains(auth: Any, server: Watched, connect: Connect) -> None:
    """A domain with a name does not fall back to "*"."""
    server.socket.plain_server = 1
    server.socket.zap_domain = b"mine"
    auth.configure_plain("*", {"admin": "secret"})
    assert verdict(connect(**login("admin", "secret"))) == BAD
    auth.configure_plain("mine", {"admin": "secret"})
    assert verdict(connect(**login("admin", "secret"))) == GOOD


def test_addresses_come_before_passwords(
    auth: Any, server: Watched, connect: Connect
) -> None:
    server.socket.plain_server = 1
    auth.configure_plain(passwords={"admin": "secret"})
    auth.allow("127.0.0.1")
    assert verdict(connect(**login("admin", "secret"))) == GOOD
    assert verdict(connect(**login("admin", "x"))) == BAD


def test_many_at_once(world: Any) -> None:
    auth = module(OURS, ".thread").ThreadAuthenticator(world.context(OURS))
    auth.start()
    auth.configure_plain(passwords={f"user {n}": "secret" for n in range(50)})
    server = world.socket(OURS, "PULL", plain_server=1)
    server.bind(PORT)
    with closing_by(auth.stop):
        clients = [
            world.socket(OURS, "PUSH", **login(f"user {n}", "secret"))
            for n in range(100)  # half of them are not known
        ]
        for client in clients:
            client.connect(last(server))
            client.send(b"hello")
        users = {server.recv(copy=False).get("User-Id") for _ in range(50)}
    assert users == {f"user {n}" for n in range(50)}


def test_life_of_the_thread(library: str, world: Any) -> None:
    context = world.context(library)
    auth = module(library, ".thread").ThreadAuthenticator(context)
    assert not auth.is_alive()
    auth.stop()
    for _ in range(3 if library == OURS else 1):  # pyzmq frees the name a little later
        auth.start()
        other = module(library, ".thread").ThreadAuthenticator(context)
        with closing_by(auth.stop), closing_by(other.stop):
            assert auth.is_alive()
            with refuses(errno.EADDRINUSE):
                other.start()
        auth.stop()
        assert not auth.is_alive()
    assert auth.zap_socket is None


def test_the_context_ends_first() -> None:
    """Of pyzmq the thread would end with a traceback."""
    context = import_module(OURS).Context()
    auth = module(OURS, ".thread").ThreadAuthenticator(context)
    auth.start()
    context.destroy(linger=0)
    auth.thread.join(20)
    assert not auth.is_alive()
    auth.stop()


# --- what is asked and answered, without sockets ---


class Answers:
    """In the place of a ZAP socket."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []

    def send_multipart(self, frames: list[bytes]) -> None:
        self.sent.append(frames)

    def close(self) -> None:
        pass


def ask(auth: Any, *frames: bytes) -> list[bytes] | None:
    auth.zap_socket = Answers()
    asyncio.run(auth.handle_zap_message(list(frames)))
    sent: list[list[bytes]] = auth.zap_socket.sent
    return sent[0] if sent else None


def question(mechanism: bytes, *credentials: bytes, domain: bytes = b"") -> list[bytes]:
    return [b"1.0", b"7", domain, b"10.0.0.1", b"id", mechanism, *credentials]


@pytest.fixture
def bare(library: str, world: Any) -> Any:
    return module(library).Authenticator(world.context(library))


def test_answers(bare: Any) -> None:
    assert ask(bare, *question(b"NULL")) == [
        *(b"1.0", b"7", b"200", b"OK", b"anonymous", b"")
    ]
    for frames in (
        question(b"PLAIN", b"user"),
        question(b"PLAIN", b"user", b"password", b"more"),
        question(b"CURVE"),
        question(b"GSSAPI", b"a", b"b"),
        question(b"OTHER", b"x"),
        question(b"PLAIN", b"user", b"password"),
        question(b"CURVE", bytes(32)),
        [b"2.0", *question(b"NULL")[1:]],
        question(b"NULL")[:5],
    ):
        answer = ask(bare, *frames)
        assert answer is not None
        assert answer[:3] == [b"1.0", b"7", b"400"]
        assert answer[4:] == [b"", b""]
    answer = ask(bare, *question(b"GSSAPI", b"joe@EXAMPLE"))
    assert answer is not None
    assert answer[2:5] == [b"200", b"OK", b"joe@EXAMPLE"]


def test_curve_callbacks(bare: Any) -> None:
    asked = []

    class Provider:
        def callback(self, domain: str, key: bytes) -> bool:
            asked.append((domain, key))
            return key == b"00000" * 8

    class Slow:
        async def callback(self, domain: str, key: bytes) -> bool:
            return True

    bare.configure_curve_callback("*", Provider())
    bare.configure_curve_callback("slow", Slow())
    answers = [
        ask(bare, *question(b"CURVE", bytes(32))),
        ask(bare, *question(b"CURVE", b"\xff" * 32)),
        ask(bare, *question(b"CURVE", b"\xff" * 32, domain=b"slow")),
        ask(bare, *question(b"CURVE", bytes(32), domain=b"other")),
    ]
    assert [a[2] for a in answers if a] == [b"200", b"400", b"200", b"400"]
    assert answers[0] is not None
    assert answers[0][4] == b"00000" * 8
    assert asked[0] == ("*", b"00000" * 8)


def test_any_key(bare: Any) -> None:
    bare.configure_curve(location=module(bare.__module__.split(".")[0]).CURVE_ALLOW_ANY)
    answer = ask(bare, *question(b"CURVE", bytes(32), domain=b"whatever"))
    assert answer is not None
    assert answer[2] == b"200"


def test_other_user_ids(library: str, world: Any) -> None:
    class Mine(module(library).Authenticator):  # type: ignore[misc]
        def curve_user_id(self, client_public_key: bytes) -> str:
            return client_public_key.hex()

    auth = Mine(world.context(library))
    auth.configure_curve(location="*")
    answer = ask(auth, *question(b"CURVE", bytes(32)))
    assert answer is not None
    assert answer[4] == b"00" * 32


def test_a_callback_that_fails(world: Any) -> None:
    """Pyzmq's thread ends with it, and nobody gets an answer any more."""

    class Broken:
        def callback(self, domain: str, key: bytes) -> bool:
            raise RuntimeError("no database")

    auth = module(OURS).Authenticator(world.context(OURS))
    auth.configure_curve_callback(credentials_provider=Broken())
    answer = ask(auth, *question(b"CURVE", bytes(32)))
    assert answer is not None
    assert answer[2] == b"500"


def test_no_secret_is_logged(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    auth = module(OURS).Authenticator(world.context(OURS))
    auth.configure_plain(passwords={"admin": "hunter2"})
    ask(auth, *question(b"PLAIN", b"admin", b"hunter2"))
    ask(auth, *question(b"PLAIN", b"admin", b"hunter22"))
    ask(auth, *question(b"PLAIN", b"hunter2"))
    assert caplog.records
    assert "hunter2" not in caplog.text


def test_what_cannot_be_configured(bare: Any, tmp_path: Path) -> None:
    bare.configure_curve(location=tmp_path / "nowhere")  # only logged
    bare.configure_curve_callback(credentials_provider=None)
    answer = ask(bare, *question(b"CURVE", bytes(32)))
    assert answer is not None
    assert answer[2] == b"400"
    bare.configure_gssapi("*", None)


# --- event loops ---


@pytest.mark.parametrize("kind", ["asyncio", "ioloop"])
def test_in_an_event_loop(kind: str, library: str, world: Any) -> None:
    name = "AsyncioAuthenticator" if kind == "asyncio" else "IOLoopAuthenticator"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = getattr(module(library, f".{kind}"), name)(world.context(library))
    server = Watched(world, library, "PULL", plain_server=1)
    server.socket.bind(PORT)

    async def run() -> list[tuple[str, int]]:
        made.start()
        made.configure_plain(passwords={"admin": "secret"})
        verdicts = []
        for word in ("secret", "wrong", "secret"):
            client = Watched(world, library, "PUSH", **login("admin", word))
            client.socket.connect(last(server.socket))
            verdicts.append(await asyncio.to_thread(verdict, client))
        made.stop()
        made.stop()
        await asyncio.sleep(0)
        return verdicts

    assert asyncio.run(run()) == [GOOD, BAD, GOOD]


def test_arguments_of_old(world: Any) -> None:
    context = world.context(OURS)
    with pytest.warns(DeprecationWarning, match="loop"):
        module(OURS, ".asyncio").AsyncioAuthenticator(context, loop=object())


# --- certificates ---

makes_keys = pytest.mark.skipif(
    not import_module(OURS).has("curve"), reason="built without CURVE"
)


@makes_keys
def test_certificates(library: str, tmp_path: Path) -> None:
    auth = module(library)
    public_file, secret_file = auth.create_certificates(
        tmp_path, "joe", {"name": "Joe", "mail": "joe@example"}
    )
    assert (public_file, secret_file) == (
        str(tmp_path / "joe.key"),
        str(tmp_path / "joe.key_secret"),
    )
    public, secret = auth.load_certificate(secret_file)
    assert len(public) == len(secret) == 40
    assert import_module(library).curve_public(secret) == public
    assert auth.load_certificate(public_file) == (public, None)
    assert secret.decode() not in Path(public_file).read_text()
    assert "    name = Joe" in Path(secret_file).read_text().splitlines()
    assert auth.load_certificates(tmp_path) == {public: True}


@makes_keys
def test_certificates_of_the_other_library(tmp_path: Path) -> None:
    ours, theirs = module(OURS), module("zmq")
    files = [
        *ours.create_certificates(tmp_path, "a"),
        *theirs.create_certificates(tmp_path, "b"),
    ]
    for file in files:
        assert ours.load_certificate(file) == theirs.load_certificate(file)


@makes_keys
def test_who_may_read_a_secret(tmp_path: Path) -> None:
    auth = module(OURS)
    for _ in range(2):  # also where there is a file that everybody may read
        _, secret_file = auth.create_certificates(str(tmp_path), "joe")
        assert stat.S_IMODE(Path(secret_file).stat().st_mode) == 0o600
        Path(secret_file).chmod(0o644)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["joe.key", "joe.key_secret"]


def test_files_that_are_none(library: str, tmp_path: Path) -> None:
    auth = module(library)
    with pytest.raises(OSError, match="Invalid certificate file"):
        auth.load_certificate(tmp_path / "none")
    with pytest.raises(OSError, match="Invalid certificate directory"):
        auth.load_certificates(tmp_path / "none")
    file = tmp_path / "empty.key"
    file.write_text('# public-key = "x"\ncurve\n    secret-key = "y"\n')
    with pytest.raises(ValueError, match="No public key"):
        auth.load_certificate(file)
    with pytest.raises(ValueError, match="No public key"):
        auth.load_certificates(tmp_path)
    file.write_text("public-key = 'abc'\n  secret-key=def\npublic-key = \"later\"\n")
    assert auth.load_certificate(file) == (b"abc", b"def")
