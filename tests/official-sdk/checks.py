"""What is checked, one function each, in the order in which they run."""

from __future__ import annotations

import asyncio
import datetime
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import seed_workflows
from lab import Lab, free_port, wait_for
from mistralai.client import errors
from secure import TlsProxy, make_certificates

#: A check gets the lab; what it asserts holds on every engine.
Check = Callable[..., Any]
CHECKS: list[Check] = []
QUICK: list[Check] = []


def check(quick: bool = False) -> Callable[[Check], Check]:
    def add(function: Check) -> Check:
        CHECKS.append(function)
        if quick:
            QUICK.append(function)
        return function

    return add


def execute(client: Any, name: str, input: Any = None, **more: Any) -> Any:
    # Other deployments of these workflows come and go.
    more.setdefault("deployment_name", "lab")
    return client.workflows.execute_workflow(workflow_identifier=name, input=input, **more)


def result(client: Any, execution_id: str, patience: float = 60) -> Any:
    """The execution once it is closed."""

    def closed() -> Any:
        execution = client.workflows.executions.get_workflow_execution(execution_id=execution_id)
        return execution if execution.status != "RUNNING" else None

    return wait_for(f"the end of {execution_id}", closed, patience)


def event_types(client: Any, execution_id: str) -> list[str]:
    with client.workflows.executions.stream(execution_id=execution_id) as stream:
        return [message.data.data.event_type for message in stream]


def refused(status: int, call: Any, code: str | None = None) -> Any:
    """The body of the refusal that `call` must meet."""
    try:
        call()
    except (errors.SDKError, errors.HTTPValidationError) as error:
        assert error.status_code == status, f"{error.status_code} {error.body}"
        body = httpx.Response(status, text=error.body).json()
        assert code is None or body["code"] == code, body
        return body
    raise AssertionError(f"was not refused with {status}")


@check(quick=True)
def seed_page(lab: Lab, client: Any) -> None:
    for name, input, expected in seed_workflows.EXAMPLES:
        # A workflow that gives no model gives {"result": ...}: a worker's own rule.
        answer = client.workflows.execute_workflow_and_wait(name, input, use_api_sync=True, timeout_seconds=60)
        assert answer == {"result": expected}, (name, answer)


@check(quick=True)
def registrations(lab: Lab, client: Any) -> None:
    listed = client.workflows.get_workflows(limit=5)
    names, page = [], listed
    while page is not None:
        names += [workflow.name for workflow in page.result.workflows]
        page = page.next()
    assert "user-workflow" in names and names == sorted(names), names
    assert not any(name.startswith("__") for name in names), names

    workflow = client.workflows.get_workflow(workflow_identifier="user-workflow").workflow
    assert workflow.active and workflow.name == "user-workflow"
    by_id = client.workflows.get_workflow(workflow_identifier=workflow.id).workflow
    assert by_id.name == "user-workflow"
    found = client.workflows.get_workflow_registrations(workflow_id=workflow.id, active_only=True, with_workflow=True)
    [registration] = found.workflow_registrations
    assert registration.definition.input_schema["properties"]["email"]["type"] == "string"
    assert registration.definition.execution_timeout == 3600
    one = client.workflows.get_workflow_registration(workflow_registration_id=registration.id)
    assert one.workflow_registration.active and one.workflow_registration.deployment_name == "lab"
    started = client.workflows.execute_workflow_registration(workflow_registration_id=registration.id, input={"email": "x"})
    assert result(client, started.execution_id).result == {"result": False}

    changed = client.workflows.update_workflow(
        workflow_identifier="user-workflow", display_name="Users", description="of users", tags=["people"]
    )
    assert changed.workflow.display_name == "Users"
    assert [each.name for each in client.workflows.get_workflows(tags=["people"]).result.workflows] == ["user-workflow"]
    body = refused(404, lambda: client.workflows.get_workflow(workflow_identifier="nobody"), "WF_1100")
    assert body["object"] == "Error" and "nobody" in body["message"]


@check()
def archive(lab: Lab, client: Any) -> None:
    workflow = client.workflows.archive_workflow(workflow_identifier="child").workflow
    assert workflow.archived
    refused(409, lambda: execute(client, "child", {"value": 1}), "WF_1102")
    assert "child" in [each.name for each in client.workflows.get_workflows(archived=True).result.workflows]
    assert not client.workflows.unarchive_workflow(workflow_identifier="child").workflow.archived
    unknown = str(uuid.uuid4())
    bulk = client.workflows.bulk_archive_workflows(workflow_ids=[workflow.id, unknown])
    assert [each.id for each in bulk.archived] == [workflow.id]
    assert [each.workflow_id for each in bulk.errored] == [unknown]
    back = client.workflows.bulk_unarchive_workflows(workflow_ids=[workflow.id])
    assert [each.id for each in back.unarchived] == [workflow.id]


