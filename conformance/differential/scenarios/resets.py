"""Reset: back to an earlier point, with what others did meanwhile done again."""

from __future__ import annotations

from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyExcludeType, ResetReapplyType
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle
from tracing import Trace, scenario
from workflows import Act, Parent, Wait


async def reset(trace: Trace, handle: WorkflowHandle[Any, Any], event: int, request: str = "request", **more: Any) -> str:
    execution = WorkflowExecution(workflow_id=handle.id, run_id=more.pop("run_id", ""))
    answer = await trace.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=trace.client.namespace,
            workflow_execution=execution,
            reason="for the test",
            workflow_task_finish_event_id=event,
            request_id=request,
            **more,
        )
    )
    return answer.run_id


async def describe(trace: Trace, label: str, handle: WorkflowHandle[Any, Any], run_id: str) -> None:
    execution = WorkflowExecution(workflow_id=handle.id, run_id=run_id)
    request = DescribeWorkflowExecutionRequest(namespace=trace.client.namespace, execution=execution)
    described = await trace.client.workflow_service.describe_workflow_execution(request)
    trace.note(label, trace.normal.message(described.workflow_extended_info))
    trace.note(f"{label}, status", described.workflow_execution_info.status)
    trace.note(f"{label}, activities", len(described.pending_activities))


def of_run(trace: Trace, handle: WorkflowHandle[Any, Any], run_id: str) -> WorkflowHandle[Any, Any]:
    return trace.client.get_workflow_handle(handle.id, run_id=run_id)


async def messages(trace: Trace) -> WorkflowHandle[Any, Any]:
    handle = await trace.start(Wait.run)
    await trace.until_event(handle, "workflow_task_completed")
    await handle.signal(Wait.say, "one")
    await trace.until_event(handle, "workflow_task_completed", 2)
    await handle.execute_update(Wait.add, "two", id="two")
    await handle.signal(Wait.say, "three")
    await trace.until_event(handle, "workflow_task_completed", 4)
    return handle


async def reset_messages(trace: Trace, **more: Any) -> None:
    async with trace.worker():
        handle = await messages(trace)
        run_id = await reset(trace, handle, 4, **more)
        old = of_run(trace, handle, handle.first_execution_run_id or "")
        new = of_run(trace, handle, run_id)
        await new.signal(Wait.go)
        await trace.outcome("result", new.result())
        await trace.history("old", old)
        await trace.history("new", new)
        await describe(trace, "old", handle, handle.first_execution_run_id or "")
        await describe(trace, "new", handle, run_id)


@scenario
async def reset_and_all_again(trace: Trace) -> None:
    await reset_messages(trace)


@scenario
async def reset_without_signals(trace: Trace) -> None:
    await reset_messages(trace, reset_reapply_exclude_types=[ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL])


@scenario
async def reset_with_signals_only(trace: Trace) -> None:
    await reset_messages(trace, reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_SIGNAL)


@scenario
async def reset_with_nothing(trace: Trace) -> None:
    await reset_messages(trace, reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_NONE)


@scenario
async def reset_without_worker(trace: Trace) -> None:
    handle = await trace.start(Wait.run)
    await handle.signal(Wait.say, "one")
    await trace.refusal("at the first event", reset(trace, handle, 1))
    await trace.refusal("beyond the end", reset(trace, handle, 4))
    await trace.refusal("before a workflow task", reset(trace, handle, 2))
    run_id = await reset(trace, handle, 3)
    await trace.history("new", of_run(trace, handle, run_id))
    await trace.history("old", of_run(trace, handle, handle.first_execution_run_id or ""))
    again = await reset(trace, handle, 3)
    trace.note("the same request makes the same run", again == run_id)
    await trace.refusal("no request id", reset(trace, handle, 3, request=""))


@scenario
async def reset_of_closed_run(trace: Trace) -> None:
    async with trace.worker():
        handle = await messages(trace)
        await handle.signal(Wait.go)
        await handle.result()
        run_id = await reset(trace, handle, 8)
        new = of_run(trace, handle, run_id)
        await trace.outcome("result", new.result())
        await trace.history("old", of_run(trace, handle, handle.first_execution_run_id or ""))
        await trace.history("new", new)
        second = await reset(trace, handle, 4, request="another", run_id=handle.first_execution_run_id)
        await trace.outcome("result of the second", of_run(trace, handle, second).result())
        await trace.history("second", of_run(trace, handle, second))
        await describe(trace, "old", handle, handle.first_execution_run_id or "")


@scenario
async def reset_with_activity(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Act.run, "fail_until", "2", {"start_to_close_timeout": 5})
        await handle.result()
        run_id = await reset(trace, handle, 10)
        await trace.outcome("after the activity", of_run(trace, handle, run_id).result())
        await trace.history("after the activity", of_run(trace, handle, run_id))
        run_id = await reset(trace, handle, 3, request="before")
        await trace.outcome("before the activity", of_run(trace, handle, run_id).result())
        await trace.history("before the activity", of_run(trace, handle, run_id))
        await trace.refusal("not at a workflow task", reset(trace, handle, 6, request="between"))


@scenario
async def reset_of_parent(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Parent.run, trace.id("child"), "ABANDON", False)
        await handle.result()
        run_id = await reset(trace, handle, 3)
        await trace.outcome("before the child", of_run(trace, handle, run_id).result())
        await trace.history("before the child", of_run(trace, handle, run_id))
