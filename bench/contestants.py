"""Who is measured. A contestant measures its rows of a round, and tells what it could not measure."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from costs import Process
from rows import Figures

HERE = Path(__file__).resolve().parent

#: Longest that one program may take.
PROGRAM_SECONDS_MAX = 240


class Seen:
    """What one contestant saw in one round: figures by row, and the rows that failed."""

    def __init__(self) -> None:
        self.figures: dict[str, Figures] = {}
        self.errors: dict[str, str] = {}
        #: What others did that could be measured only together with it, by their names.
        self.also: dict[str, Seen] = {}

    @contextmanager
    def row(self, name: str) -> Iterator[Figures]:
        """Collects the figures of a row; an error is noted and goes no further."""
        figures: Figures = {}
        try:
            yield figures
            self.figures[name] = figures
        except Exception as error:
            self.fail(name, error)

    def fail(self, name: str, error: BaseException) -> None:
        words = " ".join(str(error).split()) or type(error).__name__
        # Where this checkout lies is nobody's business.
        words = words.replace(str(HERE.parent), ".")
        self.errors[name] = words[:500]
        traceback.print_exception(error, limit=3)


class Contestant(ABC):
    #: Its name in the tables.
    name: str
    #: The rows that it can measure.
    rows: list[str]
    #: Rounds that it takes part in at most.
    rounds_max: int = 99

    @abstractmethod
    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        """Measures these of its rows. What it cannot start at all, it raises."""


@contextmanager
def directory() -> Iterator[Path]:
    """A directory for a round's data, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="ostro-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def run_program(command: list[str], cwd: Path | None = None, seconds_max: float = PROGRAM_SECONDS_MAX) -> list[dict[str, Any]]:
    """Runs a program that prints lines of JSON."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds_max, check=False, cwd=cwd)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


class Timed:
    """Wall time, and the CPU time of processes meanwhile."""

    def __init__(self, server: Process | None = None, worker: Process | None = None) -> None:
        self._processes = server, worker
        self._before = self._cpu()
        self._began = time.perf_counter()

    def figures(self, operations: int) -> Figures:
        seconds = time.perf_counter() - self._began
        spent = [after - before for after, before in zip(self._cpu(), self._before, strict=True)]
        found = {"ms": 1e3 * seconds / operations, "per_second": operations / seconds, "count": operations}
        for name, process, cpu in zip(("server", "worker"), self._processes, spent, strict=True):
            if process:
                found[f"{name}_cpu_us"] = 1e6 * cpu / operations
        if self._processes[0]:
            found["server_share"] = 100 * spent[0] / seconds / 2
        return found

    def _cpu(self) -> list[float]:
        return [process.cpu_seconds() if process else 0.0 for process in self._processes]
