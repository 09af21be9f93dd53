"""What people read of the results: a table on the terminal, docs/benchmarks.md, and its charts."""

from __future__ import annotations

import statistics
from pathlib import Path

import chart
from aims import AIMS
from results import Results
from rows import BY_NAME, ROWS, WORDS, Figures, Row

#: Figures that a table shows, in this order, where anybody has them.
SHOWN = [name for name in WORDS if name != "count"]


def print_table(results: Results) -> None:
    for row in ROWS:
        if row.name in results.seen or row.name in results.errors:
            print(f"\n{row.title}")
            print("\n".join(plain(table(results, row))))
    print("\nAims")
    print("\n".join(plain(aims(results))))
    for name, reason in results.absent.items():
        print(f"{name} was not measured: {reason}")


def write_page(results: Results, docs: Path) -> None:
    pictures = docs / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    charts = chart.draw(results, pictures)
    parts = [(Path(__file__).with_name("page.md").read_text().rstrip()), machine(results)]
    parts += ["## Aims", "\n".join(markdown(aims(results)))]
    parts += [f"![{title}](images/{name})" for name, title in charts]
    parts.append("## All rows\n\nMedian, and the range over the rounds.")
    for row in ROWS:
        if row.name in results.seen or row.name in results.errors:
            parts.append(f"### {row.title}")
            parts.append("\n".join(markdown(table(results, row))))
            parts += [f"Not measured: {who}: {why}" for who, why in results.errors.get(row.name, {}).items()]
    parts += [f"{name} was not measured: {reason}." for name, reason in results.absent.items()]
    (docs / "benchmarks.md").write_text("\n\n".join(parts) + "\n")


def machine(results: Results) -> str:
    it = results.machine
    return (
        f"Measured {results.date} in {results.seconds // 60} minutes, {results.rounds} rounds at most"
        f"{'' if results.scale == 1 else f', at {results.scale:g} of the usual size'}: {it['cpus']} CPUs ({it['cpu']}), {it['memory']} of memory, "
        f"Linux {it['kernel']}, Python {it['python']}, Node {it['node']}; `fdatasync` of 8 KiB on its disk takes "
        f"{it['fdatasync_ms']:.2f} ms; load at the start {it['load_at_start']:.1f}. {it['ostro']}, commit {it['commit']}. "
        "Every figure of every round is in [latest.json](../bench/results/latest.json)."
    )


def table(results: Results, row: Row) -> list[list[str]]:
    seen = results.seen.get(row.name, {})
    names = [name for name in SHOWN if any(name in round_ for rounds in seen.values() for round_ in rounds)]
    lines = [["", *([WORDS[name] for name in names] or [""])]]
    best_first = sorted(seen, key=lambda who: order(row, seen[who]))
    lines += [[who, *(cell(seen[who], name) for name in names)] for who in best_first]
    lines += [[who, "not measured"] + [""] * (len(names) - 1) for who in results.errors.get(row.name, {}) if who not in seen]
    return lines


def order(row: Row, rounds: list[Figures]) -> float:
    values = [round_[row.figure] for round_ in rounds if row.figure in round_]
    middle = statistics.median(values) if values else float("inf")
    return -middle if row.figure == "per_second" else middle


def aims(results: Results) -> list[list[str]]:
    lines = [["", "aim", "measured", ""]]
    for aim in AIMS:
        value = aim.value(results)
        if value is None:
            lines.append([aim.title, aim.bound(), "not measured", ""])
        else:
            lines.append(
                [aim.title, aim.bound(), f"{number(value)} {aim.unit}".strip(), "met" if aim.is_met(value) else "**short**"]
            )
    return lines


def cell(rounds: list[Figures], name: str) -> str:
    """Median and range."""
    values = [round_[name] for round_ in rounds if name in round_]
    if not values:
        return ""
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))} - {number(max(values))})"


def number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}".replace(",", " ")


def plain(lines: list[list[str]]) -> list[str]:
    widths = [max((len(line[column]) for line in lines if column < len(line)), default=0) for column in range(len(lines[0]))]
    return [
        "  ".join(
            [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=False))]
        ).rstrip()
        for line in lines
    ]


def markdown(lines: list[list[str]]) -> list[str]:
    head, *rest = lines
    return [
        "| " + " | ".join(head) + " |",
        "|---" + "|---:" * (len(head) - 1) + "|",
        *("| " + " | ".join(line) + " |" for line in rest),
    ]


def title(row: str) -> str:
    return BY_NAME[row].title
