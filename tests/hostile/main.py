"""Runs the attacks, or those whose names pytest's `-k` selects, against a binary."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
#: All of them together, on a machine with two processors.
SECONDS_MAX = 180.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ostro", default=str(HERE.parents[1] / "target/debug/ostro"), help="the binary to attack")
    parser.add_argument("--kept", action="store_true", help="keep the data and logs of the servers, and say where")
    known, more = parser.parse_known_args()
    os.environ["OSTRO_BINARY"] = str(Path(known.ostro).resolve())
    if known.kept:
        os.environ["HOSTILE_KEPT"] = "1"
    began = time.monotonic()
    code = pytest.main(["-q", "--timeout", "60", "-p", "no:cacheprovider", "--durations", "5", "-n", "3", *more, str(HERE)])
    took = time.monotonic() - began
    if code == 0 and took > SECONDS_MAX:
        print(f"the attacks took {took:.0f} s; {SECONDS_MAX:.0f} s are what `make test` has for them", file=sys.stderr)
        return 1
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
