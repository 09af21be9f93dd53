"""Measures the same work on Ostro, the real Temporal server, Restate and DBOS, side by side in one run.

    make bench                          all rows, about half an hour; writes bench/results/latest.json and docs/benchmarks.md
    make bench WORK=regular             only rows whose name contains this (bench/rows.py), printed and not written
    python3 bench/run.py --scale 0.05 --rounds 1 ...       a quick look

Contestants alternate: each round starts each of them fresh, in another order. What cannot be measured is said with its reason and stops
nothing else. See README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from brought import Brought
from contestants import Contestant, Seen
from load_rows import Load, Million
from machine import machine
from programs import Dbos, Mistral, PythonSdk, Restate, RustSdk
from report import print_table, write_page
from results import Results
from rows import ROWS
from servers import OSTRO, TEMPORAL_KINDS, Kind
from temporal_python import TemporalPython

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LATEST = HERE / "results" / "latest.json"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, default=ROOT / "target/release", help="has ostro, ostro-load, ostro-sdk-bench")
    parser.add_argument("--ostro-python", type=Path, help="a Python that has the package ostro; without it that is not measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=28, help="no round begins that would end later")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the operations of each row")
    parser.add_argument("--work", default="", help="only rows whose name contains this")
    parser.add_argument("--only", default="", help="only contestants whose name contains this")
    parser.add_argument(
        "--output", type=Path, default=None, help="the JSON file; by default bench/results/latest.json for a whole run"
    )
    parser.add_argument("--report", action="store_true", help="measures nothing: writes docs/benchmarks.md from the JSON")
    return parser.parse_args()


def contestants(arguments: argparse.Namespace, results: Results) -> list[Contestant]:
    binaries: Path = arguments.binaries.resolve()
    brought = Brought(results)
    ostro = Kind(OSTRO, binaries / "ostro")
    found: list[Contestant] = [TemporalPython(ostro), Load(ostro, binaries / "ostro-load")]
    sdk = binaries / "ostro-sdk-bench"
    found += [RustSdk(sdk, "ostro", None), RustSdk(sdk, "ostro", ostro), RustSdk(sdk, "temporalio", ostro)]
    if temporal := brought.temporal():
        kinds = [Kind(name, temporal) for name in TEMPORAL_KINDS]
        found += [TemporalPython(kind) for kind in kinds]
        found += [RustSdk(sdk, "temporalio", kinds[0], 0.05), RustSdk(sdk, "temporalio", kinds[1], 0.1)]
    if arguments.ostro_python:
        found += [PythonSdk(arguments.ostro_python, None), PythonSdk(arguments.ostro_python, ostro)]
    if restate := brought.restate():
        found.append(Restate(restate))
    if dbos := brought.dbos():
        found.append(Dbos(dbos))
    found.append(Mistral(binaries / "ostro"))
    found.append(Million(ostro, binaries / "ostro-load"))
    return found


class Run:
    """Rounds over contestants, as many as there is time for."""

    def __init__(self, arguments: argparse.Namespace, results: Results) -> None:
        self._arguments, self._results = arguments, results
        self._began = time.monotonic()
        self._took: dict[int, float] = {}

    def rounds(self, all_: list[Contestant]) -> None:
        for index in range(self._arguments.rounds):
            now = [one for one in all_ if index < one.rounds_max and self._rows(one)]
            # In another order each time, so that none always follows the same one.
            for one in now[index % len(now) :] + now[: index % len(now)] if now else []:
                self._one(index, one)

    def _rows(self, one: Contestant) -> list[str]:
        return [row.name for row in ROWS if row.name in one.rows and self._arguments.work in row.name]

    def _one(self, index: int, one: Contestant) -> None:
        spent = time.monotonic() - self._began
        left = 60 * self._arguments.minutes - spent
        if index > 0 and self._took.get(id(one), 0) > left:
            print(f"[{spent:5.0f} s] round {index + 1}: {one.name}: left out, there is no time for it", flush=True)
            return
        print(f"[{spent:5.0f} s] round {index + 1}: {one.name}", flush=True)
        seen, began = Seen(), time.monotonic()
        try:
            one.measure(self._rows(one), self._arguments.scale, seen)
        except Exception as error:
            for row in set(self._rows(one)) - seen.figures.keys() - seen.errors.keys():
                seen.fail(row, error)
        self._took[id(one)] = time.monotonic() - began
        for name, of in {one.name: seen, **seen.also}.items():
            self._results.add(name, of)
        # Kept after each, so that a run that is cut short has what it saw.
        self._results.write(self._output())

    def _output(self) -> Path:
        whole = not (self._arguments.work or self._arguments.only)
        return self._arguments.output or (LATEST if whole else LATEST.with_name("part.json"))

    def end(self) -> None:
        self._results.seconds = round(time.monotonic() - self._began)
        self._results.write(self._output())


def main() -> int:
    arguments = parse_arguments()
    output = arguments.output or LATEST
    if arguments.report:
        results = Results.read(output)
        print_table(results)
        write_page(results, ROOT / "docs")
        return 0
    results = Results(scale=arguments.scale, rounds=arguments.rounds, machine=machine(arguments.binaries))
    all_ = [one for one in contestants(arguments, results) if arguments.only in one.name]
    run = Run(arguments, results)
    run.rounds(all_)
    run.end()
    print_table(results)
    if not (arguments.work or arguments.only or arguments.output):
        write_page(results, ROOT / "docs")
    return 1 if results.has_errors() else 0


def leave(code: int) -> NoReturn:
    """Ends at once: temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
