#!/usr/bin/env python3
"""The console's tests: see README.md. Brings what it needs, but for Chromium."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "conformance"))

from environment import run_in

if __name__ == "__main__":
    run_in(HERE.with_name("requirements.txt"), HERE.with_name("main.py"))