@check(quick=True)
def inputs_are_checked_first(lab: Lab, client: Any) -> None:
    body = refused(422, lambda: execute(client, "user-workflow", {"email": 3}, execution_id="never-started"))
    assert body["detail"][0]["loc"] == ["body", "input", "email"], body
    refused(422, lambda: execute(client, "user-workflow", {"email": "x", "more": 1}))
    refused(404, lambda: client.workflows.executions.get_workflow_execution(execution_id="never-started"), "WF_1200")


@check(quick=True)
def streaming(lab: Lab, client: Any) -> None:
    started = execute(client, "streaming", {"words": ["a", "b", "c"]})
    with client.workflows.executions.stream(execution_id=started.execution_id) as stream:
        messages = list(stream)
    types = [message.data.data.event_type for message in messages]
    assert types[0] == "WORKFLOW_EXECUTION_STARTED" and types[-1] == "WORKFLOW_EXECUTION_COMPLETED", types
    expected = ["ACTIVITY_TASK_STARTED", "CUSTOM_TASK_STARTED", "CUSTOM_TASK_IN_PROGRESS"]
    assert types[1:4] == expected and "CUSTOM_TASK_COMPLETED" in types, types
    assert types.index("CUSTOM_TASK_COMPLETED") < types.index("ACTIVITY_TASK_COMPLETED"), types
    patches = [
        patch
        for message in messages
        if message.data.data.event_type == "CUSTOM_TASK_IN_PROGRESS"
        for patch in message.data.data.attributes.payload.value
    ]
    assert {patch.op for patch in patches} == {"append", "replace"}, patches
    state = {"text": "", "done": 0}
    for patch in patches:
        field = patch.path.strip("/")
        state[field] = state[field] + patch.value if patch.op == "append" else patch.value
    assert state == {"text": "abc", "done": 3}, "the patches lead from the first state to the last"
    numbers = [message.data.broker_sequence for message in messages]
    assert numbers == sorted(set(numbers))
    assert [int(message.id) for message in messages] == numbers

    # Cut off at any place, a stream goes on after it.
    middle = messages[3].id
    with client.workflows.executions.stream(execution_id=started.execution_id, last_event_id=middle) as stream:
        assert [message.id for message in stream] == [message.id for message in messages[4:]]
    with client.workflows.events.get_stream_events(root_workflow_exec_id=started.execution_id, last_event_id=middle) as stream:
        assert [message.id for message in stream] == [message.id for message in messages[4:]]
    with client.workflows.events.get_stream_events(
        root_workflow_exec_id=started.execution_id, start_seq=int(middle) + 1, scope="activity"
    ) as stream:
        assert [message.data.data.event_type for message in stream] == ["ACTIVITY_TASK_COMPLETED"]
    listed = client.workflows.events.get_workflow_events(workflow_exec_id=started.execution_id)
    assert [event.event_type for event in listed.events] == types


@check()
def interactive(lab: Lab, client: Any) -> None:
    started = execute(client, "interactive", {"what": "holiday"})
    executions = client.workflows.executions

    def pending() -> Any:
        answer = executions.query_workflow_execution(execution_id=started.execution_id, name="__get_pending_inputs")
        return answer.result["pending_inputs"]

    [waiting] = wait_for("the question", pending)
    assert waiting["label"] == "Approve" and "approved" in waiting["input_schema"]["properties"]
    submit = {"task_id": waiting["task_id"], "input": {"approved": "perhaps"}}
    refused(
        400,
        lambda: executions.update_workflow_execution(execution_id=started.execution_id, name="__submit_input", input=submit),
        "WF_1207",
    )
    submit["input"] = {"approved": True, "comment": "enjoy"}
    executions.update_workflow_execution(execution_id=started.execution_id, name="__submit_input", input=submit)
    closed = result(client, started.execution_id)
    assert closed.result == {"result": {"what": "holiday", "approved": True, "comment": "enjoy"}}
    assert "CUSTOM_TASK_COMPLETED" in event_types(client, started.execution_id)


@check(quick=True)
def conversation(lab: Lab, client: Any) -> None:
    executions = client.workflows.executions
    id = execute(client, "conversation", execution_id=f"talk-{uuid.uuid4()}").execution_id
    said = executions.signal_workflow_execution(execution_id=id, name="say", input={"text": "one"})
    assert said.message == "Signal accepted"
    # None of these reaches the workflow: each would wedge it.
    body = refused(422, lambda: executions.signal_workflow_execution(execution_id=id, name="say", input={"text": {"not": "text"}}))
    assert body["detail"][0]["loc"] == ["body", "input", "text"], body
    refused(404, lambda: executions.signal_workflow_execution(execution_id=id, name="shout"), "WF_1205")
    refused(
        422,
        lambda: executions.update_workflow_execution(execution_id=id, name="correct", input={"index": "first"}),
    )
    failed = refused(
        400,
        lambda: executions.update_workflow_execution(execution_id=id, name="correct", input={"index": 7, "text": "x"}),
        "WF_1207",
    )
    assert "nothing was said at 7" in failed["message"], failed
    corrected = executions.update_workflow_execution(execution_id=id, name="correct", input={"index": 0, "text": "two"})
    assert corrected.update_name == "correct" and corrected.result == {"heard": ["two"]}
    heard = executions.query_workflow_execution(execution_id=id, name="heard")
    assert heard.result == {"heard": ["two"]}
    refused(409, lambda: execute(client, "conversation", execution_id=id), "WF_1201")
    executions.signal_workflow_execution(execution_id=id, name="leave")
    assert result(client, id).result == {"result": {"heard": ["two"]}}
    # A closed execution answers queries, and takes no signals.
    assert executions.query_workflow_execution(execution_id=id, name="heard").result == {"heard": ["two"]}
    refused(409, lambda: executions.signal_workflow_execution(execution_id=id, name="leave"), "WF_1202")


