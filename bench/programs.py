"""Contestants that are programs of their own, which print a line of JSON for each row."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from contestants import HERE, PROGRAM_SECONDS_MAX, Contestant, Seen, directory, run_program
from costs import Process, mib_on_disk
from rows import Figures
from servers import OSTRO, Kind

ROOT = HERE.parent


@dataclass
class RustSdk(Contestant):
    """`bench/rust-sdk`: the crate `ostro` or plain `temporalio-sdk`, on an engine within the process or on a server."""

    binary: Path
    sdk: str
    #: `None` for the engine within the process.
    kind: Kind | None
    scale: float = 1.0
    rows: list[str] = field(default_factory=lambda: ["regular", "local", "workflows-1", "workflows-16", "workflows-256", "empty"])

    def __post_init__(self) -> None:
        engine = self.kind.name if self.kind else "Ostro within the process"
        self.name = f"{engine}: {'ostro' if self.sdk == 'ostro' else 'temporalio-sdk'}, Rust"

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        with directory() as place:
            server, address = self.kind.start(place) if self.kind else (None, "embedded")
            try:
                if self.kind:
                    self.kind.wait_until_healthy(address)
                for row in rows:
                    with seen.row(row) as figures:
                        figures |= self._one(row, scale * self.scale, place, server, address)
            finally:
                if server:
                    server.stop()

    def _one(self, row: str, scale: float, place: Path, server: Process | None, address: str) -> Figures:
        counts = {"regular": 1000, "local": 10_000, "empty": 300}
        counts |= {"workflows-1": 200, "workflows-16": 2000, "workflows-256": 10_000}
        count = max(10, round(counts[row] * scale))
        name, _, in_flight = row.partition("-")
        command = [str(self.binary), "--json", "--address", address, "--sdk", self.sdk]
        command += ["--rows", name, f"--{name}", str(count), "--directory", str(place)]
        command += ["--in-flight", in_flight] if in_flight else []
        before = server.cpu_seconds() if server else 0.0
        line = run_program(command)[-1]
        figures = {"ms": line["wall_us"] / 1e3, "per_second": 1e6 / line["wall_us"], "count": line["count"]}
        figures["worker_cpu_us"] = line["cpu_us"]
        for key in ("p50_us", "p99_us", "disk_commit_us"):
            if line.get(key):
                figures[key.replace("_us", "_ms")] = line[key] / 1e3
        if "disk_commit_ms" in figures:
            figures["fdatasync_ms"] = 2 * figures.pop("disk_commit_ms")
        if server:
            # The warm-up of the program is in it: small beside what is counted.
            figures["server_cpu_us"] = 1e6 * (server.cpu_seconds() - before) / count
            figures["rss_mib_max"] = server.rss_mib_max()
        return figures


@dataclass
class PythonSdk(Contestant):
    """`bench/python`: the package `ostro`, on an engine within the process or on a server."""

    python: Path
    kind: Kind | None
    rows: list[str] = field(default_factory=lambda: ["regular", "local", "empty"])

    def __post_init__(self) -> None:
        self.name = f"{self.kind.name if self.kind else 'Ostro within the process'}: ostro, Python"

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        with directory() as place:
            server, address = self.kind.start(place) if self.kind else (None, str(place / "engine.db"))
            numbers = {"local": 2000, "regular": 300, "workflows": 200}
            numbers = {name: max(5, round(count * scale)) for name, count in numbers.items()}
            command = [str(self.python), str(HERE / "python" / "ostro_worker.py"), address, json.dumps(numbers)]
            try:
                line = run_program(command)[-1]
            finally:
                if server:
                    server.stop()
        names = {"regular": "regular", "local": "local", "empty": "workflow"}
        for row in rows:
            with seen.row(row) as figures:
                wall = line[f"{names[row]}_wall"]
                figures |= {"ms": wall / 1e3, "per_second": 1e6 / wall, "worker_cpu_us": line[f"{names[row]}_cpu"]}


@dataclass
class Mistral(Contestant):
    """The official `mistralai-workflows` worker on each engine; `tests/official-sdk` starts what it needs, all in one run."""

    binary: Path
    name: str = f"{OSTRO}: mistralai-workflows, Python"
    rows: list[str] = field(default_factory=lambda: ["regular", "local"])
    rounds_max: int = 1

    #: Its names of the engines, with ours.
    OTHERS: ClassVar[dict[str, str]] = {
        "Temporal, as it comes": "Temporal, memory, through Ostro's API: mistralai-workflows, Python",
        "Temporal, raised": "Temporal, memory, raised, through Ostro's API: mistralai-workflows, Python",
    }

    #: What it calls the rows: of regular activities the steady ones, as in the other rows.
    NAMES: ClassVar[dict[str, str]] = {"regular": "regular, next", "local": "local"}

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        command = [sys.executable, str(ROOT / "tests/official-sdk/run.py"), "--ostro", str(self.binary), "--latency"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PROGRAM_SECONDS_MAX, check=False)
        for engine in (OSTRO, *self.OTHERS):
            of = seen if engine == OSTRO else seen.also.setdefault(self.OTHERS[engine], Seen())
            for row in rows:
                with of.row(row) as figures:
                    found = re.search(
                        rf"^{self.NAMES[row]} +{engine} +([\d.]+) +([\d.]+) +[-\d.]+ +([\d.]+)", done.stdout, re.MULTILINE
                    )
                    if not found:
                        raise RuntimeError(f"no latency of {row} activities: {(done.stdout + done.stderr).strip()[-300:]}")
                    ms, worker, servers = map(float, found.groups())
                    figures |= {"ms": ms, "per_second": 1e3 / ms, "worker_cpu_us": 1e3 * worker, "server_cpu_us": 1e3 * servers}


@dataclass
class Dbos(Contestant):
    """DBOS on SQLite: steps of a workflow, each in the database before the next begins."""

    python: Path
    name: str = "DBOS, SQLite: dbos, Python"
    rows: list[str] = field(default_factory=lambda: ["regular", "workflows-1", "workflows-16", "workflows-256", "start"])

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        with directory() as place:
            lines = run_program([str(self.python), str(HERE / "dbos" / "steps.py"), str(place), str(scale)])
            disk = mib_on_disk(place)
        take(lines, rows, seen, disk_mib=disk)


@dataclass
class Restate(Contestant):
    """Restate with its TypeScript SDK: calls of another service, and steps that the server keeps."""

    #: Has `node_modules`, `worker.js` and `client.js`.
    place: Path
    name: str = "Restate: restate-sdk, TypeScript"
    rows: list[str] = field(
        default_factory=lambda: ["start", "idle", "regular", "local", "workflows-1", "workflows-16", "workflows-256", "fan-out"]
    )

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        from restate_server import RestateServer

        with directory() as data, RestateServer(self.place, data) as server:
            with seen.row("start") as figures:
                figures["start_ms"] = server.start_ms
            with seen.row("idle") as figures:
                figures |= server.idle()
            for row in rows:
                if row not in ("start", "idle"):
                    with seen.row(row) as figures:
                        figures |= server.work(row, scale)


def take(lines: list[dict[str, Any]], rows: list[str], seen: Seen, **more: float) -> None:
    """The figures of lines that name their row."""
    for row in rows:
        with seen.row(row) as figures:
            own = [line for line in lines if line["row"] == row]
            if not own:
                raise RuntimeError("the program printed no line for it")
            for name in own[0].keys() - {"row"}:
                figures[name] = statistics.median(line[name] for line in own)
            figures |= more
