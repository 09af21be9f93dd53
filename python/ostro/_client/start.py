"""The request that starts an execution, from what a program says of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol, TypedDict, TypeVar

from .._base.duration import Duration, optional
from .._definition.definition import definition_of
from .._definition.policies import IdConflictPolicy, IdReusePolicy, RetryPolicy
from .._definition.schedule import span
from .._values import converter, failures

R_co = TypeVar("R_co", covariant=True)


class Executes(Protocol[R_co]):
    """A workflow class whose entrypoint has the usual name: its result has its type in a client too."""

    async def execute(self, *args: Any, **kwargs: Any) -> R_co:
        """The entrypoint."""
        ...


class StartOptions(TypedDict, total=False):
    """What a start can say beside the workflow and its arguments."""

    #: Of the execution (random). AlreadyStartedError where one with it runs.
    id: str | None
    task_queue: str | None
    #: Of the whole, continued and retried runs included.
    execution_timeout: Duration | None
    #: Of one run.
    run_timeout: Duration | None
    #: Of one task of the workflow: how long a worker may take for it.
    task_timeout: Duration | None
    start_delay: Duration | None
    #: Gives the handle of the execution that runs, in place of AlreadyStartedError: as `IdConflictPolicy.USE_EXISTING`.
    use_existing: bool
    id_reuse_policy: IdReusePolicy | None
    id_conflict_policy: IdConflictPolicy | None
    retry_policy: RetryPolicy | None
    memo: dict[str, Any] | None
    search_attributes: dict[str, Any] | None
    #: Shown with it by consoles.
    summary: str | None
    #: 1 is taken first, 5 last.
    priority: int | None


_SPANS = {
    "execution_timeout": "workflowExecutionTimeout",
    "run_timeout": "workflowRunTimeout",
    "task_timeout": "workflowTaskTimeout",
    "start_delay": "workflowStartDelay",
}


def start_request(workflow: Any, args: Sequence[Any], default_queue: str, options: StartOptions) -> dict[str, Any]:
    """The request. WorkflowsException for input that does not fit; TypeError for an option that there is not."""
    unknown = sorted(set(options) - set(StartOptions.__annotations__))
    if unknown:
        raise TypeError(f"a start has no option {unknown[0]!r}; it has {', '.join(StartOptions.__annotations__)}")
    definition = None if isinstance(workflow, str) else definition_of(workflow)
    name = workflow if definition is None else definition.name
    what = f'the input of workflow "{name}"'
    payloads = converter.encode_all(args, what) if definition is None else definition.encode_input(args)
    request: dict[str, Any] = {
        "workflowId": options.get("id") or f"{name}-{uuid.uuid4().hex}",
        "workflowType": {"name": name},
        "taskQueue": {"name": options.get("task_queue") or default_queue},
        "input": {"payloads": [failures.payload_to_json(payload) for payload in payloads]},
        "requestId": str(uuid.uuid4()),
    }
    given: dict[str, Any] = dict(options)
    spans = {key: optional(given.get(key), key) for key in _SPANS}
    if spans["execution_timeout"] is None and definition is not None:
        spans["execution_timeout"] = definition.execution_timeout
    request.update({_SPANS[key]: span(value) for key, value in spans.items() if value})
    _add_policies(request, options)
    _add_fields(request, options)
    return request


def _add_policies(request: dict[str, Any], options: StartOptions) -> None:
    reuse, conflict, retry = options.get("id_reuse_policy"), options.get("id_conflict_policy"), options.get("retry_policy")
    if options.get("use_existing"):
        conflict = IdConflictPolicy.USE_EXISTING
    if reuse is not None:
        request["workflowIdReusePolicy"] = f"WORKFLOW_ID_REUSE_POLICY_{IdReusePolicy(reuse).value}"
    if conflict is not None:
        request["workflowIdConflictPolicy"] = f"WORKFLOW_ID_CONFLICT_POLICY_{IdConflictPolicy(conflict).value}"
    if retry is not None:
        request["retryPolicy"] = retry.to_json()


def _add_fields(request: dict[str, Any], options: StartOptions) -> None:
    memo, attributes, summary = options.get("memo"), options.get("search_attributes"), options.get("summary")
    if memo:
        request["memo"] = {"fields": fields(memo)}
    if attributes:
        request["searchAttributes"] = {"indexedFields": fields(attributes)}
    if summary:
        request["userMetadata"] = {"summary": failures.payload_to_json(converter.encode(summary))}
    if options.get("priority"):
        request["priority"] = {"priorityKey": options.get("priority")}


def fields(values: dict[str, Any]) -> dict[str, Any]:
    """Named values as Temporal's JSON."""
    return {key: failures.payload_to_json(converter.encode(value, what=f'the value of "{key}"')) for key, value in values.items()}
