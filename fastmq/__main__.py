# SPDX-License-Identifier: Apache-2.0
"""The command line: ``python -m fastmq demo``."""

from __future__ import annotations

import sys

from fastmq.demo import cli

if __name__ == "__main__":
    sys.exit(cli.main(cli.parse(sys.argv[1:])))
