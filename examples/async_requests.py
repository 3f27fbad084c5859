# SPDX-License-Identifier: Apache-2.0
"""Serve several clients in one event loop of asyncio, and give up on a slow answer.

Prints::

    ONE TWO THREE
    no answer in time
"""

import asyncio

import fastmq as zmq
import fastmq.asyncio as zmq_asyncio


async def serve(server: zmq_asyncio.Socket) -> None:
    while True:
        client, word = await server.recv_multipart()
        if word != b"never":
            await server.send_multipart([client, word.upper()])


async def ask(context: zmq_asyncio.Context, address: str, word: str) -> str:
    with context.socket(zmq.DEALER) as client:
        client.linger = 0
        client.connect(address)
        await client.send_string(word)
        return await client.recv_string()


async def main_in_loop() -> None:
    with zmq_asyncio.Context() as context, context.socket(zmq.ROUTER) as server:
        port = server.bind_to_random_port("tcp://127.0.0.1")
        address = f"tcp://127.0.0.1:{port}"
        serving = asyncio.create_task(serve(server))

        words = ("one", "two", "three")
        answers = await asyncio.gather(*(ask(context, address, w) for w in words))
        print(*answers)
        try:
            await asyncio.wait_for(ask(context, address, "never"), timeout=0.1)
        except asyncio.TimeoutError:
            print("no answer in time")
        serving.cancel()


def main() -> None:
    asyncio.run(main_in_loop())


if __name__ == "__main__":
    main()
