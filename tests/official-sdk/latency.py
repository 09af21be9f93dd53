"""How long an activity takes to the official worker: 50 in sequence, from the execution's start to its end."""

from __future__ import annotations

import statistics

from checks import execute
from lab import Lab

ACTIVITIES = 50
RUNS = 5


def measure(lab: Lab, client) -> None:
    for local in (False, True):
        took = {count: median_ms(client, count, local) for count in (0, ACTIVITIES)}
        gross = took[ACTIVITIES] / ACTIVITIES
        net = (took[ACTIVITIES] - took[0]) / ACTIVITIES
        kind = "local" if local else "regular"
        print(
            f"{kind}: {ACTIVITIES} activities {took[ACTIVITIES]:.0f} ms, none {took[0]:.0f} ms (median of {RUNS}); "
            f"{gross:.1f} ms each, {net:.1f} ms without the execution's own",
            flush=True,
        )


def median_ms(client, count: int, local: bool) -> float:
    def once() -> float:
        # Waited for in one call: polling would take the worker's time on a small machine.
        done = execute(client, "sequence", {"count": count, "local": local}, wait_for_result=True)
        return client.workflows.executions.get_workflow_execution(execution_id=done.execution_id).total_duration_ms

    once()
    return statistics.median(once() for _ in range(RUNS))
