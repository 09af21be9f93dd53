"""Runs the console's tests, or those whose names pytest's `-k` selects, against a binary."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def main() -> int:
    """The exit code of pytest; 2 where there is no Chromium."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ostro", default=str(HERE.parents[1] / "target/debug/ostro"), help="the binary whose console is opened")
    parser.add_argument("--screenshots", help="where pictures of all pages go; none are made without it")
    known, more = parser.parse_known_args()
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if browser is None:
        print("no Chromium: apt-get install chromium, or name one by CHROMIUM=/path", file=sys.stderr)
        return 2
    os.environ["CHROMIUM"] = browser
    os.environ["OSTRO_BINARY"] = str(Path(known.ostro).resolve())
    if known.screenshots:
        os.environ["CONSOLE_SCREENSHOTS"] = str(Path(known.screenshots).resolve())
    return int(pytest.main(["-q", "--timeout", "120", "-p", "no:cacheprovider", *more, str(HERE)]))


if __name__ == "__main__":
    sys.exit(main())
