# SPDX-License-Identifier: Apache-2.0
"""``import zmq`` gives fastmq: in a process that says so, and in those it starts.

pyzmq is installed beside it here, so each of these tests would find it.
"""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

import fastmq
from fastmq import _alias, _run

IS_OURS = "import zmq; print(zmq.Socket.__module__)"
OURS = "fastmq.socket\n"
THEIRS = "zmq.sugar.socket\n"
INSTALL = "import fastmq; fastmq.install_as_zmq()\n"


def test_modules_are_the_same_objects(python) -> None:
    program = """
import importlib, pkgutil, sys
names = ["fastmq"]
for info in pkgutil.walk_packages(fastmq.__path__, "fastmq."):
    if info.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(info.name)
    except ImportError as error:
        # An optional package.
        assert "fastmq" not in str(error), error
        continue
    names.append(info.name)
for name in names:
    alias = importlib.import_module("zmq" + name[len("fastmq"):])
    assert alias is sys.modules[name]
    assert alias.__name__ == alias.__spec__.name == name
import zmq.utils.jsonapi as jsonapi
from zmq import utils
assert zmq.utils is utils and utils.jsonapi is jsonapi is fastmq.utils.jsonapi
print(len(names))
"""
    program = program.replace("import zmq.utils", "import zmq, zmq.utils", 1)
    assert int(python(INSTALL + program)) > 15


def test_pyzmq_is_never_asked(python) -> None:
    program = """
import importlib.util
from importlib import import_module
for name in ("zmq.backend.cffi", "zmq.nowhere", "zmq.nowhere.else"):
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        print(error.name, error)
import zmq
assert not hasattr(zmq, "nowhere")
"""
    lines = python(INSTALL + program).splitlines()
    assert [line.split(" ")[0] for line in lines] == [
        "zmq.backend.cffi",
        "zmq.nowhere",
        "zmq.nowhere",
    ]
    assert "fastmq stands for zmq here" in lines[0]


def test_what_import_zmq_loads(python) -> None:
    """What programs find without importing it; and no more of what takes long."""
    program = """
import sys, zmq
for name in ("constants", "error", "backend.cython", "sugar.socket", "utils.jsonapi"):
    module = sys.modules["zmq." + name]
    assert module is sys.modules["fastmq." + name], name
    assert eval("zmq." + name) is module
print(sorted(m for m in sys.modules if m in ("zmq.asyncio", "zmq.devices", "asyncio")))
"""
    assert python(INSTALL + program) == "[]\n"
    theirs = python("import sys, zmq; print([m for m in sys.modules if 'zmq' in m])")
    ours = python(
        INSTALL + "import sys, zmq; print([m for m in sys.modules if 'zmq.' in m])"
    )
    names = {name for name in eval(theirs) if name.rpartition(".")[2][0] != "_"}
    assert names <= {*eval(ours), "zmq"} | {"zmq.utils.z85"}


def test_twice_is_as_once(python) -> None:
    program = INSTALL + INSTALL + "import os, sys\n" + IS_OURS
    program += "\nprint(len([f for f in sys.meta_path if type(f).__name__ == '_Finder']"
    program += "), os.environ['PYTHONPATH'].count('_start'))"
    assert python(program) == OURS + "1 1\n"


def test_too_late(python) -> None:
    program = """
import zmq, fastmq
try:
    fastmq.install_as_zmq()
except RuntimeError as error:
    print(error)
assert zmq.Socket is not fastmq.Socket
"""
    assert "zmq is imported already, from" in python(program)


