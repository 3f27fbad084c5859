# SPDX-License-Identifier: Apache-2.0
"""bluesky: documents published through a proxy to a dispatcher on asyncio."""

from __future__ import annotations

import contextlib
import threading

from bluesky.callbacks.zmq import Proxy, Publisher, RemoteDispatcher

if __name__ == "__main__":
    proxy = Proxy()
    threading.Thread(target=proxy.start, daemon=True).start()
    incoming, outgoing = (
        ("127.0.0.1", int(str(port).rpartition(":")[2]))
        for port in (proxy.in_port, proxy.out_port)
    )
    dispatcher = RemoteDispatcher(outgoing)
    heard = threading.Event()
    seen = []

    def see(name, document) -> None:
        heard.set()
        seen.append((name, document))
        if document["uid"] == "last":
            raise KeyboardInterrupt

    dispatcher.subscribe(see)

    def publish() -> None:
        publisher = Publisher(incoming)
        while not heard.wait(0.02):
            publisher("start", {"uid": "first", "time": 1})
        for i in range(50):
            publisher("event", {"uid": str(i), "data": {"x": i}})
        publisher("stop", {"uid": "last"})

    threading.Thread(target=publish).start()
    with contextlib.suppress(KeyboardInterrupt):
        dispatcher.start()
    print(sum(document["data"]["x"] for name, document in seen if name == "event"))
    print(seen[-1])
