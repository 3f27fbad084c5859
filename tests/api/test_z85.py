# SPDX-License-Identifier: Apache-2.0
"""Keys of CURVE and Z85, beside pyzmq's own."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ZEROS = b"0" * 40
OF_ZEROS = b"fxERSn6LHg6!4!qu+m-(f-Q<1UF!=7)u0-ysJ-^F"


@pytest.fixture
def z85(zmq):
    return import_module(f"{zmq.__name__}.utils.z85")


@pytest.fixture
def curve(zmq):
    if not zmq.has("curve"):
        pytest.skip("built without CURVE")
    return zmq


def test_text_of_bytes(z85) -> None:
    assert z85.encode(bytes.fromhex("864fd26fb559f75b")) == b"HelloWorld"
    assert z85.decode(b"HelloWorld").hex() == "864fd26fb559f75b"
    assert z85.decode("HelloWorld") == z85.decode(bytearray(b"HelloWorld"))
    assert z85.encode(b"") == z85.decode("") == b""
    for data in (bytes(4), b"\xff" * 8, bytes(range(256))):
        for kind in (bytes, bytearray, memoryview):
            assert z85.decode(z85.encode(kind(data))) == data


def test_what_is_no_text(zmq, z85, ours) -> None:
    for wrong in (b"x", b"abcdef"):
        with pytest.raises(ValueError, match="multiple of"):
            z85.decode(wrong)
        with pytest.raises(ValueError, match="multiple of"):
            z85.encode(wrong)
    with pytest.raises(KeyError):
        z85.decode(b"~~~~~")
    with pytest.raises(ValueError, match="ASCII"):
        z85.decode("\u20ac" * 5)
    with pytest.raises(ValueError if ours else Exception):
        z85.decode(b"#####")


def test_pairs_of_keys(curve) -> None:
    public, secret = curve.curve_keypair()
    assert len(public) == len(secret) == 40
    assert curve.curve_keypair()[1] != secret
    for key in (secret, secret.decode(), bytearray(secret)):
        assert curve.curve_public(key) == public
    assert curve.curve_public(ZEROS) == OF_ZEROS


def test_what_is_no_key(curve) -> None:
    for wrong in (b"", b"x", ZEROS[1:], ZEROS + b"0", "\u20ac" * 40):
        with pytest.raises(ValueError, match="40"):
            curve.curve_public(wrong)
    for wrong in (b"~" * 40, b"#" * 40, bytes(40)):
        with pytest.raises(curve.ZMQError) as caught:
            curve.curve_public(wrong)
        assert caught.value.errno == curve.EINVAL
    for wrong in (None, 5):
        with pytest.raises(TypeError):
            curve.curve_public(wrong)


def run_keygen(zmq, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"{zmq.__name__}.curve_keygen", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command(curve) -> None:
    keys = json.loads(run_keygen(curve, "--json").stdout)
    assert curve.curve_public(keys["secret"]).decode() == keys["public"]
    said = run_keygen(curve, "--secret", ZEROS.decode()).stdout.splitlines()
    at = said.index("== CURVE PUBLIC KEY ==")
    assert said[at + 1] == OF_ZEROS.decode()
    done = run_keygen(curve, "--secret", "secret")
    assert done.returncode != 0
    assert done.stdout == ""


def test_curve_is_there_if_it_can_be(zmq) -> None:
    """A build must not go without libsodium by mistake."""
    if any((Path(top) / "include" / "sodium.h").exists() for top in ("/usr",)):
        assert zmq.has("curve")
