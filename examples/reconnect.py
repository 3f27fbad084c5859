# SPDX-License-Identifier: Apache-2.0
"""A server goes away and comes back; who connected to it does nothing about that.

Prints::

    first server: ['1', '2', '3']
    second server: ['4', '5', '6']
"""

import tempfile

import fastmq as zmq


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        address = f"ipc://{folder}/server"
        with context.socket(zmq.PUSH) as client:
            # How long to wait before trying again, in milliseconds.
            client.reconnect_ivl = 10
            # Queue for peers that are there, not for those that may come.
            client.immediate = 1
            client.connect(address)  # nobody is there yet

            for name, numbers in (("first", "123"), ("second", "456")):
                with context.socket(zmq.PULL) as server:
                    server.bind(address)
                    for number in numbers:
                        client.send_string(number)  # waits for the connection
                    received = [server.recv_string() for _ in numbers]
                print(f"{name} server: {received}")
                # Until the client has seen the server go, it may still send to it.
                while client.poll(0, zmq.POLLOUT):
                    pass


if __name__ == "__main__":
    main()
