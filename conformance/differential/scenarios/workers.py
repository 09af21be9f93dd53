"""What becomes of tasks whose worker leaves, dies, or gives answers that the server refuses."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import timedelta
from typing import Any

import grpc.aio
from by_hand import ByHand, command, outline, soon
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import RespondWorkflowTaskFailedRequest, WorkflowServiceStub
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from tracing import Trace, scenario
from workflows import ACTIVITIES, WORKFLOWS, Act, later

WORD = Payload(metadata={"encoding": b"json/plain"}, data=b'"x"')
#: How long one worker keeps giving an answer that is refused, in seconds.
REFUSED_SECONDS = 7
#: A task that waited for the queue of a worker that has left takes ten.
SOON_SECONDS = 4


def refusable() -> dict[str, Any]:
    """Commands that a server refuses, each for a reason of its own."""
    long = TaskQueue(name="q" * 1001)
    attributes = {"indexed_fields": {"NobodyRegisteredThis": WORD}}
    number = {"indexed_fields": {"CustomKeywordField": Payload(metadata={"encoding": b"json/plain"}, data=b"{")}}
    hour = timedelta(hours=1)
    return {
        "an attribute that is not registered": command("upsert_workflow_search_attributes", search_attributes=attributes),
        "an attribute's value": command("upsert_workflow_search_attributes", search_attributes=number),
        "a long queue, activity": command(
            "schedule_activity_task",
            activity_id="a",
            activity_type={"name": "A"},
            task_queue=long,
            start_to_close_timeout=hour,
        ),
        "a long queue, child": command(
            "start_child_workflow_execution", workflow_id="c", workflow_type={"name": "C"}, task_queue=long
        ),
        "a long queue, continue as new": command(
            "continue_as_new_workflow_execution", workflow_type={"name": "C"}, task_queue=long
        ),
        "an activity without time-outs": command(
            "schedule_activity_task", activity_id="a", activity_type={"name": "A"}, task_queue={"name": "q"}
        ),
        "no timer to cancel": command("cancel_timer", timer_id="none"),
        "a negative timer": command("start_timer", timer_id="t", start_to_fire_timeout=timedelta(seconds=-1)),
        "no endpoint": command("schedule_nexus_operation", endpoint="nobody-made-it", service="s", operation="o"),
        "nothing set: child": command("start_child_workflow_execution"),
        "nothing set: marker": command("record_marker"),
        "nothing set: cancel": command("request_cancel_external_workflow_execution"),
        "nothing set: attributes": command("upsert_workflow_search_attributes"),
    }


async def refused_for_a_while(it: ByHand, told: Any) -> list[Any]:
    """The refusal of each attempt that comes within a few seconds."""
    await it.start()
    begun, seen = time.monotonic(), []
    while time.monotonic() - begun < REFUSED_SECONDS:
        task = await it.poll(5)
        if not task.task_token:
            continue
        try:
            await it.complete(task, told)
            seen.append([task.attempt, "accepted"])
        except RPCError as error:
            seen.append([task.attempt, it.trace.normal.error(error)])
    return seen


@scenario
async def refused_answers_back_off(trace: Trace) -> None:
    """Whatever the reason for which an answer is refused, the next attempt waits."""
    commands = refusable()
    workflows = {name: ByHand(trace, name) for name in commands}
    seen = await asyncio.gather(*[refused_for_a_while(workflows[name], told) for name, told in commands.items()])
    for (name, it), attempts in zip(workflows.items(), seen, strict=True):
        for attempt, answered in attempts:
            trace.note(f"{name}: attempt {attempt}", answered)
        await trace.history(f"{name}: history", it.handle)
        await it.end()


@scenario
async def a_query_where_the_code_fails(trace: Trace) -> None:
    it = ByHand(trace)
    await it.start()
    failure = Failure(message="as told", application_failure_info=ApplicationFailureInfo(type="Told"))
    cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE
    for attempt in range(1, 5):
        task = await it.poll(15)
        request = RespondWorkflowTaskFailedRequest(
            namespace=it.namespace, task_token=task.task_token, cause=cause, failure=failure, identity="by hand"
        )
        await it.service.respond_workflow_task_failed(request)
        if attempt in (3, 4):
            await trace.outcome(f"after {attempt} failures", it.query(3))
    await it.end()


@scenario
async def a_worker_restarted_while_an_activity_runs(trace: Trace) -> None:
    """The task after the activity is the new worker's at once, not the old one's ten seconds later."""
    took = []
    for number in range(3):
        handle = await trace.start(Act.run, later.__name__, "", {"start_to_close_timeout": 60}, id=trace.id(f"w-{number}"))
        async with trace.worker(graceful_shutdown_timeout=timedelta()):
            await trace.until_pending(handle)
            # The task that scheduled the activity leaves its worker with a sticky queue that it polls.
            await soon()
        async with trace.worker():
            begun = time.monotonic()
            activity = trace.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="1")
            await activity.complete("done")
            await trace.outcome(f"result {number}", handle.result())
            took.append(time.monotonic() - begun < SOON_SECONDS)
    trace.note("soon", took)


@scenario
async def a_worker_restarted_with_its_connection(trace: Trace) -> None:
    """As a deployment does it: the new worker has a connection of its own, and the old one's is closed."""
    handle = await trace.start(Act.run, later.__name__, "", {"start_to_close_timeout": 60}, id=trace.id("w"))
    for number in range(2):
        client = await Client.connect(trace.client.service_client.config.target_host)
        worker = Worker(
            client,
            task_queue=trace.queue,
            workflows=WORKFLOWS,
            activities=ACTIVITIES,
            workflow_runner=UnsandboxedWorkflowRunner(),
            graceful_shutdown_timeout=timedelta(),
        )
        async with worker:
            if not number:
                await trace.until_pending(handle)
                await soon()
                continue
            begun = time.monotonic()
            activity = trace.client.get_async_activity_handle(workflow_id=handle.id, run_id=None, activity_id="1")
            await activity.complete("done")
            await trace.outcome("result", handle.result())
            trace.note("soon", time.monotonic() - begun < SOON_SECONDS)


