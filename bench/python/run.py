#!/usr/bin/env python3
"""CPU and wall of Python workers: the package `ostro` beside `temporalio`, on the same engines, in one run. Prints JSON, and the
factors between the two.

    python3 bench/python/run.py --python .venv/bin/python --ostro-binary target/release/ostro [--temporal PATH] [--rounds 3]

`--python` has `ostro` and `temporalio`. Each measurement is a process of its own; `_cpu` is a worker's process, client included,
`_total_cpu` that and the server's. For `ostro` with the engine in the process both have the engine in them. `temporalio` runs with its
sandbox, as it does by itself, and without. The real server runs with its default and with its queue limit raised: its default makes
50 ms of every dispatch.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: Packages, with the options of their workers.
WORKERS = ["ostro", "temporalio", "temporalio unsandboxed"]
RAISED = ["--dynamic-config-value", "history.transferProcessorMaxPollRPS=100000"]
RAISED += ["--dynamic-config-value", "history.timerProcessorMaxPollRPS=100000"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def serve(command: list[str], port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(1)
                return process
        time.sleep(0.1)
    sys.exit(f"{command[0]} does not listen")


def measure(python: str, worker: str, address: str, numbers: dict[str, int], server: str = "") -> dict[str, Any]:
    package, *options = worker.split(" ")
    command = [python, str(HERE / f"{package}_worker.py"), address, json.dumps(numbers), *options]
    environment = {**os.environ, "BENCH_SERVER": server}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    lines = done.stdout.splitlines()
    # Threads of `temporalio` now and then crash when the interpreter ends: the numbers are out by then.
    if not lines or (done.returncode and not lines[-1].startswith("{")):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures


def measure_on(python: str, worker: str, command: list[str] | None, numbers: dict[str, int]) -> dict[str, Any]:
    """On a server of its own, or without one."""
    with tempfile.TemporaryDirectory() as folder:
        if command is None:
            return measure(python, worker, f"{folder}/engine.db", numbers)
        port = free_port()
        server = serve([part.replace("PORT", str(port)) for part in command], port)
        try:
            return measure(python, worker, f"127.0.0.1:{port}", numbers, str(server.pid))
        finally:
            server.kill()
            server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--python", default=sys.executable)
    add("--ostro-binary")
    add("--temporal")
    add("--rounds", type=int, default=3)
    add("--local", type=int, default=1000, help="local activities of a round")
    add("--regular", type=int, default=100, help="regular activities of a round")
    add("--workflows", type=int, default=100, help="workflows of a round")
    arguments = parser.parse_args()
    numbers = {"local": arguments.local, "regular": arguments.regular, "workflows": arguments.workflows}
    cases: list[tuple[str, str, list[str] | None]] = [("ostro", "in process", None)]
    if arguments.ostro_binary:
        command = [arguments.ostro_binary, "dev", "--ephemeral", "--http-listen", "127.0.0.1:0", "--listen", "127.0.0.1:PORT"]
        cases += [(worker, "ostro server", command) for worker in WORKERS]
    if arguments.temporal:
        command = [arguments.temporal, "server", "start-dev", "--headless", "--log-level", "error", "--port", "PORT"]
        for name, more in (("temporal server", list[str]()), ("temporal server, raised", RAISED)):
            cases += [(worker, name, [*command, *more]) for worker in WORKERS]
    found: list[list[dict[str, float]]] = [[] for _ in cases]
    # Round by round over all cases: what else the machine does meets each of them alike.
    for _ in range(arguments.rounds):
        for results, (worker, engine, server) in zip(found, cases):
            results.append(measure_on(arguments.python, worker, server, numbers))
            print(json.dumps({"worker": worker, "engine": engine, **results[-1]}), file=sys.stderr)
    rows = []
    for results, (worker, engine, _command) in zip(found, cases):
        row = {key: round(statistics.median(one[key] for one in results), 1) for key in results[0]}
        rows.append({"worker": worker, "engine": engine, **row})
    report = {
        "numbers": numbers,
        "rounds": arguments.rounds,
        "unit": "microseconds each, median",
        "rows": rows,
        "factors": factors(rows),
    }
    print(json.dumps(report, indent=1))


def factors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many times the CPU of `ostro` with the engine in the process each `temporalio` takes."""
    mine = rows[0]
    kinds = [key for key in mine if key.endswith("_cpu")]
    return [
        {"worker": row["worker"], "engine": row["engine"], **{key: round(row[key] / mine[key], 1) for key in kinds if mine[key]}}
        for row in rows
        if row["worker"].startswith("temporalio")
    ]


if __name__ == "__main__":
    main()
