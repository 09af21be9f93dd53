"""Forged tokens: of tasks, of callbacks, of pages. What a server did not give out it does not take, nor where it does not belong."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import temporalio.api.activity.v1 as activity
import temporalio.api.command.v1 as commands
import temporalio.api.common.v1 as common
import temporalio.api.filter.v1 as filters
import temporalio.api.nexus.v1 as nexus
import temporalio.api.operatorservice.v1 as operator
import temporalio.api.query.v1 as query
import temporalio.api.schedule.v1 as schedule
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflow.v1 as workflow
import temporalio.api.workflowservice.v1 as service
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from lab import NAMESPACE, QUEUE, Answer, Caller, Server, answer, command, start
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure

OTHER = "other"
SEAL = 16

# Ids.


def test_an_id_tells_nothing_of_the_next(server: Server) -> None:
    """Earlier servers drew ids from splitmix64: one id gave its state, and so every id after it."""
    anyone = server.caller()
    ids = [server.run(anyone, f"w{number}") for number in range(8)]
    low = [int(run_id.replace("-", ""), 16) & (1 << 62) - 1 for run_id in ids]
    assert len(set(low)) == len(low)
    for lost_bits in range(4):
        state = unmixed(lost_bits << 62 | low[0])
        following = set()
        for _ in range(2000):
            state = state + 0x9E3779B97F4A7C15 & WORD
            following.add(mixed(state) & (1 << 62) - 1)
        assert not following & set(low[1:]), "the next id was foretold"


WORD = (1 << 64) - 1


def mixed(z: int) -> int:
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB & WORD
    return z ^ z >> 31


def unmixed(z: int) -> int:
    z = unshifted(z, 31) * pow(0x94D049BB133111EB, -1, 1 << 64) & WORD
    z = unshifted(z, 27) * pow(0xBF58476D1CE4E5B9, -1, 1 << 64) & WORD
    return unshifted(z, 30)


def unshifted(z: int, by: int) -> int:
    found = z
    for _ in range(64 // by + 1):
        found = z ^ found >> by
    return found


# Tokens of tasks.


def respond_workflow(token: bytes, namespace: str) -> tuple[str, Any]:
    end = command("complete_workflow_execution", complete_workflow_execution_command_attributes={})
    return "RespondWorkflowTaskCompleted", service.RespondWorkflowTaskCompletedRequest(
        task_token=token, namespace=namespace, commands=[end]
    )


def fail_workflow(token: bytes, namespace: str) -> tuple[str, Any]:
    return "RespondWorkflowTaskFailed", service.RespondWorkflowTaskFailedRequest(task_token=token, namespace=namespace)


def complete_activity(token: bytes, namespace: str) -> tuple[str, Any]:
    return "RespondActivityTaskCompleted", service.RespondActivityTaskCompletedRequest(task_token=token, namespace=namespace)


def fail_activity(token: bytes, namespace: str) -> tuple[str, Any]:
    failure = Failure(message="forged", application_failure_info=ApplicationFailureInfo(non_retryable=True))
    return "RespondActivityTaskFailed", service.RespondActivityTaskFailedRequest(
        task_token=token, namespace=namespace, failure=failure
    )


def cancel_activity(token: bytes, namespace: str) -> tuple[str, Any]:
    return "RespondActivityTaskCanceled", service.RespondActivityTaskCanceledRequest(task_token=token, namespace=namespace)


def heartbeat_activity(token: bytes, namespace: str) -> tuple[str, Any]:
    return "RecordActivityTaskHeartbeat", service.RecordActivityTaskHeartbeatRequest(task_token=token, namespace=namespace)


def respond_query(token: bytes, namespace: str) -> tuple[str, Any]:
    return "RespondQueryTaskCompleted", service.RespondQueryTaskCompletedRequest(
        task_token=token, namespace=namespace, completed_type=1
    )


def complete_nexus(token: bytes, namespace: str) -> tuple[str, Any]:
    success = nexus.StartOperationResponse.Sync(payload=common.Payload(data=b"forged"))
    started = nexus.StartOperationResponse(sync_success=success)
    return "RespondNexusTaskCompleted", service.RespondNexusTaskCompletedRequest(
        task_token=token, namespace=namespace, response=nexus.Response(start_operation=started)
    )


def fail_nexus(token: bytes, namespace: str) -> tuple[str, Any]:
    error = nexus.HandlerError(error_type="BAD_REQUEST", failure=nexus.Failure(message="forged"))
    return "RespondNexusTaskFailed", service.RespondNexusTaskFailedRequest(task_token=token, namespace=namespace, error=error)


ACTIVITY = [complete_activity, fail_activity, cancel_activity, heartbeat_activity]
NEXUS = [complete_nexus, fail_nexus]


def workflow_task(server: Server, worker: Caller, namespace: str) -> tuple[bytes, str]:
    server.run(worker, "w", namespace)
    return server.task(worker, namespace).task_token, "w"


def activity_task(server: Server, worker: Caller, namespace: str) -> tuple[bytes, str]:
    server.run(worker, "w", namespace)
    wanted = commands.ScheduleActivityTaskCommandAttributes(
        activity_id="a",
        activity_type=common.ActivityType(name="A"),
        task_queue=taskqueue.TaskQueue(name=QUEUE),
        start_to_close_timeout=Duration(seconds=600),
    )
    schedules = command("schedule_activity_task", schedule_activity_task_command_attributes=wanted)
    decide(server, worker, namespace, schedules)
    request = service.PollActivityTaskQueueRequest(namespace=namespace, task_queue=taskqueue.TaskQueue(name=QUEUE))
    polled = worker.call("PollActivityTaskQueue", request)
    assert polled.ok and polled.message.task_token, polled
    return polled.message.task_token, "w"


def query_task(server: Server, worker: Caller, namespace: str) -> tuple[bytes, str]:
    """A query of a run that has ended goes out as a task of its own."""
    server.run(worker, "w", namespace)
    decide(server, worker, namespace, command("complete_workflow_execution", complete_workflow_execution_command_attributes={}))
    execution = common.WorkflowExecution(workflow_id="w")
    asked = service.QueryWorkflowRequest(namespace=namespace, execution=execution, query=query.WorkflowQuery(query_type="q"))
    worker.begin("QueryWorkflow", asked, 20)
    return server.task(worker, namespace).task_token, "w"


def nexus_task(server: Server, worker: Caller, namespace: str) -> tuple[bytes, str]:
    """Handled by workers of the same namespace."""
    operation(server, worker, namespace, namespace)
    return poll_nexus(worker, namespace).task_token, "w"


def decide(server: Server, worker: Caller, namespace: str, *decided: commands.Command) -> None:
    request = service.RespondWorkflowTaskCompletedRequest(
        namespace=namespace, task_token=server.task(worker, namespace).task_token, commands=decided
    )
    done = worker.call("RespondWorkflowTaskCompleted", request)
    assert done.ok, done


def operation(server: Server, worker: Caller, namespace: str, handler: str) -> None:
    """A workflow of `namespace` waits for an operation that workers of `handler` handle."""
    target = nexus.EndpointTarget(worker=nexus.EndpointTarget.Worker(namespace=handler, task_queue="nexus"))
    spec = nexus.EndpointSpec(name="pay", target=target)
    made = worker.call("CreateNexusEndpoint", operator.CreateNexusEndpointRequest(spec=spec))
    assert made.ok, made
    server.run(worker, "w", namespace)
    wanted = commands.ScheduleNexusOperationCommandAttributes(
        endpoint="pay", service="bank", operation="transfer", schedule_to_close_timeout=Duration(seconds=600)
    )
    decide(
        server, worker, namespace, command("schedule_nexus_operation", schedule_nexus_operation_command_attributes=wanted)
    )


def poll_nexus(worker: Caller, namespace: str) -> service.PollNexusTaskQueueResponse:
    request = service.PollNexusTaskQueueRequest(namespace=namespace, task_queue=taskqueue.TaskQueue(name="nexus"))
    polled = worker.call("PollNexusTaskQueue", request)
    assert polled.ok and polled.message.task_token, polled
    return polled.message


TASKS = [
    *((workflow_task, how) for how in (respond_workflow, fail_workflow)),
    *((activity_task, how) for how in ACTIVITY),
    *((nexus_task, how) for how in NEXUS),
    (query_task, respond_query),
]
NAMES = [f"{how.__name__}" for _, how in TASKS]


@pytest.mark.parametrize(("task", "how"), TASKS, ids=NAMES)
def test_a_changed_or_made_up_task_token_is_refused(server: Server, task: Any, how: Any) -> None:
    worker = server.caller()
    token, workflow_id = task(server, worker, NAMESPACE)
    before = server.history(worker, workflow_id)
    for forged in forgeries(token):
        refused = worker.call(*how(forged, NAMESPACE))
        assert refused.code == "INVALID_ARGUMENT", (forged, refused)
    assert server.history(worker, workflow_id) == before
    genuine = worker.call(*how(token, NAMESPACE))
    assert genuine.ok, genuine


def forgeries(token: bytes) -> list[bytes]:
    """Bytes of which the server gave out none."""
    flipped = [token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :] for at in (0, SEAL - 1, SEAL, len(token) // 2, len(token) - 1)]
    return [*flipped, token[SEAL:], token[:-1], token + b"\0", b"\0" * SEAL + token[SEAL:], token[:SEAL], b"x"]


@pytest.mark.parametrize(("task", "how"), TASKS, ids=NAMES)
def test_a_worker_answers_no_task_of_another_namespace(serve: Any, task: Any, how: Any) -> None:
    """Not even with its genuine token: neither in its own name nor in that of the task's namespace."""
    server = serve("--access", "key", "--namespace", "a", "--namespace", "b")
    everybody, stranger = server.caller(server.key("admin", "*")), server.caller(server.key("worker", "b"))
    token, workflow_id = task(server, everybody, "a")
    before = server.history(everybody, workflow_id, "a")
    for claimed, codes in (("b", {"INVALID_ARGUMENT"}), ("a", {"PERMISSION_DENIED"}), ("", {"PERMISSION_DENIED"})):
        refused = stranger.call(*how(token, claimed))
        assert refused.code in codes, (claimed, refused)
    assert server.history(everybody, workflow_id, "a") == before
    own = server.caller(server.key("worker", "a")).call(*how(token, "a"))
    assert own.ok, own


