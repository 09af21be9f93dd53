"""See ../moving.py."""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowHistory
from temporalio.common import RetryPolicy
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker


@activity.defn
async def greet(name: str) -> str:
    return f"Hello, {name}"


@activity.defn
async def later(name: str) -> str:
    """Fails on the first server: its worker has another one of this name."""
    return f"later {name}"


@workflow.defn
class Order:
    """Has a bit of everything pending when it is moved."""

    def __init__(self) -> None:
        self.words: list[str] = []

    @workflow.run
    async def run(self, seconds: float) -> list[str]:
        self.words.append(await workflow.execute_activity(greet, "Ada", start_to_close_timeout=timedelta(seconds=10)))
        waiting = workflow.start_activity(
            "later", "Bob", start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(minutes=1)),
        )  # fmt: skip
        await workflow.sleep(seconds)
        self.words.append("slept")
        self.words.append(await waiting)
        await workflow.wait_condition(lambda: "go" in self.words)
        workflow.upsert_memo({"moved": True})
        return self.words

    @workflow.signal
    def say(self, word: str) -> None:
        self.words.append(word)

    @workflow.query
    def said(self) -> list[str]:
        return self.words

    @workflow.update
    async def add(self, word: str) -> int:
        self.words.append(word)
        return len(self.words)


@workflow.defn
class Child:
    def __init__(self) -> None:
        self.gone = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self.gone)
        return "child"

    @workflow.signal
    def go(self) -> None:
        self.gone = True


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, child_id: str) -> str:
        return await workflow.execute_child_workflow(Child.run, id=child_id)


WORKFLOWS = [Order, Child, Parent]


