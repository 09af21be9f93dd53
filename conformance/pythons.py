"""The Python that the official packages need, which may not be the one that runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

#: The official packages want one of these.
PYTHONS = ["python3.12", "python3.13", "python3.14"]


def go_on_in_newer_python(program: Path) -> None:
    """Replaces this process by the same program in Python 3.12 to 3.14. Says NOT RUN and exits with 0 where none is installed."""
    if sys.version_info >= (3, 12):
        return
    python = newer_python()
    if python is None:
        print("NOT RUN: the official packages need Python 3.12 to 3.14, and none is installed")
        sys.exit(0)
    os.execv(python, [python, str(program), *sys.argv[1:]])


def newer_python() -> str | None:
    """The first that runs: what is found on PATH may be a shim for one that is not switched on."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[234]*/bin/python"))
    return next(filter(_runs, [*filter(None, map(shutil.which, PYTHONS)), *map(str, pyenv)]), None)


def _runs(python: str) -> bool:
    probe = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)
    return probe.returncode == 0
