# SPDX-License-Identifier: Apache-2.0
"""imagezmq: arrays over REQ and REP."""

from __future__ import annotations

import threading

import imagezmq
import numpy as np
import zmq

IMAGES = [
    np.arange(12 * k * k, dtype=np.uint8).reshape(3 * k, 4 * k) for k in (1, 20, 400)
]


def receive(hub) -> None:
    for _ in IMAGES:
        name, image = hub.recv_image()
        hub.send_reply(b"got " + name.encode())
        print(name, image.shape, image.dtype, int(image.sum()))


if __name__ == "__main__":
    hub = imagezmq.ImageHub(open_port="tcp://127.0.0.1:0")
    thread = threading.Thread(target=receive, args=[hub])
    thread.start()
    url = hub.zmq_socket.get(zmq.LAST_ENDPOINT).decode()
    sender = imagezmq.ImageSender(connect_to=url)
    replies = [sender.send_image(f"image {i}", image) for i, image in enumerate(IMAGES)]
    thread.join()
    print(replies)
    sender.close()
    hub.close()