class Move:
    def __init__(self, arguments: argparse.Namespace, there: Client, here: Client, directory: Path) -> None:
        self.arguments, self.there, self.here, self.directory = arguments, there, here, directory
        self.queue = f"moving-{uuid.uuid4().hex[:8]}"

    def ostro(self, address: str, *words: str) -> Any:
        command = [self.arguments.ostro, "workflow", *words, "--address", address, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    async def export(self, handle: WorkflowHandle[Any, Any]) -> str:
        """The run's id; its history is in a file now."""
        run_id = (await handle.describe()).run_id
        file = self.directory / f"{handle.id}.json"
        self.ostro(self.arguments.source, "export", handle.id, "--run-id", run_id, "--output", str(file))
        return run_id

    def bring(self, handle: WorkflowHandle[Any, Any], run_id: str) -> None:
        imported = self.ostro(self.arguments.target, "import", str(self.directory / f"{handle.id}.json"))
        check("the run keeps its id", imported["runId"], run_id)

    async def run(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Exports a run there, ends it there, and imports it here."""
        run_id = await self.export(handle)
        await handle.terminate("moved")
        self.bring(handle, run_id)

    def worker(self, client: Client, activities: list[Callable[..., Any]]) -> Worker:
        return Worker(
            client, task_queue=self.queue, workflows=WORKFLOWS, activities=activities,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )  # fmt: skip

    async def orders(self) -> None:
        there = []
        async with self.worker(self.there, [greet, broken]):
            for number in range(3):
                handle = await self.there.start_workflow(Order.run, 6.0, id=f"{self.queue}-{number}", task_queue=self.queue)
                there.append(handle)
                await until("it waits", functools.partial(pending, handle))
            await there[0].signal(Order.say, "early")
            check("an update is answered", await there[1].execute_update(Order.add, "updated"), 2)
        # Nobody is there to tell the workflow of this one before it is moved.
        await there[2].signal(Order.say, "unseen")
        for handle in there:
            await self.run(handle)
        async with self.worker(self.here, [greet, later]):
            results = []
            for handle in there:
                handle = self.here.get_workflow_handle_for(Order.run, handle.id)
                await handle.signal(Order.say, "go")
                results.append(sorted(await asyncio.wait_for(handle.result(), 60)))
                check(
                    "it is told of its memo",
                    (await handle.describe()).raw_description.workflow_execution_info.memo.fields.keys(),
                    {"moved"},
                )
        base = ["Hello, Ada", "go", "later Bob", "slept"]
        check("a run with a signal", results[0], sorted([*base, "early"]))
        check("a run with an update", results[1], sorted([*base, "updated"]))
        check("a run with news", results[2], sorted([*base, "unseen"]))

    async def family(self) -> None:
        """Parent and child are moved both: the child's end finds its parent."""
        child_id = f"{self.queue}-child"
        async with self.worker(self.there, []):
            parent = await self.there.start_workflow(Parent.run, child_id, id=f"{self.queue}-parent", task_queue=self.queue)
            await until("the child runs", lambda: exists(self.there, child_id))
        # The end of the parent ends its child too: both are exported before.
        child = self.there.get_workflow_handle(child_id)
        runs = [(handle, await self.export(handle)) for handle in (parent, child)]
        await parent.terminate("moved")
        for handle, run_id in runs:
            self.bring(handle, run_id)
        async with self.worker(self.here, []):
            await self.here.get_workflow_handle(child_id).signal(Child.go)
            parent = self.here.get_workflow_handle_for(Parent.run, parent.id)
            check("a parent hears of its child", await asyncio.wait_for(parent.result(), 60), "child")

    async def closed(self) -> None:
        """A run that has ended is there to be read."""
        handle = await self.there.start_workflow("Nobody", id=f"{self.queue}-closed", task_queue=self.queue)
        await handle.terminate("enough")
        file = self.directory / "closed.json"
        self.ostro(self.arguments.source, "export", handle.id, "--output", str(file))
        self.ostro(self.arguments.target, "import", str(file))
        status = (await self.here.get_workflow_handle(handle.id).describe()).status
        check("a closed run", status, WorkflowExecutionStatus.TERMINATED)

    async def back(self) -> None:
        """Every history of here is what temporalio replays."""
        replayer = Replayer(workflows=WORKFLOWS, workflow_runner=UnsandboxedWorkflowRunner())
        directory = self.directory / "back"
        query = f"TaskQueue = '{self.queue}' AND ExecutionStatus = 'Completed'"
        self.ostro(self.arguments.target, "export", "--query", query, "--output", str(directory))
        files = sorted(directory.glob("*.json"))
        check("exported histories", len(files), 5)
        for file in files:
            await replayer.replay_workflow(WorkflowHistory.from_json(file.stem, file.read_text()))
        print(f"ok: {len(files)} histories replay")


@activity.defn(name="later")
async def broken(name: str) -> str:
    raise RuntimeError(f"not on this server, {name}")


async def pending(handle: WorkflowHandle[Any, Any]) -> bool:
    described = (await handle.describe()).raw_description
    return any(each.attempt > 1 for each in described.pending_activities)


async def exists(client: Client, workflow_id: str) -> bool:
    try:
        described = await client.get_workflow_handle(workflow_id).describe()
    except Exception:
        return False
    return described.history_length > 3


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(300):
        if await condition():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(what)


def check(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")
    print(f"ok: {what}", flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", required=True, metavar="HOST:PORT")
    parser.add_argument("--to", dest="target", required=True, metavar="HOST:PORT")
    parser.add_argument("--ostro", required=True, metavar="BINARY")
    arguments = parser.parse_args()
    there, here = await Client.connect(arguments.source), await Client.connect(arguments.target)
    with tempfile.TemporaryDirectory() as directory:
        move = Move(arguments, there, here, Path(directory))
        await move.orders()
        await move.family()
        await move.closed()
        await move.back()


def leave(code: int) -> NoReturn:
    """Ends at once: temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (AssertionError, RuntimeError, TimeoutError) as error:
        print(f"FAILED: {type(error).__name__}: {error}")
        leave(1)
    leave(0)
