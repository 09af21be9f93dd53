"""Brings what a run needs: an environment with the wheel, and the suite's sources.

Nothing of the suite is committed here. The sdist of temporalio on the package index holds no tests, so they come from
the project's git repository at the tag of the same version, or from any copy of it that the caller names.
"""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import environment

VERSION = "1.31.0"
REPOSITORY = "https://github.com/temporalio/sdk-python"
WANTED = ["tests", "scripts", "pyproject.toml"]

HERE = Path(__file__).resolve().parent
CACHE = environment.CACHE / "conformance"


def prepare_python(contrib: bool) -> Path:
    """The Python of a virtual environment that holds the wheel and what its tests import."""
    requirements = [HERE / "requirements.txt"]
    if contrib:
        requirements.append(HERE / "requirements-contrib.txt")
    return environment.prepare(*requirements)


def prepare_sources(source: str | None) -> Path:
    """The directory that holds `tests/` of the pinned version.

    `source` is a checkout, or a git repository by path or URL; without one, what an earlier run kept, else upstream.
    """
    directory = CACHE / f"suite-{VERSION}"
    if source and (Path(source) / "tests" / "conftest.py").is_file():
        return Path(source).resolve()
    if (directory / "tests" / "conftest.py").is_file():
        return directory

    repository = source or REPOSITORY
    print(f"conformance: fetching the suite, tag {VERSION} of {repository} (once)", flush=True)
    clone = CACHE / "suite.git"
    if not clone.exists():
        _git("clone", "--quiet", "--bare", "--depth", "1", "--branch", VERSION, _as_url(repository), str(clone))
    archive = CACHE / "suite.tar"
    _git("--git-dir", str(clone), "archive", "--output", str(archive), "HEAD", *WANTED)
    with tarfile.open(archive) as unpacked:
        unpacked.extractall(directory)
    archive.unlink()
    return directory


def _as_url(repository: str) -> str:
    """A local path as file://, without which git ignores --depth."""
    path = Path(repository)
    return path.resolve().as_uri() if path.exists() else repository


def _git(*arguments: str) -> None:
    try:
        result = subprocess.run(["git", *arguments], stderr=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError as error:
        raise environment.Error("git is not installed; install it, or pass --suite with a checkout") from error
    if result.returncode != 0:
        raise environment.Error(
            f"git {arguments[0]} failed: {result.stderr.strip()}\n"
            f"Pass --suite (or set CONFORMANCE_SUITE) with a clone of {REPOSITORY} that has the tag {VERSION}."
        )
