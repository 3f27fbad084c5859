# SPDX-License-Identifier: Apache-2.0
"""One end of a conversation, in a library with pyzmq's names; any Python from 3.8 on.

    other.py MODULE ROLE KIND ENDPOINT bind|connect N

Other.java does the same with JeroMQ. A line tells of the endpoint, another one of the
end; then it waits until its standard input is closed.
"""

import importlib
import sys


def content(i):
    """Return the parts of message `i`: one, or several with empty and longer ones."""
    head = b"%d" % i
    return [head] if i % 3 == 0 else [head, b"x" * (i % 700), b"", b"end"]


def source(socket, n):
    for i in range(n):
        socket.send_multipart(content(i))


def sink(socket, n):
    """Take messages in line, from whichever one on."""
    first = None
    for i in range(n):
        got = socket.recv_multipart()
        first = int(got[0]) if first is None else first
        assert got == content(first + i), (i, got[:1])


def echo(socket, n):
    for _ in range(n):
        socket.send_multipart(socket.recv_multipart())


def ask(socket, n):
    for i in range(n):
        socket.send_multipart([b"", *content(i)])
        assert socket.recv_multipart() == [b"", *content(i)]


def ask_plainly(socket, n):
    for i in range(n):
        socket.send_multipart(content(i))
        assert socket.recv_multipart() == content(i)


def main():
    module, role, kind, endpoint, how, n = sys.argv[1:]
    library = importlib.import_module(module)
    context = library.Context()
    socket = context.socket(getattr(library, kind))
    socket.setsockopt(library.LINGER, 0)
    if how == "bind":
        socket.bind(endpoint)
        endpoint = socket.getsockopt_string(library.LAST_ENDPOINT)
    else:
        socket.connect(endpoint)
    if kind == "SUB":
        socket.setsockopt(library.SUBSCRIBE, b"")
    elif kind == "XSUB":
        socket.send(b"\x01")
    print(endpoint, flush=True)
    globals()[role](socket, int(n))
    print("done", flush=True)
    sys.stdin.read()
    socket.close()
    context.term()


if __name__ == "__main__":
    main()