@pytest.mark.parametrize("how", NEXUS, ids=[how.__name__ for how in NEXUS])
def test_only_workers_of_the_handler_s_namespace_answer_for_it(serve: Any, how: Any) -> None:
    """The token names the caller's execution, but it was handed to another namespace."""
    server = serve("--access", "key", "--namespace", "a", "--namespace", "b", "--namespace", "c")
    everybody = server.caller(server.key("admin", "*"))
    operation(server, everybody, "a", "b")
    token = poll_nexus(everybody, "b").task_token
    before = server.history(everybody, "w", "a")
    for namespace in ("a", "c"):
        refused = server.caller(server.key("worker", namespace)).call(*how(token, namespace))
        assert refused.code == "INVALID_ARGUMENT", (namespace, refused)
    assert server.history(everybody, "w", "a") == before
    handler = server.caller(server.key("worker", "b")).call(*how(token, "b"))
    assert handler.ok, handler


def test_tokens_outlive_the_server(serve: Any) -> None:
    server = serve()
    worker = server.caller()
    token, _ = activity_task(server, worker, NAMESPACE)
    for number in range(3):
        server.run(worker, f"listed-{number}")
    listed = worker.call("ListWorkflowExecutions", service.ListWorkflowExecutionsRequest(namespace=NAMESPACE, page_size=1))
    server.restart(kill=True)
    worker = server.caller()
    done = worker.call(*complete_activity(token, NAMESPACE))
    assert done.ok, done
    more = service.ListWorkflowExecutionsRequest(
        namespace=NAMESPACE, page_size=1, next_page_token=listed.message.next_page_token
    )
    assert worker.call("ListWorkflowExecutions", more).ok


