# SPDX-License-Identifier: Apache-2.0
"""Habits that reviewers would otherwise have to watch for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from source.tree import ROOT, all_files, complain, files, name

SLEEP = re.compile(
    r"\b(?:time\.sleep|sleep|usleep|nanosleep|thrd_sleep|asyncio\.sleep)\s*\((?!0\))"
)
CODE = (".c", ".h", ".py", ".pyi", ".pyx", ".pxi", ".pxd", ".cmake", ".sh", ".toml")
SPDX = "SPDX-License-Identifier: Apache-2.0"
# Folders that only one machine has.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+|opt/pypi)\b/?")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def lines(path: Path) -> list[tuple[int, str]]:
    text = path.read_bytes().decode("utf-8", errors="replace")
    return list(enumerate(text.splitlines(), 1))


def test_no_test_sleeps() -> None:
    """Tests wait for a condition instead, or drive a clock of their own."""
    complain(
        "sleeps in tests",
        [
            f"{name(path)}:{number}: {line.strip()}"
            for path in files(".c", ".h", ".py", under="tests")
            for number, line in lines(path)
            if SLEEP.search(line)
        ],
    )


def test_sleeps_are_found() -> None:
    for call in ("time.sleep", "await asyncio.sleep", "usleep", "nanosleep"):
        assert SLEEP.search(call + "(1)")
    assert not SLEEP.search("await asyncio.sleep" + "(0)")


def test_licence_lines() -> None:
    wrong = []
    for path in files(*CODE):
        head = path.read_text(encoding="utf-8").splitlines()[:2]
        if not any(SPDX in line for line in head):
            wrong.append(name(path))
    complain(f"files without '{SPDX}' in their first two lines", wrong)


def registry_hosts() -> set[str]:
    """Return the hosts this machine installs packages from, if it names any."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    urls = re.findall(r"[a-z+]+://[^'\s]+", done.stdout)
    return {host for url in urls if (host := urlsplit(url).hostname)}


def test_no_trace_of_a_machine() -> None:
    hosts = registry_hosts()
    here = re.compile(rf"(?<![\w.])(?:{re.escape(str(ROOT))}|{Path.home()}/)")
    wrong = []
    for path in all_files():
        for number, line in lines(path):
            has_path = MACHINE_PATH.search(line) or here.search(line)
            if has_path or any(host in line for host in hosts):
                wrong.append(f"{name(path)}:{number}: {line.strip()[:80]}")
    complain("paths or registry hosts of one machine", wrong)


def test_links_between_pages() -> None:
    wrong = []
    for page in files(".md"):
        for number, line in lines(page):
            for link in LINK.findall(line):
                if not (page.parent / link).exists():
                    wrong.append(f"{name(page)}:{number}: {link}")
    complain("links to files that are not there", wrong)


def test_text_ends_cleanly() -> None:
    wrong = []
    for path in files(*CODE, ".md"):
        text = path.read_text(encoding="utf-8")
        has_blanks = any(line != line.rstrip() for line in text.split("\n"))
        if has_blanks or "\r" in text or (text and not text.endswith("\n")):
            wrong.append(name(path))
    complain("trailing blanks, carriage returns or no newline at the end", wrong)
