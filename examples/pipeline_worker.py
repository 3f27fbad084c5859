# SPDX-License-Identifier: Apache-2.0
"""Work on the tasks of pipeline_source.py, which may be started later.

python pipeline_worker.py [ADDRESS]

Prints::

    1000 tasks, sum 499500
"""

import sys

import fastmq as zmq


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5557"
    numbers: list[int] = []
    task: dict[str, int] | None
    with zmq.Context() as context, context.socket(zmq.PULL) as tasks:
        tasks.connect(address)
        while True:
            task = tasks.recv_json()
            if task is None:
                break
            numbers.append(task["number"])
    print(f"{len(numbers)} tasks, sum {sum(numbers)}")


if __name__ == "__main__":
    main()