@check()
def many_at_once(lab: Lab, client: Any) -> None:
    answer = client.workflows.execute_workflow_and_wait("parallel", {"count": 5}, polling_interval=1, max_attempts=60)
    assert answer == {"result": [0, 1, 4, 9, 16]}
    started = execute(client, "parent", {"value": 6})
    assert result(client, started.execution_id).result == {"result": 36}
    runs = client.workflows.runs.list_runs(root_execution_id=started.execution_id).result.executions
    assert {run.workflow_name for run in runs} == {"parent", "child"}
    # The stream of a root has its whole tree.
    with client.workflows.executions.stream(execution_id=started.execution_id) as stream:
        names = {message.data.data.workflow_name for message in stream}
    assert names == {"parent", "child"}


@check(quick=True)
def continue_as_new(lab: Lab, client: Any) -> None:
    answer = execute(client, "countdown", {"left": 2}, wait_for_result=True, timeout_seconds=60)
    assert answer.result == {"result": {"runs": 3}}
    types = event_types(client, answer.execution_id)
    assert types.count("WORKFLOW_EXECUTION_CONTINUED_AS_NEW") == 2, types
    assert types.count("WORKFLOW_EXECUTION_STARTED") == 3 and types[-1] == "WORKFLOW_EXECUTION_COMPLETED", types


@check()
def injection_and_search_keys(lab: Lab, client: Any) -> None:
    answer = execute(client, "injected", {"name": "Ada"}, wait_for_result=True, timeout_seconds=60)
    assert answer.result == {"result": "hello, Ada"}
    customer = f"Acme-{uuid.uuid4()}"
    done = execute(client, "searchable", {"customer": customer}, wait_for_result=True, timeout_seconds=60)
    with_keys = client.workflows.executions.get_workflow_execution(execution_id=done.execution_id, include_search_keys=True)
    assert with_keys.search_keys == {"customer": customer, "stage": "done"}, with_keys.search_keys

    def found() -> Any:
        wanted = [f"customer:{customer[:10].lower()}", "stage:done"]
        runs = client.workflows.runs.list_runs(search_key=wanted).result.executions
        return [run for run in runs if run.execution_id == done.execution_id]

    wait_for("the list of runs", found)


@check(quick=True)
def failures(lab: Lab, client: Any) -> None:
    failed = refused(409, lambda: execute(client, "failing", wait_for_result=True, timeout_seconds=60), "WF_1203")
    assert "the reason" in failed["message"], failed
    started = execute(client, "failing")
    assert result(client, started.execution_id).status == "FAILED"
    raw = httpx.get(f"{lab.url}/v1/workflows/executions/{started.execution_id}").json()
    assert raw["result"] is None and raw["error"]["cause"]["message"].endswith("the reason"), raw
    types = event_types(client, started.execution_id)
    assert types == [
        "WORKFLOW_EXECUTION_STARTED",
        "ACTIVITY_TASK_STARTED",
        "ACTIVITY_TASK_RETRYING",
        "ACTIVITY_TASK_FAILED",
        "WORKFLOW_EXECUTION_FAILED",
    ], types
    assert execute(client, "retrying", wait_for_result=True, timeout_seconds=60).result == {"result": 1}
    started = execute(client, "short-lived")
    assert result(client, started.execution_id).status == "TIMED_OUT"
    assert event_types(client, started.execution_id)[-1] == "WORKFLOW_EXECUTION_FAILED"
    refused(408, lambda: execute(client, "conversation", wait_for_result=True, timeout_seconds=0.5), "WF_1204")


