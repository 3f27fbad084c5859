# SPDX-License-Identifier: Apache-2.0
"""locust: a master and a worker, on gevent by zmq.green."""

from __future__ import annotations

import gevent
from locust import User, constant, task
from locust.env import Environment

N = 50


class Nobody(User):
    wait_time = constant(0.01)

    @task
    def nothing(self) -> None:
        self.environment.events.request.fire(
            request_type="X",
            name="nothing",
            response_time=1,
            response_length=0,
            exception=None,
            context={},
        )


if __name__ == "__main__":
    gevent.get_hub().NOT_ERROR += (KeyboardInterrupt,)
    theirs = Environment(user_classes=[Nobody])
    master = theirs.create_master_runner("127.0.0.1", 0)
    worker = Environment(user_classes=[Nobody]).create_worker_runner(
        "127.0.0.1", master.server.port
    )
    with gevent.Timeout(60):
        while master.worker_count < 1:
            gevent.sleep(0)
        print("workers", master.worker_count)
        master.start(3, spawn_rate=100)
        while theirs.stats.total.num_requests < N or master.user_count < 3:
            gevent.sleep(0)
        print("users", master.user_count)
        master.stop()
        while worker.user_count:
            gevent.sleep(0)
        print("stopped", master.state)
    master.quit()
