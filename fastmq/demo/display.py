# SPDX-License-Identifier: Apache-2.0
"""What the demo shows: live bars if there is a terminal and rich, else plain lines."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol


class Display(Protocol):
    """What the demo needs to tell."""

    def __enter__(self) -> Display:
        """Begin to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the screen in order."""
        ...

    def say(self, text: str) -> None:
        """Show a line of text."""
        ...

    def stage(self, title: str, total_bytes: int) -> None:
        """Begin something that takes a while; what was begun before is over."""
        ...

    def progress(self, n_lines: int, n_bytes: int) -> None:
        """Show how far the stage has come."""
        ...

    def stage_done(self, n_lines: int, n_bytes: int, seconds: float) -> None:
        """Show what the stage has come to."""
        ...

    def top_words(self, top: list[tuple[str, int]]) -> None:
        """Show the most frequent words."""
        ...

    def verdict(self, text: str) -> None:
        """Show the good end."""
        ...


def rates(n_lines: int, n_bytes: int, seconds: float) -> str:
    """Say how fast it went."""
    seconds = max(seconds, 1e-9)
    return (
        f"{n_lines:,} lines, {n_bytes / 1e6:,.1f} MB in {seconds:.2f} s: "
        f"{n_lines / seconds:,.0f} lines/s, {n_bytes / seconds / 1e6:,.1f} MB/s"
    )


class PlainDisplay:
    """Lines of text, a line a second at most for progress."""

    def __init__(self) -> None:
        self._total_bytes = 0
        self._next_line_at = 0.0

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def say(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)

    def stage(self, title: str, total_bytes: int) -> None:
        """Print the title."""
        self._total_bytes = total_bytes
        self._next_line_at = time.monotonic() + 1
        self.say(title)

    def progress(self, n_lines: int, n_bytes: int) -> None:
        """Print it if a second has passed."""
        now = time.monotonic()
        if now >= self._next_line_at:
            self._next_line_at = now + 1
            self.say(f"  {100 * n_bytes // self._total_bytes}%, {n_lines:,} lines")

    def stage_done(self, n_lines: int, n_bytes: int, seconds: float) -> None:
        """Print the rates."""
        self.say(f"  {rates(n_lines, n_bytes, seconds)}")

    def top_words(self, top: list[tuple[str, int]]) -> None:
        """Print two columns."""
        self.say("top words")
        for word, count in top:
            self.say(f"  {count:>9,}  {word}")

    def verdict(self, text: str) -> None:
        """Print it."""
        self.say(text)


class RichDisplay:
    """A bar for each stage and a little colour."""

    def __init__(self) -> None:
        from rich import console, progress

        self._console = console.Console(highlight=False)
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.fields[rate]}", markup=False),
            console=self._console,
        )
        self._task: Any = None
        self._started = 0.0
        self._total_bytes = 0

    def __enter__(self) -> RichDisplay:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print above the bars."""
        self._console.print(text, markup=False)

    def stage(self, title: str, total_bytes: int) -> None:
        """Begin a bar."""
        self._total_bytes = total_bytes
        self._started = time.monotonic()
        self._task = self._progress.add_task(title, total=total_bytes, rate="")

    def progress(self, n_lines: int, n_bytes: int) -> None:
        """Move the bar."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        self._progress.update(
            self._task,
            completed=n_bytes,
            rate=f"{n_lines / seconds:,.0f} lines/s, "
            f"{n_bytes / seconds / 1e6:,.1f} MB/s",
        )

    def stage_done(self, n_lines: int, n_bytes: int, seconds: float) -> None:
        """Turn the bar into a line of text."""
        title = self._progress.tasks[-1].description
        self._progress.remove_task(self._task)
        self._progress.refresh()
        self.say(f"{title}\n  {rates(n_lines, n_bytes, seconds)}")

    def top_words(self, top: list[tuple[str, int]]) -> None:
        """Show a table with bars."""
        from rich import box, table

        if not top:
            return
        words = table.Table("count", "word", "", box=box.SIMPLE_HEAD, title="top words")
        words.columns[0].justify = "right"
        for word, count in top:
            words.add_row(f"{count:,}", word, "▇" * max(1, 32 * count // top[0][1]))
        self._console.print(words)

    def verdict(self, text: str) -> None:
        """Print it in green."""
        self._console.print(text, style="bold green", markup=False)


def choose() -> Display:
    """Rich on a terminal where it is installed, else plain."""
    if sys.stdout.isatty():
        try:
            return RichDisplay()
        except ImportError:
            pass
    return PlainDisplay()
