# SPDX-License-Identifier: Apache-2.0
"""Do not wait for ever: limits, tries, and what happens to unsent messages.

Prints::

    recv: nothing within 20 ms
    try: nothing there
    poll: nothing within 20 ms
    send: no peer within 20 ms
    closed without waiting
"""

import fastmq as zmq


def main() -> None:
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    pull.rcvtimeo = 20
    try:
        pull.recv()
    except zmq.Again:
        print("recv: nothing within 20 ms")
    try:
        pull.recv(zmq.DONTWAIT)
    except zmq.Again:
        print("try: nothing there")
    if not pull.poll(timeout=20):
        print("poll: nothing within 20 ms")
    pull.close()

    push = context.socket(zmq.PUSH)
    push.sndtimeo = 20
    try:
        push.send(b"to nobody")
    except zmq.Again:
        print("send: no peer within 20 ms")
    # Now there is somebody to queue for, who may never come.
    push.connect("tcp://127.0.0.1:9")
    push.send(b"into the queue")
    # By default `term` waits for such messages for ever; linger is how long at most.
    push.close(linger=20)
    context.term()
    print("closed without waiting")


if __name__ == "__main__":
    main()
