"""What a Nexus handler is given where its caller gave little."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from by_hand import ByHand, command
from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload
from temporalio.api.operatorservice.v1 import DeleteNexusEndpointRequest
from temporalio.api.workflowservice.v1 import StartNexusOperationExecutionRequest
from tracing import Trace, scenario

from .nexus import create
from .nexus_dispatch_by_hand import at_once, complete, poll

INPUTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an empty payload": {"input": Payload()},
    "no data": {"input": Payload(metadata={"encoding": b"json/plain"})},
    "null": {"input": Payload(metadata={"encoding": b"binary/null"})},
    "no metadata": {"input": Payload(data=b"x")},
}


@asynccontextmanager
async def endpoint(trace: Trace) -> AsyncIterator[str]:
    """The name of an endpoint that leads to the task queue of this trace."""
    made = await create(trace.client, f"{trace.prefix}-inputs", trace.queue)
    try:
        yield made.spec.name
    finally:
        request = DeleteNexusEndpointRequest(id=made.id, version=made.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)


@scenario
async def nexus_inputs(trace: Trace) -> None:
    async with endpoint(trace) as name:
        for label, given in INPUTS.items():
            caller = ByHand(trace, label)
            await caller.start()
            wanted = command("schedule_nexus_operation", endpoint=name, service="s", operation="o", **given)
            await caller.complete(await caller.poll(), wanted)
            await asked(trace, f"{label}, by a workflow")
            await trace.until_event(caller.handle, "nexus_operation_completed")
            await trace.history(f"{label}: history", caller.handle)
            await caller.end()
            alone = StartNexusOperationExecutionRequest(
                namespace=trace.client.namespace,
                operation_id=trace.id(f"alone {label}"),
                request_id=trace.id(f"request {label}"),
                endpoint=name,
                service="s",
                operation="o",
                schedule_to_close_timeout=Duration(seconds=20),
                **given,
            )
            await trace.client.workflow_service.start_nexus_operation_execution(alone)
            await asked(trace, f"{label}, by a client")


async def asked(trace: Trace, label: str) -> None:
    """Notes the input with which a handler is asked, and answers it."""
    task = await poll(trace)
    start = task.request.start_operation
    trace.note(label, [start.HasField("payload"), trace.normal.message(start.payload)])
    await complete(trace, task, at_once())
