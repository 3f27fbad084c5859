# SPDX-License-Identifier: Apache-2.0
"""jupyter_client and ipykernel: a kernel runs cells, is interrupted and restarted."""

from __future__ import annotations

import queue

from jupyter_client.manager import start_new_kernel

PATIENCE_S = 60


def run(client, code: str) -> str:
    """Run a cell; return what it printed, and its status."""
    printed = []

    def hook(message) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(code, output_hook=hook, timeout=PATIENCE_S)
    return f"{''.join(printed)!r} {reply['content']['status']}"


def interrupted(manager, client, waiting: str) -> dict:
    """Interrupt a cell; return what became of it."""
    for _ in range(PATIENCE_S):
        # One that comes between two steps of the kernel's own is lost.
        manager.interrupt_kernel()
        try:
            reply = client.get_shell_msg(timeout=1)
        except queue.Empty:
            continue
        if reply["parent_header"]["msg_id"] == waiting:
            return reply["content"]
    raise TimeoutError(waiting)


if __name__ == "__main__":
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        print(run(client, "print(6 * 7)"))
        print(run(client, "x = 1; 1 / 0"))
        print(run(client, "print(x, len('y' * 1_000_000))"))
        for i in range(20):
            print(run(client, f"print({i} + x)"))
        waiting = client.execute(
            "import threading\nprint('began')\nthreading.Event().wait()"
        )
        while True:
            message = client.get_iopub_msg(timeout=PATIENCE_S)
            if message["content"].get("text", "").startswith("began"):
                break
        print(interrupted(manager, client, waiting)["ename"])
        print(client.is_complete("if True:") != "", manager.is_alive())
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=PATIENCE_S)
        print(run(client, "print('x' in globals())"))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
