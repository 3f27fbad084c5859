# SPDX-License-Identifier: Apache-2.0
"""Answer questions until one of them is "bye"; see request_client.py.

python request_server.py [ADDRESS]

Other end: request_client.py
"""

import sys

import fastmq as zmq


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5555"
    with zmq.Context() as context, context.socket(zmq.REP) as server:
        server.bind(address)
        print("answers at", server.last_endpoint.decode(), flush=True)
        while True:
            question = server.recv_string()
            # Each question gets one answer before the next is read.
            server.send_string(question.upper())
            if question == "bye":
                break


if __name__ == "__main__":
    main()
