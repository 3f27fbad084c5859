# SPDX-License-Identifier: Apache-2.0
"""Hand out 1000 tasks to the workers that connect; see pipeline_worker.py.

python pipeline_source.py [ADDRESS]    for example tcp://*:5557

Other end: pipeline_worker.py
"""

import sys

import fastmq as zmq


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5557"
    with zmq.Context() as context, context.socket(zmq.PUSH) as tasks:
        tasks.bind(address)
        print("tasks at", tasks.last_endpoint.decode(), flush=True)
        for number in range(1000):
            tasks.send_json({"number": number})
        # A worker knows by this that there is no more: one for each would be needed.
        tasks.send_json(None)
    # Leaving the context waits until the last message has left.


if __name__ == "__main__":
    main()
