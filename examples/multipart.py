# SPDX-License-Identifier: Apache-2.0
"""Send messages of several parts, which arrive whole or not at all.

Prints::

    [b'header', b'', b'body']
    header: 6 bytes, then more
    the rest: [b'', b'body']
"""

import fastmq as zmq


def main() -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.PUSH) as push,
        context.socket(zmq.PULL) as pull,
    ):
        pull.bind("inproc://parts")
        push.connect("inproc://parts")

        push.send_multipart([b"header", b"", bytearray(b"body")])
        print(pull.recv_multipart())

        # Part by part; nothing is seen before the last one is sent.
        push.send(b"header", zmq.SNDMORE)
        push.send(b"", zmq.SNDMORE)
        push.send(b"body")
        header = pull.recv()
        print(
            f"header: {len(header)} bytes, then {'more' if pull.rcvmore else 'nothing'}"
        )
        print("the rest:", pull.recv_multipart())


if __name__ == "__main__":
    main()
