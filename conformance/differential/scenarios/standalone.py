"""Activities without a workflow."""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import ActivityType, Payload, Payloads
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice import v1
from tracing import Trace, scenario

NAMESPACE = "default"
#: Say how a server works inside.
INSIDE = {"longPollToken", "stateSizeBytes", "stateTransitionCount", "totalHeartbeatCount", "scheduleTime", "closeTime"}
INSIDE |= {"executionTime", "lastStartedTime", "lastHeartbeatTime", "executionDuration", "lastAttemptCompleteTime"}
INSIDE |= {"nextAttemptScheduleTime", "expirationTime", "searchAttributes", "sdkName", "sdkVersion"}


def request(trace: Trace, name: str = "a", **fields: Any) -> v1.StartActivityExecutionRequest:
    """One that is accepted, but for the given fields."""
    base = {
        "namespace": NAMESPACE,
        "activity_id": trace.id(name),
        "activity_type": ActivityType(name="Kind"),
        "task_queue": TaskQueue(name=trace.queue),
        "start_to_close_timeout": Duration(seconds=20),
        "identity": "starter",
        "request_id": trace.id(f"request of {name}"),
    }
    return v1.StartActivityExecutionRequest(**{key: value for key, value in {**base, **fields}.items() if value})


async def start(trace: Trace, name: str = "a", **fields: Any) -> None:
    await trace.client.workflow_service.start_activity_execution(request(trace, name, **fields))


async def poll(trace: Trace) -> v1.PollActivityTaskQueueResponse:
    return await trace.client.workflow_service.poll_activity_task_queue(
        v1.PollActivityTaskQueueRequest(namespace=NAMESPACE, task_queue=TaskQueue(name=trace.queue), identity="worker")
    )


async def described(trace: Trace, label: str, name: str = "a", **more: Any) -> None:
    answer = await trace.client.workflow_service.describe_activity_execution(
        v1.DescribeActivityExecutionRequest(
            namespace=NAMESPACE, activity_id=trace.id(name), include_input=True, include_outcome=True, **more
        )
    )
    value = trace.normal.message(answer)
    info = {key: item for key, item in value.pop("info").items() if key not in INSIDE}
    value.pop("longPollToken", None)
    trace.note(label, {**value, "info": info})


async def outcome(trace: Trace, label: str, name: str = "a") -> None:
    answer = await trace.client.workflow_service.poll_activity_execution(
        v1.PollActivityExecutionRequest(namespace=NAMESPACE, activity_id=trace.id(name))
    )
    trace.note(label, trace.normal.message(answer))


@scenario
async def standalone_completed(trace: Trace) -> None:
    await start(trace, input=Payloads(payloads=[Payload(data=b"in")]))
    await described(trace, "scheduled")
    task = await poll(trace)
    trace.note("task", [task.attempt, task.activity_id == trace.id("a"), bool(task.activity_run_id), bool(task.workflow_type.name)])
    await described(trace, "started")
    service = trace.client.workflow_service
    done = v1.RespondActivityTaskCompletedRequest(
        namespace=NAMESPACE, task_token=task.task_token, result=Payloads(payloads=[Payload(data=b"out")])
    )
    await service.respond_activity_task_completed(done)
    await outcome(trace, "outcome")
    await described(trace, "completed")
    await trace.refusal("complete again", service.respond_activity_task_completed(done))


@scenario
async def standalone_ids(trace: Trace) -> None:
    service = trace.client.workflow_service
    await start(trace)
    again = await service.start_activity_execution(request(trace))
    trace.note("same request", again.started)
    other = {"request_id": "another"}
    await trace.refusal("same id", service.start_activity_execution(request(trace, **other)))
    use = await service.start_activity_execution(request(trace, id_conflict_policy=2, **other))
    trace.note("use existing", use.started)
    await service.terminate_activity_execution(
        v1.TerminateActivityExecutionRequest(namespace=NAMESPACE, activity_id=trace.id("a"), reason="why", identity="me")
    )
    await described(trace, "terminated")
    await trace.refusal("reject duplicate", service.start_activity_execution(request(trace, id_reuse_policy=3, **other)))
    await trace.refusal("after a failed one", service.start_activity_execution(request(trace, id_reuse_policy=2, **other)))


@scenario
async def standalone_cancel(trace: Trace) -> None:
    service = trace.client.workflow_service
    cancel = v1.RequestCancelActivityExecutionRequest(
        namespace=NAMESPACE, activity_id=trace.id("a"), identity="me", reason="why", request_id="first"
    )
    await start(trace)
    await service.request_cancel_activity_execution(cancel)
    await described(trace, "cancelled before it started")
    await trace.refusal("same request", service.request_cancel_activity_execution(cancel))
    await start(trace, "b")
    task = await poll(trace)
    cancel.activity_id = trace.id("b")
    await service.request_cancel_activity_execution(cancel)
    cancel.request_id = "second"
    await trace.refusal("another request", service.request_cancel_activity_execution(cancel))
    beat = await service.record_activity_task_heartbeat(
        v1.RecordActivityTaskHeartbeatRequest(namespace=NAMESPACE, task_token=task.task_token)
    )
    trace.note("heartbeat", beat.cancel_requested)
    await described(trace, "cancellation requested", "b")
    await service.respond_activity_task_canceled(
        v1.RespondActivityTaskCanceledRequest(namespace=NAMESPACE, task_token=task.task_token, identity="worker")
    )
    await outcome(trace, "outcome", "b")
    await trace.refusal("of an ended one", service.request_cancel_activity_execution(cancel))


