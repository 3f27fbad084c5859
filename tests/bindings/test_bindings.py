# SPDX-License-Identifier: Apache-2.0
"""Programs in other languages, whose bindings were made for libzmq, run on libfastmq.

Each says "ok" at its end and nothing else but a version. What a machine lacks is
skipped; Debian's packages are libzmq3-dev, libczmq-dev, cppzmq-dev, libzmq-ffi-perl,
php-zmq, ruby-ffi-rzmq, and libzmq-java with libzmq-jni.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bindings.conftest import HERE, Installed, need
from native import PATH, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
EXAMPLES = ROOT / "examples" / "c"
RUBY_EXAMPLES = Path("/usr/share/doc/ruby-ffi-rzmq/examples")


def compile_it(*command: str | Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def ask_pkg_config(module: str, installed: Installed, *options: str) -> str:
    done = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *options, module],
        env=installed.environment(PKG_CONFIG_PATH=str(installed.lib / "pkgconfig")),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def has_header(compiler: str, header: str, installed: Installed | None) -> bool:
    folder = [f"-I{installed.include}"] if installed else []
    done = subprocess.run(
        [compiler, "-E", *folder, "-x", "c++", "-"],
        input=f"#include <{header}>\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0


def check(said: str) -> None:
    assert re.fullmatch(r"(4\.3\.5 )?ok\n", said), said


@pytest.mark.parametrize("module", ["fastmq", "libzmq"])
def test_c(module: str, installed: Installed, tmp_path: Path) -> None:
    """The compiler's options come from the files for pkg-config."""
    need("cc", "pkg-config")
    asked = ask_pkg_config(module, installed)
    program = tmp_path / "program"
    source = HERE / "program.c"
    compile_it("cc", "-std=c11", *WARNINGS, source, *asked.split(), "-o", program)
    check(installed.run(program, log=tmp_path))


def test_what_was_installed_may_be_moved(installed: Installed, tmp_path: Path) -> None:
    need("cc", "pkg-config")
    moved = Installed(tmp_path / "moved")
    shutil.copytree(installed.prefix, moved.prefix, symlinks=True)
    asked = ask_pkg_config("fastmq", moved).split()
    assert not [option for option in asked if str(installed.prefix) in option]
    program = tmp_path / "program"
    compile_it("cc", HERE / "program.c", *asked, "-o", program)
    check(moved.run(program, log=tmp_path))


def test_c_linked_statically(installed: Installed, tmp_path: Path) -> None:
    """The file for pkg-config says what else that needs."""
    need("cc", "pkg-config")
    program = tmp_path / "program"
    source, archive = HERE / "program.c", str(installed.lib / "libfastmq.a")
    asked = ask_pkg_config("fastmq", installed, "--static").split()
    assert "-lfastmq" in asked
    options = [archive if option == "-lfastmq" else option for option in asked]
    compile_it("cc", source, *options, "-o", program)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    check(done.stdout)
    needed = subprocess.run(["readelf", "-d", program], capture_output=True, text=True)
    assert "fastmq" not in needed.stdout


def expected_of(source: Path) -> str:
    """Return what an example's head says that it prints."""
    head = source.read_text(encoding="utf-8").partition(" * Prints:\n")[2]
    lines = re.findall(r"^ \*     (.*)$", head.partition("*/")[0], re.MULTILINE)
    return "".join(f"{line}\n" for line in lines)


def test_examples_as_a_project_of_others(installed: Installed, tmp_path: Path) -> None:
    cmake = shutil.which("cmake", path=PATH)
    need("cc", "c++")
    assert cmake
    prefix = f"-DCMAKE_PREFIX_PATH={installed.prefix}"
    warnings = [f"-DCMAKE_{x}_FLAGS={' '.join(WARNINGS)}" for x in ("C", "CXX")]
    compile_it(cmake, "-S", EXAMPLES, "-B", tmp_path, prefix, *warnings)
    compile_it(cmake, "--build", tmp_path)
    sources = [*EXAMPLES.glob("*.c"), *EXAMPLES.glob("*.cc")]
    if not has_header("c++", "zmq_addon.hpp", installed):
        sources.remove(EXAMPLES / "poll_cppzmq.cc")
    assert len(sources) > 4
    for source in sources:
        log = tmp_path / f"log-{source.stem}"
        log.mkdir()
        said = installed.run(tmp_path / source.stem, log=log)
        assert said == expected_of(source), source.name


