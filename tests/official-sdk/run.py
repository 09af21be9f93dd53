#!/usr/bin/env python3
"""The official packages against Ostro: see main.py and README.md. Brings what it needs, but for Python 3.12 itself."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "conformance"))

from environment import run_in
from pythons import go_on_in_newer_python

if __name__ == "__main__":
    go_on_in_newer_python(HERE)
    run_in(HERE.with_name("requirements.txt"), HERE.with_name("main.py"))
