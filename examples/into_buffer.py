# SPDX-License-Identifier: Apache-2.0
"""Receive into memory that is there already, message after message.

Prints::

    [0.0, 0.5, 1.0, 1.5]
    [10.0, 10.5, 11.0, 11.5]
    a message of 80 bytes; 32 of them are here
"""

import array

import fastmq as zmq


def main() -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.PUSH) as push,
        context.socket(zmq.PULL) as pull,
    ):
        pull.bind("inproc://numbers")
        push.connect("inproc://numbers")

        numbers = array.array("d", [0.0] * 4)
        for start in (0, 10):
            push.send(array.array("d", [start + i / 2 for i in range(4)]))
            assert pull.recv_into(numbers) == 32
            print(numbers.tolist())

        # What does not fit is lost, and the size tells.
        push.send(array.array("d", range(10)))
        size = pull.recv_into(numbers)
        n_here = len(numbers) * numbers.itemsize
        print(f"a message of {size} bytes; {n_here} of them are here")


if __name__ == "__main__":
    main()
