# SPDX-License-Identifier: Apache-2.0
"""Wait for two sockets and a pipe of the system at once.

Prints::

    news: something happened
    pipe: b'x'
    work: b'task'
"""

import os

import fastmq as zmq


def main() -> None:
    reader, writer = os.pipe()
    with (
        zmq.Context() as context,
        context.socket(zmq.PULL) as work,
        context.socket(zmq.PAIR) as news,
        context.socket(zmq.PUSH) as worker,
        context.socket(zmq.PAIR) as reporter,
    ):
        work.bind("inproc://jobs")
        news.bind("inproc://news")
        worker.connect("inproc://jobs")
        reporter.connect("inproc://news")

        poller = zmq.Poller()
        poller.register(work, zmq.POLLIN)
        poller.register(news, zmq.POLLIN)
        poller.register(reader, zmq.POLLIN)

        assert poller.poll(timeout=10) == []  # milliseconds: there is nothing yet
        os.write(writer, b"x")
        worker.send(b"task")
        reporter.send_string("something happened")

        lines: list[str] = []
        while len(lines) < 3:
            for ready, _flags in poller.poll():
                if ready is work:
                    lines.append(f"work: {work.recv()!r}")
                elif ready is news:
                    lines.append(f"news: {news.recv_string()}")
                else:
                    lines.append(f"pipe: {os.read(reader, 1)!r}")
        print(*sorted(lines), sep="\n")
    os.close(reader)
    os.close(writer)


if __name__ == "__main__":
    main()
