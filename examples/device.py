# SPDX-License-Identifier: Apache-2.0
"""A queue between clients and workers, in a thread, that shows what passes.

Prints::

    b'4 squared is 16'
    in b'4'
    out b'4 squared is 16'
"""

import threading

import fastmq as zmq
from fastmq.devices import ThreadMonitoredQueue


def work(context: zmq.Context[zmq.Socket[bytes]], address: str) -> None:
    with context.socket(zmq.REP) as worker:
        worker.connect(address)
        number = int(worker.recv())
        worker.send(b"%d squared is %d" % (number, number**2))


def main() -> None:
    queue = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUSH, b"in", b"out")
    front = queue.bind_in_to_random_port("tcp://127.0.0.1")
    back = queue.bind_out_to_random_port("tcp://127.0.0.1")
    watch = queue.bind_mon_to_random_port("tcp://127.0.0.1")
    queue.start()

    with zmq.Context() as context:
        thread = threading.Thread(
            target=work, args=(context, f"tcp://127.0.0.1:{back}")
        )
        thread.start()
        with (
            context.socket(zmq.REQ) as client,
            context.socket(zmq.PULL) as monitor,
        ):
            monitor.connect(f"tcp://127.0.0.1:{watch}")
            client.connect(f"tcp://127.0.0.1:{front}")
            client.send(b"4")
            print(client.recv())
            for _ in range(2):
                # The prefix, the client, an empty part, the body.
                way, *_envelope, body = monitor.recv_multipart()
                print(way.decode(), body)
        thread.join()


if __name__ == "__main__":
    main()
