# SPDX-License-Identifier: Apache-2.0
"""Independent implementations of ZMTP: pyomq (Rust, ZMTP 3.1) and JeroMQ (Java).

pyomq comes from the package registry into an environment of its own, which needs
Python 3.12 or later; JeroMQ is looked for where Debian's libjeromq-java puts it
(JEROMQ_JAR names another place). Its release there, 0.3, speaks ZMTP 2.0. Where there
is neither the tests are skipped.

docs/guide/interoperability.md lists what is let pass.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from interop.conftest import OURS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
HERE = Path(__file__).parent
PYOMQ = "pyomq==0.27.3"
JARS = [
    os.environ.get("JEROMQ_JAR", ""),
    "/usr/share/java/jeromq.jar",
    "/usr/share/java/jeromq-0.3.6.jar",
]
N = 1500
FOREVER = 100_000_000

Command = list[str]

# Ours and theirs, what theirs does and what we do.
TALKS = [
    ("PUSH", "PULL", "sink", "source"),
    ("PULL", "PUSH", "source", "sink"),
    ("PAIR", "PAIR", "echo", "ask_plainly"),
    ("PAIR", "PAIR", "ask_plainly", "echo"),
    ("REQ", "REP", "echo", "ask_plainly"),
    ("REP", "REQ", "ask_plainly", "echo"),
    ("REQ", "ROUTER", "echo", "ask_plainly"),
    ("ROUTER", "REQ", "ask_plainly", "echo"),
    ("DEALER", "REP", "echo", "ask"),
    ("REP", "DEALER", "ask", "echo"),
    ("DEALER", "DEALER", "echo", "ask_plainly"),
    ("DEALER", "DEALER", "ask_plainly", "echo"),
    ("DEALER", "ROUTER", "echo", "ask_plainly"),
    ("ROUTER", "DEALER", "ask_plainly", "echo"),
    ("PUB", "SUB", "sink", "publish"),
    ("PUB", "XSUB", "sink", "publish"),
    ("XPUB", "SUB", "sink", "publish"),
    ("XPUB", "XSUB", "sink", "publish"),
    ("SUB", "PUB", "source", "listen"),
    ("SUB", "XPUB", "source", "listen"),
    ("XSUB", "PUB", "source", "listen"),
    ("XSUB", "XPUB", "source", "listen"),
]


def pythons() -> Iterator[str]:
    """Yield interpreters that may be 3.12 or later."""
    yield sys.executable
    for minor in range(20, 11, -1):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in sorted(root.glob("versions/3.1[2-9]*"), reverse=True):
        yield str(folder / "bin" / "python3")


def is_new(python: str) -> bool:
    ask = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))"
    try:
        return subprocess.run([python, "-c", ask], check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="session")
def pyomq(tmp_path_factory: pytest.TempPathFactory) -> Command:
    python = next(filter(is_new, pythons()), None)
    if python is None:
        pytest.skip("pyomq needs Python 3.12 or later")
    folder = tmp_path_factory.mktemp("pyomq")
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    inside = str(folder / "bin" / "python")
    install = [inside, "-m", "pip", "install", "-q", "--only-binary=:all:", PYOMQ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{PYOMQ} cannot be installed: {done.stderr[-200:]}")
    return [inside, str(HERE / "other.py"), "pyomq"]


@pytest.fixture(scope="session")
def jeromq(tmp_path_factory: pytest.TempPathFactory) -> Command:
    java, javac = shutil.which("java"), shutil.which("javac")
    jar = next((jar for jar in JARS if jar and Path(jar).exists()), None)
    if java is None or javac is None or jar is None:
        pytest.skip("JeroMQ needs Java with a compiler, and its jar (libjeromq-java)")
    folder = tmp_path_factory.mktemp("jeromq")
    source = str(HERE / "Other.java")
    subprocess.run([javac, "-cp", jar, "-d", str(folder), source], check=True)
    return [java, "-Xshare:auto", "-cp", f"{jar}{os.pathsep}{folder}", "Other"]


@pytest.fixture(params=["pyomq", "jeromq"])
def other(request: pytest.FixtureRequest) -> Command:
    command: Command = request.getfixturevalue(request.param)
    return command


@contextmanager
def started(command: Command, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def content(i: int) -> list[bytes]:
    head = b"%d" % i
    return [head] if i % 3 == 0 else [head, b"x" * (i % 700), b"", b"end"]


def source(socket: Any, _: Any) -> None:
    for i in range(N):
        socket.send_multipart(content(i))


def sink(socket: Any, _: Any) -> None:
    for i in range(N):
        assert socket.recv_multipart() == content(i)


def listen(socket: Any, _: Any) -> None:
    """Take whole messages in order: a publisher drops what has no room."""
    last = -1
    for _ in range(N):
        got = socket.recv_multipart()
        assert got == content(int(got[0]))
        assert int(got[0]) > last
        last = int(got[0])


def publish(socket: Any, process: subprocess.Popen[str]) -> None:
    """Publish, not too fast, until theirs has had enough."""
    i = 0
    while not select.select([process.stdout], [], [], 0.002 if i % 50 == 0 else 0)[0]:
        socket.send_multipart(content(i))
        i += 1


def echo(socket: Any, _: Any) -> None:
    for _ in range(N):
        socket.send_multipart(socket.recv_multipart())


def ask(socket: Any, _: Any, *before: bytes) -> None:
    for i in range(N):
        socket.send_multipart([*before, *content(i)])
        assert socket.recv_multipart() == [*before, *content(i)]


OURS_DOES = {
    "source": source,
    "sink": sink,
    "listen": listen,
    "echo": echo,
    "publish": publish,
    "ask": lambda socket, process: ask(socket, process, b""),
    "ask_plainly": ask,
}


@pytest.mark.parametrize("binder", ["we bind", "they bind"])
@pytest.mark.parametrize(
    "talk", TALKS, ids=lambda talk: f"{talk[0]}-{talk[1]} {talk[3]}"
)
def test_talk(
    other: Command, talk: tuple[str, str, str, str], binder: str, world: Any
) -> None:
    ours, theirs, role, what = talk
    socket = world.socket(OURS, ours, rcvhwm=0)
    socket.sndhwm = 0
    n = FOREVER if ours.endswith("SUB") else N
    endpoint, how = "tcp://127.0.0.1:*", "bind"
    if binder == "we bind":
        socket.bind(endpoint)
        endpoint, how = socket.getsockopt_string(32), "connect"
    if ours == "SUB":
        socket.subscribe(b"")
    elif ours == "XSUB":
        socket.send(b"\x01")
    with started(other, role, theirs, endpoint, how, str(n)) as process:
        assert process.stdout is not None
        told = process.stdout.readline().strip()
        assert told, "theirs has ended"
        if binder == "they bind":
            socket.connect(told)
        OURS_DOES[what](socket, process)
        if n == N:
            assert process.stdout.readline() == "done\n"
