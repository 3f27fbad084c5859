# SPDX-License-Identifier: Apache-2.0
"""zprocess: a process that is told things, with and without a shared secret."""

from __future__ import annotations

from zprocess import ProcessTree, ZMQClient, ZMQServer
from zprocess.security import generate_shared_secret


class Server(ZMQServer):
    def handler(self, data):
        return [data, "heard"]


if __name__ == "__main__":
    for secret in (None, generate_shared_secret()):
        insecure = secret is None
        server = Server(
            None,
            bind_address="tcp://127.0.0.1",
            shared_secret=secret,
            allow_insecure=insecure,
        )
        client = ZMQClient(shared_secret=secret, allow_insecure=insecure)
        for data in (3, "text", b"x" * 10, {"a": [1]}):
            print(client.get(server.port, "127.0.0.1", data, timeout=60))
        server.shutdown()
    print(ProcessTree is not None)