def test_a_token_of_another_server_is_refused(serve: Any) -> None:
    mine, theirs = serve(), serve()
    token, _ = activity_task(mine, mine.caller(), NAMESPACE)
    activity_task(theirs, theirs.caller(), NAMESPACE)
    before = theirs.history(theirs.caller(), "w")
    refused = theirs.caller().call(*complete_activity(token, NAMESPACE))
    assert refused.code == "INVALID_ARGUMENT", refused
    assert theirs.history(theirs.caller(), "w") == before


# Tokens of callbacks.


def varint(number: int) -> bytes:
    bytes_ = b""
    while True:
        bytes_ += bytes([number & 127 | (128 if number > 127 else 0)])
        number >>= 7
        if not number:
            return bytes_


def address(namespace: int, execution: int, workflow_id: str, run_id: str, event: int, request_id: str) -> bytes:
    """What a callback token says, in protobuf."""
    fields = [namespace, execution, workflow_id.encode(), run_id.encode(), event, request_id.encode()]
    encoded = b""
    for at, value in enumerate(fields, 1):
        if value in (0, b""):
            continue
        is_number = isinstance(value, int)
        encoded += varint(at << 3) + varint(value) if is_number else varint(at << 3 | 2) + varint(len(value)) + value
    return encoded


def call_back(server: Server, token: str, path: str = "/nexus/callback") -> int:
    headers = {"Temporal-Callback-Token": token, "Nexus-Operation-State": "succeeded", "Content-Type": "application/json"}
    return server.http("POST", path, '"forged: paid in full"', headers).status


