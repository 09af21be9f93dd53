"""Programs from a seed: what the workflow does, step by step, and what its clients do while it waits.

Steps come one after the other and clients speak only while the workflow is idle, so that each server has the same order of
events to write.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from temporalio.client import WorkflowHandle
from tracing import SCENARIOS, Scenario, Trace
from workflows import Scripted

PROGRAMS = 100
STEPS_MAX = 6
IDLE_SECONDS_MAX = 30

Step = list[Any]


def some_step(chance: random.Random, depth: int) -> Step:
    kinds = ["activity", "failing", "timer", "wait", "wait", "memo", "search", "patch", "local", "parallel"]
    match chance.choice(kinds + ["child", "failing child"] * (depth == 0)):
        case "child":
            return ["child", [some_step(chance, 1) for _ in range(chance.randint(1, 2))]]
        case "failing child":
            return ["child", [["end", "fail"]]]
        case "failing":
            return ["failing", chance.randint(1, 3)]
        case "parallel":
            return ["parallel", chance.randint(2, 4)]
        case kind:
            return [kind, chance.randint(0, 9)]


def without_waits(steps: list[Step]) -> list[Step]:
    """Nobody speaks to a child: it must not wait."""
    return [["timer", 1] if step[0] == "wait" else step for step in steps]


def program(seed: int) -> tuple[list[Step], list[list[str]], str]:
    """The workflow's steps, what clients say at each of its waits, and how they end it, if they do."""
    chance = random.Random(f"program {seed}")
    steps = [some_step(chance, 0) for _ in range(chance.randint(1, STEPS_MAX))]
    steps = [["child", without_waits(step[1])] if step[0] == "child" else step for step in steps]
    ending = chance.choice(["", "", "", "cancel", "terminate"])
    if ending:
        steps.append(["wait", 0])
    end = chance.choice(["result", "result", "fail", "again"])
    if end == "again":
        # The reference server lets runs of less than a second wait for the rest of it.
        steps.append(["timer", 150])
    steps.append(["end", end])
    waits = sum(step[0] == "wait" for step in steps)
    words = ["signal", "signal", "update", "rejected", "query", "describe"]
    said = [[chance.choice(words) for _ in range(chance.randint(0, 3))] for _ in range(waits)]
    return steps, said, ending


async def until_idle(handle: WorkflowHandle[Any, Any], wait: int) -> None:
    for _ in range(IDLE_SECONDS_MAX * 20):
        if await handle.query(Scripted.at) == wait:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the workflow does not come to its wait {wait}")


async def say(trace: Trace, handle: WorkflowHandle[Any, Any], word: str, label: str) -> None:
    match word:
        case "signal":
            await handle.signal(Scripted.say, label)
            # The worker has taken it before anything else is said.
            for _ in range(200):
                if label in await handle.query(Scripted.words):
                    break
                await asyncio.sleep(0.02)
        case "update":
            await trace.outcome(label, handle.execute_update(Scripted.add, label, id=label))
        case "rejected":
            await trace.outcome(label, handle.execute_update(Scripted.add, "", id=label))
        case "query":
            await trace.outcome(label, handle.query(Scripted.words))
        case "describe":
            await trace.description(label, handle)


def scenario_of(seed: int) -> Scenario:
    async def generated(trace: Trace) -> None:
        steps, said, ending = program(seed)
        async with trace.worker():
            handle = await trace.start(Scripted.run, steps, False)
            for wait, words in enumerate(said, 1):
                await until_idle(handle, wait)
                for number, word in enumerate(words):
                    await say(trace, handle, word, f"{word} {wait}.{number}")
                if ending and wait == len(said):
                    await (handle.cancel() if ending == "cancel" else handle.terminate("enough"))
                else:
                    await handle.signal(Scripted.go)
            await trace.outcome("result", handle.result())
        await trace.history("history", trace.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id))
        await trace.history("history of the last run", trace.client.get_workflow_handle(handle.id))

    return generated


for seed in range(PROGRAMS):
    SCENARIOS[f"generated_{seed:03}"] = scenario_of(seed)
