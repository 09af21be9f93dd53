"""Tokens of pages and of waits: of another list, namespace, run or direction, or changed."""

from __future__ import annotations

import time
from typing import Any

import temporalio.api.common.v1 as common
import temporalio.api.filter.v1 as filters
import temporalio.api.schedule.v1 as schedule
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflow.v1 as workflow
import temporalio.api.workflowservice.v1 as service
from forgery import assert_refused, forgeries
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from lab import NAMESPACE, Caller, Server, answer
from temporalio.api.enums.v1 import ActivityExecutionStatus

# The same in each request: a token is of one list.
LATEST = Timestamp(seconds=int(time.time()) + 3600)
TERMINATED = ActivityExecutionStatus.ACTIVITY_EXECUTION_STATUS_TERMINATED


def lists(namespace: str, condition: str) -> list[tuple[str, Any]]:
    """Each list with a page of one, where `condition` selects."""
    everything = filters.StartTimeFilter(latest_time=LATEST)
    by_type = filters.WorkflowTypeFilter(name="W" if not condition else condition)
    return [
        ("ListWorkflowExecutions", service.ListWorkflowExecutionsRequest(namespace=namespace, page_size=1, query=condition)),
        ("ScanWorkflowExecutions", service.ScanWorkflowExecutionsRequest(namespace=namespace, page_size=1, query=condition)),
        (
            "ListOpenWorkflowExecutions",
            service.ListOpenWorkflowExecutionsRequest(
                namespace=namespace, maximum_page_size=1, start_time_filter=everything, type_filter=by_type
            ),
        ),
        ("ListSchedules", service.ListSchedulesRequest(namespace=namespace, maximum_page_size=1, query=condition)),
        ("ListActivityExecutions", service.ListActivityExecutionsRequest(namespace=namespace, page_size=1, query=condition)),
    ]


SELECTS = "StartTime > '2020-01-01T00:00:00Z'"
LISTS = [
    "ListWorkflowExecutions",
    "ScanWorkflowExecutions",
    "ListOpenWorkflowExecutions",
    "ListSchedules",
    "ListActivityExecutions",
]


def fill(server: Server, anyone: Caller, namespace: str) -> None:
    for number in range(3):
        server.run(anyone, f"w{number}", namespace)
        action = schedule.ScheduleAction(
            start_workflow=workflow.NewWorkflowExecutionInfo(
                workflow_id="s", workflow_type=common.WorkflowType(name="W"), task_queue=taskqueue.TaskQueue(name="idle")
            )
        )
        made = anyone.call(
            "CreateSchedule",
            service.CreateScheduleRequest(
                namespace=namespace, schedule_id=f"s{number}", schedule=schedule.Schedule(action=action), request_id=f"s{number}"
            ),
        )
        assert made.ok, made
        started = anyone.call(
            "StartActivityExecution",
            service.StartActivityExecutionRequest(
                namespace=namespace,
                activity_id=f"a{number}",
                activity_type=common.ActivityType(name="A"),
                task_queue=taskqueue.TaskQueue(name="idle"),
                start_to_close_timeout=Duration(seconds=600),
                request_id=f"a{number}",
            ),
        )
        assert started.ok, started


def test_a_page_token_is_of_its_list_only(serve: Any) -> None:
    """Another namespace, another query, another method, a changed token: refused. Unchanged it gives the next page."""
    server = serve("--namespace", "a", "--namespace", "b")
    anyone = server.caller()
    for namespace in ("a", "b"):
        fill(server, anyone, namespace)
    tokens: dict[str, bytes] = {}
    for method, request in lists("a", ""):
        page = anyone.call(method, request)
        assert page.ok and page.message.next_page_token, (method, page)
        tokens[method] = page.message.next_page_token
    other_query = {method: request for method, request in lists("a", SELECTS) if method in ("ListWorkflowExecutions",)}
    for method, request in lists("b", ""):
        request.next_page_token = tokens[method]
        assert_refused(method, anyone.call(method, request))
    for method, request in other_query.items():
        request.next_page_token = tokens[method]
        assert_refused(method, anyone.call(method, request))
    for method, request in lists("a", ""):
        for other, token in tokens.items():
            request.next_page_token = token
            if other != method:
                assert_refused(f"{method} with a token of {other}", anyone.call(method, request))
        for forged in forgeries(tokens[method]):
            request.next_page_token = forged
            assert_refused(method, anyone.call(method, request))
        request.next_page_token = tokens[method]
        assert anyone.call(method, request).ok, method


def test_a_history_token_is_of_its_run_and_direction_only(serve: Any) -> None:
    server = serve("--namespace", "a", "--namespace", "b")
    anyone = server.caller()
    for namespace in ("a", "b"):
        server.run(anyone, "w", namespace)
    execution = common.WorkflowExecution(workflow_id="w")
    forward = service.GetWorkflowExecutionHistoryRequest(namespace="a", execution=execution, wait_new_event=True)
    back = service.GetWorkflowExecutionHistoryReverseRequest(namespace="a", execution=execution, maximum_page_size=1)
    server.task(anyone, "a")
    read, reverse = anyone.call("GetWorkflowExecutionHistory", forward), anyone.call("GetWorkflowExecutionHistoryReverse", back)
    token, back_token = read.message.next_page_token, reverse.message.next_page_token
    assert token and back_token
    for forged in [*forgeries(token), back_token]:
        forward.next_page_token = forged
        assert_refused("forward", anyone.call("GetWorkflowExecutionHistory", forward))
    for forged in [*forgeries(back_token), token]:
        back.next_page_token = forged
        assert_refused("back", anyone.call("GetWorkflowExecutionHistoryReverse", back))
    for namespace, code in (("b", "NOT_FOUND"), ("a", "OK")):
        back.namespace, back.next_page_token = namespace, back_token
        assert anyone.call("GetWorkflowExecutionHistoryReverse", back).code == code, namespace


def test_a_token_of_a_wait_is_of_its_activity_only(server: Server) -> None:
    anyone = server.caller()
    fill(server, anyone, NAMESPACE)
    described = [
        anyone.call("DescribeActivityExecution", service.DescribeActivityExecutionRequest(namespace=NAMESPACE, activity_id=name))
        for name in ("a0", "a1")
    ]
    first, second = (each.message for each in described)
    assert first.long_poll_token
    wait = service.DescribeActivityExecutionRequest(namespace=NAMESPACE, activity_id="a1", run_id=second.run_id)
    for forged in [first.long_poll_token, *forgeries(second.long_poll_token), (5).to_bytes(8, "big")]:
        wait.long_poll_token = forged
        assert_refused("wait", anyone.call("DescribeActivityExecution", wait))
    wait.long_poll_token = second.long_poll_token
    waiting = anyone.begin("DescribeActivityExecution", wait, 20)
    request = service.TerminateActivityExecutionRequest(namespace=NAMESPACE, activity_id="a1", reason="enough")
    assert anyone.call("TerminateActivityExecution", request).ok
    changed = answer(waiting.result)
    assert changed.ok and changed.message.info.status == TERMINATED, changed