@check(quick=True)
def stopping(lab: Lab, client: Any) -> None:
    executions = client.workflows.executions
    ids = [execute(client, "conversation").execution_id for _ in range(6)]
    for id in ids:
        executions.signal_workflow_execution(execution_id=id, name="say", input={"text": "hello"})
        executions.query_workflow_execution(execution_id=id, name="heard")
    executions.cancel_workflow_execution(execution_id=ids[0])
    executions.terminate_workflow_execution(execution_id=ids[1])
    cancelled = executions.batch_cancel_workflow_executions(execution_ids=[ids[2], "nobody"])
    assert cancelled.results[ids[2]].status == "success" and cancelled.results["nobody"].status == "failure"
    terminated = executions.batch_terminate_workflow_executions(execution_ids=[ids[3]])
    assert terminated.results[ids[3]].status == "success"
    assert [result(client, id).status for id in ids[:4]] == ["CANCELED", "TERMINATED", "CANCELED", "TERMINATED"]
    assert event_types(client, ids[0])[-1] == "WORKFLOW_EXECUTION_CANCELED"
    with executions.stream(execution_id=ids[1]) as stream:
        last = list(stream)[-1].data.data
    assert last.event_type == "WORKFLOW_EXECUTION_FAILED" and "terminated" in last.attributes.failure.message
    refused(404, lambda: executions.cancel_workflow_execution(execution_id="nobody"), "WF_1200")

    history = executions.get_workflow_execution_history(execution_id=ids[4])
    last_task = next(event for event in history["events"] if event["eventType"].endswith("WORKFLOW_TASK_COMPLETED"))
    executions.reset_workflow(execution_id=ids[4], event_id=int(last_task["eventId"]), reason="again", exclude_signals=True)
    wait_for(
        "the reset run",
        lambda: executions.query_workflow_execution(execution_id=ids[4], name="heard").result == {"heard": []},
    )
    for id in ids[4:]:
        executions.signal_workflow_execution(execution_id=id, name="leave")
        assert result(client, id).status == "COMPLETED"


@check(quick=True)
def runs_and_history(lab: Lab, client: Any) -> None:
    started = execute(client, "user-workflow", {"email": "a@b"}, execution_id=f"listed-{uuid.uuid4()}")
    closed = result(client, started.execution_id)
    runs = client.workflows.runs

    def listed() -> Any:
        page = runs.list_runs(
            workflow_identifier="user-workflow",
            search=started.execution_id,
            status=["COMPLETED"],
            deployment_name="lab",
            start_time_after=closed.start_time - datetime.timedelta(seconds=1),
            page_size=1,
        )
        return page.result.executions

    [run] = wait_for("the list of runs", listed)
    assert run.execution_id == started.execution_id and run.total_duration_ms is not None
    assert runs.get_run(run_id=run.run_id).result == {"result": True}
    history = runs.get_run_history(run_id=run.run_id)
    first = history["events"][0]["workflowExecutionStartedEventAttributes"]
    assert first["input"]["payloads"] == [{"email": "a@b"}], first
    raw = runs.get_run_history(run_id=run.run_id, decode_payloads=False)
    assert "metadata" in raw["events"][0]["workflowExecutionStartedEventAttributes"]["input"]["payloads"][0]
    # Every page, in one order, without gaps.
    seen: list[Any] = []
    page = runs.list_runs(page_size=3)
    while page is not None and len(seen) < 12:
        seen += [each.run_id for each in page.result.executions]
        page = page.next()
    assert len(seen) == len(set(seen)) and len(seen) >= 12


@check()
def traces(lab: Lab, client: Any) -> None:
    executions = client.workflows.executions
    traceparent = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    started = execute(client, "regular-driver", {"text": "traced"}, traceparent=traceparent)
    result(client, started.execution_id)
    id = started.execution_id
    events = executions.get_workflow_execution_trace_events(execution_id=id, merge_same_id_events=True).events
    activities = [event for event in events if event.name == "my_activity"]
    assert len(activities) == 2 and all(event.status == "COMPLETED" for event in activities), events
    plain = executions.get_workflow_execution_trace_events(execution_id=id).events
    every = executions.get_workflow_execution_trace_events(execution_id=id, include_internal_events=True).events
    assert len(every) > len(plain) and not any(event.internal for event in plain)
    if lab.otel:
        wait_for("its spans", lambda: executions.get_workflow_execution_trace_info(execution_id=id).has_trace_data, 30)
        wait_for("logs", lambda: client.workflows.deployments.get_deployment_logs(name="lab").results, 30)
    info = executions.get_workflow_execution_trace_info(execution_id=id)
    otel = executions.get_workflow_execution_trace_otel(execution_id=id)
    assert otel.otel_trace_id == info.otel_trace_id is not None
    if lab.otel:
        spans = [span for batch in otel.otel_trace_data.batches for scope in batch.scope_spans for span in scope.spans]
        assert all(span.trace_id == info.otel_trace_id for span in spans) and spans
    summary = executions.get_workflow_execution_trace_summary(execution_id=id)
    assert summary.span_tree.name and summary.span_tree.children is not None
    greeted = execute(client, "injected", {"name": "logs"}, wait_for_result=True).execution_id
    logs = executions.get_workflow_execution_logs
    if lab.otel:
        found = wait_for("its log", lambda: logs(execution_id=greeted, order="desc").results, 30)
        assert any("greeting logs" in record.body for record in found), found
    logs(execution_id=greeted)
    with executions.stream_workflow_execution_logs(execution_id=greeted) as stream:
        assert not lab.otel or any("greeting logs" in message.data.body for message in stream)


