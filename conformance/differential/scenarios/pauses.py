"""Runs that are paused, and runs whose tasks fail."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice import v1
from tracing import Trace, scenario
from workflows import Wait

NAMESPACE = "default"
#: Does not say how it was.
TIMES = {"pausedTime", "originalStartTime", "startTime", "executionTime", "closeTime", "runExpirationTime"}


def pause(trace: Trace, name: str = "workflow", **fields: Any) -> Any:
    base = {"namespace": NAMESPACE, "workflow_id": trace.id(name), "identity": "me", "reason": "why", "request_id": "p"}
    return trace.client.workflow_service.pause_workflow_execution(v1.PauseWorkflowExecutionRequest(**{**base, **fields}))


def unpause(trace: Trace, name: str = "workflow", **fields: Any) -> Any:
    base = {"namespace": NAMESPACE, "workflow_id": trace.id(name), "identity": "me", "reason": "go", "request_id": "u"}
    return trace.client.workflow_service.unpause_workflow_execution(v1.UnpauseWorkflowExecutionRequest(**{**base, **fields}))


async def described(trace: Trace, label: str) -> None:
    request = v1.DescribeWorkflowExecutionRequest(namespace=NAMESPACE, execution=WorkflowExecution(workflow_id=trace.id()))
    answer = trace.normal.message(await trace.client.workflow_service.describe_workflow_execution(request))
    paused = answer["workflowExtendedInfo"].get("pauseInfo", {})
    fields = answer["workflowExecutionInfo"].get("searchAttributes", {}).get("indexedFields", {})
    trace.note(
        label,
        {
            "status": answer["workflowExecutionInfo"]["status"],
            "pause": {key: value for key, value in paused.items() if key not in TIMES},
            "words": fields.get("TemporalPauseInfo"),
            "task": "pendingWorkflowTask" in answer,
        },
    )


@scenario
async def pause_and_unpause(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Wait.run)
        await trace.until_event(handle, "workflow_task_completed")
        await trace.refusal("pause", pause(trace))
        await trace.refusal("the same", pause(trace))
        await trace.refusal("another", pause(trace, request_id="other"))
        await described(trace, "paused")
        await handle.signal(Wait.say, "hello")
        await trace.refusal("update", handle.execute_update(Wait.add, "word"))
        query = v1.QueryWorkflowRequest(
            namespace=NAMESPACE,
            execution=WorkflowExecution(workflow_id=handle.id),
            query=WorkflowQuery(query_type="words"),
        )
        answer = await trace.client.workflow_service.query_workflow(query)
        trace.note("query", trace.normal.message(answer))
        await asyncio.sleep(0.3)
        await trace.history("meanwhile", handle)
        await trace.refusal("unpause", unpause(trace))
        await trace.refusal("unpause again", unpause(trace))
        # The worker works off what came meanwhile: before that it may be described with a task or without.
        await trace.until_event(handle, "workflow_task_completed", 2)
        await described(trace, "unpaused")
        await handle.signal(Wait.go)
        await trace.outcome("result", handle.result())
        await trace.refusal("pause what has ended", pause(trace))
        await trace.refusal("unpause what has ended", unpause(trace))


@scenario
async def pause_before_the_first_task(trace: Trace) -> None:
    handle = await trace.start(Wait.run)
    await pause(trace)
    await described(trace, "paused")
    await trace.history("paused: history", handle)
    await unpause(trace)
    await trace.history("unpaused: history", handle)
    await pause(trace, request_id="again")
    await handle.terminate("enough")
    await described(trace, "terminated")


@scenario
async def pause_refused(trace: Trace) -> None:
    await trace.refusal("missing", pause(trace))
    await trace.refusal("no id", pause(trace, workflow_id=""))
    await trace.refusal("bad run", pause(trace, run_id="x"))
    await trace.refusal("no namespace", pause(trace, namespace=""))
    await trace.refusal("unpause: missing", unpause(trace))


@scenario
async def problems_reported(trace: Trace) -> None:
    service = trace.client.workflow_service
    handle = await trace.start(Wait.run)

    async def problems() -> Any:
        info = (await handle.describe()).raw_description.workflow_execution_info
        return info.search_attributes.indexed_fields["TemporalReportedProblems"].data.decode()

    poll = v1.PollWorkflowTaskQueueRequest(namespace=NAMESPACE, task_queue=TaskQueue(name=trace.queue))
    for attempt in range(1, 7):
        task = await service.poll_workflow_task_queue(poll)
        cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
        failed = v1.RespondWorkflowTaskFailedRequest(namespace=NAMESPACE, task_token=task.task_token, cause=cause)
        await service.respond_workflow_task_failed(failed)
        trace.note(f"failed {attempt}", await problems())
    task = await service.poll_workflow_task_queue(poll)
    await service.respond_workflow_task_completed(
        v1.RespondWorkflowTaskCompletedRequest(namespace=NAMESPACE, task_token=task.task_token)
    )
    trace.note("completed", await problems())
    await handle.terminate()