async def given_up(it: ByHand, how: str) -> None:
    """A poll of the sticky queue whose caller cancels it, or whose connection closes."""
    channel = grpc.aio.insecure_channel(it.trace.client.service_client.config.target_host)
    # On such a channel the stub's calls can be awaited and cancelled; its types are those of the other kind.
    poll: Any = WorkflowServiceStub(channel).PollWorkflowTaskQueue(it.poll_request(sticky=True), timeout=30)
    waiting = asyncio.ensure_future(poll)
    await soon()
    if how == "cancelled":
        poll.cancel()
    await channel.close(None)
    await asyncio.wait([waiting])
    await soon()


@scenario
async def a_poll_that_was_given_up_takes_no_task(trace: Trace) -> None:
    """The task is there for the worker's next polls, of its own queue or of the one that all share."""
    for how in ("cancelled", "its connection closed"):
        it = ByHand(trace, how)
        await it.start()
        await it.complete(await it.poll(), sticky=True)
        await given_up(it, how)
        await it.handle.signal("signal")
        polls = await asyncio.gather(it.poll(4, sticky=True), it.poll(4))
        trace.note(how, sum(bool(task.task_token) for task in polls))
        await it.end()


@scenario
async def a_leaving_worker_among_others(trace: Trace) -> None:
    """One of two workers on a queue says goodbye: its poll ends, the other's goes on and gets the task."""
    it = ByHand(trace)
    await it.start()
    keys = [str(uuid.uuid4()) for _ in range(2)]
    leaving, staying = [asyncio.create_task(it.poll(6, worker_instance_key=key)) for key in keys]
    first, _ = await asyncio.wait([leaving, staying], return_when=asyncio.FIRST_COMPLETED)
    begun = first.pop()
    gone, other = (leaving, staying) if begun is staying else (staying, leaving)
    key = keys[0] if gone is leaving else keys[1]
    await it.shut_down(key)
    trace.note("its poll", outline(await asyncio.wait_for(gone, 3)))
    await it.complete(begun.result())
    again = asyncio.create_task(it.poll(6, worker_instance_key=keys[1] if key == keys[0] else keys[0]))
    await soon()
    await it.handle.signal("signal")
    trace.note("the other's", outline(await again))
    assert other.done()
    await it.end()
