"""Batch operations: one thing done to many workflows."""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf.empty_pb2 import Empty
from temporalio.api.batch.v1 import (
    BatchOperationCancellation,
    BatchOperationDeletion,
    BatchOperationReset,
    BatchOperationSignal,
    BatchOperationTermination,
)
from temporalio.api.common.v1 import ResetOptions, WorkflowExecution
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import (
    DescribeBatchOperationRequest,
    DescribeBatchOperationResponse,
    ListBatchOperationsRequest,
    StartBatchOperationRequest,
    StopBatchOperationRequest,
)
from temporalio.client import WorkflowHandle
from tracing import Trace, scenario
from workflows import Wait


async def start(trace: Trace, job: str, **more: Any) -> None:
    request = {"namespace": trace.client.namespace, "job_id": trace.id(job), "reason": "why", **more}
    await trace.client.workflow_service.start_batch_operation(StartBatchOperationRequest(**request))


async def describe(trace: Trace, job: str) -> DescribeBatchOperationResponse:
    request = DescribeBatchOperationRequest(namespace=trace.client.namespace, job_id=trace.id(job))
    return await trace.client.workflow_service.describe_batch_operation(request)


async def done(trace: Trace, job: str) -> None:
    for _ in range(300):
        described = await describe(trace, job)
        if described.state != BatchOperationState.BATCH_OPERATION_STATE_RUNNING:
            counts = (described.total_operation_count, described.complete_operation_count)
            trace.note(job, [described.state, described.operation_type, *counts, described.failure_operation_count])
            trace.note(f"{job}, who and why", [described.identity, described.reason, bool(described.query)])
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the batch does not end")


async def some(trace: Trace, number: int = 3) -> list[WorkflowHandle[Any, Any]]:
    return [await trace.start(Wait.run, id=trace.id(f"w{i}")) for i in range(number)]


def runs(handles: list[WorkflowHandle[Any, Any]]) -> list[WorkflowExecution]:
    return [WorkflowExecution(workflow_id=handle.id) for handle in handles]


def query(trace: Trace) -> str:
    return f"TaskQueue = '{trace.queue}'"


async def visible(trace: Trace, number: int) -> None:
    for _ in range(100):
        if (await trace.client.count_workflows(query(trace))).count == number:
            return
        await asyncio.sleep(0.1)


@scenario
async def batch_by_query(trace: Trace) -> None:
    handles = await some(trace)
    await visible(trace, 3)
    signal = BatchOperationSignal(signal="say", identity="me")
    await start(trace, "signal", visibility_query=query(trace), signal_operation=signal)
    await done(trace, "signal")
    await start(trace, "cancel", visibility_query=query(trace), cancellation_operation=BatchOperationCancellation(identity="me"))
    await done(trace, "cancel")
    reset = BatchOperationReset(identity="me", options=ResetOptions(first_workflow_task=Empty()))
    await start(trace, "reset", executions=runs(handles), reset_operation=reset)
    await done(trace, "reset")
    for handle in handles:
        await trace.history("history", handle)
    await start(trace, "terminate", executions=runs(handles), termination_operation=BatchOperationTermination(identity="me"))
    await done(trace, "terminate")
    await trace.history("terminated", handles[0])
    await start(trace, "again", executions=runs(handles), termination_operation=BatchOperationTermination())
    await done(trace, "again")
    await start(trace, "delete", executions=runs(handles), deletion_operation=BatchOperationDeletion())
    await done(trace, "delete")


@scenario
async def batch_refusals(trace: Trace) -> None:
    end = BatchOperationTermination()
    run = [WorkflowExecution(workflow_id="no-such")]
    await trace.refusal("no operation", start(trace, "a", executions=run))
    await trace.refusal("no reason", start(trace, "a", executions=run, termination_operation=end, reason=""))
    await trace.refusal("no job", start(trace, "a", executions=run, termination_operation=end, job_id=""))
    await trace.refusal("no targets", start(trace, "a", termination_operation=end))
    both = start(trace, "a", executions=run, visibility_query="WorkflowId = 'x'", termination_operation=end)
    await trace.refusal("both kinds of targets", both)
    await trace.refusal("bad query", start(trace, "a", visibility_query="()", termination_operation=end))
    await trace.refusal("no signal", start(trace, "a", executions=run, signal_operation=BatchOperationSignal()))
    await trace.refusal("no reset", start(trace, "a", executions=run, reset_operation=BatchOperationReset()))
    await trace.refusal("unknown", describe(trace, "unknown"))
    service, namespace = trace.client.workflow_service, trace.client.namespace
    stop = StopBatchOperationRequest(namespace=namespace, job_id=trace.id("unknown"), reason="why")
    await trace.refusal("stop of unknown", service.stop_batch_operation(stop))
    stop = StopBatchOperationRequest(namespace=namespace, job_id=trace.id("unknown"))
    await trace.refusal("stop without reason", service.stop_batch_operation(stop))
    await start(trace, "used", executions=run, termination_operation=end)
    await done(trace, "used")
    await trace.refusal("same job", start(trace, "used", executions=run, termination_operation=end))
    stop = StopBatchOperationRequest(namespace=namespace, job_id=trace.id("used"), reason="why")
    await trace.refusal("stop of ended", service.stop_batch_operation(stop))
    for _ in range(100):
        listed = await service.list_batch_operations(ListBatchOperationsRequest(namespace=namespace))
        mine = [(i.state, i.operation_type) for i in listed.operation_info if i.job_id == trace.id("used")]
        if mine:
            break
        await asyncio.sleep(0.1)
    trace.note("listed", [list(entry) for entry in mine])
