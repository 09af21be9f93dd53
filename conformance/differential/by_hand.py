"""A worker by hand: raw requests, so that the scenario decides what comes when."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from temporalio.api.command.v1 import Command
from temporalio.api.common.v1 import WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import CommandType, TaskQueueKind, UpdateWorkflowExecutionLifecycleStage
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.taskqueue.v1 import StickyExecutionAttributes, TaskQueue
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice import v1
from temporalio.service import RPCError, RPCStatusCode
from tracing import Trace

Stage = UpdateWorkflowExecutionLifecycleStage
ACCEPTED = Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED
COMPLETED = Stage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
#: A command's type by its attributes, where the names differ.
TYPES = {
    "upsert_workflow_search_attributes": "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
    "modify_workflow_properties": "MODIFY_WORKFLOW_PROPERTIES",
}
#: What an SDK is told whose own clock ended the call, or the server's.
AT_DEADLINE = {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}


def command(attributes: str, **fields: Any) -> Command:
    """A command by the name of its attributes, as in `start_timer`."""
    kind = CommandType.Value(f"COMMAND_TYPE_{TYPES.get(attributes, attributes.upper())}")
    given: dict[str, Any] = {f"{attributes}_command_attributes": fields}
    return Command(command_type=kind, **given)


class ByHand:
    """One workflow on a queue of its own, and the requests of its clients and of its worker."""

    def __init__(self, trace: Trace, name: str = "workflow") -> None:
        self.trace = trace
        self.service = trace.client.workflow_service
        self.namespace = trace.client.namespace
        self.id = trace.id(name)
        self.queue = trace.id(f"{name}-queue")
        self.sticky = trace.id(f"{name}-sticky")
        self.handle = trace.client.get_workflow_handle(self.id)

    def execution(self, run_id: str = "") -> WorkflowExecution:
        return WorkflowExecution(workflow_id=self.id, run_id=run_id)

    def start_request(self, **fields: Any) -> v1.StartWorkflowExecutionRequest:
        return v1.StartWorkflowExecutionRequest(
            namespace=self.namespace,
            workflow_id=self.id,
            workflow_type=WorkflowType(name="ByHand"),
            task_queue=TaskQueue(name=self.queue),
            request_id=str(uuid.uuid4()),
            **fields,
        )

    async def start(self, **fields: Any) -> str:
        return (await self.service.start_workflow_execution(self.start_request(**fields))).run_id

    def poll_request(self, sticky: bool = False, **fields: Any) -> v1.PollWorkflowTaskQueueRequest:
        kind = TaskQueueKind.TASK_QUEUE_KIND_STICKY if sticky else TaskQueueKind.TASK_QUEUE_KIND_NORMAL
        queue = TaskQueue(name=self.sticky if sticky else self.queue, kind=kind, normal_name=self.queue if sticky else "")
        return v1.PollWorkflowTaskQueueRequest(namespace=self.namespace, task_queue=queue, identity="by hand", **fields)

    async def poll(self, seconds: float = 3, sticky: bool = False, **fields: Any) -> v1.PollWorkflowTaskQueueResponse:
        """The next workflow task; an empty one where none comes a second before the time is over."""
        request = self.poll_request(sticky, **fields)
        try:
            return await self.service.poll_workflow_task_queue(request, timeout=timedelta(seconds=seconds))
        except RPCError as error:
            if error.status not in AT_DEADLINE:
                raise
            return v1.PollWorkflowTaskQueueResponse()

    async def complete(self, task: Any, *commands: Command, sticky: bool = False, **fields: Any) -> Any:
        if sticky:
            own = TaskQueue(name=self.sticky, kind=TaskQueueKind.TASK_QUEUE_KIND_STICKY, normal_name=self.queue)
            patience = Duration(seconds=10)
            fields["sticky_attributes"] = StickyExecutionAttributes(worker_task_queue=own, schedule_to_start_timeout=patience)
        return await self.service.respond_workflow_task_completed(
            v1.RespondWorkflowTaskCompletedRequest(
                namespace=self.namespace, task_token=task.task_token, commands=commands, identity="by hand", **fields
            )
        )

    def update_request(self, update_id: str, stage: Stage.ValueType) -> v1.UpdateWorkflowExecutionRequest:
        return v1.UpdateWorkflowExecutionRequest(
            namespace=self.namespace,
            workflow_execution=self.execution(),
            wait_policy=WaitPolicy(lifecycle_stage=stage),
            request=Request(meta=Meta(update_id=update_id), input=Input(name="update")),
        )

    async def update(self, update_id: str = "update", stage: Stage.ValueType = ACCEPTED, seconds: float = 8) -> Message:
        request = self.update_request(update_id, stage)
        return await self.service.update_workflow_execution(request, timeout=timedelta(seconds=seconds))

    async def query(self, seconds: float = 8, **fields: Any) -> Message:
        request = v1.QueryWorkflowRequest(
            namespace=self.namespace, execution=self.execution(), query=WorkflowQuery(query_type="query"), **fields
        )
        return await self.service.query_workflow(request, timeout=timedelta(seconds=seconds))

    async def cancel(self, run_id: str = "") -> Message:
        request = v1.RequestCancelWorkflowExecutionRequest(namespace=self.namespace, workflow_execution=self.execution(run_id))
        return await self.service.request_cancel_workflow_execution(request)

    async def signal_with_start(self) -> Message:
        start = self.start_request()
        request = v1.SignalWithStartWorkflowExecutionRequest(
            namespace=start.namespace,
            workflow_id=start.workflow_id,
            workflow_type=start.workflow_type,
            task_queue=start.task_queue,
            request_id=start.request_id,
            signal_name="signal",
        )
        return await self.service.signal_with_start_workflow_execution(request)

    async def shut_down(self, worker_instance_key: str) -> None:
        """A worker says that it leaves."""
        request = v1.ShutdownWorkerRequest(
            namespace=self.namespace,
            sticky_task_queue=self.sticky,
            identity="by hand",
            worker_instance_key=worker_instance_key,
            task_queue=self.queue,
        )
        await self.service.shutdown_worker(request)

    async def end(self) -> None:
        """Ends the workflow, whatever became of it."""
        try:
            await self.handle.terminate()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


def outline(task: Any) -> Any:
    """What a task brings."""
    if not task.task_token:
        return None
    return {
        "attempt": task.attempt,
        "messages": len(task.messages),
        "queries": len(task.queries),
        "query alone": task.HasField("query"),
    }


async def waited(awaited: Awaitable[Any], seconds: float) -> str:
    """Whether a call waits until its deadline, and ends with it."""
    begun = time.monotonic()
    try:
        await awaited
    except RPCError as error:
        if error.status not in AT_DEADLINE:
            return error.status.name
        return "at its deadline" if time.monotonic() - begun > 0.9 * seconds else "early"
    return "answered"


async def soon() -> None:
    """Lets a request that was just sent arrive."""
    await asyncio.sleep(0.4)
