# SPDX-License-Identifier: Apache-2.0
"""Tunnels: what is asked of ssh, and that bytes pass.

There is no server here: the command ``ssh`` is a program of the test.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket as net
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patterns.conftest import until

from fastmq.ssh import forward, tunnel

# It asks for the password as ssh does, when the test says so, writes down what it was
# told, and, like `ssh -f`, ends when the tunnel is there.
FAKE = """#!{python}
import json, os, subprocess, sys
words = sys.argv[1:]
batch = "BatchMode=yes" in words
wanted = os.environ.get("FAKE_PASSWORD")
got = None
if wanted is not None and not batch:
    ask = os.environ.get("SSH_ASKPASS")
    prompts = os.environ.get("FAKE_PROMPT", "me@server's password: ")
    done = subprocess.run([ask, prompts], capture_output=True, text=True)
    got = done.stdout.rstrip("\\n") if done.returncode == 0 else None
with open(os.environ["FAKE_LOG"], "a") as log:
    print(json.dumps([words, got, os.environ.get("SSH_ASKPASS_REQUIRE")]), file=log)
if wanted is not None and got != wanted:
    print("Permission denied", file=sys.stderr)
    sys.exit(255)
"""


class FakeSSH:
    """The command, and what it was told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = folder / "ssh"
        program.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o700)
        self._log = folder / "log"
        self._patch = monkeypatch
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.setenv("FAKE_LOG", str(self._log))

    def demand(self, password: str, prompt: str = "me@server's password: ") -> None:
        self._patch.setenv("FAKE_PASSWORD", password)
        self._patch.setenv("FAKE_PROMPT", prompt)

    @property
    def calls(self) -> list[Any]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSSH:
    return FakeSSH(tmp_path, monkeypatch)


def test_a_tunnel_by_ssh(ssh: FakeSSH) -> None:
    url, pid = tunnel.open_tunnel(
        "tcp://inside:5555", "me@server:2222", keyfile="a key", timeout=7
    )
    assert isinstance(pid, int)
    transport, _, port = url.rpartition(":")
    assert transport == "tcp://127.0.0.1"
    asked, made = (words for words, _, _ in ssh.calls)
    assert "BatchMode=yes" in asked
    assert asked[-2:] == ["me@server", "true"]
    forwarding = ["-L", f"127.0.0.1:{port}:inside:5555", "-f"]
    assert made[:3] == forwarding
    assert made[made.index("-p") + 1] == "2222"
    assert made[made.index("-i") + 1] == "a key"
    assert made[-3:] == ["me@server", "sleep", "7"]


def test_the_password(ssh: FakeSSH) -> None:
    """It is in no argument, and in no variable."""
    ssh.demand('it\'s a "secret" $HOME\\')
    tunnel.openssh_tunnel(1, 2, "server", password='it\'s a "secret" $HOME\\')
    ((words, got, require),) = ssh.calls
    assert (got, require) == ('it\'s a "secret" $HOME\\', "force")
    assert "secret" not in "".join(words)


def test_a_wrong_password(ssh: FakeSSH) -> None:
    ssh.demand("right")
    with pytest.raises(tunnel.SSHException, match="Permission denied"):
        tunnel.openssh_tunnel(1, 2, "server", password="wrong")


def test_a_password_that_is_asked_for(ssh: FakeSSH, monkeypatch: Any) -> None:
    asked = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return "right"

    monkeypatch.setattr(tunnel.getpass, "getpass", getpass)
    ssh.demand("right")
    assert not tunnel.try_passwordless_ssh("server", None)
    tunnel.ssh_tunnel(1, 2, "server")
    assert asked == ["server's password: "]


def test_an_unknown_server_is_not_trusted(ssh: FakeSSH) -> None:
    """What asks something else than a password gets no answer."""
    ssh.demand(
        "yes", "The authenticity of host 'server' can't be established. (yes/no)"
    )
    with pytest.raises(tunnel.SSHException):
        tunnel.openssh_tunnel(1, 2, "server", password="yes")
    assert ssh.calls[0][1] is None


