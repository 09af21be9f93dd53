"""Activities: retries, time-outs, heartbeats, cancellation, completion by the client."""

from typing import Any

from temporalio.api.workflowservice import v1
from tracing import Trace, scenario
from workflows import Act, CancelActivity


async def run(trace: Trace, label: str, name: str, argument: str, options: dict[str, Any]) -> None:
    handle = await trace.start(Act.run, name, argument, options, id=trace.id(label))
    await trace.outcome(label, handle.result())
    await trace.history(f"{label}, history", handle)


@scenario
async def activity_retries(trace: Trace) -> None:
    async with trace.worker():
        await run(trace, "first-try", "echo", "hello", {"start_to_close_timeout": 5})
        await run(trace, "third-try", "fail_until", "3", {"start_to_close_timeout": 5})
        await run(trace, "given-up", "fail_until", "9", {"start_to_close_timeout": 5, "attempts": 2})
        await run(trace, "not-retryable", "fail_fatally", "no", {"start_to_close_timeout": 5})
        await run(trace, "type", "fail_until", "9", {"start_to_close_timeout": 5, "fatal": ["NotYet"]})
        await run(trace, "unknown", "no-such-activity", "", {"start_to_close_timeout": 5, "attempts": 1})


@scenario
async def activity_timeouts(trace: Trace) -> None:
    async with trace.worker():
        await run(trace, "start-to-close", "hang", "", {"start_to_close_timeout": 1, "attempts": 1})
        await run(trace, "schedule-to-close", "hang", "", {"schedule_to_close_timeout": 1})
        options = {"start_to_close_timeout": 5, "schedule_to_start_timeout": 1, "queue": trace.id("nobody")}
        await run(trace, "schedule-to-start", "echo", "", options)
        options = {"start_to_close_timeout": 9, "heartbeat_timeout": 1, "attempts": 1}
        await run(trace, "heartbeat", "hang", "", options)


@scenario
async def heartbeat_details(trace: Trace) -> None:
    async with trace.worker():
        await run(trace, "resumed", "resume", "", {"start_to_close_timeout": 5, "heartbeat_timeout": 5})


@scenario
async def activity_cancelled(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(CancelActivity.run)
        await trace.outcome("result", handle.result())
    await trace.history("history", handle)


@scenario
async def completion_by_id(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Act.run, "later", "", {"start_to_close_timeout": 20})
        await trace.until_pending(handle)
        activity = trace.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="1")
        await trace.outcome("heartbeat", activity.heartbeat("alive"))
        await trace.outcome("complete", activity.complete("from outside"))
        await trace.outcome("result", handle.result())
        await trace.refusal("complete again", activity.complete("again"))
    await trace.history("history", handle)


@scenario
async def failure_by_id(trace: Trace) -> None:
    async with trace.worker():
        handle = await trace.start(Act.run, "later", "", {"start_to_close_timeout": 20, "attempts": 1})
        await trace.until_pending(handle)
        activity = trace.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="1")
        await trace.refusal("cancelled though not asked to", activity.report_cancellation())
        await trace.outcome("fail", activity.fail(RuntimeError("from outside")))
        await trace.outcome("result", handle.result())
    await trace.history("history", handle)


@scenario
async def activity_completed_by_id_before_a_worker(trace: Trace) -> None:
    """Whoever knows the result need not wait for a worker; a failure needs one."""
    async with trace.worker():
        options = {"start_to_close_timeout": 30, "queue": f"{trace.queue}-nobody"}
        handle = await trace.start(Act.run, "echo", "x", options)
        await trace.until_event(handle, "activity_task_scheduled")
        service = trace.client.workflow_service
        named = {"namespace": "default", "workflow_id": handle.id, "activity_id": "1", "identity": "me"}
        fail = v1.RespondActivityTaskFailedByIdRequest(**named)
        fail.failure.application_failure_info.type = "Mine"
        await trace.refusal("fail", service.respond_activity_task_failed_by_id(fail))
        cancel = v1.RespondActivityTaskCanceledByIdRequest(**named)
        await trace.refusal("cancel", service.respond_activity_task_canceled_by_id(cancel))
        done = v1.RespondActivityTaskCompletedByIdRequest(**named)
        done.result.payloads.add(metadata={"encoding": b"json/plain"}, data=b'"by hand"')
        await trace.refusal("complete", service.respond_activity_task_completed_by_id(done))
        await trace.outcome("result", handle.result())
        await trace.history("history", handle)
