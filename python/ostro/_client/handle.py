"""The handle of an execution: wait for it, talk to it, end it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .._base.config import config
from .._base.errors import CanceledFailure, RpcError, TerminatedFailure, TimeoutFailure, WorkflowFailedError
from .._definition.definition import MARK, WorkflowDefinition
from .._values import converter, failures
from .execution import Execution, execution_from_json, pending_from_json
from .update import UpdateHandle

if TYPE_CHECKING:
    from .client import Client

_DEADLINE_EXCEEDED = 4
_POLL_SECONDS = 60.0
_ANY = converter._ANY

R = TypeVar("R")
T = TypeVar("T")


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
        self.run_id: str = run_id or first_run_id
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
        try:
            return await self._outcome(kind, attributes, annotation)
        except WorkflowFailedError as error:
            # The program's own frames are what it looks for: those of the worker are in the causes.
            raise error.with_traceback(None)

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

    async def _outcome(self, kind: str, attributes: dict[str, Any], annotation: Any) -> Any:
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
            cause = TimeoutFailure(await self._time_out(), type=None)
        else:
            cause = RuntimeError(f"it ended as {kind}")
        raise WorkflowFailedError(f"{name} failed: {cause}") from cause

    async def _time_out(self) -> str:
        """Which time-out ended it, and where that is set."""
        answer = await self._client._call("DescribeWorkflowExecution", {"execution": self._execution()})
        given = answer.get("executionConfig", {})
        execution, run = given.get("workflowExecutionTimeout", "0s"), given.get("workflowRunTimeout", "0s")
        name, value = ("execution_timeout", execution) if execution not in ("0s", "") else ("run_timeout", run)
        return (
            f"it did not end within its {name.replace('_', ' ')} of {value}: it is that of its start, else of "
            f"@workflow.define({name}=...)"
        )

    async def describe(self) -> Execution:
        """What the engine knows of it. NotFoundError where there is none."""
        answer = await self._client._call("DescribeWorkflowExecution", {"execution": self._execution()})
        found = execution_from_json(answer["workflowExecutionInfo"])
        found.pending_activities = [pending_from_json(one) for one in answer.get("pendingActivities", [])]
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
        handle = await self._update(update, args, id, annotation, "COMPLETED")
        return await handle.result()

    @overload
    async def start_update(self, update: Callable[..., Awaitable[T]], *args: Any, id: str | None = None) -> UpdateHandle[T]: ...

    @overload
    async def start_update(self, update: Callable[..., T], *args: Any, id: str | None = None) -> UpdateHandle[T]: ...

    @overload
    async def start_update(self, update: str, *args: Any, id: str | None = None, annotation: Any = _ANY) -> UpdateHandle[Any]: ...

    async def start_update(self, update: Any, *args: Any, id: str | None = None, annotation: Any = _ANY) -> UpdateHandle[Any]:
        """Sends an update and returns when it is accepted, with the handle of its result. What refuses it is raised here."""
        return await self._update(update, args, id, annotation, "ACCEPTED")

    def get_update_handle(self, id: str, update: Any = None) -> UpdateHandle[Any]:
        """The handle of an update that was sent before, by its id; with its handler, its result has its type."""
        handler = None if update is None else getattr(update, MARK, None)
        return UpdateHandle(self._client, self._execution(), id, _ANY if handler is None else handler.signature.returns)

    def _update_request(self, update: Any, args: Sequence[Any], id: str | None, stage: str) -> tuple[str, dict[str, Any]]:
        name, payloads = self._message("updates", update, args)
        return name, {
            "workflowExecution": self._execution(),
            "waitPolicy": {"lifecycleStage": f"UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_{stage}"},
            "request": {
                "meta": {"updateId": id or str(uuid.uuid4()), "identity": config.identity()},
                "input": {"name": name, "args": payloads},
            },
        }

    async def _update(self, update: Any, args: Sequence[Any], id: str | None, annotation: Any, stage: str) -> UpdateHandle[Any]:
        name, request = self._update_request(update, args, id, stage)
        handle = self._update_handle(name, request, annotation)
        await handle.send(request)
        return handle

    def _update_handle(self, name: str, request: dict[str, Any], annotation: Any) -> UpdateHandle[Any]:
        handler = self._handler("updates", name)
        expected = handler.signature.returns if annotation is _ANY and handler else annotation
        return UpdateHandle(self._client, self._execution(), request["request"]["meta"]["updateId"], expected)

    async def cancel(self, reason: str = "") -> None:
        """Asks it to stop: its code gets `asyncio.CancelledError`."""
        request = {"workflowExecution": self._execution(), "reason": reason, "requestId": str(uuid.uuid4()), **self._chain()}
        await self._client._call("RequestCancelWorkflowExecution", request)

    async def terminate(self, reason: str = "") -> None:
        """Ends it at once: its code is not asked."""
        request = {"workflowExecution": self._execution(), "reason": reason, **self._chain()}
        await self._client._call("TerminateWorkflowExecution", request)

    async def reset(self, event_id: int, reason: str = "", *, reapply_signals: bool = True) -> WorkflowHandle[R]:
        """Ends its run and begins another from a workflow task of its history: `event_id` is that of the task's completion. The handle
        of the new run. Signals that came after are given to it, unless `reapply_signals=False`."""
        request = {
            "workflowExecution": self._execution(),
            "reason": reason,
            "workflowTaskFinishEventId": str(event_id),
            "requestId": str(uuid.uuid4()),
            "resetReapplyType": "RESET_REAPPLY_TYPE_ALL_ELIGIBLE" if reapply_signals else "RESET_REAPPLY_TYPE_NONE",
        }
        answer = await self._client._call("ResetWorkflowExecution", request)
        return WorkflowHandle(self._client, self.id, definition=self._definition, first_run_id=answer.get("runId", ""))

    async def delete(self) -> None:
        """Removes it with its history; one that runs is terminated."""
        await self._client._call("DeleteWorkflowExecution", {"workflowExecution": self._execution()})

    async def pause(self, reason: str = "") -> None:
        """It hears everything and does nothing until `unpause`."""
        await self._pause("PauseWorkflowExecution", reason)

    async def unpause(self, reason: str = "") -> None:
        """It goes on."""
        await self._pause("UnpauseWorkflowExecution", reason)

    async def _pause(self, method: str, reason: str) -> None:
        request = {"workflowId": self.id, "runId": self._one_run, "reason": reason, "requestId": str(uuid.uuid4())}
        await self._client._call(method, request)

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
        handler = getattr(message, MARK, None) if not isinstance(message, str) else self._handler(kind, message)
        name = handler.name if handler is not None else message
        what = f'the input of "{name}"'
        payloads = converter.encode_all(args, what) if handler is None else handler.signature.encode_message(args, what)
        return name, {"payloads": [failures.payload_to_json(payload) for payload in payloads]}
