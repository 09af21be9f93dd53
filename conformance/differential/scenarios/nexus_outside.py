"""Nexus over HTTP: operations whose handler is outside, their callbacks to the server, callbacks of workflows to outside.

The servers must allow callbacks to localhost: see ../../README.md.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from outside import Answer, Outside, Request, outside, post
from temporalio import workflow
from temporalio.api.common.v1 import Callback, WorkflowType
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest, DeleteNexusEndpointRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from temporalio.common import RawValue
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from tracing import Trace, scenario
from workflows import Wait

FAILURE = '{"message": "sold out", "metadata": {"k": "v"}, "details": {"stock": 0}}'
HANDLER = '{"message": "not like this", "metadata": {"type": "nexus.HandlerError"}, "details": {"type": "%s"%s}}'
OPERATION = '{"message": "sold out", "metadata": {"type": "nexus.OperationError"}, "details": {"state": "%s"}%s}'
TEMPORAL = (
    '{"message": "deep", "stackTrace": "at", "metadata": {"type": "temporal.api.failure.v1.Failure"},'
    ' "details": {"applicationFailureInfo": {"type": "Deep", "nonRetryable": true}},'
    ' "cause": {"message": "deeper"}}'
)
LINK = (
    "<temporal:///namespaces/default/workflows/w/r/history?eventID=1&eventType=WorkflowExecutionStarted"
    '&referenceType=EventReference>; type="temporal.api.common.v1.Link.WorkflowEvent"'
)

#: What the outside answers to operations, by their name.
ANSWERS: dict[str, Answer] = {
    "json": Answer(200, b'"out"', {"content-type": "application/json", "nexus-link": LINK}),
    "bytes": Answer(200, b"\x01\x02", {"content-type": "application/octet-stream"}),
    "nothing": Answer(200),
    "other": Answer(200, b"<a/>", {"content-type": "text/xml", "content-language": "en"}),
    "failed": Answer.json(424, FAILURE, nexus_operation_state="failed"),
    "canceled": Answer.json(424, FAILURE, nexus_operation_state="canceled"),
    "failed-plainly": Answer.json(424, '{"message": "sold out"}', nexus_operation_state="failed"),
    "failed-newly": Answer.json(424, OPERATION % ("failed", "")),
    "canceled-newly": Answer.json(424, OPERATION % ("canceled", "")),
    "failed-with-cause": Answer.json(424, OPERATION % ("failed", ', "cause": ' + TEMPORAL)),
    "failed-deeply": Answer.json(424, TEMPORAL, nexus_operation_state="failed"),
    "bad-request": Answer.json(400, '{"message": "not like this"}'),
    "bad-request-newly": Answer.json(400, HANDLER % ("BAD_REQUEST", "")),
    "bad-request-without-words": Answer(400, b"no", {"content-type": "text/plain"}),
    "never-again": Answer.json(503, '{"message": "no"}', nexus_request_retryable="false"),
    "never-again-newly": Answer.json(503, HANDLER % ("UNAVAILABLE", ', "retryableOverride": false')),
    "not-found": Answer(404, b"", {}),
    "not-implemented": Answer.json(501, '{"message": "what?"}'),
}
#: What it answers the first time; then it succeeds.
ONCE: dict[str, Answer] = {
    "unavailable": Answer.json(503, '{"message": "later"}'),
    "internal": Answer.json(500, '{"message": "oops"}'),
    "conflict-retryable": Answer.json(409, '{"message": "later"}', nexus_request_retryable="true"),
    "teapot": Answer(418, b"short and stout", {"content-type": "text/plain"}),
    "teapot-json": Answer.json(418, '{"message": "short and stout"}'),
    "no-content-type": Answer(424, b"{}"),
    "no-state": Answer.json(424, FAILURE),
    "odd-state": Answer.json(201, '{"token": "t", "state": "succeeded"}'),
    "no-token": Answer.json(201, '{"state": "running"}'),
    "no-json": Answer.json(201, "{"),
    "bad-link": Answer(200, b'"out"', {"content-type": "application/json", "nexus-link": "nowhere"}),
}
#: Each JSON library has its own words, and the reference server forgets the reason of the other.
WORDED_OTHERWISE = {"no-json", "bad-link"}


def answers(request: Request, before: int) -> Answer:
    name = request.operation
    if name == "cancel":
        return Answer(202)
    if name.startswith("later"):
        return Answer.json(201, '{"token": "the token", "state": "running"}', nexus_link=LINK)
    if name in ONCE:
        return ONCE[name] if before == 0 else Answer.json(200, '"out"')
    return ANSWERS[name]


@workflow.defn
class CallsOutside:
    @workflow.run
    async def run(self, endpoint: str, operation: str, cancel_after: bool) -> Any:
        client = workflow.create_nexus_client(service="My Shop", endpoint=endpoint)
        started = await client.start_operation(
            operation,
            {"word": operation},
            output_type=RawValue,
            headers={"Trace": "1"},
            schedule_to_close_timeout=timedelta(seconds=30),
        )
        if cancel_after:
            started.cancel()
        await started
        return "answered"


async def create(trace: Trace, name: str, url: str) -> Any:
    target = EndpointTarget(external=EndpointTarget.External(url=url))
    spec = EndpointSpec(name=f"{trace.prefix}-{name}", target=target)
    request = CreateNexusEndpointRequest(spec=spec)
    return (await trace.client.operator_service.create_nexus_endpoint(request)).endpoint


@asynccontextmanager
async def endpoint(trace: Trace, service: Outside, path: str = "") -> AsyncIterator[str]:
    """An endpoint whose target is the service outside, and a worker for those who call it."""
    made = await create(trace, "outside", service.url + path)
    try:
        async with Worker(
            trace.client,
            task_queue=trace.queue,
            workflows=[CallsOutside, Wait],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            yield made.spec.name
    finally:
        request = DeleteNexusEndpointRequest(id=made.id, version=made.version)
        await trace.client.operator_service.delete_nexus_endpoint(request)


async def call(trace: Trace, endpoint: str, operation: str, cancel_after: bool = False) -> Any:
    return await trace.start(CallsOutside.run, endpoint, operation, cancel_after, id=trace.id(operation))


@scenario
async def nexus_outside_answers(trace: Trace) -> None:
    with outside(answers) as service:
        async with endpoint(trace, service) as name:
            for operation in ANSWERS:
                caller = await call(trace, name, operation)
                await trace.outcome(operation, caller.result())
                await trace.history(f"{operation}: history", caller)
        trace.note("first request", service.requests[0].seen())


@scenario
async def nexus_outside_answers_later(trace: Trace) -> None:
    """Each failure of a request, as it is shown while the next attempt waits."""
    with outside(answers) as service:
        for operation in ONCE:
            # An endpoint each: the reference server stops to call one that has failed five times.
            async with endpoint(trace, service, "/base/") as name:
                caller = await call(trace, name, operation)
                for _ in range(200):
                    pending = (await caller.describe()).raw_description.pending_nexus_operations
                    if pending and pending[0].HasField("last_attempt_failure"):
                        break
                    await asyncio.sleep(0.02)
                failure = trace.normal.message(pending[0].last_attempt_failure)
                if operation in WORDED_OTHERWISE:
                    failure.pop("message")
                trace.note(f"{operation}: pending", (pending[0].state, pending[0].attempt, failure))
                await trace.outcome(operation, caller.result())


@scenario
async def nexus_outside_that_nobody_serves(trace: Trace) -> None:
    with outside(answers) as service:
        pass
    async with endpoint(trace, service) as name:
        caller = await call(trace, name, "json")
        for _ in range(100):
            pending = (await caller.describe()).raw_description.pending_nexus_operations
            if pending and pending[0].HasField("last_attempt_failure"):
                break
            await asyncio.sleep(0.05)
        failure = pending[0].last_attempt_failure
        trace.note("pending", (pending[0].attempt, failure.application_failure_info.type))
        await caller.terminate()


async def complete(request: Request, state: str, body: str = '"out"', **more: str) -> tuple[int, str, str]:
    headers = {"content-type": "application/json", "nexus-operation-state": state, **more, **request.callback_headers()}
    return await asyncio.to_thread(post, request.callback, body.encode(), **headers)


@scenario
async def nexus_outside_calls_back(trace: Trace) -> None:
    ends: dict[str, tuple[str, dict[str, str]]] = {
        "succeeded": ('"out"', {}),
        "failed": (FAILURE, {}),
        "canceled": (FAILURE, {}),
        "failed newly": (OPERATION % ("failed", ""), {}),
        "failed with cause": (OPERATION % ("failed", ', "cause": ' + TEMPORAL), {}),
        "failed deeply": (TEMPORAL, {}),
    }
    with outside(answers) as service:
        async with endpoint(trace, service) as name:
            for end, (body, headers) in ends.items():
                operation = f"later {end}"
                caller = await call(trace, name, operation)
                path = "/My%20Shop/" + operation.replace(" ", "%20")
                request = await asyncio.to_thread(service.nth, path)
                await trace.until_event(caller, "nexus_operation_started")
                trace.note(f"{end}: called back", await complete(request, end.split()[0], body, **headers))
                status, _, said = await complete(request, end.split()[0], body, **headers)
                trace.note(f"{end}: twice", (status, json.loads(said)["details"]))
                await trace.outcome(end, caller.result())
                await trace.history(f"{end}: history", caller)
            trace.note("a request", service.requests[0].seen())


@scenario
async def nexus_outside_calls_back_wrongly(trace: Trace) -> None:
    with outside(answers) as service:
        async with endpoint(trace, service) as name:
            caller = await call(trace, name, "later")
            request = await asyncio.to_thread(service.nth, "/My%20Shop/later")
            await trace.until_event(caller, "nexus_operation_started")
            (header,) = request.callback_headers()
            elsewhere = request.callback.replace("/namespaces/default/", "/namespaces/elsewhere/")
            state = {"nexus-operation-state": "succeeded", "content-type": "application/json"}
            token = request.callback_headers()
            nowhere = {header: "nothing"}
            tries = {
                "no token": (request.callback, b"1", state),
                "no such token": (request.callback, b"1", {**state, **nowhere}),
                "other namespace": (elsewhere, b"1", {**state, **token}),
                "no state": (request.callback, b"1", token),
                "odd state": (request.callback, b"1", {**state, **token, "nexus-operation-state": "running"}),
                "no content type": (
                    request.callback,
                    b"1",
                    {**token, "nexus-operation-state": "failed", "content-type": "text/plain"},
                ),
                "no json": (request.callback, b"{", {**state, **token, "nexus-operation-state": "failed"}),
                "odd start": (request.callback, b"1", {**state, **token, "nexus-operation-start-time": "now"}),
                "odd close": (request.callback, b"1", {**state, **token, "nexus-operation-close-time": "now"}),
                "odd link": (request.callback, b"1", {**state, **token, "nexus-link": "nowhere"}),
                "too large": (request.callback, b"1" * (2 * 1024 * 1024 + 1), {**state, **token}),
                "long token": (request.callback, b"1", {**state, **token, "nexus-operation-token": "t" * 5000}),
            }
            for label, (url, body, headers) in tries.items():
                trace.note(label, await asyncio.to_thread(post, url, body, **headers))
            trace.note("right", await complete(request, "succeeded"))
            await trace.outcome("outcome", caller.result())


@scenario
async def nexus_outside_calls_back_before_it_answers(trace: Trace) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def late(request: Request, before: int) -> Answer:
        if request.operation == "early":
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)
            return Answer.json(201, '{"token": "the token", "state": "running"}')
        return answers(request, before)

    with outside(late) as service:
        async with endpoint(trace, service) as name:
            caller = await call(trace, name, "early")
            request = await asyncio.to_thread(service.nth, "/My%20Shop/early")
            headers = {
                "nexus-operation-token": "early token",
                "nexus-operation-start-time": "Mon, 02 Jan 2006 15:04:05 GMT",
                "nexus-operation-close-time": "2006-01-02T15:04:06Z",
                "nexus-link": LINK,
            }
            trace.note("called back", await complete(request, "succeeded", **headers))
            release.set()
            await trace.outcome("outcome", caller.result())
            await trace.history("history", caller)
            events = [event async for event in caller.fetch_history_events()]
            links = [[trace.normal.message(link) for link in event.links] for event in events if event.links]
            trace.note("links", links)
            trace.note("times", [event.event_time.seconds for event in events if event.event_time.seconds < 1_500_000_000])


@scenario
async def nexus_outside_is_cancelled(trace: Trace) -> None:
    with outside(answers) as service:
        async with endpoint(trace, service) as name:
            caller = await call(trace, name, "later", True)
            request = await asyncio.to_thread(service.nth, "/My%20Shop/later?")
            cancel = await asyncio.to_thread(service.nth, "/My%20Shop/later/cancel")
            trace.note("request to cancel", cancel.seen())
            # The end may not meet the answer to the cancellation, nor the workflow task for that: who comes first is nobody's
            # promise. The next scenario is about an end that is first.
            await trace.until_event(caller, "nexus_operation_cancel_request_completed")
            await trace.until_event(caller, "workflow_task_completed", 3)
            await complete(request, "canceled", '{"message": "gone"}')
            await trace.outcome("outcome", caller.result())
            await trace.history("history", caller)


@scenario
async def nexus_outside_ends_before_its_cancellation_is_answered(trace: Trace) -> None:
    ended = threading.Event()

    def late(request: Request, before: int) -> Answer:
        if request.operation == "cancel":
            ended.wait(20)
        return answers(request, before)

    with outside(late) as service:
        async with endpoint(trace, service) as name:
            caller = await call(trace, name, "later", True)
            request = await asyncio.to_thread(service.nth, "/My%20Shop/later?")
            await asyncio.to_thread(service.nth, "/My%20Shop/later/cancel")
            trace.note("called back", await complete(request, "canceled", '{"message": "gone"}'))
            await trace.outcome("outcome", caller.result())
            ended.set()
            await trace.history("history", caller)


@scenario
async def nexus_outside_endpoints(trace: Trace) -> None:
    urls = {
        "empty": "",
        "no scheme": "localhost:80/a",
        "other scheme": "ftp://localhost",
        "path only": "/a",
        "long": "http://localhost/" + "a" * 4096,
        "no host": "http://",
        "with query": "http://localhost:1/a?b=c",
    }
    operator = trace.client.operator_service
    for label, url in urls.items():
        target = EndpointTarget(external=EndpointTarget.External(url=url))
        spec = EndpointSpec(name=f"{trace.prefix}-{label.replace(' ', '-')}", target=target)
        try:
            made = await operator.create_nexus_endpoint(CreateNexusEndpointRequest(spec=spec))
        except Exception as error:
            trace.note(label, trace.normal.error(error))
        else:
            trace.note(label, trace.normal.message(made.endpoint.spec.target))
            request = DeleteNexusEndpointRequest(id=made.endpoint.id, version=made.endpoint.version)
            await operator.delete_nexus_endpoint(request)


def with_callback(trace: Trace, name: str, url: str, **fields: Any) -> StartWorkflowExecutionRequest:
    callback = Callback(nexus=Callback.Nexus(url=url, header={"Some": "header", "Nexus-Operation-Token": "mine"}))
    base = {
        "namespace": trace.client.namespace,
        "workflow_id": trace.id(name),
        "request_id": trace.id(f"request of {name}"),
        "workflow_type": WorkflowType(name="Wait"),
        "task_queue": TaskQueue(name=trace.queue),
        "completion_callbacks": [callback],
    }
    return StartWorkflowExecutionRequest(**{**base, **fields})


@scenario
async def callbacks_to_outside(trace: Trace) -> None:
    service_ = trace.client.workflow_service

    def answer(request: Request, before: int) -> Answer:
        match request.operation:
            case "unavailable" if before == 0:
                return Answer.json(503, '{"message": "later"}')
            case "bad":
                return Answer.json(400, '{"message": "not like this"}')
            case "bad-newly":
                return Answer.json(400, HANDLER % ("BAD_REQUEST", ""))
            case "missing":
                return Answer(404)
            case "teapot":
                return Answer.json(418, '{"message": "short"}') if before == 0 else Answer(200)
            case "broken":
                return Answer(500, b"x") if before == 0 else Answer(204)
        return Answer(200)

    with outside(answer) as service:
        async with Worker(trace.client, task_queue=trace.queue, workflows=[Wait], workflow_runner=UnsandboxedWorkflowRunner()):
            for end in ("done", "terminate", "cancel", "unavailable", "bad", "bad-newly", "missing", "teapot", "broken"):
                await service_.start_workflow_execution(with_callback(trace, end, f"{service.url}/{end}"))
                handle = trace.client.get_workflow_handle(trace.id(end))
                await trace.until_event(handle, "workflow_task_completed")
                standing = (await handle.describe()).raw_description.callbacks
                trace.note(f"{end}: standing by", [shown(trace, each, service) for each in standing])
                match end:
                    case "terminate":
                        await handle.terminate("enough")
                    case "cancel":
                        await handle.cancel()
                    case _:
                        await handle.signal("go")
                request = await asyncio.to_thread(service.nth, f"/{end}")
                trace.note(f"{end}: request", request.seen())
                await asyncio.sleep(0.3)
                after = (await handle.describe()).raw_description.callbacks
                trace.note(f"{end}: after the first attempt", [shown(trace, each, service) for each in after])
            for end in ("unavailable", "teapot", "broken"):
                await asyncio.to_thread(service.nth, f"/{end}", 2)
                await asyncio.sleep(0.3)
                handle = trace.client.get_workflow_handle(trace.id(end))
                after = (await handle.describe()).raw_description.callbacks
                trace.note(f"{end}: in the end", [shown(trace, each, service) for each in after])


def shown(trace: Trace, info: Any, service: Outside) -> Any:
    text = json.dumps(trace.normal.message(info)).replace(f"localhost:{service.port}", "localhost:$port")
    value = json.loads(text)
    for varies in ("registrationTime", "lastAttemptCompleteTime", "nextAttemptScheduleTime"):
        value[varies] = varies in value
    return value


@scenario
async def callbacks_that_are_refused(trace: Trace) -> None:
    urls = {
        "no scheme": "localhost",
        "other scheme": "ftp://localhost:1",
        "no host": "http://",
        "not allowed": "http://elsewhere.example/a",
        "insecure": "http://a.secure.example/a",
        "secure": "https://a.secure.example/a",
        "long": "http://localhost:1/" + "a" * 1000,
        "system with path": "temporal://system/a",
        "bad": "http://localhost:1/%zz",
    }
    for label, url in urls.items():
        request = with_callback(trace, f"refused-{label}", url)
        await trace.refusal(label, trace.client.workflow_service.start_workflow_execution(request))
    many = [Callback(nexus=Callback.Nexus(url="http://localhost:1"))] * 3000
    request = with_callback(trace, "many", "", completion_callbacks=many)
    await trace.refusal("many", trace.client.workflow_service.start_workflow_execution(request))
    header = Callback(nexus=Callback.Nexus(url="http://localhost:1", header={"k": "v" * 9000}))
    request = with_callback(trace, "header", "", completion_callbacks=[header])
    await trace.refusal("large header", trace.client.workflow_service.start_workflow_execution(request))
    request = with_callback(trace, "none", "", completion_callbacks=[Callback()])
    await trace.refusal("no variant", trace.client.workflow_service.start_workflow_execution(request))
