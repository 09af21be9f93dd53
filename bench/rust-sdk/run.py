#!/usr/bin/env python3
"""The Rust SDK beside plain `temporalio-sdk`, on all engines side by side in one run.

    python3 bench/rust-sdk/run.py --worker target/release/ostro-sdk-bench --ostro-binary target/release/ostro [--temporal PATH]

Each measurement is a process of its own, on a server of its own that starts empty; the engines alternate, and their order rotates
from round to round. Prints a table of medians (and of ranges); with `--json` each row of each round as a line, with the server's CPU
beside it. The real server runs as it comes and with its poll limits raised: see bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from servers import OSTRO, Kind

#: The figures of a row, in the order of the table: name in the JSON -> heading.
FIGURES = {
    "wall_us": "wall us",
    "p50_us": "p50 us",
    "cpu_us": "worker CPU us",
    "server_cpu_us": "server CPU us",
    "per_second": "per second",
}
#: As the binary is asked for them.
ROWS = {
    "regular": "regular activity",
    "local": "local activity",
    "empty": "empty workflow",
    "workflows": "workflow of one activity",
}
SDKS = {"ostro": "ostro", "temporalio": "temporalio-sdk"}


@dataclass(frozen=True)
class Case:
    """One SDK on one engine."""

    sdk: str
    engine: str
    #: Nothing where the engine is in the worker's process.
    server: Kind | None


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--worker", type=Path, default=Path("target/release/ostro-sdk-bench"))
    add("--ostro-binary", type=Path, default=Path("target/release/ostro"))
    add("--temporal", type=Path, help="the temporal CLI: without it only Ostro is measured")
    add("--rounds", type=int, default=3)
    add("--scale", type=float, default=1.0, help="multiplies the operations of each row")
    add("--json", action="store_true", help="every row of every round as a line of JSON")
    return parser.parse_args()


def cases_of(arguments: argparse.Namespace) -> list[Case]:
    ostro = Kind(OSTRO, arguments.ostro_binary.resolve())
    cases = [Case("ostro", "embedded", None), Case("ostro", "ostro server", ostro), Case("temporalio", "ostro server", ostro)]
    if arguments.temporal:
        for name in ("Temporal, file", "Temporal, file, raised", "Temporal, memory, raised"):
            kind = Kind(name, arguments.temporal.resolve())
            cases += [Case("temporalio", name, kind)]
            cases += [Case("ostro", name, kind)] if "raised" in name else []
    return cases


def operations(case: Case, row: str, scale: float) -> list[str]:
    """Fewer where each takes tens of milliseconds."""
    counts = {"regular": 1000, "local": 10_000, "empty": 300, "workflows": 6000}
    if case.server and case.server.name != OSTRO:
        raised = "raised" in case.server.name
        counts = {
            "regular": 300 if raised else 60,
            "local": 10_000,
            "empty": 100 if raised else 30,
            "workflows": 1000 if raised else 300,
        }
    return [f"--{row}", str(max(1, round(counts[row] * scale)))]


def measure(case: Case, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as folder:
        if case.server is None:
            return [worker(case, row, "embedded", arguments, Path(folder)) for row in ROWS]
        server, address = case.server.start(Path(folder))
        try:
            rows = []
            for row in ROWS:
                before = server.cpu_seconds()
                found = worker(case, row, address, arguments, Path(folder))
                found["server_cpu_us"] = round((server.cpu_seconds() - before) * 1e6 / found["count"], 1)
                rows.append(found)
            return rows
        finally:
            server.stop()


def worker(case: Case, row: str, address: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    command = [str(arguments.worker), "--json", "--sdk", case.sdk, "--address", address, "--engine", case.engine]
    command += ["--directory", str(folder), "--rows", row, *operations(case, row, arguments.scale)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def table(rows: list[dict[str, Any]], cases: list[Case]) -> None:
    found: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for figure in FIGURES:
            if row.get(figure) is not None:
                found[row["row"], row["sdk"], row["engine"]][figure].append(row[figure])
    for name in ROWS.values():
        print(f"\n### {name}\n\n| SDK | engine | {' | '.join(FIGURES.values())} |\n|---|---|{'--:|' * len(FIGURES)}")
        for case in cases:
            figures = found[name, SDKS[case.sdk], case.engine]
            print(f"| {SDKS[case.sdk]} | {case.engine} | {' | '.join(cell(figures.get(figure, [])) for figure in FIGURES)} |")
    commits = [row["disk_commit_us"] for row in rows if row.get("disk_commit_us")]
    print(f"\nAn appended page and `fdatasync` on this disk: {statistics.median(commits):.0f} us (median).")


def cell(values: list[float]) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return f"{values[0]:,.0f}"
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def main() -> None:
    arguments = parse_arguments()
    cases = cases_of(arguments)
    rows = []
    for round_number in range(arguments.rounds):
        for case in cases[round_number % len(cases) :] + cases[: round_number % len(cases)]:
            for row in measure(case, arguments):
                rows.append({**row, "round": round_number + 1})
                if arguments.json:
                    print(json.dumps(rows[-1]), flush=True)
    if not arguments.json:
        table(rows, cases)


if __name__ == "__main__":
    main()
