"""Tables of how the house is built: cycles, public items, largest classes, texts as arguments, lengths, tests.

    python3 tests/house/measure.py [CRATE ...]

Without names, all crates of the workspace that have at least 1 000 lines. Tests are measured by their lines only.
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter

import graph
import rust

LINES_MIN = 1000
CLASSES = 8
ROW = "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |"


def row(crate: rust.Crate) -> str:
    """A crate in one line."""
    modules = crate.modules()
    groups = graph.cycles(modules)
    functions = [function for file in crate.sources for function in file.functions()]
    lengths = sorted(function.lines for function in functions) or [0]
    largest = max(crate.sources, key=lambda file: file.lines - file.test_lines)
    public = sum(len(rust.PUBLIC.findall(file.code)) for file in crate.sources)
    lines = sum(file.lines for file in crate.files)
    tests = sum(file.test_lines for file in crate.files)
    return ROW.format(
        crate.name,
        lines,
        f"{100 * tests / lines:.0f} %",
        len(modules),
        " + ".join(str(len(group)) for group in groups) or "none",
        len(graph.cuts(modules)),
        public,
        f"{statistics.median(lengths):.0f} / {lengths[int(len(lengths) * 0.9)]} / {lengths[-1]}",
        f"{sum(1 for length in lengths if length > 40)} of {len(functions)}",
        f"{sum(1 for function in functions if function.strings >= 2)}; {largest.lines} ({largest.path.relative_to(crate.root)})",
    )


def classes(crates: list[rust.Crate]) -> list[str]:
    """The types with most methods, and over how many files these are spread."""
    methods: Counter[tuple[str, str]] = Counter()
    files: Counter[tuple[str, str]] = Counter()
    for crate in crates:
        for file in crate.sources:
            of_file = Counter[str]()
            for name, count in file.methods():
                of_file[name] += count
            for name, count in of_file.items():
                methods[crate.name, name] += count
                files[crate.name, name] += 1
    most = methods.most_common(CLASSES)
    return [f"| {crate}::{name} | {count} | {files[crate, name]} |" for (crate, name), count in most]


def rooms(crates: list[rust.Crate]) -> list[str]:
    """The folders with most source files side by side."""
    folders = Counter((crate.name, str(file.path.parent.relative_to(crate.root))) for crate in crates for file in crate.sources)
    return [f"| {crate}/{folder} | {count} |" for (crate, folder), count in folders.most_common(CLASSES)]


def main() -> None:
    """Prints the tables."""
    wanted = sys.argv[1:]
    crates = [
        crate
        for crate in rust.crates()
        if crate.name in wanted or (not wanted and sum(file.lines for file in crate.files) >= LINES_MIN)
    ]
    titles = (
        "crate",
        "lines",
        "tests",
        "modules",
        "in cycles",
        "to cut",
        "`pub` items",
        "function: median / p90 / longest",
        "over 40 lines",
    )
    print(ROW.format(*titles, "two texts or more; longest file"))
    print("|---" + "|--:" * 9 + "|")
    print("\n".join(row(crate) for crate in crates))
    print("\n| type | methods | files |\n|---|--:|--:|")
    print("\n".join(classes(crates)))
    print("\n| folder | files side by side |\n|---|--:|")
    print("\n".join(rooms(crates)))


if __name__ == "__main__":
    main()
