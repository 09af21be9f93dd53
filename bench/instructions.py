#!/usr/bin/env python3
"""Counts the instructions of a regular activity through frontend, engine and store, and compares them with the number kept here.

    python3 bench/instructions.py --driver target/debug/ostro-load [--keep] [--top 30]

Time cannot guard the hot path on a busy machine; instructions can. valgrind runs the load driver with the engine within its process, once
with few and once with more activities: the difference is what one of them costs, start and end left out. Exits with 1 where that is beyond
the tolerance, above or below: below, `--keep` writes the better number. A number holds for the compiler that it was counted with: with
another one the count is shown and not judged.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "instructions.json"

FEW, MANY = 50, 250
#: Two runs of the same program differ by some thousandths: threads meet differently. Another processor or C library has other copies of
#: memory, which are a tenth of it all.
TOLERANCE = 0.08


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--driver", type=Path, required=True, help="ostro-load; the kept number is of the profile that its folder names"
    )
    parser.add_argument("--keep", action="store_true", help="write what was counted as the number to keep")
    parser.add_argument("--top", type=int, default=0, help="show so many of the most expensive functions")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        print("NOT RUN: the count of instructions needs valgrind (on Debian: apt-get install valgrind)")
        return 0
    with tempfile.TemporaryDirectory(prefix="ostro-instructions-") as directory:
        few, many = (count(arguments.driver, Path(directory), number) for number in (FEW, MANY))
        each = (many - few) // (MANY - FEW)
        if arguments.top:
            show(Path(directory) / f"{MANY}.out", arguments.top)
    return judge(arguments.driver.resolve().parent.name, each, arguments.keep)


def count(driver: Path, directory: Path, activities: int) -> int:
    """Instructions of the whole process while it works through so many activities."""
    output, data = directory / f"{activities}.out", directory / f"data-{activities}"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", str(driver), "--data", str(data)]
    done = subprocess.run([*command, "activities", "--activities", str(activities)], capture_output=True, text=True, check=False)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"the driver failed under valgrind:\n{done.stderr[-2000:]}")
    return int(found[1])


def show(output: Path, top: int) -> None:
    command = ["callgrind_annotate", "--inclusive=no", "--threshold=95", str(output)]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    own = [line for line in lines if re.match(r"\s*[\d,]+ \(", line)]
    print("\n".join(line[:180] for line in own[:top]))


def compiler() -> str:
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def judge(profile: str, each: int, keep: bool) -> int:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    counted = f"{each:,} instructions per regular activity ({profile}, Rust {compiler()})"
    if keep:
        kept[profile] = {"instructions": each, "rust": compiler()}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"kept: {counted}")
        return 0
    if profile not in kept:
        print(f"{counted}; no number is kept for that profile: --keep writes it")
        return 1
    known = kept[profile]
    if known["rust"] != compiler():
        print(f"NOT COMPARED: {counted}; the number kept is of Rust {known['rust']}")
        return 0
    change = each / known["instructions"] - 1
    print(f"{counted}, {change:+.1%} beside the {known['instructions']:,} that are kept")
    if abs(change) <= TOLERANCE:
        return 0
    if change > 0:
        print("That is dearer than it was. --top 40 shows where they go; if it is worth it, --keep and say why in the commit.")
    else:
        print("That is cheaper: write the number down with --keep.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
