# SPDX-License-Identifier: Apache-2.0
"""aiozmq: an event loop of its own over plain sockets, by FD and EVENTS."""

from __future__ import annotations

import asyncio

import aiozmq.rpc
import zmq

N = 2000


class Handler(aiozmq.rpc.AttrHandler):
    @aiozmq.rpc.method
    def add(self, a: int, b: int) -> int:
        return a + b

    @aiozmq.rpc.method
    async def fail(self):
        raise ValueError("no")


async def call() -> None:
    server = await aiozmq.rpc.serve_rpc(Handler(), bind="tcp://127.0.0.1:*")
    (url,) = server.transport.bindings()
    client = await aiozmq.rpc.connect_rpc(connect=url, timeout=60)
    print(await client.call.add(1, 2))
    print(sum(await asyncio.gather(*[client.call.add(i, i) for i in range(200)])))
    try:
        await client.call.fail()
    except ValueError as error:
        print(repr(error))
    client.close()
    server.close()
    await client.wait_closed()
    await server.wait_closed()


async def stream() -> None:
    router = await aiozmq.create_zmq_stream(zmq.ROUTER, bind="tcp://127.0.0.1:*")
    (url,) = router.transport.bindings()
    dealer = await aiozmq.create_zmq_stream(zmq.DEALER, connect=url)
    for i in range(N):
        dealer.write([b"%d" % i])
    print(sum([int((await router.read())[1]) for _ in range(N)]))
    dealer.close()
    router.close()


async def main() -> None:
    await call()
    await stream()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(aiozmq.ZmqEventLoopPolicy())
    asyncio.run(main())
