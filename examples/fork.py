# SPDX-License-Identifier: Apache-2.0
"""Fork, and use sockets of its own in the child.

Contexts and sockets belong to the process that made them. A child makes new ones;
``Context.instance()`` is a new one there by itself.

Prints::

    child 0: the answer is 0
    child 1: the answer is 1
    child 2: the answer is 4
"""

import os
import warnings

import fastmq as zmq

# Python 3.12 warns of every fork with threads; this is about doing it right.
warnings.simplefilter("ignore", DeprecationWarning)


def child(address: str, number: int) -> None:
    context = zmq.Context.instance()
    with context.socket(zmq.PUSH) as push:
        push.connect(address)
        push.send_json([number, number * number])
    context.term()


def main() -> None:
    context = zmq.Context.instance()
    with context.socket(zmq.PULL) as pull:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        pids: list[int] = []
        for number in range(3):
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    child(f"tcp://127.0.0.1:{port}", number)
                    status = 0
                finally:
                    # Not by way of the parent's sockets.
                    os._exit(status)
            pids.append(pid)
        answers: dict[int, int] = dict(pull.recv_json() for _ in pids)
        for pid in pids:
            os.waitpid(pid, 0)
    for number in sorted(answers):
        print(f"child {number}: the answer is {answers[number]}")
    context.term()


if __name__ == "__main__":
    main()
