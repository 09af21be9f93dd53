"""Ids that tell of others, and forged tokens of tasks. What a server did not give out it does not take, nor where it does not belong."""

from __future__ import annotations

from typing import Any

import pytest
import temporalio.api.command.v1 as commands
import temporalio.api.common.v1 as common
import temporalio.api.enums.v1 as enums
import temporalio.api.nexus.v1 as nexus
import temporalio.api.query.v1 as query
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflowservice.v1 as service
from forgery import decide, forgeries, operation, poll_nexus
from google.protobuf.duration_pb2 import Duration
from lab import NAMESPACE, QUEUE, Answer, Caller, Server, command
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure

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
        task_token=token, namespace=namespace, completed_type=enums.QueryResultType.QUERY_RESULT_TYPE_ANSWERED
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


TASKS = [
    *((workflow_task, how) for how in (respond_workflow, fail_workflow)),
    *((activity_task, how) for how in ACTIVITY),
    *((nexus_task, how) for how in NEXUS),
    (query_task, respond_query),
]
NAMES = [f"{how.__name__}" for _, how in TASKS]


def assert_taken(answered: Answer) -> None:
    """The token was taken: an activity that nobody asked to cancel cannot have been cancelled."""
    assert answered.ok or "unable to mark activity as canceled" in answered.words, answered


@pytest.mark.parametrize(("task", "how"), TASKS, ids=NAMES)
def test_a_changed_or_made_up_task_token_is_refused(server: Server, task: Any, how: Any) -> None:
    worker = server.caller()
    token, workflow_id = task(server, worker, NAMESPACE)
    before = server.history(worker, workflow_id)
    for forged in forgeries(token):
        refused = worker.call(*how(forged, NAMESPACE))
        assert refused.code == "INVALID_ARGUMENT", (forged, refused)
    assert server.history(worker, workflow_id) == before
    assert_taken(worker.call(*how(token, NAMESPACE)))


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
    assert_taken(server.caller(server.key("worker", "a")).call(*how(token, "a")))


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
    more = service.ListWorkflowExecutionsRequest(namespace=NAMESPACE, page_size=1, next_page_token=listed.message.next_page_token)
    assert worker.call("ListWorkflowExecutions", more).ok


def test_a_token_of_another_server_is_refused(serve: Any) -> None:
    mine, theirs = serve(), serve()
    token, _ = activity_task(mine, mine.caller(), NAMESPACE)
    activity_task(theirs, theirs.caller(), NAMESPACE)
    before = theirs.history(theirs.caller(), "w")
    refused = theirs.caller().call(*complete_activity(token, NAMESPACE))
    assert refused.code == "INVALID_ARGUMENT", refused
    assert theirs.history(theirs.caller(), "w") == before
