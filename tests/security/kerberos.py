# SPDX-License-Identifier: Apache-2.0
"""A realm of Kerberos for a test, and processes that are somebody in it."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from ports import held_port

TESTS = Path(__file__).resolve().parent.parent
REALM = "FASTMQ.TEST"
PATIENCE_S = 60.0

# Where tools/setup.sh unpacks the programs, if the system has none.
ASIDE = TESTS.parent / "build" / "kerberos"
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local")

KRB5_CONF = """\
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    allow_rc4 = true
    allow_weak_crypto = true
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[dbmodules]
    db_module_dir = {plugins}
"""

KDC_CONF = """\
[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        supported_enctypes = {enctypes}
    }}
[logging]
    kdc = FILE:{folder}/kdc.log
"""


def find_program(name: str) -> str | None:
    return shutil.which(
        name,
        path=os.pathsep.join(
            [os.environ["PATH"], "/usr/sbin", str(ASIDE / "usr" / "sbin")]
        ),
    )


def missing_programs() -> list[str]:
    return [name for name in PROGRAMS if find_program(name) is None]


class Realm:
    """A KDC of its own in `folder`, with whoever is added to it."""

    def __init__(self, folder: Path, enctypes: str = "aes256-cts:normal") -> None:
        self.folder = folder
        libraries = list(ASIDE.glob("usr/lib/*/krb5/plugins/kdb/db2.so"))
        plugins = libraries or list(Path("/usr/lib").glob("**/krb5/plugins/kdb/db2.so"))
        self.held = ExitStack()
        words = {
            "realm": REALM,
            "port": self.held.enter_context(held_port()),
            "folder": folder,
            "plugins": plugins[0].parent if plugins else "",
            "enctypes": enctypes,
        }
        (folder / "krb5.conf").write_text(KRB5_CONF.format(**words))
        (folder / "kdc.conf").write_text(KDC_CONF.format(**words))
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("KRB5")},
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5RCACHENAME": f"file2:{folder / 'replay'}",
        }
        self.kdc_env = {k: v for k, v in self.env.items() if k != "LD_PRELOAD"}
        if libraries:
            self.kdc_env["LD_LIBRARY_PATH"] = str(libraries[0].parents[3])
        self.run("kdb5_util", "create", "-s", "-P", "master")
        self.kdc = subprocess.Popen(
            [str(find_program("krb5kdc")), "-n"],
            env=self.kdc_env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.kdc.stdout is not None
        said = b""
        while b"starting" not in said:
            line = self.kdc.stdout.readline()
            if not line:
                raise ChildProcessError(f"krb5kdc: {said.decode()}")
            said += line

    def run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(find_program(name)), "-r", REALM, *arguments],
            env=self.kdc_env,
            check=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )

    def add(self, *principals: str) -> None:
        """Have principals, each with a keytab of its own."""
        for name in principals:
            self.run("kadmin.local", "-q", f"addprinc -randkey {name}")
            self.run("kadmin.local", "-q", f"ktadd -k {self.keytab(name)} {name}")

    def keytab(self, principal: str) -> Path:
        return self.folder / f"{principal.replace('/', '-')}.keytab"

    def cache(self, principal: str | None) -> Path:
        return self.folder / f"{principal}.cache".replace("/", "-")

    def forget(self, principal: str) -> None:
        """Take away what somebody has to prove who it is."""
        self.keytab(principal).unlink(missing_ok=True)
        self.cache(principal).unlink(missing_ok=True)

    def who(
        self, client: str | None = None, server: str | None = None
    ) -> dict[str, str]:
        """Return the environment of somebody, who may have keys as either."""
        nobody = self.folder / "nobody"
        return {
            **self.env,
            "KRB5CCNAME": f"FILE:{self.cache(client)}",
            "KRB5_CLIENT_KTNAME": str(self.keytab(client) if client else nobody),
            "KRB5_KTNAME": str(self.keytab(server) if server else nobody),
        }

    def __enter__(self) -> Realm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kdc.kill()
        self.kdc.wait(timeout=PATIENCE_S)
        assert self.kdc.stdout is not None
        self.kdc.stdout.close()
        self.held.close()


class Peer:
    """A process that runs kerberos_peer.py: its functions are this object's."""

    def __init__(self, library: str, env: dict[str, str]) -> None:
        self.library = library
        self.errors: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "security.kerberos_peer", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**env, "PYTHONPATH": os.pathsep.join([str(TESTS), *python_path()])},
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            self.begin(name, *arguments)
            return self.result()

        return call

    def begin(self, name: str, *arguments: Any) -> None:
        """Tell it, and let the result come when it will."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
        self.process.stdin.flush()

    def result(self) -> Any:
        out = self.process.stdout
        assert out is not None
        if not select.select([out], [], [], PATIENCE_S)[0]:
            raise TimeoutError(f"{self.library} says nothing\n{self.stderr()}")
        line = out.readline()
        if not line:
            code = self.process.wait(timeout=PATIENCE_S)
            raise ChildProcessError(f"{self.library}: {code}\n{self.stderr()}")
        return json.loads(line)

    def until(self, *names: str) -> list[Any]:
        """Return the next event of one of these names."""
        while True:
            event: list[Any] = self.event()
            if event[0] in names:
                return event

    def stderr(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def close(self) -> None:
        """Let it end by itself, and see that it does so well."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(timeout=PATIENCE_S) == 0, self.stderr()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self.errors.close()


def python_path() -> list[str]:
    return [path for path in [os.environ.get("PYTHONPATH")] if path]