@scenario
async def standalone_retries(trace: Trace) -> None:
    await start(trace, retry_policy={"initial_interval": Duration(nanos=20_000_000), "maximum_attempts": 2})
    service = trace.client.workflow_service
    for attempt in (1, 2):
        task = await poll(trace)
        trace.note(f"attempt {attempt}", task.attempt)
        failure = {"message": f"attempt {attempt}", "application_failure_info": {"type": "Planned"}}
        await service.respond_activity_task_failed(
            v1.RespondActivityTaskFailedRequest(namespace=NAMESPACE, task_token=task.task_token, failure=failure)
        )
    await outcome(trace, "outcome")
    await described(trace, "failed", include_last_failure=True)


@scenario
async def standalone_timeout(trace: Trace) -> None:
    await start(trace, start_to_close_timeout=None, schedule_to_close_timeout=Duration(seconds=1))
    await outcome(trace, "outcome")
    await described(trace, "timed out")


@scenario
async def standalone_pauses(trace: Trace) -> None:
    service = trace.client.workflow_service
    common = {"namespace": NAMESPACE, "activity_id": trace.id("a"), "identity": "me"}
    await start(trace)
    await service.pause_activity_execution(v1.PauseActivityExecutionRequest(reason="why", request_id="p", **common))
    await described(trace, "paused")
    await service.unpause_activity_execution(v1.UnpauseActivityExecutionRequest(**common))
    await described(trace, "unpaused")
    task = await poll(trace)
    await service.pause_activity_execution(v1.PauseActivityExecutionRequest(reason="why", request_id="q", **common))
    await described(trace, "paused while it runs")
    beat = await service.record_activity_task_heartbeat(
        v1.RecordActivityTaskHeartbeatRequest(namespace=NAMESPACE, task_token=task.task_token)
    )
    trace.note("heartbeat", beat.activity_paused)


@scenario
async def standalone_refusals(trace: Trace) -> None:
    service = trace.client.workflow_service
    negative = Duration(seconds=-1)
    for label, fields in {
        "no id": {"activity_id": ""},
        "no type": {"activity_type": None},
        "no queue": {"task_queue": None},
        "no time-out": {"start_to_close_timeout": None},
        "negative time-out": {"start_to_close_timeout": negative},
        "negative delay": {"start_delay": negative},
        "long id": {"activity_id": "x" * 2000},
        "backoff below one": {"retry_policy": {"backoff_coefficient": 0.5}},
        "no namespace": {"namespace": ""},
        "unknown namespace": {"namespace": "no-such-namespace"},
    }.items():
        await trace.refusal(label, service.start_activity_execution(request(trace, **fields)))
    common = {"namespace": NAMESPACE, "activity_id": trace.id("nobody")}
    for label, call in {
        "describe": service.describe_activity_execution(v1.DescribeActivityExecutionRequest(**common)),
        "poll": service.poll_activity_execution(v1.PollActivityExecutionRequest(**common)),
        "cancel": service.request_cancel_activity_execution(v1.RequestCancelActivityExecutionRequest(**common)),
        "terminate": service.terminate_activity_execution(v1.TerminateActivityExecutionRequest(**common)),
        "complete by id": service.respond_activity_task_completed_by_id(v1.RespondActivityTaskCompletedByIdRequest(**common)),
        "describe without id": service.describe_activity_execution(v1.DescribeActivityExecutionRequest(namespace=NAMESPACE)),
        "bad run id": service.poll_activity_execution(v1.PollActivityExecutionRequest(run_id="run", **common)),
    }.items():
        await trace.refusal(label, call)


@scenario
async def standalone_lists(trace: Trace) -> None:
    service = trace.client.workflow_service
    for name in ("a", "b"):
        await start(trace, name)
    query = f"TaskQueue = '{trace.queue}'"
    for _ in range(100):
        count = await service.count_activity_executions(v1.CountActivityExecutionsRequest(namespace=NAMESPACE, query=query))
        if count.count == 2:
            break
        await asyncio.sleep(0.1)
    listed = await service.list_activity_executions(
        v1.ListActivityExecutionsRequest(namespace=NAMESPACE, query=f"{query} AND ActivityType = 'Kind'")
    )
    trace.note("listed", sorted(trace.normal.text(found.activity_id) for found in listed.executions))
    workflows = await service.count_workflow_executions(v1.CountWorkflowExecutionsRequest(namespace=NAMESPACE, query=query))
    trace.note("among workflows", workflows.count)
