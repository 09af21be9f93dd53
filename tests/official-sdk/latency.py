"""How long an activity takes to the official worker: 50 in sequence, from the execution's start to its end, on Ostro and on the
real Temporal server, as it comes and with the limits raised by which it paces itself. One worker for each, all at once, in turns."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from checks import execute
from lab import Lab

ACTIVITIES = 50
ROUNDS = 7
# The same as in bench/servers.py.
RAISED = ["history.transferProcessorMaxPollRPS=2000", "history.timerProcessorMaxPollRPS=2000"]
#: Name, settings of a Temporal server, and whether that keeps its data in a file.
KINDS = [
    ("Ostro", None, False),
    ("Temporal, as it comes", [], False),
    ("Temporal, raised", RAISED, False),
    ("Temporal, with a file", [], True),
    ("Temporal, raised, with a file", RAISED, True),
]
TICKS_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass
class Engine:
    name: str
    lab: Lab
    client: object
    took_ms: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    cpu_ms: dict[tuple[bool, str], list[float]] = field(default_factory=dict)

    def once(self, local: bool) -> None:
        before = {name: cpu_ms(process.pid) for name, process in self.lab.processes.running.items()}
        # Waited for in one call: polling would take the worker's time on a small machine.
        done = execute(self.client, "sequence", {"count": ACTIVITIES, "local": local}, wait_for_result=True)
        execution = self.client.workflows.executions.get_workflow_execution(execution_id=done.execution_id)
        self.took_ms[local].append(execution.total_duration_ms / ACTIVITIES)
        for name, process in self.lab.processes.running.items():
            spent = (cpu_ms(process.pid) - before[name]) / ACTIVITIES
            self.cpu_ms.setdefault((local, name), []).append(spent)

    def median(self, local: bool) -> float:
        return statistics.median(self.took_ms[local])

    def cpu(self, local: bool, *names: str) -> float:
        return sum(statistics.median(self.cpu_ms[local, name]) for name in names if (local, name) in self.cpu_ms)


def cpu_ms(pid: int) -> float:
    """What a process has used of a processor, in milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICKS_MS


def measure(ostro: Path, directory: Path) -> None:
    engines = []
    try:
        for name, flags, keeps in KINDS:
            place = directory / name.replace(", ", "-").replace(" ", "-")
            place.mkdir()
            lab = Lab(ostro, place, over_temporal=flags is not None, otel=False)
            lab.dynamic_config = flags
            lab.temporal_keeps = keeps
            engines.append(Engine(name, lab, None))
            lab.start_server()
            lab.start_worker()
            lab.wait_for_worker()
            engines[-1].client = lab.client()
        for engine in engines:
            for local in (False, True):
                engine.once(local)
            engine.took_ms, engine.cpu_ms = {False: [], True: []}, {}
        for _ in range(ROUNDS):
            for engine in engines:
                for local in (False, True):
                    engine.once(local)
        report(engines)
    finally:
        for engine in engines:
            engine.lab.stop()


def report(engines: list[Engine]) -> None:
    print(
        f"ms for each of {ACTIVITIES} activities in sequence, median of {ROUNDS} executions: all, the worker's own CPU, the rest "
        "(servers and waiting); CPU of the servers; how many times Ostro's, all and rest"
    )
    own = engines[0]
    for local in (False, True):
        for engine in engines:
            took, worker = engine.median(local), engine.cpu(local, "worker")
            rest, own_rest = took - worker, own.median(local) - own.cpu(local, "worker")
            factors = "" if engine is own else f"   {took / own.median(local):.2f} {rest / max(own_rest, 0.1):.2f}"
            kind = "local" if local else "regular"
            servers = engine.cpu(local, "ostro", "temporal")
            print(f"{kind:8} {engine.name:29} {took:6.1f} {worker:6.1f} {rest:6.1f} {servers:6.1f}{factors}")