def test_nothing_is_left(ssh: FakeSSH, monkeypatch: Any, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tunnel.tempfile, "tempdir", str(folder))
    ssh.demand("right")
    tunnel.openssh_tunnel(1, 2, "server", password="right")
    assert list(folder.iterdir()) == []


def test_a_socket_through_a_tunnel(
    zmq: Any, make: Any, ssh: FakeSSH, monkeypatch: Any
) -> None:
    if zmq.__name__ != "fastmq":
        pytest.skip("pyzmq needs pexpect")
    # The other end of the tunnel.
    server = make(zmq.REP)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    monkeypatch.setattr(tunnel, "select_random_ports", lambda n: [port] * n)
    client = make(zmq.REQ)
    tunnel.tunnel_connection(client, "tcp://inside:5555", "server")
    assert ssh.calls[-1][0][1] == f"127.0.0.1:{port}:inside:5555"
    client.send(b"through")
    assert server.recv() == b"through"


@pytest.mark.parametrize(
    "addr", ["ipc://x", "tcp://host", "tcp://host:port", "host:5", "tcp://:5"]
)
def test_addresses(addr: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        tunnel.open_tunnel(addr, "server")


def test_free_ports() -> None:
    seen: list[int] = []
    for n in (1, 20, 20, 3):
        ports = tunnel.select_random_ports(n)
        assert len({*ports}) == n
        assert not {*ports} & {*seen}
        seen += ports
        for port in ports:
            with net.socket() as bound:
                bound.bind(("127.0.0.1", port))


def test_paramiko_is_not_there(monkeypatch: Any) -> None:
    monkeypatch.setattr(tunnel, "paramiko", None)
    for attempt in (
        lambda: tunnel.paramiko_tunnel(1, 2, "server"),
        lambda: tunnel.try_passwordless_ssh("server", None, paramiko=True),
    ):
        with pytest.raises(ImportError, match="paramiko is not installed"):
            attempt()


class Transport:
    """A connection of paramiko, as far as forwarding sees it: it ends here."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.ends: list[net.socket] = []
        self.refuses: Any = False

    def open_channel(self, kind: str, target: Any, origin: Any) -> Any:
        self.asked.append((kind, target))
        if self.refuses == "raises":
            raise OSError("gone")
        if self.refuses:
            return None
        mine, theirs = net.socketpair()
        self.ends.append(theirs)
        return mine


@pytest.fixture
def forwarded(monkeypatch: Any) -> Iterator[tuple[Transport, int]]:
    transport = Transport()
    servers = []

    class Server(forward.ForwardServer):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            servers.append(self)

    monkeypatch.setattr(forward, "ForwardServer", Server)
    thread = threading.Thread(
        target=forward.forward_tunnel, args=(0, "inside", 5, transport)
    )
    thread.start()
    until(lambda: servers)
    yield transport, servers[0].server_address[1]
    servers[0].shutdown()
    thread.join()
    for end in transport.ends:
        end.close()


def test_forwarding(forwarded: tuple[Transport, int]) -> None:
    transport, port = forwarded
    with net.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"there")
        until(lambda: transport.ends)
        (end,) = transport.ends
        assert transport.asked == [("direct-tcpip", ("inside", 5))]
        assert end.recv(100) == b"there"
        end.sendall(b"back" * 50_000)
        with client.makefile("rb") as file:
            assert file.read(200_000) == b"back" * 50_000
        end.close()
        assert client.recv(1) == b""


@pytest.mark.parametrize("how", ["raises", "none"])
def test_a_channel_that_is_refused(forwarded: tuple[Transport, int], how: str) -> None:
    transport, port = forwarded
    transport.refuses = how
    with net.create_connection(("127.0.0.1", port)) as client:
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert transport.ends == []
