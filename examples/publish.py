# SPDX-License-Identifier: Apache-2.0
"""Publish by topic, and know when the first subscriber is there.

Prints::

    somebody wants b'weather.'
    weather.oslo: snow
    weather.rome: sun
"""

import threading

import fastmq as zmq


def listen(context: zmq.Context[zmq.Socket[bytes]], address: str) -> None:
    with context.socket(zmq.SUB) as subscriber:
        subscriber.connect(address)
        subscriber.subscribe("weather.")
        for _ in range(2):
            topic, body = subscriber.recv_multipart()
            print(f"{topic.decode()}: {body.decode()}")


def main() -> None:
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        address = f"tcp://127.0.0.1:{port}"
        thread = threading.Thread(target=listen, args=(context, address))
        thread.start()

        # What is published before somebody subscribes is for nobody. An XPUB receives
        # the subscriptions; to a PUB they are silent.
        subscription = publisher.recv()
        assert subscription[0] == 1
        print("somebody wants", subscription[1:])
        news = {"weather.oslo": "snow", "sports": "3:1", "weather.rome": "sun"}
        for topic, body in news.items():
            publisher.send_multipart([topic.encode(), body.encode()])
        thread.join()


if __name__ == "__main__":
    main()
