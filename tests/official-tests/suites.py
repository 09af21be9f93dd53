"""Brings the official packages' tests: out of their source packages, pinned by version and hash in sdists.txt.

Only the tests are unpacked. With the package's own source beside them Python would import that in place of what is installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from environment import CACHE, Error

HERE = Path(__file__).resolve().parent
LIST = HERE / "sdists.txt"
#: What is taken of a source package.
WANTED = ("tests", "pyproject.toml")
PACKAGES = ("mistralai-workflows", "mistralai-workflows-plugins-mistralai")
#: The short name of each suite by the start of its archive's name.
NAMES = {"mistralai_workflows-": "core", "mistralai_workflows_plugins_mistralai-": "plugin"}


@dataclass(frozen=True)
class Suite:
    """The tests of one source package: `root` has the folder `tests` and the settings of pytest."""

    name: str
    root: Path

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in (self.root / "tests").rglob("test_*.py"))


def prepare(python: Path) -> list[Suite]:
    """The suites, from what an earlier run kept or from the package index."""
    kept = CACHE / "official-tests" / hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]
    if not (kept / "complete").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        _download(python, kept)
        for archive in kept.glob("*.tar.gz"):
            _unpack(archive, kept / _name_of(archive))
        (kept / "complete").touch()
    return [Suite(name, kept / name) for name in NAMES.values()]


def _download(python: Path, kept: Path) -> None:
    print("official tests: fetching the source packages (once)", file=sys.stderr, flush=True)
    command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    # Not ":all:", which would have their build backend built from its source too.
    command += ["--no-binary", ",".join(PACKAGES), "--requirement", str(LIST), "--dest", str(kept)]
    fetched = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        lines = fetched.stderr.strip().splitlines() or ["no reason given"]
        raise Error(f"pip could not fetch what sdists.txt lists: {lines[-1]}")


def _name_of(archive: Path) -> str:
    return next(name for start, name in NAMES.items() if archive.name.startswith(start))


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            inner = Path(*Path(member.name).parts[1:])
            if inner.parts and inner.parts[0] in WANTED:
                packed.extract(member.replace(name=str(inner)), target, filter="data")
