# SPDX-License-Identifier: Apache-2.0
"""Talk to a thread, and end it by ending the context.

Prints::

    the thread is ready
    21 -> 42
    the thread has ended
"""

import threading

import fastmq as zmq


def double(context: zmq.Context) -> None:
    with context.socket(zmq.PAIR) as pipe:
        pipe.linger = 0
        pipe.connect("inproc://pipe")
        pipe.send(b"ready")
        try:
            while True:
                pipe.send(b"%d" % (2 * int(pipe.recv())))
        except zmq.ContextTerminated:
            # Every call on a socket of a context that is ending raises this; the socket
            # has to be closed before `term` can return.
            return


def main() -> None:
    context = zmq.Context()
    with context.socket(zmq.PAIR) as pipe:
        pipe.bind("inproc://pipe")
        thread = threading.Thread(target=double, args=[context])
        thread.start()
        assert pipe.recv() == b"ready"
        print("the thread is ready")
        pipe.send(b"21")
        print("21 ->", pipe.recv().decode())
    context.term()
    thread.join()
    print("the thread has ended")


if __name__ == "__main__":
    main()
