# SPDX-License-Identifier: Apache-2.0
"""Tables in the terminal: with rich where it is installed, else as plain columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import report as reports
from bench.cases import ROUND_TRIP, size_text

BASE = "pyzmq"
LATENCIES = ("p50 us", "p99 us")


@dataclass
class Table:
    title: str
    heading: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    n_left: int = 1
    """Columns that hold words, before those that hold numbers."""


def show(tables: Iterable[Table]) -> None:
    try:
        from rich import box, console, table
    except ImportError:
        for each in tables:
            print("\n".join(plain_lines(each)), end="\n\n")
        return
    # Into a file tables are as wide as they need to be.
    width = None if sys.stdout.isatty() else 160
    screen = console.Console(highlight=False, markup=False, width=width)
    for each in tables:
        shown = table.Table(box=box.SIMPLE_HEAD, title=each.title, title_justify="left")
        for number, text in enumerate(each.heading):
            is_word = number < each.n_left
            shown.add_column(
                text, justify="left" if is_word else "right", no_wrap=is_word
            )
        for row in each.rows:
            shown.add_row(*row)
        screen.print(shown)


def plain_lines(table: Table) -> Iterator[str]:
    widths = [
        max(len(line[number]) for line in [table.heading, *table.rows])
        for number in range(len(table.heading))
    ]
    yield table.title
    for line in [table.heading, *table.rows]:
        cells = (
            text.ljust(width) if number < table.n_left else text.rjust(width)
            for number, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()


def markdown(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(table.heading) + " |"
    n_right = len(table.heading) - table.n_left
    yield "|" + "---|" * table.n_left + "--:|" * n_right
    for row in table.rows:
        yield "| " + " | ".join(text.replace("|", "\\|") for text in row) + " |"
    yield ""


def of_report(report: dict[str, Any]) -> list[Table]:
    """Return a table for each family of cases."""
    base = base_of(report)
    tables: dict[str, Table] = {}
    for entry in report["cases"].values():
        case = reports.case_of(entry)
        unit = "us a round trip" if case.pattern == ROUND_TRIP else case.unit
        heading: tuple[str, ...] = ("size", "peer", unit, "spread", "lowest", "highest")
        heading += tuple(f"CPU {end} us" for end in case.ends)
        heading += LATENCIES if case.has_latency else ()
        if base:
            heading += (f"x {base}",)
        table = tables.setdefault(case.family, Table(case.family, heading, n_left=2))
        size = size_text(case.size)
        for peer, numbers in entry["peers"].items():
            row = (size, peer, *cells(entry, numbers, base))
            table.rows.append(row + ("",) * (len(heading) - len(row)))
            size = ""
    return list(tables.values())


def base_of(report: dict[str, Any]) -> str:
    return BASE if any(BASE in c["peers"] for c in report["cases"].values()) else ""


def cells(entry: dict[str, Any], numbers: dict[str, Any], base: str) -> tuple[str, ...]:
    if "summary" not in numbers:
        return ("lacks it" if "lacks" in numbers else "failed",)
    found = numbers["summary"]
    cpu = numbers["cpu us"]
    row = [
        number_text(found["median"]),
        percent_text(found["spread"]),
        number_text(found["lowest"]),
        number_text(found["highest"]),
        number_text(cpu["server"]),
        number_text(cpu["client"]),
    ]
    if reports.case_of(entry).has_latency:
        more = numbers["more"]
        row += [number_text(more[key]) if key in more else "" for key in LATENCIES]
    if base:
        other = entry["peers"].get(base, {}).get("summary")
        row.append(f"{found['median'] / other['median']:.2f}" if other else "")
    return tuple(row)


def number_text(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def percent_text(part: float) -> str:
    return f"±{part * 100:.1f}%"
