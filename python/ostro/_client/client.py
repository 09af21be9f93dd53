"""The client: start executions, talk to them, wait for them."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar, overload

from .._base.config import config
from .._base.duration import Duration, optional
from .._base.errors import CanceledFailure, RpcError, TerminatedFailure, TimeoutFailure, WorkflowFailedError
from .._definition.definition import WorkflowDefinition, definition_of
from .._definition.schedule import Schedule, _span
from .._values import converter, failures
from .activity_handle import ActivityHandle
from .connection import TLS, Connection
from .execution import Execution, execution_from_json

_DEADLINE_EXCEEDED = 4
_POLL_SECONDS = 60.0
_ANY = converter._ANY


R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class Executes(Protocol[R_co]):
    """A workflow class whose entrypoint has the usual name: its result has its type in a client too."""

    async def execute(self, *args: Any, **kwargs: Any) -> R_co: ...


class WorkflowHandle(Generic[R]):
    """An execution, by its id; of one run if `run_id` is given, else of the latest: it follows where an execution continues as new."""

    def __init__(
        self,
        client: Client,
        workflow_id: str,
        run_id: str = "",
        definition: WorkflowDefinition | None = None,
        *,
        first_run_id: str = "",
    ) -> None:
        self._client = client
        self._definition = definition
        self.id = workflow_id
        #: The run that it began with, or the one that it is of.
        self.run_id = run_id or first_run_id
        self._one_run = run_id
        self._first_run = first_run_id

    def _execution(self, run_id: str | None = None) -> dict[str, str]:
        return {"workflowId": self.id, "runId": self._one_run if run_id is None else run_id}

    def _chain(self) -> dict[str, str]:
        """Of a request that ends the execution: it must be the chain of runs that this handle began with."""
        return {"firstExecutionRunId": self._first_run} if self._first_run else {}

    @overload
    async def result(self, *, follow_runs: bool = True) -> R: ...

    @overload
    async def result(self, annotation: type[T], *, follow_runs: bool = True) -> T: ...

    @overload
    async def result(self, annotation: Any, *, follow_runs: bool = True) -> Any: ...

    async def result(self, annotation: Any = _ANY, *, follow_runs: bool = True) -> Any:
        """Waits for the result: as the workflow's annotation, or `annotation`, says. WorkflowFailedError where there is none."""
        async with self._client.connection.skipping():
            kind, attributes = await self._end(follow_runs)
        return self._outcome(kind, attributes, annotation)

    async def _end(self, follow_runs: bool) -> tuple[str, dict[str, Any]]:
        """The closing event: of the last run that followed, with `follow_runs`."""
        run_id = self.run_id
        while True:
            kind, attributes = await self._closing_event(run_id)
            following = attributes.get("newExecutionRunId")
            if following and follow_runs:
                run_id = following
                continue
            return kind, attributes

    async def _closing_event(self, run_id: str) -> tuple[str, dict[str, Any]]:
        request: dict[str, Any] = {
            "execution": self._execution(run_id),
            "waitNewEvent": True,
            "historyEventFilterType": "HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT",
        }
        while True:
            try:
                answer = await self._client._call("GetWorkflowExecutionHistory", request, _POLL_SECONDS + 10)
            except RpcError as error:
                if error.status == _DEADLINE_EXCEEDED:
                    continue
                raise
            for event in answer.get("history", {}).get("events", []):
                kind = event.get("eventType", "")
                if kind.startswith("EVENT_TYPE_WORKFLOW_EXECUTION_"):
                    name = next((key for key in event if key.endswith("EventAttributes")), "")
                    return kind.removeprefix("EVENT_TYPE_WORKFLOW_EXECUTION_"), event.get(name, {})
            request["nextPageToken"] = answer.get("nextPageToken", "")

    def _outcome(self, kind: str, attributes: dict[str, Any], annotation: Any) -> Any:
        if kind == "COMPLETED":
            payloads = attributes.get("result", {}).get("payloads", [])
            payload = failures.payload_from_json(payloads[0]) if payloads else None
            if annotation is _ANY and self._definition is not None:
                return self._definition.decode_result(payload)
            return converter.decode(payload, annotation)
        name = f'workflow "{self._definition.name}" ({self.id})' if self._definition else f"execution {self.id}"
        cause: Exception
        if kind == "FAILED":
            cause = failures.to_exception(failures.from_json(attributes.get("failure", {})))
        elif kind == "CANCELED":
            cause = CanceledFailure("it was cancelled")
        elif kind == "TERMINATED":
            cause = TerminatedFailure(f"it was terminated: {attributes.get('reason') or 'without a reason'}")
        elif kind == "TIMED_OUT":
            cause = TimeoutFailure("it did not end within its execution timeout", type=None)
        else:
            cause = RuntimeError(f"it ended as {kind}")
        raise WorkflowFailedError(f"{name} failed: {cause}") from cause

    async def describe(self) -> Execution:
        """What the engine knows of it. NotFoundError where there is none."""
        answer = await self._client._call("DescribeWorkflowExecution", {"execution": self._execution()})
        found = execution_from_json(answer["workflowExecutionInfo"])
        found.pending_activities = answer.get("pendingActivities", [])
        return found

    async def signal(self, signal: Any, *args: Any) -> None:
        """Sends a signal, by its handler or its name. WorkflowsException for input that does not fit the handler."""
        name, payloads = self._message("signals", signal, args)
        request = {"workflowExecution": self._execution(), "signalName": name, "input": payloads}
        request["requestId"] = str(uuid.uuid4())
        await self._client._call("SignalWorkflowExecution", request)

    @overload
    async def query(self, query: Callable[..., T], *args: Any) -> T: ...

    @overload
    async def query(self, query: str, *args: Any, annotation: Any = _ANY) -> Any: ...

    async def query(self, query: Any, *args: Any, annotation: Any = _ANY) -> Any:
        """The answer of a query, by its handler or its name. RpcError where the handler raises, or no worker answers."""
        name, payloads = self._message("queries", query, args)
        request = {"execution": self._execution(), "query": {"queryType": name, "queryArgs": payloads}}
        answer = await self._client._call("QueryWorkflow", request, _POLL_SECONDS)
        found = answer.get("queryResult", {}).get("payloads", [])
        handler = self._handler("queries", name)
        expected = handler.signature.returns if annotation is _ANY and handler else annotation
        return converter.decode(failures.payload_from_json(found[0]) if found else None, expected)

    @overload
    async def update(self, update: Callable[..., Awaitable[T]], *args: Any, id: str | None = None) -> T: ...

    @overload
    async def update(self, update: Callable[..., T], *args: Any, id: str | None = None) -> T: ...

    @overload
    async def update(self, update: str, *args: Any, id: str | None = None, annotation: Any = _ANY) -> Any: ...

    async def update(self, update: Any, *args: Any, id: str | None = None, annotation: Any = _ANY) -> Any:
        """Runs an update and gives its result, by its handler or its name. What the handler raises is raised here."""
        name, payloads = self._message("updates", update, args)
        update_id = id or str(uuid.uuid4())
        completed = {"lifecycleStage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"}
        request: dict[str, Any] = {
            "workflowExecution": self._execution(),
            "waitPolicy": completed,
            "request": {
                "meta": {"updateId": update_id, "identity": config.identity()},
                "input": {"name": name, "args": payloads},
            },
        }
        answer = await self._client._call("UpdateWorkflowExecution", request, _POLL_SECONDS + 10)
        while "outcome" not in answer:
            reference = {"workflowExecution": self._execution(), "updateId": update_id}
            try:
                answer = await self._client._call(
                    "PollWorkflowExecutionUpdate", {"updateRef": reference, "waitPolicy": completed}, _POLL_SECONDS + 10
                )
            except RpcError as error:
                if error.status != _DEADLINE_EXCEEDED:
                    raise
        outcome = answer["outcome"]
        if "failure" in outcome:
            raise failures.to_exception(failures.from_json(outcome["failure"]))
        found = outcome.get("success", {}).get("payloads", [])
        handler = self._handler("updates", name)
        expected = handler.signature.returns if annotation is _ANY and handler else annotation
        return converter.decode(failures.payload_from_json(found[0]) if found else None, expected)

    async def cancel(self, reason: str = "") -> None:
        """Asks it to stop: its code gets `asyncio.CancelledError`."""
        request = {"workflowExecution": self._execution(), "reason": reason, "requestId": str(uuid.uuid4()), **self._chain()}
        await self._client._call("RequestCancelWorkflowExecution", request)

    async def terminate(self, reason: str = "") -> None:
        """Ends it at once: its code is not asked."""
        request = {"workflowExecution": self._execution(), "reason": reason, **self._chain()}
        await self._client._call("TerminateWorkflowExecution", request)

    async def history(self) -> dict[str, Any]:
        """Its history, as Temporal's tools export it: what `replay` takes."""
        events: list[Any] = []
        request: dict[str, Any] = {"execution": self._execution(), "maximumPageSize": 1000}
        while True:
            answer = await self._client._call("GetWorkflowExecutionHistory", request)
            events.extend(answer.get("history", {}).get("events", []))
            token = answer.get("nextPageToken")
            if not token:
                return {"events": events}
            request["nextPageToken"] = token

    def _handler(self, kind: str, name: str) -> Any:
        return getattr(self._definition, kind).get(name) if self._definition is not None else None

    def _message(self, kind: str, message: Any, args: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        from .._definition.definition import MARK

        handler = getattr(message, MARK, None) if not isinstance(message, str) else self._handler(kind, message)
        name = handler.name if handler is not None else message
        what = f'the input of "{name}"'
        payloads = converter.encode_all(args, what) if handler is None else handler.signature.encode_message(args, what)
        return name, {"payloads": [failures.payload_to_json(payload) for payload in payloads]}


class Client:
    """Talks to an engine: in this process, an Ostro server, or a Temporal cluster."""

    def __init__(self, connection: Connection, task_queue: str | None = None) -> None:
        self.connection = connection
        self.task_queue = task_queue or config.task_queue

    @staticmethod
    async def connect(
        address: str | None = None,
        *,
        namespace: str | None = None,
        task_queue: str | None = None,
        api_key: str | None = None,
        tls: TLS | bool | None = None,
    ) -> Client:
        """A client of `address` (`OSTRO_ADDRESS`; an engine in this process where neither names a server).

        `tls`: whether TLS is spoken with the server, or how. An `api_key` leaves over TLS, or to this machine.
        """
        return Client(await Connection.open(address, namespace, api_key=api_key, tls=tls), task_queue)

    async def close(self) -> None:
        """Closes the connection, and the engine where that is in this process and nobody else uses it."""
        await self.connection.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _call(self, method: str, request: dict[str, Any], timeout: float | None = None) -> Any:
        body = {"namespace": self.connection.namespace, **request}
        if method in _WITH_IDENTITY:
            body["identity"] = config.identity()
        return await self.connection.call(method, body, timeout)

    @overload
    async def start(
        self,
        workflow: type[Executes[R]],
        *args: Any,
        id: str | None = ...,
        task_queue: str | None = ...,
        execution_timeout: Duration | None = ...,
        start_delay: Duration | None = ...,
        use_existing: bool = ...,
        memo: dict[str, Any] | None = ...,
        search_attributes: dict[str, Any] | None = ...,
    ) -> WorkflowHandle[R]: ...

    @overload
    async def start(
        self,
        workflow: Any,
        *args: Any,
        id: str | None = ...,
        task_queue: str | None = ...,
        execution_timeout: Duration | None = ...,
        start_delay: Duration | None = ...,
        use_existing: bool = ...,
        memo: dict[str, Any] | None = ...,
        search_attributes: dict[str, Any] | None = ...,
    ) -> WorkflowHandle[Any]: ...

    async def start(
        self,
        workflow: Any,
        *args: Any,
        id: str | None = None,
        task_queue: str | None = None,
        execution_timeout: Duration | None = None,
        start_delay: Duration | None = None,
        use_existing: bool = False,
        memo: dict[str, Any] | None = None,
        search_attributes: dict[str, Any] | None = None,
    ) -> WorkflowHandle[Any]:
        """Starts an execution of a workflow class, or of a workflow by its name.

        `args`: the entrypoint's arguments, or one dictionary of them. `id`: of the execution (random); AlreadyStartedError where
        one with it runs, unless `use_existing`. WorkflowsException for input that does not fit.
        """
        definition = None if isinstance(workflow, str) else definition_of(workflow)
        name = workflow if definition is None else definition.name
        payloads = (
            converter.encode_all(args, f'the input of workflow "{name}"') if definition is None else definition.encode_input(args)
        )
        timeout = optional(execution_timeout, "execution_timeout")
        if timeout is None and definition is not None:
            timeout = definition.execution_timeout
        workflow_id = id or f"{name}-{uuid.uuid4().hex}"
        request: dict[str, Any] = {
            "workflowId": workflow_id,
            "workflowType": {"name": name},
            "taskQueue": {"name": task_queue or self.task_queue},
            "input": {"payloads": [failures.payload_to_json(payload) for payload in payloads]},
            "requestId": str(uuid.uuid4()),
        }
        if timeout:
            request["workflowExecutionTimeout"] = _span(timeout)
        if start_delay is not None:
            request["workflowStartDelay"] = _span(optional(start_delay, "start_delay") or 0)
        if use_existing:
            request["workflowIdConflictPolicy"] = "WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING"
        if memo:
            request["memo"] = {"fields": _fields(memo)}
        if search_attributes:
            request["searchAttributes"] = {"indexedFields": _fields(search_attributes)}
        answer = await self._call("StartWorkflowExecution", request)
        return WorkflowHandle(self, workflow_id, definition=definition, first_run_id=answer.get("runId", ""))

    @overload
    async def execute(self, workflow: type[Executes[R]], *args: Any, **options: Any) -> R: ...

    @overload
    async def execute(self, workflow: Any, *args: Any, **options: Any) -> Any: ...

    async def execute(self, workflow: Any, *args: Any, **options: Any) -> Any:
        """Starts an execution and waits for its result; options as `start`."""
        return await (await self.start(workflow, *args, **options)).result()

    def activity(
        self, task_token: bytes | None = None, *, workflow_id: str = "", run_id: str = "", activity_id: str = ""
    ) -> ActivityHandle:
        """An activity that ended with `activity.complete_later()`: by its token, or by workflow and activity id."""
        if task_token is not None:
            return ActivityHandle(self.connection, {"taskToken": base64.b64encode(task_token).decode()})
        if not (workflow_id and activity_id):
            raise TypeError("client.activity(): give the task_token, or workflow_id and activity_id")
        return ActivityHandle(self.connection, {"workflowId": workflow_id, "runId": run_id, "activityId": activity_id})

    @overload
    def get_handle(self, workflow_id: str, run_id: str = ..., *, workflow: type[Executes[R]]) -> WorkflowHandle[R]: ...

    @overload
    def get_handle(self, workflow_id: str, run_id: str = ..., workflow: Any = ...) -> WorkflowHandle[Any]: ...

    def get_handle(self, workflow_id: str, run_id: str = "", workflow: Any = None) -> WorkflowHandle[Any]:
        """The handle of an execution; with its class, results and answers have their types."""
        return WorkflowHandle(self, workflow_id, run_id, None if workflow is None else definition_of(workflow))

    async def list(self, query: str = "", limit: int | None = None) -> AsyncIterator[Execution]:
        """Executions that a filter selects, such as `WorkflowType = "x" AND ExecutionStatus = "Running"`; newest first."""
        request: dict[str, Any] = {"query": query, "pageSize": min(limit or 1000, 1000)}
        given = 0
        while True:
            answer = await self._call("ListWorkflowExecutions", request)
            for info in answer.get("executions", []):
                yield execution_from_json(info)
                given += 1
                if limit is not None and given >= limit:
                    return
            token = answer.get("nextPageToken")
            if not token:
                return
            request["nextPageToken"] = token

    async def count(self, query: str = "") -> int:
        """How many executions a filter selects."""
        return int((await self._call("CountWorkflowExecutions", {"query": query})).get("count", 0))

    # Schedules.

    async def put_schedule(self, schedule_id: str, workflow: Any, schedule: Schedule, *, task_queue: str | None = None) -> None:
        """Creates a schedule, or makes the one with this id like it."""
        definition = definition_of(workflow)
        args = () if schedule.input is None else (schedule.input,)
        payloads = [failures.payload_to_json(payload) for payload in definition.encode_input(args)]
        written = schedule.to_json(definition.name, task_queue or self.task_queue, payloads, definition.execution_timeout)
        request = {"scheduleId": schedule_id, "schedule": written, "requestId": str(uuid.uuid4())}
        try:
            await self._call("CreateSchedule", request)
        except RpcError as error:
            if error.status != 6:
                raise
            await self._call("UpdateSchedule", request)

    async def describe_schedule(self, schedule_id: str) -> dict[str, Any]:
        """A schedule as Temporal's JSON. NotFoundError where there is none."""
        found: dict[str, Any] = await self._call("DescribeSchedule", {"scheduleId": schedule_id})
        return found

    async def list_schedules(self) -> Sequence[dict[str, Any]]:
        """All schedules, as Temporal's JSON."""
        found: list[dict[str, Any]] = []
        request: dict[str, Any] = {"maximumPageSize": 1000}
        while True:
            answer = await self._call("ListSchedules", request)
            found.extend(answer.get("schedules", []))
            request["nextPageToken"] = answer.get("nextPageToken")
            if not request["nextPageToken"]:
                return found

    async def trigger_schedule(self, schedule_id: str) -> None:
        """Starts an execution of it now."""
        await self._patch_schedule(schedule_id, {"triggerImmediately": {}})

    async def pause_schedule(self, schedule_id: str, note: str = "paused") -> None:
        """Starts none until it is unpaused."""
        await self._patch_schedule(schedule_id, {"pause": note})

    async def unpause_schedule(self, schedule_id: str, note: str = "unpaused") -> None:
        """Starts them again."""
        await self._patch_schedule(schedule_id, {"unpause": note})

    async def delete_schedule(self, schedule_id: str) -> None:
        """Removes it; executions go on."""
        await self._call("DeleteSchedule", {"scheduleId": schedule_id})

    async def _patch_schedule(self, schedule_id: str, patch: dict[str, Any]) -> None:
        await self._call("PatchSchedule", {"scheduleId": schedule_id, "patch": patch, "requestId": str(uuid.uuid4())})

    async def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Returns when the engine answers for the namespace. RpcError after `timeout` seconds."""
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            try:
                await self._call("DescribeNamespace", {})
                return
            except RpcError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.2)


_WITH_IDENTITY = frozenset(
    [
        "StartWorkflowExecution",
        "SignalWorkflowExecution",
        "RequestCancelWorkflowExecution",
        "TerminateWorkflowExecution",
        "CreateSchedule",
        "UpdateSchedule",
        "PatchSchedule",
        "DeleteSchedule",
    ]
)


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    return {key: failures.payload_to_json(converter.encode(value, what=f'the value of "{key}"')) for key, value in values.items()}


__all__ = ["Client", "Execution", "WorkflowHandle"]