def test_an_operation_is_ended_by_its_own_token_only(serve: Any) -> None:
    """Who reads what is public of an operation, its run id and even its request id, cannot end it."""
    server = serve("--namespace", "victim")
    worker = server.caller()
    operation(server, worker, "victim", "victim")
    request = poll_nexus(worker, "victim").request.start_operation
    token = next(value for name, value in request.callback_header.items() if name.lower() == "temporal-callback-token")
    execution = common.WorkflowExecution(workflow_id="w")
    described = worker.call(
        "DescribeWorkflowExecution", service.DescribeWorkflowExecutionRequest(namespace="victim", execution=execution)
    )
    run_id = described.message.workflow_execution_info.execution.run_id
    before = server.history(worker, "w", "victim")
    genuine = bytes.fromhex(token)
    made_up = [
        address(namespace, 1, "w", run, 5, request.request_id) for namespace in range(1, 5) for run in (run_id, "")
    ]
    forged = [*made_up, *(b"\0" * SEAL + each for each in made_up), *(genuine[:SEAL] + each for each in made_up[:4])]
    forged = [each for each in [*forged, *forgeries(genuine)] if each != genuine]
    for each in forged:
        assert call_back(server, each.hex()) == 400, each
    assert call_back(server, "") == 400
    assert call_back(server, "not hexadecimal") == 400
    assert call_back(server, token, "/namespaces/default/nexus/callback") == 400
    assert server.history(worker, "w", "victim") == before
    assert call_back(server, token) == 200
    assert server.history(worker, "w", "victim")[-2:-1] + server.history(worker, "w", "victim")[-1:] != before[-2:]
    assert "NEXUS_OPERATION_COMPLETED" in server.history(worker, "w", "victim")


def test_a_workflow_cannot_answer_for_an_operation_that_is_not_its_own(server: Server) -> None:
    """A client may register callbacks: to this server only with a token that a handler was given."""
    anyone = server.caller()
    forged = address(1, 1, "w", str(uuid.uuid4()), 5, str(uuid.uuid4())).hex()
    for url_header in ({"Temporal-Callback-Token": forged}, {"temporal-callback-token": "00" * 40}, {}):
        callback = common.Callback(nexus=common.Callback.Nexus(url="temporal://system", header=url_header))
        refused = anyone.call("StartWorkflowExecution", start("forger", completion_callbacks=[callback]))
        assert refused.code == "INVALID_ARGUMENT", refused
    execution = common.WorkflowExecution(workflow_id="forger")
    missing = anyone.call(
        "DescribeWorkflowExecution", service.DescribeWorkflowExecutionRequest(namespace=NAMESPACE, execution=execution)
    )
    assert missing.code == "NOT_FOUND"


# Tokens of pages.


def lists(namespace: str, condition: str) -> list[tuple[str, Any]]:
    """Each list with a page of one, where `condition` selects."""
    everything = filters.StartTimeFilter(latest_time=Timestamp(seconds=int(time.time()) + 600))
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
LISTS = ["ListWorkflowExecutions", "ScanWorkflowExecutions", "ListOpenWorkflowExecutions", "ListSchedules", "ListActivityExecutions"]


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


def assert_refused(what: str, refused: Answer) -> None:
    assert refused.code == "INVALID_ARGUMENT", (what, refused)


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
    assert changed.ok and changed.message.info.status == activity.ActivityExecutionInfo(status=4).status, changed
