"""The handle of an update: its outcome, whenever it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._base.errors import RpcError
from .._values import converter, failures

if TYPE_CHECKING:
    from .client import Client

R = TypeVar("R")

_DEADLINE_EXCEEDED = 4
_POLL_SECONDS = 60.0


class UpdateHandle(Generic[R]):
    """An update that an execution has accepted."""

    def __init__(self, client: Client, execution: dict[str, str], id: str, annotation: Any) -> None:
        self._client = client
        self._execution = execution
        self._annotation = annotation
        self._outcome: dict[str, Any] | None = None
        #: Of the update, within its execution.
        self.id = id

    async def send(self, request: dict[str, Any]) -> None:
        """Asks until the execution has said what the request waits for. RpcError where it does not take it."""
        while True:
            try:
                answer = await self._client._call("UpdateWorkflowExecution", request, _POLL_SECONDS + 10)
            except RpcError as error:
                if error.status != _DEADLINE_EXCEEDED:
                    raise
                continue
            self.heard(answer)
            # Where the engine's own wait ended first, it has only been admitted.
            if self._outcome is not None or answer.get("stage", "").endswith(("_ACCEPTED", "_COMPLETED")):
                return

    def heard(self, answer: dict[str, Any]) -> None:
        """Takes what the engine says of it. Raises what refused it."""
        self._outcome = answer.get("outcome") or self._outcome
        rejected = self._outcome is not None and "failure" in self._outcome
        if rejected and self._outcome is not None:
            raise failures.to_exception(failures.from_json(self._outcome["failure"]))

    async def result(self) -> R:
        """Waits for its result. What its handler raises is raised here."""
        request = {
            "updateRef": {"workflowExecution": self._execution, "updateId": self.id},
            "waitPolicy": {"lifecycleStage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"},
        }
        while self._outcome is None:
            try:
                self.heard(await self._client._call("PollWorkflowExecutionUpdate", request, _POLL_SECONDS + 10))
            except RpcError as error:
                if error.status != _DEADLINE_EXCEEDED:
                    raise
        if "failure" in self._outcome:
            raise failures.to_exception(failures.from_json(self._outcome["failure"]))
        found = self._outcome.get("success", {}).get("payloads", [])
        result: R = converter.decode(failures.payload_from_json(found[0]) if found else None, self._annotation)
        return result
