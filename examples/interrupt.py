# SPDX-License-Identifier: Apache-2.0
"""A server that ends on Ctrl-C, or on the signal that `kill` sends, and cleans up.

Prints::

    serving
    interrupted: closing
    all closed
"""

import os
import signal
import threading
from types import FrameType

import fastmq as zmq


class Stop(Exception):
    """What our handler of SIGTERM raises; Ctrl-C raises KeyboardInterrupt."""


def on_sigterm(number: int, frame: FrameType | None) -> None:
    raise Stop


def serve(context: zmq.Context) -> None:
    with context.socket(zmq.REP) as server:
        server.linger = 1000
        server.bind_to_random_port("tcp://127.0.0.1")
        print("serving")
        # Somebody else would do this.
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        while True:
            server.send(server.recv())


def main() -> None:
    signal.signal(signal.SIGTERM, on_sigterm)
    with zmq.Context() as context:
        try:
            serve(context)
        except (KeyboardInterrupt, Stop):
            print("interrupted: closing")
    print("all closed")


if __name__ == "__main__":
    main()
