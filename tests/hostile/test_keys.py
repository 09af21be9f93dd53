"""API keys: what is done without one, with a wrong one, with one of another namespace, with one that was revoked."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import pytest
import temporalio.api.command.v1 as commands
import temporalio.api.common.v1 as common
import temporalio.api.enums.v1 as enums
import temporalio.api.nexus.v1 as nexus
import temporalio.api.operatorservice.v1 as operator
import temporalio.api.taskqueue.v1 as taskqueue
import temporalio.api.workflowservice.v1 as service
from google.protobuf.duration_pb2 import Duration
from lab import NAMESPACE, QUEUE, Server, answer, command, start
from temporalio.api.update.v1 import UpdateRef

REVOKED_SECONDS_MAX = 3.0
CLOSE_EVENT = enums.HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT
TRANSFER = "/namespaces/default/task-queues/q/nexus-services/bank/transfer"
#: What needs a key wherever anything does.
GUARDED = [
    ("GET", "/v1/workflows/runs", 401),
    ("POST", "/v1/workflows/W/execute", 401),
    ("POST", "/v1/workflows/register", 401),
    ("POST", TRANSFER, 401),
    ("POST", f"{TRANSFER}/cancel?token=t", 401),
    ("GET", "/metrics", 401),
    ("GET", "/healthz", 200),
    ("GET", "/openapi.json", 200),
]


def assert_guarded(server: Server, key: str | None) -> None:
    caller = server.caller(key)
    for verb, path, expected in GUARDED:
        body = "{}" if verb == "POST" else None
        got = caller.http(verb, path, body, {"Content-Type": "application/json", "Request-Timeout": "1s"})
        assert got.status == expected, (key, verb, path, got)
    assert caller.call("StartWorkflowExecution", start("w")).code == "UNAUTHENTICATED"
    assert caller.call("GetSystemInfo", service.GetSystemInfoRequest()).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("hosts", [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")], ids=str)
def test_where_one_listener_is_exposed_both_need_keys(serve: Any, hosts: tuple[str, str]) -> None:
    grpc, http_ = hosts
    server = serve(host=grpc, http_host=http_)
    for key in (None, "any", "ostro_unknown"):
        assert_guarded(server, key)
    known = server.caller(server.key("operator", "default"))
    assert known.call("StartWorkflowExecution", start("w")).ok
    assert known.http("GET", "/metrics").status == 200


def test_on_loopback_the_first_key_locks_the_server(server: Server) -> None:
    """Also when the last is revoked: nobody is let in by the end of a key."""
    assert server.caller().call("StartWorkflowExecution", start("w")).ok
    assert server.caller("any").call("StartWorkflowExecution", start("w2")).ok, "another's credential is not Ostro's"
    server.key("reader", "default")
    time.sleep(1.1)
    assert_guarded(server, None)
    (key,) = server.key_ids()
    server.tool("token", "revoke", "--data", server.data, key)
    time.sleep(1.1)
    assert_guarded(server, None)
    assert server.restart().lives
    assert_guarded(server, None)


def test_a_key_that_is_given_must_be_right_on_an_open_server_too(serve: Any) -> None:
    server = serve("--access", "open")
    for wrong in ("ostro_", "ostro_unknown", "ostro_" + "0" * 64):
        caller = server.caller(wrong)
        assert caller.call("StartWorkflowExecution", start("w")).code == "UNAUTHENTICATED", wrong
        assert caller.http("GET", "/v1/workflows/runs").status == 401, wrong
        assert caller.http("POST", TRANSFER, "{}", {"Request-Timeout": "1s"}).status == 401, wrong
    reader = server.caller(server.key("reader", "default"))
    assert reader.call("StartWorkflowExecution", start("w")).code == "PERMISSION_DENIED"
    assert server.caller().call("StartWorkflowExecution", start("w")).ok


def test_what_is_open_when_a_key_is_revoked_ends(serve: Any) -> None:
    server = serve("--access", "key")
    secret = server.key("operator", "default")
    (key,) = server.key_ids()
    caller = server.caller(secret)
    server.run(caller, "w")
    poll = service.PollActivityTaskQueueRequest(namespace=NAMESPACE, task_queue=taskqueue.TaskQueue(name="idle"))
    polled = caller.begin("PollActivityTaskQueue", poll, 60)
    execution = common.WorkflowExecution(workflow_id="w")
    history = service.GetWorkflowExecutionHistoryRequest(
        namespace=NAMESPACE, execution=execution, wait_new_event=True, history_event_filter_type=CLOSE_EVENT
    )
    watched = caller.begin("GetWorkflowExecutionHistory", history, 60)
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=20)
    connection.request("GET", "/v1/workflows/events/stream", headers={"Authorization": f"Bearer {secret}"})
    stream = connection.getresponse()
    assert stream.status == 200
    server.tool("token", "revoke", "--data", server.data, key)
    began = time.monotonic()
    assert answer(polled.result).code == "UNAUTHENTICATED"
    assert answer(watched.result).code == "UNAUTHENTICATED"
    assert b"revoked" in stream.read()
    assert time.monotonic() - began < REVOKED_SECONDS_MAX
    assert caller.call("StartWorkflowExecution", start("w2")).code == "UNAUTHENTICATED"


def test_a_restore_revives_no_revoked_key(serve: Any) -> None:
    server = serve("--access", "key")
    admin, gone = server.key("admin", "*"), server.key("operator", "default")
    backup = server.directory / "backup.db"
    server.tool("backup", backup, "--data", server.data)
    revoked = next(id_ for id_ in server.key_ids() if server.caller(gone).call("GetSystemInfo", service.GetSystemInfoRequest()).ok)
    for id_ in server.key_ids():
        server.tool("token", "revoke", "--data", server.data, id_)
    assert revoked
    server.stop()
    over = server.tool("restore", backup, "--data", server.data)
    server.start()
    for key in (admin, gone):
        assert server.caller(key).call("StartWorkflowExecution", start("w")).code == "UNAUTHENTICATED", over.stdout
    elsewhere = serve("--access", "key", run=False)
    said = elsewhere.tool("restore", backup, "--data", elsewhere.data).stdout
    assert "set aside" in said and "ostro token resume" in said
    elsewhere.start()
    refused = elsewhere.caller(admin).call("GetSystemInfo", service.GetSystemInfoRequest())
    assert refused.code == "UNAUTHENTICATED" and "set aside" in refused.words, refused
    elsewhere.tool("token", "resume", "--all", "--data", elsewhere.data)
    time.sleep(1.1)
    assert elsewhere.caller(admin).call("GetSystemInfo", service.GetSystemInfoRequest()).ok


# Between namespaces.


def handles(namespace: str) -> list[tuple[str, Any]]:
    """Each call that names something by a handle, as a caller of `namespace` makes it of what is in namespace `a`."""
    run = common.WorkflowExecution(workflow_id="w")
    by_id: dict[str, Any] = {"namespace": namespace, "workflow_id": "w", "activity_id": "act"}
    return [
        ("DescribeWorkflowExecution", service.DescribeWorkflowExecutionRequest(namespace=namespace, execution=run)),
        ("GetWorkflowExecutionHistory", service.GetWorkflowExecutionHistoryRequest(namespace=namespace, execution=run)),
        (
            "SignalWorkflowExecution",
            service.SignalWorkflowExecutionRequest(namespace=namespace, workflow_execution=run, signal_name="s"),
        ),
        (
            "RequestCancelWorkflowExecution",
            service.RequestCancelWorkflowExecutionRequest(namespace=namespace, workflow_execution=run),
        ),
        ("TerminateWorkflowExecution", service.TerminateWorkflowExecutionRequest(namespace=namespace, workflow_execution=run)),
        ("DeleteWorkflowExecution", service.DeleteWorkflowExecutionRequest(namespace=namespace, workflow_execution=run)),
        (
            "ResetWorkflowExecution",
            service.ResetWorkflowExecutionRequest(
                namespace=namespace, workflow_execution=run, workflow_task_finish_event_id=4, request_id="r"
            ),
        ),
        ("ResetStickyTaskQueue", service.ResetStickyTaskQueueRequest(namespace=namespace, execution=run)),
        ("QueryWorkflow", service.QueryWorkflowRequest(namespace=namespace, execution=run)),
        (
            "PollWorkflowExecutionUpdate",
            service.PollWorkflowExecutionUpdateRequest(
                namespace=namespace, update_ref=UpdateRef(workflow_execution=run, update_id="u")
            ),
        ),
        ("RespondActivityTaskCompletedById", service.RespondActivityTaskCompletedByIdRequest(**by_id)),
        ("RespondActivityTaskFailedById", service.RespondActivityTaskFailedByIdRequest(**by_id)),
        ("RespondActivityTaskCanceledById", service.RespondActivityTaskCanceledByIdRequest(**by_id)),
        ("RecordActivityTaskHeartbeatById", service.RecordActivityTaskHeartbeatByIdRequest(**by_id)),
        ("PauseActivity", service.PauseActivityRequest(namespace=namespace, execution=run, id="act")),
        ("UnpauseActivity", service.UnpauseActivityRequest(namespace=namespace, execution=run, id="act")),
        ("ResetActivity", service.ResetActivityRequest(namespace=namespace, execution=run, id="act")),
        ("UpdateActivityOptions", service.UpdateActivityOptionsRequest(namespace=namespace, execution=run, id="act")),
        ("DescribeSchedule", service.DescribeScheduleRequest(namespace=namespace, schedule_id="s")),
        ("DescribeBatchOperation", service.DescribeBatchOperationRequest(namespace=namespace, job_id="job")),
        ("StopBatchOperation", service.StopBatchOperationRequest(namespace=namespace, job_id="job", reason="r")),
        ("DescribeWorkerDeployment", service.DescribeWorkerDeploymentRequest(namespace=namespace, deployment_name="d")),
        ("DescribeWorker", service.DescribeWorkerRequest(namespace=namespace, worker_instance_key="k")),
        ("DescribeActivityExecution", service.DescribeActivityExecutionRequest(namespace=namespace, activity_id="alone")),
        ("TerminateActivityExecution", service.TerminateActivityExecutionRequest(namespace=namespace, activity_id="alone")),
    ]


def test_a_handle_of_one_namespace_is_nothing_in_another(serve: Any) -> None:
    """By id, with and without the genuine run id, in the caller's own name and in that of the other namespace."""
    server = serve("--access", "key", "--namespace", "a", "--namespace", "b")
    everybody, stranger = server.caller(server.key("admin", "*")), server.caller(server.key("admin", "b"))
    run_id = server.run(everybody, "w", "a")
    wanted = commands.ScheduleActivityTaskCommandAttributes(
        activity_id="act",
        activity_type=common.ActivityType(name="A"),
        task_queue=taskqueue.TaskQueue(name=QUEUE),
        start_to_close_timeout=Duration(seconds=600),
    )
    schedules = command("schedule_activity_task", schedule_activity_task_command_attributes=wanted)
    token = server.task(everybody, "a").task_token
    done = service.RespondWorkflowTaskCompletedRequest(namespace="a", task_token=token, commands=[schedules])
    assert everybody.call("RespondWorkflowTaskCompleted", done).ok
    poll = service.PollActivityTaskQueueRequest(namespace="a", task_queue=taskqueue.TaskQueue(name=QUEUE))
    assert everybody.call("PollActivityTaskQueue", poll).message.task_token
    before = server.history(everybody, "w", "a")
    for named, refusals in (("a", {"PERMISSION_DENIED"}), ("b", {"NOT_FOUND", "INVALID_ARGUMENT"})):
        for method, request in handles(named):
            refused = stranger.call(method, request)
            assert refused.code in refusals, (named, method, refused)
            for name in ("execution", "workflow_execution"):
                if name in request.DESCRIPTOR.fields_by_name:
                    getattr(request, name).run_id = run_id
            if "run_id" in request.DESCRIPTOR.fields_by_name:
                request.run_id = run_id
            refused = stranger.call(method, request)
            assert refused.code in refusals, (named, method, "with the run id", refused)
    assert server.history(everybody, "w", "a") == before
    assert server.status(everybody, "w", "a") == "RUNNING"


