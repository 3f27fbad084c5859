# SPDX-License-Identifier: Apache-2.0
"""Run at the start of a Python process: installs the alias where the switch is on.

The process may be of another environment than the one this file is in: what counts is
the fastmq it would import. If there is none, its ``zmq`` is left alone.
"""

import os
import sys


def _install() -> None:
    # Python's own switches for "no environment variables" hold for this one, too.
    if (
        os.environ.get("FASTMQ_AS_ZMQ", "0") in ("", "0")
        or sys.flags.ignore_environment
    ):
        return
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    name = "fastmq._alias"
    if name in sys.modules:
        return
    package = find_spec("fastmq")
    if package is None or not package.submodule_search_locations:
        return
    # Without the package, which a process that imports no zmq does not need.
    for folder in package.submodule_search_locations:
        path = os.path.join(folder, "_alias.py")
        if not os.path.exists(path):
            continue
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            continue
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        module.install()
        return


_install()
