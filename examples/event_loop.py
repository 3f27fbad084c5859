# SPDX-License-Identifier: Apache-2.0
"""Use a socket in an event loop that knows descriptors only.

The descriptor of a socket tells that something *changed*, not that something is
there. The rule: when it is readable look at ``events``, receive until nothing is left,
and only then wait again.

Prints::

    received 100 messages in order
"""

import selectors
import threading

import fastmq as zmq


def receive_all(socket: zmq.Socket[bytes]) -> list[bytes]:
    messages: list[bytes] = []
    while socket.events & zmq.POLLIN:
        messages.append(socket.recv(zmq.DONTWAIT))
    return messages


def main() -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        port = pull.bind_to_random_port("tcp://127.0.0.1")

        def send() -> None:
            with context.socket(zmq.PUSH) as push:
                push.connect(f"tcp://127.0.0.1:{port}")
                for number in range(100):
                    push.send(b"%d" % number)

        thread = threading.Thread(target=send)
        thread.start()
        with selectors.DefaultSelector() as selector:
            selector.register(pull.fileno(), selectors.EVENT_READ)
            # Look once before the first wait: something may have come already.
            received = receive_all(pull)
            while len(received) < 100:
                selector.select()
                received += receive_all(pull)
        thread.join()
    assert received == [b"%d" % number for number in range(100)]
    print("received", len(received), "messages in order")


if __name__ == "__main__":
    main()