def test_a_worker_s_key_makes_no_schedule(serve: Any) -> None:
    """Registering a workflow with schedules registers it, and says which schedules were not made."""
    server = serve("--access", "key")
    body = registration()
    worker, operator_ = (server.caller(server.key(role, "default")) for role in ("worker", "operator"))
    registered = worker.http("POST", "/v1/workflows/register", body, {"Content-Type": "application/json"})
    assert registered.status == 200, registered
    assert "needs operator" in registered.text and "hourly" in registered.text, registered
    listed = operator_.call("ListSchedules", service.ListSchedulesRequest(namespace="default"))
    assert listed.ok and not listed.message.schedules, listed
    again = operator_.http("POST", "/v1/workflows/register", body, {"Content-Type": "application/json"})
    assert again.status == 200 and "needs operator" not in again.text, again
    listed = operator_.call("ListSchedules", service.ListSchedulesRequest(namespace="default"))
    assert [each.schedule_id for each in listed.message.schedules] == ["hourly"], listed


def registration() -> str:
    """As the official worker registers a workflow with a schedule."""
    schedule = {"schedule_id": "hourly", "input": {}, "cron_expressions": ["0 * * * *"]}
    handlers: dict[str, list[Any]] = {"signals": [], "queries": [], "updates": []}
    spec = {"name": "scheduled", "task_queue": "q", "input_schema": {}, **handlers, "schedules": [schedule]}
    return json.dumps({"definitions": [spec], "deployment_name": "d", "worker_name": "w"})


