# SPDX-License-Identifier: Apache-2.0
"""Plots are pictures with something on them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench import cases

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.timeout(120)

ALL = {
    "throughput.png",
    "bandwidth.png",
    "round-trip.png",
    "cpu.png",
    "peers-in-turn.png",
    "more.png",
    "percentiles.png",
    "fan-out.png",
    "asyncio.png",
    "memory.png",
    "pauses.png",
    "hardships.png",
}


def everything() -> dict:
    values = [90.0, 100.0, 120.0]
    return {case: {"fastmq": values, "other": values} for case in cases.matrix()}


def test_plots(bench, make_report, tmp_path) -> None:
    from matplotlib import image

    file = tmp_path / "report.json"
    file.write_text(json.dumps(make_report(everything())))
    done = bench("plot", file, "--out", tmp_path / "plots")
    assert (done.returncode, done.stderr) == (0, "")
    drawn = {path.name: path for path in (tmp_path / "plots").iterdir()}
    assert set(drawn) == ALL
    for name, path in drawn.items():
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"), name
        pixels = image.imread(path)
        assert pixels.shape[0] > 300, name
        assert pixels.shape[1] > 500, name
        colours = {tuple(pixel) for row in pixels[::3, ::3] for pixel in row.tolist()}
        # White, black, and the peers' colours.
        assert len(colours) > 4, name


def test_only_what_there_is(make_report, tmp_path) -> None:
    from bench import plots

    case = cases.Case("reqrep", "ipc", 1024)
    report = make_report({case: {"fastmq": [1.0]}})
    assert [path.name for path in plots.draw(report, tmp_path)] == ["round-trip.png"]
    drawn = plots.draw(report, tmp_path, "svg")
    assert [path.name for path in drawn] == ["round-trip.svg"]
    first = drawn[0].read_bytes()
    assert b"1 KiB" in first
    assert plots.draw(report, tmp_path, "svg")[0].read_bytes() == first
    several = {replace(case, parts=2): {"fastmq": [1.0]}}
    drawn = plots.draw(make_report(several), tmp_path)
    assert [path.name for path in drawn] == ["more.png"]


def test_nothing_to_draw(bench, make_report, tmp_path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(make_report({})))
    done = bench("plot", file, "--out", tmp_path)
    assert done.returncode == 2
    assert "nothing to draw" in done.stderr