@check()
def deployments(lab: Lab, client: Any) -> None:
    area = client.workflows.deployments
    listed = area.list_deployments(workflow_name="user-workflow").deployments
    assert [each.name for each in listed] == ["lab"] and listed[0].is_active
    one = area.get_deployment(name="lab")
    assert one.active_worker_count == 1 and one.workers[0].name == "worker"
    workers = area.list_deployment_workers(name="lab").workers
    assert [each.name for each in workers] == ["worker"]
    refused(404, lambda: area.get_deployment(name="nobody"), "WF_1103")
    with area.stream_deployment_logs(name="lab") as stream:
        if lab.otel:
            message = next(iter(stream))
            assert message.event == "log" and message.data.body
    spec = {"github_url": "https://example.com/x"}
    for call in [
        lambda: area.create_deployment(name="x", spec=spec),
        lambda: area.update_deployment(name="x", spec=spec),
        lambda: area.delete_deployment(name="x"),
        lambda: area.stop_deployment(name="x"),
        lambda: area.start_deployment(name="x"),
        lambda: area.restart_deployment(name="x"),
    ]:
        refused(501, call, "WF_1003")


@check()
def metrics(lab: Lab, client: Any) -> None:
    measured = client.workflows.metrics.get_workflow_metrics(workflow_name="failing")
    assert measured.execution_count.value >= 2 and measured.error_count.value == measured.execution_count.value
    assert measured.retry_rate.value == 1 and measured.average_latency_ms.value > 0, measured
    assert measured.latency_over_time.value


@check()
def schedules(lab: Lab, client: Any) -> None:
    area = client.workflows.schedules
    id = f"hourly-{uuid.uuid4()}"
    definition = {
        "input": {"email": "a@b"},
        "intervals": [{"every": "PT1H"}],
        "policy": {"overlap": 6, "catchup_window_seconds": 60},
        "max_executions": 5,
    }
    made = area.schedule_workflow(schedule=definition, workflow_identifier="user-workflow", schedule_id=id)
    assert made.schedule_id == id
    refused(409, lambda: area.schedule_workflow(schedule=definition, workflow_identifier="user-workflow", schedule_id=id))
    bad = {**definition, "input": {"email": 1}}
    refused(422, lambda: area.schedule_workflow(schedule=bad, workflow_identifier="user-workflow"))
    read = area.get_schedule(schedule_id=id)
    assert read.workflow_name == "user-workflow" and read.input == {"email": "a@b"} and not read.paused
    assert read.intervals[0].every == "PT1H" and read.policy.overlap == 6 and read.remaining_executions == 5
    assert len(read.future_executions) > 0 and read.deployment_name == "lab"
    area.pause_schedule(schedule_id=id, note="later")
    paused = area.get_schedule(schedule_id=id)
    assert paused.paused and paused.note == "later"
    listed = wait_for("the list of schedules", lambda: area.get_schedules(status="paused").result.schedules)
    assert [each.schedule_id for each in listed] == [id]
    area.resume_schedule(schedule_id=id)
    area.update_schedule(schedule_id=id, schedule={"cron_expressions": ["0 9 * * MON-FRI"], "input": {"email": "x"}})
    changed = area.get_schedule(schedule_id=id)
    assert changed.input == {"email": "x"} and changed.calendars, changed
    area.trigger_schedule(schedule_id=id)
    recent = wait_for("its execution", lambda: area.get_schedule(schedule_id=id).recent_executions)
    done = result(client, recent[0].execution_id)
    assert done.result == {"result": False}, done
    events = client.workflows.events.get_workflow_events(workflow_exec_id=recent[0].execution_id).events
    assert {event.schedule_id for event in events} == {id}, events
    area.unschedule_workflow(schedule_id=id)
    refused(404, lambda: area.get_schedule(schedule_id=id), "WF_1300")

    often = {"input": {"email": "a@b"}, "intervals": [{"every": "PT1S"}], "max_executions": 2}
    id = area.schedule_workflow(schedule=often, workflow_identifier="user-workflow").schedule_id
    made = wait_for("what the clock starts", lambda: len(area.get_schedule(schedule_id=id).recent_executions) == 2)
    assert made
    for execution in area.get_schedule(schedule_id=id).recent_executions:
        assert result(client, execution.execution_id).result == {"result": True}
    area.unschedule_workflow(schedule_id=id)