CALLERS = '[nexus.callers]\nlisted = ["a"]\n'


def endpoint(server: Server, admin: Any, name: str, namespace: str) -> str:
    target = nexus.EndpointTarget(worker=nexus.EndpointTarget.Worker(namespace=namespace, task_queue="nexus"))
    request = operator.CreateNexusEndpointRequest(spec=nexus.EndpointSpec(name=name, target=target))
    made = admin.call("CreateNexusEndpoint", request)
    assert made.ok, made
    return str(made.message.endpoint.id)


def test_a_worker_calls_another_namespace_s_workers_only_where_it_is_listed(serve: Any) -> None:
    server = serve("--access", "key", "--namespace", "a", "--namespace", "b", config=CALLERS)
    admin, worker = server.caller(server.key("admin", "*")), server.caller(server.key("worker", "a"))
    ids = {name: endpoint(server, admin, name, "b") for name in ("listed", "unlisted")}
    endpoint(server, admin, "own", "a")
    for name, code in (("unlisted", "PERMISSION_DENIED"), ("listed", "OK"), ("own", "OK")):
        server.run(admin, f"calls-{name}", "a", queue=name)
        token = server.task(worker, "a", queue=name).task_token
        attributes = commands.ScheduleNexusOperationCommandAttributes(
            endpoint=name, service="bank", operation="transfer", schedule_to_close_timeout=Duration(seconds=60)
        )
        calls = command("schedule_nexus_operation", schedule_nexus_operation_command_attributes=attributes)
        request = service.RespondWorkflowTaskCompletedRequest(namespace="a", task_token=token, commands=[calls])
        done = worker.call("RespondWorkflowTaskCompleted", request)
        assert done.code == code, (name, done)
        assert code == "OK" or "[nexus.callers]" in done.words, done
    operator_ = server.caller(server.key("operator", "a"))
    for name, code in (("unlisted", "PERMISSION_DENIED"), ("listed", "OK")):
        alone = service.StartNexusOperationExecutionRequest(
            namespace="a", operation_id=f"alone-{name}", endpoint=name, service="bank", operation="transfer", request_id=name,
            schedule_to_close_timeout=Duration(seconds=60),
        )  # fmt: skip
        assert operator_.call("StartNexusOperationExecution", alone).code == code, name
    for name, status in (("unlisted", 403), ("listed", 520)):
        path = f"/nexus/endpoints/{ids[name]}/services/bank/transfer"
        asked = operator_.http("POST", path, "{}", {"Content-Type": "application/json", "Request-Timeout": "1s"})
        assert (asked.status == 403) == (status == 403), (name, asked)
