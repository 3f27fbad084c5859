# SPDX-License-Identifier: Apache-2.0
"""Answer requests by call-backs on the loop of Tornado, which has to be installed.

Prints::

    [b'echo', b'0']
    [b'echo', b'1']
    [b'echo', b'2']
"""

from tornado.ioloop import IOLoop

import fastmq as zmq
from fastmq.eventloop.zmqstream import ZMQStream


def main() -> None:
    loop = IOLoop.current()
    with zmq.Context() as context:
        server = ZMQStream(context.socket(zmq.REP))
        port = server.bind_to_random_port("tcp://127.0.0.1")
        client = ZMQStream(context.socket(zmq.REQ))
        client.connect(f"tcp://127.0.0.1:{port}")

        def answer(message: list[bytes]) -> None:
            server.send_multipart([b"echo", *message])

        def ask_again(message: list[bytes]) -> None:
            print(message)
            number = int(message[-1])
            if number == 2:
                loop.stop()
            else:
                client.send(b"%d" % (number + 1))

        server.on_recv(answer)
        client.on_recv(ask_again)
        client.send(b"0")
        loop.start()
        server.close()
        client.close()


if __name__ == "__main__":
    main()