@check()
def payload_encryption(lab: Lab, client: Any) -> None:
    from mistralai.extra.workflows import PayloadEncryptionConfig, WorkflowEncodingConfig, configure_workflow_encoding

    key = "0f" * 32
    lab.start_worker(
        "sealed",
        deployment="sealed",
        TEMPORAL_PAYLOAD_ENCRYPTION__MODE="full",
        TEMPORAL_PAYLOAD_ENCRYPTION__MAIN_KEY=key,
    )
    lab.wait_for_worker("sealed")
    owner = lab.client()
    encryption = PayloadEncryptionConfig(mode="full", main_key=key)
    config = WorkflowEncodingConfig(payload_encryption=encryption)
    # Without a namespace it asks the API for it.
    asyncio.run(configure_workflow_encoding(config, client=owner))
    started = execute(owner, "regular-driver", {"text": "secret"}, deployment_name="sealed")
    closed = result(owner, started.execution_id)
    assert closed.result["result"]["my"]["result"] == "secret", closed.result
    raw = httpx.get(f"{lab.url}/v1/workflows/executions/{started.execution_id}").text
    assert "secret" not in raw and '"encoding_options":["encrypted"]' in raw, raw
    kept = httpx.get(f"{lab.url}/v1/workflows/events/list?workflow_exec_id={started.execution_id}").text
    assert "secret" not in kept and "encrypted" in kept
    events = owner.workflows.events.get_workflow_events(workflow_exec_id=started.execution_id).events
    assert any("secret" in str(event.attributes) for event in events), events
    lab.processes.kill("sealed")


@check()
def versioning(lab: Lab, client: Any) -> None:
    lab.start_worker("versioned", deployment="versioned", BUILD_ID="v1", LOG_LEVEL="INFO")
    lab.wait_for_worker("versioned")
    said = "Successfully auto-registered worker as current version"
    wait_for("the current version", lambda: said in lab.processes.tail("versioned", 2000), 60)
    started = execute(client, "regular-driver", {"text": "v1"}, deployment_name="versioned")
    assert result(client, started.execution_id).status == "COMPLETED"
    history = client.workflows.executions.get_workflow_execution_history(execution_id=started.execution_id)
    assert "PINNED" in str(history), "the run is pinned to its version"
    lab.processes.kill("versioned")


@check(quick=True)
def why_it_waits(lab: Lab, client: Any) -> None:
    id = execute(client, "conversation").execution_id
    client.workflows.executions.query_workflow_execution(execution_id=id, name="heard")
    path = f"/v1/workflows/executions/{id}"
    waiting = lab.get(path).json()["waiting"]
    assert [reason["kind"] for reason in waiting] == ["message"] and not waiting[0]["blocked"], waiting
    assert "signal" in waiting[0]["sentence"], waiting
    assert lab.get(path, params={"include_waiting": "false"}).json()["waiting"] is None
    client.workflows.executions.signal_workflow_execution(execution_id=id, name="leave")
    run = result(client, id).run_id
    assert lab.get(path).json()["waiting"] == lab.get(f"/v1/workflows/runs/{run}").json()["waiting"] == []


@check()
def graphs(lab: Lab, client: Any) -> None:
    refused(404, lambda: raise_for(lab.get("/v1/workflows/parallel/graphs")), "WF_1107")
    lab.start_worker("drawing", deployment="drawing", UPLOAD_GRAPH="true")
    lab.wait_for_worker("drawing")

    def drawn() -> Any:
        answer = lab.get("/v1/workflows/parallel/graphs")
        return answer.json() if answer.status_code == 200 else None

    graph = wait_for("the graph", drawn)
    assert graph["error"] is None and graph["workflow_name"] == "parallel", graph
    assert {node["type"] for node in graph["graph_data"]["nodes"]} >= {"entrypoint"}, graph
    assert "sources" not in graph["graph_data"]
    lab.processes.kill("drawing")


def raise_for(answer: httpx.Response) -> None:
    if answer.is_error:
        raise errors.SDKError("refused", answer, answer.text)


@check(quick=True)
def keys_and_tls(lab: Lab, client: Any) -> None:
    """A server that is not open: official worker and client, temporalio's client and `ostro` over TLS with API keys."""
    guarded = lab.another("guarded", like_this=False)
    files = make_certificates(guarded.directory)
    guarded.authority = str(files.authority)
    guarded.url = guarded.url.replace("http:", "https:")
    guarded.settings = {"CA_BUNDLE": guarded.authority, "TEMPORAL_TLS_SERVER_ROOT_CA_CERT_PATH": guarded.authority}
    guarded.arguments = ["--access", "key", "--tls-cert", str(files.certificate), "--tls-key", str(files.key)]

    def key(role: str, *namespaces: str) -> str:
        names = [part for name in namespaces for part in ("--namespace", name)]
        command = ["token", "create", "--data", str(guarded.data), "--name", role, "--role", role, *names]
        return guarded.run(*command).strip()

    operator, worker, reader = key("operator"), key("worker"), key("reader")
    others = key("operator", "mistral-workflows")
    try:
        guarded.api_key = operator
        guarded.start_server()
        guarded.start_worker(MISTRAL_API_KEY=worker)
        guarded.wait_for_worker()
        name, input, expected = seed_workflows.EXAMPLES[4]
        own = guarded.client()
        answer = own.workflows.execute_workflow_and_wait(name, input, use_api_sync=True, timeout_seconds=60)
        assert answer == {"result": expected}, answer
        listed = own.workflows.runs.list_runs(page_size=1).result.executions
        for key_of, role in [(worker, "worker"), (reader, "reader"), (others, None), ("any", None)]:
            guarded.api_key = key_of
            stranger = guarded.client()
            if role:
                assert stranger.workflows.runs.list_runs(page_size=1).result.executions == listed
            status = 401 if key_of == "any" else 404 if key_of == others else 403
            refused(status, lambda stranger=stranger: execute(stranger, name, input))
        asyncio.run(temporal_clients(guarded, operator, worker, others))
        command = ["workflow", "list", "--address", f"localhost:{guarded.grpc}", "--tls-ca", guarded.authority]
        assert listed[0].execution_id in guarded.run(*command, "--api-key", reader)
        over = lab.another("over-guarded")
        check_engine_elsewhere(over, f"temporal://localhost:{guarded.grpc}", operator, guarded.authority, listed)
        [id] = [
            line.split()[0]
            for line in guarded.run("token", "list", "--data", str(guarded.data)).splitlines()
            if "reader" in line and "default" in line
        ]
        guarded.run("token", "revoke", id, "--data", str(guarded.data))
        guarded.api_key = reader
        wait_for("the revocation", lambda: guarded.get("/v1/workflows/runs").status_code == 401, 5)
    finally:
        guarded.stop()


