# SPDX-License-Identifier: Apache-2.0
"""The entry point of ``python -m bench``."""

import os
import sys

from bench.cli import main

try:
    status = main(sys.argv[1:])
    sys.stdout.flush()
except BrokenPipeError:
    # Whoever read has seen enough: `python -m bench --list | head`.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    status = 1
sys.exit(status)
