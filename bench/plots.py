# SPDX-License-Identifier: Apache-2.0
"""A report as pictures, PNG or SVG. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from bench import report as reports
from bench.cases import (
    CALLS,
    CONNECTING,
    CORES,
    FAN_OUT,
    IDLE,
    LOOPS,
    MANY,
    ROUND_TRIP,
    ROUTED,
    STREAM,
    TRANSPORTS,
    Case,
    size_text,
)
from bench.tables import number_text

# Told apart by colour-blind readers too, and by the markers in any case.
STYLES = {
    "fastmq": ("#d55e00", "o"),
    "pyzmq": ("#0072b2", "s"),
    "pyomq": ("#009e73", "^"),
    "sockets": ("#7f7f7f", "D"),
    "libzmq-c": ("#56b4e9", "X"),
}
OTHERS = (("#cc79a7", "v"), ("#e69f00", "P"), ("#000000", "*"))
DPI = 120
MICROSECONDS = "\N{GREEK SMALL LETTER MU}s"

Numbers = dict[str, Any]  # one peer in one case: summary, cpu us
Found = dict[Case, dict[str, Numbers]]


def draw(report: dict[str, Any], folder: Path, suffix: str = "png") -> list[Path]:
    """Draw every plot that the report has numbers for."""
    found: Found = {}
    for entry in report["cases"].values():
        peers = {name: p for name, p in entry["peers"].items() if "summary" in p}
        if peers:
            found[reports.case_of(entry)] = peers
    peers_known = [name for name, p in report["peers"].items() if not p["missing"]]
    drawing = Drawing(styles_of(peers_known), caption(report))
    return [
        path
        for name, plot in drawing.plots().items()
        for path in save(plot(found), folder / f"{name}.{suffix}")
    ]


def save(figure: Figure | None, path: Path) -> Iterator[Path]:
    if figure is None:
        return
    # Text as text, and nothing that differs from run to run by itself.
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": path.stem}
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else None
    with matplotlib.rc_context(settings):
        figure.savefig(path, dpi=DPI, metadata=metadata)
    yield path


def styles_of(peers: list[str]) -> dict[str, tuple[str, str]]:
    others = [name for name in peers if name not in STYLES]
    return {
        **STYLES,
        **{name: OTHERS[n % len(OTHERS)] for n, name in enumerate(others)},
    }


def caption(report: dict[str, Any]) -> str:
    versions = ", ".join(
        f"{name} {peer['version']}".strip()
        for name, peer in report["peers"].items()
        if not peer["missing"]
    )
    commit = report["commit"] or "?"
    rounds = report["settings"]["rounds"]
    runs = "1 run" if rounds == 1 else f"median of {rounds} runs"
    return (
        f"{reports.machine_line(report)}\n{versions}; commit {commit}; "
        f"{runs}; error bars: lowest and highest"
    )


class Drawing:
    """The plots of one report: the same colours and the same caption on all."""

    def __init__(self, styles: dict[str, tuple[str, str]], caption: str) -> None:
        self.styles = styles
        self.caption = caption

    def plots(self) -> dict[str, Callable[[Found], Figure | None]]:
        return {
            "throughput": self.throughput,
            "bandwidth": self.bandwidth,
            "round-trip": self.round_trip,
            "percentiles": self.percentiles,
            "cpu": self.cpu,
            "peers-in-turn": self.peers_in_turn,
            "fan-out": self.fan_out,
            "asyncio": self.awaited,
            "memory": self.memory,
            "pauses": self.pauses,
            "hardships": self.hardships,
            "more": self.more,
        }

    # Against size: one panel a transport.

    def throughput(self, found: Found) -> Figure | None:
        return self.by_size(
            found,
            lambda case: case.is_rate,
            "PUSH/PULL: messages a second by size",
            "messages/s",
            lambda case, value: value,
        )

    def bandwidth(self, found: Found) -> Figure | None:
        return self.by_size(
            found,
            lambda case: case.is_rate and case.size >= 1024,
            "PUSH/PULL: bytes a second by size",
            "MB/s",
            lambda case, value: value * case.size / 1e6,
        )

    def round_trip(self, found: Found) -> Figure | None:
        return self.by_size(
            found,
            lambda case: not case.is_rate,
            "REQ/REP: time of a round trip by size",
            f"{MICROSECONDS} a round trip",
            lambda case, value: value,
        )

    def by_size(
        self,
        found: Found,
        is_wanted: Callable[[Case], bool],
        title: str,
        unit: str,
        scale: Callable[[Case, float], float],
    ) -> Figure | None:
        cases = [c for c in main_cases(found) if is_wanted(c)]
        transports = [t for t in TRANSPORTS if any(c.transport == t for c in cases)]
        if not cases:
            return None
        cores = CORES[cases[0].cores]
        figure = self.figure(f"{title} ({cores})", 4.2 * max(2, len(transports)), 4.6)
        panels = figure.subplots(1, len(transports), sharey=True, squeeze=False)[0]
        for panel, transport in zip(panels, transports, strict=True):
            mine = sorted(
                (c for c in cases if c.transport == transport), key=lambda c: c.size
            )
            for peer in peers_in(found, mine):
                theirs = [c for c in mine if peer in found[c]]
                points = [scaled(found[c][peer], partial(scale, c)) for c in theirs]
                self.line(panel, peer, [c.size for c in theirs], points)
            panel.set_title(transport)
            panel.set_xlabel("message size")
            log_axes(panel, sorted({c.size for c in mine}), size_text)
        panels[0].set_ylabel(unit)
        self.legend(figure, peers_in(found, cases))
        return figure

    def line(
        self, panel: Axes, peer: str, x: list[int], points: list[dict[str, float]]
    ) -> None:
        colour, marker = self.styles[peer]
        middle = [point["median"] for point in points]
        below = [point["median"] - point["lowest"] for point in points]
        above = [point["highest"] - point["median"] for point in points]
        panel.errorbar(
            x,
            middle,
            yerr=[below, above],
            label=peer,
            color=colour,
            marker=marker,
            markersize=5,
            capsize=3,
            linewidth=1.4,
        )

    def legend(self, figure: Figure, peers: list[str]) -> None:
        handles = []
        for peer in peers:
            colour, marker = self.styles[peer]
            handles.append(Line2D([], [], color=colour, marker=marker, label=peer))
        figure.legend(handles=handles, loc="outside right center", fontsize=8)

    # Other plots.

    def peers_in_turn(self, found: Found) -> Figure | None:
        open_ones = [case for case in found if not case.is_sealed]
        many = [case for case in open_ones if case.peers_in_turn > 1]
        if not many:
            return None
        first = many[0]
        cases = [
            case
            for case in open_ones
            if (case.pattern, case.transport, case.size, case.parts, case.cores)
            == (first.pattern, first.transport, first.size, first.parts, first.cores)
        ]
        cases.sort(key=lambda case: case.peers_in_turn)
        figure = self.figure(
            f"PUSH/PULL, {first.transport}, {size_text(first.size)}: "
            f"connections served in turn ({CORES[first.cores]})",
            7.5,
            4.6,
        )
        panel = figure.subplots()
        peers = peers_in(found, many)
        for peer in peers:
            theirs = [case for case in cases if peer in found[case]]
            points = [scaled(found[case][peer], float) for case in theirs]
            self.line(panel, peer, [case.peers_in_turn for case in theirs], points)
        log_axes(panel, [case.peers_in_turn for case in cases], str)
        panel.set_xlabel("connections")
        panel.set_ylabel("messages/s")
        self.legend(figure, peers)
        return figure

    def cpu(self, found: Found) -> Figure | None:
        """Stacked bars: what a message costs each side, for the size that all have."""
        cases = [case for case in main_cases(found) if case.size == 64]
        if not cases:
            return None
        figure = self.figure(
            "Processor time a message or round trip, 64 B (median)",
            4.2 * max(2, len(cases) / 2),
            6.4,
        )
        n_columns = (len(cases) + 1) // 2
        panels = list(figure.subplots(2, n_columns, squeeze=False).flat)
        for panel, case in zip(panels, cases, strict=False):
            self.stacked(panel, case, found[case])
        for panel in panels[len(cases) :]:
            panel.set_visible(False)
        return figure

    def stacked(self, panel: Axes, case: Case, peers: dict[str, Numbers]) -> None:
        names = list(peers)
        server = [peers[name]["cpu us"]["server"] for name in names]
        client = [peers[name]["cpu us"]["client"] for name in names]
        ends = case.ends
        colours = [self.styles[name][0] for name in names]
        panel.bar(names, server, color=colours, label=ends[0])
        panel.bar(
            names,
            client,
            bottom=server,
            color=colours,
            alpha=0.45,
            hatch="///",
            edgecolor="white",
            label=ends[1],
        )
        for place, (below, above) in enumerate(zip(server, client, strict=True)):
            panel.annotate(
                number_text(below + above),
                (place, below + above),
                ha="center",
                va="bottom",
                fontsize=8,
            )
        panel.margins(y=0.15)
        panel.set_title(f"{case.pattern}, {case.transport}", fontsize=10)
        panel.set_ylabel(f"CPU {MICROSECONDS}")
        panel.tick_params(axis="x", labelsize=8)
        panel.legend(fontsize=7, title="full / hatched", title_fontsize=7)

    def more(self, found: Found) -> Figure | None:
        """Bars for what differs in more than size: parts, pinning, many a call."""
        main = set(main_cases(found))
        cases = [
            case
            for case in found
            if case not in main
            and case.pattern in (STREAM, ROUND_TRIP)
            and case.api in (CALLS, MANY)
            and case.peers_in_turn == 1
            and not case.is_hard
        ]
        return self.bars(found, cases, "Parts, pinning, and many messages a call")

    def fan_out(self, found: Found) -> Figure | None:
        cases = [case for case in found if case.pattern == FAN_OUT]
        return self.bars(found, cases, "Fan-out: messages published a second")

    def awaited(self, found: Found) -> Figure | None:
        cases = [case for case in found if case.api in LOOPS]
        return self.bars(found, cases, "Coroutines")

    def memory(self, found: Found) -> Figure | None:
        cases = [case for case in found if case.pattern in (IDLE, CONNECTING, ROUTED)]
        return self.bars(found, cases, "Many connections")

    def hardships(self, found: Found) -> Figure | None:
        """Bars of latency for what might make it fall off a cliff."""
        cases = [case for case in found if case.is_hard or case.pattern == ROUTED]
        cases = [case for case in cases if not case.pause_us]
        return self.bars(found, cases, "99th percentile of latency", "p99 us")

    def percentiles(self, found: Found) -> Figure | None:
        """Bars of the middle and of the 99th percentile, one panel a case."""
        cases = [
            case
            for case in found
            if case.pattern == ROUND_TRIP and case.size == 64 and case.is_basic
        ]
        title = "Round trips of 64 B: median (full) and 99th percentile (light)"
        return self.bars(found, cases, title, "p50 us", "p99 us")

    def bars(
        self,
        found: Found,
        cases: list[Case],
        title: str,
        key: str = "",
        light: str = "",
    ) -> Figure | None:
        """Draw a panel a case: a bar a peer, of the value or what ``key`` names."""
        cases = [case for case in cases if any_has(found[case], key)]
        if not cases:
            return None
        figure = self.figure(title, 9.5, 1.2 + 1.25 * len(cases))
        panels = figure.subplots(len(cases), 1, squeeze=False)[:, 0]
        for panel, case in zip(panels, cases, strict=True):
            peers = {n: p for n, p in found[case].items() if any_has({n: p}, key)}
            colours = [self.styles[name][0] for name in peers]
            middle, errors = lengths(peers, key)
            if light:
                panel.barh(
                    list(peers), lengths(peers, light)[0], color=colours, alpha=0.35
                )
            panel.barh(list(peers), middle, xerr=errors, color=colours, capsize=2)
            panel.invert_yaxis()
            unit = (MICROSECONDS if key else case.unit).replace("us", MICROSECONDS)
            panel.set_title(f"{case.title} [{unit}]", fontsize=9, loc="left")
            panel.tick_params(labelsize=8)
            panel.xaxis.set_major_formatter(FuncFormatter(lambda v, _: short(v)))
        return figure

    def pauses(self, found: Found) -> Figure | None:
        """Latency against how long the sender pauses between its messages."""
        cases = sorted((c for c in found if c.pause_us), key=lambda c: c.pause_us)
        if not cases:
            return None
        title = "A sender that pauses: latency of a message (full: median)"
        figure = self.figure(title, 8.5, 4.6)
        panel = figure.subplots()
        for peer in peers_in(found, cases):
            theirs = [case for case in cases if peer in found[case]]
            colour, marker = self.styles[peer]
            for key, line in (("p50 us", "-"), ("p99 us", ":")):
                y = [found[case][peer].get("more", {}).get(key) for case in theirs]
                x = [case.pause_us for case in theirs]
                panel.plot(x, y, line, color=colour, marker=marker, markersize=4)
        log_axes(panel, [case.pause_us for case in cases], lambda us: f"{us:g}")
        panel.set_xlabel(f"{MICROSECONDS} between messages")
        panel.set_ylabel(f"{MICROSECONDS}; dotted: 99th percentile")
        self.legend(figure, peers_in(found, cases))
        return figure

    def figure(self, title: str, width: float, height: float) -> Figure:
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.suptitle(title, fontsize=12)
        figure.supxlabel(self.caption, fontsize=6.5, color="#555555")
        return figure


def main_cases(found: Found) -> list[Case]:
    """Return the cases that differ only in pattern, transport and size.

    Of several ways to pin, the one with the most cases is taken.
    """
    plain = [case for case in found if case.is_basic]
    if not plain:
        return []
    counts = {cores: sum(case.cores == cores for case in plain) for cores in CORES}
    most = max(counts, key=lambda cores: counts[cores])
    return [case for case in plain if case.cores == most]


def any_has(peers: dict[str, Numbers], key: str) -> bool:
    return not key or any(key in numbers.get("more", {}) for numbers in peers.values())


def lengths(
    peers: dict[str, Numbers], key: str
) -> tuple[list[float], list[list[float]] | None]:
    """Return how long the bars are, and how far the extremes lie from that."""
    if key:
        return [numbers["more"][key] for numbers in peers.values()], None
    points = [numbers["summary"] for numbers in peers.values()]
    below = [point["median"] - point["lowest"] for point in points]
    above = [point["highest"] - point["median"] for point in points]
    return [point["median"] for point in points], [below, above]


def peers_in(found: Found, cases: list[Case]) -> list[str]:
    return list(dict.fromkeys(peer for case in cases for peer in found[case]))


def scaled(numbers: Numbers, scale: Callable[[float], float]) -> dict[str, float]:
    names = ("median", "lowest", "highest")
    return {name: scale(numbers["summary"][name]) for name in names}


def log_axes(panel: Axes, x: list[int], text: Callable[[int], str]) -> None:
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.xaxis.set_major_locator(FixedLocator(x))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(round(value))))
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    panel.tick_params(axis="x", labelsize=8, rotation=30)
    panel.tick_params(axis="y", labelsize=8)
    panel.grid(True, color="#e5e5e5")
    panel.set_axisbelow(True)


def short(value: float) -> str:
    for factor, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:g} {sign}"
    return f"{value:g}"
