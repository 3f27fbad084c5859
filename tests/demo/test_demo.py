# SPDX-License-Identifier: Apache-2.0
"""The demo as its user meets it: the result, the errors, nothing left behind."""

from __future__ import annotations

import os
import pty
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from demo.conftest import N_LINES
from demo.process import PATIENCE_S, Demo

MEDDLER = """
import fastmq

send_multipart = fastmq.Socket.send_multipart
n_sent = 0


def meddle(self, parts, *rest, **options):
    global n_sent
    n_sent += 1
    if n_sent == {at} and len(parts) == 2:
        head, text = parts
        {what}
    return send_multipart(self, parts, *rest, **options)


fastmq.Socket.send_multipart = meddle
"""


def meddle(folder: Path, what: str, at: int = 20) -> None:
    """Do `what` before one of the ventilator's messages, of two parts as no worker's.

    `folder` must be the first in the path.
    """
    (folder / "sitecustomize.py").write_text(MEDDLER.format(what=what, at=at))


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A folder that, first in the path, keeps the ventilator from its end."""
    meddle(tmp_path, "import threading; threading.Event().wait()")
    return tmp_path


@pytest.mark.parametrize("peer", ["fastmq", "pyzmq"])
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_verifies_every_line(
    tmp_path: Path, tree: Path, transport: str, peer: str
) -> None:
    arguments = ["--transport", transport, "--peer", peer, "--workers", "3"]
    with Demo(tmp_path, str(tree), "--batch", "100", *arguments) as demo:
        status, output, errors = demo.finish()
        assert (status, errors) == (0, "")
        assert f"verified: every line exactly once ({N_LINES:,} lines" in output
        assert "lines/s" in output
        assert "MB/s" in output
        assert output.index("20,000  word\n") < output.index("6,000  alpha\n")
        assert (
            output.partition("workers ")[2]
            .split("\n")[0]
            .split(": ")[1]
            .startswith(peer)
        )
        demo.assert_nothing_left()


def test_takes_a_single_file_and_one_worker(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    file.write_text("only\n")
    with Demo(tmp_path, str(file), "--workers", "1", "--top", "1") as demo:
        status, output, errors = demo.finish()
        assert (status, errors) == (0, "")
        assert "verified: every line exactly once (1 lines" in output
        demo.assert_nothing_left()


def test_shows_bars_on_a_terminal(tmp_path: Path, tree: Path) -> None:
    pytest.importorskip("rich")
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had: {error}")
    shown = b""
    try:
        with Demo(tmp_path, str(tree), stdout=theirs) as demo:
            os.close(theirs)
            theirs = -1
            try:
                while data := os.read(ours, 65536):
                    shown += data
            except OSError:
                pass  # EIO: the other side is closed
            assert demo.process.wait(PATIENCE_S) == 0
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    assert b"verified: every line exactly once" in shown
    assert b"\x1b[" in shown
    assert "━".encode() in shown


def test_a_killed_worker_is_named(
    tmp_path: Path, big_tree: Path, endless: Path
) -> None:
    with Demo(tmp_path, str(big_tree), first_in_path=endless) as demo:
        workers = demo.read_workers()
        os.kill(workers[0], signal.SIGKILL)
        status, output, errors = demo.finish()
        assert status == 1
        assert f"worker 1 (process {workers[0]}) was killed" in errors
        assert "SIGKILL" in errors
        assert "Traceback" not in errors
        assert "verified" not in output
        demo.assert_nothing_left()


def test_lines_that_never_come_are_missed(
    tmp_path: Path, big_tree: Path, endless: Path
) -> None:
    arguments = [str(big_tree), "--patience", "1"]
    with Demo(tmp_path, *arguments, first_in_path=endless) as demo:
        for pid in demo.read_workers():
            with suppress(ProcessLookupError):  # the sink's patience may have ended
                os.kill(pid, signal.SIGSTOP)
        status, output, errors = demo.finish()
        assert status == 1
        assert "sink: nothing has come for 1 s" in errors
        assert "verified" not in output
        demo.assert_nothing_left()


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("return", "nothing has come for 1 s"),
        ("send_multipart(self, parts)", "some of them came twice"),
        ("parts = [head, text.replace(b'l', b'L', 1)]", "NOT verified: checksum"),
        ("parts = [head[:-9] + b'0' + head[-8:], text]", "some of them came twice"),
        ("parts = [head, text[:-1]]", "NOT verified: bytes"),
    ],
    ids=["lost", "doubled", "altered", "mistaken", "cut"],
)
def test_a_bad_library_is_found_out(
    tmp_path: Path, tree: Path, fault: str, complaint: str
) -> None:
    """What the verdict is worth: each fault is one in a single message."""
    meddle(tmp_path, fault)
    arguments = [str(tree), "--batch", "200"]
    if "nothing has come" in complaint:
        arguments += ["--patience", "1"]
    with Demo(tmp_path, *arguments, first_in_path=tmp_path) as demo:
        status, output, errors = demo.finish()
        assert status == 1
        assert complaint in errors
        assert "Traceback" not in errors
        assert "verified:" not in output
        demo.assert_nothing_left()


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_interrupted(
    tmp_path: Path,
    big_tree: Path,
    endless: Path,
    number: signal.Signals,
    expected: int,
) -> None:
    arguments = [str(big_tree), "--transport", "ipc"]
    with Demo(tmp_path, *arguments, first_in_path=endless) as demo:
        demo.read_workers()
        demo.process.send_signal(number)
        status, output, errors = demo.finish()
        assert status == expected
        assert "Traceback" not in errors
        assert "verified" not in output
        demo.assert_nothing_left()


def test_children_die_with_the_command(
    tmp_path: Path, big_tree: Path, endless: Path
) -> None:
    arguments = [str(big_tree), "--transport", "ipc"]
    with Demo(tmp_path, *arguments, first_in_path=endless) as demo:
        demo.read_workers()
        children = demo.find_processes()
        assert len(children) > 4
        demo.process.kill()
        _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert alive == []
        demo.finish()
        demo.assert_nothing_left()


@pytest.mark.parametrize("offset", [0, 1], ids=["ventilator", "sink"])
def test_port_in_use(tmp_path: Path, tree: Path, offset: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] - offset
        with Demo(tmp_path, str(tree), "--port", str(port)) as demo:
            status, _, errors = demo.finish()
            assert status == 1
            assert errors.count("\n") == 1
            assert "cannot bind tcp://127.0.0.1:" in errors
            assert "Address already in use" in errors
            demo.assert_nothing_left()


def test_no_such_path(tmp_path: Path) -> None:
    with Demo(tmp_path, "not here") as demo:
        status, _, errors = demo.finish()
        assert status == 2
        assert errors == "fastmq demo: no such file or folder: not here\n"
        demo.assert_nothing_left()


def test_no_text_file(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "binary").write_bytes(b"\0\0")
    with Demo(tmp_path, "tree") as demo:
        status, _, errors = demo.finish()
        assert status == 2
        assert errors == "fastmq demo: no text file found under tree\n"
        demo.assert_nothing_left()


def test_a_file_that_cannot_be_read_any_more(tmp_path: Path, big_tree: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for file in big_tree.iterdir():
        (tree / file.name).write_bytes(file.read_bytes())
    last = tree / "9.txt"
    meddle(tmp_path, f"import os; os.unlink({str(last)!r})", at=1)
    with Demo(tmp_path, str(tree), first_in_path=tmp_path) as demo:
        status, _, errors = demo.finish()
        assert status == 1
        assert "9.txt" in errors
        assert "Traceback" not in errors
        demo.assert_nothing_left()


def test_pyzmq_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tree: Path
) -> None:
    from fastmq.__main__ import main

    monkeypatch.setitem(sys.modules, "zmq", None)
    assert main(["demo", "--peer", "pyzmq", str(tree)]) == 2
    assert "pyzmq is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "invalid number value: '0'"),
        (["--workers", "two"], "invalid number value: 'two'"),
        (["--port", "65535"], "invalid port value: '65535'"),
        (["--transport", "pgm"], "invalid choice: 'pgm'"),
        (["--port", "5555", "--transport", "ipc"], "--port is for --transport tcp"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: list[str], message: str) -> None:
    with Demo(tmp_path, *arguments) as demo:
        status, _, errors = demo.finish()
        assert status == 2
        assert message in errors
        demo.assert_nothing_left()
