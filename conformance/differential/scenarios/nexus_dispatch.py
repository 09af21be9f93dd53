"""Nexus over HTTP to workers: whoever is outside calls the operations that workers of this server answer."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import nexusrpc
from nexusrpc.handler import StartOperationContext, service_handler, sync_operation
from outside import Answer, Request, outside
from temporalio import nexus
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
    StartNexusOperationExecutionRequest,
    TerminateNexusOperationExecutionRequest,
)
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from tracing import Trace, scenario

from .nexus import Behind, create, workflow_error

#: Headers of the transport, which each server sends in its own way.
TRANSPORT = {"date", "content-length", "transfer-encoding", "connection", "vary", "server"}
JSON = {"content-type": "application/json"}
NEW_FAILURES = {"temporal-nexus-failure-support": "true"}
LINK = 'temporal:///namespaces/default/workflows/w/r/history?eventID=1&eventType=WorkflowExecutionStarted&referenceType=EventReference'
LINK_TYPE = "temporal.api.common.v1.Link.WorkflowEvent"
#: Headers that the Python client's `http.client` adds, or whose value is a time.
VARIES = {"accept-encoding", "request-timeout", "operation-timeout"}


@service_handler
class Desk:
    """Tells its caller what it was asked, or fails as it is told."""

    @sync_operation
    async def told(self, context: StartOperationContext, word: str) -> dict[str, Any]:
        headers = {key: "$" if key.lower() in VARIES else value for key, value in sorted(context.headers.items())}
        return {
            "word": word,
            "headers": headers,
            "request": context.request_id,
            "callback": context.callback_url,
            "callback headers": dict(sorted(context.callback_headers.items())),
            "links": [[link.url, link.type] for link in context.inbound_links],
        }

    @sync_operation
    async def now(self, context: StartOperationContext, word: str) -> str | None:
        match word:
            case "operation-failed":
                raise nexusrpc.OperationError("sold out", state=nexusrpc.OperationErrorState.FAILED)
            case "operation-canceled":
                raise nexusrpc.OperationError("gone", state=nexusrpc.OperationErrorState.CANCELED)
            case "with-cause":
                error = nexusrpc.OperationError("sold out", state=nexusrpc.OperationErrorState.FAILED)
                raise error from workflow_error("why")
            case "broken":
                raise ValueError("oops")
            case "application":
                raise workflow_error("an application's")
            case "never-again":
                raise nexusrpc.HandlerError("no", type=nexusrpc.HandlerErrorType.UNAVAILABLE, retryable_override=False)
            case "nothing":
                return None
            case "slow":
                await asyncio.sleep(4)
            case _ if word.isupper():
                raise nexusrpc.HandlerError("as told", type=nexusrpc.HandlerErrorType[word])
        context.outbound_links.append(nexusrpc.Link(url=LINK, type=LINK_TYPE))
        return word

    @sync_operation
    async def raw(self, context: StartOperationContext, data: bytes) -> bytes:
        return data[::-1]

    @nexus.workflow_run_operation
    async def later(self, context: nexus.WorkflowRunOperationContext, word: str) -> nexus.WorkflowHandle[str]:
        workflow_id, _, end = word.partition(" ")
        return await context.start_workflow(Behind.run, end, id=workflow_id)


@dataclass
class Door:
    """The HTTP interface of a server."""

    host: str
    by_endpoint: str
    by_queue: str

    async def ask(
        self, path: str, body: bytes | None = b'"in"', headers: dict[str, str] | None = None, method: str = "POST"
    ) -> dict[str, Any]:
        return await asyncio.to_thread(self._ask, path, body, headers or {}, method)

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str], method: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        seen: dict[str, Any] = {"status": answer.status}
        for key, value in answer.getheaders():
            if key.lower() not in TRANSPORT:
                seen.setdefault("headers", {}).setdefault(key.lower(), []).append(value)
        if said:
            kind = answer.headers.get("content-type", "")
            seen["body"] = shortened(json.loads(said)) if kind == "application/json" else said.decode("latin-1")
        return seen


def shortened(failure: Any) -> Any:
    """Without traces of Python, which name files of this machine."""
    if not isinstance(failure, dict):
        return failure
    if "stackTrace" in failure:
        failure = {**failure, "stackTrace": "$trace"}
    return {key: shortened(value) for key, value in failure.items()}


async def http_host(trace: Trace) -> str:
    """Where the server's HTTP interface is: it tells handlers outside, for their callbacks."""
    service = trace.client.workflow_service
    with outside(lambda _request, _before: Answer.json(201, '{"token": "t", "state": "running"}')) as there:
        target = EndpointTarget(external=EndpointTarget.External(url=there.url))
        spec = EndpointSpec(name=f"{trace.prefix}-there", target=target)
        made = await trace.client.operator_service.create_nexus_endpoint(CreateNexusEndpointRequest(spec=spec))
        named = {"namespace": trace.client.namespace, "operation_id": trace.id("where")}
        start = StartNexusOperationExecutionRequest(endpoint=spec.name, service="s", operation="o", **named)
        start.schedule_to_close_timeout.FromSeconds(30)
        await service.start_nexus_operation_execution(start)
        asked = await asyncio.to_thread(there.nth, "/s/o")
        await service.terminate_nexus_operation_execution(TerminateNexusOperationExecutionRequest(**named))
        request = DeleteNexusEndpointRequest(id=made.endpoint.id, version=made.endpoint.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)
    return urlsplit(asked.callback).netloc


