# SPDX-License-Identifier: Apache-2.0
"""Talk to a process of the same machine, by way of a file.

Prints::

    the child says: hello from another process
"""

import multiprocessing
import tempfile

import fastmq as zmq


def child(address: str) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(address)
        push.send_string("hello from another process")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/socket"
        # The name of a file has to fit, with its whole path.
        assert len(f"{folder}/socket") <= zmq.IPC_PATH_MAX_LEN
        with zmq.Context() as context, context.socket(zmq.PULL) as pull:
            pull.bind(address)
            process = multiprocessing.get_context("spawn").Process(
                target=child, args=[address]
            )
            process.start()
            print("the child says:", pull.recv_string())
            process.join()


if __name__ == "__main__":
    main()
