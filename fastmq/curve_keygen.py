# SPDX-License-Identifier: Apache-2.0
"""Make a pair of keys for CURVE: ``python -m fastmq.curve_keygen``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from . import ZMQError, curve_keypair, curve_public
from ._alias import public_name

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a pair of keys.

    Args:
        arguments: Of the command line; None: those of this process.
    """
    parser = argparse.ArgumentParser(
        prog=f"python3 -m {public_name('fastmq.curve_keygen')}",
        description="Make a pair of keys for CURVE. Keys are text (Z85).",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.add_argument(
        "--secret", help="make none: print the public key of this secret one"
    )
    chosen = parser.parse_args(arguments)
    if chosen.secret is None:
        public, secret = (key.decode() for key in curve_keypair())
    else:
        secret = chosen.secret
        try:
            public = curve_public(secret).decode()
        except (ValueError, ZMQError) as error:
            parser.error(f"--secret: {error}")
    if chosen.json:
        print(json.dumps({"public": public, "secret": secret}, indent=1))
    else:
        print(f"\n== CURVE PUBLIC KEY ==\n{public}")
        print(f"\n== CURVE SECRET KEY ==\n{secret}")


if __name__ == "__main__":
    main()
