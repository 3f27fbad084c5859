# SPDX-License-Identifier: Apache-2.0
"""Ask request_server.py, which may be started later.

python request_client.py [ADDRESS]

Prints::

    hello -> HELLO
    again -> AGAIN
    bye -> BYE
"""

import sys

import fastmq as zmq


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.connect(address)
        for question in ("hello", "again", "bye"):
            client.send_string(question)
            print(question, "->", client.recv_string())


if __name__ == "__main__":
    main()
