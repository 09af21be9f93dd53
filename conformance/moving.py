#!/usr/bin/env python3
"""Moves running workflows from one server to another by their exported histories, and lets the official SDK judge.

    python3 conformance/moving.py --from 127.0.0.1:7250 --to 127.0.0.1:7251 --ostro target/debug/ostro

`--from` is any Temporal server, `--to` an Ostro one. Workflows are begun there, exported with `ostro workflow export`, ended
there, imported here, and finished here by a worker of temporalio. Then the histories of this server are exported and replayed
by temporalio's Replayer. Exit code 1 when anything is not as it must be.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent))

import environment

if __name__ == "__main__":
    environment.run_in(HERE.parent / "requirements.txt", HERE.parent / "moving" / "main.py")
