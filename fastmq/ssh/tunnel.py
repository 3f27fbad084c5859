# SPDX-License-Identifier: Apache-2.0
"""Tunnels: tcp connections through an SSH server.

The command ``ssh`` carries them, or paramiko, if it is installed and asked for.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import signal
import socket as net
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from multiprocessing import Process
from pathlib import Path
from typing import Any

from ..socket import Socket
from .forward import forward_tunnel

try:
    import paramiko  # type: ignore[import-untyped,unused-ignore]
    from paramiko import SSHException  # pyright: ignore[reportAssignmentType]
except ImportError:
    paramiko = None

    class SSHException(Exception):  # type: ignore[no-redef]
        """A connection could not be made; paramiko's class, where that is installed."""


__all__ = [
    "MaxRetryExceeded",
    "SSHException",
    "open_tunnel",
    "openssh_tunnel",
    "paramiko_tunnel",
    "select_random_ports",
    "ssh_tunnel",
    "try_passwordless_ssh",
    "tunnel_connection",
]

# The ports handed out last are not handed out again: their user may not have bound
# them yet.
_REMEMBERED = 64
_recent: list[int] = []


class MaxRetryExceeded(Exception):
    """No port was found that was not handed out lately."""


def select_random_ports(n: int) -> list[int]:
    """Return ports of this machine that are free now.

    Args:
        n: How many.

    Raises:
        MaxRetryExceeded: The system offers the same ones again and again.
    """
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        for _ in range(10 * n + _REMEMBERED):
            if len(found) == n:
                break
            # All stay bound until the end, so that none comes twice.
            bound = stack.enter_context(net.socket())
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            if port not in _recent:
                found.append(port)
    if len(found) < n:
        raise MaxRetryExceeded(f"found {len(found)} free ports of {n}")
    _recent.extend(found)
    del _recent[:-_REMEMBERED]
    return found


