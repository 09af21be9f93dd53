"""Update-with-start: an update, with the start of its workflow where there is none."""

from __future__ import annotations

from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage as Stage
from temporalio.api.enums.v1 import WorkflowIdConflictPolicy as Conflict
from temporalio.api.enums.v1 import WorkflowIdReusePolicy as Reuse
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice.v1 import (
    ExecuteMultiOperationRequest,
    StartWorkflowExecutionRequest,
    UpdateWorkflowExecutionRequest,
)
from temporalio.converter import DataConverter
from tracing import Trace, scenario
from workflows import Wait

COMPLETED = Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED


async def both(trace: Trace, update: str, word: str, start: dict[str, Any] | None = None, **more: Any) -> Any:
    payloads = await DataConverter.default.encode([word])
    workflow = trace.id("workflow")
    starting = StartWorkflowExecutionRequest(
        **{
            "namespace": trace.client.namespace,
            "workflow_id": workflow,
            "workflow_type": WorkflowType(name="Wait"),
            "task_queue": TaskQueue(name=trace.queue),
            "request_id": f"request-of-{update}",
            "identity": "me",
            **(start or {}),
        }
    )
    request = Request(meta=Meta(update_id=update, identity="me"), input=Input(name="add"))
    request.input.args.payloads.extend(payloads)
    updating = UpdateWorkflowExecutionRequest(
        **{
            "namespace": trace.client.namespace,
            "workflow_execution": WorkflowExecution(workflow_id=workflow),
            "wait_policy": WaitPolicy(lifecycle_stage=COMPLETED),
            "request": request,
            **more,
        }
    )
    operations = [
        ExecuteMultiOperationRequest.Operation(start_workflow=starting),
        ExecuteMultiOperationRequest.Operation(update_workflow=updating),
    ]
    service = trace.client.workflow_service
    return await service.execute_multi_operation(
        ExecuteMultiOperationRequest(namespace=trace.client.namespace, operations=operations)
    )


async def told(trace: Trace, label: str, update: str, word: str, conflict: int = 0, reuse: int = 0) -> None:
    policies = {"workflow_id_conflict_policy": conflict, "workflow_id_reuse_policy": reuse}

    async def call() -> None:
        answer = await both(trace, update, word, policies)
        start, updated = answer.responses[0].start_workflow, answer.responses[1].update_workflow
        first = bool(start.first_execution_run_id)
        trace.note(f"{label}, start", [start.started, start.status, first, start.HasField("link")])
        trace.note(f"{label}, update", [updated.stage, trace.normal.message(updated.outcome)])

    await trace.refusal(label, call())


@scenario
async def update_with_start(trace: Trace) -> None:
    use, fail = Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, Conflict.WORKFLOW_ID_CONFLICT_POLICY_FAIL
    replace = Conflict.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
    async with trace.worker():
        await told(trace, "new", "first", "one", fail)
        await told(trace, "same update", "first", "one", fail)
        await told(trace, "running", "second", "two", fail)
        await told(trace, "running, used", "third", "three", use)
        await told(trace, "rejected", "fourth", "", use)
        await told(trace, "failed", "fifth", "fail", use)
        handle = trace.client.get_workflow_handle(trace.id("workflow"))
        await trace.history("history", handle)
        await told(trace, "replaced", "sixth", "six", replace)
        await handle.signal(Wait.go)
        await handle.result()
        await told(trace, "closed, same update", "sixth", "six", fail)
        rejecting = Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
        await told(trace, "closed, not again", "seventh", "seven", fail, rejecting)
        await told(trace, "closed, anew", "eighth", "eight", fail)
        await trace.history("history of the last", handle)


@scenario
async def update_with_start_refused(trace: Trace) -> None:
    for label, start, update in [
        ("eager", {"request_eager_execution": True}, {}),
        ("cron", {"cron_schedule": "* * * * *"}, {}),
        ("delay", {"workflow_start_delay": Duration(seconds=5)}, {}),
        ("no type", {"workflow_type": None}, {}),
        ("run id", {}, {"workflow_execution": WorkflowExecution(workflow_id=trace.id("workflow"), run_id="x")}),
        ("first run id", {}, {"first_execution_run_id": "x"}),
        ("another workflow", {}, {"workflow_execution": WorkflowExecution(workflow_id="other")}),
        ("another namespace", {"namespace": "other"}, {}),
        ("nothing right", {"workflow_type": None}, {"first_execution_run_id": "x"}),
    ]:
        await trace.refusal(label, both(trace, "update", "word", start, **update))
    namespace = trace.client.namespace
    empty = ExecuteMultiOperationRequest(namespace=namespace)
    await trace.refusal("no operations", trace.client.workflow_service.execute_multi_operation(empty))
