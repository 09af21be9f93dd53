"""What operators do with activities: pause, unpause, reset, change of options."""

from __future__ import annotations

import asyncio
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.activity.v1 import ActivityOptions
from temporalio.api.common.v1 import RetryPolicy, WorkflowExecution
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest,
    PollActivityTaskQueueRequest,
    RecordActivityTaskHeartbeatRequest,
    ResetActivityRequest,
    RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest,
    UnpauseActivityRequest,
    UpdateActivityOptionsRequest,
)
from temporalio.client import WorkflowHandle
from tracing import Trace, scenario
from workflows import Act


class Operator:
    """One workflow with one activity on a queue that the scenario polls by hand."""

    def __init__(self, trace: Trace, handle: WorkflowHandle[Any, Any], queue: str) -> None:
        self.trace, self.handle, self.queue = trace, handle, queue
        self.service = trace.client.workflow_service
        self.namespace = trace.client.namespace

    def names(self, **more: Any) -> dict[str, Any]:
        execution = WorkflowExecution(workflow_id=self.handle.id)
        return {"namespace": self.namespace, "execution": execution, "identity": "operator", **more}

    async def pause(self, **more: Any) -> Any:
        return await self.service.pause_activity(PauseActivityRequest(**self.names(**more)))

    async def unpause(self, **more: Any) -> Any:
        return await self.service.unpause_activity(UnpauseActivityRequest(**self.names(**more)))

    async def reset(self, **more: Any) -> Any:
        return await self.service.reset_activity(ResetActivityRequest(**self.names(**more)))

    async def options(self, **more: Any) -> Any:
        return await self.service.update_activity_options(UpdateActivityOptionsRequest(**self.names(**more)))

    async def poll(self, queue: str = "") -> Any:
        request = PollActivityTaskQueueRequest(
            namespace=self.namespace, task_queue=TaskQueue(name=queue or self.queue), identity="by hand"
        )
        return await self.service.poll_activity_task_queue(request)

    async def fail(self, token: bytes) -> None:
        failure = Failure(message="no", application_failure_info=ApplicationFailureInfo(type="No"))
        request = RespondActivityTaskFailedRequest(namespace=self.namespace, task_token=token, failure=failure)
        await self.service.respond_activity_task_failed(request)

    async def complete(self, token: bytes) -> None:
        request = RespondActivityTaskCompletedRequest(namespace=self.namespace, task_token=token)
        await self.service.respond_activity_task_completed(request)

    async def heartbeat(self, token: bytes) -> Any:
        request = RecordActivityTaskHeartbeatRequest(namespace=self.namespace, task_token=token)
        return await self.service.record_activity_task_heartbeat(request)

    async def describe(self, label: str) -> None:
        described = (await self.handle.describe()).raw_description
        for pending in described.pending_activities:
            self.trace.note(label, self.trace.normal.message(pending))

    def message(self, label: str, message: Any) -> None:
        self.trace.note(label, self.trace.normal.message(message))


async def operator(trace: Trace, options: dict[str, Any], label: str = "workflow") -> Operator:
    queue = trace.id("by-hand")
    handle = await trace.start(Act.run, "some", "", {"queue": queue, **options}, id=trace.id(label))
    await trace.until_event(handle, "activity_task_scheduled")
    return Operator(trace, handle, queue)


@scenario
async def activity_paused_and_unpaused(trace: Trace) -> None:
    async with trace.worker():
        o = await operator(trace, {"start_to_close_timeout": 60, "interval_ms": 100})
        await o.describe("scheduled")
        await o.pause(id="1", reason="why", request_id="r")
        await o.describe("paused")
        await trace.refusal("same request", o.pause(id="1", reason="why", request_id="r"))
        await trace.refusal("another request", o.pause(id="1", request_id="other"))
        await trace.refusal("unknown id", o.pause(id="no"))
        await trace.refusal("unknown type", o.pause(type="no"))
        await trace.refusal("nothing named", o.pause())
        await o.unpause(id="1")
        await o.describe("unpaused")
        task = await o.poll()
        await o.pause(type="some")
        await o.describe("pause requested")
        o.message("heartbeat", await o.heartbeat(task.task_token))
        await o.fail(task.task_token)
        await asyncio.sleep(0.3)
        await o.describe("failed while paused")
        await trace.refusal("unknown id of unpause", o.unpause(id="no"))
        await o.unpause(unpause_all=True, reset_attempts=True, reset_heartbeat=True)
        await o.describe("attempts reset")
        task = await o.poll()
        trace.note("attempt", task.attempt)
        await o.complete(task.task_token)
        await trace.outcome("result", o.handle.result())
        await trace.refusal("closed, by id", o.pause(id="1"))
        await trace.refusal("closed, by type", o.pause(type="some"))
        await trace.refusal("closed, unpause", o.unpause(id="1"))
    await trace.history("history", o.handle)


