# SPDX-License-Identifier: Apache-2.0
"""Publish what is logged, by level and topic.

Prints::

    app.INFO | hello you
    app.ERROR.disk | nothing is left
"""

import logging

import fastmq as zmq
from fastmq.log.handlers import PUBHandler


def main() -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.XPUB) as publisher,
        context.socket(zmq.SUB) as subscriber,
    ):
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        subscriber.connect(f"tcp://127.0.0.1:{port}")
        subscriber.subscribe("app.")
        publisher.recv()  # the subscription is there

        handler = PUBHandler(publisher)
        handler.root_topic = "app"
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger = logging.getLogger("example")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)

        logger.info("hello %s", "you")
        logger.debug("for nobody")
        logger.error("disk::nothing is left")
        for _ in range(2):
            topic, text = subscriber.recv_multipart()
            print(topic.decode(), "|", text.decode().strip())
        logger.removeHandler(handler)


if __name__ == "__main__":
    main()