def test_names_and_versions(python) -> None:
    program = """
import fastmq
own = fastmq.__version__
with fastmq.Context() as ctx, ctx.socket(fastmq.PUSH) as push:
    print(repr(ctx)[:16], repr(push)[:28], fastmq.Frame(b"x"))
fastmq.install_as_zmq()
import zmq
with zmq.Context() as ctx, ctx.socket(zmq.PUSH) as push:
    print(repr(ctx)[:13], repr(push)[:22], zmq.Frame(b"x"))
assert zmq.__version__ == zmq.pyzmq_version() != own
from importlib.metadata import PackageNotFoundError, distribution, version
assert version("PyZMQ") == zmq.__version__ and version("fastmq") == own
assert distribution("pyzmq").metadata["Name"] == "pyzmq"
try:
    version("zmq-nowhere")
except PackageNotFoundError:
    print(zmq.__version__)
"""
    first, second, third = python(program).splitlines()
    assert first == (
        "<fastmq.Context( <fastmq.Socket(fastmq.PUSH)  <fastmq.Frame(b'x')>"
    )
    assert second == "<zmq.Context( <zmq.Socket(zmq.PUSH)  <zmq.Frame(b'x')>"
    assert third == fastmq.pyzmq_version()
    assert fastmq.__version__ != third


def test_pickles(python) -> None:
    """Those of pyzmq can be read, too."""
    things = "[zmq.PUSH, zmq.POLLIN, zmq.SNDHWM, zmq.ZMQError(11, 'x'), zmq.Context]"
    dump = f"import pickle, zmq; print(pickle.dumps({things}, 0).hex())"
    load = "import pickle, sys, zmq; found = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
    load += f"assert found[:3] == {things}[:3] and found[4] is zmq.Context\n"
    load += "assert type(found[0]) is zmq.SocketType and found[3].errno == 11"
    for pickle in (python(dump), python(INSTALL + dump)):
        python(INSTALL + load, pickle.strip())


CHILDREN = """
import multiprocessing, subprocess, sys
if __name__ == "__main__":
    import fastmq
    fastmq.install_as_zmq(children={children})

def which():
    import zmq
    print(zmq.Socket.__module__, flush=True)

if __name__ == "__main__":
    which()
    subprocess.run([sys.executable, "-c", {is_ours!r}])
    for method in ("fork", "spawn", "forkserver"):
        child = multiprocessing.get_context(method).Process(target=which)
        child.start()
        child.join()
"""


def test_children(run, program) -> None:
    script = program(CHILDREN.format(children=True, is_ours=IS_OURS))
    assert run(sys.executable, script).stdout == OURS * 5


def test_without_children(run, program) -> None:
    script = program(CHILDREN.format(children=False, is_ours=IS_OURS))
    # What is forked is a copy.
    expected = OURS + THEIRS + OURS + THEIRS + THEIRS
    assert run(sys.executable, script).stdout == expected


def test_python_m(run, program) -> None:
    """Submodules run as programs, under either name."""
    for command in (["-m", "zmq", "run", "-c"], ["-c"]):
        done = run(sys.executable, "-m", "fastmq", "run", *command, IS_OURS)
        assert done.stdout == OURS


class TestRun:
    """``python -m fastmq run``: Python, with the alias."""

    SCRIPT = """
import os, sys, zmq
assert __name__ == "__main__" and __file__ == {path!r} and __spec__ is None
assert sys.modules["__main__"].__dict__ is globals()
print(zmq.Socket.__module__, sys.argv[1:], sys.path[0] == {folder!r})
print(sys.flags.dev_mode, sys.flags.utf8_mode, sys.warnoptions)
sys.exit(7)
"""

    def test_a_script(self, run, program, tmp_path) -> None:
        path, folder = str(tmp_path / "script.py"), str(tmp_path)
        script = program(self.SCRIPT.format(path=path, folder=folder))
        words = ["run", script, "-c", "--help"]
        start = [sys.executable, "-X", "utf8", "-W", "error", "-m", "fastmq"]
        done = run(*start, *words, fails=True, PYTHONSAFEPATH="")
        assert done.returncode == 7
        first, second = done.stdout.splitlines()
        assert first == "fastmq.socket ['-c', '--help'] True"
        assert second == "False 1 ['error']"

    def test_a_module(self, run, program) -> None:
        program(IS_OURS, "some_module.py")
        start = [sys.executable, "-m", "fastmq", "run", "-m", "some_module"]
        assert run(*start, PYTHONSAFEPATH="").stdout == OURS

    def test_what_it_refuses(self, run) -> None:
        for options in (["-I"], ["-E"]):
            start = [sys.executable, *options, "-m", "fastmq", "run", "-c", "1"]
            done = run(*start, fails=True)
            assert (done.returncode, "no way in" in done.stderr) == (2, True)
        done = run(sys.executable, "-m", "fastmq", "run", fails=True)
        assert (done.returncode, "which program" in done.stderr) == (2, True)
        assert "SCRIPT" in run(sys.executable, "-m", "fastmq", "run", "-h").stdout

    @pytest.mark.parametrize(
        ("command", "options"),
        [
            ("python -m fastmq run x.py", ""),
            ("python -mfastmq run x.py", ""),
            ("python -X dev -Wi -m fastmq run x.py", "-X dev -Wi"),
            ("python -bbm fastmq run x.py", "-bb"),
            ("python -bmfastmq run x.py", "-b"),
        ],
    )
    def test_interpreter_options(self, command: str, options: str) -> None:
        found = _run.interpreter_options(command.split(), ["run", "x.py"])
        assert found == options.split()


