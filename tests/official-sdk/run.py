#!/usr/bin/env python3
"""The official packages against Ostro: see main.py and README.md. Brings what it needs, but for Python 3.12 itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "conformance"))

from environment import run_in

# The official packages want one of these.
PYTHONS = ["python3.12", "python3.13", "python3.14"]


def newer_python() -> str | None:
    """The first that runs: what is found on PATH may be a shim for one that is not switched on."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[234]*/bin/python"))
    return next(filter(runs, [*filter(None, map(shutil.which, PYTHONS)), *map(str, pyenv)]), None)


def runs(python: str) -> bool:
    probe = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)
    return probe.returncode == 0


if __name__ == "__main__":
    if sys.version_info < (3, 12):
        python = newer_python()
        if python is None:
            print("NOT RUN: the official packages need Python 3.12 to 3.14, and none is installed")
            sys.exit(0)
        os.execv(python, [python, str(HERE), *sys.argv[1:]])
    run_in(HERE.with_name("requirements.txt"), HERE.with_name("main.py"))
