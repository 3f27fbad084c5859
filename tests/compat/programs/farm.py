# SPDX-License-Identifier: Apache-2.0
"""scoop: futures over a broker and worker processes."""

from __future__ import annotations

from scoop import futures


def square(x: int) -> int:
    return x * x


def fibonacci(n: int) -> int:
    return n if n < 2 else sum(futures.map(fibonacci, [n - 1, n - 2]))


if __name__ == "__main__":
    print(sum(futures.map(square, range(500))))
    print(futures.mapReduce(square, int.__add__, range(100)))
    print(fibonacci(8))
