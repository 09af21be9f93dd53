"""The client: start executions, talk to them, wait for them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._base.config import config
from .._base.errors import RpcError
from .._definition.definition import definition_of
from .._definition.interceptor import Call, Interceptor, around
from .._definition.policies import IdConflictPolicy
from .._values import converter, failures
from .activity_handle import ActivityHandle
from .batch import BatchCalls
from .connection import TLS, Connection
from .execution import Execution, execution_from_json
from .handle import WorkflowHandle
from .schedule_calls import ScheduleCalls
from .start import Executes, StartOptions, fields, start_request
from .update import UpdateHandle

if TYPE_CHECKING:
    from typing_extensions import Unpack

_POLL_SECONDS = 60.0

R = TypeVar("R")


class Client(ScheduleCalls, BatchCalls):
    """Talks to an engine: in this process, an Ostro server, or a Temporal cluster."""

    def __init__(self, connection: Connection, task_queue: str | None = None, interceptors: Sequence[Interceptor] = ()) -> None:
        self.connection = connection
        self.interceptors: tuple[Interceptor, ...] = tuple(interceptors)
        self.task_queue: str = task_queue or config.task_queue

    @staticmethod
    async def connect(
        address: str | None = None,
        *,
        namespace: str | None = None,
        task_queue: str | None = None,
        api_key: str | None = None,
        tls: TLS | bool | None = None,
        interceptors: Sequence[Interceptor] = (),
    ) -> Client:
        """A client of `address` (`OSTRO_ADDRESS`; an engine in this process where neither names a server).

        `tls`: whether TLS is spoken with the server, or how. An `api_key` leaves over TLS, or to this machine.
        """
        return Client(await Connection.open(address, namespace, api_key=api_key, tls=tls), task_queue, interceptors)

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
    async def start(self, workflow: type[Executes[R]], *args: Any, **options: Unpack[StartOptions]) -> WorkflowHandle[R]: ...

    @overload
    async def start(self, workflow: Any, *args: Any, **options: Unpack[StartOptions]) -> WorkflowHandle[Any]: ...

    async def start(self, workflow: Any, *args: Any, **options: Unpack[StartOptions]) -> WorkflowHandle[Any]:
        """Starts an execution of a workflow class, or of a workflow by its name; `StartOptions` says with what options.

        `args`: the entrypoint's arguments, or one dictionary of them. `id`: of the execution (random); AlreadyStartedError where
        one with it runs, unless `use_existing`. WorkflowsException for input that does not fit.
        """

        async def begin(request: dict[str, Any]) -> WorkflowHandle[Any]:
            return self._handle_of(workflow, request, await self._call("StartWorkflowExecution", request))

        return await self._begin(workflow, args, options, begin)

    async def _begin(
        self,
        workflow: Any,
        args: Sequence[Any],
        options: StartOptions,
        begin: Callable[[dict[str, Any]], Awaitable[WorkflowHandle[Any]]],
    ) -> WorkflowHandle[Any]:
        """Sends a start through the interceptors."""
        if not self.interceptors:
            return await begin(start_request(workflow, args, self.task_queue, options))

        async def inner(call: Call) -> WorkflowHandle[Any]:
            request = start_request(workflow, call.args, self.task_queue, options)
            if call.headers:
                request["header"] = {"fields": fields(call.headers)}
            return await begin(request)

        name = workflow if isinstance(workflow, str) else definition_of(workflow).name
        found: WorkflowHandle[Any] = await around(self.interceptors, "start_workflow", inner)(Call(name, args, {}, {}))
        return found

    def _handle_of(self, workflow: Any, request: dict[str, Any], answer: dict[str, Any]) -> WorkflowHandle[Any]:
        definition = None if isinstance(workflow, str) else definition_of(workflow)
        return WorkflowHandle(self, request["workflowId"], definition=definition, first_run_id=answer.get("runId", ""))

    @overload
    async def execute(self, workflow: type[Executes[R]], *args: Any, **options: Unpack[StartOptions]) -> R: ...

    @overload
    async def execute(self, workflow: Any, *args: Any, **options: Unpack[StartOptions]) -> Any: ...

    async def execute(self, workflow: Any, *args: Any, **options: Unpack[StartOptions]) -> Any:
        """Starts an execution and waits for its result; options as `start`."""
        return await (await self.start(workflow, *args, **options)).result()

    @overload
    async def signal_with_start(
        self,
        workflow: type[Executes[R]],
        *args: Any,
        signal: Any,
        signal_args: Sequence[Any] = (),
        **options: Unpack[StartOptions],
    ) -> WorkflowHandle[R]: ...

    @overload
    async def signal_with_start(
        self, workflow: Any, *args: Any, signal: Any, signal_args: Sequence[Any] = (), **options: Unpack[StartOptions]
    ) -> WorkflowHandle[Any]: ...

    async def signal_with_start(
        self, workflow: Any, *args: Any, signal: Any, signal_args: Sequence[Any] = (), **options: Unpack[StartOptions]
    ) -> WorkflowHandle[Any]:
        """Sends a signal to the execution with the id, which is started where none runs; in one step."""

        async def begin(request: dict[str, Any]) -> WorkflowHandle[Any]:
            name, payloads = self._handle_of(workflow, request, {})._message("signals", signal, signal_args)
            whole = {**request, "signalName": name, "signalInput": payloads}
            return self._handle_of(workflow, request, await self._call("SignalWithStartWorkflowExecution", whole))

        return await self._begin(workflow, args, options, begin)

    async def start_update_with_start(
        self,
        workflow: Any,
        *args: Any,
        update: Any,
        update_args: Sequence[Any] = (),
        update_id: str | None = None,
        **options: Unpack[StartOptions],
    ) -> UpdateHandle[Any]:
        """Sends an update to the execution with the id, which is started where none runs; in one step. Returns when the update is
        accepted. Give `id`, and an `id_conflict_policy`: without one, an execution that runs is used."""
        if not options.get("id"):
            raise TypeError("update-with-start: give the `id` of the execution that the update is for")
        if not options.get("id_conflict_policy"):
            options["id_conflict_policy"] = IdConflictPolicy.USE_EXISTING
        sent: list[UpdateHandle[Any]] = []

        async def begin(request: dict[str, Any]) -> WorkflowHandle[Any]:
            handle = self._handle_of(workflow, request, {})
            name, wanted = handle._update_request(update, update_args, update_id, "ACCEPTED")
            sent.append(handle._update_handle(name, wanted, converter._ANY))
            await self._start_and_update(sent[0], request, wanted)
            return handle

        await self._begin(workflow, args, options, begin)
        return sent[0]

    async def _start_and_update(self, handle: UpdateHandle[Any], start: dict[str, Any], update: dict[str, Any]) -> None:
        own = {"namespace": self.connection.namespace, "identity": config.identity()}
        operations = [{"startWorkflow": {**own, **start}}, {"updateWorkflow": {"namespace": self.connection.namespace, **update}}]
        answer = await self._call("ExecuteMultiOperation", {"operations": operations}, _POLL_SECONDS + 10)
        for one in answer.get("responses", []):
            if "updateWorkflow" in one:
                handle.heard(one["updateWorkflow"])

    async def update_with_start(
        self,
        workflow: Any,
        *args: Any,
        update: Any,
        update_args: Sequence[Any] = (),
        update_id: str | None = None,
        **options: Unpack[StartOptions],
    ) -> Any:
        """As `start_update_with_start`, and gives the update's result. What the handler raises is raised here."""
        handle = await self.start_update_with_start(
            workflow, *args, update=update, update_args=update_args, update_id=update_id, **options
        )
        return await handle.result()

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

    async def count_by(self, attribute: str, query: str = "") -> dict[str, int]:
        """How many executions a filter selects, for each value of a search attribute such as `ExecutionStatus`."""
        answer = await self._call("CountWorkflowExecutions", {"query": f"{query} GROUP BY {attribute}".strip()})
        return {
            str(converter.decode(failures.payload_from_json(group["groupValues"][0]))): int(group.get("count", 0))
            for group in answer.get("groups", [])
        }

    async def count(self, query: str = "") -> int:
        """How many executions a filter selects."""
        return int((await self._call("CountWorkflowExecutions", {"query": query})).get("count", 0))

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
        "SignalWithStartWorkflowExecution",
        "ResetWorkflowExecution",
        "PauseWorkflowExecution",
        "UnpauseWorkflowExecution",
        "StopBatchOperation",
        "SignalWorkflowExecution",
        "RequestCancelWorkflowExecution",
        "TerminateWorkflowExecution",
        "CreateSchedule",
        "UpdateSchedule",
        "PatchSchedule",
        "DeleteSchedule",
    ]
)


__all__ = ["Client", "Execution", "WorkflowHandle"]
