"""Resets of workflows that have called Nexus operations: what handlers said after the reset point is said again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

from temporalio import workflow
from temporalio.api.enums.v1 import ResetReapplyExcludeType
from temporalio.api.operatorservice.v1 import DeleteNexusEndpointRequest
from temporalio.client import WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from tracing import Trace, scenario

from .nexus import Behind, Shop, create
from .resets import of_run, reset

#: The workflow task that the signal of `called` leads to: after the operation was scheduled, before anybody took it.
BEFORE_START = 9


@workflow.defn
class Patient:
    """Waits for an operation, and is woken in between."""

    @workflow.run
    async def run(self, endpoint: str, operation: str, word: str) -> str:
        client = workflow.create_nexus_client(service=Shop, endpoint=endpoint)
        return await client.execute_operation(getattr(Shop, operation), word)

    @workflow.signal
    def wake(self) -> None:
        pass


@asynccontextmanager
async def called(trace: Trace, operation: str, word: str) -> Any:
    """A caller whose operation waits for a handler, that of a worker which begins then."""
    queue = f"{trace.queue}-handlers"
    endpoint = await create(trace.client, f"{trace.prefix}-shop", queue)
    try:
        async with Worker(
            trace.client,
            task_queue=trace.queue,
            workflows=[Patient, Behind],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            caller = await trace.start(Patient.run, endpoint.spec.name, operation, word)
            await trace.until_event(caller, "nexus_operation_scheduled")
            await caller.signal(Patient.wake)
            await trace.until_event(caller, "workflow_task_completed", 2)
            async with Worker(
                trace.client,
                task_queue=queue,
                workflows=[Behind],
                nexus_service_handlers=[Shop()],
                workflow_runner=UnsandboxedWorkflowRunner(),
            ):
                yield caller
    finally:
        request = DeleteNexusEndpointRequest(id=endpoint.id, version=endpoint.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)


async def again(trace: Trace, caller: WorkflowHandle[Any, Any], event: int, request: str, **more: Any) -> None:
    new = of_run(trace, caller, await reset(trace, caller, event, request, **more))
    await trace.outcome(f"{request}: result", new.result())
    await trace.history(request, new)


@scenario
async def nexus_reset_of_what_was_answered_at_once(trace: Trace) -> None:
    async with called(trace, "now", "hello") as caller:
        await caller.result()
        await again(trace, caller, BEFORE_START, "answered")


@scenario
async def nexus_reset_of_what_failed(trace: Trace) -> None:
    async with called(trace, "now", "operation-failed") as caller:
        await trace.outcome("first", caller.result())
        await again(trace, caller, BEFORE_START, "failed")


@scenario
async def nexus_reset_of_what_was_canceled(trace: Trace) -> None:
    async with called(trace, "now", "operation-canceled") as caller:
        await trace.outcome("first", caller.result())
        await again(trace, caller, BEFORE_START, "canceled")


@scenario
async def nexus_reset_of_what_ended(trace: Trace) -> None:
    behind = trace.client.get_workflow_handle(trace.id("behind"))
    async with called(trace, "later", f"{behind.id} done") as caller:
        await trace.until_event(caller, "workflow_task_completed", 3)
        await behind.signal(Behind.go)
        await caller.result()
        await again(trace, caller, 13, "after its start")
        await again(trace, caller, BEFORE_START, "before its start")


@scenario
async def nexus_reset_of_what_runs(trace: Trace) -> None:
    behind = trace.client.get_workflow_handle(trace.id("behind"))
    async with called(trace, "later", f"{behind.id} done") as caller:
        await trace.until_event(caller, "workflow_task_completed", 3)
        new = of_run(trace, caller, await reset(trace, caller, BEFORE_START))
        await trace.until_event(new, "nexus_operation_started")
        await behind.signal(Behind.go)
        await trace.outcome("result", new.result())
        await trace.history("new", new)
        await trace.history("old", of_run(trace, caller, caller.first_execution_run_id or ""))


@scenario
async def nexus_reset_without_answers(trace: Trace) -> None:
    exclude = [ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_NEXUS]
    async with called(trace, "now", "hello") as caller:
        await caller.result()
        await again(trace, caller, BEFORE_START, "asked again", reset_reapply_exclude_types=exclude)