@scenario
async def activity_reset(trace: Trace) -> None:
    async with trace.worker():
        o = await operator(trace, {"start_to_close_timeout": 60, "interval_ms": 100})
        for _ in range(2):
            task = await o.poll()
            await o.fail(task.task_token)
        task = await o.poll()
        trace.note("attempt", task.attempt)
        await o.reset(id="1")
        await trace.refusal("heartbeat after reset", o.heartbeat(task.task_token))
        await o.describe("reset while it runs")
        await trace.refusal("unknown", o.reset(id="no"))
        await trace.refusal("nothing named", o.reset())
        await trace.refusal("unknown type", o.reset(type="no"))
        await trace.refusal("stale", o.complete(task.task_token))
        await o.handle.terminate()
        await trace.refusal("closed", o.reset(id="1"))
        o = await operator(trace, {"start_to_close_timeout": 60, "interval_ms": 60000}, "second")
        task = await o.poll()
        await o.reset(id="1", reset_heartbeat=True)
        o.message("heartbeat of the first attempt", await o.heartbeat(task.task_token))
        await o.fail(task.task_token)
        await o.describe("backs off")
        await o.pause(id="1")
        await o.reset(type="some", keep_paused=True)
        await o.describe("reset, still paused")
        await o.reset(match_all=True)
        await o.describe("reset, not paused")
        task = await o.poll()
        trace.note("attempt", task.attempt)
        await o.complete(task.task_token)
        await trace.outcome("result", o.handle.result())
    await trace.history("history", o.handle)


@scenario
async def activity_options(trace: Trace) -> None:
    async with trace.worker():
        o = await operator(trace, {"start_to_close_timeout": 60, "interval_ms": 100})
        other = trace.id("other-queue")
        changed = ActivityOptions(
            task_queue=TaskQueue(name=other),
            schedule_to_close_timeout=Duration(seconds=50),
            heartbeat_timeout=Duration(seconds=70),
            retry_policy=RetryPolicy(maximum_attempts=7, initial_interval=Duration(seconds=2)),
        )
        paths = ["task_queue.name", "schedule_to_close_timeout", "heartbeat_timeout", "retry_policy.maximum_attempts"]
        mask = FieldMask(paths=paths)
        o.message("changed", await o.options(id="1", activity_options=changed, update_mask=mask))
        await o.describe("changed")
        await trace.refusal("no options", o.options(id="1", update_mask=mask))
        await trace.refusal("no mask", o.options(id="1", activity_options=changed))
        await trace.refusal("unknown", o.options(id="no", activity_options=changed, update_mask=mask))
        await trace.refusal("nothing named", o.options(activity_options=changed, update_mask=mask))
        both = o.options(id="1", update_mask=mask, restore_original=True)
        await trace.refusal("mask and restore", both)
        none = ActivityOptions()
        queue_mask = FieldMask(paths=["task_queue.name"])
        await trace.refusal("no queue", o.options(id="1", activity_options=none, update_mask=queue_mask))
        bad = ActivityOptions(retry_policy=RetryPolicy(maximum_attempts=-1))
        policy_mask = FieldMask(paths=["retry_policy.maximum_attempts"])
        await trace.refusal("bad policy", o.options(id="1", activity_options=bad, update_mask=policy_mask))
        bad = ActivityOptions(heartbeat_timeout=Duration(seconds=-1))
        beat_mask = FieldMask(paths=["heartbeatTimeout"])
        await trace.refusal("bad time-out", o.options(id="1", activity_options=bad, update_mask=beat_mask))
        task = await o.poll(other)
        await o.fail(task.task_token)
        o.message("restored", await o.options(type="some", restore_original=True))
        await o.describe("restored")
        task = await o.poll()
        trace.note("attempt", task.attempt)
        await o.complete(task.task_token)
        await trace.outcome("result", o.handle.result())
    await trace.history("history", o.handle)
