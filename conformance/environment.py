"""Virtual environments for the programs here that need packages, made once in .cache/python.

python3 conformance/environment.py REQUIREMENTS...     prints the path of a Python that has them
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

CACHE = Path(__file__).resolve().parents[1] / ".cache"


class Error(Exception):
    """What could not be made or brought, and what the caller can do about it."""


def prepare(*requirements: Path) -> Path:
    """The Python of an environment with what these files list; made when there is none."""
    constraints = [path for path in map(_constraints, requirements) if path.exists()]
    listed = "\n".join(path.read_text() for path in [*requirements, *constraints])
    digest = hashlib.sha256(f"{sys.version}\n{listed}".encode()).hexdigest()[:12]
    directory = CACHE / "python" / digest
    python = directory / "bin" / "python"
    complete = directory / "complete"
    if complete.exists():
        return python

    print(f"making a Python environment in {os.path.relpath(directory)} (once)", file=sys.stderr, flush=True)
    try:
        venv.create(directory, clear=True, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise Error(f"cannot make a virtual environment: {error}; on Debian install python3-venv") from error
    command = [str(python), "-m", "pip", "install", "--quiet"]
    for path in requirements:
        command += ["--requirement", str(path)]
    for path in constraints:
        command += ["--constraint", str(path)]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        raise Error("pip could not install what is needed (its own words are above)")
    complete.touch()
    return python


def _constraints(requirements: Path) -> Path:
    """The exact versions that go with a list of requirements, where there is such a list."""
    return requirements.with_name(requirements.name.replace("requirements", "constraints"))


def run_in(requirements: Path, program: Path) -> NoReturn:
    """Goes on as `program`, with the same arguments, in an environment that has `requirements`."""
    try:
        python = prepare(requirements)
    except Error as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    os.execv(python, [str(python), str(program), *sys.argv[1:]])


if __name__ == "__main__":
    try:
        print(prepare(*map(Path, sys.argv[1:])))
    except Error as error:
        print(error, file=sys.stderr)
        sys.exit(2)
