# SPDX-License-Identifier: Apache-2.0
"""Send JSON, text and Python objects.

Prints::

    {'name': 'fastmq', 'tags': ['fast', 'small']}
    Grüße
    datetime.date(2024, 2, 29)
"""

import datetime

import fastmq as zmq


def main() -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.PAIR) as here,
        context.socket(zmq.PAIR) as there,
    ):
        there.bind("inproc://objects")
        here.connect("inproc://objects")

        here.send_json({"name": "fastmq", "tags": ["fast", "small"]})
        print(there.recv_json())

        here.send_string("Grüße")
        print(there.recv_string())

        # A pickle can do anything when it is loaded: only among your own programs.
        here.send_pyobj(datetime.date(2024, 2, 29))
        print(repr(there.recv_pyobj()))


if __name__ == "__main__":
    main()
