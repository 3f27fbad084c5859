# SPDX-License-Identifier: Apache-2.0
"""What pyright sees, in its strict mode: nothing to complain of.

In the package less what is meant there: its modules use each other's private names, and
check what callers without a type checker pass.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from examples.programs import PROGRAMS
from source.tree import ROOT

pytest.importorskip("pyright")
if shutil.which("node") is None:
    pytest.skip("pyright needs node", allow_module_level=True)

pytestmark = pytest.mark.timeout(120)

WRONG = """
import fastmq as zmq

socket = zmq.Context().socket(zmq.PUSH)
socket.linger = "long"
socket.no_such_attribute
socket.send("text")
zmq.NO_SUCH_CONSTANT
frame: zmq.Frame = socket.recv()
"""

# Rules of the strict mode that the package does not keep.
LENIENT = {
    "reportMissingModuleSource": "none",
    "reportPrivateUsage": "none",
    "reportUnnecessaryIsInstance": "none",
    "reportUnusedFunction": "none",
}


def pyright(folder, *arguments: str, **rules: str) -> dict:
    """Return what pyright says of the files in a folder."""
    settings = {"typeCheckingMode": "strict", **rules}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "--outputjson", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)


def complaints(said: dict) -> list[str]:
    return [
        f"{found['file']}: {found['message']}" for found in said["generalDiagnostics"]
    ]


def test_the_examples(tmp_path) -> None:
    for path in PROGRAMS:
        shutil.copy(path, tmp_path)
    said = pyright(tmp_path)
    assert said["summary"]["filesAnalyzed"] == len(PROGRAMS)
    assert complaints(said) == []


@pytest.mark.slow
def test_the_package(tmp_path) -> None:
    for module in ("gevent", "tornado", "numpy"):
        pytest.importorskip(module)
    shutil.copytree(ROOT / "fastmq", tmp_path / "fastmq")
    said = pyright(tmp_path, pythonVersion="3.10", **LENIENT)
    assert said["summary"]["filesAnalyzed"] > 50
    assert complaints(said) == []


def test_mistakes_are_found(tmp_path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    found = {
        entry["range"]["start"]["line"]
        for entry in pyright(tmp_path)["generalDiagnostics"]
        if entry["severity"] == "error"
    }
    assert found == {4, 5, 6, 7, 8}
