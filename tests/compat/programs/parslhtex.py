# SPDX-License-Identifier: Apache-2.0
"""parsl: tasks on worker processes, over sockets with certificates."""

from __future__ import annotations

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider


@parsl.python_app
def square(x):
    return x * x


@parsl.python_app
def fail():
    raise ValueError("no")


if __name__ == "__main__":
    for encrypted in (False, True):
        executor = HighThroughputExecutor(
            label="workers",
            address="127.0.0.1",
            loopback_address="127.0.0.1",
            max_workers_per_node=2,
            encrypted=encrypted,
            provider=LocalProvider(init_blocks=1, max_blocks=1),
        )
        with parsl.load(Config(executors=[executor], run_dir="runinfo")):
            print(sum(job.result(120) for job in [square(i) for i in range(30)]))
            try:
                fail().result(120)
            except ValueError as error:
                print(repr(error))
        parsl.clear()
