"""Bars as SVG, from the results."""

from __future__ import annotations

import math
import statistics
from html import escape
from pathlib import Path

from results import Results

WIDTH, LABELS, BAR, GAP, TOP, RIGHT = 860, 330, 18, 7, 46, 90

#: File, row, figure, title.
CHARTS = [
    ("regular.svg", "regular", "ms", "Milliseconds for a regular activity, one after the other (less is better)"),
    ("workflows.svg", "workflows-256", "per_second", "Workflows of one activity per second, 256 at a time (more is better)"),
    (
        "server-cpu.svg",
        "workflows-16",
        "server_cpu_us",
        "Server CPU for a workflow of one activity, 16 at a time, µs (less is better)",
    ),
]


def draw(results: Results, directory: Path) -> list[tuple[str, str]]:
    """Writes the charts that have at least two bars; returns their names and titles."""
    drawn = []
    for name, row, figure, title in CHARTS:
        bars = bars_of(results, row, figure)
        if len(bars) > 1:
            (directory / name).write_text(svg(title, bars))
            drawn.append((name, title))
    return drawn


def bars_of(results: Results, row: str, figure: str) -> list[tuple[str, float, float, float]]:
    """Contestant, median, least and most; the best first."""
    bars = []
    for who, rounds in results.seen.get(row, {}).items():
        values = [round_[figure] for round_ in rounds if round_.get(figure, 0) > 0]
        if values:
            bars.append((who, statistics.median(values), min(values), max(values)))
    return sorted(bars, key=lambda bar: bar[1], reverse=figure == "per_second")


def svg(title: str, bars: list[tuple[str, float, float, float]]) -> str:
    """Horizontal bars on a logarithmic axis, each with its range as a line."""
    low = math.floor(math.log10(min(bar[2] for bar in bars)))
    high = math.ceil(math.log10(max(bar[3] for bar in bars)) + 1e-9)
    high = max(high, low + 1)
    span = WIDTH - LABELS - RIGHT

    def x(value: float) -> float:
        return LABELS + span * (math.log10(value) - low) / (high - low)

    height = TOP + len(bars) * (BAR + GAP) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" font-weight="bold" fill="#222222">{escape(title)}</text>',
    ]
    bottom = TOP + len(bars) * (BAR + GAP)
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts.append(f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{bottom}" stroke="#dddddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle" fill="#666666">{10.0**power:g}</text>')
    for index, (who, middle, least, most) in enumerate(bars):
        y = TOP + index * (BAR + GAP)
        colour = "#1b7f79" if who.startswith("Ostro") else "#b9bec4"
        center = y + BAR / 2
        parts.append(f'<text x="{LABELS - 8}" y="{center + 4:.1f}" text-anchor="end" fill="#222222">{escape(who)}</text>')
        parts.append(f'<rect x="{LABELS}" y="{y}" width="{max(1.0, x(middle) - LABELS):.1f}" height="{BAR}" fill="{colour}"/>')
        parts.append(
            f'<line x1="{x(least):.1f}" y1="{center:.1f}" x2="{x(most):.1f}" y2="{center:.1f}" stroke="#333333" stroke-width="1.5"/>'
        )
        parts.append(f'<text x="{x(most) + 6:.1f}" y="{center + 4:.1f}" fill="#222222">{middle:.3g}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
