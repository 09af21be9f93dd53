"""Measures the same work on the real Temporal server, as it comes and with its poll limits raised, and on Ostro.

    python3 bench/run.py --temporal PATH --ostro-binary target/release/ostro

The worker and the client are Temporal's Python SDK, so part of each figure is theirs: see the worker's CPU. Servers
alternate: each round starts each of them fresh, in another order.
Prints one table (median, and the range over the rounds) and writes bench/results/latest.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NoReturn

from servers import TEMPORAL_KINDS, Kind, Process, free_address, mib_on_disk, wait_until_listening
from temporalio.client import Client
from workloads import TASK_QUEUE, WORKLOADS, Workload, connect, wait_until_worked

HERE = Path(__file__).resolve().parent

#: A server settles for so long before its idling is measured for so long.
IDLE_SECONDS_BEFORE = 2.0
IDLE_SECONDS = 3.0

#: One round's figures of one server: metric name -> value.
Figures = dict[str, float]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temporal", default=temporal(), help="the temporal CLI; an empty text: not measured")
    parser.add_argument("--temporal-kinds", nargs="+", choices=TEMPORAL_KINDS, default=TEMPORAL_KINDS[:3])
    parser.add_argument("--ostro-binary", type=Path, default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the operations of each workload")
    parser.add_argument("--work", default="", help="only workloads whose name contains this")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "latest.json")
    return parser.parse_args()


def temporal() -> str | None:
    """The CLI that came with this environment, else the one on the path."""
    own = Path(sys.executable).with_name("temporal")
    return str(own) if own.exists() else shutil.which("temporal")


def kinds_of(arguments: argparse.Namespace) -> list[Kind]:
    kinds = []
    if arguments.temporal:
        temporal = Path(arguments.temporal).resolve()
        kinds += [Kind(name, temporal) for name in arguments.temporal_kinds]
    if arguments.ostro_binary:
        kinds.append(Kind("ostro", arguments.ostro_binary.resolve()))
    return kinds


async def measure(kind: Kind, workloads: list[Workload], scale: float) -> Figures:
    """One round of one server: started on an empty directory, measured, stopped."""
    directory = Path(tempfile.mkdtemp(prefix="ostro-bench-"))
    address = free_address()
    began = time.monotonic()
    server = Process(kind.command(address, directory), directory / "server.log")
    try:
        wait_until_listening(address, server)
        client = await connect(address)
        figures: Figures = {"start until it answers, ms": 1000 * (time.monotonic() - began)}
        figures |= await idle(server)
        worker = Process([sys.executable, str(HERE / "worker.py"), address, TASK_QUEUE], directory / "worker.log")
        try:
            await wait_until_worked(client)
            for workload in workloads:
                figures |= await measure_one(
                    client, workload, max(1, round(workload.operations * scale)), server, worker
                )
            figures["server, peak RSS, MiB"] = server.rss_mib_max()
            figures["worker, peak RSS, MiB"] = worker.rss_mib_max()
        finally:
            worker.stop()
    finally:
        server.stop()
    logs = sum((directory / name).stat().st_size for name in ("server.log", "worker.log"))
    figures["on disk at the end, MiB"] = mib_on_disk(directory) - logs / 2**20
    shutil.rmtree(directory)
    return figures


async def idle(server: Process) -> Figures:
    """What a server costs that nobody uses."""
    await asyncio.sleep(IDLE_SECONDS_BEFORE)
    before = server.cpu_seconds()
    await asyncio.sleep(IDLE_SECONDS)
    cpu = server.cpu_seconds() - before
    return {"idle, RSS, MiB": server.rss_mib(), "idle, CPU ms per second": 1000 * cpu / IDLE_SECONDS}


async def measure_one(client: Client, workload: Workload, operations: int, server: Process, worker: Process) -> Figures:
    before = server.cpu_seconds(), worker.cpu_seconds()
    began = time.perf_counter()
    seen = await workload.run(client, operations) or {}
    seconds = time.perf_counter() - began
    after = server.cpu_seconds(), worker.cpu_seconds()
    per = f"per {workload.operation}"
    figures = {
        f"{workload.name}: ms {per}": 1000 * seconds / operations,
        f"{workload.name}: server CPU ms {per}": 1000 * (after[0] - before[0]) / operations,
        f"{workload.name}: worker CPU ms {per}": 1000 * (after[1] - before[1]) / operations,
    }
    return figures | {f"{workload.name}: {name}": value for name, value in seen.items()}


def table(rounds: dict[str, list[Figures]]) -> str:
    names = list(rounds)
    metrics = list(next(iter(rounds.values()))[0])
    rows = [["", *names]]
    for metric in metrics:
        rows.append([metric, *(cell([figures[metric] for figures in rounds[name]]) for name in names)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def cell(values: list[float]) -> str:
    """Median and range."""
    return f"{number(statistics.median(values))} [{number(min(values))}-{number(max(values))}]"


def number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def write_results(path: Path, rounds: dict[str, list[Figures]], scale: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    results = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine(), "python": platform.python_version()},
        "scale": scale,
        "rounds": rounds,
    }
    path.write_text(json.dumps(results, indent=1) + "\n")


async def main() -> int:
    arguments = parse_arguments()
    kinds = kinds_of(arguments)
    workloads = [workload for workload in WORKLOADS if arguments.work in workload.name]
    if not arguments.work:
        workloads = [workload for workload in workloads if not workload.long]
    if not kinds or not workloads:
        print("nothing to measure: give --temporal or --ostro-binary", file=sys.stderr)
        return 2
    rounds: dict[str, list[Figures]] = defaultdict(list)
    for index in range(arguments.rounds):
        for kind in kinds[index % len(kinds) :] + kinds[: index % len(kinds)]:
            print(f"round {index + 1} of {arguments.rounds}: {kind.name}", file=sys.stderr, flush=True)
            rounds[kind.name].append(await measure(kind, workloads, arguments.scale))
    ordered = {kind.name: rounds[kind.name] for kind in kinds}
    print(table(ordered))
    write_results(arguments.output, ordered, arguments.scale)
    return 0


def leave(code: int) -> NoReturn:
    """Ends at once: temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(asyncio.run(main()))
