"""Text of others on a terminal: what it would obey is spelled out, and nothing begins a line that is not one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import temporalio.api.command.v1 as commands
import temporalio.api.common.v1 as common
import temporalio.api.schedule.v1 as schedule
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflow.v1 as workflow
import temporalio.api.workflowservice.v1 as service
from google.protobuf.duration_pb2 import Duration
from lab import NAMESPACE, QUEUE, Server, command
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure

#: Clears the screen, sets the title, moves the cursor, in 7 and in 8 bits; reorders and hides letters; begins a line of its own.
EVIL = "e\x1b[2J\x1b]0;pwned\x07\x9b1m\u202elive\u2066\u200b\x08\r\nCompleted  forged"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def assert_harmless(what: str, shown: str) -> None:
    found = OBEYED.search(shown)
    assert not found, (what, found, shown)
    assert not any(line.lstrip().startswith("Completed  forged") for line in shown.splitlines()), (what, shown)
    assert "forged" in shown, (what, shown)


@pytest.fixture
def tainted(server: Server) -> Server:
    """A workflow, an activity that failed, a worker and a schedule, all named by somebody evil."""
    evil = server.caller()
    kind, queue = common.WorkflowType(name=EVIL), taskqueue.TaskQueue(name=QUEUE)
    started = evil.call(
        "StartWorkflowExecution",
        service.StartWorkflowExecutionRequest(
            namespace=NAMESPACE,
            workflow_id=EVIL,
            workflow_type=kind,
            task_queue=queue,
            request_id=EVIL,
            identity=EVIL,
            input=common.Payloads(
                payloads=[common.Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(EVIL, ensure_ascii=False).encode())]
            ),
            memo=common.Memo(fields={EVIL: common.Payload(metadata={"encoding": b"binary/plain"}, data=EVIL.encode())}),
        ),
    )
    assert started.ok, started
    wanted = commands.ScheduleActivityTaskCommandAttributes(
        activity_id=EVIL,
        activity_type=common.ActivityType(name=EVIL),
        task_queue=queue,
        start_to_close_timeout=Duration(seconds=600),
        retry_policy=common.RetryPolicy(initial_interval=Duration(seconds=600)),
    )
    request = service.PollWorkflowTaskQueueRequest(namespace=NAMESPACE, task_queue=queue, identity=EVIL)
    task = evil.call("PollWorkflowTaskQueue", request).message
    done = service.RespondWorkflowTaskCompletedRequest(
        namespace=NAMESPACE,
        task_token=task.task_token,
        identity=EVIL,
        commands=[command("schedule_activity_task", schedule_activity_task_command_attributes=wanted)],
    )
    assert evil.call("RespondWorkflowTaskCompleted", done).ok
    polled = evil.call(
        "PollActivityTaskQueue", service.PollActivityTaskQueueRequest(namespace=NAMESPACE, task_queue=queue, identity=EVIL)
    )
    failure = Failure(message=EVIL, stack_trace=EVIL, application_failure_info=ApplicationFailureInfo(type=EVIL))
    failed = service.RespondActivityTaskFailedRequest(
        namespace=NAMESPACE, task_token=polled.message.task_token, failure=failure, identity=EVIL
    )
    assert evil.call("RespondActivityTaskFailed", failed).ok
    starts = workflow.NewWorkflowExecutionInfo(workflow_id=EVIL, workflow_type=kind, task_queue=queue)
    plan = schedule.Schedule(action=schedule.ScheduleAction(start_workflow=starts))
    made = evil.call(
        "CreateSchedule",
        service.CreateScheduleRequest(namespace=NAMESPACE, schedule_id=EVIL, schedule=plan, request_id="r", identity=EVIL),
    )
    assert made.ok, made
    return server


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_the_command_line_shows_and_does_not_obey(tainted: Server, as_json: bool) -> None:
    at = ["--address", f"127.0.0.1:{tainted.port}", *(["--json"] if as_json else [])]
    for words in (
        ["workflow", "list"],
        ["workflow", "describe", EVIL],
        ["workflow", "show", EVIL],
        ["schedule", "list"],
        ["schedule", "describe", EVIL],
        ["task-queue", "describe", QUEUE],
    ):
        shown = tainted.tool(*words, *at)
        assert_harmless(" ".join(words[:2]), shown.stdout)
        if as_json:
            assert "pwned" in json.dumps(json.loads(shown.stdout))
    refused = tainted.tool("workflow", "describe", f"missing-{EVIL}", *at, ok=False)
    assert refused.returncode == 1
    assert_harmless("an error", refused.stderr)


def test_doctor_shows_and_does_not_obey(tainted: Server) -> None:
    assert_harmless("doctor", tainted.tool("doctor", "--data", tainted.data).stdout)


@pytest.mark.parametrize("look", ["pretty", "json"])
def test_the_log_says_one_event_a_line(serve: Any, look: str) -> None:
    server = serve("--log-format", look, "--log-level", "trace")
    evil = server.caller()
    server.run(evil, EVIL)
    evil.http("GET", "/v1/workflows/runs?" + "x" * 20)
    evil.call("DescribeNamespace", service.DescribeNamespaceRequest(namespace=EVIL))
    server.stop()
    shown = server.log()
    assert not OBEYED.search(shown), OBEYED.search(shown)
    assert not any(line.startswith("Completed  forged") for line in shown.splitlines())
