"""Requests that must be refused, with the same code and details on every server."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution, WorkflowType
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice import v1
from tracing import Trace, scenario
from workflows import Wait

TOKENS = {"empty": b"", "not a token": b"\xff\xfenonsense", "text": b"token"}


def start(trace: Trace, **fields: Any) -> v1.StartWorkflowExecutionRequest:
    """A request that would be accepted, but for the given fields."""
    request = v1.StartWorkflowExecutionRequest(
        namespace="default",
        workflow_id=trace.id(str(uuid.uuid4())),
        workflow_type=WorkflowType(name="Wait"),
        task_queue=TaskQueue(name=trace.queue),
        request_id=str(uuid.uuid4()),
    )
    request.MergeFrom(v1.StartWorkflowExecutionRequest(**fields))
    for name, value in fields.items():
        if not value:
            request.ClearField(name)
    return request


def bad_starts(trace: Trace) -> Iterator[tuple[str, v1.StartWorkflowExecutionRequest]]:
    negative = Duration(seconds=-1)
    yield "no workflow id", start(trace, workflow_id="")
    yield "no workflow type", start(trace, workflow_type=None)
    yield "no task queue", start(trace, task_queue=None)
    yield "no request id", start(trace, request_id="")
    yield "no namespace", start(trace, namespace="")
    yield "unknown namespace", start(trace, namespace="no-such-namespace")
    yield "negative execution time-out", start(trace, workflow_execution_timeout=negative)
    yield "negative run time-out", start(trace, workflow_run_timeout=negative)
    yield "negative task time-out", start(trace, workflow_task_timeout=negative)
    yield "negative start delay", start(trace, workflow_start_delay=negative)
    yield "long workflow id", start(trace, workflow_id="x" * 2000)
    yield "long task queue", start(trace, task_queue=TaskQueue(name="x" * 2000))
    yield "long workflow type", start(trace, workflow_type=WorkflowType(name="x" * 2000))
    yield "bad cron", start(trace, cron_schedule="every full moon")
    large = Payloads(payloads=[Payload(data=b"x" * (2 * 1024 * 1024 + 1))])
    yield "large input", start(trace, input=large)
    retry = {"initial_interval": negative, "backoff_coefficient": 2.0}
    yield "negative retry interval", start(trace, retry_policy=retry)
    yield "backoff below one", start(trace, retry_policy={"backoff_coefficient": 0.5})
    attributes = {"indexed_fields": {"NoSuchAttribute": Payload(data=b"1")}}
    yield "unknown search attribute", start(trace, search_attributes=attributes)


@scenario
async def refused_starts(trace: Trace) -> None:
    for label, request in bad_starts(trace):
        await trace.refusal(label, trace.client.workflow_service.start_workflow_execution(request))


@scenario
async def unknown_executions(trace: Trace) -> None:
    service = trace.client.workflow_service
    for label, execution in {
        "unknown id": WorkflowExecution(workflow_id=trace.id("nobody")),
        "unknown run": WorkflowExecution(workflow_id=trace.id("nobody"), run_id=str(uuid.uuid4())),
        "run id of another form": WorkflowExecution(workflow_id=trace.id("nobody"), run_id="run"),
        "no id": WorkflowExecution(),
    }.items():
        common = {"namespace": "default"}
        for name, request in {
            "describe": v1.DescribeWorkflowExecutionRequest(execution=execution, **common),
            "history": v1.GetWorkflowExecutionHistoryRequest(execution=execution, **common),
            "signal": v1.SignalWorkflowExecutionRequest(workflow_execution=execution, signal_name="x", **common),
            "cancel": v1.RequestCancelWorkflowExecutionRequest(workflow_execution=execution, **common),
            "terminate": v1.TerminateWorkflowExecutionRequest(workflow_execution=execution, **common),
            "query": v1.QueryWorkflowRequest(execution=execution, query=WorkflowQuery(query_type="x"), **common),
            "update": v1.UpdateWorkflowExecutionRequest(workflow_execution=execution, **common),
        }.items():
            await trace.refusal(f"{name}, {label}", CALLS[name](service, request))


CALLS = {
    "describe": lambda service, request: service.describe_workflow_execution(request),
    "history": lambda service, request: service.get_workflow_execution_history(request),
    "signal": lambda service, request: service.signal_workflow_execution(request),
    "cancel": lambda service, request: service.request_cancel_workflow_execution(request),
    "terminate": lambda service, request: service.terminate_workflow_execution(request),
    "query": lambda service, request: service.query_workflow(request),
    "update": lambda service, request: service.update_workflow_execution(request),
}


@scenario
async def wrong_tokens(trace: Trace) -> None:
    service = trace.client.workflow_service
    for label, token in TOKENS.items():
        common = {"namespace": "default", "task_token": token}
        for name, call, request in (
            ("complete", service.respond_activity_task_completed, v1.RespondActivityTaskCompletedRequest),
            ("fail", service.respond_activity_task_failed, v1.RespondActivityTaskFailedRequest),
            ("cancel", service.respond_activity_task_canceled, v1.RespondActivityTaskCanceledRequest),
            ("heartbeat", service.record_activity_task_heartbeat, v1.RecordActivityTaskHeartbeatRequest),
            ("workflow task", service.respond_workflow_task_completed, v1.RespondWorkflowTaskCompletedRequest),
        ):
            await trace.refusal(f"{name}, {label}", call(request(**common)))


@scenario
async def bad_filters(trace: Trace) -> None:
    for query in (
        "ExecutionStatus = ",
        "NoSuchAttribute = 'x'",
        "ExecutionStatus = 'NoSuchStatus'",
        "WorkflowId = 1",
        "StartTime > 'yesterday'",
        "WorkflowId LIKE 'x%'",
        "ExecutionStatus = 'Running' ORDER BY NoSuchAttribute",
        "WorkflowId = 'x' GROUP BY WorkflowType",
        "SELECT * FROM executions",
        "1 = 1",
        "WorkflowId = 'x'; DROP TABLE executions",
    ):
        await trace.refusal(f"list: {query}", trace.client.workflow_service.list_workflow_executions(
            v1.ListWorkflowExecutionsRequest(namespace="default", page_size=10, query=query)
        ))  # fmt: skip
        await trace.refusal(f"count: {query}", trace.client.count_workflows(query))


@scenario
async def large_messages(trace: Trace) -> None:
    large = "x" * (2 * 1024 * 1024 + 1)
    handle = await trace.start(Wait.run, execution_timeout=timedelta(minutes=1))
    await trace.refusal("signal", handle.signal(Wait.say, large))
    await trace.outcome("query", handle.query(Wait.words, large, rpc_timeout=timedelta(seconds=2)))
    await trace.refusal("terminate", handle.terminate(large))
    await trace.history("history", handle)
    await trace.refusal("terminate again", handle.terminate())