def tunnel_connection(
    socket: Socket[Any],
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> int | Process:
    """Connect a socket to an address through an SSH server.

    Args:
        socket: The socket.
        addr: The address, as the server sees it: ``tcp://HOST:PORT``.
        server: ``[USER@]HOST[:PORT]``.
        keyfile: A private key.
        password: For the server, or for the key; asked for if it is needed.
        paramiko: Whether to use paramiko; by default only on Windows.
        timeout: In seconds: a tunnel without connections ends after that.

    Returns:
        The tunnel: a process number or, of paramiko, a process.
    """
    url, tunnel = open_tunnel(
        addr,
        server,
        keyfile=keyfile,
        password=password,
        paramiko=paramiko,
        timeout=timeout,
    )
    socket.connect(url)
    return tunnel


def open_tunnel(
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> tuple[str, int | Process]:
    """Make a tunnel to an address, and return where to connect to instead.

    Args:
        addr: The address, as the server sees it: ``tcp://HOST:PORT``.
        server: ``[USER@]HOST[:PORT]``.
        keyfile: A private key.
        password: For the server, or for the key; asked for if it is needed.
        paramiko: Whether to use paramiko; by default only on Windows.
        timeout: In seconds: a tunnel without connections ends after that.

    Returns:
        An address of this machine, and the tunnel.

    Raises:
        ValueError: The address is none of tcp with a port.
    """
    transport, _, place = addr.partition("://")
    host, _, port = place.rpartition(":")
    if transport != "tcp" or not host or not port.isdecimal():
        raise ValueError(f"not an address that can be tunnelled to: {addr!r}")
    (local,) = select_random_ports(1)
    make: Any = paramiko_tunnel if _use_paramiko(paramiko) else openssh_tunnel
    tunnel: int | Process = make(
        local,
        int(port),
        server,
        remoteip=host,
        keyfile=keyfile,
        password=password,
        timeout=timeout,
    )
    return f"tcp://127.0.0.1:{local}", tunnel


def try_passwordless_ssh(
    server: str, keyfile: str | None, paramiko: bool | None = None
) -> bool:
    """Return whether a server lets us in without a password.

    Args:
        server: ``[USER@]HOST[:PORT]``.
        keyfile: A private key; None uses those that ``ssh`` finds by itself.
        paramiko: Whether to use paramiko; by default only on Windows.
    """
    if not _use_paramiko(paramiko):
        return _ssh_works(server, keyfile)
    try:
        _paramiko_client(server, keyfile, None).close()
    except Exception:
        return False
    return True


def _use_paramiko(wanted: bool | None) -> bool:
    use = sys.platform == "win32" if wanted is None else wanted
    if use and paramiko is None:
        raise ImportError("paramiko is not installed")
    return use


# --- the command ssh ---


def openssh_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> int:
    """Forward a local port by the command ``ssh``, which goes on in the background.

    Args:
        lport: The port of 127.0.0.1.
        rport: The port at the other end.
        server: ``[USER@]HOST[:PORT]``.
        remoteip: Where the server is to connect to; by default to itself.
        keyfile: A private key.
        password: For the server, or for the key; asked for if it is needed.
        timeout: In seconds: a tunnel without connections ends after that.

    Returns:
        The number of the process that set the tunnel up.

    Raises:
        SSHException: The server was not reached, or did not let us in.
    """
    if password is None and not _ssh_works(server, keyfile):
        password = getpass.getpass(f"{server}'s password: ")
    command = _ssh_command(server, keyfile)
    command[1:1] = ["-f", "-o", "ExitOnForwardFailure=yes"]
    command[1:1] = ["-L", f"127.0.0.1:{lport}:{remoteip}:{rport}"]
    pid, status, said = _run_ssh([*command, "sleep", str(timeout)], password)
    if status != 0:
        raise SSHException(f"no tunnel through {server}: {said.strip()}")
    return pid


ssh_tunnel = openssh_tunnel


def _ssh_command(server: str, keyfile: str | None) -> list[str]:
    """Return the command, without what it is to do."""
    host, port = _host_and_port(server)
    # A connection of its own, not a shared one that outlives it.
    command = ["ssh", "-S", "none", "-p", str(port)]
    if keyfile:
        command += ["-i", keyfile]
    return [*command, host]


def _host_and_port(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return (host, int(port)) if host and port.isdecimal() else (server, 22)


def _ssh_works(server: str, keyfile: str | None) -> bool:
    command = _ssh_command(server, keyfile)
    command[1:1] = ["-o", "BatchMode=yes"]
    return _run_ssh([*command, "true"], None)[1] == 0


def _run_ssh(command: Sequence[str], password: str | None) -> tuple[int, int, str]:
    """Run ssh until it has ended, or gone to the background.

    Returns:
        Its process number, its exit status and what it said.
    """
    with _asking(password) as environment, tempfile.TemporaryFile() as said:
        # What goes to the background keeps its output, so that cannot be a pipe.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=environment,
            start_new_session=True,
        )
        status = process.wait()
        said.seek(0)
        return process.pid, status, said.read().decode("utf8", "replace")


@contextlib.contextmanager
def _asking(password: str | None) -> Generator[dict[str, str], None, None]:
    """Give the environment in which ssh gets the password from a program of ours.

    The password is in no argument and no variable, but in a file that nobody else can
    read, for as long as ssh takes to ask.
    """
    environment = {**os.environ}
    if password is None:
        yield environment
        return
    with tempfile.TemporaryDirectory(prefix="fastmq-ssh-") as folder:
        secret = Path(folder, "secret")
        secret.touch(mode=0o600)
        secret.write_text(password + "\n", encoding="utf8")
        program = Path(folder, "ask")
        # Asked whether it trusts an unknown server, it must not say yes.
        program.write_text(
            '#!/bin/sh\ncase "$1" in *[Pp]ass*) '
            f"exec cat {shlex.quote(str(secret))} ;; esac\nexit 1\n",
            encoding="utf8",
        )
        program.chmod(0o700)
        environment["SSH_ASKPASS"] = str(program)
        environment["SSH_ASKPASS_REQUIRE"] = "force"
        # Before OpenSSH 8.4 it was asked only where there is a display.
        environment.setdefault("DISPLAY", ":0")
        yield environment


# --- paramiko ---


def paramiko_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> Process:
    """Forward a local port by paramiko, in a process.

    Args:
        lport: The port of 127.0.0.1.
        rport: The port at the other end.
        server: ``[USER@]HOST[:PORT]``.
        remoteip: Where the server is to connect to; by default to itself.
        keyfile: A private key.
        password: For the server, or for the key; asked for if it is needed.
        timeout: In seconds, to connect to the server.

    Returns:
        The process, which ends with this one.

    Raises:
        ImportError: paramiko is not installed.
    """
    _use_paramiko(True)
    if password is None and not try_passwordless_ssh(server, keyfile, paramiko=True):
        password = getpass.getpass(f"{server}'s password: ")
    process = Process(
        target=_paramiko_forward,
        args=(lport, rport, server, remoteip, keyfile, password, timeout),
        daemon=True,
    )
    process.start()
    return process


def _paramiko_client(
    server: str, keyfile: str | None, password: str | None, timeout: int = 60
) -> Any:
    host, port = _host_and_port(server)
    user, _, host = host.rpartition("@")
    installed: Any = paramiko
    client = installed.SSHClient()
    client.load_system_host_keys()
    client.connect(
        host,
        port,
        username=user or getpass.getuser(),
        key_filename=keyfile,
        password=password,
        timeout=timeout,
    )
    return client


def _paramiko_forward(
    lport: int,
    rport: int,
    server: str,
    remoteip: str,
    keyfile: str | None,
    password: str | None,
    timeout: int,
) -> None:
    # Ctrl-C is for the program that has the tunnel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    client = _paramiko_client(server, keyfile, password, timeout)
    with contextlib.closing(client):
        forward_tunnel(lport, remoteip, rport, client.get_transport())