async def temporal_clients(guarded: Lab, operator: str, worker: str, others: str) -> None:
    """The same keys at the gRPC interface, sent by temporalio's own client."""
    from temporalio.client import Client
    from temporalio.service import RPCError, RPCStatusCode, TLSConfig

    tls = TLSConfig(server_root_ca_cert=files_bytes(str(guarded.authority)))

    async def connect(key: str | None) -> Client:
        return await Client.connect(f"localhost:{guarded.grpc}", api_key=key, tls=tls)

    async def status(work: Any) -> RPCStatusCode | None:
        try:
            await work
        except RPCError as error:
            return error.status
        return None

    for stranger in ("ostro_0123", None):
        try:
            await connect(stranger)
        except RuntimeError as error:
            assert "needs an API key" in str(error), error
        else:
            raise AssertionError("a client without a known key connected")
    owner = await connect(operator)
    handle = await owner.start_workflow("nobody-serves", id=f"by-key-{uuid.uuid4()}", task_queue="none")
    assert await status(handle.describe()) is None
    by_worker = (await connect(worker)).get_workflow_handle(handle.id)
    assert await status(by_worker.describe()) is None
    assert await status(by_worker.terminate()) == RPCStatusCode.PERMISSION_DENIED
    elsewhere = (await connect(others)).get_workflow_handle(handle.id)
    assert await status(elsewhere.describe()) == RPCStatusCode.PERMISSION_DENIED
    # Nexus by HTTP needs what the same call over gRPC needs; nobody serves this queue.
    path = "/namespaces/default/task-queues/none/nexus-services/service/operation"
    for key, answered in ((None, 401), ("ostro_0123", 401), (worker, 403), (others, 403), (operator, 520)):
        headers = {"request-timeout": "1s", **({"authorization": f"Bearer {key}"} if key else {})}
        response = httpx.post(guarded.url + path, headers=headers, verify=guarded.trust())  # noqa: ASYNC210 (nothing else runs here)
        assert response.status_code == answered, response.text
    assert await status(handle.terminate()) is None


def files_bytes(path: str) -> bytes:
    return Path(path).read_bytes()


def check_engine_elsewhere(over: Lab, engine: str, key: str | None, authority: str, listed: Any) -> None:
    """The HTTP API over an engine that wants TLS, and perhaps a key."""
    command = ["serve", "--data", str(over.data), "--http-listen", f"127.0.0.1:{over.http}", "--engine", engine]
    command += ["--engine-tls-ca", authority] + (["--engine-api-key", key] if key else [])
    over.processes.start("ostro", [str(over.ostro), *command])
    try:
        wait_for("the API", over.answers)
        whoami = over.get("/v1/workflows/workers/whoami").json()
        assert whoami["tls"] and whoami["scheduler_url"] == engine.removeprefix("temporal://"), whoami
        runs = over.client().workflows.runs.list_runs(page_size=5).result.executions
        assert listed[0].execution_id in [run.execution_id for run in runs]
    finally:
        over.stop()


@check()
def tls_to_the_cluster(lab: Lab, client: Any) -> None:
    """The engine behind a TLS proxy: the real Temporal server has no TLS of its own when it is started for development."""
    over = lab.another("over-proxy")
    files = make_certificates(over.directory)
    proxy = TlsProxy(free_port(), lab.grpc, files)
    done = execute(client, "user-workflow", {"email": "x"}, wait_for_result=True, timeout_seconds=60)
    listed = [client.workflows.executions.get_workflow_execution(execution_id=done.execution_id)]
    wait_for("the list", lambda: listed[0].execution_id in str(lab.get("/v1/workflows/runs").json()))
    check_engine_elsewhere(over, f"temporal://localhost:{proxy.port}", None, str(files.authority), listed)


