# SPDX-License-Identifier: Apache-2.0
"""ipyparallel: a hub, queues in processes and engines; tasks and errors."""

from __future__ import annotations

import ipyparallel

if __name__ == "__main__":
    with ipyparallel.Cluster(n=2, log_level=50) as client:
        client.wait_for_engines(2, timeout=120)
        view = client[:]
        print(sorted(view.apply_sync(lambda: 6 * 7)))
        print(sum(view.map_sync(lambda x: x * x, range(100))))
        balanced = client.load_balanced_view()
        print(sum(balanced.map_sync(lambda x: x + 1, range(50))))
        view["x"] = b"y" * 1_000_000
        print(view.apply_sync(lambda: len(x)))  # noqa: F821
        try:
            view.apply_sync(lambda: 1 / 0)
        except Exception as error:
            print(type(error).__name__)