class TestStart:
    """The switch, and what carries it."""

    def test_other_start_files_run(self, python, program, tmp_path) -> None:
        """Ours makes room for that which would have been imported."""
        (tmp_path / "more").mkdir()
        program("import sys; sys.was_here = __file__", "more/sitecustomize.py")
        path = f"{_alias.START}:{tmp_path / 'more'}"
        check = "import sys, sitecustomize; print(sys.was_here)\n"
        check += "print(sys.path[1:2], sitecustomize.__file__)\n" + IS_OURS
        said = python(check, PYTHONPATH=path, FASTMQ_AS_ZMQ="1").splitlines()
        mine = str(tmp_path / "more" / "sitecustomize.py")
        assert said[0] == mine
        assert said[1].endswith(f"'] {mine}")
        assert _alias.START not in said[1]
        assert said[2] + "\n" == OURS

    def test_switched_off(self, python) -> None:
        for switch in ("0", ""):
            said = python(IS_OURS, PYTHONPATH=_alias.START, FASTMQ_AS_ZMQ=switch)
            assert said == THEIRS

    def test_nothing_is_imported_before_zmq_is(self, python) -> None:
        program = "import sys; print([m for m in sys.modules if 'fastmq' in m])"
        said = python(program, PYTHONPATH=_alias.START, FASTMQ_AS_ZMQ="1")
        assert said == "['fastmq._alias']\n"

    def test_a_python_without_fastmq(self, run, tmp_path) -> None:
        """Its zmq, or its having none, is its own affair."""
        venv.create(tmp_path / "env", with_pip=False, symlinks=True)
        python = tmp_path / "env" / "bin" / "python"
        program = "import sys\ntry:\n    import zmq\nexcept ImportError as error:\n"
        program += "    print(error)"
        switch = {"PYTHONPATH": _alias.START, "FASTMQ_AS_ZMQ": "1"}
        assert run(python, "-c", program, **switch).stdout == "No module named 'zmq'\n"

    def test_a_whole_environment(self, run, tmp_path) -> None:
        venv.create(tmp_path / "env", with_pip=False, symlinks=True)
        python = tmp_path / "env" / "bin" / "python"
        (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
        here = Path(fastmq.__file__).parent.parent
        (site / "here.pth").write_text(f"{here}\n")
        assert "is not there" in run(python, "-m", "fastmq", "hook").stdout
        assert run(python, "-c", IS_OURS, FASTMQ_AS_ZMQ="1").stdout == THEIRS
        assert "is there" in run(python, "-m", "fastmq", "hook", "on").stdout
        assert run(python, "-c", IS_OURS, FASTMQ_AS_ZMQ="1").stdout == OURS
        assert run(python, "-E", "-c", IS_OURS, FASTMQ_AS_ZMQ="1").stdout == THEIRS
        for switch in ({}, {"FASTMQ_AS_ZMQ": "0"}):
            assert run(python, "-c", IS_OURS, **switch).stdout == THEIRS
        assert "is not there" in run(python, "-m", "fastmq", "hook", "off").stdout
        assert run(python, "-c", IS_OURS, FASTMQ_AS_ZMQ="1").stdout == THEIRS
        assert len(list(site.iterdir())) == 1
