"""Nexus: a workflow calls operations; a handler answers at once, fails, or starts a workflow behind them."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import nexusrpc
from nexusrpc.handler import StartOperationContext, service_handler, sync_operation
from temporalio import nexus, workflow
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import (
    CreateNexusEndpointRequest,
    DeleteNexusEndpointRequest,
    GetNexusEndpointRequest,
    ListNexusEndpointsRequest,
    UpdateNexusEndpointRequest,
)
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from tracing import Trace, scenario
from workflows import Wait


@workflow.defn
class Behind:
    """What an operation runs: waits for `go`, then ends as it is told."""

    def __init__(self) -> None:
        self.gone = False

    @workflow.run
    async def run(self, end: str) -> str:
        await workflow.wait_condition(lambda: self.gone)
        if end == "fail":
            raise workflow_error("behind")
        return end

    @workflow.signal
    def go(self) -> None:
        self.gone = True


def workflow_error(message: str) -> Exception:
    from temporalio.exceptions import ApplicationError

    return ApplicationError(message, type="Behind", non_retryable=True)


@service_handler
class Shop:
    @sync_operation
    async def now(self, _context: StartOperationContext, word: str) -> str:
        match word:
            case "operation-failed":
                raise nexusrpc.OperationError("sold out", state=nexusrpc.OperationErrorState.FAILED)
            case "operation-canceled":
                raise nexusrpc.OperationError("gone", state=nexusrpc.OperationErrorState.CANCELED)
            case "bad-request":
                raise nexusrpc.HandlerError("not like this", type=nexusrpc.HandlerErrorType.BAD_REQUEST)
            case "unavailable-once" if word not in SEEN:
                SEEN.add(word)
                raise nexusrpc.HandlerError("later", type=nexusrpc.HandlerErrorType.UNAVAILABLE)
        SEEN.discard(word)
        return word

    @nexus.workflow_run_operation
    async def later(self, context: nexus.WorkflowRunOperationContext, word: str) -> nexus.WorkflowHandle[str]:
        workflow_id, _, end = word.partition(" ")
        return await context.start_workflow(Behind.run, end, id=workflow_id)


#: What a handler failed once already; emptied by the attempt that succeeds.
SEEN: set[str] = set()


@workflow.defn
class Caller:
    @workflow.run
    async def run(self, endpoint: str, operation: str, word: str, cancel_after: bool, seconds: float) -> str:
        client = workflow.create_nexus_client(service=Shop, endpoint=endpoint)
        limit = timedelta(seconds=seconds) if seconds else None
        started = await client.start_operation(getattr(Shop, operation), word, schedule_to_close_timeout=limit)
        if cancel_after:
            started.cancel()
        answer: str = await started
        return answer


def spec(name: str, namespace: str, queue: str) -> EndpointSpec:
    target = EndpointTarget(worker=EndpointTarget.Worker(namespace=namespace, task_queue=queue))
    return EndpointSpec(name=name, target=target)


async def create(client: Client, name: str, queue: str) -> Any:
    request = CreateNexusEndpointRequest(spec=spec(name, client.namespace, queue))
    return (await client.operator_service.create_nexus_endpoint(request)).endpoint


@asynccontextmanager
async def shop(trace: Trace) -> Any:
    """A worker that serves the shop and its workflows, behind an endpoint."""
    endpoint = await create(trace.client, f"{trace.prefix}-shop", trace.queue)
    try:
        async with Worker(
            trace.client,
            task_queue=trace.queue,
            workflows=[Caller, Behind, Wait],
            nexus_service_handlers=[Shop()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            yield endpoint.spec.name
    finally:
        request = DeleteNexusEndpointRequest(id=endpoint.id, version=endpoint.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)


@scenario
async def nexus_answers_at_once(trace: Trace) -> None:
    async with shop(trace) as endpoint:
        for word in ("hello", "operation-failed", "operation-canceled", "bad-request", "unavailable-once"):
            caller = await trace.start(Caller.run, endpoint, "now", word, False, 0, id=trace.id(word))
            await trace.outcome(word, caller.result())
            await trace.history(f"{word}: history", caller)


@scenario
async def nexus_workflow_behind(trace: Trace) -> None:
    async with shop(trace) as endpoint:
        for end in ("done", "fail", "terminate", "cancel"):
            behind = trace.client.get_workflow_handle(trace.id(f"behind-{end}"))
            arguments = (endpoint, "later", f"{behind.id} {end}", False, 0)
            caller = await trace.start(Caller.run, *arguments, id=trace.id(f"caller-{end}"))
            await trace.until_event(caller, "nexus_operation_started")
            described = (await caller.describe()).raw_description
            pending = [trace.normal.message(each) for each in described.pending_nexus_operations]
            for each in pending:
                for varies in ("scheduledTime", "lastAttemptCompleteTime", "operationId", "operationToken"):
                    each.pop(varies, None)
            trace.note(f"{end}: pending", pending)
            match end:
                case "terminate":
                    await behind.terminate()
                case "cancel":
                    await behind.cancel()
                case _:
                    await behind.signal(Behind.go)
            await trace.outcome(end, caller.result())
            await trace.history(f"{end}: caller", caller)
            await trace.history(f"{end}: behind", behind)
            callbacks = (await behind.describe()).raw_description.callbacks
            trace.note(f"{end}: callbacks", [(each.state, each.attempt) for each in callbacks])


@scenario
async def nexus_cancelled_by_its_caller(trace: Trace) -> None:
    async with shop(trace) as endpoint:
        behind = trace.id("behind")
        caller = await trace.start(Caller.run, endpoint, "later", f"{behind} done", True, 0)
        await trace.outcome("result", caller.result())
        await asyncio.sleep(0.5)
        await trace.history("behind", trace.client.get_workflow_handle(behind))


@scenario
async def nexus_that_nobody_serves(trace: Trace) -> None:
    endpoint = await create(trace.client, f"{trace.prefix}-empty", f"{trace.queue}-nobody")
    async with shop(trace):
        caller = await trace.start(Caller.run, endpoint.spec.name, "now", "hello", False, 3)
        await trace.outcome("result", caller.result())
        await trace.history("history", caller)
    request = DeleteNexusEndpointRequest(id=endpoint.id, version=endpoint.version)
    await trace.client.operator_service.delete_nexus_endpoint(request)


@scenario
async def nexus_endpoints(trace: Trace) -> None:
    service, namespace = trace.client.operator_service, trace.client.namespace
    name = f"{trace.prefix}-endpoint"
    await trace.refusal("no name", create(trace.client, "", trace.queue))
    await trace.refusal("bad name", create(trace.client, "a b", trace.queue))
    await trace.refusal("no queue", create(trace.client, name, ""))
    elsewhere = CreateNexusEndpointRequest(spec=spec(name, "nowhere", trace.queue))
    await trace.refusal("no namespace", service.create_nexus_endpoint(elsewhere))
    await trace.refusal("no target", service.create_nexus_endpoint(CreateNexusEndpointRequest(spec=EndpointSpec(name=name))))
    endpoint = await create(trace.client, name, trace.queue)
    trace.note("created", [endpoint.version, trace.normal.message(endpoint.spec)])
    await trace.refusal("twice", create(trace.client, name, trace.queue))
    new = spec(name, namespace, f"{trace.queue}-2")
    await trace.refusal("stale", service.update_nexus_endpoint(UpdateNexusEndpointRequest(id=endpoint.id, version=9, spec=new)))
    request = UpdateNexusEndpointRequest(id=endpoint.id, version=endpoint.version, spec=new)
    trace.note("updated", (await service.update_nexus_endpoint(request)).endpoint.version)
    listed = await service.list_nexus_endpoints(ListNexusEndpointsRequest(name=name))
    trace.note("listed", [each.spec.target.worker.task_queue for each in listed.endpoints])
    await trace.refusal("bad id", service.get_nexus_endpoint(GetNexusEndpointRequest(id="x")))
    await trace.refusal("no version", service.delete_nexus_endpoint(DeleteNexusEndpointRequest(id=endpoint.id)))
    await service.delete_nexus_endpoint(DeleteNexusEndpointRequest(id=endpoint.id, version=2))
    await trace.refusal("gone", service.get_nexus_endpoint(GetNexusEndpointRequest(id=endpoint.id)))
    await trace.refusal("gone twice", service.delete_nexus_endpoint(DeleteNexusEndpointRequest(id=endpoint.id, version=2)))


@workflow.defn
class SignalsFirst:
    """Signals another workflow, and starts it where it is not there."""

    @workflow.run
    async def run(self, workflow_id: str, queue: str) -> str:
        handle = await workflow.signal_with_start_workflow(
            Wait.run, id=workflow_id, task_queue=queue, signal=Wait.say, signal_args=["hello"]
        )
        return handle.id


@scenario
async def nexus_signal_with_start(trace: Trace) -> None:
    async with Worker(
        trace.client,
        task_queue=trace.queue,
        workflows=[SignalsFirst, Wait],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        target = trace.client.get_workflow_handle(trace.id("target"))
        for name in ("starts", "signals"):
            caller = await trace.start(SignalsFirst.run, target.id, trace.queue, id=trace.id(name))
            await trace.outcome(name, caller.result())
        await trace.until_event(target, "workflow_task_completed", 2)
        await target.signal("go")
        await trace.outcome("target", target.result())
        events = [event async for event in target.fetch_history_events()]
        trace.note("links", [[trace.normal.message(link) for link in event.links] for event in events if event.links])
        kinds = [event.event_type async for event in caller.fetch_history_events()]
        trace.note("caller", kinds)
