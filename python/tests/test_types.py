"""The package and a program that uses it, to a type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ostro

PROGRAM = Path(__file__).parent / "data" / "typed_program.py"


def test_a_strict_checker_finds_nothing(tmp_path: Path) -> None:
    package = Path(ostro.__file__).parent
    assert (package / "py.typed").exists()
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path)]
    # One run for both is not to be had: a package and a file exclude each other.
    for wanted in (["-p", "ostro"], [str(PROGRAM)]):
        done = subprocess.run([*command, *wanted], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
