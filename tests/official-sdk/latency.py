"""How long an activity takes to the official worker: 50 in sequence, from the execution's start to its end, on Ostro and on the
real Temporal server, as it comes and with the limits raised by which it paces itself; there the Workflows API is Ostro's, and once more
a stub that only answers. One worker for each, in turns: while one is measured the others are held still, so that a small machine shows
what one of them takes and not what all do.

The real server lets some tens of tasks pass at once after a pause and then keeps to its pace, so the first execution after a pause and
the one right after it are told apart."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from checks import execute
from lab import HERE, Lab, wait_for
from temporalio.client import Client, WorkflowHistoryEventFilterType

ACTIVITIES = 50
ROUNDS = 5
# The same as in bench/servers.py.
RAISED = ["history.transferProcessorMaxPollRPS=2000", "history.timerProcessorMaxPollRPS=2000"]
CLOSE_EVENT = WorkflowHistoryEventFilterType.CLOSE_EVENT
#: Executions of a turn, and whether their activities are local.
TURN = {"regular, first": False, "regular, next": False, "local": True}
# For what fell due while it was held.
SETTLING_SECONDS = 1.0
TICKS_MS = 1000 / os.sysconf("SC_CLK_TCK")


class ApiLab(Lab):
    """Ostro's API, over Ostro or over a Temporal server with `flags`."""

    def __init__(self, ostro: Path, directory: Path, flags: list[str] | None, keeps: bool) -> None:
        super().__init__(ostro, directory, over_temporal=flags is not None, otel=False)
        self.dynamic_config, self.temporal_keeps = flags, keeps

    def sequence(self, local: bool) -> float:
        """Runs one execution: milliseconds from its start to its end, as the engine says."""
        client = self.client()
        # Waited for in one call: polling would take the worker's time on a small machine.
        done = execute(client, "sequence", {"count": ACTIVITIES, "local": local}, wait_for_result=True)
        return float(client.workflows.executions.get_workflow_execution(execution_id=done.execution_id).total_duration_ms)


class StubLab(ApiLab):
    """A Temporal server, and a stub in place of the API."""

    def start_server(self) -> None:
        self.start_temporal()
        self.processes.start("stub", [sys.executable, str(HERE / "stub_api.py"), str(self.http), f"127.0.0.1:{self.grpc}"])

    def wait_for_worker(self, deployment: str = "lab") -> None:
        wait_for("a worker", self.queue, 180)

    def queue(self) -> str | None:
        try:
            queue: str | None = httpx.get(f"{self.url}/queue").json().get("queue")
            return queue
        except httpx.TransportError:
            return None

    def sequence(self, local: bool) -> float:
        return asyncio.run(self._sequence(local))

    async def _sequence(self, local: bool) -> float:
        client = await Client.connect(f"127.0.0.1:{self.grpc}")
        given = {"count": ACTIVITIES, "local": local}
        handle = await client.start_workflow("sequence", given, id=str(uuid.uuid4()), task_queue=self.queue() or "")
        # Not its result, which the worker encodes in a way of its own.
        async for _ in handle.fetch_history_events(wait_new_event=True, event_filter_type=CLOSE_EVENT):
            pass
        described = await handle.describe()
        assert described.close_time is not None
        return (described.close_time - described.start_time).total_seconds() * 1000


#: Name, kind, settings of a Temporal server, and whether that keeps its data in a file.
KINDS = [
    ("Ostro", ApiLab, None, False),
    ("Temporal, as it comes", ApiLab, [], False),
    ("Temporal, raised", ApiLab, RAISED, False),
    ("Temporal, with a file", ApiLab, [], True),
    ("Temporal, raised, with a file", ApiLab, RAISED, True),
    ("Temporal, as it comes, stub API", StubLab, [], False),
]


@dataclass
class Engine:
    name: str
    lab: ApiLab
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def send(self, number: signal.Signals) -> None:
        for process in self.lab.processes.running.values():
            process.send_signal(number)

    def turn(self) -> None:
        """One execution of each kind; nothing runs before or after."""
        self.send(signal.SIGCONT)
        time.sleep(SETTLING_SECONDS)
        for kind, local in TURN.items():
            self.once(kind, local)
        self.send(signal.SIGSTOP)

    def once(self, kind: str, local: bool) -> None:
        before = {name: cpu_ms(process.pid) for name, process in self.lab.processes.running.items()}
        self.took_ms.setdefault(kind, []).append(self.lab.sequence(local) / ACTIVITIES)
        for name, process in self.lab.processes.running.items():
            spent = (cpu_ms(process.pid) - before[name]) / ACTIVITIES
            self.cpu_ms.setdefault((kind, name), []).append(spent)

    def median(self, kind: str) -> float:
        return statistics.median(self.took_ms[kind])

    def cpu(self, kind: str, *names: str) -> float:
        return sum(statistics.median(self.cpu_ms[kind, name]) for name in names if (kind, name) in self.cpu_ms)


def cpu_ms(pid: int) -> float:
    """What a process has used of a processor, in milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICKS_MS


def measure(ostro: Path, directory: Path) -> None:
    engines = []
    try:
        for name, kind, flags, keeps in KINDS:
            place = directory / name.replace(", ", "-").replace(" ", "-")
            place.mkdir()
            lab = kind(ostro, place, flags, keeps)
            engines.append(Engine(name, lab))
            lab.start_server()
            lab.start_worker()
            lab.wait_for_worker()
            engines[-1].turn()
            engines[-1].took_ms, engines[-1].cpu_ms = {}, {}
        for _ in range(ROUNDS):
            for engine in engines:
                engine.turn()
        report(engines)
    finally:
        for engine in engines:
            engine.send(signal.SIGCONT)
            engine.lab.stop()


def report(engines: list[Engine]) -> None:
    print(
        f"ms for each of {ACTIVITIES} activities in sequence, median of {ROUNDS} executions: all, the worker's own CPU, the rest "
        "(servers and waiting); CPU of the servers; how many times Ostro's, all and rest"
    )
    own = engines[0]
    for kind in TURN:
        for engine in engines:
            took, worker = engine.median(kind), engine.cpu(kind, "worker")
            rest, own_rest = took - worker, own.median(kind) - own.cpu(kind, "worker")
            factors = "" if engine is own else f"   {took / own.median(kind):.2f} {rest / max(own_rest, 0.1):.2f}"
            servers = engine.cpu(kind, "ostro", "temporal", "stub")
            print(f"{kind:14} {engine.name:31} {took:6.1f} {worker:6.1f} {rest:6.1f} {servers:6.1f}{factors}")
