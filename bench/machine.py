"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

SYNCS = 200
BYTES = 8192


def machine(binaries: Path) -> dict[str, str | float]:
    return {
        "cpu": first_of("/proc/cpuinfo", "model name"),
        "cpus": os.cpu_count() or 0,
        "memory": first_of("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node": said("node", "--version"),
        "ostro": said(str(binaries / "ostro"), "--version"),
        "commit": said("git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"),
        "fdatasync_ms": fdatasync_ms(),
        "load_at_start": os.getloadavg()[0],
    }


def fdatasync_ms() -> float:
    """The median of writing 8 KiB into a file that has the room already, and syncing it: the floor of a commit."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(BYTES * SYNCS))
        file.flush()
        os.fsync(file.fileno())
        took = []
        for index in range(SYNCS):
            began = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(BYTES), index * BYTES)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)


def first_of(path: str, field: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
