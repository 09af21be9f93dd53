"""What is measured: the rows of the table, in its order, with the aim of each."""

from __future__ import annotations

from dataclasses import dataclass

#: One round's figures of one contestant in one row: name -> value.
Figures = dict[str, float]

#: Figures by their names, with the words for people.
WORDS = {
    "ms": "ms each",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "per_second": "per second",
    "server_cpu_us": "server CPU µs",
    "worker_cpu_us": "worker CPU µs",
    "server_share": "server's share of 2 CPUs, %",
    "start_ms": "until it answers, ms",
    "rss_mib": "memory, MiB",
    "rss_mib_max": "peak memory, MiB",
    "disk_mib": "on disk, MiB",
    "cpu_ms_per_s": "CPU ms per second",
    "worst_ms": "worst ms",
    "median_ms": "median ms",
    "first_us": "server CPU µs at event 50",
    "last_us": "server CPU µs at the end",
    "ratio": "end / begin",
    "fdatasync_ms": "two fdatasync, ms",
    "seconds": "seconds",
    "count": "operations",
}


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    #: What one operation is.
    operation: str
    #: The figure that the chart and the first look go to.
    figure: str = "ms"
    aim: str = ""


ROWS = [
    Row(
        "regular",
        "Regular activities, one after the other",
        "activity",
        aim="Rust SDK embedded: p50 ≤ 1 ms; temporalio: ≥ 10 × less than Temporal's default; server CPU ≤ 150 µs",
    ),
    Row("local", "Local activities, one after the other", "activity", aim="CPU: Python SDK ≤ 100 µs, Rust SDK ≤ 60 µs"),
    Row("workflows-1", "Workflows of one activity, 1 at a time", "workflow"),
    Row("workflows-16", "Workflows of one activity, 16 at a time", "workflow", "per_second"),
    Row(
        "workflows-256",
        "Workflows of one activity, 256 at a time",
        "workflow",
        "per_second",
        aim="temporalio: ≥ 10 × Temporal's default; server ≤ 15 % of the CPU; Rust SDK embedded: ≥ 3 000 per second",
    ),
    Row("empty", "Workflows without activities, one after the other", "workflow"),
    Row("fan-out", "1 000 activities at once", "activity"),
    Row("timers", "10 000 timers of a second", "timer"),
    Row("signals", "Signals to one workflow", "signal"),
    Row(
        "server-cpu",
        "Regular activities of 16 workflows, by a worker that costs little",
        "activity",
        "server_cpu_us",
        aim="server CPU ≤ 150 µs",
    ),
    Row("long-history", "A history of 50 000 events", "activity", "ratio", aim="cost at event 50 000 ÷ at event 50 ≤ 1.5"),
    Row("start", "Start on an empty directory", "start", "start_ms"),
    Row("idle", "Idle", "second", "rss_mib", aim="≤ 40 MiB"),
    Row("million-closed", "1 000 000 closed executions made", "workflow", "per_second"),
    Row("million-open", "1 000 000 open executions, each with a timer", "workflow", "rss_mib_max", aim="≤ 300 MiB"),
    Row("million-restart", "Restart with all of these in the file", "start", "start_ms", aim="≤ 10 s"),
    Row("million-list", "A page of 100 of them, filtered and ordered", "page", "median_ms", aim="≤ 20 ms"),
    Row("million-count", "A count over them", "count", "median_ms"),
]
BY_NAME = {row.name: row for row in ROWS}
