# SPDX-License-Identifier: Apache-2.0
"""One run of the demo, from the first process started to the comparison."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

from fastmq.demo import corpus
from fastmq.demo.child import Child, ChildFailed, Company
from fastmq.demo.display import Display


class NotVerified(Exception):
    """The pipeline's result is not that of the direct computation."""


@dataclass(frozen=True)
class Settings:
    """What the user may choose."""

    n_workers: int = 2
    peer: str = "fastmq"
    transport: str = "tcp"
    port: int | None = None
    n_top: int = 10
    batch_bytes: int = corpus.BATCH_BYTES
    patience_s: int = 30

    def endpoint(self, number: int, scratch: str) -> str:
        """Where the ventilator (0) or the sink (1) binds."""
        if self.transport == "ipc":
            return f"ipc://{scratch}/{number}"
        port = "*" if self.port is None else self.port + number
        return f"tcp://127.0.0.1:{port}"


def run(settings: Settings, files: list[corpus.TextFile], display: Display) -> None:
    """Send every line of ``files`` through the pipeline and verify the result.

    Returns or fails with no process and no file left behind.

    Raises:
        ChildFailed: A process of the pipeline failed.
        NotVerified: The results differ.
    """
    # Left in reverse order: first the processes end, then the folder goes.
    with tempfile.TemporaryDirectory(prefix="fastmq-demo-") as scratch:
        with Company() as company:
            _Run(settings, files, display, scratch, company).run()


class _Run:
    def __init__(
        self,
        settings: Settings,
        files: list[corpus.TextFile],
        display: Display,
        scratch: str,
        company: Company,
    ) -> None:
        self.settings = settings
        self.files = files
        self.total_bytes = sum(file.size for file in files)
        self.display = display
        self.scratch = scratch
        self.company = company
        self.ventilator, self.sink = self._start_ends()
        self.workers: list[Child] = []

    def run(self) -> None:
        expected = self._count_directly()
        self._start_workers()
        found = self._pipe_lines()
        self._compare(expected, found)
        self.display.top_words([(word, count) for word, count in found["top"]])
        self.display.verdict(
            f"verified: every line exactly once ({found['lines']:,} lines, "
            f"checksum {found['checksum'] % 2**64:016x})"
        )

    def _start_ends(self) -> tuple[Child, Child]:
        settings = self.settings
        ventilator = self.company.start("ventilator")
        sink = self.company.start("sink")
        ventilator.order(
            endpoint=settings.endpoint(0, self.scratch),
            scratch=self.scratch,
            files=self.files,
            batch=settings.batch_bytes,
        )
        sink.order(
            endpoint=settings.endpoint(1, self.scratch),
            scratch=self.scratch,
            top=settings.n_top,
            patience=settings.patience_s,
        )
        self.company.wait_for((ventilator, sink), "endpoint", self._ignore)
        return ventilator, sink

    def _count_directly(self) -> dict[str, Any]:
        counter = self.company.start("direct", "direct computation")
        self.display.stage("one process alone", self.total_bytes)
        counter.order(
            files=self.files, batch=self.settings.batch_bytes, top=self.settings.n_top
        )
        return self._follow(counter)

    def _start_workers(self) -> None:
        for number in range(self.settings.n_workers):
            self.workers.append(self.company.start("worker", f"worker {number + 1}"))
        for worker in self.workers:
            worker.order(
                library=self.settings.peer,
                ventilator=self.ventilator.said["endpoint"],
                sink=self.sink.said["endpoint"],
                scratch=self.scratch,
            )
        self.company.wait_for(self.workers, "ready", self._ignore)
        pids = " ".join(str(worker.pid) for worker in self.workers)
        self.display.say(
            f"ventilator {self.ventilator.pid} and sink {self.sink.pid}: "
            f"{self.ventilator.said['library']}\n"
            f"workers {pids}: {self.workers[0].said['library']}"
        )

    def _pipe_lines(self) -> dict[str, Any]:
        n = self.settings.n_workers
        title = f"ventilator, {n} worker{'s' * (n > 1)}, sink over "
        self.display.stage(title + self.settings.transport, self.total_bytes)
        self.sink.order(go=True)
        self.ventilator.order(sink=self.sink.said["endpoint"])
        found = self._follow(self.sink)
        for child in (*self.workers, self.ventilator):
            child.order(stop=True)
        self.company.wait_for_end()
        return found

    def _follow(self, child: Child) -> dict[str, Any]:
        """Show how the child gets on until it is done."""

        def show(speaker: Child) -> None:
            if speaker is child and "lines" in child.said:
                self.display.progress(child.said["lines"], child.said["bytes"])

        self.company.wait_for((child,), "done", show)
        done: dict[str, Any] = child.said["done"]
        self.display.stage_done(done["lines"], done["bytes"], child.said["seconds"])
        return done

    def _compare(self, expected: dict[str, Any], found: dict[str, Any]) -> None:
        differences = [
            f"{key}: {found[key]} instead of {expected[key]}"
            for key in expected
            if found[key] != expected[key]
        ]
        n_worked = sum(worker.said["done"] for worker in self.workers)
        if n_worked != expected["lines"]:
            differences.append(f"the workers had {n_worked} lines in all")
        if not differences:
            return
        changed = corpus.changed_files(self.files)
        if changed:
            differences.append(f"a file changed in the meantime: {changed[0]}")
        raise NotVerified("; ".join(differences))

    def _ignore(self, child: Child) -> None:
        pass


__all__ = ["ChildFailed", "NotVerified", "Settings", "run"]