@pytest.mark.parametrize(
    "name",
    ["requests.c", "pipeline.c", "publish.c", "requests_cpp.cc", "poll_cppzmq.cc"],
)
def test_examples_are_libzmq_programs(name: str, tmp_path: Path) -> None:
    need("cc", "c++", "pkg-config")
    header = "zmq_addon.hpp" if "cppzmq" in name else "zmq.h"
    if not has_header("c++", header, None):
        pytest.skip(f"no {header}")
    source, program = EXAMPLES / name, tmp_path / "program"
    compiler = ["cc"] if source.suffix == ".c" else ["c++", "-std=c++17", "-pthread"]
    compile_it(*compiler, source, "-lzmq", "-o", program)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert done.stdout == expected_of(source), done.stderr


def test_c_linked_with_libzmq(installed: Installed, tmp_path: Path) -> None:
    """It was made for libzmq, and runs on us without being touched."""
    need("cc", "pkg-config")
    if subprocess.run(["pkg-config", "--exists", "libzmq"], check=False).returncode:
        pytest.skip("no libzmq to link with")
    program = tmp_path / "program"
    compile_it("cc", HERE / "program.c", "-lzmq", "-o", program)
    needed = subprocess.run(["readelf", "-d", program], capture_output=True, text=True)
    assert "libzmq.so.5" in needed.stdout
    check(installed.run(program, log=tmp_path))


def test_cppzmq(installed: Installed, tmp_path: Path) -> None:
    need("c++")
    if not has_header("c++", "zmq_addon.hpp", installed):
        pytest.skip("no cppzmq")
    program = tmp_path / "program"
    options = ("-std=c++17", *WARNINGS, f"-I{installed.include}", f"-L{installed.lib}")
    compile_it("c++", *options, HERE / "program.cc", "-lfastmq", "-o", program)
    check(installed.run(program, log=tmp_path))


def test_czmq(installed: Installed, tmp_path: Path) -> None:
    need("cc")
    if not has_header("c++", "czmq.h", installed):
        pytest.skip("no CZMQ")
    program = tmp_path / "program"
    compile_it(
        "cc", "-std=gnu11", HERE / "czmq.c", "-lczmq", f"-L{installed.lib}", "-lzmq",
        "-o", program,
    )  # fmt: skip
    check(installed.run(program, log=tmp_path))


def test_perl(installed: Installed, tmp_path: Path) -> None:
    need("perl")
    if subprocess.run(["perl", "-MZMQ::FFI", "-e1"], capture_output=True).returncode:
        pytest.skip("no ZMQ::FFI")
    check(installed.run("perl", HERE / "program.pl", log=tmp_path))


def test_php(installed: Installed, tmp_path: Path) -> None:
    need("php")
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True)
    if "zmq" not in modules.stdout.split():
        pytest.skip("no php-zmq")
    check(installed.run("php", HERE / "program.php", log=tmp_path))


def need_ruby() -> None:
    need("ruby")
    if subprocess.run(["ruby", "-rffi-rzmq", "-e1"], capture_output=True).returncode:
        pytest.skip("no ffi-rzmq")


def test_ruby(installed: Installed, tmp_path: Path) -> None:
    need_ruby()
    check(installed.run("ruby", HERE / "program.rb", log=tmp_path))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("latency_measurement", ["inproc://lat", "64", "200"]),
        ("throughput_measurement", ["inproc://thr", "64", "5000"]),
    ],
)
def test_examples_of_ruby(
    name: str, arguments: list[str], installed: Installed, tmp_path: Path
) -> None:
    """The binding's own, as they are; they look for it in a folder beside theirs."""
    need_ruby()
    source = RUBY_EXAMPLES / f"{name}.rb"
    if not source.exists():
        pytest.skip("no examples")
    (tmp_path / "examples").mkdir()
    (tmp_path / "lib").symlink_to("/usr/lib/ruby/vendor_ruby")
    example = Path(shutil.copy(source, tmp_path / "examples"))
    said = installed.run("ruby", example, *arguments, log=tmp_path)
    assert "error" not in said.lower(), said


def test_java(installed: Installed, tmp_path: Path) -> None:
    need("java", "javac")
    jar = Path("/usr/share/java/zmq.jar")
    library = next(Path("/usr/lib").glob("*/jni/libjzmq.so"), None)
    if not jar.exists() or library is None:
        pytest.skip("no jzmq")
    compile_it("javac", "-cp", jar, "-d", tmp_path, HERE / "Program.java")
    command = (
        "java",
        "-cp",
        f"{jar}:{tmp_path}",
        f"-Djava.library.path={library.parent}",
    )
    said = installed.run(*command, "Program", log=tmp_path)
    assert re.fullmatch(r"ok\n", said), said


def test_the_exported_names(installed: Installed) -> None:
    """What stands in libzmq's place shows nothing of its own, and needs us."""
    need("readelf")
    stub = installed.lib / "libzmq.so.5"
    said = subprocess.run(
        ["readelf", "-d", stub], capture_output=True, text=True
    ).stdout
    assert "soname: [libzmq.so.5]" in said
    assert "[libfastmq.so.0]" in said
