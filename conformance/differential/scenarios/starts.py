"""How executions begin and end: ids, policies, time-outs, retries, cancel, terminate, continue-as-new."""

import asyncio
from datetime import timedelta

from temporalio.client import WorkflowExecutionStatus
from temporalio.common import (
    RetryPolicy,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from tracing import Trace, scenario
from workflows import CUSTOM, Again, Attributes, Fail, Timers, Wait


@scenario
async def conflict_policies(trace: Trace) -> None:
    first = await trace.start(Wait.run)
    await trace.refusal("fail", trace.start(Wait.run, id_conflict_policy=WorkflowIDConflictPolicy.FAIL))
    await trace.outcome("fail, as an SDK sees it", trace.start(Wait.run))
    used = await trace.start(Wait.run, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING)
    trace.note("use existing gives the same run", used.result_run_id == first.result_run_id)
    other = await trace.start(Wait.run, id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING)
    trace.note("terminate existing gives another run", other.result_run_id != first.result_run_id)
    await trace.history("terminated", trace.client.get_workflow_handle(first.id, run_id=first.result_run_id))
    await other.terminate()


@scenario
async def reuse_policies(trace: Trace) -> None:
    async with trace.worker():
        await (await trace.start(Timers.run)).result()
    for policy in (
        WorkflowIDReusePolicy.REJECT_DUPLICATE,
        WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    ):
        await trace.refusal(f"after completion, {policy.name}", trace.start(Wait.run, id_reuse_policy=policy))
    await trace.client.get_workflow_handle(trace.id()).terminate("enough")
    policy = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
    await trace.refusal("after termination, failed only", trace.start(Wait.run, id_reuse_policy=policy))
    await trace.client.get_workflow_handle(trace.id()).terminate()


@scenario
async def start_delay(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Timers.run, start_delay=timedelta(seconds=1))
        await trace.outcome("result", handle.result())
    await trace.history("history", handle)


@scenario
async def timers(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Timers.run, static_summary="a summary", static_details="details")
        await trace.outcome("result", handle.result())
    await trace.history("history", handle)
    await trace.description("description", handle)


@scenario
async def run_timeout(trace: Trace) -> None:
    handle = await trace.start(Wait.run, run_timeout=timedelta(seconds=1))
    await trace.outcome("result", handle.result())
    await trace.history("history", handle)


@scenario
async def execution_timeout_over_continue_as_new(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Again.run, 3, execution_timeout=timedelta(minutes=1), memo={"kept": "yes"})
        await trace.outcome("result", handle.result())
        first = trace.client.get_workflow_handle(handle.id, run_id=handle.result_run_id)
        await trace.history("first run", first)
        await trace.history("last run", trace.client.get_workflow_handle(handle.id))
        await trace.description("last run, described", trace.client.get_workflow_handle(handle.id))


@scenario
async def workflow_retry(trace: Trace) -> None:
    retry = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3)
    async with trace.worker():
        handle = await trace.start(Fail.run, "again", retry_policy=retry)
        await trace.outcome("result", handle.result())
        await trace.history("first", trace.client.get_workflow_handle(handle.id, run_id=handle.result_run_id))
        await trace.history("last", trace.client.get_workflow_handle(handle.id))
        fatal = await trace.start(Fail.run, "fatal", retry_policy=retry, id=trace.id("fatal"))
        await trace.outcome("not retried", fatal.result())
        await trace.history("fatal", fatal)


@scenario
async def cancel(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Wait.run)
        await trace.until_event(handle, "workflow_task_completed")
        await handle.cancel()
        await trace.outcome("result", handle.result())
        await trace.refusal("cancel a closed one", handle.cancel())
    await trace.history("history", handle)


@scenario
async def terminate(trace: Trace) -> None:
    handle = await trace.start(Wait.run)
    await handle.terminate("a detail", reason="a reason")
    await trace.outcome("result", handle.result())
    await trace.refusal("terminate a closed one", handle.terminate())
    await trace.history("history", handle)
    trace.note("status", (await handle.describe()).status is WorkflowExecutionStatus.TERMINATED)


@scenario
async def memo_and_search_attributes(trace: Trace) -> None:
    attributes = TypedSearchAttributes([SearchAttributePair(CUSTOM, "one")])
    async with trace.worker():
        handle = await trace.start(Attributes.run, memo={"begun": 1, "dropped": 2}, search_attributes=attributes)
        await trace.outcome("result", handle.result())
    await trace.history("history", handle)
    await trace.description("description", handle)
    query = f"WorkflowId = '{handle.id}' AND CustomKeywordField = 'two' AND ExecutionStatus = 'Completed'"
    for _ in range(50):
        if (await trace.client.count_workflows(query)).count:
            break
        await asyncio.sleep(0.1)
    listed = [execution async for execution in trace.client.list_workflows(query)]
    trace.note("listed", [(found.id, found.workflow_type, await found.memo()) for found in listed])
