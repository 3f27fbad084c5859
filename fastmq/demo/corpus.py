# SPDX-License-Identifier: Apache-2.0
"""The input of the demo, and what is found in it.

Lines are numbered through the whole corpus. A line's checksum is the CRC-32 of its
bytes begun with its number, so that the sum over all lines, in whatever order it is
made, changes with any line that is missing, doubled, altered or taken for another.
"""

from __future__ import annotations

import bisect
import os
import re
import stat
import sysconfig
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

BATCH_BYTES = 16384
"""Text in one message, about; a line is never cut."""

_find_words = re.compile(r"[^\W\d_]\w+").findall
_SNIFF_BYTES = 8192


class TextFile(NamedTuple):
    """A file and how much of it is read, so that a growing log does not matter."""

    path: str
    size: int
    mtime_ns: int


class Batch(NamedTuple):
    """Whole lines that follow each other: what one message to a worker holds."""

    first: int
    """Number of the first line."""
    n_lines: int
    text: bytes


def default_path() -> str:
    """The standard library of the running Python."""
    return sysconfig.get_path("stdlib")


def find_files(path: str) -> list[TextFile]:
    """List every text file under ``path``, which may also be a file itself.

    Installed packages and byte code are left out, as are files that hold a NUL byte
    near their start, that are empty or that cannot be read.
    """
    if os.path.isfile(path):
        names: Iterable[str] = [path]
    else:
        names = _walk(path)
    return [file for name in names if (file := _look_at(name)) is not None]


def _walk(root: str) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root):
        skipped = {"site-packages", "dist-packages", "__pycache__"}
        subfolders[:] = sorted(set(subfolders) - skipped)
        for name in sorted(names):
            yield os.path.join(folder, name)


def _look_at(name: str) -> TextFile | None:
    try:
        info = os.stat(name)
        if not stat.S_ISREG(info.st_mode) or info.st_size == 0:
            return None
        with open(name, "rb") as file:
            if b"\0" in file.read(_SNIFF_BYTES):
                return None
    except OSError:
        return None
    return TextFile(name, info.st_size, info.st_mtime_ns)


def changed_files(files: Iterable[TextFile]) -> list[str]:
    """Tell which files are not what they were when they were listed."""
    return [file.path for file in files if _look_at(file.path) != file]


def read_batches(files: Iterable[TextFile], batch_bytes: int) -> Iterator[Batch]:
    """Read the files as batches of about ``batch_bytes``; none spans two files."""
    first = 0
    for file in files:
        for text in _read_pieces(file, batch_bytes):
            n_lines = text.count(b"\n") + (not text.endswith(b"\n"))
            yield Batch(first, n_lines, text)
            first += n_lines


def _read_pieces(file: TextFile, batch_bytes: int) -> Iterator[bytes]:
    left = file.size
    with open(file.path, "rb") as stream:
        while left > 0:
            text = stream.read(min(batch_bytes, left))
            if len(text) < left and not text.endswith(b"\n"):
                text += stream.readline(left - len(text))
            if not text:
                return  # it has become shorter; the comparison will tell
            left -= len(text)
            yield text


class Tally:
    """What was found in some lines; tallies of different lines add up."""

    def __init__(self) -> None:
        self.n_lines = 0
        self.n_bytes = 0
        self.checksum = 0
        self.words: Counter[str] = Counter()

    def add(self, batch: Batch) -> None:
        """Count the lines of a batch and the words in them.

        Raises:
            ValueError: The text does not hold as many lines as the batch says.
        """
        lines = batch.text.split(b"\n")
        if not lines[-1]:
            lines.pop()
        if len(lines) != batch.n_lines:
            raise ValueError(
                f"line {batch.first}: {batch.n_lines} lines were sent, "
                f"{len(lines)} have come"
            )
        numbers = range(batch.first, batch.first + batch.n_lines)
        self.checksum += sum(map(zlib.crc32, lines, numbers))
        self.n_lines += batch.n_lines
        self.n_bytes += len(batch.text)
        self.words.update(_find_words(batch.text.decode("utf-8", "replace").lower()))

    def summary(self, n_top: int) -> dict[str, Any]:
        """Say it all in a few numbers; two equal tallies have equal summaries."""
        words = self.words
        return {
            "lines": self.n_lines,
            "bytes": self.n_bytes,
            "checksum": self.checksum,
            "words": words.total(),
            "different words": len(words),
            "words checksum": sum(
                zlib.crc32(word.encode()) * count for word, count in words.items()
            ),
            "top": sorted(words.items(), key=lambda item: (-item[1], item[0]))[:n_top],
        }


class Coverage:
    """Which lines have been seen, as ranges that do not touch."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.n_lines = 0

    def add(self, first: int, n_lines: int) -> None:
        """Note that lines have come.

        Raises:
            ValueError: One of them had come before.
        """
        end = first + n_lines
        at = bisect.bisect_left(self._starts, first)
        before = at > 0 and self._ends[at - 1] >= first
        after = at < len(self._starts) and self._starts[at] <= end
        if (before and self._ends[at - 1] > first) or (
            after and self._starts[at] < end
        ):
            raise ValueError(f"lines {first} to {end - 1}: some of them came twice")
        if before and after:
            self._ends[at - 1] = self._ends.pop(at)
            del self._starts[at]
        elif before:
            self._ends[at - 1] = end
        elif after:
            self._starts[at] = first
        else:
            self._starts.insert(at, first)
            self._ends.insert(at, end)
        self.n_lines += n_lines

    def first_gap(self) -> int:
        """Number of the first line that has not been seen."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0
