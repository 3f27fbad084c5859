# SPDX-License-Identifier: Apache-2.0
"""zerorpc: calls, streams and errors, on gevent and its own subclasses of sockets."""

from __future__ import annotations

import gevent
import zerorpc


class Service:
    def add(self, a, b):
        return a + b

    def fail(self):
        raise ValueError("no")

    @zerorpc.stream
    def count(self, n):
        yield from range(n)


if __name__ == "__main__":
    server = zerorpc.Server(Service())
    server.bind("ipc://rpc.sock")
    task = gevent.spawn(server.run)
    client = zerorpc.Client(timeout=60, heartbeat=5)
    client.connect("ipc://rpc.sock")
    print(client.add(2, 3), client.add("a", "b"), len(client.add("x" * 10**6, "y")))
    print(sum(client.count(1000)))
    jobs = [gevent.spawn(client.add, i, i) for i in range(50)]
    gevent.joinall(jobs, raise_error=True)
    print(sum(job.value for job in jobs))
    try:
        client.fail()
    except zerorpc.RemoteError as error:
        print(error.name, error.msg)
    client.close()
    server.stop()
    task.join()
    server.close()
