#!/usr/bin/env python3
"""Runs the tests that the official SDK ships in its source packages, on Ostro.

    python3 tests/official-tests/run.py --ostro target/debug/ostro             all tests of the SDK and of its Mistral plugin
    python3 tests/official-tests/run.py --ostro target/debug/ostro --quick     the files in quick.txt
    python3 tests/official-tests/run.py --ostro ... --package DIRECTORY        the same tests against the package `ostro` in there
    python3 tests/official-tests/run.py --test-server BINARY --dev-server BINARY         on other servers, to compare

Exit code: 0 when every test that does not pass is listed in the kept baseline, or when the packages cannot be brought
(then it says NOT RUN and why); 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "conformance"))

import baseline
import suites
from environment import Error, prepare
from pythons import go_on_in_newer_python
from trial import Trial


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--ostro", metavar="BINARY", help="stands for both servers below")
    add("--test-server", metavar="BINARY", help="what start_time_skipping runs")
    add("--dev-server", metavar="BINARY", help="what start_local runs")
    add("--quick", action="store_true", help="only the files in quick.txt")
    add("--package", type=Path, metavar="DIRECTORY", help="test the package `ostro` that lies in there, under the original's name")
    add("--tests", nargs="+", default=[], metavar="SUITE:FILE", help="some files or tests, as core:tests/test_task.py")
    add("--jobs", type=int, default=1, help="processes at once")
    add("--patience", type=float, default=8.0, metavar="N", help="N times 15 s for each test")
    add("--record", action="store_true", help="write what was found as the new baseline")
    arguments = parser.parse_args()
    arguments.test_server = arguments.test_server or arguments.ostro
    arguments.dev_server = arguments.dev_server or arguments.ostro
    if not arguments.test_server or not arguments.dev_server:
        parser.error("name the servers: --ostro BINARY, or --test-server and --dev-server")
    return arguments


def main() -> int:
    arguments = parse_arguments()
    try:
        python = prepare(HERE.with_name("requirements-ostro.txt" if arguments.package else "requirements.txt"))
        found = suites.prepare(python)
    except Error as error:
        print(f"official tests: NOT RUN: {error}")
        return 0
    return Trial(arguments, python).judge(found, baseline.of(arguments.package is not None))


if __name__ == "__main__":
    go_on_in_newer_python(HERE)
    sys.exit(main())
