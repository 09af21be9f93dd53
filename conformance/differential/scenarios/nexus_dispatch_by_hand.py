"""Nexus over HTTP to workers whose polls and answers are made by hand: each form of a request and of its answer."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import NexusHandlerErrorRetryBehavior as Retry
from temporalio.api.failure.v1 import (
    ApplicationFailureInfo,
    CanceledFailureInfo,
    Failure,
    NexusHandlerFailureInfo,
)
from temporalio.api.nexus.v1 import (
    CancelOperationResponse,
    EndpointSpec,
    EndpointTarget,
    HandlerError,
    Link,
    Response,
    StartOperationResponse,
    UnsuccessfulOperationError,
)
from temporalio.api.nexus.v1 import Failure as NexusFailure
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest, DeleteNexusEndpointRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollNexusTaskQueueRequest,
    RespondNexusTaskCompletedRequest,
    RespondNexusTaskFailedRequest,
)
from tracing import Trace, scenario

from .nexus_dispatch import JSON, LINK, LINK_TYPE, NEW_FAILURES, VARIES, door


@scenario
async def nexus_dispatch_content(trace: Trace) -> None:
    whole = Payload(metadata={"encoding": b"json/plain", "own": b"1"}, data=b'"in"').SerializeToString()
    limit = 2 * 1024 * 1024
    tries: dict[str, tuple[bytes, dict[str, str]]] = {
        "bytes": (b"\x01\x02", {"content-type": "application/octet-stream"}),
        "nothing": (b"", {}),
        "other": (b"<a/>", {"content-type": "text/xml", "content-language": "en"}),
        "bytes without a type": (b"x", {}),
        "protobuf": (b"", {"content-type": 'application/x-protobuf; message-type="a.B"'}),
        "protobuf as json": (b"{}", {"content-type": 'application/json; format=protobuf; message-type="a.B"'}),
        "json with a parameter": (b"{}", {"content-type": "application/json; charset=utf-8"}),
        "a whole payload": (whole, {"content-type": "application/x-temporal-payload"}),
        "a broken payload": (b"\xff", {"content-type": "application/x-temporal-payload"}),
        "large": (b"1" * (limit - 100), {"content-type": "application/json"}),
        "too large with its metadata": (b"1" * (limit - 1), {"content-type": "application/json"}),
        "too large": (b"1" * (limit + 1), {"content-type": "application/json"}),
    }
    async with door(trace) as it:
        for label, (body, headers) in tries.items():
            asking = asyncio.create_task(it.ask(f"{it.by_endpoint}/s/o", body, {**headers, "request-timeout": "3s"}))
            if "too" in label or "broken" in label:
                trace.note(label, await asking)
                continue
            task = await poll(trace)
            payload = task.request.start_operation.payload
            if label == "large":
                trace.note(label, len(payload.data))
                payload = Payload(metadata={"encoding": b"binary/null"})
            else:
                trace.note(f"{label}: asked", trace.normal.message(payload))
            # It comes back as it went.
            await complete(trace, task, at_once(payload))
            answer = await asking
            if label == "bytes without a type":
                # Go's HTTP server guesses one.
                answer.pop("headers", None)
            if label == "a whole payload":
                # The entries of its map come in any order.
                answer["body"] = trace.normal.message(Payload.FromString(answer["body"].encode("latin-1")))
            trace.note(f"{label}: answered", answer)


async def poll(trace: Trace) -> Any:
    request = PollNexusTaskQueueRequest(
        namespace=trace.client.namespace, task_queue=TaskQueue(name=trace.queue), identity="by hand"
    )
    return await trace.client.workflow_service.poll_nexus_task_queue(request)


async def complete(trace: Trace, task: Any, response: Response) -> None:
    request = RespondNexusTaskCompletedRequest(namespace=trace.client.namespace, task_token=task.task_token, response=response)
    await trace.client.workflow_service.respond_nexus_task_completed(request)


async def fail(trace: Trace, task: Any, **fields: Any) -> None:
    request = RespondNexusTaskFailedRequest(namespace=trace.client.namespace, task_token=task.task_token, **fields)
    await trace.client.workflow_service.respond_nexus_task_failed(request)


def at_once(payload: Payload | None = None, **fields: Any) -> Response:
    return Response(start_operation=StartOperationResponse(sync_success={"payload": payload, **fields}))


def handler(kind: str, message: str = "m", **fields: Any) -> Failure:
    info = NexusHandlerFailureInfo(type=kind, retry_behavior=fields.pop("retry", 0))
    return Failure(message=message, nexus_handler_failure_info=info, **fields)


DEEP = Failure(message="deep", stack_trace="at", application_failure_info=ApplicationFailureInfo(type="Deep", non_retryable=True))
OLD = NexusFailure(message="old", metadata={"k": "v"}, details=b'{"a":1}')
RETRYABLE, FINAL = Retry.NEXUS_HANDLER_ERROR_RETRY_BEHAVIOR_RETRYABLE, Retry.NEXUS_HANDLER_ERROR_RETRY_BEHAVIOR_NON_RETRYABLE

FAILED: dict[str, dict[str, Any]] = {
    "handler": {"failure": handler("BAD_REQUEST")},
    "handler with cause": {"failure": handler("CONFLICT", cause=DEEP)},
    "handler, retryable": {"failure": handler("NOT_FOUND", retry=RETRYABLE)},
    "handler, final": {"failure": handler("INTERNAL", retry=FINAL, cause=DEEP)},
    "handler of no known kind": {"failure": handler("NEW_KIND")},
    "old handler": {"error": HandlerError(error_type="UNAVAILABLE", failure=OLD)},
    "old handler, final": {"error": HandlerError(error_type="INTERNAL", failure=OLD, retry_behavior=FINAL)},
    "old handler without failure": {"error": HandlerError(error_type="NOT_FOUND")},
}


def operation_error(state: str, details: bytes = OLD.details) -> Response:
    failure = NexusFailure(message="old", metadata=OLD.metadata, details=details)
    error = UnsuccessfulOperationError(operation_state=state, failure=failure)
    return Response(start_operation=StartOperationResponse(operation_error=error))


def failure(given: Failure) -> Response:
    return Response(start_operation=StartOperationResponse(failure=given))


GONE = Failure(message="gone", canceled_failure_info=CanceledFailureInfo())
URL_LINK = Link(url=LINK, type=LINK_TYPE)
JSON_OUT = Payload(metadata={"encoding": b"json/plain"}, data=b'"out"')

COMPLETED: dict[str, Response] = {
    "at once, with links": at_once(JSON_OUT, links=[URL_LINK, Link(url="http://a", type="b")]),
    "at once, nothing": Response(start_operation=StartOperationResponse(sync_success={})),
    "later": Response(start_operation=StartOperationResponse(async_success={"operation_token": "t", "links": [URL_LINK]})),
    "later, old": Response(start_operation=StartOperationResponse(async_success={"operation_id": "old"})),
    "failed": failure(DEEP),
    "failed deeper": failure(Failure(message="on top", application_failure_info={"type": "T"}, cause=DEEP)),
    "canceled": failure(GONE),
    "old failed": operation_error("failed"),
    "old canceled": operation_error("canceled"),
    "old state that is none": operation_error("running"),
    "empty": Response(),
    "answer to another question": Response(cancel_operation=CancelOperationResponse()),
}


@scenario
async def nexus_dispatch_each_answer(trace: Trace) -> None:
    async with door(trace) as it:
        for support in ({}, NEW_FAILURES):
            for label, answer in {**FAILED, **COMPLETED}.items():
                label = f"{label} {'newly' if support else ''}"
                asking = asyncio.create_task(it.ask(f"{it.by_endpoint}/s/o", headers={**JSON, **support}))
                task = await poll(trace)
                capable = task.request.capabilities.temporal_failure_responses
                trace.note(f"{label}: asked", [capable, trace.normal.text(task.request.endpoint)])
                if isinstance(answer, dict):
                    await fail(trace, task, **answer)
                else:
                    await complete(trace, task, answer)
                trace.note(label, await asking)
                await trace.refusal(f"{label}: answered twice", complete(trace, task, at_once()))


@scenario
async def nexus_dispatch_cancels(trace: Trace) -> None:
    accepted = Response(cancel_operation=CancelOperationResponse())
    answers: dict[str, Any] = {"accepted": accepted, "empty": Response(), "at once": at_once(), **FAILED}
    headers = {"Nexus-Operation-Token": "the token", "X-Custom": "1", "user-agent": "me", "content-language": "en"}
    async with door(trace) as it:
        for label, answer in answers.items():
            asking = asyncio.create_task(it.ask(f"{it.by_queue}/My%20Shop/o/cancel", b"", {**headers, **NEW_FAILURES}))
            task = await poll(trace)
            if label == "accepted":
                asked = trace.normal.message(task.request)
                for varies in ("scheduledTime", "header"):
                    asked.pop(varies)
                given = {key: "$" if key.lower() in VARIES else value for key, value in task.request.header.items()}
                trace.note("asked", [asked, dict(sorted(given.items()))])
            if isinstance(answer, dict):
                await fail(trace, task, **answer)
            else:
                await complete(trace, task, answer)
            trace.note(label, await asking)


@scenario
async def nexus_dispatch_time_outs(trace: Trace) -> None:
    async with door(trace) as it:
        path = f"{it.by_endpoint}/s/o"
        for time_out in ("1500ms", "2s", "0.03m", "900ms", "10ms"):
            trace.note(f"nobody for {time_out}", await it.ask(path, headers={**JSON, "Request-Timeout": time_out}))
        for time_out in ("soon", "-1s", "1h", "1 s", "1"):
            trace.note(f"{time_out}", await it.ask(path, headers={**JSON, "Request-Timeout": time_out}))
        asking = asyncio.create_task(it.ask(path, headers={**JSON, "Request-Timeout": "2s"}))
        task = await poll(trace)
        trace.note("taken and not answered", await asking)
        await trace.refusal("answered too late", complete(trace, task, at_once()))
        await trace.refusal("failed too late", fail(trace, task, failure=handler("INTERNAL")))
        asking = asyncio.create_task(it.ask(f"{path}/cancel?token=t", b"", {"Request-Timeout": "1500ms"}))
        trace.note("cancel", await asking)


@scenario
async def nexus_dispatch_refusals(trace: Trace) -> None:
    unknown = "/nexus/endpoints/00000000-0000-4000-8000-000000000000/services"
    async with door(trace) as it:
        target = EndpointTarget(external=EndpointTarget.External(url="http://localhost:1"))
        spec = EndpointSpec(name=f"{trace.prefix}-outside", target=target)
        made = await trace.client.operator_service.create_nexus_endpoint(CreateNexusEndpointRequest(spec=spec))
        external = f"/nexus/endpoints/{made.endpoint.id}/services"
        paths = {
            "no such endpoint": f"{unknown}/s/o",
            "target outside": f"{external}/s/o",
            "no such namespace": "/namespaces/nowhere/task-queues/q/nexus-services/s/o",
            "no operation": f"{it.by_endpoint}/s",
            "nothing": f"{it.by_endpoint}/",
            "too many parts": f"{it.by_endpoint}/s/o/p",
            "far too many parts": f"{it.by_endpoint}/s/o/t/p/cancel",
            "cancel without token": f"{it.by_endpoint}/s/o/cancel",
        }
        for label, path in paths.items():
            for support in ({}, NEW_FAILURES):
                trace.note(f"{label} {'newly' if support else ''}", await it.ask(path, headers={**JSON, **support}))
        for method in ("GET", "PUT", "DELETE"):
            trace.note(method, await it.ask(f"{it.by_endpoint}/s/o", None, method=method))
            trace.note(f"{method} elsewhere", await it.ask(f"{unknown}/s/o", None, method=method))
        for link in ("nowhere", "<a>", '<>; type="a"', '<a>; type="a b"', '<http://a>; type="b", <c>'):
            trace.note(f"link {link}", await it.ask(f"{it.by_endpoint}/s/o", headers={**JSON, "nexus-link": link}))
        request = DeleteNexusEndpointRequest(id=made.endpoint.id, version=made.endpoint.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)


@scenario
async def nexus_dispatch_malformed_id(trace: Trace) -> None:
    """Nobody has an endpoint of such an id."""
    async with door(trace) as it:
        for id in ("x", f"{trace.prefix}-desk"):
            trace.note("malformed", await it.ask(f"/nexus/endpoints/{id}/services/s/o", headers=JSON))


@scenario
async def nexus_dispatch_no_failure(trace: Trace) -> None:
    """What a worker may not answer."""
    async with door(trace) as it:
        asking = asyncio.create_task(it.ask(f"{it.by_endpoint}/s/o", headers=JSON))
        task = await poll(trace)
        await trace.refusal("nothing", fail(trace, task))
        await trace.refusal("no handler's", fail(trace, task, failure=DEEP))
        await trace.refusal(
            "bad details", fail(trace, task, error=HandlerError(error_type="INTERNAL", failure=NexusFailure(details=b"{")))
        )
        await trace.refusal("bad old details", complete(trace, task, operation_error("failed", b"{")))
        await complete(trace, task, at_once(JSON_OUT))
        trace.note("still with it", (None, await asking))


@scenario
async def nexus_dispatch_paths(trace: Trace) -> None:
    """Names are parts of the path, whatever is in them."""
    async with door(trace) as it:
        for service, operation in (("My%20Shop", "o"), ("s", "a%2Bb+c"), ("s", ""), ("%C3%B6", "o")):
            asking = asyncio.create_task(it.ask(f"{it.by_queue}/{service}/{operation}", headers=JSON))
            task = await asyncio.wait_for(poll(trace), 10)
            asked = task.request.start_operation
            trace.note(f"{service} {operation}", [asked.service, asked.operation])
            await complete(trace, task, at_once(JSON_OUT))
            await asking
        by_queue = it.by_queue.replace(trace.queue, f"{trace.queue}%20%C3%B6%2F1")
        trace.queue = f"{trace.queue} ö/1"
        asking = asyncio.create_task(it.ask(f"{by_queue}/s/o", headers=JSON))
        task = await asyncio.wait_for(poll(trace), 10)
        await complete(trace, task, at_once(JSON_OUT))
        trace.note("queue", await asking)
