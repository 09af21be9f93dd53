#!/usr/bin/env python3
"""Runs every part of the tests, one after the other, and ends with a table: what passed, failed and did not run, and why.

    python3 tests/all/run.py lint unit demo

Each part is a target of the Makefile. One that fails does not keep the others from running. What a part leaves out it says in a line that
begins with `NOT RUN: `, perhaps after its own name; the table repeats it. Exits with 1 where a part failed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = re.compile(r"^(?:[\w -]+: )?NOT (?:RUN|COMPARED): (?P<reason>.+)$")
#: How the programs say how many they ran: cargo-nextest, cargo test, pytest, and our own.
COUNT = re.compile(
    r"(?:Summary \[.*\] (?P<nextest>\d+ tests run: .*)"
    r"|(?P<pytest>\d+ (?:passed|failed)\b.*?) in [\d.]+s.*"
    r"|.*?(?P<own>\d+ of \d+ \w+ passed|nothing lost|[+-][\d.]+% beside the [\d,]+))"
)


@dataclass
class Part:
    name: str
    failed: bool = False
    seconds: float = 0.0
    counted: str = ""
    left_out: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        if self.failed:
            return "FAILED"
        return "NOT RUN" if self.left_out and not self.counted else "passed"

    @property
    def remarks(self) -> str:
        return "; ".join([*([self.counted] if self.counted else []), *(f"NOT RUN: {reason}" for reason in self.left_out)])


def main() -> int:
    parts = [run(name) for name in sys.argv[1:]]
    print("\n" + table(parts), flush=True)
    return 1 if any(part.failed for part in parts) else 0


def run(name: str) -> Part:
    print(f"\n== {name}", flush=True)
    part, begun = Part(name), time.monotonic()
    command = ["make", "--no-print-directory", name]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            note(part, line.strip())
    part.failed, part.seconds = process.returncode != 0, time.monotonic() - begun
    return part


def note(part: Part, line: str) -> None:
    if left_out := LEFT_OUT.match(line):
        part.left_out.append(left_out["reason"])
    elif count := COUNT.fullmatch(line):
        part.counted = next(group for group in count.groups() if group)


def table(parts: list[Part]) -> str:
    rows = [(part.name, part.outcome, f"{part.seconds:.0f} s", part.remarks) for part in parts]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip() for row in rows)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
