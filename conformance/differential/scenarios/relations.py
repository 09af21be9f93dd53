"""Children under each parent-close policy, and workflows that act on others."""

import asyncio

from by_hand import ByHand, command
from temporalio.client import WorkflowExecutionStatus
from tracing import Trace, scenario
from workflows import External, Parent, ParentOfFailing, Wait


async def left_alone(trace: Trace, policy: str) -> None:
    child = trace.client.get_workflow_handle(trace.id(f"child-{policy}"))
    parent = await trace.start(Parent.run, child.id, policy, False, id=trace.id(f"parent-{policy}"))
    await trace.outcome(policy, parent.result())
    for _ in range(50):
        status = (await child.describe()).status
        if policy == "ABANDON" or status is not WorkflowExecutionStatus.RUNNING:
            break
        await asyncio.sleep(0.1)
    await child.signal(Wait.go) if policy == "ABANDON" else None
    await trace.outcome(f"{policy}: child", child.result())
    await trace.history(f"{policy}: parent", parent)


@scenario
async def parent_close_policies(trace: Trace) -> None:
    async with trace.worker():
        for policy in ("TERMINATE", "ABANDON", "REQUEST_CANCEL"):
            await left_alone(trace, policy)


@scenario
async def child_waited_for(trace: Trace) -> None:
    child = trace.client.get_workflow_handle(trace.id("child"))
    async with trace.worker():
        parent = await trace.start(Parent.run, child.id, "TERMINATE", True)
        await trace.until_event(parent, "child_workflow_execution_started")
        await child.signal(Wait.say, "from outside")
        await child.signal(Wait.go)
        await trace.outcome("result", parent.result())
    await trace.history("parent", parent)


@scenario
async def child_that_fails(trace: Trace) -> None:
    async with trace.worker():
        parent = await trace.start(ParentOfFailing.run, trace.id("child"))
        await trace.outcome("result", parent.result())
    await trace.history("parent", parent)
    await trace.history("child", trace.client.get_workflow_handle(trace.id("child")))


@scenario
async def child_id_in_use(trace: Trace) -> None:
    other = await trace.start(Wait.run, id=trace.id("child"))
    async with trace.worker():
        parent = await trace.start(Parent.run, other.id, "TERMINATE", True)
        await trace.outcome("result", parent.result())
    await other.terminate()
    await trace.history("parent", parent)


@scenario
async def external_signal_and_cancel(trace: Trace) -> None:
    async with trace.worker():
        other = await trace.start(Wait.run, id=trace.id("other"))
        await trace.until_event(other, "workflow_task_completed")
        handle = await trace.start(External.run, other.id)
        await trace.outcome("result", handle.result())
        await trace.outcome("other", other.result())
        nobody = await trace.start(External.run, trace.id("nobody"), id=trace.id("to-nobody"))
        await trace.outcome("to nobody", nobody.result())
    await trace.history("history", handle)
    await trace.history("to nobody, history", nobody)


@scenario
async def what_commands_leave_out(trace: Trace) -> None:
    """Namespace and queue of a child are its parent's."""
    it = ByHand(trace)
    await it.start()
    child = command("start_child_workflow_execution", workflow_id=trace.id("child"), workflow_type={"name": "C"})
    await it.complete(await it.poll(), child)
    tasks = {task.workflow_execution.workflow_id: task for task in [await it.poll(), await it.poll()]}
    await it.complete(tasks[it.id])
    await it.complete(tasks[trace.id("child")], command("complete_workflow_execution"))
    await trace.until_event(it.handle, "child_workflow_execution_completed")
    await trace.history("parent", it.handle)
    await trace.history("child", trace.client.get_workflow_handle(trace.id("child")))
    await it.end()


@scenario
async def signals_to_an_unknown_namespace(trace: Trace) -> None:
    it = ByHand(trace)
    await it.start()
    there = {"workflow_id": "w"}
    told = command("signal_external_workflow_execution", namespace="nowhere-at-all", execution=there, signal_name="s")
    await trace.refusal("signal", it.complete(await it.poll(), told))
    await trace.history("history", it.handle)
    await it.end()
