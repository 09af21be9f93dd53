"""Workflows as children of the one that starts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._base.context import current_activity, require_workflow, workflow_instance
from .._base.duration import Duration
from .._base.errors import ErrorCode, WorkflowsException
from .._definition.definition import NamedWorkflow, WorkflowDefinition, definition_of
from .._definition.interceptor import Call, around
from .._definition.policies import IdReusePolicy, RetryPolicy
from .._values import converter, failures
from .child import ChildHandle, ParentClosePolicy, start_child


def _input(definition: WorkflowDefinition | NamedWorkflow, params: Any) -> Sequence[Any]:
    return () if params is converter._ANY or (params is None and not definition.entrypoint.parameters) else (params,)


async def execute_workflow(
    workflow: Any,
    params: Any = converter._ANY,
    execution_timeout: Duration | None = None,
    execution_id: str | None = None,
    wait: bool = True,
    parent_close_policy: ParentClosePolicy | None = None,
    *,
    task_queue: str | None = None,
    run_timeout: Duration | None = None,
    retry_policy: RetryPolicy | None = None,
    id_reuse_policy: IdReusePolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    returns: Any = converter._ANY,
) -> Any:
    """Runs a workflow as a child and gives its result, or with `wait=False` its handle once it has started.

    `workflow`: its class, or its name with `returns`, the type of its result. `params`: the entrypoint's argument, or a dictionary of its arguments. When the parent closes, the child is terminated; with
    `wait=False` it goes on (`parent_close_policy` says otherwise). Outside a workflow the entrypoint runs here, without an engine.
    """
    definition = _definition(workflow, returns)
    args = _input(definition, params)
    instance = workflow_instance()
    if instance is None:
        return await _run_directly(definition, args)
    default = ParentClosePolicy.TERMINATE if wait else ParentClosePolicy.ABANDON
    handle: ChildHandle = await _start(
        definition,
        args,
        {
            "execution_timeout": execution_timeout,
            "run_timeout": run_timeout,
            "execution_id": execution_id,
            "task_queue": task_queue,
            "retry_policy": retry_policy,
            "memo": memo,
            "id_reuse_policy": id_reuse_policy,
            "parent_close_policy": default if parent_close_policy is None else parent_close_policy,
        },
    )
    if wait:
        return await handle.result()
    await handle.wait_started()
    return handle


async def start_child_workflow(
    workflow: Any,
    params: Any = converter._ANY,
    *,
    id: str | None = None,
    task_queue: str | None = None,
    execution_timeout: Duration | None = None,
    run_timeout: Duration | None = None,
    parent_close_policy: ParentClosePolicy = ParentClosePolicy.TERMINATE,
    retry_policy: RetryPolicy | None = None,
    id_reuse_policy: IdReusePolicy | None = None,
    memo: Mapping[str, Any] | None = None,
    returns: Any = converter._ANY,
) -> ChildHandle:
    """Starts a child, a class or a name, and gives its handle once it runs: await that for its result, or signal and cancel it."""
    definition = _definition(workflow, returns)
    require_workflow("workflow.start_child()")
    handle: ChildHandle = await _start(
        definition,
        _input(definition, params),
        {
            "execution_timeout": execution_timeout,
            "run_timeout": run_timeout,
            "execution_id": id,
            "task_queue": task_queue,
            "retry_policy": retry_policy,
            "memo": memo,
            "id_reuse_policy": id_reuse_policy,
            "parent_close_policy": parent_close_policy,
        },
    )
    await handle.wait_started()
    return handle


def _definition(workflow: Any, returns: Any) -> WorkflowDefinition | NamedWorkflow:
    return NamedWorkflow(workflow, returns) if isinstance(workflow, str) else definition_of(workflow)


async def _start(definition: WorkflowDefinition | NamedWorkflow, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Starts a child through the interceptors."""
    instance = require_workflow("a child workflow")
    if not instance.interceptors:
        return start_child(instance, definition, args, **options)

    async def inner(call: Call) -> ChildHandle:
        return start_child(instance, definition, call.args, headers=failures.headers_to_payloads(call.headers), **options)

    return await around(instance.interceptors, "start_child", inner)(Call(definition.name, args, {}, {}))


async def _run_directly(definition: WorkflowDefinition | NamedWorkflow, args: Sequence[Any]) -> Any:
    if isinstance(definition, NamedWorkflow):
        raise WorkflowsException(
            f'workflow "{definition.name}" by its name is for workflow code: elsewhere start it with a client',
            code=ErrorCode.CONFIGURATION,
        )
    arguments = definition.decode_input(definition.encode_input(args))
    return await definition.call_entrypoint(definition.make(), arguments)


def get_execution_id() -> str | None:
    """The id of the execution whose workflow or activity code runs; `None` outside."""
    instance = workflow_instance()
    if instance is not None:
        return instance.workflow_id
    context = current_activity.get()
    return context.info.workflow_id if context is not None and context.info is not None else None