@check()
def backup_and_restore(lab: Lab, client: Any) -> None:
    """A copy taken while the server runs, put into an empty directory: everything is there, in both files; over a
    Temporal server there is only one of them."""
    customer = f"Kept-{uuid.uuid4()}"
    id = execute(client, "searchable", {"customer": customer}, wait_for_result=True, timeout_seconds=60).execution_id
    events = lab.get("/v1/workflows/events/list", params={"workflow_exec_id": id}).json()["events"]
    copy = lab.another("copy")
    saved = str(copy.directory / "saved.db")
    assert "saved.workflows-api.db" in lab.run("backup", saved, "--data", str(lab.data))
    assert "events, log lines and spans" in lab.run("doctor", "--data", str(lab.data))
    copy.run("restore", saved, "--data", str(copy.data))
    assert lab.over_temporal or Path(saved).exists()
    copy.start_server()
    try:
        there = copy.client().workflows
        execution = there.executions.get_workflow_execution(execution_id=id, include_search_keys=True)
        assert execution.result == {"result": customer} and execution.search_keys["customer"] == customer
        assert copy.get("/v1/workflows/events/list", params={"workflow_exec_id": id}).json()["events"] == events
        assert there.get_workflow(workflow_identifier="searchable").workflow.name == "searchable"
    finally:
        copy.stop()


@check()
def retention(lab: Lab, client: Any) -> None:
    """What is kept of an execution goes after it."""
    short = lab.another("short")
    settings = short.directory / "ostro.toml"
    settings.write_text('retention_interval = "100ms"\nrecords_retention = "1s"\n')
    short.arguments = ["--config", str(settings)]
    short.start_server()
    try:
        short.start_worker(deployment="short")
        short.wait_for_worker("short")
        own = short.client()
        once = {"deployment_name": "short", "wait_for_result": True, "timeout_seconds": 60}
        done, kept = [execute(own, "user-workflow", {"email": "x"}, **once).execution_id for _ in range(2)]

        def events(id: str) -> list[Any]:
            found: list[Any] = short.get("/v1/workflows/events/list", params={"workflow_exec_id": id}).json()["events"]
            return found

        assert events(done) and events(kept)
        short.run("workflow", "delete", "--address", f"127.0.0.1:{short.grpc}", done)
        wait_for("the end of the records", lambda: not events(done), 120)
        refused(404, lambda: own.workflows.executions.get_workflow_execution(execution_id=done), "WF_1200")
        assert events(kept), "what the engine has keeps its events, however old"
    finally:
        short.stop()


@check()
def restart_in_mid_stream(lab: Lab, client: Any) -> None:
    """kill -9 of the API while a stream is read and events come: nothing kept is lost, nothing comes twice."""
    started = execute(client, "conversation")
    executions = client.workflows.executions
    wait_for(
        "its start",
        lambda: httpx.get(f"{lab.url}/v1/workflows/events/list?workflow_exec_id={started.execution_id}").json()["events"],
    )
    run = executions.get_workflow_execution(execution_id=started.execution_id).run_id
    send = EventSource(lab, started.execution_id, run)
    seen: list[str] = []
    accepted: list[str] = []
    for round in range(3):
        accepted += [send.one() for _ in range(20)]
        last = seen[-1].split()[0] if seen else None
        try:
            with executions.stream(execution_id=started.execution_id, last_event_id=last) as stream:
                for message in stream:
                    seen.append(f"{message.id} {message.data.data.event_id}")
                    if len(seen) == 10 + 20 * round:
                        accepted.append(send.one())
                        lab.processes.kill("ostro")
        except httpx.HTTPError:
            pass
        lab.start_server()
    executions.signal_workflow_execution(execution_id=started.execution_id, name="leave")
    with executions.stream(execution_id=started.execution_id, last_event_id=seen[-1].split()[0]) as stream:
        seen += [f"{message.id} {message.data.data.event_id}" for message in stream]
    identifiers = [each.split()[1] for each in seen]
    assert len(identifiers) == len(set(identifiers)), "an event came twice"
    missing = set(accepted) - set(identifiers)
    assert not missing, f"{len(missing)} of {len(accepted)} events were lost"
    assert [each for each in identifiers if each in accepted] == accepted, "they came in another order"


class EventSource:
    """Sends events as a worker does, and knows which were taken."""

    def __init__(self, lab: Lab, execution: str, run: str) -> None:
        self.lab, self.execution, self.run = lab, execution, run

    def one(self) -> str:
        event: dict[str, Any] = {
            "event_id": str(uuid.uuid4()),
            "event_timestamp": time.time_ns(),
            "root_workflow_exec_id": self.execution,
            "workflow_exec_id": self.execution,
            "workflow_run_id": self.run,
            "workflow_name": "conversation",
            "event_type": "CUSTOM_TASK_STARTED",
            "attributes": {
                "custom_task_id": "t",
                "custom_task_type": "note",
                "payload": {"type": "json", "value": 1},
            },
        }
        httpx.post(f"{self.lab.url}/v1/workflows/events", json={"event": event}).raise_for_status()
        return str(event["event_id"])
