#!/usr/bin/env python3
"""Drives the RPCs of each page of Temporal's web UI on two servers: see main.py. Brings what it needs."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from environment import run_in

if __name__ == "__main__":
    run_in(HERE.parents[1] / "requirements.txt", HERE.with_name("main.py"))
