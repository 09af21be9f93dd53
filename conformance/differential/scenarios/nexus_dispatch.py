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
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest, DeleteNexusEndpointRequest
from temporalio.api.workflowservice.v1 import (
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
LINK = (
    "temporal:///namespaces/default/workflows/w/r/history?eventID=1&eventType=WorkflowExecutionStarted&referenceType=EventReference"
)
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
