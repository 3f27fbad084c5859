# SPDX-License-Identifier: Apache-2.0
"""Hand out work to three threads and collect what they make of it.

Prints::

    the squares of 0 to 99 add up to 328350
"""

import threading

import fastmq as zmq


def work(context: zmq.Context) -> None:
    with context.socket(zmq.PULL) as tasks, context.socket(zmq.PUSH) as results:
        tasks.connect("inproc://tasks")
        results.connect("inproc://results")
        results.send(b"ready")
        while True:
            number = int(tasks.recv())
            if number < 0:
                return
            results.send(b"%d" % (number * number))


def main() -> None:
    n_workers = 3
    with zmq.Context() as context:
        with context.socket(zmq.PUSH) as tasks, context.socket(zmq.PULL) as results:
            tasks.bind("inproc://tasks")
            results.bind("inproc://results")
            threads = [
                threading.Thread(target=work, args=[context]) for _ in range(n_workers)
            ]
            for thread in threads:
                thread.start()
            for _ in threads:
                results.recv()  # or the work is done before the last one has come
            for number in range(100):
                tasks.send(b"%d" % number)
            total = sum(int(results.recv()) for _ in range(100))
            for _ in threads:
                tasks.send(b"-1")
            for thread in threads:
                thread.join()
    print("the squares of 0 to 99 add up to", total)


if __name__ == "__main__":
    main()
