"""Nexus operations without a workflow, called by their RPCs; a worker's polls and answers are made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import NexusOperationCancellationState
from temporalio.api.nexus import v1 as nexus
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest, DeleteNexusEndpointRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice import v1
from tracing import Trace, scenario

NAMESPACE = "default"
DELIVERED = NexusOperationCancellationState.NEXUS_OPERATION_CANCELLATION_STATE_SUCCEEDED
#: Say how a server works inside.
INSIDE = {"stateTransitionCount", "stateSizeBytes", "scheduleTime", "closeTime", "expirationTime", "executionDuration"}
INSIDE |= {"lastAttemptCompleteTime", "nextAttemptScheduleTime", "requestedTime", "searchAttributes"}


class Shop:
    """An endpoint, and what is asked through it."""

    def __init__(self, trace: Trace, endpoint: str) -> None:
        self.trace = trace
        self.service = trace.client.workflow_service
        self.endpoint = endpoint

    def request(self, name: str = "o", **fields: Any) -> v1.StartNexusOperationExecutionRequest:
        """One that is accepted, but for the given fields."""
        base = {
            "namespace": NAMESPACE,
            "operation_id": self.trace.id(name),
            "endpoint": self.endpoint,
            "service": "Shop",
            "operation": "buy",
            "schedule_to_close_timeout": Duration(seconds=20),
            "input": Payload(metadata={"encoding": b"json/plain"}, data=b'"in"'),
            "nexus_header": {"Some": "header"},
            "identity": "starter",
            "request_id": self.trace.id(f"request of {name}"),
        }
        return v1.StartNexusOperationExecutionRequest(**{k: v for k, v in {**base, **fields}.items() if v})

    async def start(self, name: str = "o", **fields: Any) -> None:
        await self.service.start_nexus_operation_execution(self.request(name, **fields))

    async def poll(self) -> v1.PollNexusTaskQueueResponse:
        queue = TaskQueue(name=self.trace.queue)
        request = v1.PollNexusTaskQueueRequest(namespace=NAMESPACE, task_queue=queue, identity="worker")
        return await self.service.poll_nexus_task_queue(request)

    async def answer(self, response: nexus.StartOperationResponse | None = None) -> None:
        """Takes a task and answers it: a start with `response`, a cancellation with success."""
        task = await self.poll()
        cancelled = nexus.Response(cancel_operation=nexus.CancelOperationResponse())
        answer = nexus.Response(start_operation=response) if response else cancelled
        request = v1.RespondNexusTaskCompletedRequest(namespace=NAMESPACE, task_token=task.task_token, response=answer)
        await self.service.respond_nexus_task_completed(request)

    async def fail(self, error: nexus.HandlerError) -> None:
        task = await self.poll()
        request = v1.RespondNexusTaskFailedRequest(namespace=NAMESPACE, task_token=task.task_token, error=error)
        await self.service.respond_nexus_task_failed(request)

    async def described(self, label: str, name: str = "o") -> None:
        answer = await self.service.describe_nexus_operation_execution(
            v1.DescribeNexusOperationExecutionRequest(
                namespace=NAMESPACE, operation_id=self.trace.id(name), include_input=True, include_outcome=True
            )
        )
        value = self.trace.normal.message(answer)
        value.pop("longPollToken", None)
        info = {key: item for key, item in value.pop("info").items() if key not in INSIDE}
        cancellation = info.get("cancellationInfo", {})
        for key in INSIDE & set(cancellation):
            del cancellation[key]
        self.trace.note(label, {**value, "info": info})

    async def until(self, name: str, wanted: Callable[[nexus.NexusOperationExecutionInfo], bool]) -> None:
        for _ in range(100):
            request = v1.DescribeNexusOperationExecutionRequest(namespace=NAMESPACE, operation_id=self.trace.id(name))
            if wanted((await self.service.describe_nexus_operation_execution(request)).info):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"the operation {name} never came so far")

    async def reached(self, label: str, stage: int, name: str = "o") -> None:
        request = v1.PollNexusOperationExecutionRequest(namespace=NAMESPACE, operation_id=self.trace.id(name), wait_stage=stage)
        self.trace.note(label, self.trace.normal.message(await self.service.poll_nexus_operation_execution(request)))

    def cancel(self, name: str = "o", request_id: str = "c") -> Any:
        request = v1.RequestCancelNexusOperationExecutionRequest(
            namespace=NAMESPACE, operation_id=self.trace.id(name), request_id=request_id, identity="me", reason="why"
        )
        return self.service.request_cancel_nexus_operation_execution(request)

    def terminate(self, name: str = "o", request_id: str = "t", **fields: Any) -> Any:
        request = v1.TerminateNexusOperationExecutionRequest(
            **{
                "namespace": NAMESPACE, "operation_id": self.trace.id(name), "request_id": request_id,
                "identity": "me", "reason": "enough", **fields,
            }
        )  # fmt: skip
        return self.service.terminate_nexus_operation_execution(request)


@asynccontextmanager
async def shop(trace: Trace) -> AsyncIterator[Shop]:
    worker = nexus.EndpointTarget.Worker(namespace=NAMESPACE, task_queue=trace.queue)
    spec = nexus.EndpointSpec(name=f"{trace.prefix}-shop", target=nexus.EndpointTarget(worker=worker))
    operator = trace.client.operator_service
    endpoint = (await operator.create_nexus_endpoint(CreateNexusEndpointRequest(spec=spec))).endpoint
    try:
        yield Shop(trace, spec.name)
    finally:
        await operator.delete_nexus_endpoint(DeleteNexusEndpointRequest(id=endpoint.id, version=endpoint.version))


def at_once(data: bytes = b'"out"') -> nexus.StartOperationResponse:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=data)
    return nexus.StartOperationResponse(sync_success=nexus.StartOperationResponse.Sync(payload=payload))


def later() -> nexus.StartOperationResponse:
    url = "temporal:///namespaces/default/workflows/w/r/history?eventID=1&eventType=WorkflowExecutionStarted"
    link = nexus.Link(url=f"{url}&referenceType=EventReference", type="temporal.api.common.v1.Link.WorkflowEvent")
    started = nexus.StartOperationResponse.Async(operation_token="token", links=[link])
    return nexus.StartOperationResponse(async_success=started)


def unsuccessful(state: str) -> nexus.StartOperationResponse:
    error = nexus.UnsuccessfulOperationError(operation_state=state, failure=nexus.Failure(message="sold out"))
    return nexus.StartOperationResponse(operation_error=error)


@scenario
async def standalone_nexus_at_once(trace: Trace) -> None:
    async with shop(trace) as it:
        trace.note("started", (await it.service.start_nexus_operation_execution(it.request())).started)
        await it.described("scheduled")
        await it.answer(at_once())
        await it.reached("outcome", 2)
        await it.reached("started too", 1)
        await it.described("completed")
        await trace.refusal("cancel", it.cancel())


@scenario
async def standalone_nexus_task(trace: Trace) -> None:
    async with shop(trace) as it:
        await it.start()
        task = await it.poll()
        request, start = task.request, task.request.start_operation
        headers = {key.lower() for key in request.header}
        own = ["some", "request-timeout", "operation-timeout"]
        trace.note("header", [key in headers for key in own])
        trace.note("start", [start.service, start.operation, trace.normal.message(start.payload), start.callback])
        trace.note("links", [[trace.normal.text(link.url), link.type] for link in start.links])


@scenario
async def standalone_nexus_failures(trace: Trace) -> None:
    async with shop(trace) as it:
        for state in ("failed", "canceled"):
            await it.start(state)
            await it.answer(unsuccessful(state))
            await it.reached(state, 2, state)
            await it.described(f"{state}: description", state)
        await it.start("refused")
        await it.fail(nexus.HandlerError(error_type="BAD_REQUEST", failure=nexus.Failure(message="not like this")))
        await it.reached("refused", 2, "refused")
        await it.described("refused: description", "refused")


@scenario
async def standalone_nexus_retried(trace: Trace) -> None:
    async with shop(trace) as it:
        await it.start()
        await it.fail(nexus.HandlerError(error_type="UNAVAILABLE", failure=nexus.Failure(message="later")))
        await it.until("o", lambda info: info.HasField("last_attempt_failure"))
        await it.described("backs off")
        await it.answer(at_once())
        await it.reached("outcome", 2)


@scenario
async def standalone_nexus_started_and_cancelled(trace: Trace) -> None:
    async with shop(trace) as it:
        await it.start()
        await it.answer(later())
        await it.reached("started", 1)
        await it.described("started: description")
        await trace.refusal("cancel", it.cancel())
        await trace.refusal("the same again", it.cancel())
        await trace.refusal("another", it.cancel(request_id="other"))
        await it.answer()
        await it.until("o", lambda info: info.cancellation_info.state == DELIVERED)
        await it.described("asked to cancel")
        await trace.refusal("terminate", it.terminate())
        await trace.refusal("terminate again", it.terminate())
        await trace.refusal("terminate by another", it.terminate(request_id="other"))
        await trace.refusal("cancel", it.cancel(request_id="late"))
        await it.described("terminated")
        await it.reached("outcome", 1)


@scenario
async def standalone_nexus_cancelled_before_its_start(trace: Trace) -> None:
    async with shop(trace) as it:
        await it.start()
        await it.cancel()
        await it.described("asked")
        await it.answer(later())
        await it.answer()
        await it.until("o", lambda info: info.cancellation_info.state == DELIVERED)
        await it.described("told")


@scenario
async def standalone_nexus_time_outs(trace: Trace) -> None:
    async with shop(trace) as it:
        second = Duration(seconds=1)
        await it.start("close", schedule_to_close_timeout=second)
        await it.start("start", schedule_to_start_timeout=second)
        await it.reached("close", 2, "close")
        await it.described("close: description", "close")
        await it.reached("start", 2, "start")
        await it.start("run", operation="run", start_to_close_timeout=second)
        while (task := await it.poll()).request.start_operation.operation != "run":
            pass
        request = v1.RespondNexusTaskCompletedRequest(
            namespace=NAMESPACE, task_token=task.task_token, response=nexus.Response(start_operation=later())
        )
        await it.service.respond_nexus_task_completed(request)
        await it.reached("run", 2, "run")
        await it.described("run: description", "run")


@scenario
async def standalone_nexus_ids(trace: Trace) -> None:
    async with shop(trace) as it:
        service = it.service
        await it.start()
        trace.note("same", (await service.start_nexus_operation_execution(it.request())).started)
        for policy in (0, 1, 2):
            start = service.start_nexus_operation_execution(it.request(request_id="other", id_conflict_policy=policy))
            await trace.refusal(f"open, conflict {policy}", start)
        await it.answer(at_once())
        await it.reached("done", 2)
        for reuse in (3, 2):
            start = service.start_nexus_operation_execution(it.request(request_id=f"r{reuse}", id_reuse_policy=reuse))
            await trace.refusal(f"closed, reuse {reuse}", start)
        await trace.refusal("terminate what has ended", it.terminate())
        await it.start("o", request_id="again", id_reuse_policy=1)
        await it.terminate()
        for reuse in (3, 2, 1):
            start = service.start_nexus_operation_execution(it.request(request_id=f"s{reuse}", id_reuse_policy=reuse))
            await trace.refusal(f"terminated, reuse {reuse}", start)


@scenario
async def standalone_nexus_lists(trace: Trace) -> None:
    async with shop(trace) as it:
        for name in ("a", "b", "c"):
            await it.start(name, operation="buy" if name == "a" else "sell")
        await it.terminate("b")
        queries = [
            "", "AND OperationId = '$a'", "AND Operation = 'sell'", "AND Service = 'Shop'", "AND Service = 'x'",
            "AND ExecutionStatus = 'Running'", "AND ExecutionStatus = 'Terminated'", "AND StartTime > '2020-01-01T00:00:00Z'",
            "GROUP BY ExecutionStatus", "AND Unknown = 1",
        ]  # fmt: skip
        for query in queries:
            text = f"Endpoint = '{it.endpoint}' {query}".replace("$a", trace.id("a"))
            for _ in range(40):  # the reference lists what is new a moment later
                request = v1.CountNexusOperationExecutionsRequest(namespace=NAMESPACE, query=text)
                try:
                    answer = await it.service.count_nexus_operation_executions(request)
                except Exception:
                    break
                if answer.count or "'x'" in query:
                    break
                await asyncio.sleep(0.05)
            await trace.outcome(query, normal(trace, it.service.count_nexus_operation_executions(request)))
        await asyncio.sleep(0.3)
        mine = v1.ListNexusOperationExecutionsRequest(namespace=NAMESPACE, query=f"Endpoint = '{it.endpoint}'")
        listed = await it.service.list_nexus_operation_executions(mine)
        rows = [trace.normal.message(each) for each in listed.operations]
        trace.note("listed", sorted(({k: v for k, v in row.items() if k not in INSIDE} for row in rows), key=str))


async def normal(trace: Trace, awaited: Any) -> Any:
    return trace.normal.message(await awaited)


@scenario
async def standalone_nexus_refused(trace: Trace) -> None:
    async with shop(trace) as it:
        faults: dict[str, dict[str, Any]] = {
            "no id": {"operation_id": ""},
            "no endpoint": {"endpoint": ""},
            "unknown endpoint": {"endpoint": "nowhere"},
            "no service": {"service": ""},
            "no operation": {"operation": ""},
            "no namespace": {"namespace": ""},
            "unknown namespace": {"namespace": "nowhere"},
            "long id": {"operation_id": "x" * 1001},
            "long service": {"service": "x" * 1001},
            "negative": {"schedule_to_close_timeout": Duration(seconds=-1)},
            "header": {"nexus_header": {"Request-Timeout": "1"}},
            "large header": {"nexus_header": {"a": "x" * 9000}},
            "large input": {"input": Payload(data=b"x" * 2_200_000)},
        }
        for label, fields in faults.items():
            await trace.refusal(label, it.service.start_nexus_operation_execution(it.request(**fields)))
        service, gone = it.service, {"namespace": NAMESPACE, "operation_id": trace.id("missing")}
        calls: dict[str, tuple[Callable[..., Awaitable[Any]], Callable[..., Any]]] = {
            "describe": (service.describe_nexus_operation_execution, v1.DescribeNexusOperationExecutionRequest),
            "poll": (service.poll_nexus_operation_execution, v1.PollNexusOperationExecutionRequest),
            "cancel": (service.request_cancel_nexus_operation_execution, v1.RequestCancelNexusOperationExecutionRequest),
            "terminate": (service.terminate_nexus_operation_execution, v1.TerminateNexusOperationExecutionRequest),
            "delete": (service.delete_nexus_operation_execution, v1.DeleteNexusOperationExecutionRequest),
        }
        for label, (call, request) in calls.items():
            await trace.refusal(f"{label}: missing", call(request(**gone)))
            await trace.refusal(f"{label}: no id", call(request(namespace=NAMESPACE)))
            await trace.refusal(f"{label}: bad run", call(request(**gone, run_id="x")))
        await it.start()
        await trace.refusal("long reason", it.terminate(reason="x" * 2000))


@scenario
async def standalone_nexus_deleted(trace: Trace) -> None:
    async with shop(trace) as it:
        await it.start()
        request = v1.DeleteNexusOperationExecutionRequest(namespace=NAMESPACE, operation_id=trace.id("o"))
        await trace.refusal("delete", it.service.delete_nexus_operation_execution(request))
        for _ in range(100):
            try:
                await it.described("not yet")
                trace.seen.pop()
                await asyncio.sleep(0.05)
            except Exception:
                break
        describe = v1.DescribeNexusOperationExecutionRequest(namespace=NAMESPACE, operation_id=trace.id("o"))
        await trace.refusal("gone", it.service.describe_nexus_operation_execution(describe))
