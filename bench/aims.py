"""The aims, each as a figure of the results and a bound."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from results import Results
from servers import OSTRO, TEMPORAL_KINDS

EMBEDDED = "Ostro within the process"
PYTHON = f"{OSTRO}: temporalio, Python"
RUST = f"{EMBEDDED}: ostro, Rust"
OURS_PYTHON = f"{EMBEDDED}: ostro, Python"
LOAD = f"{OSTRO}: plain protocol"
REFERENCE = f"{TEMPORAL_KINDS[0]}: temporalio, Python"
RAISED = f"{TEMPORAL_KINDS[1]}: temporalio, Python"


def median(results: Results, row: str, contestant: str, figure: str) -> float:
    """Raises `KeyError` where it was not measured."""
    values = [round_[figure] for round_ in results.seen[row][contestant] if figure in round_]
    if not values:
        raise KeyError(figure)
    return statistics.median(values)


@dataclass(frozen=True)
class Aim:
    title: str
    figure: Callable[[Callable[[str, str, str], float]], float]
    unit: str
    limit: float
    at_least: bool = False

    def value(self, results: Results) -> float | None:
        try:
            return self.figure(lambda row, contestant, name: median(results, row, contestant, name))
        except (KeyError, ZeroDivisionError):
            return None

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def bound(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}".strip()


AIMS = [
    Aim("Regular activity, one after the other, Rust SDK embedded, durable: p50", lambda m: m("regular", RUST, "p50_ms"), "ms", 1),
    Aim(
        "the same ÷ two bare fdatasync of the same disk",
        lambda m: m("regular", RUST, "p50_ms") / m("regular", RUST, "fdatasync_ms"),
        "×",
        2.5,
    ),
    Aim(
        "The same by temporalio (Python): Temporal's default ÷ Ostro's server",
        lambda m: m("regular", REFERENCE, "ms") / m("regular", PYTHON, "ms"),
        "×",
        10,
        True,
    ),
    Aim(
        "... with Temporal's poll limits raised ÷ Ostro's server",
        lambda m: m("regular", RAISED, "ms") / m("regular", PYTHON, "ms"),
        "×",
        1,
        True,
    ),
    Aim("Local activity, Rust SDK embedded: CPU", lambda m: m("local", RUST, "worker_cpu_us"), "µs", 60),
    Aim("Local activity, Python SDK embedded: CPU", lambda m: m("local", OURS_PYTHON, "worker_cpu_us"), "µs", 100),
    Aim(
        "Workflows per second, temporalio (Python), 256 at a time: Ostro ÷ Temporal's default",
        lambda m: m("workflows-256", PYTHON, "per_second") / m("workflows-256", REFERENCE, "per_second"),
        "×",
        10,
        True,
    ),
    Aim("... the server's share of the CPU", lambda m: m("workflows-256", PYTHON, "server_share"), "%", 15),
    Aim("Workflows per second, Rust SDK embedded, 256 at a time", lambda m: m("workflows-256", RUST, "per_second"), "", 3000, True),
    Aim("Server CPU per regular activity, 16 workflows at a time", lambda m: m("server-cpu", LOAD, "server_cpu_us"), "µs", 150),
    Aim("Idle memory", lambda m: m("idle", PYTHON, "rss_mib"), "MiB", 40),
    Aim("Peak memory with 1 000 000 open workflows", lambda m: m("million-open", LOAD, "rss_mib_max"), "MiB", 300),
    Aim("Restart with them in the file", lambda m: m("million-restart", LOAD, "start_ms") / 1000, "s", 10),
    Aim("Cost per activity at event 50 000 ÷ at event 50", lambda m: m("long-history", LOAD, "ratio"), "×", 1.5),
    Aim(
        "A page of a filtered and ordered list over 1 000 000 closed: the slowest of several",
        lambda m: m("million-list", LOAD, "median_ms"),
        "ms",
        20,
    ),
]
