# SPDX-License-Identifier: Apache-2.0
"""Keys of CURVE in files: certificates as CZMQ and pyzmq have them.

A certificate is two text files: ``name.key`` with the public key, to be given away, and
``name.key_secret`` with both, which only its owner may read.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import curve_keypair

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["create_certificates", "load_certificate", "load_certificates"]

_PUBLIC_BANNER = """\
#   ZeroMQ CURVE public certificate, made by fastmq on {now}
#   For those who are to know this key. Whoever gets it by an open way should
#   compare it with its owner's.

"""
_SECRET_BANNER = """\
#   ZeroMQ CURVE SECRET certificate, made by fastmq on {now}
#   Whoever reads this file can pass for its owner: give it to nobody, and leave
#   its permissions as they are.

"""


def create_certificates(
    key_dir: str | os.PathLike[str],
    name: str,
    metadata: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Make a pair of keys and write its two files.

    The secret file can be read by its owner only (0600).

    Args:
        key_dir: The folder.
        name: Of the files, without a suffix.
        metadata: Noted in the secret file.

    Returns:
        The paths of the public and of the secret file.
    """
    public, secret = (key.decode("ascii") for key in curve_keypair())
    base = os.path.join(key_dir, name)
    files = f"{base}.key", f"{base}.key_secret"
    now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    lines = [f"    {key} = {value}\n" for key, value in (metadata or {}).items()]
    public_line = f'    public-key = "{public}"\n'
    secret_line = f'    secret-key = "{secret}"\n'
    _write(
        files[0], 0o644, [_PUBLIC_BANNER.format(now=now), "metadata\n"], [public_line]
    )
    _write(
        files[1],
        0o600,
        [_SECRET_BANNER.format(now=now), "metadata\n", *lines],
        [public_line, secret_line],
    )
    return files


def _write(path: str, mode: int, head: list[str], keys: list[str]) -> None:
    """Write a file that never has more permissions than `mode`."""
    new = f"{path}.new"
    with open(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8"
    ) as file:
        file.writelines([*head, "curve\n", *keys])
    os.replace(new, path)


def load_certificate(filename: str | os.PathLike[str]) -> tuple[bytes, bytes | None]:
    """Read a certificate.

    Args:
        filename: Of either file.

    Returns:
        The public and the secret key as bytes of Z85; None in the place of a secret key
        that is not there.

    Raises:
        OSError: There is no such file.
        ValueError: There is no public key in it.
    """
    if not os.path.exists(filename):
        raise OSError(f"Invalid certificate file: {filename}")
    keys: dict[bytes, bytes] = {}
    for line in Path(filename).read_bytes().splitlines():
        name, _, value = line.partition(b"=")
        if name.strip() in (b"public-key", b"secret-key"):
            keys.setdefault(name.strip(), value.strip(b" \t\"'"))
    public = keys.get(b"public-key")
    if public is None:
        raise ValueError(f"No public key found in {filename}")
    return public, keys.get(b"secret-key")


def load_certificates(directory: str | os.PathLike[str] = ".") -> dict[bytes, bool]:
    """Read the public keys of a folder: its files named ``*.key``.

    Args:
        directory: The folder.

    Returns:
        A dict with the keys, as bytes of Z85; each value is True.

    Raises:
        OSError: There is no such folder.
        ValueError: One of the files has no public key.
    """
    if not os.path.isdir(directory):
        raise OSError(f"Invalid certificate directory: {directory}")
    return {load_certificate(path)[0]: True for path in Path(directory).glob("*.key")}