@asynccontextmanager
async def door(trace: Trace) -> AsyncIterator[Door]:
    """Two ways to the task queue of this trace: through an endpoint, and by its name."""
    host = await http_host(trace)
    endpoint = await create(trace.client, f"{trace.prefix}-desk", trace.queue)
    try:
        by_queue = f"/namespaces/{trace.client.namespace}/task-queues/{trace.queue}/nexus-services"
        yield Door(host, f"/nexus/endpoints/{endpoint.id}/services", by_queue)
    finally:
        request = DeleteNexusEndpointRequest(id=endpoint.id, version=endpoint.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)


@asynccontextmanager
async def desk(trace: Trace) -> AsyncIterator[Door]:
    """With a worker that serves [`Desk`]."""
    async with (
        door(trace) as it,
        Worker(
            trace.client,
            task_queue=trace.queue,
            workflows=[Behind],
            nexus_service_handlers=[Desk()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        yield it


@scenario
async def nexus_dispatch_answers(trace: Trace) -> None:
    words = ("hello", "nothing", "operation-failed", "operation-canceled", "with-cause", "broken", "application", "never-again")
    kinds = tuple(each.name for each in nexusrpc.HandlerErrorType)
    async with desk(trace) as it:
        for way in (it.by_endpoint, it.by_queue):
            for word in (*words, *kinds):
                body = json.dumps(word).encode()
                for support in ({}, NEW_FAILURES):
                    label = f"{'endpoint' if way == it.by_endpoint else 'queue'}: {word} {'newly' if support else ''}"
                    trace.note(label, await it.ask(f"{way}/Desk/now", body, {**JSON, **support}))


@scenario
async def nexus_dispatch_tells_its_handler(trace: Trace) -> None:
    headers = {
        **JSON,
        "user-agent": "me/v1",
        "Nexus-Request-Id": "my request",
        "Nexus-Callback-Token": "secret",
        "Nexus-Callback-Other-Thing": "Kept As It Is",
        "Nexus-Link": f'<{LINK}>; type="{LINK_TYPE}", <http://a?b=c>; type="d"',
        "Operation-Timeout": "1m30s",
        "Request-Timeout": "20s",
        "X-Custom": "Value",
        "X-Forwarded-For": "somebody",
        "Xdc-Redirection": "false",
        **NEW_FAILURES,
    }
    async with desk(trace) as it:
        for way in (it.by_endpoint, it.by_queue):
            path = f"{way}/Desk/told"
            trace.note("all", await it.ask(f"{path}?callback=http%3A%2F%2Flocalhost%3A1%2Fa%3Fb%3Dc&other=1", headers=headers))
            trace.note("little", await it.ask(path, headers={**JSON, "user-agent": "me"}))
            odd = {**JSON, "user-agent": "me", "Operation-Timeout": "soon"}
            trace.note("odd time-out", await it.ask(path, headers=odd))


@scenario
async def nexus_dispatch_later(trace: Trace) -> None:
    """Started, called back; started, cancelled, called back."""
    with outside(lambda _request, _before: Answer(200)) as there:
        async with desk(trace) as it:
            for end in ("done", "fail", "cancelled"):
                behind = trace.client.get_workflow_handle(trace.id(f"behind-{end}"))
                headers = {**JSON, "Nexus-Callback-Token": "secret", "Nexus-Request-Id": f"request of {end}"}
                body = json.dumps(f"{behind.id} {end}").encode()
                path = f"{it.by_endpoint}/Desk/later?callback={there.url}/{end}"
                answer = await it.ask(path, body, headers)
                token = answer["body"].pop("token")
                links = answer["headers"].pop("nexus-link")
                trace.note(f"{end}: started", answer)
                trace.note(f"{end}: links", [link.split(">")[1] for link in links])
                again = await it.ask(path, body, headers)
                trace.note(f"{end}: asked twice", (again["status"], again["body"]["token"] == token))
                if end == "cancelled":
                    by_header = {"Nexus-Operation-Token": token}
                    trace.note("cancel", await it.ask(f"{it.by_endpoint}/Desk/later/cancel", b"", by_header))
                    trace.note("by query", await it.ask(f"{it.by_queue}/Desk/later/cancel?token={token}", b""))
                else:
                    await behind.signal(Behind.go)
                called = await asyncio.to_thread(there.nth, f"/{end}")
                trace.note(f"{end}: called back", called_back(called))
            wrong = {"Nexus-Operation-Token": "of nobody"}
            trace.note("no such token", await it.ask(f"{it.by_endpoint}/Desk/later/cancel", b"", wrong))


def called_back(request: Request) -> dict[str, Any]:
    seen = request.seen()
    headers = seen["headers"]
    assert isinstance(headers, dict)
    for own in ("nexus-link", "nexus-operation-token"):
        headers[own] = own in headers and "$"
    return {**seen, "body": shortened(json.loads(request.body))}


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
    request = RespondNexusTaskCompletedRequest(
        namespace=trace.client.namespace, task_token=task.task_token, response=response
    )
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
        for link in ("nowhere", "<a>", "<>; type=\"a\"", "<a>; type=\"a b\"", "<http://a>; type=\"b\", <c>"):
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
        await trace.refusal("bad details", fail(trace, task, error=HandlerError(error_type="INTERNAL", failure=NexusFailure(details=b"{"))))
        await trace.refusal("bad old details", complete(trace, task, operation_error("failed", b"{")))
        trace.note("still with it", (await complete(trace, task, at_once(JSON_OUT)), await asking))


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
