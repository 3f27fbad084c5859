# SPDX-License-Identifier: Apache-2.0
"""Send and receive large bodies without copying them.

Prints::

    lent 1000000 bytes
    the receiver looks at 1000000 bytes: b'AAAA' ...
    the buffer is ours again
    one frame sent to both: True
"""

import fastmq as zmq


def main() -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.PUSH) as push,
        context.socket(zmq.PULL) as pull,
        context.socket(zmq.PULL) as other,
    ):
        pull.bind("inproc://large")
        push.connect("inproc://large")

        body = bytearray(b"A" * 1_000_000)
        tracker = push.send(body, copy=False, track=True)
        print("lent", len(body), "bytes")

        frame = pull.recv(copy=False)
        view = frame.buffer  # the memory that was sent, over inproc even the very same
        print("the receiver looks at", len(view), "bytes:", bytes(view[:4]), "...")
        assert not tracker.done

        # As long as anybody can see the body it is in use.
        del frame
        view.release()
        del view
        tracker.wait(timeout=10)  # seconds
        body.clear()
        print("the buffer is ours again")

        # A frame can be sent more than once; its body is made once.
        other.bind("inproc://other")
        push.connect("inproc://other")
        shared = zmq.Frame(b"B" * 1_000_000, copy=False)
        push.send(shared)
        push.send(shared)
        print("one frame sent to both:", len(pull.recv()) == len(other.recv()))


if __name__ == "__main__":
    main()
