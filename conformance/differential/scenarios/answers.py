"""What a client or a worker is answered where two things happen at once, and what runs answer that wait or have ended."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import timedelta
from typing import Any

from by_hand import COMPLETED, ByHand, command, outline, soon, waited
from temporalio.api.common.v1 import Payload, Payloads, WorkerVersionStamp
from temporalio.api.enums.v1 import QueryResultType
from temporalio.api.query.v1 import WorkflowQueryResult
from temporalio.api.update.v1 import UpdateRef, WaitPolicy
from temporalio.api.workflowservice import v1
from temporalio.service import RPCError
from tracing import Trace, scenario
from workflows import Act, hang

ANSWERED = QueryResultType.QUERY_RESULT_TYPE_ANSWERED
FAILURE = {"message": "as told", "application_failure_info": {"type": "Told"}}
REFUSABLE = command("start_timer")
ANSWER = Payloads(payloads=[Payload(data=b"1")])


@scenario
async def update_deadlines(trace: Trace) -> None:
    it = ByHand(trace)
    await it.start()
    policy = WaitPolicy(lifecycle_stage=COMPLETED)
    reference = UpdateRef(workflow_execution=it.execution(), update_id="update")
    poll = v1.PollWorkflowExecutionUpdateRequest(namespace="default", update_ref=reference, wait_policy=policy)
    for seconds in (0.3, 1, 2.5):
        timeout = timedelta(seconds=seconds)
        trace.note(f"update, {seconds} s", await waited(it.update(seconds=seconds), seconds))
        polled = it.service.poll_workflow_execution_update(poll, timeout=timeout)
        trace.note(f"poll, {seconds} s", await waited(polled, seconds))
        other = ByHand(trace, f"with start {seconds}")
        operations = [
            {"start_workflow": other.start_request(workflow_id_conflict_policy=2)},
            {"update_workflow": other.update_request("u", COMPLETED)},
        ]
        both = v1.ExecuteMultiOperationRequest(
            namespace="default", operations=[v1.ExecuteMultiOperationRequest.Operation(**each) for each in operations]
        )
        started = it.service.execute_multi_operation(both, timeout=timeout)
        trace.note(f"with start, {seconds} s", await waited(started, seconds))
        await other.end()
    await it.end()


def endings() -> dict[str, tuple[dict[str, Any], Any]]:
    retry = {"retry_policy": {"initial_interval": timedelta(hours=1)}}
    return {
        "complete": ({}, command("complete_workflow_execution")),
        "fail": ({}, command("fail_workflow_execution", failure=FAILURE)),
        "fail, retried": (retry, command("fail_workflow_execution", failure=FAILURE)),
        "cancel": ({}, command("cancel_workflow_execution")),
        "continue as new": ({}, command("continue_as_new_workflow_execution")),
        "complete, cron": ({"cron_schedule": "@every 1h"}, command("complete_workflow_execution")),
    }


@scenario
async def update_while_a_task_ends_the_run(trace: Trace) -> None:
    for name, (options, ending) in endings().items():
        it = ByHand(trace, name)
        run = await it.start(**options)
        if "cron" in name:
            await it.signal_with_start()
        task = await it.poll()
        update = asyncio.create_task(it.update())
        await soon()
        await trace.refusal(f"{name}: task", it.complete(task, ending))
        await trace.outcome(f"{name}: update", update)
        await trace.history(f"{name}: history", trace.client.get_workflow_handle(it.id, run_id=run))
        await it.end()


@scenario
async def commands_after_the_end(trace: Trace) -> None:
    it = ByHand(trace)
    await it.start()
    task = await it.poll()
    end, timer = command("complete_workflow_execution"), command("start_timer", timer_id="t")
    for name, commands in {"timer": [end, timer], "end": [end, end], "between": [timer, end, timer]}.items():
        await trace.refusal(name, it.complete(task, *commands))
    await trace.refusal("once", it.complete(task, end))
    await trace.history("history", it.handle)


@scenario
async def refused_again_and_again(trace: Trace) -> None:
    """A worker whose answers the server refuses."""
    it = ByHand(trace)
    await it.start()
    taken = asyncio.create_task(it.update("taken"))
    await soon()
    begun, attempts = time.monotonic(), []
    while time.monotonic() - begun < 4:
        task = await it.poll(2.5)
        if task.task_token:
            attempts.append(outline(task))
            await trace.refusal(f"attempt {task.attempt}", it.complete(task, REFUSABLE))
    trace.note("attempts", attempts)
    await trace.outcome("update", taken)
    await trace.history("history", it.handle)
    await it.end()


@scenario
async def ends_of_the_wait_of_a_first_task(trace: Trace) -> None:
    waits: dict[str, dict[str, Any]] = {
        "delay": {"workflow_start_delay": timedelta(hours=1)},
        "cron": {"cron_schedule": "@every 10000h"},
    }
    for name, options in waits.items():
        for how in ("signal", "cancel", "signal with start", "update", "query"):
            it = ByHand(trace, f"{name}, {how}")
            await it.start(**options)
            update = asyncio.create_task(it.update()) if how == "update" else None
            if how == "signal":
                await it.handle.signal("signal")
            if how == "cancel":
                await it.cancel()
            if how == "signal with start":
                await it.signal_with_start()
            if how == "query":
                await trace.outcome(f"{name}, {how}", it.query())
            trace.note(f"{name}, {how}: task", outline(await it.poll(3)))
            await trace.history(f"{name}, {how}: history", it.handle)
            await it.end()
            if update:
                await trace.outcome(f"{name}, {how}: update", update)


@scenario
async def schedule_to_close_at_the_last_attempt(trace: Trace) -> None:
    async with trace.worker(graceful_shutdown_timeout=timedelta()):
        for attempts in (1, 0):
            options = {"schedule_to_close_timeout": 0.3, "attempts": attempts}
            handle = await trace.start(Act.run, hang.__name__, "", options, id=trace.id(f"attempts-{attempts}"))
            await trace.outcome(f"{attempts} attempts", handle.result())
            await trace.history(f"{attempts} attempts: history", handle)


@scenario
async def query_while_tasks_heartbeat(trace: Trace) -> None:
    it = ByHand(trace)
    await it.start()
    task = await it.poll()
    query = asyncio.create_task(it.query())
    await soon()
    for number in range(3):
        answers = {each: WorkflowQueryResult(result_type=ANSWERED, answer=ANSWER) for each in task.queries}
        await it.complete(task, force_create_new_workflow_task=True, query_results=answers)
        task = await it.poll()
        trace.note(f"task {number}", outline(task))
        if number == 0:
            trace.note("beside it", outline(await it.poll(2.5)))
    await trace.outcome("query", query)
    await it.end()


@scenario
async def cancellation_of_what_has_ended(trace: Trace) -> None:
    for name in ("completed", "terminated", "missing"):
        it, run = ByHand(trace, name), str(uuid.uuid4())
        if name != "missing":
            run = await it.start()
            if name == "completed":
                await it.complete(await it.poll(), command("complete_workflow_execution"))
            await it.end()
        for which in ("", run):
            label = f"{name}, {'by run' if which else 'newest'}"
            await trace.refusal(f"{label}: by a client", it.cancel(which))
            sender = ByHand(trace, f"to {label}")
            await sender.start()
            cancel = command("request_cancel_external_workflow_execution", workflow_id=it.id, run_id=which)
            signal = command(
                "signal_external_workflow_execution",
                execution={"workflow_id": it.id, "run_id": which},
                signal_name="signal",
            )
            for what, told in (("cancel", cancel), ("signal", signal)):
                await sender.complete(await sender.poll(), told)
                trace.note(f"{label}: {what} is heard of", outline(await sender.poll()) is not None)
                await sender.handle.terminate()
                await trace.history(f"{label}: {what}", sender.handle)
                await sender.start()
            await sender.end()


@scenario
async def queries_of_what_never_began(trace: Trace) -> None:
    for name, options in {"delayed": {"workflow_start_delay": timedelta(hours=1)}, "at once": {}}.items():
        it = ByHand(trace, name)
        await it.start(**options)
        if name == "delayed":
            await trace.outcome(f"{name}, open", it.query())
        await it.end()
        await trace.outcome(f"{name}, terminated", it.query())
        await trace.outcome(f"{name}, rejected", it.query(query_reject_condition=2))
    it = ByHand(trace, "in its first task")
    await it.start()
    await it.poll()
    await it.end()
    await trace.outcome("terminated in its first task", it.query())


async def builds_of(it: ByHand) -> Any:
    described = (await it.handle.describe()).raw_description
    fields = described.workflow_execution_info.search_attributes.indexed_fields
    return {name: fields[name].data.decode() for name in ("BuildIds", "BinaryChecksums") if name in fields}


@scenario
async def build_ids(trace: Trace) -> None:
    answers: dict[str, list[dict[str, Any]]] = {
        "no build": [{}],
        "builds": [{"worker_version_stamp": WorkerVersionStamp(build_id=build)} for build in ("one", "two", "one")],
        "checksum": [{"binary_checksum": "sum"}],
        "version set": [{"worker_version_stamp": WorkerVersionStamp(build_id="one")}],
    }
    for name, fields in answers.items():
        it = ByHand(trace, name)
        await it.start()
        for number, each in enumerate(fields):
            await it.complete(await it.poll(), **each)
            trace.note(f"{name}, {number}", await builds_of(it))
            await it.handle.signal("signal")
        if name == "builds":
            query = f"BuildIds = 'unversioned:two' AND WorkflowId = '{it.id}'"
            for _ in range(100):
                if [each.id async for each in trace.client.list_workflows(query)]:
                    break
                await asyncio.sleep(0.05)
            trace.note("found", [each.id async for each in trace.client.list_workflows(query)])
            await it.complete(await it.poll(), command("continue_as_new_workflow_execution"))
            trace.note("next run", await builds_of(it))
        await it.end()


@scenario
async def dates_far_away(trace: Trace) -> None:
    """Values of a search attribute of type Datetime, by its refusal or not."""
    for date in ("9999-12-31T23:59:59Z", "9999-12-30T22:00:01Z", "0001-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "soon"):
        it = ByHand(trace, date)
        value = Payload(metadata={"encoding": b"json/plain"}, data=f'"{date}"'.encode())
        attributes = {"indexed_fields": {"TemporalScheduledStartTime": value}}
        await trace.refusal(date, it.start(search_attributes=attributes))
        try:
            await it.handle.terminate()
        except RPCError:
            pass


@scenario
async def a_worker_that_says_goodbye(trace: Trace) -> None:
    """The next task does not wait on the queue of the worker that has left, nor with its polls."""
    it = ByHand(trace)
    await it.start()
    await it.complete(await it.poll(), sticky=True)
    key = str(uuid.uuid4())
    own = asyncio.create_task(it.poll(20, sticky=True, worker_instance_key=key))
    await soon()
    await it.shut_down(key)
    trace.note("its poll", outline(await own))
    await it.handle.signal("signal")
    trace.note("another worker", outline(await it.poll(4)))
    await it.end()


@scenario
async def histories_of_tasks_under_way(trace: Trace) -> None:
    """Tasks that are retries, or that only bring an update, are shown though they are not stored."""
    it = ByHand(trace)
    await it.start()
    await trace.refusal("refused", it.complete(await it.poll(), REFUSABLE))
    await trace.history("retry, waiting", it.handle)
    task = await it.poll()
    await trace.history("retry, with a worker", it.handle)
    await it.complete(task, command("start_timer", timer_id="t", start_to_fire_timeout=timedelta(hours=1)))
    await trace.history("done", it.handle)
    update = asyncio.create_task(it.update())
    await soon()
    await trace.history("update, waiting", it.handle)
    task = await it.poll()
    await trace.history("update, with a worker", it.handle)
    await pages(trace, it)
    await it.end()
    await trace.outcome("update", update)


async def pages(trace: Trace, it: ByHand) -> None:
    """The same by pages, whose borders are a server's own."""
    seen: list[int] = []
    request = v1.GetWorkflowExecutionHistoryRequest(namespace="default", execution=it.execution(), maximum_page_size=3)
    while True:
        page = await it.service.get_workflow_execution_history(request)
        seen += [event.event_id for event in page.history.events]
        request.next_page_token = page.next_page_token
        if not page.next_page_token:
            break
    trace.note("by pages", seen)
