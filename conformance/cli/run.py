#!/usr/bin/env python3
"""Runs every command of the `temporal` command line on two servers: see main.py. Brings what it needs."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from environment import run_in

if __name__ == "__main__":
    run_in(HERE.parents[1] / "requirements.txt", HERE.with_name("main.py"))
