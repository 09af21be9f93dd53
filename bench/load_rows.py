"""A server under load from a driver of plain protocol that costs little (`bench/load`), and with a million executions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contestants import PROGRAM_SECONDS_MAX, Contestant, Seen, directory, run_program
from costs import Process, free_address, mib_on_disk, wait_until_listening
from rows import Figures
from servers import Kind

#: Activities of one workflow that make its history 50 000 events long, at six events each.
LONG = 8300
#: How many of its first and of its last ones are compared.
ENDS = 500

MILLION = 1_000_000
MILLION_SECONDS_MAX = 900

#: Lists over the closed executions, the median of each taken; the row is the slowest.
LISTS = [
    "WorkflowType = 'Type3' AND ExecutionStatus = 'Completed'",
    "ExecutionStatus = 'Running' AND WorkflowType = 'Type7' ORDER BY StartTime",
    "Customer = 'customer-7' AND ExecutionStatus = 'Completed' ORDER BY StartTime DESC",
    "ExecutionStatus = 'Completed' ORDER BY CloseTime DESC",
    "CloseTime > '2020-01-01T00:00:00Z' AND WorkflowType = 'Type11'",
    "WorkflowId = 'Closed-4711'",
    "",
]
COUNTS = ["ExecutionStatus = 'Running'", "WorkflowType = 'Type3'", "Customer = 'customer-7'"]


@dataclass
class Load(Contestant):
    kind: Kind
    driver: Path

    def __post_init__(self) -> None:
        self.name = f"{self.kind.name}: plain protocol"
        self.rows = ["regular", "server-cpu", "long-history"]

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        with directory() as place:
            server, address = self.kind.start(place)
            try:
                for row in rows:
                    with seen.row(row) as figures:
                        figures |= self._one(row, scale, server, address, place)
            finally:
                server.stop()

    def _one(self, row: str, scale: float, server: Process, address: str, place: Path) -> Figures:
        server.check_alive()
        arguments = {
            "regular": ["--activities", str(max(20, round(2000 * scale)))],
            "server-cpu": ["--in-flight", "16", "--workflows", "16", "--activities", str(max(20, round(1000 * scale)))],
            "long-history": ["--activities", str(max(50, round(LONG * scale)))],
        }[row]
        if row == "long-history":
            arguments += ["--ends", str(max(10, round(ENDS * scale)))]
        line = drive(self.driver, server, address, "activities", *arguments)
        figures = common(line)
        if row == "long-history":
            figures["first_us"] = line["first"]["server_cpu_us"]
            figures["last_us"] = line["last"]["server_cpu_us"]
            figures["ratio"] = figures["last_us"] / max(1.0, figures["first_us"])
        return figures | {"disk_mib": mib_on_disk(place)}


@dataclass
class Million(Contestant):
    """A million closed executions and a million open ones in one file; a round is enough."""

    kind: Kind
    driver: Path
    rounds_max: int = 1

    def __post_init__(self) -> None:
        self.name = f"{self.kind.name}: plain protocol"
        self.rows = ["million-closed", "million-open", "million-list", "million-count", "million-restart"]

    def measure(self, rows: list[str], scale: float, seen: Seen) -> None:
        count = max(100, round(MILLION * scale))
        with directory() as place:
            server, address, _ = self._start(place)
            try:
                for row in ("million-closed", "million-open"):
                    with seen.row(row) as figures:
                        what = row.removeprefix("million-")
                        line = drive(
                            self.driver,
                            server,
                            address,
                            "fill",
                            "--kind",
                            what,
                            "--count",
                            str(count),
                            seconds_max=MILLION_SECONDS_MAX,
                        )
                        figures |= common(line)
                        figures |= {"rss_mib": server.rss_mib(), "disk_mib": mib_on_disk(place)}
                        # The peak is of all since the start of the process.
                with seen.row("million-list") as figures:
                    figures |= self._slowest(server, address, "list", LISTS)
                with seen.row("million-count") as figures:
                    figures |= self._slowest(server, address, "count", COUNTS)
            finally:
                server.kill()
            with seen.row("million-restart") as figures:
                server, address, figures["start_ms"] = self._start(place)
                try:
                    time.sleep(2)
                    figures |= {"rss_mib": server.rss_mib(), "rss_mib_max": server.rss_mib_max()}
                finally:
                    server.stop()

    def _start(self, place: Path) -> tuple[Process, str, float]:
        """The server, its address, and how long it took until it answered a call."""
        address = free_address()
        command = [str(self.kind.binary), "serve", "--data", str(place / "data"), "--listen", address]
        command += ["--http-listen", "127.0.0.1:0", "--search-attribute", "Customer=Keyword"]
        began = time.monotonic()
        server = Process(command, place / "server.log")
        wait_until_listening(address, server)
        drive(self.driver, server, address, "count", "--query", "WorkflowId = 'none'", "--times", "1")
        return server, address, 1000 * (time.monotonic() - began)

    def _slowest(self, server: Process, address: str, what: str, queries: list[str]) -> Figures:
        found = {}
        for query in queries:
            line = drive(self.driver, server, address, what, "--query", query, "--times", "30")
            found[query] = line
            print(f"  {line['median_ms']:.2f} ms, worst {line['worst_ms']:.2f}: {what} {query}", flush=True)
        slowest = max(found.values(), key=lambda line: line["median_ms"])
        return {"median_ms": slowest["median_ms"], "worst_ms": slowest["worst_ms"], "queries": len(queries)}


def drive(driver: Path, server: Process, address: str, *arguments: str, seconds_max: float = PROGRAM_SECONDS_MAX) -> dict[str, Any]:
    command = [str(driver), "--address", address, "--server-pid", str(server.pid), *arguments]
    return run_program(command, seconds_max=seconds_max)[-1]


def common(line: dict[str, Any]) -> Figures:
    return {
        "ms": line["wall_us"] / 1e3,
        "per_second": 1e6 / line["wall_us"],
        "count": line["count"],
        "server_cpu_us": line["server_cpu_us"],
        "worker_cpu_us": line["driver_cpu_us"],
        "rss_mib_max": line["server_rss_mib_max"],
    }
