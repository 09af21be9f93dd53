"""Signals, queries and updates."""

from temporalio.client import WorkflowUpdateStage
from temporalio.common import QueryRejectCondition
from tracing import Trace, scenario
from workflows import Wait


@scenario
async def signals(trace: Trace) -> None:
    handle = await trace.start(Wait.run)
    for word in ("one", "two"):
        await handle.signal(Wait.say, word)
    await handle.signal(Wait.go)
    async with trace.worker():
        await trace.outcome("result", handle.result())
        await trace.refusal("signal a closed one", handle.signal(Wait.go))
    await trace.history("history", handle)


@scenario
async def signal_with_start(trace: Trace) -> None:
    for word in ("starts", "finds it running"):
        await trace.start(Wait.run, start_signal="say", start_signal_args=[word])
    handle = trace.client.get_workflow_handle(trace.id())
    await handle.signal(Wait.go)
    async with trace.worker():
        await trace.outcome("result", handle.result())
    await trace.history("history", handle)


@scenario
async def queries(trace: Trace) -> None:
    handle = await trace.start(Wait.run)
    await handle.signal(Wait.say, "one")
    async with trace.worker():
        await trace.outcome("open", handle.query(Wait.words))
        await trace.outcome("failing", handle.query(Wait.broken))
        await trace.outcome("of no such name", handle.query("nothing"))
        await handle.signal(Wait.go)
        await handle.result()
        await trace.outcome("closed", handle.query(Wait.words))
        rejecting = handle.query(Wait.words, reject_condition=QueryRejectCondition.NOT_OPEN)
        await trace.outcome("closed, rejected", rejecting)
    await trace.history("history", handle)


@scenario
async def updates(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Wait.run)
        await trace.until_event(handle, "workflow_task_completed")
        await trace.outcome("completed", handle.execute_update(Wait.add, "one", id="first"))
        await trace.outcome("same id", handle.execute_update(Wait.add, "not again", id="first"))
        await trace.outcome("rejected", handle.execute_update(Wait.add, "", id="second"))
        await trace.outcome("failed", handle.execute_update(Wait.add, "fail", id="third"))
        await trace.outcome("of no such name", handle.execute_update("nothing", id="fourth"))
        slow = await handle.start_update(Wait.slow, id="fifth", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        await handle.signal(Wait.go)
        await trace.outcome("slow", slow.result())
        await trace.outcome("result", handle.result())
        await trace.refusal("to a closed one", handle.execute_update(Wait.add, "late", id="sixth"))
        await trace.outcome("outcome of a closed one", handle.get_update_handle("first").result())
    await trace.history("history", handle)


@scenario
async def update_of_unstarted_workflow(trace: Trace) -> None:
    handle = await trace.start(Wait.run)
    async with trace.worker():
        await trace.outcome("update", handle.execute_update(Wait.add, "early", id="early"))
        await handle.terminate()
    await trace.history("history", handle)
